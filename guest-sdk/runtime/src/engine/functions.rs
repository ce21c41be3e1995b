//! Function-class nodes: what their result does to the bus, their output and the next node (language sections 4.4, 4.5, 6.2, 6.3).

use super::{Node, Run};
use crate::builtins::{Builtin, Cx, Vars};
use crate::py;
use crate::value::{Dict, Map, Value};

impl Run {
    /// Runs a builtin over the input in `frame` and puts its result into slot `dst`. False: [`Run::error`] says why.
    pub(super) fn builtin(&mut self, builtin: Builtin, dst: u32, frame: u32, cfg: u32) -> bool {
        let input = match self.slot(frame) {
            Value::Dict(input) => input,
            // A lone bus value stands for the pins that one-input nodes read.
            other => ["value", "a", "text"]
                .into_iter()
                .map(|pin| (pin.into(), other.clone()))
                .collect::<Map>()
                .into(),
        };
        let cfg = self.program.constant(cfg);
        // The builtin gets its own map, so that a value which holds the input can be changed while it runs.
        let args = std::mem::take(&mut *input.borrow_mut());
        let vars = Vars {
            own: &self.vars,
            host: &self.host_vars,
        };
        let result = builtin(&mut Cx {
            args: &args,
            cfg: &cfg,
            vars: &vars,
            world: &mut self.world,
        });
        *input.borrow_mut() = args;
        match result {
            Ok(value) => {
                self.non_finite |= matches!(value, Value::Float(f) if !f.is_finite());
                self.set_slot(dst, value);
                true
            }
            Err(error) => {
                self.error = error.0;
                false
            }
        }
    }

    /// A function node's result becomes its output and the bus; then the run goes on, branches, or ends.
    pub(super) fn finish_function(&mut self, node: Node, result: Value) -> i32 {
        if let Err(message) = self.check_finite(&result) {
            return self.fail_function(node, message);
        }
        self.finish_with(node, result.clone(), result)
    }

    /// As [`Run::finish_function`], for a node whose recorded output is not its result.
    pub(super) fn finish_with(&mut self, node: Node, output: Value, result: Value) -> i32 {
        self.vars.set("_last_output", result.clone());
        self.set_output(node, output);
        if let Some(key) = self.program.output_key(node) {
            super::variables::set_nested(&self.vars, &key, result.clone());
        }
        let branching = self.program.next(node).is_none() && self.program.routes(node).next().is_some();
        if branching {
            return self.branch(node, result);
        }
        match self.program.next(node) {
            Some(next) => {
                self.set_prev_handle("exec-out");
                next as i32
            }
            None => self.complete(ending_output(result)),
        }
    }

    fn branch(&mut self, node: Node, result: Value) -> i32 {
        let branch = match &result {
            Value::Dict(d) => d.get("branch"),
            _ => None,
        };
        let Some(Value::Str(branch)) = branch.filter(|b| b.as_str().is_some_and(|s| !s.is_empty())) else {
            return self.complete_with_error(node, "Branching node did not return a string 'branch' value".to_owned());
        };
        match self.program.route(node, &branch) {
            Some(target) => {
                self.set_prev_handle(&branch);
                target as i32
            }
            // A branch that leads nowhere is a clean end.
            None if matches!(&*branch, "true" | "false" | "default") || branch.starts_with("case:") => {
                self.complete(ending_output(result))
            }
            None => self.complete_with_error(node, format!("Unknown branch '{branch}'")),
        }
    }

    /// A function node that could not compute: the run (or the branch) ends with `success: false`.
    pub(super) fn fail_function(&mut self, node: Node, message: String) -> i32 {
        let id = self.program.id(node);
        self.vars.set("_flow_error", Value::str(message.as_str()));
        self.vars.set("_flow_error_node", Value::Str(id.clone()));
        // A node that ran before keeps its earlier output beneath the error, as in the reference.
        let mut output = match self.node_outputs.get(&id) {
            Some(Value::Dict(earlier)) => earlier.borrow().clone(),
            _ => Map::default(),
        };
        output.entry("error".into()).or_insert_with(|| Value::str(message));
        output.entry("success".into()).or_insert(Value::Bool(false));
        output.entry("node".into()).or_insert(Value::Str(id));
        let output = Value::dict(output);
        self.set_output(node, output.clone());
        self.complete(output)
    }

    /// Refuses numbers that JSON cannot hold before they are kept.
    pub(super) fn check_finite(&self, value: &Value) -> Result<(), String> {
        if self.non_finite && !finite(value, 0) {
            return Err("non-finite number".to_owned());
        }
        Ok(())
    }

    pub(super) fn on_flow_start(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.config_list(cfg, "outputs");
        let output = match (self.slot(frame), pins.is_empty()) {
            (Value::Dict(input), false) => pins
                .iter()
                .map(|pin| (pin.clone(), input.get(pin).unwrap_or_default()))
                .collect(),
            (Value::Dict(input), true) => input
                .borrow()
                .iter()
                .filter(|(key, _)| !key.starts_with('_'))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            (other, _) if pins.len() == 1 => Map::from_iter([(pins[0].clone(), other)]),
            (other, _) => Map::from_iter([("input".into(), other)]),
        };
        self.finish_function(node, Value::dict(output))
    }

