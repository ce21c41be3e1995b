//! `agent`: a child run of the agent's own workflow, what is recalled before it and what is made of its answer (language
//! section 5.13).
//!
//! A visit goes through phases that are kept at `_temp.agent.<node>`: `init`, in which the memory may be asked; `subworkflow`, the
//! child run; `structured`, a model call that puts the answer into a schema; `done`. The node runs again after each effect. The
//! node never looks into the child: all it knows of it is the outcome `{"sub_run_id", "output", "node_traces"?}`.

mod activity;
mod child_vars;
mod settings;
mod turn;

use self::settings::Settings;
use super::recall::{Recall, add_once};
use super::{Node, Run, child};
use crate::json::{self, Style, write_styled};
use crate::py;
use crate::value::{Dict, List, Map, Value};

pub(super) use activity::{is_offloaded, of_traces};

/// Longest part of a child's error that is shown as the agent's answer, in characters.
const ERROR_HEAD: usize = 300;

impl Run {
    pub(super) fn agent(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let bucket = self.agent_bucket(&self.program.id(node));
        let phase = bucket.get("phase").filter(py::truthy);
        let mut phase = phase.as_ref().and_then(Value::as_str).unwrap_or("init").to_owned();
        // Visited again, in a loop: nothing of the visit before may be taken for this one's.
        if phase == "done" {
            bucket.borrow_mut().clear();
            self.recalled(node).borrow_mut().clear();
            "init".clone_into(&mut phase);
        }
        let config = self
            .config(cfg, "agentConfig")
            .and_then(|c| c.as_dict().cloned())
            .unwrap_or_default();
        let kept = bucket.get("resolved_inputs").and_then(|inputs| inputs.as_dict().cloned());
        let inputs = match kept.filter(|_| phase != "init") {
            Some(inputs) => inputs,
            None => {
                let inputs = Dict::new(settings::inputs(&self.slot(frame), &config));
                bucket.set("resolved_inputs", Value::Dict(inputs.clone()));
                inputs
            }
        };
        bucket.set("phase", Value::str(phase.as_str()));
        let settings = self.agent_settings(&inputs, &config);
        match phase.as_str() {
            "subworkflow" => self.agent_answered(node, cfg, &settings, &bucket),
            "structured" => self.agent_converted(node, &settings, &bucket),
            _ => self.agent_begins(node, cfg, &settings, &bucket),
        }
    }

    pub(super) fn agent_bucket(&self, id: &str) -> Dict {
        child(&child(&self.temp(), "agent"), id)
    }

    fn agent_begins(&mut self, node: Node, cfg: u32, settings: &Settings, bucket: &Dict) -> i32 {
        if settings.provider.is_empty() || settings.model.is_empty() {
            return self.agent_unconfigured(node, settings, bucket);
        }
        let recall = recall(settings);
        if let Some(question) = self.next_question(node, &recall) {
            return self.request_recall(node, question);
        }
        let mut extra = Vec::new();
        let id = self.program.id(node);
        if let Some(found) = self.graph_text(node).filter(|_| recall.graph) {
            let message = super::messages::message("system", found);
            let metadata = [
                ("kind", Value::str("kg_active_memory")),
                ("message_id", Value::str(format!("kg_active_memory:{id}"))),
            ];
            message.set("metadata", record(metadata));
            extra.push(message);
        }
        if recall.spans {
            extra.extend(self.span_messages(node));
        }
        let vars = self.agent_child_vars(settings, &extra);
        bucket.set("phase", Value::str("subworkflow"));
        let payload = [
            ("workflow_id", self.config(cfg, "workflow").unwrap_or_default()),
            ("vars", vars),
            ("async", Value::Bool(true)),
            ("wait", Value::Bool(true)),
            ("include_traces", Value::Bool(true)),
        ];
        self.request_step(node, "start_subworkflow", map(payload), format!("_temp.agent.{id}.sub"))
    }

