//! Decimal numbers: a coefficient and a power of ten, and the arithmetic of the General Decimal Arithmetic specification as CPython's
//! `decimal` does it with its default context (traps for invalid operations, division by zero and overflow).

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::{Rounding, context};
use crate::python::error::{Py, Raised, raise};
use crate::python::names::Builtin;

/// The largest exponent of a first digit.
const MOST: i64 = 999_999;
/// Coefficients with more digits than this are refused.
const LONGEST: i64 = 100_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    pub negative: bool,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Finite {
        /// Not below zero.
        digits: BigInt,
        exponent: i64,
    },
    Infinite,
    Nan,
}

pub fn invalid(condition: &str) -> Raised {
    raise(Builtin::InvalidOperation, format!("[<class 'decimal.{condition}'>]"))
}

/// The lowest exponent of a last digit.
fn lowest() -> i64 {
    1 - MOST - context().0
}

fn overflow() -> Raised {
    raise(Builtin::DecimalOverflow, "[<class 'decimal.Overflow'>]")
}

fn division_by_zero() -> Raised {
    raise(Builtin::DivisionByZero, "[<class 'decimal.DivisionByZero'>]")
}

/// How many decimal digits a number has; 1 for zero.
pub fn length(digits: &BigInt) -> i64 {
    if digits.is_zero() {
        return 1;
    }
    // A first guess from the bits, which is never too large by more than one.
    let guess = ((digits.bits() - 1) as f64 * std::f64::consts::LOG10_2) as i64;
    let mut count = guess.max(0);
    while power_of_ten(count) <= *digits {
        count += 1;
    }
    count
}

/// `10 ** n`; `n` is not below zero.
pub fn power_of_ten(n: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(n.max(0)).unwrap_or(u32::MAX))
}

