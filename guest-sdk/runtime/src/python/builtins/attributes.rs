//! `getattr` and its like, `isinstance`, `id`.

use crate::python::error::{Py, raise, type_error};
use crate::python::methods::signature::Call;
use crate::python::names::Builtin;
use crate::python::object::{Name, Obj};
use crate::python::text::type_name;
use crate::python::{attr, call, class, exception, iter};

pub fn is_instance(call: &Call) -> Py {
    let given = call.positional(2, 2)?;
    attr::is_instance(&given[0], &given[1]).map(Obj::Bool)
}

pub fn is_subclass(call: &Call) -> Py {
    let given = call.positional(2, 2)?;
    attr::is_subclass(&given[0], &given[1]).map(Obj::Bool)
}

/// `getattr(object, name[, default])`
pub fn getattr(call: &Call) -> Py {
    let given = call.positional(2, 3)?;
    let name = name(&given[1])?;
    if is_dunder(&name) && !READABLE.contains(&&name.text[..]) {
        return Err(refused(&name));
    }
    match (attr::getattr(&given[0], &name), given.get(2)) {
        (Err(raised), Some(default)) if is_missing(&raised)? => Ok(default.clone()),
        (found, _) => found,
    }
}

/// Whether there is such an attribute. Of special methods it answers for those by which a program tells what an object can do.
pub fn hasattr(call: &Call) -> Py {
    let given = call.positional(2, 2)?;
    let name = name(&given[1])?;
    if is_dunder(&name)
        && !READABLE.contains(&&name.text[..])
        && let Some(has) = has_special(&given[0], &name.text)?
    {
        return Ok(Obj::Bool(has));
    }
    match attr::getattr(&given[0], &name) {
        Ok(_) => Ok(Obj::Bool(true)),
        Err(raised) if is_missing(&raised)? => Ok(Obj::Bool(false)),
        Err(raised) => Err(raised),
    }
}

pub fn setattr(call: &Call) -> Py {
    let given = call.positional(3, 3)?;
    let name = name(&given[1])?;
    if is_dunder(&name) {
        return Err(refused(&name));
    }
    attr::setattr(&given[0], &name, &given[2])?;
    Ok(Obj::None)
}

pub fn delattr(call: &Call) -> Py {
    let given = call.positional(2, 2)?;
    let name = name(&given[1])?;
    if is_dunder(&name) {
        return Err(refused(&name));
    }
    attr::delattr(&given[0], &name)?;
    Ok(Obj::None)
}

/// What only tells a name or a class, which `type()` does too.
const READABLE: &[&str] = &["__name__", "__qualname__", "__class__", "__doc__", "__module__"];

fn name(value: &Obj) -> Py<Name> {
    match value {
        Obj::Str(text) => Ok(Name::new(text)),
        other => Err(type_error(format!(
            "attribute name must be string, not '{}'",
            type_name(other)
        ))),
    }
}

fn is_dunder(name: &Name) -> bool {
    name.text.len() > 4 && name.text.starts_with("__") && name.text.ends_with("__")
}

fn refused(name: &Name) -> crate::python::error::Raised {
    raise(
        Builtin::AttributeError,
        format!("access to the attribute '{}' is not allowed", &name.text[..]),
    )
}

fn is_missing(raised: &crate::python::error::Raised) -> Py<bool> {
    exception::matches(&raised.0, &Obj::Builtin(Builtin::AttributeError))
}

/// Whether an object's type has a special method; `None` for those that the runtime does not know.
fn has_special(object: &Obj, name: &str) -> Py<Option<bool>> {
    if matches!(object, Obj::Instance(_)) {
        let of_every_object = ["__eq__", "__ne__", "__hash__", "__str__", "__repr__", "__init__", "__dict__"];
        return Ok(Some(
            class::special(object, name).is_some() || of_every_object.contains(&name),
        ));
    }
    let sequence = matches!(
        object,
        Obj::Str(_) | Obj::Bytes(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Range(_)
    );
    let container = sequence || matches!(object, Obj::Dict(_) | Obj::Set(_));
    let changeable = matches!(object, Obj::List(_) | Obj::Dict(_));
    if let Obj::Native(native) = object {
        return Ok(match name {
            "__iter__" => Some(native.iter(object).is_some()),
            "__len__" => Some(native.len().is_some()),
            "__call__" => Some(call::is_callable(object)),
            "__next__" => Some(iter::is_iterator(object)),
            "__str__" | "__repr__" | "__eq__" => Some(true),
            name => native.has_method(name).then_some(true),
        });
    }
    let number = matches!(object, Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) | Obj::Float(_));
    Ok(Some(match name {
        "__iter__" => container || iter::is_iterator(object),
        "__len__" | "__contains__" => container,
        "__getitem__" => sequence || matches!(object, Obj::Dict(_)),
        "__setitem__" | "__delitem__" => changeable,
        "__reversed__" => matches!(object, Obj::List(_) | Obj::Dict(_) | Obj::Range(_)),
        "__next__" => iter::is_iterator(object),
        "__call__" => call::is_callable(object),
        "__int__" | "__float__" | "__round__" | "__abs__" => number,
        "__index__" => number && !matches!(object, Obj::Float(_)),
        "__add__" => number || sequence && !matches!(object, Obj::Range(_)),
        "__str__" | "__repr__" | "__eq__" | "__ne__" | "__hash__" | "__init__" => true,
        "__enter__" | "__exit__" | "__aiter__" | "__await__" => false,
        "__dict__" => matches!(object, Obj::Function(_) | Obj::Class(_) | Obj::Module(_) | Obj::Exception(_)),
        _ => return Ok(None),
    }))
}

/// A number that is the same for as long as an object lives.
pub fn id(object: &Obj) -> i64 {
    match object {
        // Immediates are their value; these numbers are no addresses of the heap.
        Obj::Int(n) => n.wrapping_mul(32).wrapping_add(7),
        Obj::Bool(b) => 0x9000 + 32 * i64::from(*b),
        Obj::Float(f) => (f.to_bits() >> 1) as i64 | 1,
        Obj::None => 0x9100,
        Obj::Ellipsis => 0x9120,
        Obj::NotImplemented => 0x9140,
        Obj::Builtin(builtin) => 0xa000 + 32 * (*builtin as i64),
        Obj::Module(module) => 0xf000 + 32 * (*module as i64),
        // Texts are identical when they are equal.
        Obj::Str(text) => crate::python::hash::text(text) as i64 & i64::MAX,
        Obj::NativeFn(function) => std::ptr::from_ref(*function).addr() as i64,
        Obj::NativeType(class) => std::ptr::from_ref(*class).addr() as i64,
        other => other.address().map_or(0, |address| address as i64),
    }
}
