//! Float arithmetic where Python's rules are not the machine's.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::FromPrimitive;

use super::elementary;
use super::{Error, FloatText, Kind, Result};

/// Python's `a % b` of floats: the result has the sign of `b`.
pub fn float_mod(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 {
        return Err(Error::new(Kind::ZeroDivision, "float modulo"));
    }
    let rest = a % b;
    if rest == 0.0 {
        return Ok(0.0_f64.copysign(b));
    }
    Ok(if (b < 0.0) != (rest < 0.0) { rest + b } else { rest })
}

/// Python's `a // b` of floats, which agrees with [`float_mod`].
pub fn float_floor_div(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 {
        return Err(Error::new(Kind::ZeroDivision, "float floor division by zero"));
    }
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return Ok(0.0_f64.copysign(a / b));
    }
    let floor = quotient.floor();
    Ok(if quotient - floor > 0.5 { floor + 1.0 } else { floor })
}

/// What Python says of a float operation that the C library finds too large: its error's number and text.
pub const OUT_OF_RANGE: &str = "(34, 'Numerical result out of range')";

/// Python's `base ** exp` of floats. Where Python would give a complex number this is an error, as
/// flows have none.
pub fn float_pow(base: f64, exp: f64) -> Result<f64> {
    if base == 0.0 && exp < 0.0 {
        return Err(Error::new(Kind::ZeroDivision, "0.0 cannot be raised to a negative power"));
    }
    if is_complex_pow(base, exp) {
        return Err(Error::value("negative number cannot be raised to a fractional power"));
    }
    let power = elementary::pow(base, exp);
    if power.is_infinite() && base.is_finite() && exp.is_finite() {
        return Err(Error::overflow(OUT_OF_RANGE));
    }
    Ok(power)
}

/// Whether Python's `base ** exp` is a complex number.
pub fn is_complex_pow(base: f64, exp: f64) -> bool {
    base.is_finite() && base < 0.0 && exp.is_finite() && exp.fract() != 0.0
}

/// `str(base ** exp)` where that is complex: the power of the size, turned by `exp` half circles.
pub fn complex_pow_text(base: f64, exp: f64) -> Result<String> {
    let size = elementary::pow(base.abs(), exp);
    if size.is_infinite() {
        return Err(Error::overflow("complex exponentiation"));
    }
    let angle = std::f64::consts::PI * exp;
    let (real, imaginary) = (
        FloatText::of(size * elementary::cos(angle)),
        FloatText::of(size * elementary::sin(angle)),
    );
    // Unlike a float, a part of a complex number needs no point.
    let [real, imaginary] = [&real, &imaginary].map(|part| part.as_str().trim_end_matches(".0"));
    if real == "0" {
        return Ok(format!("{imaginary}j"));
    }
    let plus = if imaginary.starts_with('-') { "" } else { "+" };
    Ok(format!("({real}{plus}{imaginary}j)"))
}

/// Python's `round(value, decimals)` of a float: to the nearest, by the exact binary value, and to
/// the even digit on a tie.
pub fn round(value: f64, decimals: i64) -> Result<f64> {
    if !value.is_finite() || value == 0.0 || decimals > 323 {
        return Ok(value);
    }
    if decimals < -308 {
        return Ok(0.0_f64.copysign(value));
    }
    if decimals >= 0 {
        // The formatter works on the exact value too, so printing and reading is the rounding.
        let text = format!("{value:.*}", decimals as usize);
        return Ok(text.parse().unwrap_or(value));
    }
    // To a power of ten: exact in integers. The fraction only matters as "more than a tie".
    let unit = BigInt::from(10).pow(decimals.unsigned_abs() as u32);
    let whole = BigInt::from_f64(value.abs().trunc()).unwrap_or_default();
    let (mut count, rest) = whole.div_rem(&unit);
    let up = match (rest * BigInt::from(2)).cmp(&unit) {
        Ordering::Greater => true,
        Ordering::Equal => value.fract() != 0.0 || count.is_odd(),
        Ordering::Less => false,
    };
    if up {
        count += 1;
    }
    match (count * unit).to_str_radix(10).parse::<f64>() {
        Ok(size) if size.is_finite() => Ok(size.copysign(value)),
        _ => Err(Error::overflow("rounded value too large to represent")),
    }
}
