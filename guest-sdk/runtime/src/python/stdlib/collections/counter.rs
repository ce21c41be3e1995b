//! `Counter`: its constructor, counting, and its operators.

use std::cmp::Ordering;

use super::{DictKind, of_kind};
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::compare;
use crate::python::error::{Py, type_error};
use crate::python::iter;
use crate::python::object::{Args, Obj};
use crate::python::table::Table;

pub fn new(args: &Args) -> Py {
    let count = args.plain().len();
    if count > 1 {
        return Err(type_error(format!(
            "Counter.__init__() takes from 1 to 2 positional arguments but {} were given",
            count + 1
        )));
    }
    let mut table = Table::default();
    if let Some(source) = args.plain().first().filter(|source| !source.is_none()) {
        count_into(&mut table, source)?;
    }
    for (name, value) in args.names.iter().zip(args.values.iter().skip(count)) {
        add(&mut table, Obj::Str(name.clone()), value)?;
    }
    Ok(of_kind(table, DictKind::Counter))
}

/// Adds the counts of a mapping, or counts the items of an iterable.
fn count_into(table: &mut Table<Obj>, source: &Obj) -> Py<()> {
    if let Some(entries) = entries(source) {
        // As CPython: into an empty counter the values are taken as they are, numbers or not.
        for (key, value) in entries {
            table.insert(key, value)?;
        }
        return Ok(());
    }
    iter::each(source, |item| {
        add(table, item, &Obj::Int(1))?;
        Ok(true)
    })
}

/// Adds to the count of one item.
fn add(table: &mut Table<Obj>, key: Obj, value: &Obj) -> Py<()> {
    let sum = match (table.get(&key)?, value) {
        (Some(Obj::Int(count)), Obj::Int(more)) => match count.checked_add(*more) {
            Some(sum) => Obj::Int(sum),
            None => arith::binary(BinaryOp::Add, false, &Obj::Int(count), value)?,
        },
        (Some(count), value) => arith::binary(BinaryOp::Add, false, &count, value)?,
        (None, value) => value.clone(),
    };
    table.insert(key, sum)?;
    Ok(())
}

/// Keys and values of a dict.
fn entries(source: &Obj) -> Option<Vec<(Obj, Obj)>> {
    match source {
        Obj::Dict(dict) => {
            let table = dict.table.borrow();
            Some(table.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        _ => None,
    }
}

/// A copy that keeps what counts: entries whose value is above zero.
fn positive(table: Vec<(Obj, Obj)>) -> Py {
    let mut kept = Table::default();
    for (key, value) in table {
        if compare::less(&Obj::Int(0), &value)? {
            kept.insert(key, value)?;
        }
    }
    Ok(of_kind(kept, DictKind::Counter))
}

/// `a + b`, `a - b`, `a & b`, `a | b` of two counters; `None` when the operands are others.
pub fn binary(op: BinaryOp, a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    let counters = [a, b]
        .into_iter()
        .all(|object| matches!(super::kind(object), Some(DictKind::Counter)));
    if !counters || !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::And | BinaryOp::Or) {
        return Ok(None);
    }
    let (Obj::Dict(first), Obj::Dict(second), Some(left), Some(right)) = (a, b, entries(a), entries(b)) else {
        return Ok(None);
    };
    let count =
        |dict: &crate::python::object::Dict, key: &Obj| -> Py { Ok(dict.table.borrow().get(key)?.unwrap_or(Obj::Int(0))) };
    let smaller = |a: Obj, b: Obj| -> Py { Ok(if compare::less(&a, &b)? { a } else { b }) };
    let larger = |a: Obj, b: Obj| -> Py { Ok(if compare::less(&a, &b)? { b } else { a }) };
    let mut result = Vec::with_capacity(left.len());
    for (key, value) in left {
        let other = count(second, &key)?;
        let value = match op {
            BinaryOp::Add | BinaryOp::Sub => arith::binary(op, false, &value, &other)?,
            BinaryOp::And => smaller(value, other)?,
            _ => larger(value, other)?,
        };
        result.push((key, value));
    }
    for (key, value) in right {
        if op == BinaryOp::And || first.table.borrow().get(&key)?.is_some() {
            continue;
        }
        let value = match op {
            BinaryOp::Sub => arith::binary(op, false, &Obj::Int(0), &value)?,
            _ => value,
        };
        result.push((key, value));
    }
    positive(result).map(Some)
}

/// `+counter` and `-counter`; `None` for anything else.
pub fn unary(op: UnaryOp, counter: &Obj) -> Py<Option<Obj>> {
    if !matches!(super::kind(counter), Some(DictKind::Counter)) {
        return Ok(None);
    }
    let mut entries = entries(counter).unwrap_or_default();
    match op {
        UnaryOp::Pos => {}
        UnaryOp::Neg => {
            for (_, value) in &mut entries {
                *value = arith::binary(BinaryOp::Sub, false, &Obj::Int(0), value)?;
            }
        }
        _ => return Ok(None),
    }
    positive(entries).map(Some)
}

/// How two counters relate as multisets; `None` when neither contains the other, or they are no counters.
pub fn order(a: &Obj, b: &Obj) -> Py<Option<Ordering>> {
    let (Obj::Dict(first), Obj::Dict(second), Some(left), Some(right)) = (a, b, entries(a), entries(b)) else {
        return Ok(None);
    };
    let (mut less, mut greater) = (false, false);
    for (key, _) in left.iter().chain(&right) {
        let count = |dict: &crate::python::object::Dict| -> Py { Ok(dict.table.borrow().get(key)?.unwrap_or(Obj::Int(0))) };
        let (one, other) = (count(first)?, count(second)?);
        less |= compare::less(&one, &other)?;
        greater |= compare::less(&other, &one)?;
    }
    Ok(match (less, greater) {
        (false, false) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (true, true) => None,
    })
}
