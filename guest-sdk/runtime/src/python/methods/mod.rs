//! Methods of builtin types, one type a file.
//!
//! A method is found by its number in [`Method`], so that a call needs no search by name. Methods of user classes, of generators and
//! of objects of importable modules are not here.

mod bytes;
mod bytes_cut;
mod bytes_text;
pub mod codec;
pub mod counter;
pub mod dict;
mod float_hex;
pub mod list;
pub mod number;
mod range;
mod ranks;
pub mod set;
pub mod signature;
mod slice;
pub mod sort;
mod str;
mod str_case;
pub mod str_classes;
mod str_parts;
mod str_search;
pub mod str_split;
mod timsort;
mod translate;
mod unicode;

use super::error::{Py, type_error};
use super::names::{Builtin, Method};
use super::object::{Args, DictKind, Obj};

/// `this.method(…)`; `None` when its type has no such method.
pub fn call(this: &Obj, method: Method, args: &Args) -> Py<Option<Obj>> {
    match this {
        Obj::Str(text) => str::call(text, method, args),
        Obj::List(list) => list::call(list, method, args),
        Obj::Dict(dict) => dict::call(dict, method, args),
        Obj::Set(set) => set::call(set, method, args),
        Obj::Tuple(items) => list::call_tuple(items, method, args),
        Obj::Bytes(bytes) => bytes::call(bytes, method, args),
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => number::call_int(this, method, args),
        Obj::Float(float) => number::call_float(*float, method, args),
        Obj::Range(range) => range::call(range, method, args),
        Obj::Slice(part) => slice::call(part, method, args),
        _ => Ok(None),
    }
}

/// Whether an object's type has the method.
pub fn has(this: &Obj, method: Method) -> bool {
    match this {
        Obj::Dict(dict) => dict::has(dict, method),
        Obj::Set(set) => set::has(set, method),
        Obj::Str(_) => type_has(Builtin::Str, method),
        Obj::List(_) => type_has(Builtin::List, method),
        Obj::Tuple(_) => type_has(Builtin::Tuple, method),
        Obj::Bytes(_) => type_has(Builtin::Bytes, method),
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => type_has(Builtin::Int, method),
        Obj::Float(_) => type_has(Builtin::Float, method),
        Obj::Range(_) => type_has(Builtin::Range, method),
        Obj::Slice(_) => type_has(Builtin::Slice, method),
        _ => false,
    }
}

/// A method taken from a type: `str.lower`, `dict.fromkeys`, `int.from_bytes`. `None` when the type has none of that name.
pub fn call_of_type(class: Builtin, method: Method, args: &Args) -> Py<Option<Obj>> {
    if !type_has(class, method) {
        return Ok(None);
    }
    // Those that belong to the type itself.
    match (class, method) {
        (Builtin::Dict, Method::Fromkeys) => return dict::from_keys(DictKind::Plain, args).map(Some),
        (Builtin::Int | Builtin::Bool, Method::FromBytes) => {
            let n = number::from_bytes(args)?;
            return Ok(Some(match class {
                Builtin::Bool => Obj::Bool(!matches!(n, Obj::Int(0))),
                _ => n,
            }));
        }
        (Builtin::Float, Method::Fromhex) => return number::float_from_hex(args).map(Some),
        (Builtin::Bytes, Method::Fromhex) => return bytes_text::from_hex(args).map(Some),
        (Builtin::Bytes, Method::Maketrans) => return bytes_text::table(args).map(Some),
        (Builtin::Str, Method::Maketrans) => {
            let call = signature::Call::new("str", "maketrans", args);
            return translate::table(&call).map(Some);
        }
        _ => {}
    }
    let Some(this) = args.plain().first() else {
        return Err(type_error(format!(
            "unbound method {}.{}() needs an argument",
            class.name(),
            method.name()
        )));
    };
    if !is_of(this, class) {
        return Err(list::wrong_receiver(method, class, this));
    }
    let rest = Args {
        values: args.values.get(1..).unwrap_or_default(),
        names: args.names,
    };
    call(this, method, &rest)
}

/// Whether methods of the type apply to the object.
fn is_of(this: &Obj, class: Builtin) -> bool {
    match (this, class) {
        (Obj::Str(_), Builtin::Str)
        | (Obj::Bytes(_), Builtin::Bytes)
        | (Obj::List(_), Builtin::List)
        | (Obj::Tuple(_), Builtin::Tuple)
        | (Obj::Dict(_), Builtin::Dict)
        | (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_), Builtin::Int)
        | (Obj::Bool(_), Builtin::Bool)
        | (Obj::Float(_), Builtin::Float)
        | (Obj::Range(_), Builtin::Range)
        | (Obj::Slice(_), Builtin::Slice) => true,
        (Obj::Set(set), Builtin::Set) => !set.frozen,
        (Obj::Set(set), Builtin::Frozenset) => set.frozen,
        _ => false,
    }
}

pub fn type_has(class: Builtin, method: Method) -> bool {
    let methods = match class {
        Builtin::Str => str::METHODS,
        Builtin::Bytes => bytes::METHODS,
        Builtin::List => list::METHODS,
        Builtin::Tuple => list::TUPLE_METHODS,
        Builtin::Dict => dict::METHODS,
        Builtin::Set => return set::METHODS.contains(&method) || set::MUTATING.contains(&method),
        Builtin::Frozenset => set::METHODS,
        Builtin::Int | Builtin::Bool => number::INT_METHODS,
        Builtin::Float => number::FLOAT_METHODS,
        Builtin::Range => range::METHODS,
        Builtin::Slice => slice::METHODS,
        _ => return false,
    };
    methods.contains(&method)
}

pub use bytes::collect as bytes_of;
pub use translate::surrogate;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::names::METHODS;
    use super::super::object::{Dict, Slice};
    use super::super::set::SetTable;
    use super::*;

    #[test]
    fn a_type_has_exactly_the_methods_that_a_call_finds() {
        let dict = |kind| {
            let table = RefCell::default();
            Obj::Dict(Rc::new(Dict { table, kind }))
        };
        let samples = || {
            [
                Obj::str("a"),
                Obj::Bytes(Rc::new([1])),
                Obj::list(vec![Obj::None]),
                Obj::tuple([]),
                dict(DictKind::Plain),
                dict(DictKind::Ordered),
                dict(DictKind::Counter),
                dict(DictKind::Default(RefCell::default())),
                Obj::set(SetTable::default(), false),
                Obj::set(SetTable::default(), true),
                Obj::Int(1),
                Obj::Bool(true),
                Obj::Float(1.0),
                Obj::Slice(Rc::new(Slice {
                    start: Obj::None,
                    stop: Obj::None,
                    step: Obj::None,
                })),
                Obj::None,
            ]
        };
        for (method, name) in METHODS {
            for this in samples() {
                let called = !matches!(call(&this, *method, &Args::positional(&[])), Ok(None));
                assert_eq!(
                    has(&this, *method),
                    called,
                    "{} of {}",
                    name,
                    super::super::text::type_name(&this)
                );
            }
        }
    }
}
