//! Floats in hexadecimal: `float.hex` and `float.fromhex`.

use super::number::parts;
use crate::py::chars::strip;
use crate::python::error::{Py, overflow_error, value_error};

pub fn write(float: f64) -> String {
    if !float.is_finite() {
        return crate::py::FloatText::of(float).as_str().to_owned();
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    if float == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let (mantissa, exponent) = parts(float);
    let (whole, fraction) = (mantissa >> 52, mantissa & ((1 << 52) - 1));
    format!("{sign}0x{whole}.{fraction:013x}p{:+}", exponent + 52)
}

/// Rounds to the nearest, to even on a tie.
pub fn read(text: &str) -> Py<f64> {
    let invalid = || value_error("invalid hexadecimal floating-point string");
    let text = strip(text);
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = |size: f64| if negative { -size } else { size };
    let rest = rest.to_ascii_lowercase();
    match rest.as_str() {
        "inf" | "infinity" => return Ok(signed(f64::INFINITY)),
        "nan" => return Ok(signed(f64::NAN)),
        _ => {}
    }
    let rest = rest.strip_prefix("0x").unwrap_or(&rest);
    let (digits, exponent) = match rest.split_once('p') {
        None => (rest, 0),
        Some((digits, exponent)) => {
            let size = exponent.trim_start_matches(['+', '-']);
            if size.is_empty() || exponent.len() - size.len() > 1 || !size.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            // What does not fit is out of range either way.
            let bound = if exponent.starts_with('-') {
                i64::MIN / 4
            } else {
                i64::MAX / 4
            };
            (digits, exponent.parse().unwrap_or(bound).clamp(i64::MIN / 4, i64::MAX / 4))
        }
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    // The first 60 significant bits or so; of the others only whether there are any.
    let (mut mantissa, mut exponent, mut more) = (0_u64, exponent - 4 * fraction.len() as i64, false);
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = char::from(byte).to_digit(16).ok_or_else(invalid)?;
        if mantissa >> 56 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
        } else {
            more |= digit != 0;
            exponent += 4;
        }
    }
    match compose(mantissa, exponent, more) {
        Some(size) => Ok(signed(size)),
        None => Err(overflow_error("hexadecimal value too large to represent as a float")),
    }
}

/// The float nearest to `mantissa * 2 ** exponent`, or a little more than that; `None` when it is too large.
fn compose(mantissa: u64, exponent: i64, more: bool) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let bits = i64::from(64 - mantissa.leading_zeros());
    // The exponent of the last bit that the result can have.
    let last = (exponent + bits - 53).max(-1074);
    let (mut kept, mut at) = (mantissa, exponent);
    if last > exponent {
        let dropped = last - exponent;
        if dropped > 64 {
            return Some(0.0);
        }
        let (above, below) = match dropped {
            64 => (0, u128::from(mantissa)),
            _ => (mantissa >> dropped, u128::from(mantissa & ((1 << dropped) - 1))),
        };
        let half = 1_u128 << (dropped - 1);
        let up = below > half || (below == half && (more || above & 1 == 1));
        (kept, at) = (above + u64::from(up), last);
    }
    // `kept` has at most 54 bits, and then it is a power of two: exact as a float. Two factors, because one power may be out of range.
    let power = |n: i64| 2.0_f64.powi(n as i32);
    if kept == 0 {
        return Some(0.0);
    }
    if at > 1100 {
        return None;
    }
    let size = match at {
        ..-1000 => kept as f64 * power(at + 100) * power(-100),
        -1000..900 => kept as f64 * power(at),
        _ => kept as f64 * power(at - 100) * power(100),
    };
    size.is_finite().then_some(size)
}