    /// Neither the node nor the host says which model: the flow goes on with an answer that says so.
    fn agent_unconfigured(&mut self, node: Node, settings: &Settings, bucket: &Dict) -> i32 {
        let id = self.program.id(node);
        self.vars
            .set("_flow_error", Value::str("Agent node missing provider/model configuration"));
        self.vars.set("_flow_error_node", Value::Str(id.clone()));
        let response = Value::str("Agent configuration error: missing provider/model");
        let known = |text: &str| Value::str(if text.is_empty() { "unknown" } else { text });
        let (provider, model) = (known(&settings.provider), known(&settings.model));
        let result = map([
            ("response", response.clone()),
            ("task", Value::str(settings.task.as_str())),
            ("context", Value::Dict(settings.context.clone())),
            ("success", Value::Bool(false)),
            ("error", Value::str("missing provider/model")),
            ("provider", provider.clone()),
            ("model", model.clone()),
        ]);
        let none = || Value::list(Vec::new());
        let scratchpad = record([
            ("node_id", Value::Str(id)),
            ("steps", none()),
            ("tool_calls", none()),
            ("tool_results", none()),
        ]);
        let mut meta = meta(None, &provider, &model);
        meta.extend(map([("tool_calls", Value::Int(0)), ("tool_results", Value::Int(0))]));
        let ending = map([
            ("response", response),
            ("success", Value::Bool(false)),
            ("meta", Value::dict(meta)),
            ("scratchpad", scratchpad),
        ]);
        self.agent_done(node, bucket, Value::dict(result), ending, (none(), none()))
    }

    fn agent_answered(&mut self, node: Node, cfg: u32, settings: &Settings, bucket: &Dict) -> i32 {
        let sub = bucket.get("sub").and_then(|sub| sub.as_dict().cloned()).unwrap_or_default();
        let sub_run = sub.get("sub_run_id").filter(|id| id.as_str().is_some());
        let output = sub.get("output").and_then(|o| o.as_dict().cloned()).unwrap_or_default();
        let error = output.get("error").filter(|e| !e.is_null()).map(|e| stripped(&shown(&e)));
        let error = error.filter(|e| !e.is_empty());
        let success = !matches!(output.get("success"), Some(Value::Bool(false))) && error.is_none();
        let answer = ["answer", "response"]
            .iter()
            .find_map(|key| output.get(key).filter(py::truthy));
        let mut answer = answer.map(|a| shown(&a)).unwrap_or_default();
        if !success && py::chars::strip(&answer).is_empty() {
            answer = failure(error.as_deref(), sub_run.as_ref().and_then(Value::as_str));
        }

        let traces = sub.get("node_traces").and_then(|t| t.as_dict().cloned()).unwrap_or_default();
        let steps = activity::steps(&traces);
        let (calls, results) = activity::of_steps(&steps);
        let messages = transcript(output.get("messages"), &settings.task, &answer);
        let mut scratchpad = map([
            ("sub_run_id", sub_run.clone().unwrap_or_default()),
            ("workflow_id", self.config(cfg, "workflow").unwrap_or_default()),
            ("task", Value::str(settings.task.as_str())),
            ("messages", messages.clone()),
            ("node_traces", Value::Dict(traces.clone())),
            ("steps", Value::list(steps)),
        ]);
        let extra = settings.context_extra();
        if !extra.is_empty() {
            scratchpad.insert("context_extra".into(), Value::dict(extra));
        }
        let iterations = output.get("iterations").filter(|i| !i.is_null());
        let error = error.map(Value::str);
        let kept = [
            ("scratchpad", Some(Value::dict(scratchpad.clone()))),
            ("messages", Some(messages)),
            ("answer", Some(Value::str(answer.as_str()))),
            ("success", Some(Value::Bool(success))),
            ("provider", Some(Value::str(settings.provider.as_str()))),
            ("model", Some(Value::str(settings.model.as_str()))),
            ("output_mode", Some(Value::str("unstructured"))),
            ("error", error.clone()),
            ("iterations", iterations.clone()),
            ("sub_run_id", sub_run.clone().filter(py::truthy)),
        ];
        for (key, value) in kept {
            if let Some(value) = value {
                bucket.set(key, value);
            }
        }
        if settings.include_context {
            self.keep_agent_turn(node, &settings.task, &answer, sub_run.as_ref(), &calls, &results, bucket);
        }
        if success && let Some(schema) = &settings.schema {
            bucket.set("phase", Value::str("structured"));
            return self.ask_for_structure(node, settings, &answer, schema);
        }

        let mut meta = meta(
            Some("unstructured"),
            &Value::str(settings.provider.as_str()),
            &Value::str(settings.model.as_str()),
        );
        if activity::is_offloaded(&traces) {
            meta.insert("tool_activity".into(), Value::str("unknown: node traces were offloaded"));
        } else {
            meta.insert("tool_calls".into(), Value::Int(calls.len() as i64));
            meta.insert("tool_results".into(), Value::Int(results.len() as i64));
        }
        let said = [
            ("sub_run_id", sub_run.filter(py::truthy)),
            ("iterations", iterations),
            ("error", error.clone()),
        ];
        for (key, value) in said {
            super::pins::put(&mut meta, key, value);
        }
        let mut result = map([("success", Value::Bool(success))]);
        super::pins::put(&mut result, "error", error.clone());
        let tools = (Value::list(calls), Value::list(results));
        scratchpad.extend(map([("tool_calls", tools.0.clone()), ("tool_results", tools.1.clone())]));
        let mut ending = map([
            ("response", Value::str(answer)),
            ("success", Value::Bool(success)),
            ("meta", Value::dict(meta)),
            ("scratchpad", Value::dict(scratchpad)),
        ]);
        super::pins::put(&mut ending, "error", error);
        self.agent_done(node, bucket, Value::dict(result), ending, tools)
    }