    pub(super) fn on_flow_end(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.config_list(cfg, "pins");
        let result = match (self.slot(frame), pins.is_empty()) {
            (Value::Dict(input), false) => {
                Value::dict(pins.iter().map(|p| (p.clone(), input.get(p).unwrap_or_default())).collect())
            }
            (Value::Dict(input), true) => Value::Dict(input.shallow_copy()),
            (other, true) => other,
            (other, false) if pins.len() == 1 => Value::dict(Map::from_iter([(pins[0].clone(), other)])),
            (other, false) => Value::dict(Map::from_iter([("response".into(), other)])),
        };
        self.finish_function(node, result)
    }

    pub(super) fn on_user_request(&mut self, node: Node, frame: u32) -> i32 {
        let (message, context) = match self.slot(frame) {
            Value::Dict(d) => (
                d.get("message").unwrap_or(Value::str("")),
                d.get("context").unwrap_or_else(empty),
            ),
            other => match py::str(&other) {
                Ok(text) => (Value::str(text), empty()),
                Err(e) => return self.fail_function(node, e.to_string()),
            },
        };
        self.finish_function(
            node,
            Value::dict(Map::from_iter([("message".into(), message), ("context".into(), context)])),
        )
    }

    pub(super) fn on_agent_message(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let (sender, message) = match self.slot(frame) {
            Value::Dict(d) => (
                d.get("sender").unwrap_or(Value::str("unknown")),
                d.get("message").unwrap_or(Value::str("")),
            ),
            other => match py::str(&other) {
                Ok(text) => (Value::str("unknown"), Value::str(text)),
                Err(e) => return self.fail_function(node, e.to_string()),
            },
        };
        let channel = self
            .config(cfg, "eventConfig")
            .and_then(|c| c.as_dict().and_then(|c| c.get("channel")))
            .unwrap_or(Value::str(""));
        let output = Map::from_iter([
            ("sender".into(), sender),
            ("message".into(), message),
            ("channel".into(), channel),
        ]);
        self.finish_function(node, Value::dict(output))
    }

    pub(super) fn if_(&mut self, node: Node, frame: u32) -> i32 {
        let condition = match self.slot(frame) {
            Value::Dict(d) => d.get("condition").unwrap_or_default(),
            other => Value::Bool(py::truthy(&other)),
        };
        let branch = if py::truthy(&condition) { "true" } else { "false" };
        self.finish_function(
            node,
            Value::dict(Map::from_iter([
                ("branch".into(), Value::str(branch)),
                ("condition".into(), condition),
            ])),
        )
    }

    pub(super) fn switch(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let value = match self.slot(frame) {
            Value::Dict(d) => d.get("value").unwrap_or_default(),
            other => other,
        };
        let text = if value.is_null() { Ok("".into()) } else { py::str(&value) };
        let text = match text {
            Ok(text) => text,
            Err(e) => return self.fail_function(node, e.to_string()),
        };
        let cases = self
            .config(cfg, "switchConfig")
            .and_then(|c| c.as_dict().and_then(|c| c.get("cases")));
        let mut output = Map::from_iter([("branch".into(), Value::str("default")), ("value".into(), value)]);
        if let Some(Value::List(cases)) = cases {
            for case in cases.borrow().iter().filter_map(Value::as_dict) {
                let (Some(Value::Str(id)), Some(wanted)) = (case.get("id"), case.get("value")) else {
                    continue;
                };
                if id.is_empty() || wanted.is_null() {
                    continue;
                }
                let Ok(wanted) = py::str(&wanted) else { continue };
                if *wanted == *text {
                    output.insert("branch".into(), Value::str(format!("case:{id}")));
                    output.insert("matched".into(), Value::str(wanted));
                    break;
                }
            }
        }
        self.finish_function(node, Value::dict(output))
    }

    /// Key `key` of a node's static configuration.
    pub(super) fn config(&self, cfg: u32, key: &str) -> Option<Value> {
        self.program.constant(cfg).as_dict().and_then(|c| c.get(key))
    }

    /// A list of names in a node's static configuration (`pins`, `outputs`).
    pub(super) fn config_list(&self, cfg: u32, key: &str) -> Vec<std::rc::Rc<str>> {
        match self.config(cfg, key) {
            Some(Value::List(items)) => items
                .borrow()
                .iter()
                .filter_map(|v| match v {
                    Value::Str(s) => Some(s.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl From<Map> for Dict {
    fn from(map: Map) -> Self {
        Dict::new(map)
    }
}

/// The output of a run that ends with a function node's result.
fn ending_output(result: Value) -> Value {
    match result {
        Value::Dict(d) => {
            let mut output = d.borrow().clone();
            output.entry("success".into()).or_insert(Value::Bool(true));
            Value::dict(output)
        }
        other => Value::dict(Map::from_iter([
            ("response".into(), other),
            ("success".into(), Value::Bool(true)),
        ])),
    }
}

fn empty() -> Value {
    Value::dict(Map::default())
}

fn finite(value: &Value, depth: u32) -> bool {
    match value {
        Value::Float(f) => f.is_finite(),
        // Deeper values are refused by the serialiser.
        Value::List(l) => depth > 128 || l.borrow().iter().all(|v| finite(v, depth + 1)),
        Value::Dict(d) => depth > 128 || d.borrow().values().all(|v| finite(v, depth + 1)),
        _ => true,
    }
}
