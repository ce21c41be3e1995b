//! The nodes that read and build objects.

use std::rc::Rc;

use super::{Cx, Result, record};
use crate::json::{Tolerant, loads_tolerant};
use crate::py::chars::strip;
use crate::py::{self, path};
use crate::value::{Dict, Map, Value};

/// The member of `object` at the P1 path `key`; `default` when that is missing or null. As `value`.
pub fn get(cx: &mut Cx<'_>) -> Result {
    let key = cx.text("key", "")?;
    let found = cx.arg("object").map_or(Value::Null, |object| path::find(object, &key));
    let value = if found.is_null() { cx.arg_or_null("default") } else { found };
    Ok(record([("value", value)]))
}

/// A shallow copy of `object` with `value` at the dotted `key`. Objects below the first level are
/// changed in place, so other readers of them see it. An error when `object` is no mapping.
pub fn set(cx: &mut Cx<'_>) -> Result {
    let object = Dict::new(dict_arg(cx, "object")?);
    let key = cx.text("key", "")?;
    path::set_parts(&object, key.split('.'), cx.arg_or_null("value"));
    Ok(Value::Dict(object))
}

/// The members of `a` and `b`, those of `b` over those of `a`. An error when one is no mapping.
pub fn merge(cx: &mut Cx<'_>) -> Result {
    let mut merged = dict_arg(cx, "a")?;
    merged.extend(dict_arg(cx, "b")?);
    Ok(Value::dict(merged))
}

/// `dict(input)`, an empty one when the pin did not resolve.
fn dict_arg(cx: &Cx<'_>, pin: &str) -> Result<Map> {
    Ok(cx.arg(pin).map_or_else(|| Ok(Map::default()), py::to_dict)?)
}

/// All inputs as one object, without those whose pins start with `_`.
pub fn make_object(cx: &mut Cx<'_>) -> Result {
    let members = cx.args.iter().filter(|(pin, _)| !pin.starts_with('_'));
    Ok(Value::dict(
        members.map(|(pin, value)| (pin.clone(), value.clone())).collect(),
    ))
}

/// The members of `object` at the P2 paths `breakConfig.selectedPaths`, each under its whole path;
/// null when missing. Text is read as by `parse_json` first, if it can be.
pub fn break_object(cx: &mut Cx<'_>) -> Result {
    let mut object = cx.arg_or_null("object");
    if let Value::Str(text) = &object
        && let Ok(Tolerant::Found(parsed)) = loads_tolerant(text)
    {
        object = match parsed {
            Value::List(_) | Value::Dict(_) => parsed,
            scalar => record([("value", scalar)]),
        };
    }
    let selected = cx
        .cfg("breakConfig")
        .and_then(|config| config.as_dict()?.get("selectedPaths"));
    let mut members = Map::default();
    if let Some(Value::List(paths)) = selected {
        for path in paths.borrow().iter().filter_map(Value::as_str).map(strip) {
            if !path.is_empty() {
                members.insert(path.into(), path::get(&object, path).unwrap_or_default());
            }
        }
    }
    Ok(Value::dict(members))
}

/// Every declared input as an output of its name, and `tool_call`: the call of the tool
/// `toolParametersConfig.tool` (or `name`) with those that are not null as its arguments.
pub fn tool_parameters(cx: &mut Cx<'_>) -> Result {
    let config = cx.cfg("toolParametersConfig").unwrap_or_default();
    let named = |key| config.as_dict().and_then(|config| config.get(key)).filter(py::truthy);
    let tool = named("tool").or_else(|| named("name"));
    let tool = strip(tool.as_ref().and_then(Value::as_str).unwrap_or(""));
    let mut out = Map::default();
    let mut arguments = Map::default();
    for pin in cx.pins(&[]) {
        let pin = strip(&pin);
        if pin.is_empty() {
            continue;
        }
        let pin = Rc::<str>::from(pin);
        let value = cx.arg_or_null(&pin);
        if !value.is_null() {
            arguments.insert(pin.clone(), value.clone());
        }
        out.insert(pin, value);
    }
    let call = record([("name", Value::str(tool)), ("arguments", Value::dict(arguments))]);
    out.insert("tool_call".into(), call);
    Ok(Value::dict(out))
}
