//! Functions of integers of any size.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive};

use super::{integer, is_zero, one, product_of, two};
use crate::python::error::{Py, overflow_error, raise, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};

/// No result has more bits: 256 MiB.
const MAX_BITS: f64 = 2_147_483_648.0;

pub(super) fn gcd(args: &Args) -> Py {
    if let ([Obj::Int(a), Obj::Int(b)], []) = (args.values, args.names)
        && *a != i64::MIN
        && *b != i64::MIN
    {
        return Ok(Obj::Int(a.gcd(b)));
    }
    fold(args, "gcd", BigInt::ZERO, |a, b| a.gcd(b))
}

pub(super) fn lcm(args: &Args) -> Py {
    fold(args, "lcm", BigInt::one(), |a, b| a.lcm(b))
}

fn fold(args: &Args, function: &str, start: BigInt, join: fn(&BigInt, &BigInt) -> BigInt) -> Py {
    args.expect(&format!("math.{function}"), 0, usize::MAX, &[])?;
    let mut result = start;
    for value in args.plain() {
        result = join(&result, &integer(value)?).abs();
    }
    Ok(Obj::big(result))
}

pub(super) fn isqrt(args: &Args) -> Py {
    let n = integer(one(args, "math.isqrt")?)?;
    if n.is_negative() {
        return Err(value_error("isqrt() argument must be nonnegative"));
    }
    Ok(Obj::big(n.sqrt()))
}

pub(super) fn factorial(args: &Args) -> Py {
    factorial_of(&integer(one(args, "math.factorial")?)?)
}

fn factorial_of(n: &BigInt) -> Py {
    if n.is_negative() {
        return Err(value_error("factorial() not defined for negative values"));
    }
    let Some(n) = n.to_i64() else {
        return Err(overflow_error("factorial() argument should not exceed 9223372036854775807"));
    };
    let bits = n as f64 * (n as f64).max(2.0).log2();
    if bits > MAX_BITS {
        return Err(raise(Builtin::MemoryError, "factorial() result is too large"));
    }
    Ok(Obj::big(product_of(1, n as u64)))
}

pub(super) fn perm(args: &Args) -> Py {
    args.expect("math.perm", 1, 2, &[])?;
    match args.plain() {
        [n] | [n, Obj::None] => factorial_of(&integer(n)?),
        [n, k, ..] => {
            let (n, k) = (integer(n)?, integer(k)?);
            let Some(k) = choice(&n, &k)? else {
                return Ok(Obj::Int(0));
            };
            falling(&n, k).map(Obj::big)
        }
        [] => Ok(Obj::Int(1)),
    }
}

pub(super) fn comb(args: &Args) -> Py {
    let (n, k) = two(args, "math.comb")?;
    let (n, k) = (integer(n)?, integer(k)?);
    let Some(k) = choice(&n, &k)? else {
        return Ok(Obj::Int(0));
    };
    // Choosing k is leaving n - k.
    let k = (&n - k).to_u64().map_or(k, |other| other.min(k));
    let below = product_of(1, k);
    Ok(Obj::big(falling(&n, k)? / below))
}

/// `k`, when not more than `n` are asked for.
fn choice(n: &BigInt, k: &BigInt) -> Py<Option<u64>> {
    if n.is_negative() {
        return Err(value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(value_error("k must be a non-negative integer"));
    }
    if k > n {
        return Ok(None);
    }
    match k.to_u64() {
        Some(k) => Ok(Some(k)),
        // Only the distance to n may make it small again.
        None if is_zero(&(n - k)) => Ok(None),
        None => Err(overflow_error("min(n - k, k) must not exceed 9223372036854775807")),
    }
}

/// `n * (n - 1) * …`, `k` factors.
fn falling(n: &BigInt, k: u64) -> Py<BigInt> {
    if k as f64 * n.bits() as f64 > MAX_BITS {
        return Err(raise(Builtin::MemoryError, "the result is too large"));
    }
    if let Some(last) = n.to_u64() {
        return Ok(product_of(last - k + 1, last));
    }
    let mut product = BigInt::one();
    for step in 0..k {
        product *= n - step;
    }
    Ok(product)
}
