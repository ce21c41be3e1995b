//! Operators of two integers, of any size. 64 bits are tried first; what could not be held in memory is refused before it is computed.

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::arith::BinaryOp;
use super::error::{Py, Raised, overflow_error, raise, type_error, value_error};
use super::names::Builtin;
use super::number::{big_float, too_large};
use super::object::Obj;
use crate::py;

/// No integer has more bits than this.
const MAX_BITS: u64 = 1 << 31;

fn zero_division(text: &str) -> Raised {
    raise(Builtin::ZeroDivisionError, text)
}

/// `a op b` of two 64-bit integers.
#[inline]
pub fn small(op: BinaryOp, a: i64, b: i64) -> Py {
    let quick = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::And => Some(a & b),
        BinaryOp::Or => Some(a | b),
        BinaryOp::Xor => Some(a ^ b),
        BinaryOp::FloorDiv if b != 0 && b != -1 => Some(Integer::div_floor(&a, &b)),
        BinaryOp::Mod if b != 0 && b != -1 => Some(a.mod_floor(&b)),
        BinaryOp::RShift if b >= 0 => Some(a >> b.min(63)),
        BinaryOp::LShift if (0..63).contains(&b) => Some(a << b).filter(|n| n >> b == a),
        BinaryOp::Pow if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        BinaryOp::TrueDiv if b != 0 && exact(a) && exact(b) => return Ok(Obj::Float(a as f64 / b as f64)),
        _ => None,
    };
    match quick {
        Some(n) => Ok(Obj::Int(n)),
        None => big(op, &BigInt::from(a), &BigInt::from(b)),
    }
}

/// Whether a float holds it as it is.
fn exact(n: i64) -> bool {
    n.unsigned_abs() <= 1 << 53
}

/// `a op b` of two integers.
pub fn big(op: BinaryOp, a: &BigInt, b: &BigInt) -> Py {
    Ok(Obj::big(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul if a.bits() + b.bits() > MAX_BITS => return Err(too_large()),
        BinaryOp::Mul => a * b,
        BinaryOp::TrueDiv => return true_division(a, b).map(Obj::Float),
        BinaryOp::FloorDiv if b.is_zero() => return Err(zero_division("integer division or modulo by zero")),
        BinaryOp::FloorDiv => a.div_floor(b),
        BinaryOp::Mod if b.is_zero() => return Err(zero_division("integer modulo by zero")),
        BinaryOp::Mod => a.mod_floor(b),
        BinaryOp::Pow if b.is_negative() => return Ok(Obj::Float(py::arith::float_pow(big_float(a)?, big_float(b)?)?)),
        BinaryOp::Pow => power(a, b)?,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::LShift | BinaryOp::RShift if b.is_negative() => return Err(value_error("negative shift count")),
        BinaryOp::LShift => match b.to_u64() {
            _ if a.is_zero() => BigInt::zero(),
            Some(bits) if bits <= MAX_BITS - a.bits().min(MAX_BITS) => a << bits,
            _ => return Err(too_large()),
        },
        BinaryOp::RShift => match b.to_u64() {
            Some(bits) if bits < a.bits() => a >> bits,
            _ if a.is_negative() => -BigInt::one(),
            _ => BigInt::zero(),
        },
        BinaryOp::MatMul => return Err(type_error("unsupported operand type(s) for @: 'int' and 'int'")),
    }))
}

fn power(base: &BigInt, exponent: &BigInt) -> Py<BigInt> {
    // Powers of 0, 1 and -1 are of any exponent.
    if base.bits() <= 1 {
        let odd = exponent.is_odd();
        return Ok(match base.sign() {
            _ if exponent.is_zero() => BigInt::one(),
            Sign::Minus if odd => -BigInt::one(),
            Sign::NoSign => BigInt::zero(),
            _ => BigInt::one(),
        });
    }
    match exponent.to_u32() {
        Some(exponent) if (base.bits() - 1).saturating_mul(u64::from(exponent)) <= MAX_BITS => Ok(base.pow(exponent)),
        _ => Err(too_large()),
    }
}

/// `pow(base, exponent, modulus)`
pub fn power_modulo(base: &BigInt, exponent: &BigInt, modulus: &BigInt) -> Py<BigInt> {
    if modulus.is_zero() {
        return Err(value_error("pow() 3rd argument cannot be 0"));
    }
    let size = modulus.abs();
    let positive = if exponent.is_negative() {
        let inverse = base.mod_floor(&size).extended_gcd(&size);
        if !inverse.gcd.is_one() {
            return Err(value_error("base is not invertible for the given modulus"));
        }
        inverse.x.mod_floor(&size).modpow(&exponent.abs(), &size)
    } else {
        base.mod_floor(&size).modpow(exponent, &size)
    };
    // The result has the sign of the modulus.
    Ok(positive.mod_floor(modulus))
}

/// The float nearest to the quotient, to even on a tie, also where neither operand is one.
fn true_division(a: &BigInt, b: &BigInt) -> Py<f64> {
    if b.is_zero() {
        return Err(zero_division("division by zero"));
    }
    if a.is_zero() {
        return Ok(if b.is_negative() { -0.0 } else { 0.0 });
    }
    let (a_size, b_size) = (a.magnitude(), b.magnitude());
    let wide = a_size.bits() as i64 - b_size.bits() as i64;
    if wide > 1025 {
        return Err(overflow_error("integer division result too large for a float"));
    }
    // A quotient of two more bits than are kept, in units of 2 ** -shift.
    let shift = 56 - wide;
    if shift > 1200 {
        return Ok(if a.sign() == b.sign() { 0.0 } else { -0.0 });
    }
    let (quotient, rest) = if shift >= 0 {
        (a_size << shift.unsigned_abs()).div_rem(b_size)
    } else {
        a_size.div_rem(&(b_size << shift.unsigned_abs()))
    };
    let size = rounded(&quotient, !rest.is_zero(), -shift);
    if size.is_infinite() {
        return Err(overflow_error("integer division result too large for a float"));
    }
    Ok(if a.sign() == b.sign() { size } else { -size })
}

/// The float nearest to `digits * 2 ** exponent`, where `more` says that a little is missing.
fn rounded(digits: &BigUint, more: bool, exponent: i64) -> f64 {
    let Some(digits) = digits.to_u64() else {
        return f64::INFINITY;
    };
    let bits = 64 - i64::from(digits.leading_zeros());
    // No float has a last bit below this.
    let drop = (bits - 53).max(-1074 - exponent).clamp(1, 63) as u32;
    let (mut kept, lost) = (digits >> drop, digits & ((1 << drop) - 1));
    let half = 1_u64 << (drop - 1);
    if lost > half || (lost == half && (more || kept & 1 == 1)) {
        kept += 1;
    }
    let mut exponent = exponent + i64::from(drop);
    let mut result = kept as f64;
    // In steps, so that no factor is beyond a float itself; nothing is rounded again, as all bits fit.
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        result *= 2_f64.powi(step as i32);
        exponent -= step;
    }
    result
}
