//! What an effect node reads: its resolved input and, beneath that for some types, its `effectConfig`.

use super::Run;
use super::effects::boolish;
use crate::py;
use crate::value::{Dict, Map, Value};

pub(super) struct Pins {
    /// The input as it is; data nodes before it may have made it something other than an object.
    pub whole: Value,
    /// The input as an object; empty when it is none.
    input: Dict,
    config: Dict,
}

impl Run {
    pub(super) fn pins(&self, frame: u32, cfg: u32) -> Pins {
        let whole = self.slot(frame);
        let input = whole.as_dict().cloned().unwrap_or_default();
        let config = self
            .config(cfg, "effectConfig")
            .and_then(|c| c.as_dict().cloned())
            .unwrap_or_default();
        Pins { whole, input, config }
    }
}

impl Pins {
    pub fn is_object(&self) -> bool {
        matches!(self.whole, Value::Dict(_))
    }

    pub fn has(&self, key: &str) -> bool {
        self.input.borrow().contains_key(key)
    }

    /// The pin; null when it is missing.
    #[inline(never)] // As its neighbours: called hundreds of times, never in a hurry.
    pub fn get(&self, key: &str) -> Value {
        self.input.get(key).unwrap_or_default()
    }

    /// The first of these pins that is there, even if it is null.
    #[inline(never)]
    pub fn given(&self, keys: &[&str]) -> Option<Value> {
        keys.iter().find_map(|key| self.input.get(key))
    }

    /// The first of these pins that is not null.
    pub fn first(&self, keys: &[&str]) -> Value {
        first(&self.input, keys)
    }

    pub fn config_has(&self, key: &str) -> bool {
        self.config.borrow().contains_key(key)
    }

    pub fn config(&self, key: &str) -> Value {
        self.config.get(key).unwrap_or_default()
    }

    pub fn config_given(&self, keys: &[&str]) -> Option<Value> {
        keys.iter().find_map(|key| self.config.get(key))
    }

    /// The first of these keys of the configuration that is not null.
    pub fn config_first(&self, keys: &[&str]) -> Value {
        first(&self.config, keys)
    }

    /// The first of these pins that is neither null nor empty text, else the first such key of the configuration.
    #[inline(never)]
    pub fn set(&self, keys: &[&str]) -> Value {
        let is_set = |v: &Value| !v.is_null() && v.as_str() != Some("");
        let of = |from: &Dict| keys.iter().find_map(|key| from.get(key).filter(is_set));
        of(&self.input).or_else(|| of(&self.config)).unwrap_or_default()
    }

    /// As [`Pins::set`], as text; `default` for what is not true.
    pub fn set_text(&self, keys: &[&str], default: &str) -> py::Result<String> {
        let value = self.set(keys);
        Ok(if py::truthy(&value) {
            py::str(&value)?.as_ref().to_owned()
        } else {
            default.to_owned()
        })
    }

    /// A switch that counts once a pin or the configuration names it, whatever the value.
    pub fn switch(&self, keys: &[&str], default: bool) -> Option<Value> {
        let named = keys.iter().any(|key| self.has(key) || self.config_has(key));
        named.then(|| match self.set(keys) {
            Value::Null => Value::Bool(default),
            value => Value::Bool(boolish(&value)),
        })
    }
}

fn first(from: &Dict, keys: &[&str]) -> Value {
    keys.iter()
        .find_map(|key| from.get(key).filter(|v| !v.is_null()))
        .unwrap_or_default()
}

/// Adds what there is.
pub(super) fn put(map: &mut Map, key: &str, value: impl Into<Option<Value>>) {
    if let Some(value) = value.into() {
        insert(map, key, value);
    }
}

#[inline(never)]
fn insert(map: &mut Map, key: &str, value: Value) {
    map.insert(key.into(), value);
}

/// Text that is not blank, without space around it.
#[inline(never)]
pub(super) fn text(value: &Value) -> Option<Value> {
    let stripped = py::chars::strip(value.as_str()?);
    (!stripped.is_empty()).then(|| Value::str(stripped))
}

/// The texts of a list that are not blank, without space around them; empty for anything else.
pub(super) fn texts(value: &Value) -> Value {
    let kept = value.as_list().map(|list| list.borrow().iter().filter_map(text).collect());
    Value::list(kept.unwrap_or_default())
}

/// A whole number, decimals cut off; none for what is no number.
pub(super) fn whole(value: &Value) -> Option<Value> {
    py::truncate(number(value)?).ok()
}

/// A number as a float.
pub(super) fn float(value: &Value) -> Option<Value> {
    number(value).filter(|f| !f.is_nan()).map(Value::Float)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null | Value::Bool(_) => None,
        other => py::to_float(other).ok(),
    }
}

/// A whole number above zero, as `int()` reads it.
pub(super) fn positive(value: &Value) -> Option<Value> {
    natural(value).filter(|n| !matches!(n, Value::Int(0)))
}

/// A whole number from zero, as `int()` reads it.
pub(super) fn natural(value: &Value) -> Option<Value> {
    let number = match value {
        Value::Null | Value::Bool(_) => return None,
        other => py::to_int(other).ok()?,
    };
    let negative = match &number {
        Value::Int(n) => *n < 0,
        Value::Big(n) => n.sign() == num_bigint::Sign::Minus,
        _ => true,
    };
    (!negative).then_some(number)
}

/// An object that has entries, as a copy.
pub(super) fn filled(value: &Value) -> Option<Value> {
    let object = value.as_dict().filter(|d| !d.borrow().is_empty())?;
    Some(Value::Dict(object.shallow_copy()))
}

/// Copies of the objects in a list; a lone object counts as a list of it.
pub(super) fn objects(value: &Value) -> Vec<Value> {
    let copy = |v: &Value| v.as_dict().map(|d| Value::Dict(d.shallow_copy()));
    match value {
        Value::Dict(d) => vec![Value::Dict(d.shallow_copy())],
        Value::List(list) => list.borrow().iter().filter_map(copy).collect(),
        _ => Vec::new(),
    }
}
