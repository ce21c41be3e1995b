//! `list`, `tuple`, `dict`, `set`, `frozenset`, `range`, `slice` and `object`.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use crate::python::error::{Py, type_error};
use crate::python::methods::signature::Call;
use crate::python::methods::{dict as dicts, set as sets};
use crate::python::object::{Args, Dict, Native, NativeType, Obj, Set, Slice};
use crate::python::set::SetTable;
use crate::python::{iter, wide_range};

pub fn list(call: &Call) -> Py {
    Ok(Obj::list(match call.positional(0, 1)?.first() {
        None => Vec::new(),
        Some(items) => iter::collect(items)?,
    }))
}

pub fn tuple(call: &Call) -> Py {
    match call.positional(0, 1)?.first() {
        None => Ok(Obj::tuple([])),
        Some(items @ Obj::Tuple(_)) => Ok(items.clone()),
        Some(items) => Ok(Obj::tuple(iter::collect(items)?)),
    }
}

/// `dict(mapping or pairs, /, **names)`
pub fn dict(call: &Call) -> Py {
    let dict = Rc::new(Dict::default());
    dicts::update(&dict, call)?;
    Ok(Obj::Dict(dict))
}

pub fn set(call: &Call, frozen: bool) -> Py {
    let source = call.positional(0, 1)?.first();
    match source {
        Some(same @ Obj::Set(set)) if frozen && set.frozen => return Ok(same.clone()),
        _ => {}
    }
    let set = Rc::new(Set {
        table: RefCell::new(SetTable::default()),
        frozen,
    });
    if let Some(source) = source {
        sets::merge(&set, source)?;
    }
    Ok(Obj::Set(set))
}

/// `range(stop)` and `range(start, stop[, step])`
pub fn range(call: &Call) -> Py {
    wide_range::new(call.positional(1, 3)?)
}

/// `slice(stop)` and `slice(start, stop[, step])`
pub fn slice(call: &Call) -> Py {
    let [start, stop, step] = match call.positional(1, 3)? {
        [stop] => [Obj::None, stop.clone(), Obj::None],
        given => [given[0].clone(), given[1].clone(), given.get(2).cloned().unwrap_or_default()],
    };
    Ok(Obj::Slice(Rc::new(Slice { start, stop, step })))
}

/// `object()`: nothing but itself, as a mark.
pub fn object() -> Obj {
    Obj::native(Plain)
}

struct Plain;

static PLAIN: NativeType = NativeType {
    module: "builtins",
    name: "object",
    new: |args: &Args| match args.values {
        [] => Ok(object()),
        _ => Err(type_error("object() takes no arguments")),
    },
    is_instance: |_| true,
    attribute: |_| None,
};

impl Native for Plain {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &PLAIN
    }
    fn repr(&self) -> Py<String> {
        Ok(String::from("<object object>"))
    }
}
