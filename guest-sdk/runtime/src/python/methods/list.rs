//! Methods of `list` and `tuple`.

use std::rc::Rc;

use super::signature::{Call, MAX_BYTES, flag, place};
use super::sort;
use crate::python::error::{Py, index_error, raise, type_error, value_error};
use crate::python::names::{
    Builtin,
    Method::{self, *},
};
use crate::python::object::{Args, List, Obj};
use crate::python::{arith, compare, iter, text};

pub const METHODS: &[Method] = &[Append, Clear, Copy, Count, Extend, Index, Insert, Pop, Remove, Reverse, Sort];

pub const TUPLE_METHODS: &[Method] = &[Count, Index];

pub fn call(this: &Rc<List>, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("list", method.name(), args);
    match method {
        Append => {
            let item = call.one()?.clone();
            this.0.borrow_mut().push(item);
        }
        Pop => {
            let given = call.positional(0, 1)?;
            return pop(this, given.first()).map(Some);
        }
        Extend => extend(this, call.one()?)?,
        Insert => {
            let given = call.positional(2, 2)?;
            let at = arith::index(&given[0])?;
            let mut items = this.0.borrow_mut();
            let len = items.len() as i64;
            let at = if at < 0 { at.saturating_add(len).max(0) } else { at.min(len) };
            items.insert(at as usize, given[1].clone());
        }
        Remove => {
            let wanted = call.one()?;
            match find(this, wanted, 0, i64::MAX)? {
                None => return Err(value_error("list.remove(x): x not in list")),
                // A comparison may have shortened the list.
                Some(at) if at < this.0.borrow().len() => drop(this.0.borrow_mut().remove(at)),
                Some(_) => {}
            }
        }
        Index => {
            let given = call.positional(1, 3)?;
            let (start, end) = index_bounds(this.0.borrow().len(), given)?;
            return match find(this, &given[0], start, end)? {
                Some(at) => Ok(Some(Obj::Int(at as i64))),
                None => Err(value_error(format!("{} is not in list", text::repr(&given[0])?))),
            };
        }
        Count => {
            let wanted = call.one()?;
            let mut count = 0;
            let mut at = 0;
            while let Some(same) = same_at(this, at, wanted)? {
                count += i64::from(same);
                at += 1;
            }
            return Ok(Some(Obj::Int(count)));
        }
        Clear => {
            call.none()?;
            // Dropped when no longer borrowed.
            let items = std::mem::take(&mut *this.0.borrow_mut());
            drop(items);
        }
        Copy => {
            call.none()?;
            return Ok(Some(Obj::list(this.0.borrow().clone())));
        }
        Reverse => {
            call.none()?;
            this.0.borrow_mut().reverse();
        }
        Sort => {
            let [key, reverse] = call.named(["key", "reverse"], 0, 0, 0)?;
            sort_list(this, key, flag(reverse)?)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(Obj::None))
}

/// While it is sorted the list is empty, so that a program that looks meanwhile sees no half-sorted one.
fn sort_list(this: &Rc<List>, key: Option<&Obj>, reverse: bool) -> Py<()> {
    let mut items = std::mem::take(&mut *this.0.borrow_mut());
    let done = sort::sort(&mut items, key, reverse);
    let meanwhile = std::mem::replace(&mut *this.0.borrow_mut(), items);
    done?;
    if !meanwhile.is_empty() {
        return Err(value_error("list modified during sort"));
    }
    Ok(())
}

fn pop(this: &Rc<List>, at: Option<&Obj>) -> Py {
    let at = match at {
        None => -1,
        Some(at) => arith::index(at)?,
    };
    let mut items = this.0.borrow_mut();
    if at == -1 {
        return items.pop().ok_or_else(|| index_error("pop from empty list"));
    }
    if items.is_empty() {
        return Err(index_error("pop from empty list"));
    }
    let at = if at < 0 { at.saturating_add(items.len() as i64) } else { at };
    match usize::try_from(at) {
        Ok(at) if at < items.len() => Ok(items.remove(at)),
        _ => Err(index_error("pop index out of range")),
    }
}

/// `list.extend`: also what was taken before an error stays.
pub fn extend(this: &Rc<List>, source: &Obj) -> Py<()> {
    let bounded = |len: usize| match len > MAX_BYTES / size_of::<Obj>() {
        true => Err(raise(Builtin::MemoryError, "")),
        false => Ok(()),
    };
    match source {
        Obj::List(other) => {
            let items = other.0.borrow().clone();
            bounded(this.0.borrow().len() + items.len())?;
            this.0.borrow_mut().extend(items);
            Ok(())
        }
        Obj::Tuple(items) => {
            bounded(this.0.borrow().len() + items.len())?;
            this.0.borrow_mut().extend(items.iter().cloned());
            Ok(())
        }
        other => iter::each(other, |item| {
            let mut items = this.0.borrow_mut();
            bounded(items.len())?;
            items.push(item);
            Ok(true)
        }),
    }
}

/// Start and end of `index`, counted from the front.
fn index_bounds(len: usize, given: &[Obj]) -> Py<(usize, i64)> {
    let bound = |at: usize, default: i64| match given.get(at) {
        None => Ok(default),
        Some(value) => place(value, "slice indices must be integers or have an __index__ method"),
    };
    let from_end = |at: i64| if at < 0 { at.saturating_add(len as i64).max(0) } else { at };
    Ok((from_end(bound(1, 0)?) as usize, from_end(bound(2, i64::MAX)?)))
}

/// The first place from `start` and before `end` that holds an equal of `wanted`.
fn find(this: &Rc<List>, wanted: &Obj, start: usize, end: i64) -> Py<Option<usize>> {
    let mut at = start;
    while (at as i64) < end {
        match same_at(this, at, wanted)? {
            None => return Ok(None),
            Some(true) => return Ok(Some(at)),
            Some(false) => at += 1,
        }
    }
    Ok(None)
}

/// Whether the item at a place is the wanted one; `None` behind the end. The list is not borrowed while code of the program compares.
fn same_at(this: &Rc<List>, at: usize, wanted: &Obj) -> Py<Option<bool>> {
    let item = {
        let items = this.0.borrow();
        match (items.get(at), wanted) {
            (None, _) => return Ok(None),
            (Some(Obj::Int(a)), Obj::Int(b)) => return Ok(Some(a == b)),
            (Some(Obj::Str(a)), Obj::Str(b)) => return Ok(Some(***a == ***b)),
            (Some(item), _) => item.clone(),
        }
    };
    same(&item, wanted).map(Some)
}

/// Containers hold an object when they hold it or an equal.
pub fn same(item: &Obj, wanted: &Obj) -> Py<bool> {
    Ok(item.is(wanted) || compare::equals(item, wanted)?)
}

pub fn call_tuple(this: &Rc<[Obj]>, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("tuple", method.name(), args);
    match method {
        Count => {
            let wanted = call.one()?;
            let mut count = 0;
            for item in this.iter() {
                count += i64::from(same(item, wanted)?);
            }
            Ok(Some(Obj::Int(count)))
        }
        Index => {
            let given = call.positional(1, 3)?;
            let (start, end) = index_bounds(this.len(), given)?;
            for (at, item) in this.iter().enumerate().skip(start) {
                if at as i64 >= end {
                    break;
                }
                if same(item, &given[0])? {
                    return Ok(Some(Obj::Int(at as i64)));
                }
            }
            Err(value_error("tuple.index(x): x not in tuple"))
        }
        _ => Ok(None),
    }
}

/// Refuses what is not a list: a method taken from its type and called with something else.
pub fn wrong_receiver(method: Method, class: Builtin, got: &Obj) -> crate::python::error::Raised {
    type_error(format!(
        "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
        method.name(),
        class.name(),
        text::type_name(got)
    ))
}
