//! The iteration protocol and the iterators of builtin containers.

use super::error::{Py, type_error};
use super::object::Obj;

/// `iter(value)`; `TypeError: 'int' object is not iterable`.
pub fn iter(value: &Obj) -> Py {
    let _ = value;
    Err(type_error("not built"))
}
/// The next item of an iterator; `None` at its end.
pub fn next(iterator: &Obj) -> Py<Option<Obj>> {
    let _ = iterator;
    Ok(None)
}
/// All items of an iterable, quickly for builtin containers.
pub fn collect(value: &Obj) -> Py<Vec<Obj>> {
    let _ = value;
    Err(type_error("not built"))
}
/// Calls `work` with each item until it says false.
pub fn each(value: &Obj, mut work: impl FnMut(Obj) -> Py<bool>) -> Py<()> {
    let _ = (value, &mut work);
    Ok(())
}
/// `len(value)`
pub fn length(value: &Obj) -> Py<usize> {
    let _ = value;
    Err(type_error("not built"))
}
