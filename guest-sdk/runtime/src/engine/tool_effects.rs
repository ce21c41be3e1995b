//! `tool_calls` and `call_tool`: the tool calls that the host is asked to make.

use std::collections::BTreeSet;

use super::pins::{Pins, objects, put, text, texts};
use super::{Node, Run};
use crate::json;
use crate::py;
use crate::value::{Dict, Map, Value};

/// What the host is told for both types.
const KIND: &str = "tool_calls";

impl Run {
    pub(super) fn tool_calls(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let mut calls = pins.get("tool_calls");
        while let Value::Str(text) = &calls {
            calls = json::parse(text).unwrap_or_default();
        }
        self.call_tools(node, &pins, objects(&calls), "results")
    }

    pub(super) fn call_tool(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let call = match pins.first(&["tool_call", "toolCall"]) {
            Value::Str(text) => json::parse(&text).unwrap_or_default(),
            other => other,
        };
        let calls = if matches!(call, Value::Dict(_)) {
            objects(&call)
        } else {
            Vec::new()
        };
        self.call_tools(node, &pins, calls, "result")
    }

    fn call_tools(&mut self, node: Node, pins: &Pins, calls: Vec<Value>, main: &str) -> i32 {
        let keys = ["allowed_tools", "allowedTools"];
        let configured = pins.config_first(&keys);
        // An empty list allows no tool; without a list the host decides.
        let allowed = match pins.given(&keys) {
            Some(_) => Some(texts(&pins.first(&keys))),
            None => matches!(configured, Value::List(_)).then(|| texts(&configured)),
        };
        let base = self.call_base(node);
        calls
            .iter()
            .filter_map(Value::as_dict)
            .enumerate()
            .for_each(|(i, call)| identify(call, &format!("{base}_{}", i + 1)));
        let mut payload = Map::from_iter([("tool_calls".into(), Value::list(calls))]);
        put(&mut payload, "allowed_tools", allowed.as_ref().map(sorted));
        let beside = Map::from_iter([(main.into(), Value::Null), ("success".into(), Value::Null)]);
        self.request(node, KIND, payload, beside)
    }

    /// What the ids of this visit's calls begin with: the same when the run is computed again, and no other visit's or run's.
    fn call_base(&self, node: Node) -> String {
        let id = self.program.id(node);
        let visit = self.ordinals.get(&id).unwrap_or(Value::Int(0));
        let seed = format!("{}\n{id}\n{visit:?}", self.ids.run);
        format!("rtcall_{}", digest(&seed))
    }
}

/// Gives a call an id of the run's own, and one to answer to: the model's if it has one.
fn identify(call: &Dict, fallback: &str) {
    let id = |key: &str| call.get(key).filter(|v| !v.is_null()).and_then(|v| py::str(&v).ok());
    let filled = |id: std::rc::Rc<str>| text(&Value::Str(id));
    let own = match id("runtime_call_id").and_then(filled) {
        Some(own) => own,
        None => {
            call.set("runtime_call_id", Value::str(fallback));
            Value::str(fallback)
        }
    };
    let named = if call.get("call_id").is_some_and(|v| !v.is_null()) {
        id("call_id")
    } else {
        id("id")
    };
    call.set("call_id", named.and_then(filled).unwrap_or(own));
    if let Some(Value::Str(name)) = call.get("name") {
        call.set("name", Value::str(py::chars::strip(&name)));
    }
}

/// Names in order, each once.
fn sorted(names: &Value) -> Value {
    let names = names.as_list().map(|names| names.borrow().clone()).unwrap_or_default();
    let names: BTreeSet<std::rc::Rc<str>> = names.iter().filter_map(Value::as_str_rc).collect();
    Value::list(names.into_iter().map(Value::Str).collect())
}

/// 32 hex digits that differ for different texts, unless somebody means them not to.
pub(super) fn digest(text: &str) -> String {
    let halves = (fnv(0xcbf2_9ce4_8422_2325, text), fnv(0x8422_2325_cbf2_9ce4, text));
    format!("{:016x}{:016x}", halves.0, halves.1)
}

fn fnv(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
