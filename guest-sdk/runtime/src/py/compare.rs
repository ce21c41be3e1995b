//! Equality and order of values.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::{Error, Result};
use crate::json::MAX_DEPTH;
use crate::value::Value;

/// Python's `a == b`: deep, and across the number types (`1 == 1.0 == True`).
pub fn eq(a: &Value, b: &Value) -> Result<bool> {
    nested_eq(a, b, 0)
}

fn nested_eq(a: &Value, b: &Value, depth: usize) -> Result<bool> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Ok(a == b),
        (Value::Null, Value::Null) => Ok(true),
        (Value::List(a), Value::List(b)) => {
            if a.is(b) {
                return Ok(true);
            }
            let (a, b) = (a.borrow(), b.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            let depth = deeper(depth)?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !nested_eq(a, b, depth)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if a.is(b) {
                return Ok(true);
            }
            let (a, b) = (a.borrow(), b.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            let depth = deeper(depth)?;
            for (key, a) in a.iter() {
                match b.get(key) {
                    Some(b) if nested_eq(a, b, depth)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        _ => Ok(numbers(a, b) == Some(Some(Ordering::Equal))),
    }
}

/// Python's order of numbers, strings and lists. None when Python would raise a TypeError, and for
/// NaN, where every comparison is false.
pub fn order(a: &Value, b: &Value) -> Result<Option<Ordering>> {
    nested_order(a, b, 0)
}

fn nested_order(a: &Value, b: &Value, depth: usize) -> Result<Option<Ordering>> {
    match (a, b) {
        // The order of UTF-8 bytes is that of code points.
        (Value::Str(a), Value::Str(b)) => Ok(Some(a.cmp(b))),
        (Value::List(a), Value::List(b)) => {
            let depth = deeper(depth)?;
            let (a, b) = (a.borrow(), b.borrow());
            for (a, b) in a.iter().zip(b.iter()) {
                if !nested_eq(a, b, depth)? {
                    return nested_order(a, b, depth);
                }
            }
            Ok(Some(a.len().cmp(&b.len())))
        }
        _ => Ok(numbers(a, b).flatten()),
    }
}

fn deeper(depth: usize) -> Result<usize> {
    if depth == MAX_DEPTH {
        return Err(Error::too_deep());
    }
    Ok(depth + 1)
}

/// A number without its type, to compare across types.
#[derive(Clone, Copy)]
pub enum Number<'a> {
    Int(i64),
    Big(&'a BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number<'_>> {
    Some(match value {
        Value::Bool(b) => Number::Int(i64::from(*b)),
        Value::Int(n) => Number::Int(*n),
        Value::Big(n) => Number::Big(n),
        Value::Float(f) => Number::Float(*f),
        _ => return None,
    })
}

/// The exact order of two numbers: None when one is no number, Some(None) when one is NaN.
fn numbers(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    Some(order_numbers(number(a)?, number(b)?))
}

/// The exact order of two numbers, of whatever types. None when one is NaN.
pub fn order_numbers(a: Number<'_>, b: Number<'_>) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => int_to_float(a, b),
        (Number::Float(a), Number::Int(b)) => int_to_float(b, a).map(Ordering::reverse),
        (Number::Big(a), Number::Big(b)) => Some(a.cmp(b)),
        (Number::Big(a), Number::Int(b)) => Some(a.cmp(&b.into())),
        (Number::Int(a), Number::Big(b)) => Some(BigInt::from(a).cmp(b)),
        (Number::Big(a), Number::Float(b)) => big_to_float(a, b),
        (Number::Float(a), Number::Big(b)) => big_to_float(b, a).map(Ordering::reverse),
    }
}

/// Not through `int as f64`, which would round.
fn int_to_float(int: i64, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    Some(
        int.cmp(&(whole as i64))
            .then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)),
    )
}

fn big_to_float(big: &BigInt, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // A float beyond 64 bits is whole, and one within is on the same side of every big integer as
    // its whole part.
    match BigInt::from_f64(float) {
        Some(whole) => Some(big.cmp(&whole)),
        None if float > 0.0 => Some(Ordering::Less),
        None => Some(Ordering::Greater),
    }
}
