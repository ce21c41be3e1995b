//! Methods of `set` and `frozenset`.

use std::cell::RefCell;
use std::rc::Rc;

use super::signature::Call;
use crate::python::error::{Py, key_error, raise};
use crate::python::names::{
    Builtin,
    Method::{self, *},
};
use crate::python::object::{Args, Obj, Set};
use crate::python::set::SetTable;
use crate::python::{iter, keyed};

/// Those of both types.
pub const METHODS: &[Method] = &[
    Copy,
    Difference,
    Intersection,
    Isdisjoint,
    Issubset,
    Issuperset,
    SymmetricDifference,
    Union,
];

/// Those that change a set.
pub const MUTATING: &[Method] = &[
    Add,
    Clear,
    Discard,
    Pop,
    Remove,
    Update,
    DifferenceUpdate,
    IntersectionUpdate,
    SymmetricDifferenceUpdate,
];

pub fn has(this: &Set, method: Method) -> bool {
    METHODS.contains(&method) || (!this.frozen && MUTATING.contains(&method))
}

pub fn call(this: &Rc<Set>, method: Method, args: &Args) -> Py<Option<Obj>> {
    if !has(this, method) {
        return Ok(None);
    }
    let call = Call::new(if this.frozen { "frozenset" } else { "set" }, method.name(), args);
    let made = |table| Obj::set(table, this.frozen);
    let done = match method {
        Add => {
            keyed::set_add(this, call.one()?.clone())?;
            Obj::None
        }
        Discard => {
            keyed::set_remove(this, call.one()?)?;
            Obj::None
        }
        Remove => {
            let item = call.one()?;
            if !keyed::set_remove(this, item)? {
                return Err(key_error(item.clone()));
            }
            Obj::None
        }
        Pop => {
            call.none()?;
            let popped = this.table.borrow_mut().pop();
            popped.ok_or_else(|| raise(Builtin::KeyError, "pop from an empty set"))?
        }
        Clear => {
            call.none()?;
            this.table.borrow_mut().clear();
            Obj::None
        }
        Copy => {
            call.none()?;
            if this.frozen {
                return Ok(Some(Obj::Set(this.clone())));
            }
            made(this.table.borrow().copy())
        }
        Union => {
            call.no_names()?;
            let result = new(this.table.borrow().copy(), this.frozen);
            for other in args.values {
                merge(&result, other)?;
            }
            Obj::Set(result)
        }
        Update => {
            call.no_names()?;
            for other in args.values {
                merge(this, other)?;
            }
            Obj::None
        }
        Intersection | IntersectionUpdate => {
            call.no_names()?;
            let mut result = match args.values {
                [] => new(this.table.borrow().copy(), this.frozen),
                _ => this.clone(),
            };
            for other in args.values {
                result = new(intersection(&result, other)?, this.frozen);
            }
            match method {
                Intersection => Obj::Set(result),
                _ => {
                    *this.table.borrow_mut() = result.table.take();
                    Obj::None
                }
            }
        }
        Difference => {
            call.no_names()?;
            let mut others = args.values.iter();
            let result = match others.next() {
                None => this.table.borrow().copy(),
                Some(other @ (Obj::Set(_) | Obj::Dict(_))) => {
                    let other = as_set(this, other)?;
                    this.table.borrow().difference(&other.table.borrow())
                }
                Some(other) => {
                    let copy = new(this.table.borrow().copy(), false);
                    remove_all(&copy, other)?;
                    copy.table.take()
                }
            };
            let result = new(result, this.frozen);
            for other in others {
                remove_all(&result, other)?;
            }
            Obj::Set(result)
        }
        DifferenceUpdate => {
            call.no_names()?;
            for other in args.values {
                remove_all(this, other)?;
            }
            Obj::None
        }
        SymmetricDifference => {
            let given = call.one()?;
            let other = as_set(this, given)?;
            let table = this.table.borrow();
            made(match given {
                Obj::Set(_) => table.symmetric_difference(&other.table.borrow()),
                // The set of the iterable's items becomes the result, without another copy.
                _ => {
                    let mut result = other.table.borrow().clone();
                    result.toggle_all(&table);
                    result
                }
            })
        }
        SymmetricDifferenceUpdate => {
            let given = call.one()?;
            if let Obj::Dict(dict) = given {
                let (mut table, keys) = (this.table.borrow_mut(), dict.table.borrow());
                keys.keys().try_for_each(|key| table.toggle(key))?;
                return Ok(Some(Obj::None));
            }
            let other = as_set(this, given)?;
            if Rc::ptr_eq(this, &other) {
                this.table.borrow_mut().clear();
            } else {
                this.table.borrow_mut().toggle_all(&other.table.borrow());
            }
            Obj::None
        }
        Issubset => {
            let other = as_set(this, call.one()?)?;
            let is = this.table.borrow().is_subset(&other.table.borrow());
            Obj::Bool(is)
        }
        Issuperset => {
            let other = as_set(this, call.one()?)?;
            let is = other.table.borrow().is_subset(&this.table.borrow());
            Obj::Bool(is)
        }
        Isdisjoint => {
            let other = as_set(this, call.one()?)?;
            let is = this.table.borrow().is_disjoint(&other.table.borrow());
            Obj::Bool(is)
        }
        _ => return Ok(None),
    };
    Ok(Some(done))
}

