//! `x[y]`: reading, writing and deleting items. Slices are in `slice`.

use std::cell::RefCell;
use std::rc::Rc;

use super::call;
use super::dunder::{self, Special};
use super::error::{Py, Raised, index_error, key_error, type_error};
use super::keyed;
use super::names::Builtin;
use super::number::indexed;
use super::object::{Args, Dict, DictKind, Obj};
use super::slice;
use super::text::{char_text, is_type, type_name};

pub use super::slice::{indices, range_len};

pub fn getitem(object: &Obj, key: &Obj) -> Py {
    match object {
        Obj::List(list) => {
            if let Obj::Int(n) = key {
                let items = list.0.borrow();
                return place(*n, items.len())
                    .and_then(|at| items.get(at).cloned())
                    .ok_or_else(|| index_error("list index out of range"));
            }
            if let Obj::Slice(part) = key {
                return slice::of_list(list, part);
            }
            getitem(object, &Obj::Int(position(object, key)?))
        }
        Obj::Dict(dict) => match keyed::dict_get(dict, key)? {
            Some(value) => Ok(value),
            None => missing(dict, key),
        },
        Obj::Str(text) => {
            if let Obj::Slice(part) = key {
                return slice::of_text(text, part);
            }
            let at = place(position(object, key)?, text.chars);
            let at = at.ok_or_else(|| index_error("string index out of range"))?;
            let c = if text.is_ascii() {
                text.text.as_bytes().get(at).map(|byte| char::from(*byte))
            } else {
                text.text.chars().nth(at)
            };
            Ok(Obj::Str(char_text(c.unwrap_or_default())))
        }
        Obj::Tuple(items) => {
            if let Obj::Slice(part) = key {
                return slice::of_tuple(items, part);
            }
            place(position(object, key)?, items.len())
                .and_then(|at| items.get(at).cloned())
                .ok_or_else(|| index_error("tuple index out of range"))
        }
        Obj::Bytes(bytes) => {
            if let Obj::Slice(part) = key {
                return slice::of_bytes(bytes, part);
            }
            place(position(object, key)?, bytes.len())
                .and_then(|at| bytes.get(at))
                .map(|byte| Obj::Int(i64::from(*byte)))
                .ok_or_else(|| index_error("index out of range"))
        }
        Obj::Range(range) => {
            if let Obj::Slice(part) = key {
                return slice::of_range(range, part);
            }
            let len = range_len(range);
            let at = place(position(object, key)?, usize::try_from(len).unwrap_or(usize::MAX));
            let at = at.ok_or_else(|| index_error("range object index out of range"))?;
            Ok(Obj::Int(slice::nth(range, at as i128)))
        }
        Obj::Native(native) => native.getitem(key).unwrap_or_else(|| Err(not_subscriptable(object))),
        Obj::Instance(_) => {
            dunder::call(object, Special::GetItem, std::slice::from_ref(key))?.ok_or_else(|| not_subscriptable(object))
        }
        Obj::Builtin(_) | Obj::NativeType(_) | Obj::Class(_) if is_generic(object) => Ok(object.clone()),
        Obj::Builtin(builtin) if is_type(*builtin) => Err(type_error(format!("type '{}' is not subscriptable", builtin.name()))),
        Obj::Class(class) => Err(type_error(format!("type '{}' is not subscriptable", class.name))),
        _ => Err(not_subscriptable(object)),
    }
}

/// Whether `class[int]` is a type; it is the class itself, as far as programs can tell.
fn is_generic(class: &Obj) -> bool {
    use Builtin as B;
    match class {
        Obj::Builtin(builtin) => matches!(builtin, B::List | B::Dict | B::Tuple | B::Set | B::Frozenset | B::Type),
        Obj::NativeType(_) => true,
        Obj::Class(class) => class.above.iter().any(|above| matches!(above, Obj::NativeType(_))),
        _ => false,
    }
}

fn not_subscriptable(object: &Obj) -> Raised {
    type_error(format!("'{}' object is not subscriptable", type_name(object)))
}

/// Where item `n` is in a sequence of `len`; negative ones count from the end.
fn place(n: i64, len: usize) -> Option<usize> {
    let n = if n < 0 { n + len as i64 } else { n };
    usize::try_from(n).ok().filter(|at| *at < len)
}

