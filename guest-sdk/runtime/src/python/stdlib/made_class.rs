//! Classes that are objects of a module: classes derived from named tuples and enumerations, and members of their bodies as instances
//! and the classes themselves see them.

use std::cell::RefCell;
use std::rc::Rc;

use super::enums;
use super::named;
use crate::python::call;
use crate::python::class;
use crate::python::error::{Py, type_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Bound, Dict, DictKind, NativeType, Obj};
use crate::python::table::Table;

/// The class that a `class` statement makes when one of its bases is a named tuple or an enumeration. `None`: an ordinary class.
pub fn derive(name: &str, bases: &[Obj], attrs: &Table<Obj>) -> Py<Option<Obj>> {
    for base in bases {
        match base {
            Obj::NativeType(kind)
                if std::ptr::eq(*kind, &named::NAMED_TUPLE) || (kind.module, kind.name) == ("typing", "NamedTuple") =>
            {
                return named_tuple(name, attrs).map(Some);
            }
            Obj::NativeType(kind) if (kind.module, kind.name) == ("typing", "TypedDict") => {
                // An instance is a dict with the given keys.
                return Ok(Some(Obj::Builtin(Builtin::Dict)));
            }
            Obj::NativeType(kind) if enums::is_base(kind) => return enums::define(name, bases, attrs).map(Some),
            Obj::Native(class) if class.class_name().is_some() => {
                if let Some(class) = base.as_native::<named::Class>() {
                    return Ok(Some(named::derived(class, name, namespace(attrs))));
                }
                return enums::define(name, bases, attrs).map(Some);
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether a class may derive from a member of a module.
pub fn may_derive(member: &Obj) -> bool {
    let makes = |kind: &'static NativeType| {
        std::ptr::eq(kind, &named::NAMED_TUPLE)
            || matches!((kind.module, kind.name), ("typing", "NamedTuple" | "TypedDict"))
            || enums::is_base(kind)
    };
    match member {
        Obj::NativeType(kind) => makes(kind) || class::marks(kind),
        _ => true,
    }
}

fn namespace(attrs: &Table<Obj>) -> Rc<Dict> {
    Rc::new(Dict {
        table: RefCell::new(attrs.clone()),
        kind: DictKind::Plain,
    })
}

/// `class Point(NamedTuple)`: the annotations are the fields, what is assigned their defaults.
fn named_tuple(name: &str, attrs: &Table<Obj>) -> Py {
    let fields = match attrs.get_str("__annotations__") {
        Some(annotations) => iter::collect(&annotations)?,
        None => Vec::new(),
    };
    let fields: Vec<&str> = fields.iter().filter_map(Obj::as_str).collect();
    let mut defaults = Vec::new();
    for field in &fields {
        match attrs.get_str(field) {
            Some(default) => defaults.push(default),
            None if defaults.is_empty() => {}
            None => {
                return Err(type_error(format!(
                    "Non-default namedtuple field {field} cannot follow default field{} {}",
                    if defaults.len() == 1 { "" } else { "s" },
                    fields
                        .iter()
                        .filter(|known| attrs.get_str(known).is_some())
                        .map(|field| (*field).to_owned())
                        .collect::<Vec<_>>()
                        .join(", ")
                )));
            }
        }
    }
    Ok(named::class(None, name, fields, defaults, Some(namespace(attrs))))
}

/// What a member of a class body gives when it is taken from an instance, or from the class itself.
pub fn bind(value: &Obj, instance: Option<&Obj>, class: &Obj) -> Py {
    match (value, instance) {
        (Obj::Function(_), Some(instance)) => Ok(Obj::Bound(Rc::new(Bound {
            this: instance.clone(),
            function: value.clone(),
        }))),
        (Obj::Native(native), _) => native.bind(value, instance, class).unwrap_or_else(|| Ok(value.clone())),
        _ => Ok(value.clone()),
    }
}

/// `instance.name(…)` where the class body has `value` under this name.
pub fn call_member(value: &Obj, instance: Option<&Obj>, class: &Obj, args: &Args) -> Py {
    match (value, instance) {
        (Obj::Function(_), Some(instance)) => call::call_with(value, instance, args),
        _ => call::call(&bind(value, instance, class)?, args),
    }
}
