//! Methods of `int`, `bool` and `float`.

use std::borrow::Cow;

use num_bigint::{BigInt, Sign};
use num_traits::Signed;

use super::signature::{Call, bounded, flag};
use super::{bytes, float_hex};
use crate::python::arith::{self, as_big};
use crate::python::compare;
use crate::python::error::{Py, overflow_error, type_error, value_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj};

pub const INT_METHODS: &[Method] = &[AsIntegerRatio, BitCount, BitLength, Conjugate, FromBytes, ToBytes];
pub const FLOAT_METHODS: &[Method] = &[AsIntegerRatio, Conjugate, Fromhex, Hex, IsInteger];

pub fn call_int(this: &Obj, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("int", method.name(), args);
    let done = match method {
        BitLength => {
            call.none()?;
            Obj::Int(match this {
                Obj::Int(n) => i64::from(64 - n.unsigned_abs().leading_zeros()),
                other => as_big(other).unwrap_or_default().bits() as i64,
            })
        }
        BitCount => {
            call.none()?;
            let digits = as_big(this).unwrap_or_default().magnitude().to_u64_digits();
            Obj::Int(digits.iter().map(|digit| i64::from(digit.count_ones())).sum())
        }
        Conjugate => {
            call.none()?;
            as_big(this).map(Obj::big).unwrap_or_default()
        }
        AsIntegerRatio => {
            call.none()?;
            Obj::tuple([as_big(this).map(Obj::big).unwrap_or_default(), Obj::Int(1)])
        }
        ToBytes => to_bytes(&as_big(this).unwrap_or_default(), &call)?,
        FromBytes => match this {
            Obj::Bool(_) => Obj::Bool(compare::truth(&from_bytes(args)?)?),
            _ => from_bytes(args)?,
        },
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// Whether the order of bytes is little-endian.
fn is_little(call: &Call, order: Option<&Obj>) -> Py<bool> {
    match order {
        None => Ok(false),
        Some(order) => match &**call.named_text("byteorder", order)? {
            "little" => Ok(true),
            "big" => Ok(false),
            _ => Err(value_error("byteorder must be either 'little' or 'big'")),
        },
    }
}

fn to_bytes(n: &BigInt, call: &Call) -> Py {
    let [length, order, signed] = call.named(["length", "byteorder", "signed"], 0, 2, 0)?;
    let length = length.map_or(Ok(1), arith::index)?;
    let (little, signed) = (is_little(call, order)?, flag(signed)?);
    let Ok(length) = usize::try_from(length) else {
        return Err(value_error("length argument must be non-negative"));
    };
    if n.is_negative() && !signed {
        return Err(overflow_error("can't convert negative int to unsigned"));
    }
    let mut bytes = match (n.sign(), signed) {
        (Sign::NoSign, _) => Vec::new(),
        (_, true) => n.to_signed_bytes_le(),
        (_, false) => n.to_bytes_le().1,
    };
    if bytes.len() > length {
        return Err(overflow_error("int too big to convert"));
    }
    bytes.resize(bounded(length)?, if n.is_negative() { 0xff } else { 0 });
    if !little {
        bytes.reverse();
    }
    Ok(Obj::Bytes(bytes.into()))
}

/// `int.from_bytes(bytes, byteorder='big', *, signed=False)`
pub fn from_bytes(args: &Args) -> Py {
    let call = Call::new("int", "from_bytes", args);
    let [source, order, signed] = call.named(["bytes", "byteorder", "signed"], 0, 2, 1)?;
    let (little, signed) = (is_little(&call, order)?, flag(signed)?);
    let bytes: Cow<[u8]> = match source {
        Some(Obj::Bytes(bytes)) => Cow::Borrowed(bytes),
        Some(source @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) | Obj::Float(_) | Obj::Str(_) | Obj::None)) => {
            return Err(type_error(format!(
                "cannot convert '{}' object to bytes",
                crate::python::text::type_name(source)
            )));
        }
        Some(source) => Cow::Owned(bytes::collect(source)?),
        None => Cow::default(),
    };
    Ok(Obj::big(match (little, signed) {
        (true, true) => BigInt::from_signed_bytes_le(&bytes),
        (false, true) => BigInt::from_signed_bytes_be(&bytes),
        (true, false) => BigInt::from_bytes_le(Sign::Plus, &bytes),
        (false, false) => BigInt::from_bytes_be(Sign::Plus, &bytes),
    }))
}

pub fn call_float(this: f64, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("float", method.name(), args);
    let done = match method {
        IsInteger => {
            call.none()?;
            Obj::Bool(this.is_finite() && this.fract() == 0.0)
        }
        Conjugate => {
            call.none()?;
            Obj::Float(this)
        }
        Hex => {
            call.none()?;
            Obj::str(float_hex::write(this))
        }
        Fromhex => float_from_hex(args)?,
        AsIntegerRatio => {
            call.none()?;
            let (over, under) = ratio(this)?;
            Obj::tuple([Obj::big(over), Obj::big(under)])
        }
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// `float.fromhex(text)`
pub fn float_from_hex(args: &Args) -> Py {
    match Call::new("float", "fromhex", args).one()? {
        Obj::Str(text) => float_hex::read(text).map(Obj::Float),
        _ => Err(type_error("bad argument type for built-in operation")),
    }
}

/// The float as a fraction in lowest terms.
pub fn ratio(float: f64) -> Py<(BigInt, BigInt)> {
    if float.is_nan() {
        return Err(value_error("cannot convert NaN to integer ratio"));
    }
    if float.is_infinite() {
        return Err(overflow_error("cannot convert Infinity to integer ratio"));
    }
    let (mantissa, exponent) = parts(float);
    if mantissa == 0 {
        return Ok((BigInt::ZERO, BigInt::from(1)));
    }
    let zeros = mantissa.trailing_zeros() as i32;
    let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros);
    let size = BigInt::from(mantissa);
    let size = if float < 0.0 { -size } else { size };
    Ok(match exponent {
        0.. => (size << exponent, BigInt::from(1)),
        _ => (size, BigInt::from(1) << -exponent),
    })
}

/// A finite float's size as `mantissa * 2 ** exponent`.
pub fn parts(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i32 {
        0 => (fraction, -1074),
        raw => (fraction | 1 << 52, raw - 1075),
    }
}