/// The index that `key` is.
fn position(object: &Obj, key: &Obj) -> Py<i64> {
    let too_large = || {
        index_error(match object {
            Obj::Range(_) => "range object index out of range",
            _ => "cannot fit 'int' into an index-sized integer",
        })
    };
    match key {
        Obj::Int(n) => Ok(*n),
        Obj::Bool(b) => Ok(i64::from(*b)),
        Obj::Big(_) => Err(too_large()),
        _ => match indexed(key)? {
            Some(Obj::Int(n)) => Ok(n),
            Some(Obj::Bool(b)) => Ok(i64::from(b)),
            Some(_) => Err(too_large()),
            None => Err(type_error(match object {
                Obj::Str(_) => format!("string indices must be integers, not '{}'", type_name(key)),
                Obj::Bytes(_) => format!("byte indices must be integers or slices, not {}", type_name(key)),
                _ => format!(
                    "{} indices must be integers or slices, not {}",
                    type_name(object),
                    type_name(key)
                ),
            })),
        },
    }
}

/// A key that is not there: what the kind of the dict makes of it.
fn missing(dict: &Rc<Dict>, key: &Obj) -> Py {
    match &dict.kind {
        DictKind::Counter => Ok(Obj::Int(0)),
        DictKind::Default(factory) if !factory.borrow().is_none() => from_factory(dict, factory, key),
        _ => Err(key_error(key.clone())),
    }
}

fn from_factory(dict: &Rc<Dict>, factory: &RefCell<Obj>, key: &Obj) -> Py {
    let factory = factory.borrow().clone();
    let value = call::call(&factory, &Args::positional(&[]))?;
    keyed::dict_set(dict, key.clone(), value.clone())?;
    Ok(value)
}

pub fn setitem(object: &Obj, key: &Obj, value: &Obj) -> Py<()> {
    match object {
        Obj::List(list) => {
            if let Obj::Slice(part) = key {
                return slice::assign(list, part, value);
            }
            let n = position(object, key)?;
            let mut items = list.0.borrow_mut();
            let slot = place(n, items.len()).and_then(|at| items.get_mut(at));
            let slot = slot.ok_or_else(|| index_error("list assignment index out of range"))?;
            // The old item is dropped when the list can be seen again.
            let old = std::mem::replace(slot, value.clone());
            drop(items);
            drop(old);
            Ok(())
        }
        Obj::Dict(dict) => keyed::dict_set(dict, key.clone(), value.clone()).map(drop),
        Obj::Native(native) => native.setitem(key, value).unwrap_or_else(|| Err(not_assignable(object))),
        Obj::Instance(_) => match dunder::call(object, Special::SetItem, &[key.clone(), value.clone()])? {
            Some(_) => Ok(()),
            None => Err(not_assignable(object)),
        },
        _ => Err(not_assignable(object)),
    }
}

fn not_assignable(object: &Obj) -> Raised {
    type_error(format!("'{}' object does not support item assignment", type_name(object)))
}

pub fn delitem(object: &Obj, key: &Obj) -> Py<()> {
    match object {
        Obj::List(list) => {
            if let Obj::Slice(part) = key {
                return slice::delete(list, part);
            }
            let n = position(object, key)?;
            let mut items = list.0.borrow_mut();
            let at = place(n, items.len()).ok_or_else(|| index_error("list assignment index out of range"))?;
            items.remove(at);
            Ok(())
        }
        Obj::Dict(dict) => match keyed::dict_remove(dict, key)? {
            Some(_) => Ok(()),
            None => Err(key_error(key.clone())),
        },
        Obj::Native(native) => native.delitem(key).unwrap_or_else(|| Err(not_deletable(object, key))),
        Obj::Instance(_) => match dunder::call(object, Special::DelItem, std::slice::from_ref(key))? {
            Some(_) => Ok(()),
            None => Err(not_deletable(object, key)),
        },
        _ => Err(not_deletable(object, key)),
    }
}

fn not_deletable(object: &Obj, key: &Obj) -> Raised {
    let is_sequence = matches!(
        object,
        Obj::Str(_) | Obj::Tuple(_) | Obj::Bytes(_) | Obj::Range(_) | Obj::Set(_) | Obj::Instance(_)
    );
    // CPython words it differently where it looks for an item by its place.
    let by_place = is_sequence && matches!(key, Obj::Int(_) | Obj::Bool(_) | Obj::Big(_));
    let verb = if by_place { "doesn't" } else { "does not" };
    type_error(format!("'{}' object {verb} support item deletion", type_name(object)))
}
