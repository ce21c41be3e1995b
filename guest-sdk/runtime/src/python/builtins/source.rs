//! Where `zip`, `map` and their like take their items from. Lists, tuples and ranges are read without an iterator object between.

use std::rc::Rc;

use crate::python::error::Py;
use crate::python::iter;
use crate::python::object::{List, Obj};
use crate::python::subscript::range_len;

pub enum Source {
    /// `None` once it has ended: a list that grows later is not walked over again.
    List(Option<Rc<List>>, usize),
    Tuple(Rc<[Obj]>, usize),
    Range {
        next: i64,
        step: i64,
        left: u64,
    },
    Other(Obj),
}

impl Source {
    /// `iter(value)`
    pub fn new(value: &Obj) -> Py<Source> {
        Ok(match value {
            Obj::List(list) => Source::List(Some(list.clone()), 0),
            Obj::Tuple(items) => Source::Tuple(items.clone(), 0),
            Obj::Range(range) => Source::Range {
                next: range.start,
                step: range.step,
                left: range_len(range),
            },
            other => Source::Other(iter::iter(other)?),
        })
    }

    #[inline]
    pub fn next(&mut self) -> Py<Option<Obj>> {
        match self {
            Source::List(list, at) => {
                let item = list.as_ref().and_then(|list| list.0.borrow().get(*at).cloned());
                match item {
                    Some(_) => *at += 1,
                    None => *list = None,
                }
                Ok(item)
            }
            Source::Tuple(items, at) => {
                let item = items.get(*at).cloned();
                *at += 1;
                Ok(item)
            }
            Source::Range { next, step, left } => {
                let Some(rest) = left.checked_sub(1) else {
                    return Ok(None);
                };
                let item = *next;
                // The number after the last may not exist; it is never given.
                (*next, *left) = (item.wrapping_add(*step), rest);
                Ok(Some(Obj::Int(item)))
            }
            Source::Other(iterator) => iter::next(iterator),
        }
    }
}