    /// Has a model put the answer into the form that the node asks for.
    fn ask_for_structure(&mut self, node: Node, settings: &Settings, answer: &str, schema: &Value) -> i32 {
        let id = self.program.id(node);
        let text = format!(
            "Convert the Agent answer into a JSON object matching the required schema. Return JSON only.\n\nTask:\n{}\n\nAnswer:\n\
             {answer}",
            settings.task
        );
        let message = super::messages::message("user", Value::str(text));
        let mut params = map([("temperature", Value::Float(settings.temperature))]);
        for (key, value) in [
            ("seed", settings.seed.clone()),
            ("thinking", settings.thinking.clone()),
            ("speculation", settings.speculation.clone()),
            ("prompt_cache_binding", settings.prompt_cache_binding.clone()),
        ] {
            super::pins::put(&mut params, key, value);
        }
        let payload = [
            ("messages", Value::list(vec![Value::Dict(message)])),
            ("system_prompt", Value::str(settings.system.as_str())),
            ("provider", Value::str(settings.provider.as_str())),
            ("model", Value::str(settings.model.as_str())),
            ("response_schema", schema.clone()),
            ("response_schema_name", Value::str(format!("Agent_{id}"))),
            ("params", Value::dict(params)),
        ];
        self.request_step(node, "llm_call", map(payload), format!("_temp.agent.{id}.structured"))
    }

    fn agent_converted(&mut self, node: Node, settings: &Settings, bucket: &Dict) -> i32 {
        let response = bucket
            .get("structured")
            .and_then(|r| r.as_dict().cloned())
            .unwrap_or_default();
        let data = match response.get("data") {
            None | Some(Value::Null) => response
                .get("content")
                .and_then(|c| json::parse(c.as_str()?).ok())
                .unwrap_or_default(),
            Some(data) => data,
        };
        let data = if matches!(data, Value::Dict(_)) {
            data
        } else {
            Value::dict(Map::default())
        };
        let scratchpad = bucket
            .get("scratchpad")
            .and_then(|s| s.as_dict().cloned())
            .unwrap_or_default();
        let mut scratchpad = scratchpad.borrow().clone();
        let steps = scratchpad.get("steps").and_then(|s| s.as_list().map(|s| s.borrow().clone()));
        let (calls, results) = activity::of_steps(&steps.unwrap_or_default());
        let mut meta = meta(
            Some("structured"),
            &Value::str(settings.provider.as_str()),
            &Value::str(settings.model.as_str()),
        );
        meta.insert("tool_calls".into(), Value::Int(calls.len() as i64));
        meta.insert("tool_results".into(), Value::Int(results.len() as i64));
        let sub_run = scratchpad.get("sub_run_id").and_then(super::pins::text);
        super::pins::put(&mut meta, "sub_run_id", sub_run);
        let tools = (Value::list(calls), Value::list(results));
        scratchpad.extend(map([("tool_calls", tools.0.clone()), ("tool_results", tools.1.clone())]));
        bucket.set("output_mode", Value::str("structured"));
        let ending = map([
            ("response", Value::str(minified(&data))),
            ("data", data.clone()),
            ("success", Value::Bool(true)),
            ("meta", Value::dict(meta)),
            ("scratchpad", Value::dict(scratchpad)),
        ]);
        self.agent_done(node, bucket, data, ending, tools)
    }

    /// The end of a visit: `result` is what the node's pins are mapped from, `ending` what a run shows that ends here.
    fn agent_done(&mut self, node: Node, bucket: &Dict, result: Value, ending: Map, tools: (Value, Value)) -> i32 {
        let id = self.program.id(node);
        bucket.set("phase", Value::str("done"));
        self.effects.set(id.clone(), result);
        let mut shown = ending.clone();
        shown.extend(map([("tool_calls", tools.0), ("tool_results", tools.1)]));
        self.beside.set(id, Value::dict(shown.clone()));
        self.vars.set("_last_output", Value::dict(shown));
        match self.program.next(node) {
            Some(next) => next as i32,
            None => self.complete(Value::dict(ending)),
        }
    }

