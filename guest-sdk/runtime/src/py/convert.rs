//! `int()`, `float()` and `dict()`, with Python's error texts.

use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use super::chars::ascii_number;
use super::text::push_quoted;
use super::{Error, Result};
use crate::value::{Map, Value};

/// The name of a value's Python type.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Big(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::List(_) => "list",
        Value::Dict(_) => "dict",
    }
}

/// Python's `float(value)`.
pub fn to_float(value: &Value) -> Result<f64> {
    match value {
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::Int(n) => Ok(*n as f64),
        Value::Big(n) => match n.to_f64() {
            Some(float) if float.is_finite() => Ok(float),
            _ => Err(Error::overflow("int too large to convert to float")),
        },
        Value::Float(f) => Ok(*f),
        Value::Str(s) => parse_float(s).ok_or_else(|| bad_text("could not convert string to float: ", s)),
        other => Err(Error::type_error(format!(
            "float() argument must be a string or a real number, not '{}'",
            type_name(other)
        ))),
    }
}

/// Python's `int(value)`: floats are truncated, text must be a whole decimal number.
pub fn to_int(value: &Value) -> Result<Value> {
    match value {
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Int(_) | Value::Big(_) => Ok(value.clone()),
        Value::Float(f) => truncate(*f),
        Value::Str(s) => parse_int(s)?.ok_or_else(|| bad_text("invalid literal for int() with base 10: ", s)),
        other => Err(Error::type_error(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        ))),
    }
}

/// `int(value)` for a use where only its place in 64 bits matters, such as an index: larger numbers
/// come back as the nearest bound.
pub fn to_index(value: &Value) -> Result<i64> {
    Ok(match to_int(value)? {
        Value::Int(n) => n,
        Value::Big(n) if n.sign() == num_bigint::Sign::Minus => i64::MIN,
        _ => i64::MAX,
    })
}

/// Python's `int(float)`.
pub fn truncate(float: f64) -> Result<Value> {
    if float.is_nan() {
        return Err(Error::value("cannot convert float NaN to integer"));
    }
    if float.is_infinite() {
        return Err(Error::overflow("cannot convert float infinity to integer"));
    }
    let whole = float.trunc();
    // Both bounds are exact powers of two, so no in-range float rounds out of range.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
        return Ok(Value::Int(whole as i64));
    }
    Ok(Value::big(BigInt::from_f64(whole).unwrap_or_default()))
}

/// The number that `float(text)` reads, if it reads one.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = ascii_number(text);
    let word = text.trim_start_matches(['+', '-']);
    if text.len() - word.len() > 1 {
        return None;
    }
    // Rust reads the same grammar, the words included, but no underscores.
    if word.contains('_') {
        return without_underscores(&text)?.parse().ok();
    }
    text.parse().ok()
}

/// The number that `int(text)` reads, if it reads one. An error when it has too many digits.
fn parse_int(text: &str) -> Result<Option<Value>> {
    let text = ascii_number(text);
    let Some(text) = without_underscores(&text) else {
        return Ok(None);
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    if digits.len() > 4300 {
        return Err(Error::value("Exceeds the limit (4300 digits) for integer string conversion"));
    }
    if let Ok(small) = text.parse() {
        return Ok(Some(Value::Int(small)));
    }
    Ok(text.parse::<BigInt>().ok().map(Value::big))
}

/// The text without its underscores, each of which must stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    for (i, _) in text.match_indices('_') {
        if !is_digit(i.checked_sub(1)) || !is_digit(Some(i + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

fn bad_text(message: &str, text: &str) -> Error {
    let mut out = String::from(message);
    push_quoted(&mut out, text);
    Error::value(out)
}

/// Python's `dict(value)` as a shallow copy: of an object, or of a sequence of pairs.
pub fn to_dict(value: &Value) -> Result<Map> {
    let pairs = match value {
        Value::Dict(dict) => return Ok(dict.borrow().clone()),
        Value::List(_) | Value::Str(_) => iterate(value)?,
        other => {
            return Err(Error::type_error(format!("'{}' object is not iterable", type_name(other))));
        }
    };
    let mut map = Map::default();
    for (i, pair) in pairs.iter().enumerate() {
        let parts = iterate(pair).map_err(|_| {
            Error::type_error(format!(
                "cannot convert dictionary update sequence element #{i} to a sequence"
            ))
        })?;
        let [key, item] = parts.as_slice() else {
            let text = format!(
                "dictionary update sequence element #{i} has length {}; 2 is required",
                parts.len()
            );
            return Err(Error::value(text));
        };
        map.insert(key_text(key)?, item.clone());
    }
    Ok(map)
}

/// What a `for` loop over the value sees: items, characters, or keys.
pub fn iterate(value: &Value) -> Result<Vec<Value>> {
    match value {
        Value::List(list) => Ok(list.borrow().clone()),
        Value::Str(s) => Ok(s.chars().map(|c| Value::str(c.encode_utf8(&mut [0; 4]) as &str)).collect()),
        Value::Dict(dict) => Ok(dict.borrow().keys().cloned().map(Value::Str).collect()),
        other => Err(Error::type_error(format!("'{}' object is not iterable", type_name(other)))),
    }
}

/// The text that a key of a Python dict has in JSON.
fn key_text(key: &Value) -> Result<std::rc::Rc<str>> {
    match key {
        Value::Null => Ok("null".into()),
        Value::Bool(b) => Ok(if *b { "true" } else { "false" }.into()),
        Value::List(_) | Value::Dict(_) => Err(Error::type_error(format!("unhashable type: '{}'", type_name(key)))),
        other => super::str(other),
    }
}
