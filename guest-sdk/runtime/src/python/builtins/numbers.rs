//! `int`, `float`, `abs`, `round`, `divmod`, `pow` and the texts of integers in other bases.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::{digits, special};
use crate::py::arith as floats;
use crate::python::arith::{self, BinaryOp, as_big};
use crate::python::error::{Py, Raised, raise, type_error, value_error};
use crate::python::methods::signature::{Call, bounded};
use crate::python::names::Builtin;
use crate::python::object::Obj;
use crate::python::text::type_name;

/// `int(x=0, base=10)`
pub fn int(call: &Call) -> Py {
    let (value, base) = match (call.args.values, call.args.names) {
        ([value], []) => (value, None),
        ([], []) => return Ok(Obj::Int(0)),
        _ => {
            let [value, base] = call.named(["", "base"], 1, 2, 0)?;
            match value {
                Some(value) => (value, base),
                None => return Err(type_error("int() missing string argument")),
            }
        }
    };
    let Some(base) = base else {
        return to_int(value);
    };
    let base = match base {
        Obj::Big(_) => -1,
        base => arith::index(base)?,
    };
    let base = match u32::try_from(base) {
        Ok(base @ (0 | 2..=36)) => base,
        _ => return Err(value_error("int() base must be >= 2 and <= 36, or 0")),
    };
    match value {
        Obj::Str(text) => digits::int(text, base, value),
        Obj::Bytes(bytes) => digits::int(&digits::of_bytes(bytes), base, value),
        _ => Err(type_error("int() can't convert non-string with explicit base")),
    }
}

fn to_int(value: &Obj) -> Py {
    match value {
        Obj::Int(_) | Obj::Big(_) => Ok(value.clone()),
        Obj::Bool(b) => Ok(Obj::Int(i64::from(*b))),
        Obj::Float(f) => truncate(*f),
        Obj::Str(text) => digits::int(text, 10, value),
        Obj::Bytes(bytes) => digits::int(&digits::of_bytes(bytes), 10, value),
        _ => {
            for name in ["__int__", "__index__", "__trunc__"] {
                if let Some(n) = special::call(value, name, &[])? {
                    return match n {
                        Obj::Int(_) | Obj::Big(_) => Ok(n),
                        Obj::Bool(b) => Ok(Obj::Int(i64::from(b))),
                        other => Err(type_error(format!("{name} returned non-int (type {})", type_name(&other)))),
                    };
                }
            }
            Err(type_error(format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                type_name(value)
            )))
        }
    }
}

/// `int(float)`
pub fn truncate(float: f64) -> Py {
    match crate::py::truncate(float)? {
        crate::value::Value::Int(n) => Ok(Obj::Int(n)),
        crate::value::Value::Big(n) => Ok(Obj::big(BigInt::clone(&n))),
        _ => Ok(Obj::Int(0)),
    }
}

/// `float(x=0.0)`
pub fn float(call: &Call) -> Py {
    let Some(value) = call.positional(0, 1)?.first() else {
        return Ok(Obj::Float(0.0));
    };
    match value {
        Obj::Float(_) => Ok(value.clone()),
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => arith::as_float(value).map(Obj::Float),
        Obj::Str(text) => digits::float(text, value),
        Obj::Bytes(bytes) => digits::float(&digits::of_bytes(bytes), value),
        _ => {
            for name in ["__float__", "__index__"] {
                if let Some(number) = special::call(value, name, &[])? {
                    return match (&number, name) {
                        (Obj::Float(_), _) => Ok(number),
                        (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_), "__index__") => arith::as_float(&number).map(Obj::Float),
                        _ => Err(type_error(format!(
                            "{}.{name} returned non-float (type {})",
                            type_name(value),
                            type_name(&number)
                        ))),
                    };
                }
            }
            Err(type_error(format!(
                "float() argument must be a string or a real number, not '{}'",
                type_name(value)
            )))
        }
    }
}

pub fn abs(value: &Obj) -> Py {
    match value {
        Obj::Int(n) => Ok(n.checked_abs().map_or_else(|| Obj::big(-BigInt::from(*n)), Obj::Int)),
        Obj::Float(f) => Ok(Obj::Float(f.abs())),
        Obj::Bool(b) => Ok(Obj::Int(i64::from(*b))),
        Obj::Big(n) => Ok(Obj::big(n.abs())),
        _ => match special::call(value, "__abs__", &[])? {
            Some(size) => Ok(size),
            None => Err(type_error(format!("bad operand type for abs(): '{}'", type_name(value)))),
        },
    }
}

