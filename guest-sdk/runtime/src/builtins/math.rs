//! The math nodes. All but the random ones work on floats and read their inputs as `float()` does.

use num_bigint::BigInt;
use num_traits::One;

use super::{Cx, Error, Result, World};
use crate::py::{self, arith};
use crate::value::Value;

fn float(value: f64) -> Result {
    Ok(Value::Float(value))
}

/// `a`=0 plus `b`=0.
pub fn add(cx: &mut Cx<'_>) -> Result {
    float(cx.float("a", 0.0)? + cx.float("b", 0.0)?)
}

/// `a`=0 minus `b`=0.
pub fn subtract(cx: &mut Cx<'_>) -> Result {
    float(cx.float("a", 0.0)? - cx.float("b", 0.0)?)
}

/// `a`=0 times `b`=0.
pub fn multiply(cx: &mut Cx<'_>) -> Result {
    float(cx.float("a", 0.0)? * cx.float("b", 0.0)?)
}

/// `a`=0 by `b`=1; an error when `b` is 0.
pub fn divide(cx: &mut Cx<'_>) -> Result {
    let b = cx.float("b", 1.0)?;
    if b == 0.0 {
        return Err(Error("Division by zero".into()));
    }
    float(cx.float("a", 0.0)? / b)
}

/// The remainder of `a`=0 by `b`=1, with the sign of `b`; an error when `b` is 0.
pub fn modulo(cx: &mut Cx<'_>) -> Result {
    let b = cx.float("b", 1.0)?;
    if b == 0.0 {
        return Err(Error("Modulo by zero".into()));
    }
    float(arith::float_mod(cx.float("a", 0.0)?, b)?)
}

/// `base`=0 to the power `exp`=1; an error when the result is infinite. A negative base with a fractional exponent gives the
/// text of Python's complex number, which is how such a result leaves a run of the reference.
pub fn power(cx: &mut Cx<'_>) -> Result {
    let (base, exp) = (cx.float("base", 0.0)?, cx.float("exp", 1.0)?);
    if arith::is_complex_pow(base, exp) {
        return Ok(Value::str(arith::complex_pow_text(base, exp)?));
    }
    float(arith::float_pow(base, exp)?)
}

/// The absolute value of `value`=0.
pub fn abs(cx: &mut Cx<'_>) -> Result {
    float(cx.float("value", 0.0)?.abs())
}

/// `value`=0 rounded to `decimals`=0 places (read as `int()` does), ties to the even digit.
pub fn round(cx: &mut Cx<'_>) -> Result {
    let value = cx.float("value", 0.0)?;
    let decimals = cx.arg("decimals").map_or(Ok(0), py::to_index)?;
    float(arith::round(value, decimals)?)
}

/// A random integer from `min`=0 to `max`=100, both possible. What is no number counts as its
/// default, and reversed bounds are swapped.
pub fn random_int(cx: &mut Cx<'_>) -> Result {
    let min = whole(cx.arg("min"), 0);
    let max = whole(cx.arg("max"), 100);
    let (min, max) = if max < min { (max, min) } else { (min, max) };
    let count = &max - &min + BigInt::one();
    Ok(Value::big(min + random_big(cx.world, &count)))
}

/// `int(float(value))`, or the default.
fn whole(value: Option<&Value>, default: i64) -> BigInt {
    let whole = value
        .and_then(|value| py::to_float(value).ok())
        .and_then(|f| py::truncate(f).ok());
    match whole {
        Some(Value::Int(n)) => n.into(),
        Some(Value::Big(n)) => (*n).clone(),
        _ => default.into(),
    }
}

/// A random number from 0 to below `bound`, which is positive.
fn random_big(world: &mut World, bound: &BigInt) -> BigInt {
    if let Ok(small) = u64::try_from(bound) {
        return world.random_below(small).into();
    }
    let bits = bound.bits();
    loop {
        // As many random bits as the bound has; at worst every other draw is too large.
        let mut draw = BigInt::default();
        for _ in 0..bits.div_ceil(64) {
            draw = (draw << 64) + world.next_random();
        }
        draw >>= bits.div_ceil(64) * 64 - bits;
        if draw < *bound {
            return draw;
        }
    }
}

/// A random float from `min`=0 to `max`=1. What is no number counts as its default, and reversed
/// bounds are swapped.
pub fn random_float(cx: &mut Cx<'_>) -> Result {
    let min = cx.float("min", 0.0).unwrap_or(0.0);
    let max = cx.float("max", 1.0).unwrap_or(1.0);
    let (min, max) = if max < min { (max, min) } else { (min, max) };
    if max == min {
        return float(min);
    }
    float(min + (max - min) * cx.world.random_float())
}
