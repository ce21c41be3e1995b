//! The module `decimal`: decimal numbers with the default context, whose precision and rounding a program may set.

mod number;
mod text;

use std::any::Any;
use std::cell::Cell;
use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use self::number::{Kind, Number, invalid};
use super::bind::{bind, need, unless_none};
use super::declare::{arg, declare, function};
use super::named;
use crate::py::format_spec;
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::error::{Py, overflow_error, type_error, value_error};
use crate::python::hash;
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::text::type_name;

declare! {
    "decimal" {
        "getcontext" => |args| {
            args.expect("getcontext", 0, 0, &[])?;
            Ok(Obj::native(Context))
        },
    } {
        "Decimal" => Obj::NativeType(&DECIMAL),
        "DecimalException" => Obj::Builtin(Builtin::DecimalException),
        "InvalidOperation" => Obj::Builtin(Builtin::InvalidOperation),
        "DivisionByZero" => Obj::Builtin(Builtin::DivisionByZero),
        "Overflow" => Obj::Builtin(Builtin::DecimalOverflow),
        "ROUND_HALF_EVEN" => Obj::str("ROUND_HALF_EVEN"),
        "ROUND_HALF_UP" => Obj::str("ROUND_HALF_UP"),
        "ROUND_HALF_DOWN" => Obj::str("ROUND_HALF_DOWN"),
        "ROUND_UP" => Obj::str("ROUND_UP"),
        "ROUND_DOWN" => Obj::str("ROUND_DOWN"),
        "ROUND_CEILING" => Obj::str("ROUND_CEILING"),
        "ROUND_FLOOR" => Obj::str("ROUND_FLOOR"),
        "ROUND_05UP" => Obj::str("ROUND_05UP"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    HalfEven,
    HalfUp,
    HalfDown,
    Up,
    Down,
    Ceiling,
    Floor,
    ZeroFiveUp,
}

const ROUNDINGS: [(&str, Rounding); 8] = [
    ("ROUND_HALF_EVEN", Rounding::HalfEven),
    ("ROUND_HALF_UP", Rounding::HalfUp),
    ("ROUND_HALF_DOWN", Rounding::HalfDown),
    ("ROUND_UP", Rounding::Up),
    ("ROUND_DOWN", Rounding::Down),
    ("ROUND_CEILING", Rounding::Ceiling),
    ("ROUND_FLOOR", Rounding::Floor),
    ("ROUND_05UP", Rounding::ZeroFiveUp),
];

const DEFAULT: (i64, Rounding) = (28, Rounding::HalfEven);
/// The largest precision that a program may set.
const MOST_PRECISION: i64 = 10_000;

thread_local! {
    static CONTEXT: Cell<(i64, Rounding)> = const { Cell::new(DEFAULT) };
    static TUPLE: Obj = named::class(None, "DecimalTuple", ["sign", "digits", "exponent"], Vec::new(), None);
}

/// Precision and rounding of arithmetic.
fn context() -> (i64, Rounding) {
    CONTEXT.get()
}

/// Forgets what the program has set.
pub fn reset() {
    CONTEXT.set(DEFAULT);
}

fn rounding(value: Option<&Obj>) -> Py<Rounding> {
    let Some(value) = unless_none(value) else {
        return Ok(context().1);
    };
    let known = ROUNDINGS.iter().find(|(name, _)| value.as_str() == Some(name));
    known.map(|(_, rounding)| *rounding).ok_or_else(|| {
        type_error(
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
        )
    })
}

/// The one context, as an object: `getcontext().prec = 10`.
struct Context;

static CONTEXT_TYPE: NativeType = NativeType {
    module: "decimal",
    name: "Context",
    new: |_| Err(type_error("a context of its own is not supported: set getcontext()")),
    is_instance: |object| object.as_native::<Context>().is_some(),
    attribute: |_| None,
};

impl Native for Context {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &CONTEXT_TYPE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let (precision, rounding) = context();
        Ok(match name {
            "prec" => Some(Obj::Int(precision)),
            "rounding" => ROUNDINGS
                .iter()
                .find(|(_, known)| *known == rounding)
                .map(|(name, _)| Obj::str(*name)),
            _ => None,
        })
    }
    fn set_attribute(&self, name: &str, value: &Obj) -> Py<bool> {
        let (precision, old) = context();
        match name {
            "prec" => {
                let precision = arith::index(value)?;
                if !(1..=MOST_PRECISION).contains(&precision) {
                    return Err(value_error(format!("valid range for prec is [1, {MOST_PRECISION}]")));
                }
                CONTEXT.set((precision, old));
            }
            "rounding" => CONTEXT.set((precision, self::rounding(Some(value))?)),
            _ => return Ok(false),
        }
        Ok(true)
    }
    fn repr(&self) -> Py<String> {
        let (precision, _) = context();
        Ok(format!("Context(prec={precision})"))
    }
}

pub struct Decimal(Number);

pub static DECIMAL: NativeType = NativeType {
    module: "decimal",
    name: "Decimal",
    new,
    is_instance: |object| object.as_native::<Decimal>().is_some(),
    attribute: |name| match name {
        "from_float" => Some(function!("decimal", "from_float", |args| {
            args.expect("from_float", 1, 1, &[])?;
            new(args)
        })),
        _ => None,
    },
};

fn new(args: &Args) -> Py {
    let [value, _] = bind("Decimal", args, ["value", "context"], 0, 2)?;
    let number = match value {
        None => Number::whole(&BigInt::zero()),
        Some(Obj::Str(text)) => text::parse(text).ok_or_else(|| invalid("ConversionSyntax"))?,
        Some(Obj::Float(x)) => Number::of_float(*x),
        Some(Obj::Tuple(parts)) => from_parts(parts)?,
        Some(Obj::List(parts)) => from_parts(&parts.0.borrow().clone())?,
        Some(other) => match (other.as_native::<Decimal>(), arith::as_big(other)) {
            (Some(decimal), _) => decimal.0.clone(),
            (None, Some(n)) => Number::whole(&n),
            (None, None) => {
                return Err(type_error(format!(
                    "conversion from {} to Decimal is not supported",
                    type_name(other)
                )));
            }
        },
    };
    Ok(object(number))
}

/// Sign, digits and exponent.
fn from_parts(parts: &[Obj]) -> Py<Number> {
    let [sign, digits, exponent] = parts else {
        return Err(value_error("argument must be a sequence of length 3"));
    };
    let mut coefficient = String::new();
    for digit in iter::collect(digits)? {
        match arith::index(&digit)? {
            digit @ 0..=9 => coefficient.push_str(&digit.to_string()),
            _ => return Err(value_error("coefficient must be a tuple of digits")),
        }
    }
    let coefficient: BigInt = coefficient.parse().unwrap_or_default();
    Ok(Number::finite(arith::index(sign)? != 0, coefficient, arith::index(exponent)?))
}

fn object(number: Number) -> Obj {
    Obj::native(Decimal(number))
}

/// An operand: a decimal or an integer.
fn operand(value: &Obj) -> Option<Number> {
    match value.as_native::<Decimal>() {
        Some(decimal) => Some(decimal.0.clone()),
        None => arith::as_big(value).map(|n| Number::whole(&n)),
    }
}

/// What can be compared: floats too.
fn comparable(value: &Obj) -> Option<Number> {
    match value {
        Obj::Float(x) => Some(Number::of_float(*x)),
        _ => operand(value),
    }
}

fn computed(op: BinaryOp, a: &Number, b: &Number) -> Py<Option<Number>> {
    Ok(Some(match op {
        BinaryOp::Add => a.plus(b)?,
        BinaryOp::Sub => a.minus(b)?,
        BinaryOp::Mul => a.times(b)?,
        BinaryOp::TrueDiv => a.over(b)?,
        BinaryOp::FloorDiv => a.divided(b)?.0,
        BinaryOp::Mod => {
            if b.is_zero() && !a.is_zero() {
                return Err(invalid("InvalidOperation"));
            }
            a.divided(b)?.1
        }
        BinaryOp::Pow => power(a, b)?,
        _ => return Ok(None),
    }))
}

fn power(base: &Number, exponent: &Number) -> Py<Number> {
    let whole = exponent.ratio().filter(|(_, den)| *den == BigInt::from(1));
    if let Some(whole) = whole.and_then(|(num, _)| num.to_i64()) {
        return base.power(whole);
    }
    let half = exponent
        .ratio()
        .is_some_and(|(num, den)| den == BigInt::from(2) && num == BigInt::from(1));
    if half {
        return base.root();
    }
    Err(crate::python::error::raise(
        Builtin::NotImplementedError,
        "a Decimal to a power that is not whole is not supported: use float()",
    ))
}

impl Decimal {
    fn float(&self) -> Py<f64> {
        match &self.0.kind {
            Kind::Infinite => Ok(if self.0.negative { f64::NEG_INFINITY } else { f64::INFINITY }),
            Kind::Nan => Ok(f64::NAN),
            Kind::Finite { .. } => Ok(text::shown(&self.0).parse().unwrap_or(f64::NAN)),
        }
    }
    fn int(&self) -> Py {
        match self.0.truncated() {
            Some(n) => Ok(Obj::big(n)),
            None => match self.0.kind {
                Kind::Nan => Err(value_error("cannot convert NaN to integer")),
                Kind::Infinite => Err(overflow_error("cannot convert Infinity to integer")),
                Kind::Finite { .. } => Err(overflow_error("the Decimal is too large to convert to an integer")),
            },
        }
    }
    /// The integer that a rounding gives.
    fn whole(&self, rounding: Rounding) -> Py {
        match &self.0.kind {
            Kind::Finite { exponent, .. } if *exponent < 0 => Decimal(self.0.with_exponent(0, rounding)?).int(),
            _ => self.int(),
        }
    }
    fn quantized(&self, args: &Args) -> Py<Number> {
        let [exponent, rule, _] = bind("quantize", args, ["exp", "rounding", "context"], 1, 3)?;
        let exponent = need(exponent, "quantize")?;
        let Some(to) = operand(exponent) else {
            return Err(type_error(format!(
                "conversion from {} to Decimal is not supported",
                type_name(exponent)
            )));
        };
        let (Kind::Finite { exponent, .. }, Kind::Finite { .. }) = (&to.kind, &self.0.kind) else {
            return match (&to.kind, &self.0.kind) {
                (Kind::Nan, _) | (_, Kind::Nan) => Ok(Number::nan()),
                (Kind::Infinite, Kind::Infinite) => Ok(self.0.clone()),
                _ => Err(invalid("InvalidOperation")),
            };
        };
        self.quantized_to(*exponent, rounding(rule)?)
    }
    fn quantized_to(&self, exponent: i64, rounding: Rounding) -> Py<Number> {
        let number = self.0.with_exponent(exponent, rounding)?;
        match &number.kind {
            Kind::Finite { digits, .. } if number::length(digits) > context().0 => Err(invalid("InvalidOperation")),
            _ => Ok(number),
        }
    }
    fn rounded(&self, args: &Args) -> Py {
        match args.plain().first() {
            None | Some(Obj::None) => match self.0.kind {
                Kind::Nan => Err(value_error("cannot round a NaN")),
                Kind::Infinite => Err(overflow_error("cannot round an infinity")),
                Kind::Finite { .. } => self.whole(Rounding::HalfEven),
            },
            Some(places) => {
                let places = arith::index(places)?;
                Ok(object(self.quantized_to(places.saturating_neg(), Rounding::HalfEven)?))
            }
        }
    }
    /// `to_integral_value`: an integer as a decimal.
    fn integral(&self, args: &Args) -> Py<Number> {
        let [rule, _] = bind("to_integral_value", args, ["rounding", "context"], 0, 2)?;
        let rule = rounding(rule)?;
        match &self.0.kind {
            Kind::Finite { exponent, .. } if *exponent < 0 => self.0.with_exponent(0, rule),
            _ => Ok(self.0.clone()),
        }
    }
    fn tuple(&self) -> Obj {
        let (digits, exponent) = match &self.0.kind {
            Kind::Finite { digits, exponent } => (digits.to_string(), Obj::Int(*exponent)),
            Kind::Infinite => ("0".to_owned(), Obj::str("F")),
            Kind::Nan => (String::new(), Obj::str("n")),
        };
        let digits: Vec<Obj> = digits
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .map(|digit| Obj::Int(i64::from(digit)))
            .collect();
        let items = vec![Obj::Int(i64::from(self.0.negative)), Obj::tuple(digits), exponent];
        TUPLE.with(|class| named::instance(class, items))
    }
    fn ratio(&self) -> Py<(BigInt, BigInt)> {
        self.0.ratio().ok_or_else(|| match self.0.kind {
            Kind::Nan => value_error("cannot convert NaN to integer ratio"),
            _ => overflow_error("cannot convert Infinity to integer ratio"),
        })
    }
    /// The other argument of a method.
    fn other(args: &Args, name: &str) -> Py<Number> {
        let value = arg(args, 0, name)?;
        operand(value).ok_or_else(|| type_error(format!("conversion from {} to Decimal is not supported", type_name(value))))
    }
}

const METHODS: [&str; 35] = [
    "quantize",
    "normalize",
    "to_integral_value",
    "to_integral",
    "to_integral_exact",
    "sqrt",
    "is_nan",
    "is_infinite",
    "is_finite",
    "is_zero",
    "is_signed",
    "is_qnan",
    "is_snan",
    "copy_abs",
    "copy_negate",
    "copy_sign",
    "as_tuple",
    "as_integer_ratio",
    "adjusted",
    "compare",
    "max",
    "min",
    "same_quantum",
    "canonical",
    "conjugate",
    "to_eng_string",
    "__round__",
    "__int__",
    "__float__",
    "__abs__",
    "__floor__",
    "__ceil__",
    "__trunc__",
    "__copy__",
    "__deepcopy__",
];

impl Native for Decimal {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DECIMAL
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "real" => Some(object(self.0.clone())),
            "imag" => Some(object(Number::whole(&BigInt::zero()))),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        METHODS.contains(&name)
    }
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let own = &self.0;
        Ok(Some(match name {
            "quantize" => object(self.quantized(args)?),
            "normalize" => object(own.normalized()?),
            "to_integral_value" | "to_integral" | "to_integral_exact" => object(self.integral(args)?),
            "sqrt" => object(own.root()?),
            "is_nan" | "is_qnan" => Obj::Bool(own.is_nan()),
            "is_snan" => Obj::Bool(false),
            "is_infinite" => Obj::Bool(own.kind == Kind::Infinite),
            "is_finite" => Obj::Bool(matches!(own.kind, Kind::Finite { .. })),
            "is_zero" => Obj::Bool(own.is_zero()),
            "is_signed" => Obj::Bool(own.negative),
            "copy_abs" => object(own.clone().absolute()),
            "copy_negate" => object(Number {
                negative: !own.negative,
                kind: own.kind.clone(),
            }),
            "copy_sign" => object(Number {
                negative: Decimal::other(args, name)?.negative,
                kind: own.kind.clone(),
            }),
            "as_tuple" => self.tuple(),
            "as_integer_ratio" => {
                let (num, den) = self.ratio()?;
                Obj::tuple([Obj::big(num), Obj::big(den)])
            }
            "adjusted" => Obj::Int(own.adjusted()),
            "compare" => object(match own.compared(&Decimal::other(args, name)?) {
                None => Number::nan(),
                Some(order) => Number::whole(&BigInt::from(order as i8)),
            }),
            "max" | "min" => {
                let other = Decimal::other(args, name)?;
                let first = match own.compared(&other) {
                    None => other.is_nan(),
                    Some(order) => (order == Ordering::Greater) == (name == "max"),
                };
                object(if first { own.clone().fixed()? } else { other.fixed()? })
            }
            "same_quantum" => Obj::Bool(match (&own.kind, &Decimal::other(args, name)?.kind) {
                (Kind::Finite { exponent: a, .. }, Kind::Finite { exponent: b, .. }) => a == b,
                (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
            }),
            "canonical" | "conjugate" | "__copy__" | "__deepcopy__" => this.clone(),
            "to_eng_string" => Obj::str(text::shown(own)),
            "__round__" => self.rounded(args)?,
            "__int__" | "__trunc__" => self.int()?,
            "__float__" => Obj::Float(self.float()?),
            "__abs__" => object(own.clone().absolute().fixed()?),
            "__floor__" => self.whole(Rounding::Floor)?,
            "__ceil__" => self.whole(Rounding::Ceiling)?,
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("Decimal('{}')", text::shown(&self.0)))
    }
    fn str(&self) -> Py<String> {
        Ok(text::shown(&self.0))
    }
    fn truth(&self) -> Py<bool> {
        Ok(!self.0.is_zero())
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        let Some(other) = operand(other) else { return Ok(None) };
        let (a, b) = if reflected { (&other, &self.0) } else { (&self.0, &other) };
        Ok(computed(op, a, b)?.map(object))
    }
    fn unary(&self, op: UnaryOp) -> Option<Py> {
        match op {
            UnaryOp::Neg => Some(self.0.clone().negated().fixed().map(object)),
            UnaryOp::Pos if self.0.is_zero() => Some(Ok(object(self.0.clone().absolute()))),
            UnaryOp::Pos => Some(self.0.clone().fixed().map(object)),
            _ => None,
        }
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(comparable(other).map(|other| self.0.compared(&other) == Some(Ordering::Equal)))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        match comparable(other) {
            None => Ok(None),
            Some(other) => self.0.compared(&other).map(Some).ok_or_else(|| invalid("InvalidOperation")),
        }
    }
    fn hash(&self) -> Option<i64> {
        // As every other number of the same value: the quotient modulo the prime of Python's hashes.
        let (num, den) = match &self.0.kind {
            Kind::Finite { .. } => self.0.ratio()?,
            Kind::Infinite => return hash::hash(&Obj::Float(self.float().ok()?)).ok(),
            Kind::Nan => return Some(0),
        };
        Some(of_ratio(&num, &den))
    }
    fn format(&self, spec: &str) -> Option<Py<String>> {
        if spec.is_empty() {
            return Some(self.str());
        }
        let mut out = String::new();
        let pushed = format_spec::push_number(&mut out, "decimal.Decimal", spec, |kind, precision| {
            text::formatted(&self.0, kind, precision)
        });
        Some(match pushed {
            Ok(()) => Ok(out),
            Err(error) => Err(error.into()),
        })
    }
}

/// CPython's hash of a fraction in lowest terms.
pub fn of_ratio(num: &BigInt, den: &BigInt) -> i64 {
    let modulus = BigInt::from((1_i64 << 61) - 1);
    let size = if (den % &modulus).is_zero() {
        BigInt::from(314_159)
    } else {
        let inverse = den.modpow(&(&modulus - 2), &modulus);
        num.abs() * inverse % &modulus
    };
    let size = size.to_i64().unwrap_or_default();
    match if num.is_negative() { -size } else { size } {
        -1 => -2,
        hash => hash,
    }
}

/// Exactly a finite float.
pub fn ratio_of_float(x: f64) -> (BigInt, BigInt) {
    Number::of_float(x)
        .ratio()
        .unwrap_or_else(|| (BigInt::zero(), BigInt::from(1)))
}

/// A number in decimal notation; `None` when it is none, or no finite one.
pub fn ratio_of_text(text: &str) -> Option<(BigInt, BigInt)> {
    text::parse(text)?.ratio()
}

/// Exactly a `Decimal`; `None` for other objects.
pub fn ratio_of(value: &Obj) -> Option<Py<(BigInt, BigInt)>> {
    value.as_native::<Decimal>().map(Decimal::ratio)
}
