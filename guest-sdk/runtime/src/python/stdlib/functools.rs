//! The module `functools`.

mod cached;
mod cached_property;
mod ordering;
mod partial;

use std::any::Any;
use std::cmp::Ordering;

use super::bind::{bind, need};
use super::declare::{arg, declare, function};
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, type_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Name, Native, NativeType, Obj};
use crate::python::{attr, call};

pub use partial::PARTIAL;

declare! {
    "functools" {
        "reduce" => reduce,
        "cmp_to_key" => cmp_to_key,
        "lru_cache" => cached::lru_cache,
        "cache" => cached::cache,
        "wraps" => wraps,
        "update_wrapper" => update_wrapper,
        "total_ordering" => ordering::total_ordering,
        "cached_property" => cached_property::new,
    } {
        "partial" => Obj::NativeType(&PARTIAL),
    }
}

fn reduce(args: &Args) -> Py {
    args.expect("reduce", 2, 3, &[])?;
    let function = arg(args, 0, "reduce")?;
    let items = iter::iter(arg(args, 1, "reduce")?).map_err(|raised| {
        let is_refusal = matches!(raised.0.class, Obj::Builtin(Builtin::TypeError));
        let refusal = || type_error("reduce() arg 2 must support iteration");
        if is_refusal { refusal() } else { raised }
    })?;
    let mut total = args.plain().get(2).cloned();
    while let Some(item) = iter::next(&items)? {
        total = Some(match total {
            None => item,
            Some(total) => call::call(function, &Args::positional(&[total, item]))?,
        });
    }
    total.ok_or_else(|| type_error("reduce() of empty iterable with no initial value"))
}

/// What `cmp_to_key` gives: makes keys of items.
struct ToKey(Obj);

/// A key: an item and the function that compares it.
struct Key {
    compare: Obj,
    item: Obj,
}

static KEY: NativeType = NativeType {
    module: "functools",
    name: "KeyWrapper",
    new: |_| Err(type_error("cannot create 'functools.KeyWrapper' instances")),
    is_instance: |object| object.as_native::<Key>().is_some() || object.as_native::<ToKey>().is_some(),
    attribute: |_| None,
};

fn cmp_to_key(args: &Args) -> Py {
    let [function] = bind("cmp_to_key", args, ["mycmp"], 1, 1)?;
    Ok(Obj::native(ToKey(need(function, "cmp_to_key")?.clone())))
}

impl Native for ToKey {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &KEY
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(bind("K", args, ["obj"], 1, 1).and_then(|[item]| {
            Ok(Obj::native(Key {
                compare: self.0.clone(),
                item: need(item, "K")?.clone(),
            }))
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools.KeyWrapper object>".to_owned())
    }
}

impl Native for Key {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &KEY
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((name == "obj").then(|| self.item.clone()))
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools.KeyWrapper object>".to_owned())
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        let Some(other) = other.as_native::<Key>() else {
            return Err(type_error("other argument must be K instance"));
        };
        let sign = call::call(&self.compare, &Args::positional(&[self.item.clone(), other.item.clone()]))?;
        let zero = Obj::Int(0);
        let holds = |op| compare::truth(&compare::compare(op, &sign, &zero)?);
        Ok(Some(if holds(CompareOp::Lt)? {
            Ordering::Less
        } else if holds(CompareOp::Gt)? {
            Ordering::Greater
        } else {
            Ordering::Equal
        }))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        match other.as_native::<Key>() {
            Some(_) => Ok(self.order(other)?.map(|order| order == Ordering::Equal)),
            None => Ok(None),
        }
    }
}

/// Attributes that a wrapper takes over from what it wraps.
const WRAPPED: [&str; 4] = ["__module__", "__name__", "__qualname__", "__doc__"];

fn update_wrapper(args: &Args) -> Py {
    let [wrapper, wrapped, _, _] = bind("update_wrapper", args, ["wrapper", "wrapped", "assigned", "updated"], 2, 4)?;
    let (wrapper, wrapped) = (need(wrapper, "update_wrapper")?, need(wrapped, "update_wrapper")?);
    for name in WRAPPED.map(Name::new) {
        // What either of the two lacks is left out, as CPython does.
        if let Ok(value) = attr::getattr(wrapped, &name) {
            let _ = attr::setattr(wrapper, &name, &value);
        }
    }
    let _ = attr::setattr(wrapper, &Name::new("__wrapped__"), wrapped);
    Ok(wrapper.clone())
}

fn wraps(args: &Args) -> Py {
    let [wrapped, _, _] = bind("wraps", args, ["wrapped", "assigned", "updated"], 1, 3)?;
    let update = function!("functools", "update_wrapper", |args| {
        args.expect("update_wrapper", 2, 2, &[])?;
        // The partial gives the wrapped function first.
        let swapped = [
            arg(args, 1, "update_wrapper")?.clone(),
            arg(args, 0, "update_wrapper")?.clone(),
        ];
        update_wrapper(&Args::positional(&swapped))
    });
    partial::new(&Args::positional(&[update, need(wrapped, "wraps")?.clone()]))
}
