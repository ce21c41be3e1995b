//! The nodes between values and JSON text.

use super::{Cx, Error, Result, record};
use crate::json::{Style, Tolerant, loads_tolerant, write_styled};
use crate::py;
use crate::py::chars::strip;
use crate::value::Value;

const EMPTY: &str = "parse_json requires a non-empty 'text' input.";

/// The value that `text` spells, read tolerantly (see [`loads_tolerant`]); a list or object is
/// copied. What is neither becomes `{"value": …}` unless `wrap_scalar`=true is turned off.
pub fn parse_json(cx: &mut Cx<'_>) -> Result {
    let parsed = match cx.arg("text") {
        None | Some(Value::Null) => return Err(Error(EMPTY.into())),
        Some(value @ (Value::List(_) | Value::Dict(_))) => value.deep_copy(),
        Some(scalar) => match loads_tolerant(&py::str(scalar)?)? {
            Tolerant::Found(value) => value,
            Tolerant::Empty => return Err(Error(EMPTY.into())),
            Tolerant::Invalid(why) => return Err(Error(format!("Invalid JSON: {why}"))),
        },
    };
    if matches!(parsed, Value::List(_) | Value::Dict(_)) || !cx.truth("wrap_scalar", true) {
        return Ok(parsed);
    }
    Ok(record([("value", parsed)]))
}

/// The JSON text of `value`: `mode` none, beautify or minified. Without a mode `indent` decides: 0
/// and below minified, above that many spaces, else beautify with 2. Text that can be read as JSON
/// is read first. Keys are sorted if `sort_keys` is true itself.
pub fn stringify_json(cx: &mut Cx<'_>) -> Result {
    let mut value = cx.arg_or_null("value");
    let indent = cx.arg("indent").filter(|indent| !indent.is_null());
    let indent = indent.and_then(|indent| py::to_index(indent).ok());
    let mode = cx.arg("mode").and_then(Value::as_str).map(|mode| strip(mode).to_lowercase());
    let sort_keys = matches!(cx.arg("sort_keys"), Some(Value::Bool(true)));
    if let Value::Str(text) = &value
        && let Tolerant::Found(parsed) = loads_tolerant(text)?
        && !parsed.is_null()
    {
        value = parsed;
    }
    let style = match mode.as_deref().unwrap_or("") {
        "minified" => Style::MINIFIED,
        "none" => Style::PYTHON,
        "" if indent.is_some_and(|indent| indent <= 0) => Style::MINIFIED,
        // A wider indent than any screen only costs memory.
        _ => Style {
            indent: Some(indent.filter(|n| *n > 0).unwrap_or(2).min(256) as usize),
            ..Style::PYTHON
        },
    };
    let mut out = String::new();
    write_styled(&mut out, &value, &Style { sort_keys, ..style })?;
    Ok(Value::str(out))
}
