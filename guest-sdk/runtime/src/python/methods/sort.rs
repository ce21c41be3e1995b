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
        None => {
            let kind = Keys::of(items.iter());
            timsort::sort(items, |a, b| kind.less(a, b))
        }
        Some(key) => by_key(items, key),
    };
    if reverse {
        items.reverse();
    }
    done
}

fn by_key(items: &mut Vec<Obj>, key: &Obj) -> Py<()> {
    let mut pairs = Vec::with_capacity(items.len());
    for item in items.iter() {
        let arguments = [item.clone()];
        let key = call::call(key, &Args::positional(&arguments))?;
        let [item] = arguments;
        pairs.push((key, item));
    }
    let done = pairs_by_key(&mut pairs);
    items.clear();
    items.extend(pairs.into_iter().map(|(_, item)| item));
    done
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
