//! `list.sort` and `sorted`: keys, direction, and comparisons by what the keys are.

use super::timsort;
use crate::python::error::Py;
use crate::python::object::{Args, Obj};
use crate::python::{call, compare};

/// Sorts in place. After an error the items are all there, in some order.
pub fn sort(items: &mut Vec<Obj>, key: Option<&Obj>, reverse: bool) -> Py<()> {
    let key = key.filter(|key| !key.is_none());
    // Turned round before and after, equals keep their order.
    if reverse {
        items.reverse();
    }
    let done = match key {
        None => match Keys::of(items.iter()) {
            Keys::Ints => {
                // Equal integers are the same, so nobody can tell a stable sort.
                items.sort_unstable_by_key(|item| match item {
                    Obj::Int(n) => *n,
                    _ => 0,
                });
                Ok(())
            }
            kind => timsort::sort(items, |a, b| kind.less(a, b)),
        },
        Some(key) => by_key(items, key),
    };
    if reverse {
        items.reverse();
    }
    done
}

fn by_key(items: &mut Vec<Obj>, key: &Obj) -> Py<()> {
    let mut keys = Vec::with_capacity(items.len());
    for item in items.iter() {
        keys.push(call::call(key, &Args::positional(std::slice::from_ref(item)))?);
    }
    if Keys::of(keys.iter()) == Keys::Ints {
        by_numbers(items, &keys);
        return Ok(());
    }
    let mut pairs: Vec<(Obj, Obj)> = keys.into_iter().zip(items.drain(..)).collect();
    let done = pairs_by_key(&mut pairs);
    items.extend(pairs.into_iter().map(|(_, item)| item));
    done
}

/// Sorts by keys that are all small integers: with the place beside the key, any sort is stable.
fn by_numbers(items: &mut [Obj], keys: &[Obj]) {
    let number = |(at, key): (usize, &Obj)| match key {
        Obj::Int(n) => (*n, at),
        _ => (0, at),
    };
    let mut order: Vec<(i64, usize)> = keys.iter().enumerate().map(number).collect();
    order.sort_unstable();
    let mut old: Vec<Obj> = items.iter_mut().map(std::mem::take).collect();
    for (item, (_, at)) in items.iter_mut().zip(order) {
        if let Some(moved) = old.get_mut(at) {
            std::mem::swap(item, moved);
        }
    }
}

/// Sorts pairs by what is first in them.
pub fn by_first(pairs: &mut [(Obj, Obj)], reverse: bool) -> Py<()> {
    if reverse {
        pairs.reverse();
    }
    let done = pairs_by_key(pairs);
    if reverse {
        pairs.reverse();
    }
    done
}

fn pairs_by_key(pairs: &mut [(Obj, Obj)]) -> Py<()> {
    let kind = Keys::of(pairs.iter().map(|(key, _)| key));
    timsort::sort(pairs, |(a, _), (b, _)| kind.less(a, b))
}

/// What all keys are, if it is one type that compares quickly.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Ints,
    Floats,
    Texts,
    Mixed,
}

impl Keys {
    fn of<'a>(mut keys: impl Iterator<Item = &'a Obj>) -> Keys {
        let kind = |key: &Obj| match key {
            Obj::Int(_) => Keys::Ints,
            Obj::Float(_) => Keys::Floats,
            Obj::Str(_) => Keys::Texts,
            _ => Keys::Mixed,
        };
        let Some(first) = keys.next().map(kind) else {
            return Keys::Mixed;
        };
        if keys.all(|key| kind(key) == first) {
            first
        } else {
            Keys::Mixed
        }
    }

    fn less(self, a: &Obj, b: &Obj) -> Py<bool> {
        Ok(match (self, a, b) {
            (Keys::Ints, Obj::Int(a), Obj::Int(b)) => a < b,
            (Keys::Floats, Obj::Float(a), Obj::Float(b)) => a < b,
            // UTF-8 keeps the order of code points.
            (Keys::Texts, Obj::Str(a), Obj::Str(b)) => a.as_bytes() < b.as_bytes(),
            (_, a, b) => return compare::less(a, b),
        })
    }
}
