//! Objects as numbers: their order, and conversions between the number types.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::dunder::{self, Special};
use super::error::{Py, overflow_error, raise, type_error};
use super::names::Builtin;
use super::object::{Args, Obj};
use super::text::type_name;
use crate::py::{self, Number};

/// `None` when the object is no number.
pub fn number(value: &Obj) -> Option<Number<'_>> {
    Some(match value {
        Obj::Int(n) => Number::Int(*n),
        Obj::Float(f) => Number::Float(*f),
        Obj::Bool(b) => Number::Int(i64::from(*b)),
        Obj::Big(n) => Number::Big(n),
        _ => return None,
    })
}

/// The exact order of two numbers: `None` when one is no number, `Some(None)` when one is NaN.
pub fn order(a: &Obj, b: &Obj) -> Option<Option<Ordering>> {
    Some(py::order_numbers(number(a)?, number(b)?))
}

/// `__index__`: an integer (or boolean) that fits 64 bits. `TypeError: 'float' object cannot be interpreted as an integer`, `OverflowError`.
pub fn index(value: &Obj) -> Py<i64> {
    match value {
        Obj::Int(n) => Ok(*n),
        Obj::Bool(b) => Ok(i64::from(*b)),
        Obj::Big(_) => Err(overflow_error("Python int too large to convert to C ssize_t")),
        _ => match indexed(value)? {
            Some(Obj::Int(n)) => Ok(n),
            Some(Obj::Bool(b)) => Ok(i64::from(b)),
            Some(_) => Err(overflow_error("Python int too large to convert to C ssize_t")),
            None => Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                type_name(value)
            ))),
        },
    }
}

/// What `__index__` of a user class gives, or the integer that a member of an enumeration also is.
pub fn indexed(value: &Obj) -> Py<Option<Obj>> {
    if let Obj::Native(native) = value
        && let Some(plain @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_))) = native.as_plain()
    {
        return Ok(Some(plain.clone()));
    }
    match dunder::call(value, Special::Index, &[])? {
        Some(n @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_))) => Ok(Some(n)),
        Some(other) => Err(type_error(format!("__index__ returned non-int (type {})", type_name(&other)))),
        None => Ok(None),
    }
}

/// An integer of any size, if it is one (or a boolean).
pub fn as_big(value: &Obj) -> Option<BigInt> {
    Some(match value {
        Obj::Int(n) => BigInt::from(*n),
        Obj::Bool(b) => BigInt::from(u8::from(*b)),
        Obj::Big(n) => BigInt::clone(n),
        Obj::Native(native) => return native.as_plain().and_then(as_big),
        _ => return None,
    })
}

/// A number as `float` (`math` functions): `TypeError: must be real number, not str`, `OverflowError: int too large to convert to float`.
pub fn as_float(value: &Obj) -> Py<f64> {
    match value {
        Obj::Float(f) => Ok(*f),
        Obj::Int(n) => Ok(*n as f64),
        Obj::Bool(b) => Ok(f64::from(u8::from(*b))),
        Obj::Big(n) => big_float(n),
        Obj::Native(native) => match native.as_plain() {
            Some(plain) => as_float(plain),
            None => match native.method(value, "__float__", &Args::positional(&[])) {
                Ok(Some(Obj::Float(f))) => Ok(f),
                Err(raised) => Err(raised),
                Ok(_) => Err(type_error(format!("must be real number, not {}", type_name(value)))),
            },
        },
        _ => match dunder::call(value, Special::Float, &[])? {
            Some(Obj::Float(f)) => Ok(f),
            Some(other) => Err(type_error(format!(
                "{}.__float__ returned non-float (type {})",
                type_name(value),
                type_name(&other)
            ))),
            None => match indexed(value)? {
                Some(n) => as_float(&n),
                None => Err(type_error(format!("must be real number, not {}", type_name(value)))),
            },
        },
    }
}

/// The nearest float, to even on a tie.
pub fn big_float(n: &BigInt) -> Py<f64> {
    match n.to_f64() {
        Some(f) if f.is_finite() => Ok(f),
        _ => Err(overflow_error("int too large to convert to float")),
    }
}

/// Refuses what would not fit into memory, before the allocator is asked.
pub fn too_large() -> super::error::Raised {
    raise(Builtin::MemoryError, "")
}
