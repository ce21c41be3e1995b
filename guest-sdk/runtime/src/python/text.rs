//! `str()`, `repr()`, `ascii()` and type names.

use std::rc::Rc;

use super::error::Py;
use super::object::{Obj, Text};

pub fn repr(value: &Obj) -> Py<String> {
    let _ = value;
    Ok(String::new())
}
/// A text gives itself.
pub fn str(value: &Obj) -> Py<Rc<Text>> {
    Ok(Rc::new(Text::new(repr(value)?)))
}
pub fn ascii(value: &Obj) -> Py<String> {
    repr(value)
}
/// `type(value).__name__`
pub fn type_name(value: &Obj) -> Rc<str> {
    let _ = value;
    Rc::from("object")
}
