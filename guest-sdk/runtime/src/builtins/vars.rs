//! The nodes that read the run's variables.

use super::{Cx, Result, record};
use crate::py::chars::strip;
use crate::py::{self, path};
use crate::value::{Map, Value};

/// The variable at the P2 path `name`, as `value`; a copy of `default` when there is none. A
/// variable that is null is there.
pub fn get_var(cx: &mut Cx<'_>) -> Result {
    let name = match cx.arg("name") {
        Some(name) if py::truthy(name) => py::str(name)?,
        _ => "".into(),
    };
    let name = strip(&name);
    let found = if name.is_empty() {
        None
    } else {
        path::lookup_vars(cx.vars, name)
    };
    let value = found.or_else(|| cx.arg("default").map(Value::deep_copy));
    Ok(record([("value", value.unwrap_or_default())]))
}

/// The variables that the declared outputs are named after, by P2 path; null when missing.
pub fn get_vars(cx: &mut Cx<'_>) -> Result {
    let mut values = Map::default();
    for name in cx.cfg_names("outputs") {
        let value = path::lookup_vars(cx.vars, &name).unwrap_or_default();
        values.insert(name, value);
    }
    Ok(Value::dict(values))
}

/// The variable `context` itself, and its `task` (as text) and `messages` (as a list).
pub fn get_context(cx: &mut Cx<'_>) -> Result {
    let context = match cx.vars.get("context") {
        Some(Value::Dict(context)) => context,
        _ => Default::default(),
    };
    let task = match context.get("task") {
        Some(task) if py::truthy(&task) => py::str(&task)?,
        _ => "".into(),
    };
    let messages = match context.get("messages") {
        None | Some(Value::Null) => Value::list(Vec::new()),
        Some(messages @ Value::List(_)) => messages,
        Some(other) => Value::list(vec![other]),
    };
    Ok(record([
        ("context", Value::Dict(context)),
        ("task", Value::Str(task)),
        ("messages", messages),
    ]))
}

/// The variable that the configured `literalValue` names (a name, or `{name, default}`), if it is a
/// boolean, else the default. As `name` and `value`.
pub fn bool_var(cx: &mut Cx<'_>) -> Result {
    let config = cx.cfg("literalValue").unwrap_or_default();
    let member = |key| config.as_dict().and_then(|config| config.get(key));
    let named = if config.as_str().is_some() {
        Some(config.clone())
    } else {
        member("name")
    };
    let name = strip(named.as_ref().and_then(Value::as_str).unwrap_or(""));
    let is_bool = |value: &Value| matches!(value, Value::Bool(_));
    let default = member("default").filter(is_bool).unwrap_or(Value::Bool(false));
    let found = if name.is_empty() {
        None
    } else {
        path::lookup_vars(cx.vars, name)
    };
    let value = found.filter(is_bool).unwrap_or(default);
    Ok(record([("name", Value::str(name)), ("value", value)]))
}

/// The variable that the configured `literalValue` `{name, type, default}` declares, if it is of its
/// type, else the default if that is, else the empty value of the type. Everything is of type `any`,
/// so such a variable reads as null before it is set. As `name` and `value`.
pub fn var_decl(cx: &mut Cx<'_>) -> Result {
    let config = cx.cfg("literalValue").unwrap_or_default();
    let member = |key| config.as_dict().and_then(|config| config.get(key)).unwrap_or_default();
    let (name, kind, default) = (member("name"), member("type"), member("default"));
    let name = strip(name.as_str().unwrap_or(""));
    let kind = strip(kind.as_str().unwrap_or(""));
    let read = (!name.is_empty()).then(|| path::lookup_vars(cx.vars, name).unwrap_or_default());
    let value = match read {
        Some(value) if is_of(kind, &value) => value,
        _ if is_of(kind, &default) => default,
        _ => empty(kind),
    };
    Ok(record([("name", Value::str(name)), ("value", value)]))
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "boolean" => matches!(value, Value::Bool(_)),
        "number" => matches!(value, Value::Int(_) | Value::Big(_) | Value::Float(_)),
        "string" => matches!(value, Value::Str(_)),
        "array" => matches!(value, Value::List(_)),
        "object" => matches!(value, Value::Dict(_)),
        _ => true,
    }
}

fn empty(kind: &str) -> Value {
    match kind {
        "boolean" => Value::Bool(false),
        "number" => Value::Int(0),
        "string" => Value::str(""),
        "array" => Value::list(Vec::new()),
        "object" => Value::dict(Map::default()),
        _ => Value::Null,
    }
}
