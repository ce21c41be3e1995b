//! The logic nodes.

use std::cmp::Ordering;

use super::{Cx, Error, Result};
use crate::py;
use crate::value::Value;

/// `a` compared with `b` by `op`="==". Equality is deep and across number types; the order of what
/// has none (null, objects, different types) is false whichever way it is asked.
pub fn compare(cx: &mut Cx<'_>) -> Result {
    let (a, b) = (cx.arg("a").unwrap_or(&Value::Null), cx.arg("b").unwrap_or(&Value::Null));
    let op = cx.text("op", "==")?;
    let answer = match &*op {
        "==" => py::eq(a, b)?,
        "!=" => !py::eq(a, b)?,
        "<" => py::order(a, b)?.is_some_and(Ordering::is_lt),
        "<=" => py::order(a, b)?.is_some_and(Ordering::is_le),
        ">" => py::order(a, b)?.is_some_and(Ordering::is_gt),
        ">=" => py::order(a, b)?.is_some_and(Ordering::is_ge),
        other => return Err(Error(format!("Unknown comparison operator: {other}"))),
    };
    Ok(Value::Bool(answer))
}

/// Whether `value`=false is false.
pub fn not(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Bool(!cx.truth("value", false)))
}

/// Whether `a`=false and `b`=false are both true.
pub fn and(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Bool(cx.truth("a", false) && cx.truth("b", false)))
}

/// Whether one of `a`=false and `b`=false is true.
pub fn or(cx: &mut Cx<'_>) -> Result {
    Ok(Value::Bool(cx.truth("a", false) || cx.truth("b", false)))
}

/// The first input that is there and not null, in the order the pins are declared (`a`, `b` when
/// none are); null when there is none.
pub fn coalesce(cx: &mut Cx<'_>) -> Result {
    let pins = cx.pins(&["a", "b"]);
    let first = pins.iter().filter_map(|pin| cx.arg(pin)).find(|value| !value.is_null());
    Ok(first.cloned().unwrap_or_default())
}

/// The input `in<select>`, or else `fallback`, or else null, as `out`. Which way control came picks
/// the arm (the compiler makes these nodes). A `select` that is no number counts as 0.
pub fn path_mux(cx: &mut Cx<'_>) -> Result {
    let select = match cx.arg("select") {
        Some(Value::Str(text)) => py::parse_float(text).and_then(|f| py::truncate(f).ok()),
        Some(value) => py::to_int(value).ok(),
        None => None,
    };
    let arm = format!("in{}", py::str(&select.unwrap_or(Value::Int(0)))?);
    let value = cx.arg(&arm).or_else(|| cx.arg("fallback"));
    Ok(super::record([("out", value.cloned().unwrap_or_default())]))
}