    /// Notes something about the run that its author should know, once.
    fn flow_warning(&self, warning: &str) {
        add_once(&self.vars, "_flow_warnings", warning);
    }
}

fn recall(settings: &Settings) -> Recall {
    Recall {
        spans: settings.is_on("use_span_memory"),
        graph: settings.is_on("use_kg_memory"),
        semantic: settings.is_on("use_semantic_search"),
        query: Some(settings.word("memory_query"))
            .filter(|query| !query.is_empty())
            .unwrap_or_else(|| stripped(&settings.task)),
        scope: Some(settings.word("memory_scope").to_lowercase())
            .filter(|scope| !scope.is_empty())
            .unwrap_or_else(|| "run".to_owned()),
        level: settings.word("recall_level").to_lowercase(),
        span_messages: settings.whole("max_span_messages"),
        graph_tokens: settings.whole("kg_max_input_tokens"),
        graph_limit: settings.whole("kg_limit"),
        graph_score: settings.float("kg_min_score"),
        model: settings.model.clone(),
    }
}

fn meta(mode: Option<&str>, provider: &Value, model: &Value) -> Map {
    let mut meta = map([
        ("schema", Value::str("abstractcode.agent.v1.meta")),
        ("version", Value::Int(1)),
    ]);
    super::pins::put(&mut meta, "output_mode", mode.map(Value::str));
    meta.extend(map([("provider", provider.clone()), ("model", model.clone())]));
    meta
}

/// The child's messages; without any, its task and its answer.
fn transcript(messages: Option<Value>, task: &str, answer: &str) -> Value {
    if let Some(Value::List(messages)) = messages {
        return spoken(&messages);
    }
    let said = [("user", task), ("assistant", answer)];
    let said = said.into_iter().filter(|(_, text)| !py::chars::strip(text).is_empty());
    Value::list(
        said.map(|(role, text)| Value::Dict(super::messages::message(role, Value::str(text))))
            .collect(),
    )
}

/// Messages as they are, and anything else as something that the agent said.
pub(super) fn spoken(messages: &List) -> Value {
    let copy = |message: &Value| match message {
        Value::Dict(message) => message.shallow_copy(),
        other => super::messages::message("assistant", Value::str(shown(other))),
    };
    Value::list(messages.borrow().iter().map(|m| Value::Dict(copy(m))).collect())
}

/// What stands for the answer of an agent that gave none: for people, while `meta.error` has the whole text.
fn failure(error: Option<&str>, sub_run: Option<&str>) -> String {
    let details = error.unwrap_or("Agent subworkflow failed before producing a final answer.");
    let run = sub_run
        .filter(|id| !id.is_empty())
        .map(|id| format!(" (run {id})"))
        .unwrap_or_default();
    let lower = details.to_lowercase();
    if let Some(status) = http_status(details) {
        let kind = if status.starts_with('4') {
            "rejected the request"
        } else {
            "failed"
        };
        return format!(
            "The agent stopped because the model provider {kind} (HTTP {}). Full details are in the run ledger{run}.",
            status.trim_start_matches('0')
        );
    }
    if lower.contains("timed out") || lower.contains("timeout") {
        return format!("The agent stopped because the model call timed out. Full details are in the run ledger{run}.");
    }
    let head: String = details.chars().take(ERROR_HEAD).collect();
    let rest = if head.len() < details.len() { "…" } else { "" };
    format!("The agent failed before producing a final answer{run}. Error: {head}{rest}")
}

/// The status in `API error (404)` or, without such, in `Error code: 404`.
fn http_status(text: &str) -> Option<&str> {
    let after = |mark: &str, end: &str| {
        text.match_indices(mark).find_map(|(at, _)| {
            let rest = &text[at + mark.len()..];
            let digits = rest.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            rest[3..].starts_with(end).then_some(digits)
        })
    };
    after("API error (", ")").or_else(|| after("Error code: ", ""))
}

/// A value's text; empty for what has none.
fn shown(value: &Value) -> String {
    py::str(value).map(|text| text.as_ref().to_owned()).unwrap_or_default()
}

fn stripped(text: &str) -> String {
    py::chars::strip(text).to_owned()
}

pub(super) fn minified(value: &Value) -> String {
    let mut out = String::new();
    match write_styled(&mut out, value, &Style::MINIFIED) {
        Ok(()) => out,
        Err(_) => shown(value),
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

fn record<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::dict(map(entries))
}
