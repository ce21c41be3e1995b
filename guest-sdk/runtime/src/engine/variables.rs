//! Nodes that write variables and pass the bus through: `set_var`, `set_vars`, `set_var_property`, `add_message`.

use super::{Node, Run, child};
use crate::value::{Dict, List, Map, Value};
use crate::{json, py};

impl Run {
    /// The end of a node that passes the bus through.
    fn pass(&mut self, node: Node, extra: Map) -> i32 {
        match self.program.next(node) {
            Some(next) => next as i32,
            None => {
                let mut output = Map::from_iter([("success".into(), Value::Bool(true))]);
                output.extend(extra);
                output.insert("result".into(), self.vars.get("_last_output").unwrap_or_default());
                self.complete(Value::dict(output))
            }
        }
    }

    fn input_object(&self, frame: u32) -> Dict {
        match self.slot(frame) {
            Value::Dict(d) => d,
            _ => Dict::default(),
        }
    }

    /// A trimmed variable name, or the output that says why it is none.
    fn variable_name(&mut self, node: Node, raw: Option<Value>, empty: &str) -> Result<String, i32> {
        let name = match name_text(raw) {
            Ok(name) => name,
            Err(message) => return Err(self.complete_with_error(node, message)),
        };
        if name.is_empty() {
            return Err(self.complete_with_error(node, empty.to_owned()));
        }
        if name.starts_with('_') {
            return Err(self.complete_with_error(
                node,
                format!("Invalid variable name '{name}': names starting with '_' are reserved."),
            ));
        }
        Ok(name)
    }

    pub(super) fn set_var(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let input = self.input_object(frame);
        let name = match self.variable_name(node, input.get("name"), "Set Variable requires a non-empty variable name.") {
            Ok(name) => name,
            Err(code) => return code,
        };
        // A primitive pin that nothing feeds shows a default in the editor, so it writes that default.
        let value = input
            .get("value")
            .unwrap_or_else(|| match self.config(cfg, "value_type").as_ref().and_then(Value::as_str) {
                Some("boolean") => Value::Bool(false),
                Some("number") => Value::Int(0),
                Some("string") => Value::str(""),
                _ => Value::Null,
            });
        if let Err(message) = self.check_finite(&value).and_then(|()| self.set_path(&name, value.clone())) {
            return self.complete_with_error(node, format!("Failed to set variable '{name}': {message}"));
        }
        self.set_output(node, Value::dict(Map::from_iter([("value".into(), value)])));
        self.pass(node, Map::default())
    }

    pub(super) fn set_vars(&mut self, node: Node, frame: u32) -> i32 {
        let input = self.input_object(frame);
        let mut updates = match input.get("updates") {
            Some(Value::Dict(d)) => d.borrow().clone(),
            Some(Value::Str(text)) => match json::parse(&text) {
                Ok(Value::Dict(d)) => d.borrow().clone(),
                _ => Map::default(),
            },
            _ => Map::default(),
        };
        for (pin, value) in input.borrow().iter().filter(|(pin, _)| &***pin != "updates") {
            updates.insert(pin.clone(), value.clone());
        }
        let mut named = Map::default();
        for (key, value) in &updates {
            let name = match self.variable_name(
                node,
                Some(Value::Str(key.clone())),
                "Set Variables requires non-empty variable names in updates.",
            ) {
                Ok(name) => name,
                Err(code) => return code,
            };
            named.insert(name.into(), value.clone());
        }
        for (name, value) in &named {
            if let Err(message) = self.check_finite(value).and_then(|()| self.set_path(name, value.clone())) {
                return self.complete_with_error(node, format!("Failed to set variables: {message}"));
            }
        }
        let output = Map::from_iter([("updates".into(), Value::dict(named))]);
        self.set_output(node, Value::dict(output.clone()));
        self.pass(node, output)
    }

