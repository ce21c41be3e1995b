//! What an agent node is told: its pins, beneath them its configuration, beneath that the host's own provider and model.

use super::super::Run;
use super::super::effects::boolish;
use super::super::model_effects::{MEMORY_SWITCHES, MEMORY_VALUES, response_schema};
use super::super::pins::{filled, float, text, whole};
use super::{map, shown, stripped};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Of sampling when nobody says otherwise: it is not worth telling a child.
pub(super) const TEMPERATURE: f64 = 0.7;

pub(super) struct Settings {
    /// The pins by their plain names.
    inputs: Dict,
    pub provider: String,
    pub model: String,
    pub task: String,
    pub context: Dict,
    pub system: String,
    pub tools: Vec<Value>,
    pub include_context: bool,
    pub max_iterations: Option<Value>,
    pub max_input_tokens: Option<Value>,
    pub max_output_tokens: Option<Value>,
    pub temperature: f64,
    pub seed: Option<Value>,
    pub thinking: Option<Value>,
    pub speculation: Option<Value>,
    pub prompt_cache_binding: Option<Value>,
    /// The form that the answer is to be put into.
    pub schema: Option<Value>,
}

impl Settings {
    /// A switch of the memory: none when no pin names it.
    pub fn switch(&self, pin: &str) -> Option<bool> {
        self.inputs.get(pin).map(|value| py::truthy(&value))
    }

    pub fn is_on(&self, pin: &str) -> bool {
        self.switch(pin) == Some(true)
    }

    /// The text of a pin without space around it; empty for what counts as unset.
    pub fn word(&self, pin: &str) -> String {
        let value = self.inputs.get(pin).filter(py::truthy);
        value.map(|value| stripped(&shown(&value))).unwrap_or_default()
    }

    pub fn whole(&self, pin: &str) -> Option<Value> {
        whole(&self.inputs.get(pin).unwrap_or_default())
    }

    pub fn float(&self, pin: &str) -> Option<Value> {
        float(&self.inputs.get(pin).unwrap_or_default())
    }

