//! Equality, ordering, truth and membership.

use super::error::Py;
use super::object::Obj;

/// The numbers are the compiler's (`flowgate-compiler`, `python/mir.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CompareOp {
    Eq = 0,
    Ne = 1,
    Lt = 2,
    Le = 3,
    Gt = 4,
    Ge = 5,
    Is = 6,
    IsNot = 7,
    In = 8,
    NotIn = 9,
}

impl CompareOp {
    pub fn at(number: u32) -> Option<Self> {
        use CompareOp::*;
        [Eq, Ne, Lt, Le, Gt, Ge, Is, IsNot, In, NotIn].get(number as usize).copied()
    }
}

/// The result as an object (a user class may return anything).
pub fn compare(op: CompareOp, a: &Obj, b: &Obj) -> Py {
    let _ = (op, a, b);
    Ok(Obj::Bool(false))
}
pub fn equals(a: &Obj, b: &Obj) -> Py<bool> {
    let _ = (a, b);
    Ok(false)
}
pub fn less(a: &Obj, b: &Obj) -> Py<bool> {
    let _ = (a, b);
    Ok(false)
}
/// `item in container`
pub fn contains(container: &Obj, item: &Obj) -> Py<bool> {
    let _ = (container, item);
    Ok(false)
}
pub fn truth(value: &Obj) -> Py<bool> {
    let _ = value;
    Ok(false)
}