fn new(table: SetTable, frozen: bool) -> Rc<Set> {
    Rc::new(Set {
        table: RefCell::new(table),
        frozen,
    })
}

/// A set, or one of the items of an iterable, to be compared or merged with `this`.
fn as_set(this: &Rc<Set>, source: &Obj) -> Py<Rc<Set>> {
    if let Obj::Set(set) = source {
        return keyed::aligned(this, set);
    }
    let set = new(SetTable::default(), false);
    merge(&set, source)?;
    keyed::aligned(this, &set)
}

/// Adds the items of an iterable (`set.update`, and the constructors).
pub fn merge(this: &Rc<Set>, source: &Obj) -> Py<()> {
    match source {
        Obj::Set(other) if Rc::ptr_eq(this, other) => Ok(()),
        Obj::Set(other) => {
            let other = keyed::aligned(this, other)?;
            this.table.borrow_mut().merge(&other.table.borrow());
            Ok(())
        }
        Obj::Dict(dict) => {
            let mut table = this.table.borrow_mut();
            let source = dict.table.borrow();
            table.make_room(source.len());
            source.iter().try_for_each(|(key, _)| table.add(key.clone()).map(|_| ()))
        }
        other => iter::each(other, |item| {
            keyed::set_add(this, item)?;
            Ok(true)
        }),
    }
}

/// The items of the set that an iterable has too; of what is no set, in its order.
fn intersection(this: &Rc<Set>, other: &Obj) -> Py<SetTable> {
    if let Obj::Set(other) = other {
        let other = keyed::aligned(this, other)?;
        return Ok(this.table.borrow().intersection(&other.table.borrow()));
    }
    let result = new(SetTable::default(), false);
    iter::each(other, |item| {
        if keyed::set_contains(this, &item)? {
            keyed::set_add(&result, item)?;
        }
        Ok(true)
    })?;
    Ok(result.table.take())
}

fn remove_all(this: &Rc<Set>, other: &Obj) -> Py<()> {
    match other {
        Obj::Set(other) if Rc::ptr_eq(this, other) => this.table.borrow_mut().clear(),
        Obj::Set(other) => {
            let other = keyed::aligned(this, other)?;
            this.table.borrow_mut().remove_all(&other.table.borrow());
        }
        other => {
            iter::each(other, |item| {
                keyed::set_remove(this, &item)?;
                Ok(true)
            })?;
            this.table.borrow_mut().tidy();
        }
    }
    Ok(())
}