    pub(super) fn set_var_property(&mut self, node: Node, frame: u32) -> i32 {
        let input = self.input_object(frame);
        let name = match self.variable_name(
            node,
            input.get("name"),
            "Set Variable Property requires a non-empty variable name.",
        ) {
            Ok(name) => name,
            Err(code) => return code,
        };
        let key = match name_text(input.get("key")) {
            Ok(key) if !key.is_empty() => key,
            Ok(_) => return self.complete_with_error(node, "Set Variable Property requires a non-empty key.".to_owned()),
            Err(message) => return self.complete_with_error(node, message),
        };
        let object = match self.get_object_path(&name) {
            Some(Value::Dict(current)) => current.shallow_copy(),
            _ => Dict::default(),
        };
        let value = input.get("value").unwrap_or_default();
        if let Err(message) = self.check_finite(&value) {
            return self.complete_with_error(node, format!("Failed to set variable property '{name}.{key}': {message}"));
        }
        let parts: Vec<&str> = key.split('.').filter(|p| !p.is_empty()).collect();
        set_parts(&object, &parts, value);
        if let Err(message) = self.set_path(&name, Value::Dict(object.clone())) {
            return self.complete_with_error(node, format!("Failed to set variable property '{name}.{key}': {message}"));
        }
        let output = Map::from_iter([("value".into(), Value::Dict(object))]);
        self.set_output(node, Value::dict(output.clone()));
        self.pass(node, output)
    }

    /// Appends a message to the run's conversation.
    pub(super) fn add_message(&mut self, node: Node, frame: u32) -> i32 {
        let input = self.input_object(frame);
        let text = |value: Option<Value>, absent: &str| match value {
            None | Some(Value::Null) => Ok(Value::str(absent)),
            Some(value) => py::str(&value).map(Value::str),
        };
        let (role, content) = match (text(input.get("role"), "user"), text(input.get("content"), "")) {
            (Ok(role), Ok(content)) => (role, content),
            (Err(e), _) | (_, Err(e)) => return self.fail(e.to_string()),
        };
        let id = format!("msg_{:016x}{:016x}", self.world.next_random(), self.world.next_random());
        let message = Value::dict(Map::from_iter([
            ("role".into(), role),
            ("content".into(), content),
            ("timestamp".into(), Value::str(crate::time::iso_utc(self.world.now_us))),
            (
                "metadata".into(),
                Value::dict(Map::from_iter([("message_id".into(), Value::str(id))])),
            ),
        ]));
        let context = child(&self.vars, "context");
        let messages = match context.get("messages") {
            Some(Value::List(list)) => list,
            _ => {
                let list = List::default();
                context.set("messages", Value::List(list.clone()));
                list
            }
        };
        messages.borrow_mut().push(message.clone());
        let task = match context.get("task") {
            Some(Value::Str(task)) => Value::Str(task),
            Some(task) if py::truthy(&task) => py::str(&task).map(Value::str).unwrap_or_default(),
            _ => Value::str(""),
        };
        let messages = Value::list(messages.borrow().clone());
        let output = Map::from_iter([
            ("message".into(), message.clone()),
            ("context".into(), Value::Dict(context.clone())),
            ("task".into(), task),
            ("messages".into(), messages),
        ]);
        self.set_output(node, Value::dict(output));
        match self.program.next(node) {
            Some(next) => next as i32,
            None => self.complete(Value::dict(Map::from_iter([
                ("success".into(), Value::Bool(true)),
                ("message".into(), message),
            ]))),
        }
    }

    /// Dotted set on the flow's variables; blank parts are dropped.
    fn set_path(&mut self, name: &str, value: Value) -> Result<(), String> {
        let parts: Vec<&str> = name.split('.').filter(|p| !p.is_empty()).collect();
        if parts.is_empty() {
            return Err("Variable name must be non-empty".to_owned());
        }
        set_parts(&self.vars, &parts, value);
        Ok(())
    }

    /// Dotted lookup through objects only.
    fn get_object_path(&self, name: &str) -> Option<Value> {
        let mut parts = name.split('.').filter(|p| !p.is_empty());
        let first = parts.next()?;
        let mut current = self.vars.get(first).or_else(|| self.host_vars.get(first))?;
        for part in parts {
            current = current.as_dict()?.get(part)?;
        }
        Some(current)
    }
}

/// Python's `str(raw or "").strip()`.
fn name_text(raw: Option<Value>) -> Result<String, String> {
    match raw {
        Some(Value::Str(text)) => Ok(py::chars::strip(&text).to_owned()),
        Some(value) if py::truthy(&value) => py::str(&value)
            .map(|t| py::chars::strip(&t).to_owned())
            .map_err(|e| e.to_string()),
        _ => Ok(String::new()),
    }
}

fn set_parts(target: &Dict, parts: &[&str], value: Value) {
    let Some((last, path)) = parts.split_last() else { return };
    let mut current = target.clone();
    for part in path {
        current = child(&current, part);
    }
    current.set(*last, value);
}

/// Dotted set that keeps blank parts, as an `outputKey` does.
pub(super) fn set_nested(target: &Dict, dotted: &str, value: Value) {
    let parts: Vec<&str> = dotted.split('.').collect();
    set_parts(target, &parts, value);
}