impl Number {
    pub fn finite(negative: bool, digits: BigInt, exponent: i64) -> Number {
        Number {
            negative,
            kind: Kind::Finite { digits, exponent },
        }
    }
    pub fn whole(n: &BigInt) -> Number {
        Number::finite(n.is_negative(), n.abs(), 0)
    }
    pub fn nan() -> Number {
        Number {
            negative: false,
            kind: Kind::Nan,
        }
    }
    pub fn infinite(negative: bool) -> Number {
        Number {
            negative,
            kind: Kind::Infinite,
        }
    }
    /// Exactly the float.
    pub fn of_float(x: f64) -> Number {
        if x.is_nan() {
            return Number::nan();
        }
        if x.is_infinite() {
            return Number::infinite(x < 0.0);
        }
        let bits = x.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, power) = match exponent {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, exponent - 1075),
        };
        if mantissa == 0 {
            return Number::finite(x.is_sign_negative(), BigInt::zero(), 0);
        }
        let zeros = i64::from(mantissa.trailing_zeros());
        let (mantissa, power) = (BigInt::from(mantissa >> zeros), power + zeros);
        if power >= 0 {
            return Number::finite(x < 0.0, mantissa << power, 0);
        }
        // m / 2**k is m * 5**k / 10**k.
        let fives = BigInt::from(5).pow(power.unsigned_abs() as u32);
        Number::finite(x < 0.0, mantissa * fives, power)
    }
    pub fn is_zero(&self) -> bool {
        matches!(&self.kind, Kind::Finite { digits, .. } if digits.is_zero())
    }
    pub fn is_nan(&self) -> bool {
        self.kind == Kind::Nan
    }
    pub fn negated(mut self) -> Number {
        // Minus zero comes from arithmetic only where it is written.
        self.negative = !self.negative && !self.is_zero();
        self
    }
    pub fn absolute(mut self) -> Number {
        self.negative = false;
        self
    }
    /// The exponent of the first digit.
    pub fn adjusted(&self) -> i64 {
        match &self.kind {
            Kind::Finite { digits, exponent } => exponent + length(digits) - 1,
            _ => 0,
        }
    }
    /// Rounded to the context's precision.
    pub fn fixed(self) -> Py<Number> {
        let Kind::Finite { digits, exponent } = &self.kind else {
            return Ok(self);
        };
        let (precision, rounding) = context();
        let excess = length(digits) - precision;
        let number = if excess > 0 {
            let rounded = rounded(digits, excess, self.negative, rounding);
            // 9.99 becomes 10.0: one digit more.
            if length(&rounded) > precision {
                Number::finite(self.negative, rounded / 10, exponent + excess + 1)
            } else {
                Number::finite(self.negative, rounded, exponent + excess)
            }
        } else {
            self
        };
        if !number.is_zero() && number.adjusted() > MOST {
            return Err(overflow());
        }
        if !number.is_zero() && number.adjusted() < lowest() {
            return Ok(Number::finite(number.negative, BigInt::zero(), lowest()));
        }
        Ok(number)
    }
    /// With an exponent, its digits rounded or filled up.
    pub fn with_exponent(&self, exponent: i64, rounding: Rounding) -> Py<Number> {
        let Kind::Finite { digits, exponent: own } = &self.kind else {
            return Ok(self.clone());
        };
        let shift = own - exponent;
        if shift > LONGEST {
            return Err(invalid("InvalidOperation"));
        }
        let digits = if shift >= 0 {
            digits * power_of_ten(shift)
        } else if -shift > length(digits) + 1 {
            // Far below half of a unit.
            rounded(&BigInt::from(u8::from(!digits.is_zero())), 2, self.negative, rounding)
        } else {
            rounded(digits, -shift, self.negative, rounding)
        };
        Ok(Number::finite(self.negative, digits, exponent))
    }
    /// The integer nearest to zero from it.
    pub fn truncated(&self) -> Option<BigInt> {
        let Kind::Finite { digits, exponent } = &self.kind else {
            return None;
        };
        let size = match exponent {
            0.. if *exponent > LONGEST => return None,
            0.. => digits * power_of_ten(*exponent),
            _ if -exponent > length(digits) => BigInt::zero(),
            _ => digits / power_of_ten(-exponent),
        };
        Some(if self.negative { -size } else { size })
    }
    /// Numerator and denominator, in lowest terms.
    pub fn ratio(&self) -> Option<(BigInt, BigInt)> {
        let Kind::Finite { digits, exponent } = &self.kind else {
            return None;
        };
        if exponent.abs() > LONGEST {
            return None;
        }
        let (mut num, mut den) = if *exponent >= 0 {
            (digits * power_of_ten(*exponent), BigInt::one())
        } else {
            (digits.clone(), power_of_ten(-exponent))
        };
        let gcd = num.gcd(&den);
        if !gcd.is_zero() {
            num /= &gcd;
            den /= &gcd;
        }
        Some((if self.negative { -num } else { num }, den))
    }
    /// `None` when one is no number.
    pub fn compared(&self, other: &Number) -> Option<Ordering> {
        let sign = |number: &Number| match (&number.kind, number.negative) {
            _ if number.is_zero() => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        if self.is_nan() || other.is_nan() {
            return None;
        }
        let order = sign(self).cmp(&sign(other));
        if order != Ordering::Equal || sign(self) == 0 {
            return Some(order);
        }
        let size = match (&self.kind, &other.kind) {
            (Kind::Infinite, Kind::Infinite) => Ordering::Equal,
            (Kind::Infinite, _) => Ordering::Greater,
            (_, Kind::Infinite) => Ordering::Less,
            _ => self.adjusted().cmp(&other.adjusted()).then_with(|| {
                let (a, b, _) = aligned(self, other);
                a.cmp(&b)
            }),
        };
        Some(if self.negative { size.reverse() } else { size })
    }
    pub fn plus(&self, other: &Number) -> Py<Number> {
        match (&self.kind, &other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) => return Ok(Number::nan()),
            (Kind::Infinite, Kind::Infinite) if self.negative != other.negative => return Err(invalid("InvalidOperation")),
            (Kind::Infinite, _) => return Ok(self.clone()),
            (_, Kind::Infinite) => return Ok(other.clone()),
            _ => {}
        }
        let (self_near, other_near) = near(self, other);
        let (a, b, exponent) = aligned(&self_near, &other_near);
        let sum = if self.negative { -a } else { a } + if other.negative { -b } else { b };
        let negative = if sum.is_zero() {
            self.negative && other.negative
        } else {
            sum.is_negative()
        };
        Number::finite(negative, sum.abs(), exponent).fixed()
    }
    pub fn minus(&self, other: &Number) -> Py<Number> {
        let mut other = other.clone();
        other.negative = !other.negative;
        self.plus(&other)
    }
    pub fn times(&self, other: &Number) -> Py<Number> {
        let negative = self.negative != other.negative;
        match (&self.kind, &other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) => Ok(Number::nan()),
            (Kind::Infinite, _) | (_, Kind::Infinite) if self.is_zero() || other.is_zero() => Err(invalid("InvalidOperation")),
            (Kind::Finite { digits: a, exponent: e }, Kind::Finite { digits: b, exponent: f }) => {
                Number::finite(negative, a * b, e + f).fixed()
            }
            _ => Ok(Number::infinite(negative)),
        }
    }
    pub fn over(&self, other: &Number) -> Py<Number> {
        let negative = self.negative != other.negative;
        let (Kind::Finite { digits: a, exponent: e }, Kind::Finite { digits: b, exponent: f }) = (&self.kind, &other.kind) else {
            return match (&self.kind, &other.kind) {
                (Kind::Nan, _) | (_, Kind::Nan) => Ok(Number::nan()),
                (Kind::Infinite, Kind::Infinite) => Err(invalid("InvalidOperation")),
                (Kind::Infinite, _) => Ok(Number::infinite(negative)),
                _ => Ok(Number::finite(negative, BigInt::zero(), lowest())),
            };
        };
        if b.is_zero() {
            return Err(if a.is_zero() {
                invalid("DivisionUndefined")
            } else {
                division_by_zero()
            });
        }
        let (precision, _) = context();
        if a.is_zero() {
            return Number::finite(negative, BigInt::zero(), e - f).fixed();
        }
        let shift = length(b) - length(a) + precision + 1;
        let mut exponent = e - f - shift;
        let (mut digits, rest) = if shift >= 0 {
            (a * power_of_ten(shift)).div_rem(b)
        } else {
            a.div_rem(&(b * power_of_ten(-shift)))
        };
        if !rest.is_zero() {
            // A last digit that rounding does not take for exact.
            if (&digits % 5u8).is_zero() {
                digits += 1;
            }
        } else {
            while exponent < e - f && (&digits % 10u8).is_zero() {
                digits /= 10;
                exponent += 1;
            }
        }
        Number::finite(negative, digits, exponent).fixed()
    }
    /// The whole quotient, towards zero, and the remainder, with the sign of `self`.
    pub fn divided(&self, other: &Number) -> Py<(Number, Number)> {
        let (Kind::Finite { .. }, Kind::Finite { .. }) = (&self.kind, &other.kind) else {
            if self.is_nan() || other.is_nan() {
                return Ok((Number::nan(), Number::nan()));
            }
            return match self.kind {
                Kind::Infinite => Err(invalid("InvalidOperation")),
                _ => Ok((
                    Number::finite(self.negative != other.negative, BigInt::zero(), 0),
                    self.clone().fixed()?,
                )),
            };
        };
        if other.is_zero() {
            return Err(if self.is_zero() {
                invalid("DivisionUndefined")
            } else {
                division_by_zero()
            });
        }
        let (precision, _) = context();
        if self.adjusted() - other.adjusted() > precision {
            return Err(invalid("DivisionImpossible"));
        }
        let quotient_sign = self.negative != other.negative;
        if !self.is_zero() && self.adjusted() < other.adjusted() {
            return Ok((Number::finite(quotient_sign, BigInt::zero(), 0), self.clone().fixed()?));
        }
        let (a, b, exponent) = aligned(self, other);
        let (quotient, rest) = a.div_rem(&b);
        if length(&quotient) > precision {
            return Err(invalid("DivisionImpossible"));
        }
        Ok((
            Number::finite(quotient_sign, quotient, 0),
            Number::finite(self.negative, rest, exponent).fixed()?,
        ))
    }
    /// A whole power.
    pub fn power(&self, exponent: i64) -> Py<Number> {
        if self.is_nan() {
            return Ok(Number::nan());
        }
        let negative = self.negative && exponent % 2 != 0;
        if exponent == 0 {
            return if self.is_zero() {
                Err(invalid("InvalidOperation"))
            } else {
                Ok(Number::whole(&BigInt::one()))
            };
        }
        let Kind::Finite { digits, exponent: own } = &self.kind else {
            return Ok(match exponent {
                1.. => Number::infinite(negative),
                _ => Number::finite(negative, BigInt::zero(), 0),
            });
        };
        if self.is_zero() {
            return match exponent {
                1.. => Ok(Number::finite(negative, BigInt::zero(), 0)),
                _ => Ok(Number::infinite(negative)),
            };
        }
        let times = exponent.unsigned_abs();
        let far = (self.adjusted().unsigned_abs().saturating_add(1)).saturating_mul(times);
        if far > 4 * MOST as u64 && !digits.is_one() && self.adjusted() != 0 && self.adjusted() != -1 {
            let grows = (self.adjusted() > 0) == (exponent > 0);
            return if grows {
                Err(overflow())
            } else {
                Ok(Number::finite(negative, BigInt::zero(), lowest()))
            };
        }
        // Exact as long as that is short, then with more digits than the result keeps.
        let guard = context().0 + 10 + length(&BigInt::from(times));
        let mut result = (BigInt::one(), 0_i64);
        let mut base = (digits.clone(), *own);
        let short = |(digits, exponent): (BigInt, i64)| {
            let excess = length(&digits) - 3 * guard;
            if excess <= 0 {
                return (digits, exponent);
            }
            (rounded(&digits, excess, false, Rounding::HalfEven), exponent + excess)
        };
        let mut left = times;
        while left > 0 {
            if left & 1 == 1 {
                result = short((&result.0 * &base.0, result.1.saturating_add(base.1)));
            }
            left >>= 1;
            if left > 0 {
                base = short((&base.0 * &base.0, base.1.saturating_mul(2)));
            }
        }
        let power = Number::finite(negative, result.0, result.1);
        if exponent > 0 {
            return power.fixed();
        }
        Number::whole(&BigInt::one()).over(&power)
    }
    pub fn root(&self) -> Py<Number> {
        match &self.kind {
            Kind::Nan => Ok(Number::nan()),
            _ if self.is_zero() => match &self.kind {
                Kind::Finite { exponent, .. } => Ok(Number::finite(self.negative, BigInt::zero(), exponent.div_euclid(2))),
                _ => Ok(self.clone()),
            },
            _ if self.negative => Err(invalid("InvalidOperation")),
            Kind::Infinite => Ok(self.clone()),
            Kind::Finite { digits, exponent } => {
                let (precision, _) = context();
                let ideal = exponent.div_euclid(2);
                // Twice the digits that the root shall have, with an even exponent.
                let mut shift = (2 * (precision + 1) - length(digits)).max(0);
                if (exponent - shift).rem_euclid(2) != 0 {
                    shift += 1;
                }
                let shifted = digits * power_of_ten(shift);
                let mut root = shifted.sqrt();
                let mut power = (exponent - shift) / 2;
                if &root * &root == shifted {
                    while power < ideal && (&root % 10u8).is_zero() {
                        root /= 10;
                        power += 1;
                    }
                } else if (&root % 5u8).is_zero() {
                    root += 1;
                }
                Number::finite(false, root, power).fixed()
            }
        }
    }
    /// Without zeros at the end.
    pub fn normalized(&self) -> Py<Number> {
        let number = self.clone().fixed()?;
        let Kind::Finite {
            mut digits,
            mut exponent,
        } = number.kind
        else {
            return Ok(number);
        };
        if digits.is_zero() {
            return Ok(Number::finite(number.negative, digits, 0));
        }
        while (&digits % 10u8).is_zero() {
            digits /= 10;
            exponent += 1;
        }
        Ok(Number::finite(number.negative, digits, exponent))
    }
}

