//! The list nodes.

use std::collections::HashSet;

use rustc_hash::FxBuildHasher;

use super::{Cx, Result, record};
use crate::json::{Style, write_styled};
use crate::py::chars::strip;
use crate::py::{self, path};
use crate::value::{List, Value};

fn list(items: Vec<Value>) -> Result {
    Ok(Value::list(items))
}

/// The input `array` if it is a list.
fn array<'a>(cx: &'a Cx<'_>) -> Option<&'a List> {
    cx.arg("array").and_then(Value::as_list)
}

/// A list as a shallow copy, null as an empty one, anything else as the only item.
pub(super) fn listed(value: Option<&Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(items)) => items.borrow().clone(),
        Some(other) => vec![other.clone()],
    }
}

/// The item of `array` at `index`=0 as `result` and whether there is one as `found`; else `default`.
/// A negative index counts from the end; what is no number counts as 0.
pub fn get_element(cx: &mut Cx<'_>) -> Result {
    let index = match cx.arg("index") {
        Some(Value::Str(text)) => py::parse_float(text)
            .map(Value::Float)
            .and_then(|number| py::to_index(&number).ok()),
        None | Some(Value::Bool(_)) => None,
        Some(value) => py::to_index(value).ok(),
    };
    let mut index = index.unwrap_or(0);
    let item = array(cx).and_then(|items| {
        let items = items.borrow();
        if index < 0 {
            index = index.saturating_add(items.len() as i64);
        }
        usize::try_from(index).ok().and_then(|index| items.get(index).cloned())
    });
    found(cx, item)
}

/// Any item of `array` as `result` and whether there is one as `found`; else `default`.
pub fn get_random_element(cx: &mut Cx<'_>) -> Result {
    let count = array(cx).map_or(0, |items| items.borrow().len());
    let index = cx.world.random_below(count as u64) as usize;
    let item = array(cx).and_then(|items| items.borrow().get(index).cloned());
    found(cx, item)
}

fn found(cx: &Cx<'_>, item: Option<Value>) -> Result {
    let found = Value::Bool(item.is_some());
    let result = item.unwrap_or_else(|| cx.arg_or_null("default"));
    Ok(record([("result", result), ("found", found)]))
}

/// What a loop over `items`=[] sees, with each object replaced by its member `key` (a plain key,
/// null when missing). An error when `items` cannot be looped over.
pub fn array_map(cx: &mut Cx<'_>) -> Result {
    let key = cx.text("key", "")?;
    let items = cx.arg("items").map_or(Ok(Vec::new()), py::iterate)?;
    list(items.into_iter().map(|item| member(&item, &key)).collect())
}

/// Those of `items`=[] that equal `value`, objects by their member `key`. An error when `items`
/// cannot be looped over.
pub fn array_filter(cx: &mut Cx<'_>) -> Result {
    let key = cx.text("key", "")?;
    let value = cx.arg_or_null("value");
    let mut kept = Vec::new();
    for item in cx.arg("items").map_or(Ok(Vec::new()), py::iterate)? {
        if py::eq(&member(&item, &key), &value)? {
            kept.push(item);
        }
    }
    list(kept)
}

/// The member of an object, or the item itself.
fn member(item: &Value, key: &str) -> Value {
    match item {
        Value::Dict(dict) => dict.get(key).unwrap_or_default(),
        other => other.clone(),
    }
}

/// The number of items of `array`; 0 when it is no list.
pub fn array_length(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Int(array(cx).map_or(0, |items| items.borrow().len() as i64)))
}

/// Whether `array` is a list with an item in it.
pub fn has_tools(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Bool(array(cx).is_some_and(|items| !items.borrow().is_empty())))
}

/// A copy of `array` with `item` behind it. Null is an empty list, a scalar a list of itself.
pub fn array_append(cx: &mut Cx<'_>) -> Result {
    let mut items = listed(cx.arg("array"));
    items.push(cx.arg_or_null("item"));
    list(items)
}

/// `array` without the items that are the same as an earlier one: of the same type and text, so 1
/// and 1.0 stay apart. With `key`, the value at that P1 path stands for the item unless it is null.
/// Empty when `array` is no list.
pub fn array_dedup(cx: &mut Cx<'_>) -> Result {
    let key = match cx.arg("key") {
        Some(key) if py::truthy(key) => py::str(key)?,
        _ => "".into(),
    };
    let key = strip(&key);
    let Some(items) = array(cx) else {
        return list(Vec::new());
    };
    let mut seen = HashSet::<String, FxBuildHasher>::default();
    let mut kept = Vec::new();
    for item in items.borrow().iter() {
        let mut known_by = if key.is_empty() { Value::Null } else { path::find(item, key) };
        if known_by.is_null() {
            known_by = item.clone();
        }
        if seen.insert(fingerprint(&known_by)?) {
            kept.push(item.clone());
        }
    }
    list(kept)
}

/// The same text for the same value, whatever the order of an object's keys.
fn fingerprint(value: &Value) -> Result<String> {
    let mut out = String::new();
    if let Value::List(_) | Value::Dict(_) = value {
        let style = Style {
            sort_keys: true,
            ..Style::MINIFIED
        };
        write_styled(&mut out, value, &style)?;
    } else {
        out.push_str(py::type_name(value));
        out.push(':');
        py::push_str(&mut out, value)?;
    }
    Ok(out)
}

/// The inputs in the order the pins are declared (`a`, `b` when none are), lists item by item.
/// Null is left out.
pub fn array_concat(cx: &mut Cx<'_>) -> Result {
    let pins = cx.pins(&["a", "b"]);
    list(pins.iter().flat_map(|pin| listed(cx.arg(pin))).collect())
}

/// The inputs in the order the pins are declared (`a`, `b` when none are). Null is left out.
pub fn make_array(cx: &mut Cx<'_>) -> Result {
    let pins = cx.pins(&["a", "b"]);
    let values = pins.iter().filter_map(|pin| cx.arg(pin));
    list(values.filter(|value| !value.is_null()).cloned().collect())
}
