//! `llm_call` and `model_residency`: what a model host is asked.

use super::effects::boolish;
use super::messages::{attachments, insert_system, message, messages, trim};
use super::pins::{Pins, filled, float, natural, positive, put, text};
use super::{Node, Run};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Switches of an `llm_call`'s memory, as pins of their own or as keys of the pin `memory`.
const MEMORY_SWITCHES: [&str; 4] = [
    "use_session_attachments",
    "use_span_memory",
    "use_semantic_search",
    "use_kg_memory",
];
const MEMORY_VALUES: [&str; 7] = [
    "memory_query",
    "memory_scope",
    "recall_level",
    "max_span_messages",
    "kg_max_input_tokens",
    "kg_limit",
    "kg_min_score",
];

impl Run {
    pub(super) fn llm_call(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        match self.model_request(&pins) {
            Ok(payload) => {
                // A call with both a provider and a model shows null before it has answered, any other an empty text.
                let whole = payload.contains_key("provider") && payload.contains_key("model");
                let before = if whole { Value::Null } else { Value::str("") };
                self.request(node, "llm_call", payload, Map::from_iter([("response".into(), before)]))
            }
            Err(message) => self.fail(message),
        }
    }

    fn model_request(&mut self, pins: &Pins) -> Result<Map, String> {
        let prompt = match pins.is_object() {
            true if pins.get("prompt").is_null() => "".into(),
            true => py::str(&pins.get("prompt")).map_err(|e| e.to_string())?,
            false => py::str(&pins.whole).map_err(|e| e.to_string())?,
        };
        let system = pins.given(&["system"]).unwrap_or(Value::str(""));
        let tools = self.tool_specs(&pins.given(&["tools"]).unwrap_or_else(|| pins.config("tools")));
        let include = pins
            .given(&["include_context", "use_context"])
            .unwrap_or_else(|| pins.config_first(&["include_context", "use_context"]));
        let include = boolish(&include);
        let budget = token_limit(pins, ["max_in_tokens", "max_input_tokens", "maxInputTokens"]);
        let provider = choice(pins, "provider", "provider_text");
        let model = choice(pins, "model", "model_text");
        let both = provider.is_some() && model.is_some();
        let schema = response_schema(&pins.given(&["resp_schema", "response_schema"]).unwrap_or_default())?;

        let mut payload = Map::default();
        put(&mut payload, "prompt", Value::Str(prompt.clone()));
        put(&mut payload, "system_prompt", system.clone());
        put(&mut payload, "tools", tools);
        put(&mut payload, "params", Value::dict(parameters(pins)?));
        put(&mut payload, "provider", provider);
        put(&mut payload, "model", model);
        put(&mut payload, "include_context", Value::Bool(include));
        payload.extend(memory(pins));
        put(&mut payload, "turn_id", text(&pins.get("turn_id")));
        put(
            &mut payload,
            "output",
            pins.given(&["output", "outputs"])
                .or_else(|| pins.config_given(&["output", "outputs"])),
        );
        if both {
            put(&mut payload, "max_input_tokens", budget.clone());
        }
        if let Some(schema) = schema {
            put(&mut payload, "response_schema", schema);
            put(&mut payload, "response_schema_name", Value::str("LLM_StructuredOutput"));
            if boolish(&pins.config("structured_output_fallback")) {
                put(&mut payload, "structured_output_fallback", Value::Bool(true));
            }
        }
        let mut conversation = None;
        // A context of the call's own counts only beside a provider and a model.
        if both && let Value::Dict(context) = pins.get("context") {
            put(
                &mut payload,
                "media",
                context.get("attachments").and_then(|a| attachments(&a)).map(Value::list),
            );
            conversation = Some(messages(Some(&context))).filter(|m| !m.is_empty());
        }
        check_memory(&payload)?;
        if let Some(Value::Bool(listed)) = payload.get("use_session_attachments").cloned()
            && let Some(Value::Dict(params)) = payload.get("params")
        {
            params.set("include_session_attachments_index", Value::Bool(listed));
        }
        let mut limit = budget.filter(|_| both);
        if include && conversation.is_none() {
            conversation = Some(self.active_messages());
            limit = limit.or_else(|| positive(&self.limit("max_input_tokens")));
        }
        if let Some(mut conversation) = conversation {
            insert_system(&mut conversation, system.as_str().unwrap_or_default());
            conversation.push(message("user", Value::Str(prompt)));
            if let Some(limit) = limit {
                conversation = trim(conversation, &limit);
            }
            payload.shift_remove("prompt");
            payload.shift_remove("system_prompt");
            put(
                &mut payload,
                "messages",
                Value::list(conversation.into_iter().map(Value::Dict).collect()),
            );
        }
        if include && !payload.contains_key("media") {
            put(&mut payload, "media", self.active_attachments());
        }
        Ok(payload)
    }

