//! `x[y]`: reading, writing, deleting, slicing.

use super::error::{Py, type_error};
use super::object::{Obj, Range, Slice};

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

/// How many numbers a range has.
pub fn range_len(range: &Range) -> u64 {
    let (low, high) = if range.step > 0 {
        (range.start, range.stop)
    } else {
        (range.stop, range.start)
    };
    if low >= high {
        return 0;
    }
    let span = (i128::from(high) - i128::from(low) - 1) as u64;
    span / range.step.unsigned_abs() + 1
}

/// `slice.indices(len)`: start, stop, step, and how many items they name.
pub fn indices(slice: &Slice, len: usize) -> Py<(i64, i64, i64, usize)> {
    let _ = (slice, len);
    Err(type_error("not built"))
}