/// Digits without their last `count` ones, rounded.
fn rounded(digits: &BigInt, count: i64, negative: bool, rounding: Rounding) -> BigInt {
    let unit = power_of_ten(count);
    let (quotient, rest) = digits.div_rem(&unit);
    if rest.is_zero() {
        return quotient;
    }
    let half = (rest * 2u8).cmp(&unit);
    let last = || (&quotient % 10u8).try_into().unwrap_or(0_u8);
    let up = match rounding {
        Rounding::HalfEven => half == Ordering::Greater || half == Ordering::Equal && quotient.is_odd(),
        Rounding::HalfUp => half != Ordering::Less,
        Rounding::HalfDown => half == Ordering::Greater,
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::Ceiling => !negative,
        Rounding::Floor => negative,
        Rounding::ZeroFiveUp => matches!(last(), 0 | 5),
    };
    if up { quotient + 1 } else { quotient }
}

/// The coefficients of two finite numbers at their smaller exponent.
fn aligned(a: &Number, b: &Number) -> (BigInt, BigInt, i64) {
    let (Kind::Finite { digits: a, exponent: e }, Kind::Finite { digits: b, exponent: f }) = (&a.kind, &b.kind) else {
        return (BigInt::zero(), BigInt::zero(), 0);
    };
    let exponent = *e.min(f);
    (
        a * power_of_ten((e - exponent).min(2 * LONGEST)),
        b * power_of_ten((f - exponent).min(2 * LONGEST)),
        exponent,
    )
}

