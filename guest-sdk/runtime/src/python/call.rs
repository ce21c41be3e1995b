//! Calls: of functions of the program, builtins, classes, bound methods.

use super::error::{Py, type_error};
use super::object::{Args, Name, Obj};

pub fn call(callee: &Obj, args: &Args) -> Py {
    let _ = (callee, args);
    Err(type_error("not built"))
}
/// `object.name(…)`
pub fn call_method(object: &Obj, name: &Name, args: &Args) -> Py {
    let _ = (object, name, args);
    Err(type_error("not built"))
}
