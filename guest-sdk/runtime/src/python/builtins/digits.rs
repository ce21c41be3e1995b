//! Texts of integers and floats, as `int()` and `float()` read them.

use num_bigint::BigInt;

use crate::py::chars::{ascii_number, digit, is_space};
use crate::py::parse_float;
use crate::python::error::{Py, Raised, value_error};
use crate::python::object::Obj;
use crate::python::text::repr;

/// Digits of a text in a base that is no power of two beyond which Python refuses: the work grows with their square.
const MAX_DIGITS: usize = 4300;

/// `int(text, base)`; a base of 0 is told by the text. `shown` is the object that messages show.
pub fn int(text: &str, base: u32, shown: &Obj) -> Py {
    let invalid = || match repr(shown) {
        Ok(shown) => value_error(format!("invalid literal for int() with base {base}: {shown}")),
        Err(raised) => raised,
    };
    // The usual text: a few digits.
    if base == 10
        && text.len() < 19
        && text.bytes().all(|b| b.is_ascii_digit())
        && let Ok(n) = text.parse()
    {
        return Ok(Obj::Int(n));
    }
    let text = ascii_number(text);
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, &text[..]),
    };
    let prefix = match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    };
    let (radix, digits) = match (base, prefix) {
        (0, Some(radix)) => (radix, &rest[2..]),
        (_, Some(radix)) if radix == base => (radix, &rest[2..]),
        (0, None) => (10, rest),
        _ => (base, rest),
    };
    // An underscore may stand behind a prefix and between two digits.
    let digits = match (digits.strip_prefix('_'), digits.len() < rest.len()) {
        (Some(after), true) => after,
        _ => digits,
    };
    let plain = without_underscores(digits).ok_or_else(invalid)?;
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(invalid());
    }
    if base == 0 && prefix.is_none() && plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
        return Err(invalid());
    }
    if !radix.is_power_of_two() && plain.len() > MAX_DIGITS {
        return Err(too_long(plain.len()));
    }
    let n = match i64::from_str_radix(&plain, radix) {
        Ok(n) => return Ok(Obj::Int(if negative { -n } else { n })),
        Err(_) => BigInt::parse_bytes(plain.as_bytes(), radix).ok_or_else(invalid)?,
    };
    Ok(Obj::big(if negative { -n } else { n }))
}

fn too_long(digits: usize) -> Raised {
    value_error(format!(
        "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {digits} digits; use \
         sys.set_int_max_str_digits() to increase the limit"
    ))
}

/// The digits without underscores, each of which must stand between two of them.
fn without_underscores(digits: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !digits.contains('_') {
        return Some(digits.into());
    }
    let wrong = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!wrong).then(|| digits.replace('_', "").into())
}

/// `float(text)`
pub fn float(text: &str, shown: &Obj) -> Py {
    match parse_float(text) {
        Some(float) => Ok(Obj::Float(float)),
        None => Err(value_error(format!("could not convert string to float: {}", repr(shown)?))),
    }
}

/// Bytes as a text of digits: those that are no ASCII cannot be part of a number.
pub fn of_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).map(opaque).collect()
}

/// White space and digits beyond ASCII count in texts, not in bytes.
fn opaque(c: char) -> char {
    if !c.is_ascii() && (is_space(c) || digit(c).is_some()) || matches!(c, '\u{1c}'..='\u{1f}') {
        return '\u{fffd}';
    }
    c
}
