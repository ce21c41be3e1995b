//! `timedelta`: a number of microseconds.

use std::any::Any;
use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::error::{Py, Raised, overflow_error, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::text::type_name;

const DAY: i128 = super::calendar::DAY as i128;
const MAX_DAYS: i128 = 999_999_999;

/// Microseconds; the days in it are never more than 999999999 from zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delta(i128);

pub static TIMEDELTA: NativeType = NativeType {
    module: "datetime",
    name: "timedelta",
    new,
    is_instance: |object| object.as_native::<Delta>().is_some(),
    attribute: |name| match name {
        "min" => Some(Obj::native(Delta(-MAX_DAYS * DAY))),
        "max" => Some(Obj::native(Delta((MAX_DAYS + 1) * DAY - 1))),
        "resolution" => Some(Obj::native(Delta(1))),
        _ => None,
    },
};

/// Units in the order of the constructor's arguments, in microseconds.
const UNITS: [(&str, i128); 7] = [
    ("days", DAY),
    ("seconds", 1_000_000),
    ("microseconds", 1),
    ("milliseconds", 1000),
    ("minutes", 60_000_000),
    ("hours", 3_600_000_000),
    ("weeks", 7 * DAY),
];

fn new(args: &Args) -> Py {
    if let Some(name) = args
        .names
        .iter()
        .find(|name| !UNITS.iter().any(|(known, _)| *known == name.text))
    {
        return Err(type_error(format!(
            "'{}' is an invalid keyword argument for __new__()",
            &***name
        )));
    }
    if args.plain().len() > UNITS.len() {
        return Err(type_error(format!(
            "__new__() takes at most 7 arguments ({} given)",
            args.plain().len()
        )));
    }
    let mut micros: i128 = 0;
    let mut fraction = 0.0;
    // CPython adds the smaller units first, which decides how fractions are rounded.
    for at in [2, 3, 1, 4, 5, 0, 6] {
        let Some((name, unit)) = UNITS.get(at).copied() else {
            continue;
        };
        if let Some(value) = args.get(at, name) {
            let (whole, left) = scaled(value, name, unit)?;
            micros = micros.checked_add(whole).ok_or_else(too_large)?;
            fraction += left;
        }
    }
    if fraction != 0.0 {
        let mut whole = f64::round(fraction);
        if (whole - fraction).abs() == 0.5 {
            let odd = f64::from((micros & 1) as u8);
            whole = 2.0 * f64::round((fraction + odd) * 0.5) - odd;
        }
        micros += whole as i128;
    }
    Ok(Obj::native(Delta::new(micros)?))
}

/// A number of units in whole microseconds, and the fraction that is left.
fn scaled(value: &Obj, name: &str, unit: i128) -> Py<(i128, f64)> {
    if let Obj::Float(number) = value {
        if number.is_nan() {
            return Err(value_error("cannot convert float NaN to integer"));
        }
        if number.is_infinite() {
            return Err(overflow_error("cannot convert float infinity to integer"));
        }
        // Far beyond what a timedelta holds, and safely within what the products below can hold.
        if number.abs() > 1e20 {
            return Err(too_large());
        }
        let micros = number.trunc() as i128 * unit;
        let part = number.fract() * unit as f64;
        return Ok((micros + part.trunc() as i128, part.fract()));
    }
    let Some(number) = arith::as_big(value) else {
        return Err(type_error(format!(
            "unsupported type for timedelta {name} component: {}",
            type_name(value)
        )));
    };
    let micros = number
        .to_i128()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(too_large)?;
    Ok((micros, 0.0))
}

fn too_large() -> Raised {
    overflow_error("Python int too large to convert to C int")
}

fn zero_division(message: &str) -> Raised {
    raise(Builtin::ZeroDivisionError, message)
}

impl Delta {
    /// `OverflowError` when there are too many days.
    pub fn new(micros: i128) -> Py<Delta> {
        let days = micros.div_euclid(DAY);
        if days.abs() <= MAX_DAYS {
            return Ok(Delta(micros));
        }
        Err(if i32::try_from(days).is_ok() {
            overflow_error(format!("days={days}; must have magnitude <= 999999999"))
        } else {
            too_large()
        })
    }
    pub fn object(micros: i128) -> Py {
        Ok(Obj::native(Delta::new(micros)?))
    }
    /// One that surely fits.
    pub fn of(micros: i64) -> Obj {
        Obj::native(Delta(i128::from(micros)))
    }
    pub fn micros(self) -> i128 {
        self.0
    }
    fn days(self) -> i64 {
        self.0.div_euclid(DAY) as i64
    }
    fn in_day(self) -> i64 {
        self.0.rem_euclid(DAY) as i64
    }
    fn total_seconds(self) -> Py {
        arith::binary(
            BinaryOp::TrueDiv,
            false,
            &Obj::big(BigInt::from(self.0)),
            &Obj::Int(1_000_000),
        )
    }
    /// The microseconds times `num / den`, rounded half to even.
    fn times_ratio(self, num: &BigInt, den: &BigInt) -> Py {
        if den.is_zero() {
            return Err(zero_division("integer division or modulo by zero"));
        }
        Delta::object(
            rounded_division(BigInt::from(self.0) * num, den)
                .to_i128()
                .ok_or_else(too_large)?,
        )
    }
    fn by(self, op: BinaryOp, other: Delta) -> Py {
        let (a, b) = (self.0, other.0);
        match op {
            BinaryOp::Add => Delta::object(a + b),
            BinaryOp::Sub => Delta::object(a - b),
            BinaryOp::TrueDiv if b == 0 => Err(zero_division("division by zero")),
            BinaryOp::TrueDiv => arith::binary(op, false, &Obj::big(BigInt::from(a)), &Obj::big(BigInt::from(b))),
            BinaryOp::FloorDiv if b == 0 => Err(zero_division("integer division or modulo by zero")),
            BinaryOp::FloorDiv => Ok(Obj::big(BigInt::from(Integer::div_floor(&a, &b)))),
            BinaryOp::Mod if b == 0 => Err(zero_division("integer modulo by zero")),
            BinaryOp::Mod => Delta::object(Integer::mod_floor(&a, &b)),
            _ => Err(type_error("unsupported operand")),
        }
    }
}

/// Rounds half to even; `den` is not zero.
fn rounded_division(num: BigInt, den: &BigInt) -> BigInt {
    let (num, den) = if den.is_negative() { (-num, -den) } else { (num, den.clone()) };
    let (quotient, rest) = num.div_mod_floor(&den);
    match (rest * 2u8).cmp(&den) {
        Ordering::Greater => quotient + 1,
        Ordering::Equal if quotient.is_odd() => quotient + 1,
        _ => quotient,
    }
}

/// A float as a fraction.
fn ratio(number: f64) -> Py<(BigInt, BigInt)> {
    if number.is_nan() {
        return Err(value_error("cannot convert NaN to integer ratio"));
    }
    if number.is_infinite() {
        return Err(overflow_error("cannot convert Infinity to integer ratio"));
    }
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    let mantissa = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if exponent == 0 {
        (mantissa, -1074)
    } else {
        (mantissa | 1 << 52, exponent - 1075)
    };
    let mut num = BigInt::from(mantissa);
    if number.is_sign_negative() {
        num = -num;
    }
    let power = BigInt::from(1) << exponent.unsigned_abs();
    Ok(if exponent >= 0 {
        (num * power, BigInt::from(1))
    } else {
        (num, power)
    })
}

impl Native for Delta {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &TIMEDELTA
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(Obj::Int(match name {
            "days" => self.days(),
            "seconds" => self.in_day() / 1_000_000,
            "microseconds" => self.in_day() % 1_000_000,
            _ => return Ok((TIMEDELTA.attribute)(name)),
        })))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "total_seconds" | "__abs__")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        match name {
            "total_seconds" => args.expect("timedelta.total_seconds", 0, 0, &[])?,
            "__abs__" => return Delta::object(self.0.abs()).map(Some),
            _ => return Ok(None),
        }
        self.total_seconds().map(Some)
    }
    fn repr(&self) -> Py<String> {
        let parts: Vec<String> = [
            ("days", self.days()),
            ("seconds", self.in_day() / 1_000_000),
            ("microseconds", self.in_day() % 1_000_000),
        ]
        .into_iter()
        .filter(|(_, value)| *value != 0)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
        Ok(if parts.is_empty() {
            "datetime.timedelta(0)".to_owned()
        } else {
            format!("datetime.timedelta({})", parts.join(", "))
        })
    }
    fn str(&self) -> Py<String> {
        let days = self.days();
        let (hour, minute, second, micro) = super::calendar::clock_parts(self.in_day());
        let mut text = match days {
            0 => String::new(),
            -1 | 1 => format!("{days} day, "),
            _ => format!("{days} days, "),
        };
        text.push_str(&format!("{hour}:{minute:02}:{second:02}"));
        if micro != 0 {
            text.push_str(&format!(".{micro:06}"));
        }
        Ok(text)
    }
    fn truth(&self) -> Py<bool> {
        Ok(self.0 != 0)
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if let Some(other) = other.as_native::<Delta>() {
            let supported = matches!(
                op,
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::TrueDiv | BinaryOp::FloorDiv | BinaryOp::Mod
            );
            return if supported { self.by(op, *other).map(Some) } else { Ok(None) };
        }
        let one = BigInt::from(1);
        match (op, other) {
            (BinaryOp::Mul, Obj::Float(number)) => {
                let (num, den) = ratio(*number)?;
                self.times_ratio(&num, &den).map(Some)
            }
            (BinaryOp::TrueDiv, Obj::Float(number)) if !reflected => {
                let (num, den) = ratio(*number)?;
                self.times_ratio(&den, &num).map(Some)
            }
            (BinaryOp::Mul | BinaryOp::TrueDiv | BinaryOp::FloorDiv, _) => {
                let Some(number) = arith::as_big(other) else {
                    return Ok(None);
                };
                match op {
                    BinaryOp::Mul => self.times_ratio(&number, &one).map(Some),
                    _ if reflected => Ok(None),
                    BinaryOp::TrueDiv => self.times_ratio(&one, &number).map(Some),
                    _ if number.is_zero() => Err(zero_division("integer division or modulo by zero")),
                    _ => {
                        let micros = BigInt::from(self.0).div_floor(&number).to_i128().ok_or_else(too_large)?;
                        Delta::object(micros).map(Some)
                    }
                }
            }
            _ => Ok(None),
        }
    }
    fn unary(&self, op: UnaryOp) -> Option<Py> {
        match op {
            UnaryOp::Neg => Some(Delta::object(-self.0)),
            UnaryOp::Pos => Some(Delta::object(self.0)),
            _ => None,
        }
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Delta>().map(|other| self == other))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        Ok(other.as_native::<Delta>().map(|other| self.0.cmp(&other.0)))
    }
    fn hash(&self) -> Option<i64> {
        Some((self.0 as i64) ^ ((self.0 >> 64) as i64).wrapping_mul(1_000_003))
    }
}
