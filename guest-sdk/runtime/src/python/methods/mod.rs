//! Methods of builtin types, one type a file.

use super::error::Py;
use super::names::{Builtin, Method};
use super::object::{Args, Obj};

/// `this.method(…)`; `None` when its type has no such method.
pub fn call(this: &Obj, method: Method, args: &Args) -> Py<Option<Obj>> {
    let _ = (this, method, args);
    Ok(None)
}
/// Whether an object's type has the method.
pub fn has(this: &Obj, method: Method) -> bool {
    let _ = (this, method);
    false
}
/// A method taken from a type: `str.lower`, `dict.fromkeys`, `int.from_bytes`. `None` when the type has none of that name.
pub fn call_of_type(class: Builtin, method: Method, args: &Args) -> Py<Option<Obj>> {
    let _ = (class, method, args);
    Ok(None)
}
pub fn type_has(class: Builtin, method: Method) -> bool {
    let _ = (class, method);
    false
}
