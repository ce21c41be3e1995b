//! `str()` and `repr()`.

use std::rc::Rc;

use num_bigint::BigInt;

use super::chars::is_printable;
use super::{Error, FloatText, IntText, Result};
use crate::json::MAX_DEPTH;
use crate::value::Value;

/// Python's `str(value)`: strings as they are, all else as [`repr`].
pub fn str(value: &Value) -> Result<Rc<str>> {
    match value {
        Value::Str(s) => Ok(s.clone()),
        Value::Null => Ok("None".into()),
        Value::Int(n) => Ok(IntText::of(*n).as_str().into()),
        other => Ok(repr(other)?.into()),
    }
}

/// Appends `str(value)`, without a string of its own.
pub fn push_str(out: &mut String, value: &Value) -> Result<()> {
    match value {
        Value::Str(s) => {
            out.push_str(s);
            Ok(())
        }
        other => push_repr(out, other),
    }
}

/// Python's `repr(value)`.
pub fn repr(value: &Value) -> Result<String> {
    let mut out = String::new();
    push_repr(&mut out, value)?;
    Ok(out)
}

/// Appends `repr(value)`.
pub fn push_repr(out: &mut String, value: &Value) -> Result<()> {
    nested_repr(out, value, 0)
}

fn nested_repr(out: &mut String, value: &Value, depth: usize) -> Result<()> {
    if depth == MAX_DEPTH && matches!(value, Value::List(_) | Value::Dict(_)) {
        return Err(Error::too_deep());
    }
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(n) => out.push_str(IntText::of(*n).as_str()),
        Value::Big(n) => out.push_str(&big_text(n)?),
        Value::Float(f) => out.push_str(FloatText::of(*f).as_str()),
        Value::Str(s) => push_quoted(out, s),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.borrow().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                nested_repr(out, item, depth + 1)?;
            }
            out.push(']');
        }
        Value::Dict(dict) => {
            out.push('{');
            for (i, (key, item)) in dict.borrow().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                push_quoted(out, key);
                out.push_str(": ");
                nested_repr(out, item, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// The digits of an integer. Python refuses beyond 4300 of them, because the work grows with the
/// square of their number.
pub fn big_text(n: &BigInt) -> Result<String> {
    const MAX_DIGITS: usize = 4300;
    // Three bits are less than one digit, so this many bits are surely too many digits.
    let text = if n.bits() > 4 * MAX_DIGITS as u64 {
        None
    } else {
        Some(n.to_str_radix(10))
    };
    text.filter(|text| text.trim_start_matches('-').len() <= MAX_DIGITS)
        .ok_or_else(|| Error::value("Exceeds the limit (4300 digits) for integer string conversion"))
}

/// Appends `repr` of a string: single quotes unless that would need an escape which double quotes
/// do not, and everything that does not print as an escape.
pub fn push_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => push_escape(out, c),
        }
    }
    out.push(quote);
}

/// Appends `repr` of a string with everything beyond ASCII escaped too (`ascii()`).
pub fn push_ascii(out: &mut String, repr: &str) {
    for c in repr.chars() {
        if c.is_ascii() { out.push(c) } else { push_escape(out, c) }
    }
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, whichever is the shortest that holds the character.
fn push_escape(out: &mut String, c: char) {
    let code = c as u32;
    let (letter, digits) = match code {
        0..0x100 => ('x', 2),
        0x100..0x10000 => ('u', 4),
        _ => ('U', 8),
    };
    out.push('\\');
    out.push(letter);
    for i in (0..digits).rev() {
        out.push(char::from_digit(code >> (4 * i) & 15, 16).unwrap_or('0'));
    }
}
