//! `llm_call` and `model_residency`: what a model host is asked.

use super::effects::boolish;
use super::messages::{attachments, insert_system, is_system, message, messages, trim};
use super::pins::{Pins, filled, float, natural, positive, put, text, whole};
use super::recall::{Question, Recall};
use super::{Node, Run, child};
use crate::json::{Style, write_styled};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Switches of an `llm_call`'s memory, as pins of their own or as keys of the pin `memory`.
pub(super) const MEMORY_SWITCHES: [&str; 4] = [
    "use_session_attachments",
    "use_span_memory",
    "use_semantic_search",
    "use_kg_memory",
];
pub(super) const MEMORY_VALUES: [&str; 7] = [
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
        match self.model_request(node, &pins) {
            Ok(Planned::Recall(question)) => self.request_recall(node, question),
            Ok(Planned::Call(payload)) => {
                // A call with both a provider and a model shows null before it has answered, any other an empty text.
                let whole = payload.contains_key("provider") && payload.contains_key("model");
                let before = if whole { Value::Null } else { Value::str("") };
                self.request(node, "llm_call", payload, Map::from_iter([("response".into(), before)]))
            }
            Err(message) => self.fail(message),
        }
    }

    fn model_request(&mut self, node: Node, pins: &Pins) -> Result<Planned, String> {
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
        put(&mut payload, "prompt", Value::Str(prompt));
        put(&mut payload, "system_prompt", system);
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
        // A context of the call's own counts only beside a provider and a model.
        if both && let Value::Dict(context) = pins.get("context") {
            put(
                &mut payload,
                "media",
                context.get("attachments").and_then(|a| attachments(&a)).map(Value::list),
            );
            let own = messages(Some(&context));
            if !own.is_empty() {
                converse(&mut payload, own, budget.as_ref());
            }
        }
        let recall = recall(&payload);
        if let Some(question) = self.recall_for_call(node, &recall, &payload) {
            return Ok(Planned::Recall(question));
        }
        if let Some(Value::Bool(listed)) = payload.get("use_session_attachments").cloned()
            && let Some(Value::Dict(params)) = payload.get("params")
        {
            params.set("include_session_attachments_index", Value::Bool(listed));
        }
        let budget = budget.filter(|_| both);
        if recall.graph
            && let Some(found) = self.graph_text(node)
        {
            show_findings(&mut payload, &found);
        }
        if recall.spans && !include && !payload.contains_key("messages") {
            let recalled = self.span_messages(node);
            if !recalled.is_empty() {
                let system = payload.shift_remove("system_prompt").and_then(|s| text(&s));
                let conversation = system.map(|s| message("system", s)).into_iter().chain(recalled);
                converse(&mut payload, conversation.collect(), budget.as_ref());
            }
        }
        if include && !payload.contains_key("messages") {
            let limit = budget.or_else(|| positive(&self.limit("max_input_tokens")));
            converse(&mut payload, self.active_messages(), limit.as_ref());
        }
        if include && !payload.contains_key("media") {
            put(&mut payload, "media", self.active_attachments());
        }
        Ok(Planned::Call(payload))
    }

    /// What a call asks the memory first. Answers to another call of this node are forgotten.
    fn recall_for_call(&self, node: Node, recall: &Recall, payload: &Map) -> Option<Question> {
        let wanted = recall.spans || recall.graph || recall.semantic;
        if !wanted && !self.has_recalled(node) {
            return None;
        }
        let answers = self.recalled(node);
        let fingerprint = Value::str(fingerprint(payload, recall));
        let known = child(&answers, "_meta").get("fingerprint");
        if known.as_ref().and_then(Value::as_str) != fingerprint.as_str() {
            answers.borrow_mut().clear();
            child(&answers, "_meta").set("fingerprint", fingerprint);
        }
        self.next_question(node, recall)
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

/// What a visit of a model node comes to.
enum Planned {
    Call(Map),
    Recall(Question),
}

/// Puts a call's system text and prompt into a conversation, which then stands in for them.
fn converse(payload: &mut Map, mut conversation: Vec<Dict>, limit: Option<&Value>) {
    let system = payload.shift_remove("system_prompt").unwrap_or_default();
    let prompt = payload.shift_remove("prompt").unwrap_or_default();
    insert_system(&mut conversation, system.as_str().unwrap_or_default());
    conversation.push(message("user", prompt));
    if let Some(limit) = limit {
        conversation = trim(conversation, limit);
    }
    let conversation = conversation.into_iter().map(Value::Dict).collect();
    put(payload, "messages", Value::list(conversation));
}

/// Shows the graph's findings to the model: behind the system text, or as a system message of a conversation that has none yet.
fn show_findings(payload: &mut Map, found: &Value) {
    let found = found.as_str().unwrap_or_default();
    let Some(Value::List(conversation)) = payload.get("messages").cloned() else {
        let system = payload.get("system_prompt").and_then(text);
        let both = match system.as_ref().and_then(Value::as_str) {
            Some(system) => format!("{system}\n\n{found}"),
            None => found.to_owned(),
        };
        return put(payload, "system_prompt", Value::str(both));
    };
    let mut conversation: Vec<Dict> = conversation.borrow().iter().filter_map(|m| m.as_dict().cloned()).collect();
    let shows_findings = |m: &Dict| {
        let content = m.get("content");
        is_system(m) && content.is_some_and(|c| c.as_str().is_some_and(|c| c.contains("## KG ACTIVE MEMORY")))
    };
    if !conversation.iter().any(shows_findings) {
        insert_system(&mut conversation, found);
        let conversation = conversation.into_iter().map(Value::Dict).collect();
        put(payload, "messages", Value::list(conversation));
    }
}

/// What a call's memory settings ask for. Without a query of its own the call's prompt is searched for.
fn recall(payload: &Map) -> Recall {
    let get = |key: &str| payload.get(key).cloned().unwrap_or_default();
    let is_on = |key: &str| matches!(get(key), Value::Bool(true));
    let filled = |key: &str| text(&get(key)).map(|t| t.as_str().unwrap_or_default().to_owned());
    let said = || {
        let messages = get("messages");
        let messages = messages.as_list()?.borrow().clone();
        let by_user = |m: &&Dict| m.get("role").is_some_and(|role| role.as_str() == Some("user"));
        let texts = messages.iter().rev().filter_map(Value::as_dict).filter(by_user);
        let mut texts = texts.filter_map(|m| text(&m.get("content")?));
        texts.next().map(|t| t.as_str().unwrap_or_default().to_owned())
    };
    Recall {
        spans: is_on("use_span_memory"),
        graph: is_on("use_kg_memory"),
        semantic: is_on("use_semantic_search"),
        query: filled("memory_query")
            .or_else(|| filled("prompt"))
            .or_else(said)
            .unwrap_or_default(),
        scope: filled("memory_scope").unwrap_or_else(|| "run".to_owned()),
        level: filled("recall_level").unwrap_or_default(),
        span_messages: whole(&get("max_span_messages")),
        graph_tokens: whole(&get("kg_max_input_tokens")),
        graph_limit: whole(&get("kg_limit")),
        graph_score: float(&get("kg_min_score")),
        model: filled("model").unwrap_or_default(),
    }
}

/// What makes a call another one for its recall.
fn fingerprint(payload: &Map, recall: &Recall) -> String {
    let said = ["prompt", "system_prompt", "provider", "model"];
    let parts = said.iter().chain(&MEMORY_SWITCHES).chain(&MEMORY_VALUES[3..]);
    let parts = parts.map(|key| payload.get(*key).cloned().unwrap_or_default());
    let read = [&recall.query, &recall.scope, &recall.level].map(|text| Value::str(text.as_str()));
    let parts = parts.chain(read);
    let mut shown = String::new();
    // What cannot be written is compared as far as it was written.
    let _ = write_styled(&mut shown, &Value::list(parts.collect()), &Style::COMPACT);
    super::tool_effects::digest(&shown)
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
pub(super) fn response_schema(given: &Value) -> Result<Option<Value>, String> {
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
