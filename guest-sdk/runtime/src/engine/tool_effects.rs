//! `tool_calls` and `call_tool`: the tool calls that the host is asked to make.

use super::pins::{Pins, objects, put, texts};
use super::{Node, Run};
use crate::json;
use crate::value::{Map, Value};

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
        let mut payload = Map::from_iter([("tool_calls".into(), Value::list(calls))]);
        put(&mut payload, "allowed_tools", allowed);
        let beside = Map::from_iter([(main.into(), Value::Null), ("success".into(), Value::Null)]);
        self.request(node, KIND, payload, beside)
    }
}