/// Two numbers for a sum: one that is far below the other's last digit is replaced by one just below it, which rounds the same.
fn near(a: &Number, b: &Number) -> (Number, Number) {
    let (precision, _) = context();
    let small = |large: &Number, small: &Number| -> Option<Number> {
        let (Kind::Finite { exponent, digits }, Kind::Finite { exponent: own, .. }) = (&large.kind, &small.kind) else {
            return None;
        };
        let limit = exponent + (length(digits) - precision - 2).min(-1);
        let far = !large.is_zero() && !small.is_zero() && small.adjusted() < limit && own < exponent;
        far.then(|| Number::finite(small.negative, BigInt::one(), limit))
    };
    if let Some(small) = small(a, b) {
        return (a.clone(), small);
    }
    if let Some(small) = small(b, a) {
        return (small, b.clone());
    }
    // A zero with a far exponent keeps the other's digits.
    let clamp = |zero: &Number, other: &Number| match (&zero.kind, &other.kind) {
        (Kind::Finite { exponent, .. }, Kind::Finite { exponent: own, .. }) if zero.is_zero() => {
            let exponent = (*exponent).clamp(other.adjusted() - precision - 1, (*own).max(*exponent));
            Number::finite(zero.negative, BigInt::zero(), exponent)
        }
        _ => zero.clone(),
    };
    (clamp(a, b), clamp(b, a))
}
