//! Methods of `dict` and of its subclasses `Counter`, `OrderedDict` and `defaultdict`.

use std::cell::RefCell;
use std::rc::Rc;

use super::counter;
use super::signature::Call;
use crate::python::error::{Py, key_error, type_error, value_error};
use crate::python::names::{
    Builtin,
    Method::{self, *},
};
use crate::python::object::{Args, Dict, DictKind, Name, Obj};
use crate::python::{call, compare, iter, keyed, subscript, views};

pub const METHODS: &[Method] = &[
    Clear, Copy, Fromkeys, Get, Items, Keys, Pop, Popitem, Setdefault, Update, Values,
];

pub fn has(this: &Dict, method: Method) -> bool {
    METHODS.contains(&method)
        || match this.kind {
            DictKind::Ordered => method == MoveToEnd,
            DictKind::Counter => matches!(method, MostCommon | Elements | Subtract | Total),
            _ => false,
        }
}

pub fn call(this: &Rc<Dict>, method: Method, args: &Args) -> Py<Option<Obj>> {
    let owner = match (&this.kind, method) {
        (DictKind::Ordered, _) => "OrderedDict",
        (DictKind::Default(_), Copy) => "defaultdict",
        _ => "dict",
    };
    let call = Call::new(owner, method.name(), args);
    let done = match method {
        Get => match (args.values, args.names) {
            ([key], []) => keyed::dict_get(this, key)?.unwrap_or_default(),
            ([key, default], []) => match keyed::dict_get(this, key)? {
                Some(value) => value,
                None => default.clone(),
            },
            _ => {
                call.positional(1, 2)?;
                Obj::None
            }
        },
        Items => {
            call.none()?;
            views::items(this)
        }
        Keys => {
            call.none()?;
            views::keys(this)
        }
        Values => {
            call.none()?;
            views::values(this)
        }
        Setdefault => {
            let (key, default) = key_and_default(this, &call)?;
            if let Some(value) = keyed::dict_get(this, key)? {
                return Ok(Some(value));
            }
            let value = default.cloned().unwrap_or_default();
            keyed::dict_set(this, key.clone(), value.clone())?;
            value
        }
        Pop => {
            let (key, default) = key_and_default(this, &call)?;
            // An empty dict does not ask whether the key is hashable.
            let empty = this.table.borrow().is_empty();
            let found = if empty { None } else { keyed::dict_remove(this, key)? };
            match (found, default) {
                (Some(value), _) => value,
                (None, Some(default)) => default.clone(),
                (None, None) => return Err(key_error(key.clone())),
            }
        }
        Popitem => popitem(this, &call)?,
        Update if matches!(this.kind, DictKind::Counter) => {
            counter::change(this, &call, false)?;
            Obj::None
        }
        Update => {
            update(this, &call)?;
            Obj::None
        }
        Clear => {
            call.none()?;
            this.table.borrow_mut().clear();
            Obj::None
        }
        Copy => {
            match this.kind {
                DictKind::Counter => counter::at_most(args, "copy", 0)?,
                _ => call.none()?,
            }
            copy(this)
        }
        Fromkeys => from_keys(kind_like(&this.kind), args)?,
        MoveToEnd if matches!(this.kind, DictKind::Ordered) => {
            let [key, last] = call.named(["key", "last"], 0, 2, 1)?;
            let (Some(key), last) = (key, last.map_or(Ok(true), compare::truth)?) else {
                return Ok(None);
            };
            if !this.table.borrow_mut().move_key(key, last)? {
                return Err(key_error(key.clone()));
            }
            Obj::None
        }
        MostCommon | Elements | Subtract | Total if matches!(this.kind, DictKind::Counter) => counter::call(this, method, args)?,
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// `pop` and `setdefault`: `OrderedDict` takes their arguments by name too.
fn key_and_default<'a>(this: &Dict, call: &Call<'a>) -> Py<(&'a Obj, Option<&'a Obj>)> {
    if matches!(this.kind, DictKind::Ordered)
        && let [Some(key), default] = call.named(["key", "default"], 0, 2, 1)?
    {
        return Ok((key, default));
    }
    let given = call.positional(1, 2)?;
    Ok((&given[0], given.get(1)))
}

/// A dict of the same kind; `Counter` is copied through its constructor, which gives the same.
fn copy(this: &Dict) -> Obj {
    Obj::Dict(Rc::new(Dict {
        table: RefCell::new(this.table.borrow().clone()),
        kind: match &this.kind {
            DictKind::Default(factory) => DictKind::Default(RefCell::new(factory.borrow().clone())),
            kind => kind_like(kind),
        },
    }))
}

/// The kind that the class makes of nothing but keys.
fn kind_like(kind: &DictKind) -> DictKind {
    match kind {
        DictKind::Plain => DictKind::Plain,
        DictKind::Ordered => DictKind::Ordered,
        DictKind::Counter => DictKind::Counter,
        DictKind::Default(_) => DictKind::Default(RefCell::new(Obj::None)),
    }
}

/// `dict.fromkeys(keys, value=None)`
pub fn from_keys(kind: DictKind, args: &Args) -> Py {
    if matches!(kind, DictKind::Counter) {
        let text = "Counter.fromkeys() is undefined.  Use Counter(iterable) instead.";
        return Err(crate::python::error::raise(Builtin::NotImplementedError, text));
    }
    let call = Call::new("dict", "fromkeys", args);
    let given = call.positional(1, 2)?;
    let value = given.get(1).cloned().unwrap_or_default();
    let dict = Rc::new(Dict {
        table: RefCell::default(),
        kind,
    });
    iter::each(&given[0], |key| {
        keyed::dict_set(&dict, key, value.clone())?;
        Ok(true)
    })?;
    Ok(Obj::Dict(dict))
}

fn popitem(this: &Rc<Dict>, call: &Call) -> Py {
    let last = match this.kind {
        DictKind::Ordered => {
            let [last] = call.named(["last"], 0, 1, 0)?;
            last.map_or(Ok(true), compare::truth)?
        }
        _ => {
            call.none()?;
            true
        }
    };
    let found = match last {
        true => this.table.borrow_mut().pop(),
        false => this.table.borrow_mut().pop_first(),
    };
    match found {
        Some((key, value)) => Ok(Obj::tuple([key, value])),
        None => Err(key_error(Obj::str(match this.kind {
            DictKind::Ordered => "dictionary is empty",
            _ => "popitem(): dictionary is empty",
        }))),
    }
}

/// `dict.update` and what `dict(…)` does with its arguments.
pub fn update(this: &Rc<Dict>, call: &Call) -> Py<()> {
    let plain = call.args.plain();
    if plain.len() > 1 {
        return Err(type_error(format!(
            "{} expected at most 1 argument, got {}",
            call.name,
            plain.len()
        )));
    }
    if let Some(source) = plain.first() {
        merge(this, source)?;
    }
    named(this, call.args)
}

/// Sets the named arguments as items.
pub fn named(this: &Rc<Dict>, args: &Args) -> Py<()> {
    let values = args.values.iter().skip(args.plain().len());
    for (name, value) in args.names.iter().zip(values) {
        this.table.borrow_mut().insert(Obj::Str(name.clone()), value.clone())?;
    }
    Ok(())
}

/// Sets the items of a mapping, or of an iterable of pairs.
pub fn merge(this: &Rc<Dict>, source: &Obj) -> Py<()> {
    if let Obj::Dict(other) = source {
        if Rc::ptr_eq(this, other) {
            return Ok(());
        }
        if this.table.borrow().is_empty() {
            let copy = other.table.borrow().clone();
            *this.table.borrow_mut() = copy;
            return Ok(());
        }
        let entries: Vec<(Obj, Obj)> = entries(other);
        for (key, value) in entries {
            keyed::dict_set(this, key, value)?;
        }
        return Ok(());
    }
    if let Some(keys) = mapping_keys(source)? {
        return iter::each(&keys, |key| {
            let value = subscript::getitem(source, &key)?;
            keyed::dict_set(this, key, value)?;
            Ok(true)
        });
    }
    let mut at = 0;
    iter::each(source, |pair| {
        let set = |key: &Obj, value: &Obj| keyed::dict_set(this, key.clone(), value.clone());
        match &pair {
            Obj::Tuple(pair) if pair.len() == 2 => set(&pair[0], &pair[1])?,
            other => {
                let pair = match iter::iter(other) {
                    Ok(iterator) => iter::collect(&iterator)?,
                    Err(_) => {
                        return Err(type_error(format!(
                            "cannot convert dictionary update sequence element #{at} to a sequence"
                        )));
                    }
                };
                match pair.as_slice() {
                    [key, value] => set(key, value)?,
                    parts => {
                        return Err(value_error(format!(
                            "dictionary update sequence element #{at} has length {}; 2 is required",
                            parts.len()
                        )));
                    }
                }
            }
        };
        at += 1;
        Ok(true)
    })
}

/// What `keys()` of a mapping gives that is no builtin dict; `None` when the object has no such method.
pub fn mapping_keys(source: &Obj) -> Py<Option<Obj>> {
    let has_keys = match source {
        Obj::Native(native) => native.has_method("keys"),
        Obj::Instance(_) => crate::python::class::special(source, "keys").is_some(),
        _ => false,
    };
    if !has_keys {
        return Ok(None);
    }
    call::call_method(source, &Name::new("keys"), &Args::positional(&[])).map(Some)
}

/// A copy of the entries, so that the table is not borrowed while code of the program runs.
pub fn entries(dict: &Dict) -> Vec<(Obj, Obj)> {
    let table = dict.table.borrow();
    table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
