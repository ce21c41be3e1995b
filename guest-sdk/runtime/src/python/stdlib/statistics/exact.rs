//! Sums without rounding: fractions, as the module `statistics` computes with them.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, type_error};
use crate::python::object::Obj;
use crate::python::text::own_name;

/// `num / den`; `den` is above zero. Not in lowest terms.
#[derive(Clone)]
pub struct Ratio {
    pub num: BigInt,
    pub den: BigInt,
}

impl Ratio {
    pub fn of(num: impl Into<BigInt>) -> Ratio {
        Ratio {
            num: num.into(),
            den: BigInt::from(1),
        }
    }
    pub fn divided(self, by: impl Into<BigInt>) -> Ratio {
        Ratio {
            den: self.den * by.into(),
            num: self.num,
        }
    }
    /// The correctly rounded float.
    pub fn float(&self) -> Py<f64> {
        let whole = |n: &BigInt| Obj::big(n.clone());
        match arith::binary(BinaryOp::TrueDiv, false, &whole(&self.num), &whole(&self.den))? {
            Obj::Float(number) => Ok(number),
            other => arith::as_float(&other),
        }
    }
    /// The square root as a float, correctly rounded (CPython's `_float_sqrt_of_frac`).
    pub fn sqrt(&self) -> Py<f64> {
        if !self.num.is_positive() {
            return Ok(0.0);
        }
        let gcd = self.num.gcd(&self.den);
        let (n, m) = (&self.num / &gcd, &self.den / &gcd);
        let bits = (n.bits() as i64 - m.bits() as i64 - 109).div_euclid(2);
        // Rounded to odd: an inexact root never looks like one that lies halfway between two floats.
        let root = |n: BigInt, m: BigInt| {
            let (quotient, _) = n.div_mod_floor(&m);
            let root = quotient.sqrt();
            let exact = &root * &root * &m == n;
            if exact { root } else { root | BigInt::from(1) }
        };
        let ratio = if bits >= 0 {
            Ratio::of(root(n, m << (2 * bits)) << bits)
        } else {
            Ratio {
                num: root(n << (-2 * bits), m),
                den: BigInt::from(1) << -bits,
            }
        };
        ratio.float()
    }
}

/// The type of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Int,
    Float,
}

/// Sums of numbers and of their squares.
pub struct Sums {
    pub kind: Kind,
    pub count: usize,
    /// Sums by the power of two that the numbers are multiples of.
    sums: BTreeMap<i64, BigInt>,
    squares: BTreeMap<i64, BigInt>,
    /// The sum of what is not finite.
    special: Option<f64>,
}

impl Sums {
    /// `squares` only where they are needed.
    pub fn of(numbers: &[Obj], with_squares: bool) -> Py<Sums> {
        let mut sums = Sums {
            kind: Kind::Int,
            count: numbers.len(),
            sums: BTreeMap::new(),
            squares: BTreeMap::new(),
            special: None,
        };
        for number in numbers {
            sums.add(number, with_squares)?;
        }
        Ok(sums)
    }
    fn add(&mut self, number: &Obj, with_squares: bool) -> Py<()> {
        let (mantissa, power) = match number {
            Obj::Int(n) => (BigInt::from(*n), 0),
            Obj::Float(x) => {
                self.kind = Kind::Float;
                if !x.is_finite() {
                    *self.special.get_or_insert(0.0) += x;
                    return Ok(());
                }
                let (mantissa, power) = parts(*x);
                (BigInt::from(mantissa), power)
            }
            other => match arith::as_big(other) {
                Some(n) => (n, 0),
                None => {
                    return Err(type_error(format!(
                        "can't convert type '{}' to numerator/denominator",
                        own_name(other)
                    )));
                }
            },
        };
        if with_squares {
            *self.squares.entry(2 * power).or_default() += &mantissa * &mantissa;
        }
        *self.sums.entry(power).or_default() += mantissa;
        Ok(())
    }
    pub fn special(&self) -> Option<f64> {
        self.special
    }
    pub fn sum(&self) -> Ratio {
        total(&self.sums)
    }
    /// The sum of the squared deviations from the mean. There is at least one number.
    pub fn deviations(&self) -> Ratio {
        let (sum, squares) = (total(&self.sums), total(&self.squares));
        let count = BigInt::from(self.count);
        // count * squares - sum², over a common denominator.
        let sum_den = &sum.den * &sum.den;
        let num = squares.num * &count * &sum_den - &sum.num * &sum.num * &squares.den;
        Ratio {
            num,
            den: squares.den * sum_den * count,
        }
    }
}

/// A float as an odd mantissa (or 0) times a power of two.
fn parts(x: f64) -> (i64, i64) {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, power) = if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    };
    if mantissa == 0 {
        return (0, 0);
    }
    let zeros = mantissa.trailing_zeros();
    let mantissa = mantissa >> zeros;
    (if x < 0.0 { -mantissa } else { mantissa }, power + i64::from(zeros))
}

fn total(sums: &BTreeMap<i64, BigInt>) -> Ratio {
    let lowest = sums.keys().next().copied().unwrap_or(0).min(0);
    let mut num = BigInt::zero();
    for (power, sum) in sums {
        num += sum << (power - lowest).to_u64().unwrap_or(0);
    }
    Ratio {
        num,
        den: BigInt::from(1) << lowest.unsigned_abs(),
    }
}

/// A fraction in the type of the data: an integer where it is one.
pub fn converted(ratio: &Ratio, kind: Kind) -> Py {
    if kind == Kind::Int {
        let (quotient, rest) = ratio.num.div_mod_floor(&ratio.den);
        if rest.is_zero() {
            return Ok(Obj::big(quotient));
        }
    }
    ratio.float().map(Obj::Float)
}
