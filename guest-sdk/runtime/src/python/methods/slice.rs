//! Methods of `slice`.

use super::signature::Call;
use crate::python::arith::index;
use crate::python::error::{Py, value_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj, Slice};
use crate::python::slice;

pub const METHODS: &[Method] = &[Indices];

pub fn call(this: &Slice, method: Method, args: &Args) -> Py<Option<Obj>> {
    if method != Indices {
        return Ok(None);
    }
    let len = index(Call::new("slice", method.name(), args).one()?)?;
    if len < 0 {
        return Err(value_error("length should not be negative"));
    }
    let (start, stop, step) = slice::within(this, len)?;
    Ok(Some(Obj::tuple([start, stop, step].map(Obj::Int))))
}
