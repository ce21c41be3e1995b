//! What an agent's tools did, as far as the traces of its run tell.
//!
//! A trace is `{"<node>": {"steps": [{"ts", "effect": {"type", "payload"}, "result"}]}}`. A value that was too large to be kept in
//! a trace is an object with `$artifact`: no call and no result.

use crate::py;
use crate::value::{Dict, Value};

/// The steps of all nodes in the order of their times.
pub(super) fn steps(traces: &Dict) -> Vec<Value> {
    let time = |step: &Value| {
        let ts = step.as_dict().and_then(|s| s.get("ts")).filter(py::truthy);
        ts.and_then(|ts| py::str(&ts).ok()).unwrap_or_default()
    };
    let mut all: Vec<Value> = traces.borrow().values().flat_map(of_node).collect();
    all.sort_by_key(time);
    all
}

fn of_node(trace: &Value) -> Vec<Value> {
    let steps = trace.as_dict().and_then(|trace| trace.get("steps"));
    let steps = steps.and_then(|steps| steps.as_list().map(|steps| steps.borrow().clone()));
    let copy = |step: &Value| step.as_dict().map(|step| Value::Dict(step.shallow_copy()));
    steps.unwrap_or_default().iter().filter_map(copy).collect()
}

/// The calls that were asked for and their results.
pub(super) fn of_steps(steps: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let (mut calls, mut results) = (Vec::new(), Vec::new());
    for step in steps.iter().filter_map(Value::as_dict) {
        let Some(Value::Dict(effect)) = step.get("effect") else {
            continue;
        };
        if effect.get("type").is_none_or(|kind| kind.as_str() != Some("tool_calls")) {
            continue;
        }
        let member = |of: Option<Value>, key: &str| of.and_then(|of| of.as_dict()?.get(key)).unwrap_or_default();
        calls.extend(kept(&member(effect.get("payload"), "tool_calls")));
        results.extend(kept(&member(step.get("result"), "results")));
    }
    (calls, results)
}

/// As [`of_steps`], out of a scratchpad.
pub(in crate::engine) fn of_traces(scratchpad: &Dict) -> (Vec<Value>, Vec<Value>) {
    match scratchpad.get("node_traces") {
        Some(Value::Dict(traces)) if !is_offloaded(&traces) => of_steps(&steps(&traces)),
        Some(Value::Dict(_)) => (Vec::new(), Vec::new()),
        _ if scratchpad.get("node_id").is_some_and(|id| !id.is_null()) => of_steps(&of_node(&Value::Dict(scratchpad.clone()))),
        _ => (Vec::new(), Vec::new()),
    }
}

/// Whether a value stands elsewhere, so that nothing can be said of it.
pub(in crate::engine) fn is_offloaded(value: &Dict) -> bool {
    value.borrow().contains_key("$artifact")
}

fn kept(value: &Value) -> Vec<Value> {
    let mut found = super::super::pins::objects(value);
    found.retain(|object| object.as_dict().is_some_and(|o| !is_offloaded(o)));
    found
}