    /// What the model is told of its tools: specs as they are given, names looked up among the host's tools; unknown ones are
    /// dropped.
    fn tool_specs(&self, given: &Value) -> Value {
        let Value::List(given) = given else {
            return Value::list(Vec::new());
        };
        let given = given.borrow();
        if !given.is_empty() && given.iter().all(|tool| matches!(tool, Value::Dict(_))) {
            return Value::list(given.iter().filter_map(tool_spec).collect());
        }
        let known = self.world.host.as_dict().and_then(|host| host.get("tools"));
        let known: Vec<Value> = match &known {
            Some(Value::List(known)) => known.borrow().iter().filter_map(tool_spec).collect(),
            _ => Vec::new(),
        };
        let named = |name: &Value| {
            let name = text(name)?;
            // Of two tools with one name the later counts.
            let is_it = |tool: &&Value| {
                tool.as_dict()
                    .and_then(|t| t.get("name"))
                    .is_some_and(|n| n.as_str() == name.as_str())
            };
            known.iter().rev().find(is_it).cloned()
        };
        Value::list(given.iter().filter_map(named).collect())
    }

    pub(super) fn model_residency(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let operation = match pins.set_text(&["operation"], "list_loaded") {
            Ok(operation) => text(&Value::str(operation)).unwrap_or(Value::str("list_loaded")),
            Err(e) => return self.fail(e.to_string()),
        };
        let mut payload = Map::default();
        put(&mut payload, "operation", operation);
        put(&mut payload, "task", text(&pins.set(&["task"])));
        put(&mut payload, "provider", text(&pins.set(&["provider"])));
        put(&mut payload, "model", text(&pins.set(&["model"])));
        put(&mut payload, "runtime_id", text(&pins.set(&["runtime_id", "runtimeId"])));
        put(&mut payload, "base_url", text(&pins.set(&["base_url", "baseUrl"])));
        put(
            &mut payload,
            "provider_api_key",
            text(&pins.set(&["provider_api_key", "api_key", "apiKey"])),
        );
        put(
            &mut payload,
            "timeout_s",
            float(&pins.set(&["timeout_s", "timeout", "timeoutS"])),
        );
        put(
            &mut payload,
            "options",
            pins.set(&["options"]).as_dict().map(|d| Value::Dict(d.shallow_copy())),
        );
        put(&mut payload, "pin", pins.switch(&["pin"], true));
        put(&mut payload, "required", pins.switch(&["required"], false));
        put(
            &mut payload,
            "cache_policy",
            text(&pins.set(&["cache_policy", "cachePolicy"])),
        );
        let none = || Value::list(Vec::new());
        let beside = Map::from_iter([
            ("ok".into(), Value::Null),
            ("success".into(), Value::Null),
            ("affected_models".into(), none()),
            ("models".into(), none()),
            ("error".into(), Value::str("")),
            ("warnings".into(), none()),
            ("result".into(), Value::Null),
        ]);
        self.request(node, "model_residency", payload, beside)
    }
}

/// Recall before a call needs effects of its own, which this version does not make: asking for it must not be ignored.
fn check_memory(payload: &Map) -> Result<(), String> {
    match ["use_span_memory", "use_kg_memory"]
        .into_iter()
        .find(|key| matches!(payload.get(*key), Some(Value::Bool(true))))
    {
        Some(key) => Err(format!("llm_call: {key} is not supported by this version")),
        None => Ok(()),
    }
}

