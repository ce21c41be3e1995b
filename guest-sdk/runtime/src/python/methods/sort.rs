//! `list.sort` and `sorted`: keys, direction, and comparisons by what the keys are.

use super::{ranks, timsort};
use crate::python::error::Py;
use crate::python::object::{Args, Obj};
use crate::python::{call, compare};

/// Sorts in place. After an error the items are all there, in some order.
pub fn sort(items: &mut Vec<Obj>, key: Option<&Obj>, reverse: bool) -> Py<()> {
    let mut keys = match key.filter(|key| !key.is_none()) {
        None => None,
        // Keys are asked for in the order of the items, whatever the direction.
        Some(key) => {
            let mut keys = Vec::with_capacity(items.len());
            for item in items.iter() {
                keys.push(call::call(key, &Args::positional(std::slice::from_ref(item)))?);
            }
            Some(keys)
        }
    };
    // Turned round before and after, equals keep their order.
    if reverse {
        items.reverse();
        keys.iter_mut().for_each(|keys| keys.reverse());
    }
    let done = match keys {
        None => match ranks::order(items.iter()) {
            Some(order) => {
                arrange(items, &order);
                Ok(())
            }
            None => timsort::sort(items, compare::less),
        },
        Some(keys) => by_keys(items, keys),
    };
    if reverse {
        items.reverse();
    }
    done
}

fn by_keys(items: &mut Vec<Obj>, keys: Vec<Obj>) -> Py<()> {
    if let Some(order) = ranks::order(keys.iter()) {
        arrange(items, &order);
        return Ok(());
    }
    let mut pairs: Vec<(Obj, Obj)> = keys.into_iter().zip(items.drain(..)).collect();
    let done = pairs_by_key(&mut pairs);
    items.extend(pairs.into_iter().map(|(_, item)| item));
    done
}

/// Puts the items into an order of their places.
fn arrange(items: &mut [Obj], order: &[u32]) {
    let mut old: Vec<Obj> = items.iter_mut().map(std::mem::take).collect();
    for (item, at) in items.iter_mut().zip(order) {
        if let Some(moved) = old.get_mut(*at as usize) {
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
    timsort::sort(pairs, |(a, _), (b, _)| compare::less(a, b))
}
