//! Operators of sets, dicts and counters.

use std::cell::RefCell;
use std::rc::Rc;

use super::arith::{self, BinaryOp};
use super::compare::{CompareOp, test};
use super::error::{Py, type_error, value_error};
use super::keyed;
use super::object::{Dict, DictKind, Name, Obj, Set};
use super::table::Table;
use super::text::type_name;
use super::{attr, call, iter};

/// `a op b` of two sets; the result is of the kind of `a`, or is `a` itself. `None` for operators that sets do not have.
pub fn sets(op: BinaryOp, inplace: bool, a: &Rc<Set>, b: &Rc<Set>) -> Py<Option<Obj>> {
    if !matches!(op, BinaryOp::Or | BinaryOp::And | BinaryOp::Sub | BinaryOp::Xor) {
        return Ok(None);
    }
    let b = keyed::aligned(a, b)?;
    if inplace && !a.frozen {
        set_in_place(op, a, &b);
        return Ok(Some(Obj::Set(a.clone())));
    }
    let (left, right) = (a.table.borrow(), b.table.borrow());
    let table = match op {
        BinaryOp::And => left.intersection(&right),
        BinaryOp::Sub => left.difference(&right),
        BinaryOp::Xor => left.symmetric_difference(&right),
        _ => {
            let mut all = left.copy();
            all.merge(&right);
            all
        }
    };
    Ok(Some(Obj::set(table, a.frozen)))
}

fn set_in_place(op: BinaryOp, a: &Rc<Set>, b: &Rc<Set>) {
    let mut table = a.table.borrow_mut();
    if Rc::ptr_eq(a, b) {
        // Together with itself, a set is unchanged or nothing.
        if matches!(op, BinaryOp::Sub | BinaryOp::Xor) {
            table.clear();
        }
        return;
    }
    let other = b.table.borrow();
    match op {
        BinaryOp::And => *table = table.intersection(&other),
        BinaryOp::Sub => table.remove_all(&other),
        BinaryOp::Xor => table.toggle_all(&other),
        _ => table.merge(&other),
    }
}

/// `a op b` of dicts, where `b` may be any mapping for `|=`.
pub fn dicts(op: BinaryOp, inplace: bool, a: &Rc<Dict>, b: &Obj) -> Py<Option<Obj>> {
    if let (DictKind::Counter, Obj::Dict(other)) = (&a.kind, b)
        && let DictKind::Counter = other.kind
    {
        return counters(op, inplace, a, other);
    }
    match (op, b) {
        (BinaryOp::Or, _) if inplace => {
            update(a, b)?;
            Ok(Some(Obj::Dict(a.clone())))
        }
        (BinaryOp::Or, Obj::Dict(other)) => {
            let merged = Rc::new(Dict {
                table: RefCell::new(a.table.borrow().clone()),
                kind: same_kind(&a.kind),
            });
            update(&merged, &Obj::Dict(other.clone()))?;
            Ok(Some(Obj::Dict(merged)))
        }
        _ => Ok(None),
    }
}

fn same_kind(kind: &DictKind) -> DictKind {
    match kind {
        DictKind::Plain => DictKind::Plain,
        DictKind::Ordered => DictKind::Ordered,
        DictKind::Counter => DictKind::Counter,
        DictKind::Default(factory) => DictKind::Default(RefCell::new(factory.borrow().clone())),
    }
}

/// `dict.update(other)`: a mapping, or an iterable of pairs.
pub fn update(dict: &Rc<Dict>, other: &Obj) -> Py<()> {
    if let Obj::Dict(other) = other {
        if Rc::ptr_eq(dict, other) {
            return Ok(());
        }
        let (mut place, from) = (0, &other.table);
        loop {
            let next = from
                .borrow()
                .entry_at(place)
                .map(|(next, key, value)| (next, key.clone(), value.clone()));
            let Some((next, key, value)) = next else { return Ok(()) };
            keyed::dict_set(dict, key, value)?;
            place = next;
        }
    }
    // Whatever has keys is a mapping.
    if matches!(other, Obj::Instance(_) | Obj::Native(_)) && attr::getattr(other, &Name::new("keys")).is_ok() {
        let keys = call::call_method(other, &Name::new("keys"), &super::object::Args::positional(&[]))?;
        return iter::each(&keys, |key| {
            let value = super::subscript::getitem(other, &key)?;
            keyed::dict_set(dict, key, value)?;
            Ok(true)
        });
    }
    let mut at = 0;
    iter::each(other, |pair| {
        let items = match &pair {
            Obj::Tuple(items) => items.to_vec(),
            Obj::List(list) => list.0.borrow().clone(),
            other => iter::collect(other).map_err(|_| {
                let text = format!("cannot convert dictionary update sequence element #{at} to a sequence");
                type_error(text)
            })?,
        };
        let [key, value] = items.as_slice() else {
            return Err(value_error(format!(
                "dictionary update sequence element #{at} has length {}; 2 is required",
                items.len()
            )));
        };
        keyed::dict_set(dict, key.clone(), value.clone())?;
        at += 1;
        Ok(true)
    })
}

