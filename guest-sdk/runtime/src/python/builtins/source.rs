//! Where `zip`, `map` and their like take their items from. Lists, tuples and ranges are read without an iterator object between.

use std::cell::Cell;
use std::rc::Rc;

use crate::python::error::{Py, raise};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{List, Obj};
use crate::python::release;
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
            Source::Other(iterator) => {
                let _level = Level::enter()?;
                iter::next(iterator)
            }
        }
    }
}

/// A long chain of iterators ends one after the other, not inside each other.
impl Drop for Source {
    fn drop(&mut self) {
        if let Source::Other(iterator @ Obj::Iter(_)) = self {
            release::items(&mut vec![std::mem::take(iterator)]);
        }
    }
}

/// Iterators over iterators that the runtime follows into each other: its stack is small.
const MAX_LEVELS: u32 = 500;

thread_local! {
    static LEVELS: Cell<u32> = const { Cell::new(0) };
}

struct Level(());

impl Level {
    fn enter() -> Py<Level> {
        let levels = LEVELS.get();
        if levels >= MAX_LEVELS {
            return Err(raise(Builtin::RecursionError, "maximum recursion depth exceeded"));
        }
        LEVELS.set(levels + 1);
        Ok(Level(()))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVELS.set(LEVELS.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::builtins;
    use crate::python::exception;
    use crate::python::object::Args;

    #[test]
    fn a_long_chain_of_iterators_raises_and_ends_without_overrunning_the_stack() {
        let mut chain = Obj::list(vec![Obj::Int(1)]);
        for _ in 0..50_000 {
            chain = builtins::call(Builtin::Map, &Args::positional(&[Obj::Builtin(Builtin::Abs), chain])).unwrap();
        }
        let Err(raised) = builtins::call(Builtin::List, &Args::positional(&[chain])) else {
            panic!("it was followed to its end");
        };
        assert_eq!(
            exception::describe(&raised.0),
            "RecursionError: maximum recursion depth exceeded"
        );
    }
}
