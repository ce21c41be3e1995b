//! Dicts and sets as programs use them: keys may be instances of user classes with `__hash__` and `__eq__`, which run before the
//! table is borrowed, never while it is.
//!
//! Tables compare instances by identity. A key that a user class compares is therefore looked for first among the keys of the same
//! hash, and where an equal one is there, that one is used instead.

use std::cell::RefCell;
use std::rc::Rc;

use super::compare::same_item;
use super::depth;
use super::dunder::{self, Special};
use super::error::Py;
use super::hash;
use super::object::{Dict, Obj, Set};
use super::set::SetTable;
use super::share::words;

/// Whether a key is a text or a small integer: no program has a say in these, and they have a hash.
#[inline(always)]
pub fn is_simple(key: &Obj) -> bool {
    matches!(key, Obj::Str(_) | Obj::Int(_))
}

#[inline(always)]
pub fn dict_get(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    match is_simple(key) {
        true => dict.table.borrow().get(key),
        false => get_other(dict, key),
    }
}

#[inline(never)]
fn get_other(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    match in_dict(dict, key)? {
        Some(known) => dict.table.borrow().get(&known),
        None => dict.table.borrow().get(key),
    }
}

pub fn dict_contains(dict: &Rc<Dict>, key: &Obj) -> Py<bool> {
    match in_dict(dict, key)? {
        Some(_) => Ok(true),
        None => dict.table.borrow().contains(key),
    }
}

/// `dict[key] = value`
#[inline(always)]
pub fn dict_put(dict: &Rc<Dict>, key: &Obj, value: &Obj) -> Py<()> {
    if !is_simple(key) {
        return put_other(dict, key, value);
    }
    // What is let go here runs no code, and it looks at no other object that lives.
    if let Some(place) = dict.table.borrow_mut().get_mut(key)? {
        words(value).replace(place);
        return Ok(());
    }
    add(dict, key, value)
}

#[inline(never)]
fn add(dict: &Rc<Dict>, key: &Obj, value: &Obj) -> Py<()> {
    dict.table.borrow_mut().add(key.clone(), value.clone())
}

#[inline(never)]
fn put_other(dict: &Rc<Dict>, key: &Obj, value: &Obj) -> Py<()> {
    dict_set(dict, key.clone(), value.clone()).map(drop)
}

/// Gives the value that was there.
pub fn dict_set(dict: &Rc<Dict>, key: Obj, value: Obj) -> Py<Option<Obj>> {
    let key = in_dict(dict, &key)?.unwrap_or(key);
    dict.table.borrow_mut().insert(key, value)
}

pub fn dict_remove(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    match in_dict(dict, key)? {
        Some(known) => dict.table.borrow_mut().remove(&known),
        None => dict.table.borrow_mut().remove(key),
    }
}

pub fn set_contains(set: &Rc<Set>, item: &Obj) -> Py<bool> {
    if let Obj::Set(frozen) = item {
        // A set is looked for as if it were a frozen one.
        let frozen = Obj::set(frozen.table.borrow().clone(), true);
        return set.table.borrow().contains(&frozen);
    }
    match in_set(set, item)? {
        Some(_) => Ok(true),
        None => set.table.borrow().contains(item),
    }
}

/// True when it was not there.
pub fn set_add(set: &Rc<Set>, item: Obj) -> Py<bool> {
    if is_simple(&item) {
        return set.table.borrow_mut().add(item);
    }
    match in_set(set, &item)? {
        Some(_) => Ok(false),
        None => set.table.borrow_mut().add(item),
    }
}

/// True when it was there.
pub fn set_remove(set: &Rc<Set>, item: &Obj) -> Py<bool> {
    if let Obj::Set(frozen) = item {
        let frozen = Obj::set(frozen.table.borrow().clone(), true);
        return set.table.borrow_mut().remove(&frozen);
    }
    match in_set(set, item)? {
        Some(known) => set.table.borrow_mut().remove(&known),
        None => set.table.borrow_mut().remove(item),
    }
}

/// `other` with those of its items that a user class says are equal to items of `set` replaced by these, so that the tables can be
/// compared and merged. It is the same set where no user class has a say.
pub fn aligned(set: &Rc<Set>, other: &Rc<Set>) -> Py<Rc<Set>> {
    let mut items: Vec<Obj> = {
        let table = other.table.borrow();
        if !table.iter().any(|item| matches!(item, Obj::Instance(_) | Obj::Tuple(_))) {
            return Ok(other.clone());
        }
        table.iter().cloned().collect()
    };
    let mut changed = false;
    for item in &mut items {
        if let Some(known) = in_set(set, item)?
            && !known.is(item)
        {
            *item = known;
            changed = true;
        }
    }
    if !changed {
        return Ok(other.clone());
    }
    let mut table = SetTable::default();
    for item in items {
        table.add(item)?;
    }
    Ok(Rc::new(Set {
        table: RefCell::new(table),
        frozen: other.frozen,
    }))
}

/// The key of the dict that a user class says is equal to `key`. `None` also when no user class has a say.
#[inline]
fn in_dict(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    if !prepare(key)? {
        return Ok(None);
    }
    let candidates = dict.table.borrow().candidates(key)?;
    equal_one(candidates, key)
}

#[inline]
fn in_set(set: &Rc<Set>, item: &Obj) -> Py<Option<Obj>> {
    if !prepare(item)? {
        return Ok(None);
    }
    let candidates = set.table.borrow().candidates(item)?;
    equal_one(candidates, item)
}

fn equal_one(candidates: Vec<Obj>, key: &Obj) -> Py<Option<Obj>> {
    for candidate in candidates {
        if same_item(&candidate, key)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Asks user classes for the hashes of the instances in a key. Whether one of them has its own idea of equality.
#[inline]
pub fn prepare(key: &Obj) -> Py<bool> {
    match key {
        Obj::Instance(_) | Obj::Tuple(_) => prepare_deep(key),
        _ => Ok(false),
    }
}

#[inline(never)]
fn prepare_deep(key: &Obj) -> Py<bool> {
    match key {
        Obj::Tuple(items) if items.iter().all(is_simple) => Ok(false),
        Obj::Tuple(items) => {
            let _level = depth::enter("")?;
            let mut own = false;
            for item in items.iter() {
                own |= prepare(item)?;
            }
            Ok(own)
        }
        Obj::Instance(instance) => {
            if dunder::defines(key, Special::Hash) {
                // 0 is kept for "none yet".
                let hash = hash::hash(key)?;
                instance.hash.set(if hash == 0 { i64::MAX } else { hash });
            }
            Ok(dunder::defines(key, Special::Eq))
        }
        _ => Ok(false),
    }
}
