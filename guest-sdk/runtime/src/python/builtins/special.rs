//! Special methods that builtin functions ask for: of user classes, and of objects of importable modules.

use crate::python::class;
use crate::python::error::Py;
use crate::python::object::{Args, Obj};

/// Calls `object.name(…)` if its type has that special method.
pub fn call(object: &Obj, name: &str, args: &[Obj]) -> Py<Option<Obj>> {
    match object {
        Obj::Native(native) if native.has_method(name) => native.method(object, name, &Args::positional(args)),
        Obj::Instance(_) | Obj::Exception(_) => class::call_special(object, name, args).transpose(),
        _ => Ok(None),
    }
}