/// `a op b` of two counters: only counts above zero remain.
fn counters(op: BinaryOp, inplace: bool, a: &Rc<Dict>, b: &Rc<Dict>) -> Py<Option<Obj>> {
    if !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::And | BinaryOp::Or) {
        return Ok(None);
    }
    let zero = Obj::Int(0);
    let count = |dict: &Rc<Dict>, key: &Obj| keyed::dict_get(dict, key).map(|count| count.unwrap_or(Obj::Int(0)));
    let keys = |dict: &Rc<Dict>| dict.table.borrow().keys().cloned().collect::<Vec<_>>();
    let mut result = Table::default();
    let mut keep = |key: &Obj, count: Obj| -> Py<()> {
        if test(CompareOp::Gt, &count, &zero)? {
            result.insert(key.clone(), count)?;
        }
        Ok(())
    };
    for key in keys(a) {
        let (left, right) = (count(a, &key)?, count(b, &key)?);
        let merged = match op {
            BinaryOp::Add | BinaryOp::Sub => arith::binary(op, false, &left, &right)?,
            BinaryOp::And if test(CompareOp::Lt, &right, &left)? => right,
            BinaryOp::Or if test(CompareOp::Gt, &right, &left)? => right,
            _ => left,
        };
        keep(&key, merged)?;
    }
    for key in keys(b) {
        if op == BinaryOp::And || keyed::dict_contains(a, &key)? {
            continue;
        }
        let right = count(b, &key)?;
        let merged = if op == BinaryOp::Sub {
            arith::binary(op, false, &zero, &right)?
        } else {
            right
        };
        keep(&key, merged)?;
    }
    if inplace {
        *a.table.borrow_mut() = result;
        return Ok(Some(Obj::Dict(a.clone())));
    }
    Ok(Some(counter(result)))
}

/// `+counter` and `-counter`
pub fn signed_counter(dict: &Rc<Dict>, negative: bool) -> Py {
    let pairs: Vec<(Obj, Obj)> = {
        let table = dict.table.borrow();
        table.iter().map(|(key, count)| (key.clone(), count.clone())).collect()
    };
    let mut result = Table::default();
    for (key, count) in pairs {
        let count = if negative {
            arith::unary(arith::UnaryOp::Neg, &count)?
        } else {
            count
        };
        if test(CompareOp::Gt, &count, &Obj::Int(0))? {
            result.insert(key, count)?;
        }
    }
    Ok(counter(result))
}

fn counter(table: Table<Obj>) -> Obj {
    Obj::Dict(Rc::new(Dict {
        table: RefCell::new(table),
        kind: DictKind::Counter,
    }))
}

/// `int | str`: what `isinstance` accepts, a tuple of the types. `None` when one is no type.
pub fn types(a: &Obj, b: &Obj) -> Option<Obj> {
    let mut all = Vec::new();
    for side in [a, b] {
        match side {
            Obj::Tuple(types) if !types.is_empty() && types.iter().all(is_type) => all.extend(types.iter().cloned()),
            Obj::None => all.push(Obj::Builtin(super::names::Builtin::NoneType)),
            class if is_type(class) => all.push(class.clone()),
            _ => return None,
        }
    }
    // Two Nones are no types.
    (!a.is_none() || !b.is_none()).then(|| Obj::tuple(all))
}

fn is_type(value: &Obj) -> bool {
    type_name(value).as_ref() == "type"
}
