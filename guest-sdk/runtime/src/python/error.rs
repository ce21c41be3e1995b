//! Exceptions as they travel through the runtime.

use std::cell::RefCell;
use std::rc::Rc;

use super::names::Builtin;
use super::object::{Exception, Obj};
use super::table::Table;

/// A result of anything that may raise.
pub type Py<T = Obj> = Result<T, Raised>;

/// An exception on its way out.
#[derive(Clone)]
pub struct Raised(pub Rc<Exception>);

/// A new exception of a builtin class.
pub fn exception(class: Builtin, args: Vec<Obj>) -> Rc<Exception> {
    Rc::new(Exception {
        class: Obj::Builtin(class),
        args: RefCell::new(args),
        attrs: RefCell::new(Table::default()),
        cause: RefCell::new(None),
    })
}

/// An exception of a builtin class with a message.
pub fn raise(class: Builtin, message: impl Into<String>) -> Raised {
    Raised(exception(class, vec![Obj::str(message.into())]))
}

pub fn type_error(message: impl Into<String>) -> Raised {
    raise(Builtin::TypeError, message)
}

pub fn value_error(message: impl Into<String>) -> Raised {
    raise(Builtin::ValueError, message)
}

pub fn index_error(message: impl Into<String>) -> Raised {
    raise(Builtin::IndexError, message)
}

pub fn overflow_error(message: impl Into<String>) -> Raised {
    raise(Builtin::OverflowError, message)
}

/// `KeyError` carries the key itself.
pub fn key_error(key: Obj) -> Raised {
    Raised(exception(Builtin::KeyError, vec![key]))
}

pub fn attribute_error(type_name: &str, name: &str) -> Raised {
    raise(
        Builtin::AttributeError,
        format!("'{type_name}' object has no attribute '{name}'"),
    )
}

impl std::fmt::Debug for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::exception::describe(&self.0))
    }
}

impl From<crate::py::Error> for Raised {
    /// An error of the value runtime's shared functions.
    fn from(error: crate::py::Error) -> Raised {
        super::exception::from_shared(error)
    }
}
