//! What nodes that call models show of their results.

use std::rc::Rc;

use super::keep;
use crate::engine::pins::{objects, put, text};
use crate::json::{Style, write_styled};
use crate::py;
use crate::value::{Dict, Map, Value};

/// `read`: the pins among those that exist only for their readers that are read.
pub(super) fn llm_call(raw: &Dict, read: &[Rc<str>], record: &mut Map) -> Value {
    let get = |key: &str| raw.get(key).unwrap_or_default();
    let calls = objects(&get("tool_calls"));
    let count = calls.len() as i64;
    let data = Some(get("data")).filter(|d| matches!(d, Value::Dict(_) | Value::List(_)));
    let response = Value::str(data.as_ref().and_then(minified).unwrap_or_else(|| content(&get("content"))));
    record.insert("response".into(), response.clone());
    put(record, "data", data.clone());
    record.insert("tool_calls".into(), Value::list(calls));
    record.insert("success".into(), Value::Bool(true));
    generated(raw, record);

    let made = ["outputs", "resources"]
        .into_iter()
        .any(|key| raw.get(key).is_some_and(|v| has_items(&v)));
    let mode = match data {
        _ if made => "media",
        Some(_) => "structured",
        None => "unstructured",
    };
    let mut meta = Map::from_iter([
        ("schema".into(), Value::str("abstractflow.llm_call.v1.meta")),
        ("version".into(), Value::Int(1)),
        ("output_mode".into(), Value::str(mode)),
        ("tool_calls".into(), Value::Int(count)),
    ]);
    for key in ["provider", "model", "finish_reason"] {
        put(&mut meta, key, text(&get(key)));
    }
    put(
        &mut meta,
        "usage",
        get("usage").as_dict().map(|u| Value::Dict(u.shallow_copy())),
    );
    let trace = text(&get("trace_id")).or_else(|| text(&get("metadata").as_dict()?.get("trace_id")?));
    put(
        &mut meta,
        "trace",
        trace.map(|id| Value::dict(Map::from_iter([("trace_id".into(), id)]))),
    );
    for key in ["gen_time", "ttft_ms"] {
        put(
            &mut meta,
            key,
            Some(get(key)).filter(|v| !matches!(v, Value::Null | Value::Bool(_))),
        );
    }
    record.insert("meta".into(), Value::dict(meta));
    for pin in read {
        let value = if matches!(&**pin, "result" | "raw") {
            Value::Dict(raw.clone())
        } else {
            get(pin)
        };
        record.insert(pin.clone(), value);
    }
    response
}

/// What was made and the first artifact of it.
fn generated(raw: &Dict, record: &mut Map) {
    for key in ["outputs", "resources"] {
        put(record, key, raw.get(key).filter(|v| matches!(v, Value::Dict(_))));
    }
    if let Some((id, reference)) = first_artifact(raw) {
        record.insert("artifact_id".into(), id);
        record.insert("artifact_ref".into(), reference);
    }
}

fn has_items(made: &Value) -> bool {
    let filled = |items: &Value| items.as_list().is_some_and(|items| !items.borrow().is_empty());
    made.as_dict().is_some_and(|made| made.borrow().values().any(filled))
}

/// Id of and reference to the first artifact of a result: its own, else among `outputs`, else among `resources`.
pub(super) fn first_artifact(raw: &Dict) -> Option<(Value, Value)> {
    if let Some(Value::Dict(reference)) = raw.get("artifact_ref")
        && let Some(found) = of_reference(&reference)
    {
        return Some(found);
    }
    if let Some(id) = raw.get("artifact_id").and_then(|id| text(&id)) {
        return Some((id.clone(), Value::dict(ids(&id))));
    }
    ["outputs", "resources"].into_iter().find_map(|key| {
        let made = raw.get(key)?;
        let made = made.as_dict()?.borrow();
        made.values()
            .find_map(|items| items.as_list()?.borrow().iter().find_map(|item| of_item(item.as_dict()?)))
    })
}

fn of_item(item: &Dict) -> Option<(Value, Value)> {
    if let Some(Value::Dict(reference)) = item.get("artifact_ref")
        && let Some(found) = of_reference(&reference)
    {
        return Some(found);
    }
    let id = text(&first_true(item, &["$artifact", "artifact_id"])?)?;
    let mut reference = ids(&id);
    put(
        &mut reference,
        "content_type",
        item.get("content_type").and_then(|t| text(&t)),
    );
    put(
        &mut reference,
        "size_bytes",
        item.get("size_bytes").filter(|v| !matches!(v, Value::Null | Value::Bool(_))),
    );
    Some((id, Value::dict(reference)))
}

fn of_reference(reference: &Dict) -> Option<(Value, Value)> {
    let id = text(&first_true(reference, &["$artifact", "artifact_id", "id"])?)?;
    let reference = reference.shallow_copy();
    reference.borrow_mut().extend(ids(&id));
    Some((id, Value::Dict(reference)))
}

fn ids(id: &Value) -> Map {
    Map::from_iter([("$artifact".into(), id.clone()), ("artifact_id".into(), id.clone())])
}

fn first_true(object: &Dict, keys: &[&str]) -> Option<Value> {
    keys.iter().find_map(|key| object.get(key).filter(py::truthy))
}

fn minified(value: &Value) -> Option<String> {
    let mut out = String::new();
    write_styled(&mut out, value, &Style::MINIFIED).ok()?;
    Some(out)
}

pub(super) fn content(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => py::str(value).map(|text| text.as_ref().to_owned()).unwrap_or_default(),
    }
}

pub(super) fn residency(raw: &Value, read: &[Rc<str>], record: &mut Map) -> Value {
    let list = |value: Option<Value>| value.filter(|v| matches!(v, Value::List(_)));
    let none = || Value::list(Vec::new());
    let Some(object) = raw.as_dict() else {
        let said = content(raw);
        let error = [
            ("success", Value::Bool(false)),
            ("affected_models", none()),
            ("models", none()),
            ("error", Value::str(said.as_str())),
            ("warnings", Value::list(vec![Value::str(said)])),
        ];
        record.extend(error.map(|(key, value)| (Rc::from(key), value)));
        return keep(record, "result", raw.clone());
    };
    let flag = |key: &str| object.get(key).filter(|v| matches!(v, Value::Bool(_)));
    let error = object.get("error").filter(py::truthy);
    let success = flag("success").or_else(|| flag("ok")).unwrap_or(Value::Bool(error.is_none()));
    let runtime = object.get("runtime").filter(|v| matches!(v, Value::Dict(_)));
    let affected = list(object.get("affected_models"))
        .or_else(|| runtime.clone().map(|runtime| Value::list(vec![runtime])))
        .or_else(|| list(object.get("models")))
        .unwrap_or_else(none);
    record.insert("success".into(), success);
    record.insert(
        "models".into(),
        list(object.get("models")).unwrap_or_else(|| affected.clone()),
    );
    record.insert("affected_models".into(), affected);
    record.insert("error".into(), Value::str(error.map(|e| content(&e)).unwrap_or_default()));
    record.insert("warnings".into(), list(object.get("warnings")).unwrap_or_else(none));
    for pin in read {
        match &**pin {
            "runtime" => put(record, pin, runtime.clone()),
            _ => put(record, pin, object.get(pin).unwrap_or_default()),
        }
    }
    keep(record, "result", raw.clone())
}
