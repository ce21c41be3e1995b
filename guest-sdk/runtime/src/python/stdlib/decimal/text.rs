//! Decimal numbers from text and as text.

use num_bigint::BigInt;
use num_traits::Zero;

use super::Rounding;
use super::number::{Kind, Number};
use crate::py::chars;

/// More digits than this are no number that a program means.
const LONGEST: usize = 100_000;

/// Reads a number as `Decimal(text)` does; `None` when it is none.
pub fn parse(text: &str) -> Option<Number> {
    let text = chars::ascii_number(text).replace('_', "");
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text.as_str()),
    };
    match rest.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Some(Number::infinite(negative)),
        "nan" | "snan" => return Some(Number::nan()),
        _ => {}
    }
    let (digits, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)?.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty() || all.len() > LONGEST || !all.bytes().all(|b| b.is_ascii_digit()) || exponent.abs() > 1_000_000_000 {
        return None;
    }
    let digits: BigInt = all.parse().ok()?;
    Some(Number::finite(negative, digits, exponent - fraction.len() as i64))
}

/// The number as `str()` shows it, without its sign.
pub fn unsigned(number: &Number) -> String {
    match &number.kind {
        Kind::Infinite => "Infinity".to_owned(),
        Kind::Nan => "NaN".to_owned(),
        Kind::Finite { digits, exponent } => {
            let adjusted = number.adjusted();
            if *exponent <= 0 && adjusted >= -6 {
                plain(digits, *exponent)
            } else {
                scientific(digits, adjusted, 'E')
            }
        }
    }
}

pub fn shown(number: &Number) -> String {
    format!("{}{}", if number.negative { "-" } else { "" }, unsigned(number))
}

/// Digits with a point, without an exponent; `exponent` is at most 0.
fn plain(digits: &BigInt, exponent: i64) -> String {
    let digits = digits.to_string();
    let behind = exponent.unsigned_abs() as usize;
    if behind == 0 {
        return digits;
    }
    let digits = format!("{digits:0>width$}", width = behind + 1);
    let (whole, fraction) = digits.split_at(digits.len() - behind);
    format!("{whole}.{fraction}")
}

fn scientific(digits: &BigInt, adjusted: i64, mark: char) -> String {
    let digits = digits.to_string();
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}{mark}{adjusted:+}")
}

/// The number as `format()` shows it: without its sign; `None` for a kind that there is not.
pub fn formatted(number: &Number, kind: Option<char>, precision: Option<usize>) -> Option<(bool, String)> {
    let (number, percent) = match (kind, &number.kind) {
        (Some('%'), Kind::Finite { digits, exponent }) => (Number::finite(number.negative, digits.clone(), exponent + 2), true),
        _ => (number.clone(), false),
    };
    let Kind::Finite { digits, exponent } = &number.kind else {
        return Some((number.negative, unsigned(&number)));
    };
    let places = precision.map(|places| places.min(LONGEST) as i64);
    let text = match kind {
        Some('f' | 'F' | '%') => {
            let places = places.unwrap_or(-(*exponent).min(0));
            let fixed = number.with_exponent(-places, Rounding::HalfEven).ok()?;
            match fixed.kind {
                Kind::Finite { digits, exponent } => plain(&digits, exponent),
                _ => return None,
            }
        }
        Some(mark @ ('e' | 'E')) => {
            let shown = match places {
                Some(places) if !digits.is_zero() => to_length(&number, places + 1)?,
                _ => number.clone(),
            };
            match &shown.kind {
                Kind::Finite { digits, .. } => scientific(digits, shown.adjusted(), mark),
                _ => return None,
            }
        }
        None | Some('g' | 'G' | 'n') => {
            let shown = match places {
                Some(places) if super::number::length(digits) > places.max(1) => to_length(&number, places.max(1))?,
                _ => number.clone(),
            };
            let text = unsigned(&shown);
            if kind == Some('g') { text.to_lowercase() } else { text }
        }
        Some(_) => return None,
    };
    Some((number.negative, if percent { text + "%" } else { text }))
}

/// Rounded to a number of digits.
fn to_length(number: &Number, length: i64) -> Option<Number> {
    let rounded = number
        .with_exponent(number.adjusted() - length + 1, Rounding::HalfEven)
        .ok()?;
    match &rounded.kind {
        // One digit more by rounding up.
        Kind::Finite { digits, .. } if super::number::length(digits) > length => {
            number.with_exponent(rounded.adjusted() - length + 1, Rounding::HalfEven).ok()
        }
        _ => Some(rounded),
    }
}
