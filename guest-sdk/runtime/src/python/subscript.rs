//! `x[y]`: reading, writing, deleting, slicing.

use super::error::{Py, type_error};
use super::object::{Obj, Slice};

pub fn getitem(object: &Obj, key: &Obj) -> Py {
    let _ = (object, key);
    Err(type_error("not built"))
}
pub fn setitem(object: &Obj, key: &Obj, value: &Obj) -> Py<()> {
    let _ = (object, key, value);
    Err(type_error("not built"))
}
pub fn delitem(object: &Obj, key: &Obj) -> Py<()> {
    let _ = (object, key);
    Err(type_error("not built"))
}

/// `slice.indices(len)`: start, stop, step, and how many items they name.
pub fn indices(slice: &Slice, len: usize) -> Py<(i64, i64, i64, usize)> {
    let _ = (slice, len);
    Err(type_error("not built"))
}