    /// What the pin `context` holds beside the task and the messages.
    pub fn context_extra(&self) -> Map {
        let context = self.context.borrow();
        let extra = context.iter().filter(|(key, _)| !matches!(&***key, "task" | "messages"));
        extra.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The pins of a visit by their plain names, as they are kept for its later phases. A schema that cannot be found takes all of
/// them away, as an input that cannot be resolved does.
pub(super) fn inputs(input: &Value, config: &Dict) -> Map {
    let Value::Dict(pins) = input else {
        return map([
            ("task", Value::str(shown(input))),
            ("context", Value::dict(Map::default())),
            ("tools", names(&config.get("tools").unwrap_or_default())),
        ]);
    };
    let get = |pin: &str| pins.get(pin).unwrap_or_default();
    let first = |keys: &[&str]| keys.iter().find_map(|key| pins.get(key));
    let task = Some(get("prompt")).filter(|task| !task.is_null());
    let text_of = |pin: &str| Some(get(pin)).filter(|v| v.as_str().is_some()).unwrap_or_default();
    let system = match get("system") {
        system if py::truthy(&system) => Value::str(shown(&system)),
        _ => Value::str(""),
    };
    let mut out = map([
        ("task", Value::str(task.map(|task| shown(&task)).unwrap_or_default())),
        ("context", Value::Dict(get("context").as_dict().cloned().unwrap_or_default())),
        ("provider", text_of("provider")),
        ("model", text_of("model")),
        ("system", system),
        (
            "tools",
            names(&first(&["tools"]).unwrap_or_else(|| config.get("tools").unwrap_or_default())),
        ),
    ]);
    let mut put = |key: &str, value: Option<Value>| super::super::pins::put(&mut out, key, value);
    put("max_iterations", first(&["max_iterations"]));
    put(
        "max_input_tokens",
        first(&["max_in_tokens", "max_input_tokens", "maxInputTokens"]),
    );
    put(
        "max_output_tokens",
        first(&["max_out_tokens", "max_output_tokens", "maxOutputTokens"]),
    );
    for pin in ["temperature", "seed", "thinking", "speculation"] {
        put(pin, pins.get(pin));
    }
    put(
        "prompt_cache_binding",
        pins.get("prompt_cache_binding").and_then(|b| binding(&b)),
    );
    match response_schema(&first(&["resp_schema", "response_schema"]).unwrap_or_default()) {
        Ok(schema) => put("response_schema", schema),
        Err(_) => return Map::default(),
    }
    let include = first(&["include_context", "use_context"]);
    put("include_context", include.map(|v| Value::Bool(boolish(&v))));
    let memory = get("memory");
    let setting = |key: &str| match pins.get(key) {
        Some(own) => Some(own),
        None => memory.as_dict().and_then(|m| m.get(key)).filter(|v| !v.is_null()),
    };
    for key in MEMORY_SWITCHES {
        put(key, setting(key).map(|v| Value::Bool(boolish(&v))));
    }
    for key in MEMORY_VALUES {
        put(key, setting(key));
    }
    out
}

impl Run {
    pub(super) fn agent_settings(&self, inputs: &Dict, config: &Dict) -> Settings {
        let get = |key: &str| inputs.get(key).unwrap_or_default();
        // A pin that is there counts, even if it says nothing.
        let given = |key: &str| inputs.get(key).or_else(|| config.get(key)).unwrap_or_default();
        let positive = |key: &str| {
            let above_zero = |n: &Value| matches!(n, Value::Int(n) if *n > 0) || matches!(n, Value::Big(_));
            let read = |value: Value| whole(&value).filter(above_zero);
            read(get(key)).or_else(|| read(config.get(key).unwrap_or_default()))
        };
        let (provider, model) = self.agent_model(inputs, config);
        let include = match inputs.get("include_context") {
            Some(include) => py::truthy(&include),
            None => ["include_context", "use_context"]
                .into_iter()
                .find_map(|key| config.get(key).filter(|v| !v.is_null()))
                .is_some_and(|v| py::truthy(&v)),
        };
        let temperature = match given("temperature") {
            Value::Null | Value::Bool(_) => TEMPERATURE,
            other => py::to_float(&other).unwrap_or(TEMPERATURE),
        };
        let thinking = match given("thinking") {
            flag @ Value::Bool(_) => Some(flag),
            other => text(&other),
        };
        let speculation = Some(get("speculation")).filter(|s| !s.is_null());
        let schema = filled(&get("response_schema")).or_else(|| {
            let output = config.get("outputSchema")?;
            let output = output.as_dict()?;
            let wanted = output.get("enabled").is_some_and(|on| py::truthy(&on));
            filled(&output.get("jsonSchema")?).filter(|_| wanted)
        });
        Settings {
            provider,
            model,
            task: Some(get("task")).filter(py::truthy).map(|t| shown(&t)).unwrap_or_default(),
            context: get("context").as_dict().cloned().unwrap_or_default(),
            system: get("system").as_str().unwrap_or_default().to_owned(),
            tools: match names(&given("tools")) {
                Value::List(names) => names.borrow().clone(),
                _ => Vec::new(),
            },
            include_context: include,
            max_iterations: positive("max_iterations"),
            max_input_tokens: positive("max_input_tokens"),
            max_output_tokens: positive("max_output_tokens"),
            temperature,
            seed: super::super::pins::natural(&given("seed")),
            thinking,
            speculation: speculation.or_else(|| config.get("speculation").filter(|s| !s.is_null())),
            prompt_cache_binding: binding(&given("prompt_cache_binding")),
            schema,
            inputs: inputs.clone(),
        }
    }

    /// Provider and model: the node's, and what it leaves open the host's for this run.
    fn agent_model(&self, inputs: &Dict, config: &Dict) -> (String, String) {
        let of = |key: &str| {
            let own = inputs.get(key).and_then(|v| text(&v));
            let own = own.or_else(|| config.get(key).and_then(|v| text(&v)));
            own.map(|v| shown(&v)).unwrap_or_default()
        };
        let is_marker = |text: &str| {
            matches!(
                text.to_lowercase().as_str(),
                "default" | "__default__" | "__abstractcore_default__" | "abstractcore.default"
            )
        };
        let (mut provider, mut model) = (of("provider").to_lowercase(), of("model"));
        let asked = is_marker(&provider) || is_marker(&model);
        for name in [&mut provider, &mut model] {
            if is_marker(name) {
                name.clear();
            }
        }
        let host = |key: &str| {
            let runtime = self.runtime_setting(key).and_then(|v| text(&v));
            runtime.map(|v| shown(&v)).unwrap_or_default()
        };
        let (host_provider, host_model) = (host("provider").to_lowercase(), host("model"));
        let mut fell_back = false;
        if provider.is_empty() && !host_provider.is_empty() {
            provider.clone_from(&host_provider);
            fell_back = true;
        }
        if model.is_empty() && !host_model.is_empty() && (provider.is_empty() || provider == host_provider) {
            model = host_model;
            fell_back = true;
        }
        if fell_back && !asked {
            self.flow_warning("#FALLBACK: missing provider/model; using runtime defaults");
        }
        (provider, model)
    }

    /// A key of `_runtime`, which is the host's unless the flow has its own.
    pub(in crate::engine) fn runtime_setting(&self, key: &str) -> Option<Value> {
        let of = |vars: &Dict| vars.get("_runtime")?.as_dict()?.get(key);
        of(&self.vars).or_else(|| of(&self.host_vars))
    }
}

/// Texts of a list, or a text alone, without space around them, each once.
fn names(value: &Value) -> Value {
    let given = match value {
        Value::List(list) => list.borrow().clone(),
        one => vec![one.clone()],
    };
    let mut names: Vec<Value> = Vec::new();
    for name in given.iter().filter_map(text) {
        if !names.iter().any(|known| known.as_str() == name.as_str()) {
            names.push(name);
        }
    }
    Value::list(names)
}

fn binding(value: &Value) -> Option<Value> {
    filled(value).or_else(|| text(value))
}
