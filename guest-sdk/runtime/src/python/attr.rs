//! Attributes, types and `isinstance`.

use super::error::{Py, type_error};
use super::object::{Name, Obj};

pub fn getattr(object: &Obj, name: &Name) -> Py {
    let _ = (object, name);
    Err(type_error("not built"))
}
pub fn setattr(object: &Obj, name: &Name, value: &Obj) -> Py<()> {
    let _ = (object, name, value);
    Err(type_error("not built"))
}
pub fn delattr(object: &Obj, name: &Name) -> Py<()> {
    let _ = (object, name);
    Err(type_error("not built"))
}
/// `type(object)`
pub fn type_of(object: &Obj) -> Obj {
    let _ = object;
    Obj::None
}
/// `class` may be a tuple of classes.
pub fn is_instance(object: &Obj, class: &Obj) -> Py<bool> {
    let _ = (object, class);
    Ok(false)
}
pub fn is_subclass(class: &Obj, of: &Obj) -> Py<bool> {
    let _ = (class, of);
    Ok(false)
}
