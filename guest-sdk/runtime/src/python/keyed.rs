//! Dicts and sets as programs use them: keys may be instances of user classes with `__hash__` and `__eq__`, which run before the
//! table is borrowed, never while it is.

use std::rc::Rc;

use super::error::Py;
use super::object::{Dict, Obj, Set};

pub fn dict_get(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    dict.table.borrow().get(key)
}

pub fn dict_contains(dict: &Rc<Dict>, key: &Obj) -> Py<bool> {
    dict.table.borrow().contains(key)
}

/// Gives the value that was there.
pub fn dict_set(dict: &Rc<Dict>, key: Obj, value: Obj) -> Py<Option<Obj>> {
    dict.table.borrow_mut().insert(key, value)
}

pub fn dict_remove(dict: &Rc<Dict>, key: &Obj) -> Py<Option<Obj>> {
    dict.table.borrow_mut().remove(key)
}

pub fn set_contains(set: &Rc<Set>, item: &Obj) -> Py<bool> {
    set.table.borrow().contains(item)
}

/// True when it was not there.
pub fn set_add(set: &Rc<Set>, item: Obj) -> Py<bool> {
    set.table.borrow_mut().add(item)
}

/// True when it was there.
pub fn set_remove(set: &Rc<Set>, item: &Obj) -> Py<bool> {
    set.table.borrow_mut().remove(item)
}
