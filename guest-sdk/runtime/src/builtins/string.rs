//! The string nodes.

use std::borrow::Cow;
use std::rc::Rc;

use super::{Cx, Result};
use crate::py::chars::strip;
use crate::py::{self, slice};
use crate::value::Value;

/// Separators are typed into forms as `\n`, `\t` and `\r`.
fn decode_escapes(text: &str) -> Cow<'_, str> {
    if text.contains('\\') {
        text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").into()
    } else {
        text.into()
    }
}

/// The text of every input that is there (null is empty), in the order the pins are declared, with
/// `concatConfig.separator`=" " between them. With no declared pins: `a` to `z`, then the others
/// by name.
pub fn concat(cx: &mut Cx<'_>) -> Result {
    let configured = cx.cfg("concatConfig").and_then(|config| config.as_dict()?.get("separator"));
    let separator = configured.as_ref().and_then(Value::as_str).unwrap_or(" ");
    let separator = decode_escapes(separator);
    let mut pins = cx.pins(&[]);
    if pins.is_empty() {
        pins = cx.args.keys().cloned().collect();
        pins.sort_by_key(|pin| !matches!(pin.as_bytes(), [b'a'..=b'z']));
        let letters = pins.partition_point(|pin| matches!(pin.as_bytes(), [b'a'..=b'z']));
        let (letters, others) = pins.split_at_mut(letters);
        letters.sort_unstable();
        others.sort_unstable();
    }
    let values = pins.iter().filter_map(|pin| cx.arg(pin));
    join_texts(values, &separator)
}

/// The texts of the values with a separator between them; null is empty.
fn join_texts<'a>(values: impl Iterator<Item = &'a Value>, separator: &str) -> Result {
    let mut out = String::new();
    for (i, value) in values.enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        if !value.is_null() {
            py::push_str(&mut out, value)?;
        }
    }
    Ok(Value::str(out))
}

/// `text`="" cut at each `delimiter`=",", at most `maxsplit` times when that is a number from 0;
/// then, unless turned off, parts are stripped (`trim`) and empty ones dropped (`drop_empty`). An
/// empty delimiter does not cut.
pub fn split(cx: &mut Cx<'_>) -> Result {
    let text = cx.text_or_empty("text")?;
    let delimiter = match cx.arg("delimiter") {
        None => Rc::from(","),
        Some(_) => cx.text_or_empty("delimiter")?,
    };
    let delimiter = decode_escapes(&delimiter);
    let trim = cx.truth("trim", true);
    let drop_empty = cx.truth("drop_empty", true);
    let parts: Vec<&str> = if delimiter.is_empty() {
        if text.is_empty() { Vec::new() } else { vec![&text] }
    } else {
        match cx.arg("maxsplit").and_then(|max| py::to_index(max).ok()) {
            Some(max) if max >= 0 => {
                let pieces = usize::try_from(max).unwrap_or(usize::MAX).saturating_add(1);
                text.splitn(pieces, &*delimiter).collect()
            }
            _ => text.split(&*delimiter).collect(),
        }
    };
    let parts = parts.into_iter().map(|part| if trim { strip(part) } else { part });
    let kept = parts.filter(|part| !drop_empty || !part.is_empty());
    Ok(Value::list(kept.map(Value::str).collect()))
}

/// The texts of `items` (null is empty; what is no list is one item) with `delimiter`="," between
/// them.
pub fn join(cx: &mut Cx<'_>) -> Result {
    let delimiter = cx.text("delimiter", ",")?;
    let delimiter = decode_escapes(&delimiter);
    match cx.arg("items") {
        None | Some(Value::Null) => Ok(Value::str("")),
        Some(Value::List(items)) => join_texts(items.borrow().iter(), &delimiter),
        Some(other) => join_texts(std::iter::once(other), &delimiter),
    }
}

/// `template`="" filled by Python's `str.format` with the members of `values` as named arguments.
/// Unchanged when `values` is no object.
pub fn format(cx: &mut Cx<'_>) -> Result {
    let template = cx.text("template", "")?;
    match cx.arg("values") {
        None => Ok(Value::str(py::format::format(&template, &Default::default())?)),
        Some(Value::Dict(values)) => Ok(Value::str(py::format::format(&template, &values.borrow())?)),
        Some(_) => Ok(Value::Str(template)),
    }
}

/// `text`="" in upper case.
pub fn uppercase(cx: &mut Cx<'_>) -> Result {
    Ok(Value::str(cx.text("text", "")?.to_uppercase()))
}

/// `text`="" in lower case.
pub fn lowercase(cx: &mut Cx<'_>) -> Result {
    Ok(Value::str(cx.text("text", "")?.to_lowercase()))
}

/// `text`="" without the white space around it.
pub fn trim(cx: &mut Cx<'_>) -> Result {
    Ok(Value::str(strip(&cx.text("text", "")?)))
}

/// `text`="" from `start`=0 to `end`; negative places count from the end of the text.
pub fn substring(cx: &mut Cx<'_>) -> Result {
    let text = cx.text("text", "")?;
    let start = cx.arg("start").map_or(Ok(0), py::to_index)?;
    let end = match cx.arg("end") {
        None | Some(Value::Null) => None,
        Some(end) => Some(py::to_index(end)?),
    };
    Ok(Value::str(slice::text(&text, Some(start), end)))
}

/// The number of code points of `text`="".
pub fn length(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Int(cx.text("text", "")?.chars().count() as i64))
}

/// Whether `text` is empty or null.
pub fn is_empty_string(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Bool(cx.text_or_empty("text")?.is_empty()))
}

/// Whether `pattern` occurs in `text`; never when it is empty or null.
pub fn contains(cx: &mut Cx<'_>) -> Result {
    let pattern = cx.text_or_empty("pattern")?;
    Ok(Value::Bool(
        !pattern.is_empty() && cx.text_or_empty("text")?.contains(&*pattern),
    ))
}

/// `text` with `pattern` replaced by `replacement`: everywhere, or as often as `mode`="all" says
/// (`first`, `once`, or a number from 0). Unchanged when the pattern is empty or null.
pub fn replace(cx: &mut Cx<'_>) -> Result {
    let text = cx.text_or_empty("text")?;
    let pattern = cx.text_or_empty("pattern")?;
    if pattern.is_empty() {
        return Ok(Value::Str(text));
    }
    let replacement = cx.text_or_empty("replacement")?;
    let times = match cx.arg("mode") {
        None | Some(Value::Null) => None,
        Some(mode) => times(mode)?,
    };
    Ok(Value::str(match times {
        Some(times) => text.replacen(&*pattern, &replacement, times),
        None => text.replace(&*pattern, &replacement),
    }))
}

/// How often a mode replaces; None is always.
fn times(mode: &Value) -> Result<Option<usize>> {
    match strip(&py::str(mode)?).to_lowercase().as_str() {
        "first" | "once" | "1" => Ok(Some(1)),
        "all" | "*" | "global" => Ok(None),
        _ => Ok(py::to_index(mode).ok().and_then(|count| usize::try_from(count).ok())),
    }
}
