//! What nodes that call tools show of `{"mode", "results": [{"call_id", "name", "success", "output", "error"}]}`.

use super::keep;
use crate::py;
use crate::value::{Dict, Map, Value};

pub(super) fn all(raw: &Dict, record: &mut Map) -> Value {
    let results = results(raw);
    let success = unfinished(raw).is_none() && results.iter().all(|r| r.as_dict().is_some_and(succeeded));
    record.insert("results".into(), Value::list(results.clone()));
    record.insert("success".into(), Value::Bool(success));
    record.insert("raw".into(), Value::Dict(raw.clone()));
    record.get("results").cloned().unwrap_or_default()
}

/// The one result of a node that makes one call.
pub(super) fn one(raw: &Dict, record: &mut Map) -> Value {
    let first = results(raw).into_iter().next();
    let (success, result) = match (unfinished(raw), first) {
        (Some(mode), _) => (false, Value::str(format!("Tool execution not completed (mode={mode})"))),
        (None, Some(Value::Dict(first))) if succeeded(&first) => (true, first.get("output").unwrap_or_default()),
        (None, Some(Value::Dict(first))) => {
            let error = first.get("error").filter(py::truthy);
            (false, error.unwrap_or(Value::str("Tool execution failed")))
        }
        _ => (false, Value::str("Missing tool result")),
    };
    record.insert("success".into(), Value::Bool(success));
    record.insert("raw".into(), Value::Dict(raw.clone()));
    keep(record, "result", result)
}

fn results(raw: &Dict) -> Vec<Value> {
    match raw.get("results") {
        Some(Value::List(results)) => results.borrow().clone(),
        _ => Vec::new(),
    }
}

fn succeeded(result: &Dict) -> bool {
    matches!(result.get("success"), Some(Value::Bool(true)))
}

/// Why the tools were not run, if they were not.
fn unfinished(raw: &Dict) -> Option<std::rc::Rc<str>> {
    let mode = raw.get("mode")?.as_str_rc()?;
    (!py::chars::strip(&mode).is_empty() && &*mode != "executed").then_some(mode)
}
