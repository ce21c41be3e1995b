//! The module `fractions`.

use std::any::Any;
use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::bind::bind;
use super::decimal;
use super::declare::declare;
use crate::py::chars;
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::error::{Py, Raised, overflow_error, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::text::repr;

declare! {
    "fractions" {} {
        "Fraction" => Obj::NativeType(&FRACTION),
    }
}

/// In lowest terms; the denominator is above zero.
#[derive(Clone, PartialEq)]
pub struct Fraction {
    num: BigInt,
    den: BigInt,
}

pub static FRACTION: NativeType = NativeType {
    module: "fractions",
    name: "Fraction",
    new,
    is_instance: |object| object.as_native::<Fraction>().is_some(),
    attribute: |_| None,
};

/// Bits of a numerator or denominator beyond which arithmetic is refused.
const MOST_BITS: u64 = 1 << 24;

fn zero_division(num: &BigInt) -> Raised {
    raise(Builtin::ZeroDivisionError, format!("Fraction({num}, 0)"))
}

fn new(args: &Args) -> Py {
    let [num, den] = bind("Fraction.__new__", args, ["numerator", "denominator"], 0, 2)?;
    let absent = Obj::Int(0);
    let num = num.unwrap_or(&absent);
    let Some(den) = den.filter(|den| !den.is_none()) else {
        return Ok(Obj::native(of_one(num)?));
    };
    match (exact(num), exact(den)) {
        (Some(num), Some(den)) => Ok(Obj::native(Fraction::new(num.num * &den.den, num.den * den.num)?)),
        _ => Err(type_error("both arguments should be Rational instances")),
    }
}

fn of_one(value: &Obj) -> Py<Fraction> {
    if let Some(fraction) = exact(value) {
        return Ok(fraction);
    }
    match value {
        Obj::Str(text) => match parse(text) {
            Some((num, den)) => Fraction::new(num, den),
            None => Err(value_error(format!("Invalid literal for Fraction: {}", repr(value)?))),
        },
        Obj::Float(x) if x.is_nan() => Err(value_error("cannot convert NaN to integer ratio")),
        Obj::Float(x) if x.is_infinite() => Err(overflow_error("cannot convert Infinity to integer ratio")),
        Obj::Float(x) => {
            let (num, den) = decimal::ratio_of_float(*x);
            Fraction::new(num, den)
        }
        other => match decimal::ratio_of(other) {
            Some(ratio) => {
                let (num, den) = ratio?;
                Fraction::new(num, den)
            }
            None => Err(type_error("argument should be a string or a Rational instance")),
        },
    }
}

/// An integer or a fraction.
fn exact(value: &Obj) -> Option<Fraction> {
    match value.as_native::<Fraction>() {
        Some(fraction) => Some(fraction.clone()),
        None => arith::as_big(value).map(|num| Fraction { num, den: BigInt::one() }),
    }
}

/// `3/4`, `0.75`, `75e-2`
fn parse(text: &str) -> Option<(BigInt, BigInt)> {
    let text = chars::ascii_number(text);
    let Some((num, den)) = text.split_once('/') else {
        return decimal::ratio_of_text(&text);
    };
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let unsigned = num.strip_prefix(['-', '+']).unwrap_or(num);
    if !plain(unsigned) || !plain(den) {
        return None;
    }
    let number = |digits: &str| digits.replace('_', "").parse::<BigInt>().ok();
    let size = number(unsigned)?;
    Some((if num.starts_with('-') { -size } else { size }, number(den)?))
}

impl Fraction {
    fn new(num: BigInt, den: BigInt) -> Py<Fraction> {
        if den.is_zero() {
            return Err(zero_division(&num));
        }
        if num.bits().max(den.bits()) > MOST_BITS {
            return Err(raise(Builtin::MemoryError, ""));
        }
        let gcd = num.gcd(&den);
        let sign = if den.is_negative() { -gcd } else { gcd };
        Ok(Fraction {
            num: num / &sign,
            den: den / sign,
        })
    }
    fn object(num: BigInt, den: BigInt) -> Py {
        Fraction::new(num, den).map(Obj::native)
    }
    fn float(&self) -> Py {
        arith::binary(
            BinaryOp::TrueDiv,
            false,
            &Obj::big(self.num.clone()),
            &Obj::big(self.den.clone()),
        )
    }
    fn computed(&self, op: BinaryOp, other: &Fraction) -> Py<Option<Obj>> {
        let (a, b) = (self, other);
        Ok(Some(match op {
            BinaryOp::Add => Fraction::object(&a.num * &b.den + &b.num * &a.den, &a.den * &b.den)?,
            BinaryOp::Sub => Fraction::object(&a.num * &b.den - &b.num * &a.den, &a.den * &b.den)?,
            BinaryOp::Mul => Fraction::object(&a.num * &b.num, &a.den * &b.den)?,
            BinaryOp::TrueDiv if b.num.is_zero() => return Err(zero_division(&(&a.num * &b.den))),
            BinaryOp::TrueDiv => Fraction::object(&a.num * &b.den, &a.den * &b.num)?,
            BinaryOp::FloorDiv | BinaryOp::Mod if b.num.is_zero() => {
                return Err(raise(Builtin::ZeroDivisionError, "integer division or modulo by zero"));
            }
            BinaryOp::FloorDiv => Obj::big((&a.num * &b.den).div_floor(&(&a.den * &b.num))),
            BinaryOp::Mod => {
                let den = &a.den * &b.den;
                Fraction::object((&a.num * &b.den).mod_floor(&(&b.num * &a.den)), den)?
            }
            BinaryOp::Pow => return self.power(other),
            _ => return Ok(None),
        }))
    }
    fn power(&self, exponent: &Fraction) -> Py<Option<Obj>> {
        if !exponent.den.is_one() {
            return arith::binary(BinaryOp::Pow, false, &self.float()?, &exponent.float()?).map(Some);
        }
        let size = exponent.num.abs().to_u32().unwrap_or(u32::MAX);
        let bits = self.num.bits().max(self.den.bits()).max(1);
        if bits.saturating_mul(u64::from(size)) > MOST_BITS && bits > 1 {
            return Err(raise(Builtin::MemoryError, ""));
        }
        let (num, den) = (self.num.pow(size), self.den.pow(size));
        if exponent.num.is_negative() {
            return Fraction::object(den, num).map(Some);
        }
        Fraction::object(num, den).map(Some)
    }
    /// The nearest fraction whose denominator is at most `most`.
    fn limited(&self, most: &BigInt) -> Py {
        if !most.is_positive() {
            return Err(value_error("max_denominator should be at least 1"));
        }
        if self.den <= *most {
            return Ok(Obj::native(self.clone()));
        }
        let (mut p0, mut q0, mut p1, mut q1) = (BigInt::zero(), BigInt::one(), BigInt::one(), BigInt::zero());
        let (mut n, mut d) = (self.num.clone(), self.den.clone());
        loop {
            let a = n.div_floor(&d);
            let q2 = &q0 + &a * &q1;
            if q2 > *most {
                break;
            }
            let p2 = &p0 + &a * &p1;
            (p0, q0, p1, q1) = (p1, q1, p2, q2);
            let rest = &n - &a * &d;
            (n, d) = (d, rest);
            if d.is_zero() {
                break;
            }
        }
        let k = (most - &q0).div_floor(&q1);
        let first = Fraction::new(p0 + &k * &p1, q0 + &k * &q1)?;
        let second = Fraction::new(p1, q1)?;
        let off = |near: &Fraction| ((&near.num * &self.den - &self.num * &near.den).abs(), &near.den * &self.den);
        let ((a, b), (c, d)) = (off(&second), off(&first));
        Ok(Obj::native(if a * d <= c * b { second } else { first }))
    }
    /// Half to even.
    fn rounded(&self, args: &Args) -> Py {
        let nearest = |num: &BigInt, den: &BigInt| {
            let (floor, rest) = num.div_mod_floor(den);
            match (rest * 2u8).cmp(den) {
                Ordering::Less => floor,
                Ordering::Equal if floor.is_even() => floor,
                _ => floor + 1,
            }
        };
        let Some(places) = args.plain().first().filter(|places| !places.is_none()) else {
            return Ok(Obj::big(nearest(&self.num, &self.den)));
        };
        let places = arith::index(places)?;
        let shift = u32::try_from(places.unsigned_abs()).ok().filter(|shift| *shift <= 100_000);
        let Some(shift) = shift else {
            return Err(raise(Builtin::OverflowError, "too many digits to round to"));
        };
        let shift = BigInt::from(10).pow(shift);
        if places > 0 {
            Fraction::object(nearest(&(&self.num * &shift), &self.den), shift)
        } else {
            Fraction::object(nearest(&self.num, &(&self.den * &shift)) * shift, BigInt::one())
        }
    }
}

const METHODS: [&str; 9] = [
    "limit_denominator",
    "as_integer_ratio",
    "__round__",
    "__int__",
    "__float__",
    "__abs__",
    "__floor__",
    "__ceil__",
    "__trunc__",
];

impl Native for Fraction {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &FRACTION
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "numerator" => Some(Obj::big(self.num.clone())),
            "denominator" => Some(Obj::big(self.den.clone())),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        METHODS.contains(&name)
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "limit_denominator" => {
                let [most] = bind("Fraction.limit_denominator", args, ["max_denominator"], 0, 1)?;
                let most = match most {
                    None => BigInt::from(1_000_000),
                    Some(most) => BigInt::from(arith::index(most)?),
                };
                self.limited(&most)?
            }
            "as_integer_ratio" => Obj::tuple([Obj::big(self.num.clone()), Obj::big(self.den.clone())]),
            "__round__" => self.rounded(args)?,
            "__int__" | "__trunc__" => Obj::big(&self.num / &self.den),
            "__float__" => self.float()?,
            "__abs__" => Fraction::object(self.num.abs(), self.den.clone())?,
            "__floor__" => Obj::big(self.num.div_floor(&self.den)),
            "__ceil__" => Obj::big(-(-&self.num).div_floor(&self.den)),
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("Fraction({}, {})", self.num, self.den))
    }
    fn str(&self) -> Py<String> {
        Ok(if self.den.is_one() {
            self.num.to_string()
        } else {
            format!("{}/{}", self.num, self.den)
        })
    }
    fn truth(&self) -> Py<bool> {
        Ok(!self.num.is_zero())
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if let Obj::Float(_) = other {
            let own = self.float()?;
            let (a, b) = if reflected { (other, &own) } else { (&own, other) };
            return arith::binary(op, false, a, b).map(Some);
        }
        let Some(other) = exact(other) else { return Ok(None) };
        if reflected {
            other.computed(op, self)
        } else {
            self.computed(op, &other)
        }
    }
    fn unary(&self, op: UnaryOp) -> Option<Py> {
        match op {
            UnaryOp::Neg => Some(Fraction::object(-&self.num, self.den.clone())),
            UnaryOp::Pos => Some(Ok(Obj::native(self.clone()))),
            _ => None,
        }
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(self.order(other)?.map(|order| order == Ordering::Equal))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        let other = match other {
            Obj::Float(x) if x.is_nan() => return Ok(None),
            Obj::Float(x) if x.is_infinite() => {
                return Ok(Some(if *x > 0.0 { Ordering::Less } else { Ordering::Greater }));
            }
            Obj::Float(x) => {
                let (num, den) = decimal::ratio_of_float(*x);
                Some(Fraction { num, den })
            }
            other => exact(other),
        };
        Ok(other.map(|other| (&self.num * &other.den).cmp(&(&other.num * &self.den))))
    }
    fn hash(&self) -> Option<i64> {
        Some(decimal::of_ratio(&self.num, &self.den))
    }
}
