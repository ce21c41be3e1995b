//! Methods of `range`.

use num_bigint::BigInt;

use super::signature::Call;
use crate::python::arith::as_big;
use crate::python::compare;
use crate::python::error::{Py, value_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj, Range};
use crate::python::text::repr;

pub const METHODS: &[Method] = &[Count, Index];

pub fn call(this: &Range, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("range", method.name(), args);
    let done = match method {
        Count => Obj::Int(i64::from(place(this, call.one()?)?.is_some())),
        Index => {
            let wanted = call.one()?;
            match (place(this, wanted)?, wanted) {
                (Some(at), _) => Obj::big(at),
                (None, Obj::Int(_) | Obj::Bool(_) | Obj::Big(_)) => {
                    return Err(value_error(format!("{} is not in range", repr(wanted)?)));
                }
                (None, _) => return Err(value_error("sequence.index(x): x not in sequence")),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// Where a number stands in a range.
fn place(range: &Range, wanted: &Obj) -> Py<Option<BigInt>> {
    let n = match wanted {
        Obj::Float(f) if f.fract() == 0.0 && f.abs() < 9e18 => BigInt::from(*f as i64),
        Obj::Instance(_) => return place_of_equal(range, wanted),
        other => match as_big(other) {
            Some(n) => n,
            None => return Ok(None),
        },
    };
    let [start, stop, step] = [range.start, range.stop, range.step].map(BigInt::from);
    let inside = match range.step > 0 {
        true => start <= n && n < stop,
        false => stop < n && n <= start,
    };
    let distance = n - start;
    Ok((inside && (&distance % &step) == BigInt::ZERO).then(|| distance / step))
}

/// An object that says itself what it equals is compared with one number after the other.
fn place_of_equal(range: &Range, wanted: &Obj) -> Py<Option<BigInt>> {
    let (mut n, mut at) = (range.start, 0_u64);
    while if range.step > 0 { n < range.stop } else { n > range.stop } {
        if compare::equals(&Obj::Int(n), wanted)? {
            return Ok(Some(BigInt::from(at)));
        }
        let Some(next) = n.checked_add(range.step) else {
            break;
        };
        (n, at) = (next, at + 1);
    }
    Ok(None)
}
