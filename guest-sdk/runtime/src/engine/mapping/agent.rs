//! What an agent node shows of its last visit: mapped from the result and from what the visit kept (`engine/agent`).

use std::rc::Rc;

use crate::engine::agent::{is_offloaded, minified, of_traces, spoken};
use crate::engine::messages::message;
use crate::engine::pins::{put, text};
use crate::py;
use crate::value::{Dict, Map, Value};

pub(super) fn map(id: &str, raw: &Value, bucket: &Dict, read: &[Rc<str>], record: &mut Map) -> Value {
    let object = raw.as_dict().cloned().unwrap_or_default();
    let word = |key: &str| {
        object
            .get(key)
            .and_then(|v| text(&v))
            .or_else(|| bucket.get(key).and_then(|v| text(&v)))
    };
    let scratchpad = bucket
        .get("scratchpad")
        .and_then(|s| s.as_dict().cloned())
        .unwrap_or_else(|| {
            Dict::new(Map::from_iter([
                ("node_id".into(), Value::str(id)),
                ("steps".into(), Value::list(Vec::new())),
            ]))
        });
    let (calls, results) = of_traces(&scratchpad);
    let counts = [("tool_calls", calls.len()), ("tool_results", results.len())];
    let tools = [("tool_calls", Value::list(calls)), ("tool_results", Value::list(results))];

    let mode = bucket.get("output_mode").and_then(|mode| text(&mode));
    let structured = mode.as_ref().and_then(Value::as_str) == Some("structured") && raw.as_dict().is_some();
    let response = if structured {
        Value::str(minified(raw))
    } else {
        let answer = bucket.get("answer").and_then(|a| text(&a));
        let said = || ["result", "response"].iter().find_map(|key| text(&object.get(key)?));
        answer.or_else(said).or_else(|| text(raw)).unwrap_or_else(|| Value::str(""))
    };

    let mut shown: Map = scratchpad.borrow().clone();
    shown.extend(tools.iter().map(|(key, value)| (Rc::from(*key), value.clone())));
    if !matches!(shown.get("messages"), Some(Value::List(_))) {
        shown.insert("messages".into(), transcript(&object, &response));
    }

    let mut meta = Map::from_iter([
        ("schema".into(), Value::str("abstractcode.agent.v1.meta")),
        ("version".into(), Value::Int(1)),
    ]);
    put(&mut meta, "provider", word("provider"));
    put(&mut meta, "model", word("model"));
    put(&mut meta, "sub_run_id", word("sub_run_id"));
    let iterations = object.get("iterations").and_then(|i| count(&i));
    put(
        &mut meta,
        "iterations",
        iterations.or_else(|| bucket.get("iterations").and_then(|i| count(&i))),
    );
    let traces = scratchpad.get("node_traces");
    if traces.as_ref().and_then(Value::as_dict).is_some_and(is_offloaded) {
        let unknown = Value::str("unknown: node traces were offloaded");
        meta.insert("tool_activity".into(), unknown);
    } else {
        meta.extend(counts.map(|(key, count)| (Rc::from(key), Value::Int(count as i64))));
    }
    put(&mut meta, "output_mode", mode);

    let success = object.get("success").or_else(|| bucket.get("success"));
    let success = Value::Bool(success.is_none_or(|s| py::truthy(&s)));
    let (meta, shown) = (Value::dict(meta), Value::dict(shown));
    put(record, "data", structured.then(|| raw.clone()));
    for (key, value) in [
        ("response", &response),
        ("success", &success),
        ("meta", &meta),
        ("scratchpad", &shown),
    ] {
        record.insert(key.into(), value.clone());
    }
    // A pin of old flows; it exists only for its readers.
    if read.iter().any(|pin| &**pin == "result") {
        let has_more = object.borrow().keys().any(|key| &**key != "success");
        let result = if has_more {
            raw.clone()
        } else {
            Value::dict(Map::from_iter([
                ("response".into(), response),
                ("success".into(), success),
                ("meta".into(), meta),
                ("scratchpad".into(), shown),
            ]))
        };
        record.insert("result".into(), result);
    }
    record.extend(tools.map(|(key, value)| (Rc::from(key), value)));
    raw.clone()
}

/// What little is known of a conversation that was not kept.
fn transcript(raw: &Dict, response: &Value) -> Value {
    let kept = raw.get("context").and_then(|context| context.as_dict()?.get("messages"));
    if let Some(Value::List(kept)) = kept.filter(py::truthy) {
        return spoken(&kept);
    }
    let task = raw.get("task").and_then(|task| text(&task));
    let task = task.map(|task| Value::Dict(message("user", task)));
    let said = response.as_str().is_some_and(|said| !said.is_empty());
    let said = said.then(|| Value::Dict(message("assistant", response.clone())));
    Value::list(task.into_iter().chain(said).collect())
}

/// A number as a whole one.
fn count(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Big(_) | Value::Float(_) => py::to_int(value).ok(),
        Value::Str(text) => py::truncate(py::to_float(&Value::Str(text.clone())).ok()?).ok(),
        _ => None,
    }
}
