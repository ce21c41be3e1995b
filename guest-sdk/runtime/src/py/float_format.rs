//! Decimal text of floats with a stated number of digits, exactly rounded.

use std::fmt::Write;

use super::{Error, FloatText, Result};

/// How many digits of a float can differ from zero; the standard formatter is asked for no more.
const MAX_DIGITS: usize = 1100;

/// More than this is a mistake, not a text.
const MAX_PRECISION: usize = 1 << 20;

/// `value` (finite, positive) with `precision` decimals: Python's `f`.
pub fn fixed(value: f64, precision: usize) -> Result<String> {
    check(precision)?;
    let asked = precision.min(MAX_DIGITS);
    let mut text = format!("{value:.asked$}");
    zeros(&mut text, precision - asked);
    Ok(text)
}

/// `value` (finite, positive) as one digit, `precision` decimals and a power of ten: Python's `e`.
pub fn exponential(value: f64, precision: usize) -> Result<String> {
    check(precision)?;
    let (mut digits, exponent) = scientific(value, precision.min(MAX_DIGITS));
    zeros(&mut digits, precision - precision.min(MAX_DIGITS));
    push_exponent(&mut digits, exponent);
    Ok(digits)
}

/// `value` (finite, positive) with `precision` significant digits, in whichever of the two forms is
/// shorter, and without needless zeros: Python's `g`.
pub fn general(value: f64, precision: usize, keep_zeros: bool) -> Result<String> {
    general_with_bound(value, precision, keep_zeros, false)
}

/// A float with a precision but no form: as [`general`], but never looking like an integer.
pub fn plain(value: f64, precision: Option<usize>, keep_zeros: bool) -> Result<String> {
    match precision {
        None => Ok(FloatText::of(value).as_str().to_owned()),
        Some(precision) => general_with_bound(value, precision, keep_zeros, true),
    }
}

fn general_with_bound(value: f64, precision: usize, keep_zeros: bool, point: bool) -> Result<String> {
    check(precision)?;
    let precision = precision.max(1);
    let (_, exponent) = scientific(value, (precision - 1).min(MAX_DIGITS));
    let places = precision as i64;
    // The form that always has a point needs a digit for behind it.
    let exponential_form = exponent < -4 || exponent >= places - i64::from(point);
    let mut text = if exponential_form {
        scientific(value, (precision - 1).min(MAX_DIGITS)).0
    } else {
        fixed(value, usize::try_from(places - 1 - exponent).unwrap_or(0))?
    };
    if !keep_zeros && text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if exponential_form {
        push_exponent(&mut text, exponent);
    } else if point && !text.contains('.') {
        text.push_str(".0");
    }
    Ok(text)
}

fn check(precision: usize) -> Result<()> {
    if precision > MAX_PRECISION {
        return Err(Error::value("precision too big"));
    }
    Ok(())
}

fn zeros(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n('0', count));
}

/// The rounded digits, one before the point, and the exponent.
fn scientific(value: f64, decimals: usize) -> (String, i64) {
    let mut text = format!("{value:.decimals$e}");
    let e = text.find('e').unwrap_or(text.len());
    let exponent = text.get(e + 1..).and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
    text.truncate(e);
    (text, exponent)
}

fn push_exponent(text: &mut String, exponent: i64) {
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a string cannot fail.
    let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
}