/// The sampling parameters of a call.
fn parameters(pins: &Pins) -> Result<Map, String> {
    let wired = pins.get("temperature");
    let wired = Some(wired)
        .filter(|t| !matches!(t, Value::Bool(_)))
        .and_then(|t| py::to_float(&t).ok());
    let temperature = match wired {
        Some(temperature) => temperature,
        None => {
            let configured = pins.config_given(&["temperature"]).unwrap_or(Value::Float(0.7));
            py::to_float(&configured).map_err(|e| e.to_string())?
        }
    };
    let seed = pins.given(&["seed"]).unwrap_or_else(|| pins.config("seed"));
    let thinking = pins.given(&["thinking"]).unwrap_or_else(|| pins.config("thinking"));
    let thinking = if matches!(thinking, Value::Bool(_)) {
        Some(thinking)
    } else {
        text(&thinking)
    };
    let speculation = Some(pins.get("speculation"))
        .filter(|s| !s.is_null())
        .unwrap_or_else(|| pins.config("speculation"));
    let output_limit = token_limit(pins, ["max_out_tokens", "max_output_tokens", "maxOutputTokens"]);
    let binding = pins.get("prompt_cache_binding");
    let mut params = Map::from_iter([("temperature".into(), Value::Float(temperature))]);
    put(&mut params, "seed", natural(&seed));
    put(&mut params, "thinking", thinking);
    put(&mut params, "speculation", Some(speculation).filter(|s| !s.is_null()));
    put(&mut params, "max_output_tokens", output_limit);
    put(
        &mut params,
        "prompt_cache_binding",
        filled(&binding).or_else(|| text(&binding)),
    );
    Ok(params)
}

/// A number of tokens: the first of the pins that is there, or one of the configuration.
fn token_limit(pins: &Pins, keys: [&str; 3]) -> Option<Value> {
    let given = pins.given(&keys).filter(|v| !v.is_null());
    positive(&given.unwrap_or_else(|| pins.config_first(&keys[1..])))
}

/// A provider or model: text from a pin, even empty, else the configuration. None: the host's own choice.
fn choice(pins: &Pins, pin: &str, text_pin: &str) -> Option<Value> {
    let text = |key| Some(pins.get(key)).filter(|v| v.as_str().is_some());
    Some(text(pin).or_else(|| text(text_pin)).unwrap_or_else(|| pins.config(pin))).filter(py::truthy)
}

/// The memory settings of a call: pins win over keys of the pin `memory`.
fn memory(pins: &Pins) -> Map {
    let object = pins.get("memory");
    let setting = |key: &str| {
        if pins.has(key) {
            Some(pins.get(key))
        } else {
            object.as_dict().and_then(|m| m.get(key)).filter(|v| !v.is_null())
        }
    };
    let mut settings = Map::default();
    for key in MEMORY_SWITCHES {
        put(&mut settings, key, setting(key).map(|v| Value::Bool(boolish(&v))));
    }
    for key in MEMORY_VALUES {
        put(&mut settings, key, setting(key));
    }
    settings
}

/// A JSON schema for the answer, out of the wrapper that some providers use.
fn response_schema(given: &Value) -> Result<Option<Value>, String> {
    let Value::Dict(given) = given else { return Ok(None) };
    let wrapped = given
        .get("json_schema")
        .filter(|_| given.get("type").is_some_and(|t| t.as_str() == Some("json_schema")));
    let schema = match wrapped {
        Some(Value::Dict(wrapper)) => wrapper.get("schema").unwrap_or_default(),
        _ => Value::Dict(given.clone()),
    };
    let Some(schema) = filled(&schema) else { return Ok(None) };
    let reference = schema.as_dict().and_then(|s| s.get("$ref"));
    match reference.as_ref().and_then(Value::as_str) {
        Some(name) if py::chars::strip(name).starts_with("abstractsemantics:") => {
            Err(format!("Unknown structured-output schema ref: {name}"))
        }
        _ => Ok(Some(schema)),
    }
}

/// Name, description and parameters of a tool; none without a name.
fn tool_spec(tool: &Value) -> Option<Value> {
    let tool: &Dict = tool.as_dict()?;
    let name = text(&tool.get("name")?)?;
    let description = tool
        .get("description")
        .filter(py::truthy)
        .and_then(|d| py::str(&d).ok())
        .unwrap_or_default();
    let parameters = tool
        .get("parameters")
        .and_then(|p| p.as_dict().map(Dict::shallow_copy))
        .unwrap_or_default();
    Some(Value::dict(Map::from_iter([
        ("name".into(), name),
        ("description".into(), Value::Str(description)),
        ("parameters".into(), Value::Dict(parameters)),
    ])))
}