/// `round(number[, ndigits])`
pub fn round(number: &Obj, digits: Option<&Obj>) -> Py {
    let digits = digits.filter(|digits| !digits.is_none());
    match number {
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => {
            let digits = match digits {
                None => 0,
                // Any places behind the point, and more than any integer has before it.
                Some(Obj::Big(n)) if n.is_negative() => i64::MIN,
                Some(Obj::Big(_)) => 0,
                Some(digits) => arith::index(digits)?,
            };
            round_int(number, digits)
        }
        Obj::Float(f) => match digits {
            None => truncate(if f.is_finite() { f.round_ties_even() } else { *f }),
            Some(digits) => {
                let places = match digits {
                    Obj::Big(n) if n.is_negative() => i64::MIN,
                    Obj::Big(_) => i64::MAX,
                    digits => arith::index(digits)?,
                };
                Ok(Obj::Float(floats::round(*f, places)?))
            }
        },
        _ => match special::call(number, "__round__", digits.map_or(&[], std::slice::from_ref))? {
            Some(rounded) => Ok(rounded),
            None => Err(type_error(format!(
                "type {} doesn't define __round__ method",
                type_name(number)
            ))),
        },
    }
}

/// An integer to a power of ten, to even on a tie.
fn round_int(number: &Obj, digits: i64) -> Py {
    let n = as_big(number).unwrap_or_default();
    if digits >= 0 {
        return Ok(Obj::big(n));
    }
    // More places than the number has: even half of the unit is more than it.
    let places = digits.unsigned_abs();
    if places > n.bits() / 3 + 2 {
        return Ok(Obj::Int(0));
    }
    let unit = BigInt::from(10).pow(places as u32);
    let (mut count, rest) = n.div_mod_floor(&unit);
    let twice: BigInt = rest * 2;
    if twice > unit || (twice == unit && count.is_odd()) {
        count += 1;
    }
    Ok(Obj::big(count * unit))
}

pub fn divmod(a: &Obj, b: &Obj) -> Py {
    match (a, b) {
        (Obj::Float(_), Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) | Obj::Float(_))
        | (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_), Obj::Float(_)) => {
            let (a, b) = (arith::as_float(a)?, arith::as_float(b)?);
            if b == 0.0 {
                return Err(raise(Builtin::ZeroDivisionError, "float divmod()"));
            }
            let pair = [floats::float_floor_div(a, b)?, floats::float_mod(a, b)?];
            return Ok(Obj::tuple(pair.map(Obj::Float)));
        }
        (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_), Obj::Int(_) | Obj::Bool(_) | Obj::Big(_)) => {}
        _ => {
            for (object, name, other) in [(a, "__divmod__", b), (b, "__rdivmod__", a)] {
                match special::call(object, name, std::slice::from_ref(other))? {
                    None | Some(Obj::NotImplemented) => {}
                    Some(pair) => return Ok(pair),
                }
            }
            if !matches!((a, b), (Obj::Native(_), _) | (_, Obj::Native(_))) {
                return Err(type_error(format!(
                    "unsupported operand type(s) for divmod(): '{}' and '{}'",
                    type_name(a),
                    type_name(b)
                )));
            }
        }
    }
    let quotient = arith::binary(BinaryOp::FloorDiv, false, a, b)?;
    Ok(Obj::tuple([quotient, arith::binary(BinaryOp::Mod, false, a, b)?]))
}

/// `pow(base, exp[, mod])`
pub fn pow(base: &Obj, exp: &Obj, modulus: Option<&Obj>) -> Py {
    let Some(modulus) = modulus.filter(|modulus| !modulus.is_none()) else {
        return arith::binary(BinaryOp::Pow, false, base, exp);
    };
    let (Some(base), Some(exp), Some(modulus)) = (as_big(base), as_big(exp), as_big(modulus)) else {
        if [base, exp, modulus].iter().any(|n| matches!(n, Obj::Float(_))) {
            return Err(type_error("pow() 3rd argument not allowed unless all arguments are integers"));
        }
        return Err(type_error(format!(
            "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
            type_name(base),
            type_name(exp),
            type_name(modulus)
        )));
    };
    modular_pow(base, exp, &modulus).map(Obj::big)
}

fn modular_pow(base: BigInt, exp: BigInt, modulus: &BigInt) -> Py<BigInt> {
    if modulus.is_zero() {
        return Err(value_error("pow() 3rd argument cannot be 0"));
    }
    let size = modulus.abs();
    let (base, exp) = if exp.is_negative() {
        (inverse(&base, &size)?, -exp)
    } else {
        (base, exp)
    };
    let power = base.mod_floor(&size).modpow(&exp, &size);
    // The result has the sign of the modulus.
    Ok(power.mod_floor(modulus))
}

/// What gives 1 when multiplied with `n`, modulo `size`.
fn inverse(n: &BigInt, size: &BigInt) -> Py<BigInt> {
    let found = n.mod_floor(size).extended_gcd(size);
    if !found.gcd.is_one() {
        return Err(not_invertible());
    }
    Ok(found.x.mod_floor(size))
}

fn not_invertible() -> Raised {
    value_error("base is not invertible for the given modulus")
}

/// `bin`, `oct` and `hex`
pub fn in_base(value: &Obj, radix: u32, prefix: &str) -> Py {
    let n = match as_big(value) {
        Some(n) => n,
        // Only what says of itself that it is an integer.
        None => BigInt::from(arith::index(value)?),
    };
    bounded(usize::try_from(n.bits()).unwrap_or(usize::MAX))?;
    let sign = if n.is_negative() { "-" } else { "" };
    Ok(Obj::str(format!("{sign}{prefix}{}", n.magnitude().to_str_radix(radix))))
}
