//! The module `bisect`.

use super::bind::{bind, need, unless_none};
use super::declare::declare;
use super::itertools::apply;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Name, Obj};
use crate::python::{arith, call, compare, iter, subscript};

declare! {
    "bisect" {
        "bisect_left" => bisect_left,
        "bisect_right" => bisect_right,
        "bisect" => bisect_right,
        "insort_left" => insort_left,
        "insort_right" => insort_right,
        "insort" => insort_right,
    } {}
}

struct Search<'a> {
    items: &'a Obj,
    low: usize,
    high: usize,
    key: Option<&'a Obj>,
}

impl Search<'_> {
    fn key_of(&self, item: Obj) -> Py {
        match self.key {
            Some(key) => apply(key, item),
            None => Ok(item),
        }
    }
    /// Where `x` belongs: before equal items (`left`) or after them.
    fn place(&self, x: &Obj, left: bool) -> Py<usize> {
        let (mut low, mut high) = (self.low, self.high);
        while low < high {
            let middle = low + (high - low) / 2;
            let item = match self.items {
                Obj::List(list) => list.0.borrow().get(middle).cloned(),
                _ => None,
            };
            let item = match item {
                Some(item) => item,
                None => subscript::getitem(self.items, &Obj::Int(middle as i64))?,
            };
            let item = self.key_of(item)?;
            let above = if left {
                !compare::less(&item, x)?
            } else {
                compare::less(x, &item)?
            };
            if above {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}

fn search<'a>(args: &Args<'a>, function: &str) -> Py<(Search<'a>, &'a Obj)> {
    for (at, name) in ["a", "x"].into_iter().enumerate() {
        if args.get(at, name).is_none() {
            let text = format!("{function}() missing required argument '{name}' (pos {})", at + 1);
            return Err(type_error(text));
        }
    }
    let [items, x, low, high, key] = bind(function, args, ["a", "x", "lo", "hi", "key"], 2, 4)?;
    let items = need(items, function)?;
    let low = low.map_or(Ok(0), arith::index)?;
    let low = usize::try_from(low).map_err(|_| value_error("lo must be non-negative"))?;
    let high = match unless_none(high) {
        Some(high) => usize::try_from(arith::index(high)?).unwrap_or(0),
        None => iter::length(items)?,
    };
    let key = unless_none(key);
    Ok((Search { items, low, high, key }, need(x, function)?))
}

fn bisect_left(args: &Args) -> Py {
    let (search, x) = search(args, "bisect_left")?;
    Ok(Obj::Int(search.place(x, true)? as i64))
}

fn bisect_right(args: &Args) -> Py {
    let (search, x) = search(args, "bisect_right")?;
    Ok(Obj::Int(search.place(x, false)? as i64))
}

fn insort(args: &Args, function: &str, left: bool) -> Py {
    let (search, x) = search(args, function)?;
    let key = search.key_of(x.clone())?;
    let place = search.place(&key, left)?;
    call::call_method(
        search.items,
        &Name::new("insert"),
        &Args::positional(&[Obj::Int(place as i64), x.clone()]),
    )
}

fn insort_left(args: &Args) -> Py {
    insort(args, "insort_left", true)
}

fn insort_right(args: &Args) -> Py {
    insort(args, "insort_right", false)
}
