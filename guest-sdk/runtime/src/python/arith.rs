//! Arithmetic and bit operators.

use super::error::{Py, type_error};
use super::object::Obj;

/// The numbers are the compiler's (`flowgate-compiler`, `python/mir.rs`).
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

pub fn binary(op: BinaryOp, inplace: bool, a: &Obj, b: &Obj) -> Py {
    let _ = (op, inplace, a, b);
    Err(type_error("not built"))
}
pub fn unary(op: UnaryOp, a: &Obj) -> Py {
    let _ = (op, a);
    Err(type_error("not built"))
}
pub use super::number::{as_big, as_float, index};
