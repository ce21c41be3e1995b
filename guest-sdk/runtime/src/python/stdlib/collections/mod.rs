//! The module `collections`: the subclasses of `dict`, `deque`, `namedtuple` and `ChainMap`.

mod chain_map;
pub mod counter;
mod deque;

use std::cell::RefCell;
use std::rc::Rc;

pub use chain_map::CHAIN_MAP;
pub use deque::{DEQUE, Deque};

use super::declare::{declare, function};
use super::named;
use crate::python::builtins;
use crate::python::error::{Py, type_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Dict, DictKind, NativeType, Obj};
use crate::python::table::Table;
use crate::python::text::type_name;

declare! {
    "collections" {
        "namedtuple" => named::namedtuple,
    } {
        "Counter" => Obj::NativeType(&COUNTER),
        "OrderedDict" => Obj::NativeType(&ORDERED_DICT),
        "defaultdict" => Obj::NativeType(&DEFAULT_DICT),
        "deque" => Obj::NativeType(&DEQUE),
        "ChainMap" => Obj::NativeType(&CHAIN_MAP),
        "abc" => Obj::Module(crate::python::names::Module::CollectionsAbc),
    }
}

fn kind(object: &Obj) -> Option<&DictKind> {
    match object {
        Obj::Dict(dict) => Some(&dict.kind),
        _ => None,
    }
}

pub static COUNTER: NativeType = NativeType {
    module: "collections",
    name: "Counter",
    new: counter::new,
    is_instance: |object| matches!(kind(object), Some(DictKind::Counter)),
    attribute: |name| match name {
        "fromkeys" => Some(function!("collections", "fromkeys", |_| {
            Err(crate::python::error::raise(
                Builtin::NotImplementedError,
                "Counter.fromkeys() is undefined.  Use Counter(iterable) instead.",
            ))
        })),
        _ => None,
    },
};

pub static ORDERED_DICT: NativeType = NativeType {
    module: "collections",
    name: "OrderedDict",
    new: |args| Ok(of_kind(table_of(args)?, DictKind::Ordered)),
    is_instance: |object| matches!(kind(object), Some(DictKind::Ordered)),
    attribute: |name| match name {
        "fromkeys" => Some(function!("collections", "fromkeys", |args| {
            Ok(of_kind(keys_table(args)?, DictKind::Ordered))
        })),
        _ => None,
    },
};

pub static DEFAULT_DICT: NativeType = NativeType {
    module: "collections",
    name: "defaultdict",
    new: new_default_dict,
    is_instance: |object| matches!(kind(object), Some(DictKind::Default(_))),
    attribute: |name| match name {
        "fromkeys" => Some(function!("collections", "fromkeys", |args| {
            Ok(of_kind(keys_table(args)?, DictKind::Default(RefCell::new(Obj::None))))
        })),
        _ => None,
    },
};

/// The type of a dict's kind; `None` for a plain one.
pub fn type_of_kind(kind: &DictKind) -> Option<&'static NativeType> {
    match kind {
        DictKind::Plain => None,
        DictKind::Ordered => Some(&ORDERED_DICT),
        DictKind::Counter => Some(&COUNTER),
        DictKind::Default(_) => Some(&DEFAULT_DICT),
    }
}

pub fn of_kind(table: Table<Obj>, kind: DictKind) -> Obj {
    Obj::Dict(Rc::new(Dict {
        table: RefCell::new(table),
        kind,
    }))
}

/// The entries that `dict(…)` makes of the arguments.
fn table_of(args: &Args) -> Py<Table<Obj>> {
    if args.values.is_empty() {
        return Ok(Table::default());
    }
    match builtins::call(Builtin::Dict, args)? {
        Obj::Dict(dict) => Ok(match Rc::try_unwrap(dict) {
            Ok(dict) => dict.table.take(),
            Err(shared) => shared.table.borrow().clone(),
        }),
        other => Err(type_error(format!("dict() gave {}", type_name(&other)))),
    }
}

/// The entries of `fromkeys(iterable, value=None)`.
fn keys_table(args: &Args) -> Py<Table<Obj>> {
    args.expect("fromkeys", 1, 2, &["iterable", "value"])?;
    let keys = super::declare::required(args, 0, "iterable", "fromkeys")?;
    let value = args.get(1, "value").cloned().unwrap_or_default();
    let mut table = Table::default();
    crate::python::iter::each(keys, |key| {
        table.insert(key, value.clone())?;
        Ok(true)
    })?;
    Ok(table)
}

fn new_default_dict(args: &Args) -> Py {
    let Some((factory, rest)) = args.values.split_first().filter(|_| !args.plain().is_empty()) else {
        let table = table_of(args)?;
        return Ok(of_kind(table, DictKind::Default(RefCell::new(Obj::None))));
    };
    if !factory.is_none() && !crate::python::call::is_callable(factory) {
        return Err(type_error("first argument must be callable or None"));
    }
    let table = table_of(&Args {
        values: rest,
        names: args.names,
    })?;
    Ok(of_kind(table, DictKind::Default(RefCell::new(factory.clone()))))
}
