//! The nodes that build the envelopes of agents: context, meta and scratchpad.

use super::arrays::listed;
use super::{Cx, Result, record};
use crate::py;
use crate::py::chars::strip;
use crate::value::{Map, Value};

/// A shallow copy of an object input, if it is one.
fn object(cx: &Cx<'_>, pin: &str) -> Option<Map> {
    cx.arg(pin).and_then(Value::as_dict).map(|dict| dict.borrow().clone())
}

/// A text input without the space around it, if anything remains.
fn stripped<'a>(cx: &'a Cx<'_>, pin: &str) -> Option<&'a str> {
    cx.arg(pin).and_then(Value::as_str).map(strip).filter(|text| !text.is_empty())
}

fn list(cx: &Cx<'_>, pin: &str) -> Value {
    Value::list(listed(cx.arg(pin)))
}

/// `task` (null is empty, else its text) and the list `messages`, over the members of
/// `context_extra`. As `context`.
pub fn make_context(cx: &mut Cx<'_>) -> Result {
    let mut context = object(cx, "context_extra").unwrap_or_default();
    context.insert("task".into(), Value::Str(cx.text_or_empty("task")?));
    context.insert("messages".into(), list(cx, "messages"));
    Ok(record([("context", Value::dict(context))]))
}

/// The facts about an agent's run that are there and make sense, over the members of `extra`: blank
/// texts, booleans for counts and unreadable numbers are left out. As `meta`.
pub fn make_meta(cx: &mut Cx<'_>) -> Result {
    let mut meta = object(cx, "extra").unwrap_or_default();
    let schema = stripped(cx, "schema").unwrap_or("abstractcode.agent.v1.meta");
    meta.insert("schema".into(), Value::str(schema));
    meta.insert("version".into(), count(cx.arg("version")).unwrap_or(Value::Int(1)));
    let mut put = |pin: &str, value: Option<Value>| {
        if let Some(value) = value {
            meta.insert(pin.into(), value);
        }
    };
    let text = |pin| stripped(cx, pin).map(Value::str);
    put("output_mode", text("output_mode"));
    for pin in ["provider", "model"] {
        let shown = cx.text_or_empty(pin)?;
        put(pin, Some(strip(&shown)).filter(|shown| !shown.is_empty()).map(Value::str));
    }
    put("sub_run_id", text("sub_run_id"));
    for pin in ["iterations", "tool_calls", "tool_results"] {
        put(pin, count(cx.arg(pin)));
    }
    put("finish_reason", text("finish_reason"));
    for pin in ["gen_time", "ttft_ms"] {
        let measured = cx.arg(pin).filter(|value| !matches!(value, Value::Null | Value::Bool(_)));
        put(pin, measured.cloned());
    }
    put("usage", object(cx, "usage").map(Value::dict));
    let trace = object(cx, "trace");
    let trace = trace.or_else(|| text("trace").map(|id| Map::from_iter([("trace_id".into(), id)])));
    put("trace", trace.map(Value::dict));
    if let Some(id) = text("trace_id") {
        let mut trace = meta
            .get("trace")
            .and_then(Value::as_dict)
            .map_or_else(Map::default, |t| t.borrow().clone());
        trace.insert("trace_id".into(), id);
        meta.insert("trace".into(), Value::dict(trace));
    }
    if let Some(warnings) = warnings(cx)? {
        meta.insert("warnings".into(), warnings);
    }
    match cx.arg("debug") {
        None | Some(Value::Null) => {}
        Some(Value::Dict(debug)) => {
            meta.insert("debug".into(), Value::Dict(debug.shallow_copy()));
        }
        Some(other) => {
            meta.insert("debug".into(), other.clone());
        }
    }
    Ok(record([("meta", Value::dict(meta))]))
}

/// A count from a number or numeric text, truncated.
fn count(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::Str(text) => py::truncate(py::parse_float(text)?).ok(),
        number @ (Value::Int(_) | Value::Big(_) | Value::Float(_)) => py::to_int(number).ok(),
        _ => None,
    }
}

/// The texts of the warnings that are not blank; a single text is stripped.
fn warnings(cx: &Cx<'_>) -> Result<Option<Value>> {
    let Some(Value::List(warnings)) = cx.arg("warnings") else {
        return Ok(stripped(cx, "warnings").map(|warning| Value::list(vec![Value::str(warning)])));
    };
    let mut texts = Vec::new();
    for warning in warnings.borrow().iter() {
        let text = py::str(warning)?;
        if !strip(&text).is_empty() {
            texts.push(Value::Str(text));
        }
    }
    Ok(Some(Value::list(texts)))
}

/// What an agent did, with every list there, if only empty. As `scratchpad`.
pub fn make_scratchpad(cx: &mut Cx<'_>) -> Result {
    let mut pad = Map::default();
    for pin in ["sub_run_id", "workflow_id"] {
        if let Some(id) = stripped(cx, pin) {
            pad.insert(pin.into(), Value::str(id));
        }
    }
    pad.insert("task".into(), Value::Str(cx.text_or_empty("task")?));
    pad.insert("messages".into(), list(cx, "messages"));
    if let Some(extra) = object(cx, "context_extra") {
        pad.insert("context_extra".into(), Value::dict(extra));
    }
    pad.insert(
        "node_traces".into(),
        Value::dict(object(cx, "node_traces").unwrap_or_default()),
    );
    for pin in ["steps", "tool_calls", "tool_results"] {
        pad.insert(pin.into(), list(cx, pin));
    }
    Ok(record([("scratchpad", Value::dict(pad))]))
}
