//! What memory nodes show of their results.
//!
//! Notes and spans are answered in the form of a tool's result: `{"results": [{"output", "success", "meta": {…}}]}`.

use super::keep;
use crate::py;
use crate::value::{Dict, Map, Value};

/// What a packed answer of the knowledge graph has beside its items.
const PACKED: [&str; 6] = [
    "packets_version",
    "packets",
    "packed_count",
    "active_memory_text",
    "estimated_tokens",
    "dropped",
];

pub(super) fn map(kind: &str, raw: &Value, record: &mut Map) -> Value {
    let object = raw.as_dict();
    let main = match kind {
        "memory_note" => keep(record, "note_id", span_id(object)),
        "memory_compact" => keep(record, "span_id", span_id(object)),
        "memory_query" => {
            let meta = first(object)
                .and_then(|f| f.get("meta")?.as_dict().cloned())
                .unwrap_or_default();
            record.insert("rendered".into(), rendered(object));
            record.insert("span_ids".into(), list(meta.get("span_ids")));
            keep(record, "results", list(meta.get("matches")))
        }
        "memory_tag" => {
            let success = first(object).is_some_and(|f| matches!(f.get("success"), Some(Value::Bool(true))));
            record.insert("success".into(), Value::Bool(success));
            record.insert("results".into(), list(object.and_then(|o| o.get("results"))));
            keep(record, "rendered", rendered(object))
        }
        "memory_rehydrate" => {
            let absent = [
                ("inserted", Value::Int(0)),
                ("skipped", Value::Int(0)),
                ("artifacts", list(None)),
            ];
            for (pin, absent) in absent {
                record.insert(pin.into(), object.map_or(absent, |o| o.get(pin).unwrap_or_default()));
            }
            raw.clone()
        }
        "memory_kg_assert" => graph("assertion_ids", object, record),
        "memory_kg_query" => {
            for pin in PACKED {
                match object {
                    Some(object) => copy(object, pin, record),
                    None => drop(record.insert(pin.into(), unpacked(pin))),
                }
            }
            if object.is_none() {
                record.shift_remove("packets_version");
            }
            graph("items", object, record)
        }
        "memory_kg_resolve" => graph("candidates", object, record),
        _ => raw.clone(),
    };
    if matches!(kind, "memory_kg_query" | "memory_kg_resolve")
        && let Some(object) = object
    {
        copy(object, "warnings", record);
    }
    record.insert("raw".into(), raw.clone());
    main
}

/// The found things under `pin`, how many they are and whether the store could be asked.
fn graph(pin: &str, object: Option<&Dict>, record: &mut Map) -> Value {
    let get = |key: &str, absent: Value| object.map_or(absent, |o| o.get(key).unwrap_or_default());
    record.insert("count".into(), get("count", Value::Int(0)));
    record.insert("ok".into(), get("ok", Value::Bool(false)));
    keep(record, pin, list(object.and_then(|o| o.get(pin))))
}

/// What stands for a part of a packed answer when there is none.
fn unpacked(pin: &str) -> Value {
    match pin {
        "packets" => list(None),
        "active_memory_text" => Value::str(""),
        _ => Value::Int(0),
    }
}

fn copy(object: &Dict, pin: &str, record: &mut Map) {
    if let Some(value) = object.get(pin) {
        record.insert(pin.into(), value);
    }
}

fn list(value: Option<Value>) -> Value {
    value
        .filter(|v| matches!(v, Value::List(_)))
        .unwrap_or_else(|| Value::list(Vec::new()))
}

fn first(object: Option<&Dict>) -> Option<Dict> {
    let results = object?.get("results")?;
    let results = results.as_list()?.borrow();
    results.first()?.as_dict().cloned()
}

fn rendered(object: Option<&Dict>) -> Value {
    first(object)
        .and_then(|f| f.get("output"))
        .filter(|o| o.as_str().is_some())
        .unwrap_or(Value::str(""))
}

fn span_id(object: Option<&Dict>) -> Value {
    let id = first(object).and_then(|f| f.get("meta")?.as_dict()?.get("span_id"));
    let id = id
        .as_ref()
        .and_then(Value::as_str)
        .map(py::chars::strip)
        .filter(|id| !id.is_empty());
    id.map_or(Value::Null, Value::str)
}
