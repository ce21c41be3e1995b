//! Arithmetic and bit operators: which of two operands answers, and what is said when none does.

use std::rc::Rc;

use num_bigint::BigInt;

use super::compare::truth;
use super::depth;
use super::dunder::{self, Special};
use super::error::{Py, raise, type_error};
use super::names::Builtin;
use super::object::{DictKind, Obj};
use super::text::type_name;
use super::{format, integer, sequence, union};
use crate::py;

pub use super::number::{as_big, as_float, index};

/// Compiled code names an operator by its number here; the compiler uses this type for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum BinaryOp {
    Add = 0,
    Sub = 1,
    Mul = 2,
    TrueDiv = 3,
    FloorDiv = 4,
    Mod = 5,
    Pow = 6,
    And = 7,
    Or = 8,
    Xor = 9,
    LShift = 10,
    RShift = 11,
    MatMul = 12,
}

impl BinaryOp {
    pub fn at(number: u32) -> Option<Self> {
        use BinaryOp::*;
        [
            Add, Sub, Mul, TrueDiv, FloorDiv, Mod, Pow, And, Or, Xor, LShift, RShift, MatMul,
        ]
        .get(number as usize)
        .copied()
    }

    fn is_of_floats(self) -> bool {
        use BinaryOp::*;
        matches!(self, Add | Sub | Mul | TrueDiv | FloorDiv | Mod | Pow)
    }

    /// As messages show it.
    fn symbol(self, inplace: bool) -> &'static str {
        use BinaryOp::*;
        let (plain, with_equals) = match self {
            Add => ("+", "+="),
            Sub => ("-", "-="),
            Mul => ("*", "*="),
            TrueDiv => ("/", "/="),
            FloorDiv => ("//", "//="),
            Mod => ("%", "%="),
            Pow => ("** or pow()", "**="),
            And => ("&", "&="),
            Or => ("|", "|="),
            Xor => ("^", "^="),
            LShift => ("<<", "<<="),
            RShift => (">>", ">>="),
            MatMul => ("@", "@="),
        };
        if inplace { with_equals } else { plain }
    }

    /// The methods: of the left operand, of the right one, and in place.
    fn specials(self) -> (Special, Special, Special) {
        use Special::*;
        match self {
            BinaryOp::Add => (Add, RAdd, IAdd),
            BinaryOp::Sub => (Sub, RSub, ISub),
            BinaryOp::Mul => (Mul, RMul, IMul),
            BinaryOp::TrueDiv => (TrueDiv, RTrueDiv, ITrueDiv),
            BinaryOp::FloorDiv => (FloorDiv, RFloorDiv, IFloorDiv),
            BinaryOp::Mod => (Mod, RMod, IMod),
            BinaryOp::Pow => (Pow, RPow, IPow),
            BinaryOp::And => (And, RAnd, IAnd),
            BinaryOp::Or => (Or, ROr, IOr),
            BinaryOp::Xor => (Xor, RXor, IXor),
            BinaryOp::LShift => (LShift, RLShift, ILShift),
            BinaryOp::RShift => (RShift, RRShift, IRShift),
            BinaryOp::MatMul => (MatMul, RMatMul, IMatMul),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum UnaryOp {
    Not = 0,
    Neg = 1,
    Pos = 2,
    Invert = 3,
}

impl UnaryOp {
    pub fn at(number: u32) -> Option<Self> {
        use UnaryOp::*;
        [Not, Neg, Pos, Invert].get(number as usize).copied()
    }
}

#[inline]
pub fn binary(op: BinaryOp, inplace: bool, a: &Obj, b: &Obj) -> Py {
    match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => integer::small(op, *a, *b),
        (Obj::Float(a), Obj::Float(b)) if op.is_of_floats() => floats(op, *a, *b),
        _ => mixed(op, inplace, a, b),
    }
}

/// `a += b`, where nothing else reads `a` before it is written: a text held nowhere else grows in place. False when `a` is no such
/// text; nothing has happened then.
#[inline]
pub fn grow(a: &mut Obj, b: &Obj) -> Py<bool> {
    match (a, b) {
        (Obj::Str(a), Obj::Str(b)) => sequence::append_text(a, b),
        _ => Ok(false),
    }
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Py {
    Ok(Obj::Float(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::TrueDiv if b == 0.0 => return Err(raise(Builtin::ZeroDivisionError, "float division by zero")),
        BinaryOp::TrueDiv => a / b,
        BinaryOp::FloorDiv => py::arith::float_floor_div(a, b)?,
        BinaryOp::Mod => py::arith::float_mod(a, b)?,
        BinaryOp::Pow => py::arith::float_pow(a, b)?,
        _ => return Err(unsupported(op, false, &Obj::Float(a), &Obj::Float(b))),
    }))
}

fn mixed(op: BinaryOp, inplace: bool, a: &Obj, b: &Obj) -> Py {
    let answer = match (a, b) {
        (Obj::Bool(x), Obj::Bool(y)) => match op {
            BinaryOp::And => Some(Obj::Bool(x & y)),
            BinaryOp::Or => Some(Obj::Bool(x | y)),
            BinaryOp::Xor => Some(Obj::Bool(x ^ y)),
            _ => numbers(op, a, b)?,
        },
        (Obj::Str(template), _) if op == BinaryOp::Mod => Some(Obj::str(format::percent(template, b)?)),
        (Obj::Set(a), Obj::Set(b)) => union::sets(op, inplace, a, b)?,
        (Obj::List(list), _) if op == BinaryOp::Add && inplace => {
            // A user class may want to be asked first.
            if let Some(answer) = foreign(op, inplace, a, b)? {
                return Ok(answer);
            }
            sequence::extend(list, b)?;
            return Ok(a.clone());
        }
        _ => numbers(op, a, b)?,
    };
    if let Some(answer) = answer {
        return Ok(answer);
    }
    if let Some(answer) = foreign(op, inplace, a, b)? {
        return Ok(answer);
    }
    let answer = match (op, a) {
        (_, Obj::Dict(dict)) => union::dicts(op, inplace, dict, b)?,
        (BinaryOp::Add, _) => sequence::concat(a, b)?,
        (BinaryOp::Or, _) => union::types(a, b),
        _ => None,
    };
    match answer {
        Some(answer) => Ok(answer),
        None if op == BinaryOp::Mul => sequence::repeat(inplace, a, b)?.ok_or_else(|| unsupported(op, inplace, a, b)),
        None => Err(unsupported(op, inplace, a, b)),
    }
}

fn unsupported(op: BinaryOp, inplace: bool, a: &Obj, b: &Obj) -> super::error::Raised {
    type_error(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        op.symbol(inplace),
        type_name(a),
        type_name(b)
    ))
}

