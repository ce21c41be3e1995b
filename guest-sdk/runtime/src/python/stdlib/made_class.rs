//! Members of classes that are objects of a module (named tuples, enumerations): what a class body defined, seen from an instance or
//! from the class.

use std::rc::Rc;

use crate::python::call;
use crate::python::error::Py;
use crate::python::object::{Args, Native, Obj};

/// Whether a value from a class body is a method when taken from an instance.
pub fn is_method(value: &Obj) -> bool {
    matches!(value, Obj::Function(_))
}

/// A member taken from the class.
pub fn from_class(value: &Obj, class: Option<Rc<impl Native + 'static>>) -> Obj {
    let _ = class;
    value.clone()
}

/// `instance.name(…)` where the class body defined `value` under this name.
pub fn call_method(value: &Obj, this: &Obj, class: Rc<impl Native + 'static>, args: &Args) -> Py {
    let _ = class;
    if !is_method(value) {
        return call::call(value, args);
    }
    let mut values = Vec::with_capacity(args.values.len() + 1);
    values.push(this.clone());
    values.extend_from_slice(args.values);
    call::call(
        value,
        &Args {
            values: &values,
            names: args.names,
        },
    )
}
