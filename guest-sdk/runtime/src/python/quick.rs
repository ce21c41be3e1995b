//! What programs do most, decided on the spot: the usual methods, builtins and subscripts of the usual types.
//!
//! A function here answers `None` for every other case, having done nothing; the general rule decides then. Each is part of the one
//! export that uses it, and short, because what a call costs is mostly how much code it passes through.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::error::Py;
use super::keyed;
use super::names::{Builtin, Method};
use super::object::{Dict, List, Name, Obj};
use super::sequence;
use super::share::{Words, words};
use super::text;

const APPEND: u32 = Method::Append as u32;
const GET: u32 = Method::Get as u32;
const SETDEFAULT: u32 = Method::Setdefault as u32;
const ADD: u32 = Method::Add as u32;

const LEN: u32 = Builtin::Len as u32;
const STR: u32 = Builtin::Str as u32;
const INT: u32 = Builtin::Int as u32;
const ISINSTANCE: u32 = Builtin::Isinstance as u32;

/// `a + b` of texts.
#[inline(always)]
pub fn add_texts(a: &Obj, b: &Obj) -> Option<Obj> {
    match (a, b) {
        (Obj::Str(a), Obj::Str(b)) => sequence::add_texts(a, b),
        _ => None,
    }
}

/// The value of a simple key; `None` when the key is another one, or is not there.
#[inline(always)]
fn lookup(dict: &Dict, key: &Obj) -> Option<Words> {
    if !keyed::is_simple(key) {
        return None;
    }
    dict.table.borrow().get_ref(key).ok()?.map(words)
}

/// `object.method(a)`
#[inline(always)]
pub fn method1(object: &Obj, method: u32, a: &Obj) -> Option<Words> {
    match object {
        Obj::List(list) if method == APPEND => {
            list.0.borrow_mut().push(a.clone());
            Some(words(&Obj::None))
        }
        Obj::Dict(dict) if method == GET => lookup(dict, a),
        Obj::Set(set) if method == ADD && !set.frozen => {
            keyed::set_add(set, a.clone()).ok()?;
            Some(words(&Obj::None))
        }
        _ => None,
    }
}

/// `object.method(a, b)`
#[inline(always)]
pub fn method2(object: &Obj, method: u32, a: &Obj, b: &Obj) -> Option<Words> {
    let Obj::Dict(dict) = object else { return None };
    if method != GET && method != SETDEFAULT || !keyed::is_simple(a) {
        return None;
    }
    if let Some(found) = lookup(dict, a) {
        return Some(found);
    }
    if method == SETDEFAULT {
        keyed::dict_put(dict, a, b).ok()?;
    }
    Some(words(b))
}

/// Whether an object has the method; not all that have are known here.
#[inline(always)]
pub fn has(object: &Obj, name: &Name) -> bool {
    use Method::*;
    let Some(method) = name.method else { return false };
    match object {
        Obj::List(_) => matches!(method, Append | Extend | Pop),
        Obj::Dict(_) => matches!(method, Get | Setdefault | Update | Pop),
        Obj::Str(_) => matches!(method, Join | Split | Replace | Startswith | Endswith),
        Obj::Set(set) => method == Add && !set.frozen,
        _ => false,
    }
}

/// `builtin(a)`
#[inline(always)]
pub fn builtin1(builtin: u32, a: &Obj) -> Option<Py> {
    Some(Ok(match (builtin, a) {
        (LEN, _) => Obj::Int(length(a)? as i64),
        (STR, Obj::Int(n)) => text::of_int(*n),
        (STR, Obj::Str(_)) | (INT, Obj::Int(_)) => a.clone(),
        _ => return None,
    }))
}

/// `builtin(a, b)`
#[inline(always)]
pub fn builtin2(builtin: u32, a: &Obj, b: &Obj) -> Option<Py> {
    let (ISINSTANCE, Obj::Builtin(class)) = (builtin, b) else {
        return None;
    };
    Some(Ok(Obj::Bool(match (a, class) {
        (Obj::Dict(_), Builtin::Dict) | (Obj::List(_), Builtin::List) | (Obj::Str(_), Builtin::Str) => true,
        (Obj::Int(_), Builtin::Int) | (Obj::Float(_), Builtin::Float) | (Obj::Tuple(_), Builtin::Tuple) => true,
        _ => return None,
    })))
}

#[inline(always)]
fn length(value: &Obj) -> Option<usize> {
    Some(match value {
        Obj::Str(text) => text.chars,
        Obj::List(list) => list.0.borrow().len(),
        Obj::Dict(dict) => dict.table.borrow().len(),
        Obj::Tuple(items) => items.len(),
        _ => return None,
    })
}

/// `list.append(item)` of a comprehension; false when it is no list.
#[inline(always)]
pub fn append(list: &Obj, item: &Obj) -> bool {
    let Obj::List(list) = list else { return false };
    list.0.borrow_mut().push(item.clone());
    true
}

/// Where item `n` of `len` is, counted from the end when it is negative.
#[inline(always)]
fn place(n: i64, len: usize) -> usize {
    let n = if n < 0 { n.wrapping_add(len as i64) } else { n };
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// `object[key]`
#[inline(always)]
pub fn getitem(object: &Obj, key: &Obj) -> Option<Words> {
    match (object, key) {
        (Obj::List(list), Obj::Int(n)) => {
            let items = list.0.borrow();
            items.get(place(*n, items.len())).map(words)
        }
        (Obj::Tuple(items), Obj::Int(n)) => items.get(place(*n, items.len())).map(words),
        (Obj::Dict(dict), _) => lookup(dict, key),
        _ => None,
    }
}

/// The next item of an iterator over a list.
#[inline(always)]
pub fn next_of_list(list: &RefCell<Option<Rc<List>>>, at: &Cell<usize>) -> Option<Words> {
    if let Some(list) = &*list.borrow() {
        if let Some(item) = list.0.borrow().get(at.get()) {
            at.set(at.get() + 1);
            return Some(words(item));
        }
    } else {
        return None;
    }
    list.take();
    None
}

/// `object[key] = value`; false when it is for the general rule.
#[inline(always)]
pub fn setitem(object: &Obj, key: &Obj, value: &Obj) -> bool {
    match (object, key) {
        (Obj::Dict(dict), Obj::Str(_) | Obj::Int(_)) => keyed::dict_put(dict, key, value).is_ok(),
        (Obj::List(list), Obj::Int(n)) => {
            let mut items = list.0.borrow_mut();
            let at = place(*n, items.len());
            let Some(slot) = items.get_mut(at) else { return false };
            // What is let go here runs no code, and it looks at no other object that lives.
            words(value).replace(slot);
            true
        }
        _ => false,
    }
}
