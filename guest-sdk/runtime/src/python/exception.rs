//! Exception classes: their hierarchy, making, matching and describing them.

use std::rc::Rc;

use super::error::{Py, Raised};
use super::names::Builtin;
use super::object::{Args, Exception, Obj};

/// `ValueError: what happened`, as the last line of a traceback.
pub fn describe(exception: &Exception) -> String {
    let _ = exception;
    String::new()
}
/// `str(exception)`
pub fn message(exception: &Exception) -> Py<String> {
    let _ = exception;
    Ok(String::new())
}
/// An error of `crate::py`, as the exception it stands for.
pub fn from_shared(error: crate::py::Error) -> Raised {
    super::error::value_error(error.text)
}
/// The class above a builtin exception class.
pub fn parent(class: Builtin) -> Option<Builtin> {
    let _ = class;
    None
}
/// `isinstance(exception, class)`; `class` may be a tuple. `TypeError` when it is no exception class.
pub fn matches(exception: &Exception, class: &Obj) -> Py<bool> {
    let _ = (exception, class);
    Ok(false)
}
/// A call of a builtin exception class.
pub fn new(class: Builtin, args: &Args) -> Py {
    let _ = args;
    Ok(Obj::Exception(super::error::exception(class, Vec::new())))
}
/// What `raise value` raises: an exception, or an instance of the class. `TypeError` for anything else.
pub fn to_raise(value: &Obj) -> Py<Rc<Exception>> {
    let _ = value;
    Err(super::error::type_error("not built"))
}