/// An integer as one of 64 bits.
fn small(value: &Obj) -> Option<i64> {
    match value {
        Obj::Int(n) => Some(*n),
        Obj::Bool(b) => Some(i64::from(*b)),
        _ => None,
    }
}

/// Numbers of different types; `None` when one is no number, or the operator is not for floats.
fn numbers(op: BinaryOp, a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    if let (Some(a), Some(b)) = (small(a), small(b)) {
        return if op == BinaryOp::MatMul {
            Ok(None)
        } else {
            integer::small(op, a, b).map(Some)
        };
    }
    let is_float = |value: &Obj| matches!(value, Obj::Float(_));
    let is_number = |value: &Obj| matches!(value, Obj::Int(_) | Obj::Bool(_) | Obj::Float(_) | Obj::Big(_));
    if !is_number(a) || !is_number(b) || op == BinaryOp::MatMul {
        return Ok(None);
    }
    if is_float(a) || is_float(b) {
        if !op.is_of_floats() {
            return Ok(None);
        }
        return floats(op, as_float(a)?, as_float(b)?).map(Some);
    }
    let wide = |value: &Obj| match value {
        Obj::Big(n) => n.clone(),
        other => Rc::new(BigInt::from(small(other).unwrap_or_default())),
    };
    integer::big(op, &wide(a), &wide(b)).map(Some)
}

/// Objects of modules and instances of user classes; `None` when no one answers.
fn foreign(op: BinaryOp, inplace: bool, a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    if let Obj::Native(native) = a
        && let Some(answer) = native.binary(op, b, false)?
    {
        return Ok(Some(answer));
    }
    if let Obj::Native(native) = b
        && let Some(answer) = native.binary(op, a, true)?
    {
        return Ok(Some(answer));
    }
    if !dunder::is_user(a) && !dunder::is_user(b) {
        return Ok(None);
    }
    let _level = depth::enter("")?;
    let (forward, backward, in_place) = op.specials();
    let ask = |this: &Obj, special: Special, other: &Obj| -> Py<Option<Obj>> {
        let answer = dunder::call(this, special, std::slice::from_ref(other))?;
        Ok(answer.filter(|answer| !matches!(answer, Obj::NotImplemented)))
    };
    if inplace && let Some(answer) = ask(a, in_place, b)? {
        return Ok(Some(answer));
    }
    // A class derived from the other's class answers first.
    if dunder::is_derived(b, a) {
        return Ok(match ask(b, backward, a)? {
            Some(answer) => Some(answer),
            None => ask(a, forward, b)?,
        });
    }
    Ok(match ask(a, forward, b)? {
        Some(answer) => Some(answer),
        None => ask(b, backward, a)?,
    })
}

pub fn unary(op: UnaryOp, a: &Obj) -> Py {
    if op == UnaryOp::Not {
        return Ok(Obj::Bool(!truth(a)?));
    }
    let answer = match (op, a) {
        (UnaryOp::Neg, Obj::Float(f)) => Some(Obj::Float(-f)),
        (UnaryOp::Pos, Obj::Float(_)) => Some(a.clone()),
        (_, Obj::Int(_) | Obj::Bool(_)) => {
            let n = small(a).unwrap_or_default();
            Some(match op {
                UnaryOp::Neg => n.checked_neg().map_or_else(|| Obj::big(-BigInt::from(n)), Obj::Int),
                UnaryOp::Invert => Obj::Int(!n),
                _ => Obj::Int(n),
            })
        }
        (_, Obj::Big(n)) => Some(match op {
            UnaryOp::Neg => Obj::big(-BigInt::clone(n)),
            UnaryOp::Invert => Obj::big(!BigInt::clone(n)),
            _ => a.clone(),
        }),
        (UnaryOp::Neg | UnaryOp::Pos, Obj::Dict(dict)) if matches!(dict.kind, DictKind::Counter) => {
            Some(union::signed_counter(dict, op == UnaryOp::Neg)?)
        }
        (_, Obj::Native(native)) => native.unary(op).transpose()?,
        _ => {
            let special = match op {
                UnaryOp::Neg => Special::Neg,
                UnaryOp::Pos => Special::Pos,
                _ => Special::Invert,
            };
            dunder::call(a, special, &[])?
        }
    };
    answer.ok_or_else(|| {
        let symbol = match op {
            UnaryOp::Neg => '-',
            UnaryOp::Pos => '+',
            _ => '~',
        };
        type_error(format!("bad operand type for unary {symbol}: '{}'", type_name(a)))
    })
}
