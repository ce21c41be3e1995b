//! Equality, ordering and truth.
//!
//! Items of containers are compared by identity first, as CPython does. What may run code of the program (a method of a user class)
//! never runs while a container is borrowed.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::depth;
use super::dunder::{self, Special};
use super::error::{Py, type_error};
use super::keyed;
use super::number;
use super::object::{Dict, DictKind, List, Obj, Range, Set, Slice, Text};
use super::subscript::range_len;
use super::text::type_name;

pub use super::membership::{contains, in_range};

/// Compiled code names an operator by its number here; the compiler uses this type for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CompareOp {
    Eq = 0,
    Ne = 1,
    Lt = 2,
    Le = 3,
    Gt = 4,
    Ge = 5,
    Is = 6,
    IsNot = 7,
    In = 8,
    NotIn = 9,
}

impl CompareOp {
    pub fn at(number: u32) -> Option<Self> {
        use CompareOp::*;
        [Eq, Ne, Lt, Le, Gt, Ge, Is, IsNot, In, NotIn].get(number as usize).copied()
    }
    pub fn symbol(self) -> &'static str {
        use CompareOp::*;
        match self {
            Eq => "==",
            Ne => "!=",
            Lt => "<",
            Le => "<=",
            Gt => ">",
            Ge => ">=",
            Is => "is",
            IsNot => "is not",
            In => "in",
            NotIn => "not in",
        }
    }
    /// The operator that means the same with the operands swapped.
    fn reflected(self) -> Self {
        use CompareOp::*;
        match self {
            Lt => Gt,
            Le => Ge,
            Gt => Lt,
            Ge => Le,
            same => same,
        }
    }
    fn special(self) -> Option<Special> {
        use CompareOp::*;
        Some(match self {
            Eq => Special::Eq,
            Ne => Special::Ne,
            Lt => Special::Lt,
            Le => Special::Le,
            Gt => Special::Gt,
            Ge => Special::Ge,
            _ => return None,
        })
    }
    /// Whether an order answers the operator with yes; no order (NaN, sets beside each other) never does, but for `!=`.
    pub fn accepts(self, order: Option<Ordering>) -> bool {
        use CompareOp::*;
        match self {
            Eq => order == Some(Ordering::Equal),
            Ne => order != Some(Ordering::Equal),
            Lt => order == Some(Ordering::Less),
            Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Gt => order == Some(Ordering::Greater),
            Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Is | IsNot | In | NotIn => false,
        }
    }
}

thread_local! {
    /// More than 0 while a table compares keys: methods of the program must not run then.
    static QUIET: Cell<u32> = const { Cell::new(0) };
}

/// Runs a comparison that must not run code of the program: instances are equal only to themselves. What raises is not equal.
pub fn quietly(work: impl FnOnce() -> Py<bool>) -> bool {
    QUIET.set(QUIET.get() + 1);
    let result = work();
    QUIET.set(QUIET.get().saturating_sub(1));
    result.unwrap_or(false)
}

/// The result as an object (a user class may return anything).
pub fn compare(op: CompareOp, a: &Obj, b: &Obj) -> Py {
    if let (Obj::Str(_), Obj::Str(_)) | (Obj::Int(_), Obj::Int(_)) = (a, b) {
        return test(op, a, b).map(Obj::Bool);
    }
    if (dunder::is_user(a) || dunder::is_user(b))
        && let Some(result) = of_user(op, a, b)?
    {
        return Ok(result);
    }
    test(op, a, b).map(Obj::Bool)
}

/// As [`compare`], as truth.
pub fn test(op: CompareOp, a: &Obj, b: &Obj) -> Py<bool> {
    use CompareOp::*;
    match op {
        Eq => equals(a, b),
        Ne => different(a, b),
        Is => Ok(a.is(b)),
        IsNot => Ok(!a.is(b)),
        In => contains(b, a),
        NotIn => Ok(!contains(b, a)?),
        Lt | Le | Gt | Ge => ordered(op, a, b),
    }
}

/// Methods of user classes: `None` when neither side has an answer.
fn of_user(op: CompareOp, a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    let (Some(special), Some(back)) = (op.special(), op.reflected().special()) else {
        return Ok(None);
    };
    if QUIET.get() > 0 {
        return Ok(None);
    }
    let _level = depth::enter(" in comparison")?;
    // A class derived from the other's class answers first.
    let mut sides = [(a, special, b), (b, back, a)];
    if dunder::is_derived(b, a) {
        sides.reverse();
    }
    for (this, special, other) in sides {
        let mut result = dunder::call(this, special, std::slice::from_ref(other))?;
        // `!=` without a method of its own is the opposite of `==`.
        if result.is_none() && special == Special::Ne {
            result = dunder::call(this, Special::Eq, std::slice::from_ref(other))?;
            if let Some(answer) = result.as_ref().filter(|answer| !matches!(answer, Obj::NotImplemented)) {
                result = Some(Obj::Bool(!truth(answer)?));
            }
        }
        if let Some(answer) = result.filter(|answer| !matches!(answer, Obj::NotImplemented)) {
            return Ok(Some(answer));
        }
    }
    Ok(None)
}

fn different(a: &Obj, b: &Obj) -> Py<bool> {
    if dunder::is_user(a) || dunder::is_user(b) {
        return match of_user(CompareOp::Ne, a, b)? {
            Some(answer) => truth(&answer),
            None => Ok(!a.is(b)),
        };
    }
    Ok(!equals(a, b)?)
}

/// Equality where it is known without following anything, `None` where it is not.
#[inline]
pub(super) fn quick(a: &Obj, b: &Obj) -> Option<bool> {
    Some(match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => a == b,
        (Obj::Str(a), Obj::Str(b)) => same_text(a, b),
        (Obj::None, Obj::None) => true,
        (Obj::Bool(a), Obj::Bool(b)) => a == b,
        (Obj::Float(a), Obj::Float(b)) => a == b,
        (Obj::Str(_), Obj::Int(_) | Obj::Float(_) | Obj::None | Obj::Bool(_)) => false,
        (Obj::Int(_) | Obj::Float(_) | Obj::None | Obj::Bool(_), Obj::Str(_)) => false,
        (Obj::None, Obj::Int(_) | Obj::Float(_) | Obj::Bool(_)) => false,
        (Obj::Int(_) | Obj::Float(_) | Obj::Bool(_), Obj::None) => false,
        _ => return None,
    })
}

fn same_text(a: &Rc<Text>, b: &Rc<Text>) -> bool {
    if Rc::ptr_eq(a, b) {
        return true;
    }
    let (hash_a, hash_b) = (a.hash.get(), b.hash.get());
    (hash_a == hash_b || hash_a == 0 || hash_b == 0) && a.text == b.text
}

#[inline]
pub fn equals(a: &Obj, b: &Obj) -> Py<bool> {
    match quick(a, b) {
        Some(answer) => Ok(answer),
        None => deep_equals(a, b),
    }
}

/// Equality of items of a container: the same object is equal to itself, whatever it says.
#[inline]
pub fn same_item(a: &Obj, b: &Obj) -> Py<bool> {
    match quick(a, b) {
        // NaN is the only number that differs from itself.
        Some(false) if matches!(a, Obj::Float(_)) => Ok(a.is(b)),
        Some(answer) => Ok(answer),
        None if is_identical(a, b) => Ok(true),
        None => deep_equals(a, b),
    }
}

/// The same heap object; not by value, as [`Obj::is`] also compares.
fn is_identical(a: &Obj, b: &Obj) -> bool {
    match (a.address(), b.address()) {
        (Some(a), Some(b)) => a == b,
        _ => a.is(b),
    }
}

fn deep_equals(a: &Obj, b: &Obj) -> Py<bool> {
    match (a, b) {
        (Obj::List(a), Obj::List(b)) => Ok(Rc::ptr_eq(a, b) || lists(a, b)?),
        (Obj::Tuple(a), Obj::Tuple(b)) => tuples(a, b),
        (Obj::Dict(a), Obj::Dict(b)) => dicts(a, b),
        (Obj::Set(a), Obj::Set(b)) => Ok(Rc::ptr_eq(a, b) || sets(a, b)?),
        (Obj::Bytes(a), Obj::Bytes(b)) => Ok(a == b),
        (Obj::Range(a), Obj::Range(b)) => Ok(ranges(a, b)),
        (Obj::Slice(a), Obj::Slice(b)) => {
            Ok(same_item(&a.start, &b.start)? && same_item(&a.stop, &b.stop)? && same_item(&a.step, &b.step)?)
        }
        (Obj::Bound(a), Obj::Bound(b)) => Ok(a.this.is(&b.this) && a.function.is(&b.function)),
        (Obj::BuiltinMethod(a), Obj::BuiltinMethod(b)) => Ok(a.this.is(&b.this) && a.name.text.text == b.name.text.text),
        (Obj::Native(native), other) | (other, Obj::Native(native)) => {
            if let Some(answer) = native.equals(other)? {
                return Ok(answer);
            }
            if let (Obj::Native(_), Obj::Native(second)) = (a, b)
                && let Some(answer) = second.equals(a)?
            {
                return Ok(answer);
            }
            user_equals(a, b)
        }
        _ => match number::order(a, b) {
            Some(order) => Ok(order == Some(Ordering::Equal)),
            None => user_equals(a, b),
        },
    }
}

fn user_equals(a: &Obj, b: &Obj) -> Py<bool> {
    if (dunder::is_user(a) || dunder::is_user(b))
        && let Some(answer) = of_user(CompareOp::Eq, a, b)?
    {
        return truth(&answer);
    }
    Ok(a.is(b))
}

fn lists(a: &Rc<List>, b: &Rc<List>) -> Py<bool> {
    if a.0.borrow().len() != b.0.borrow().len() {
        return Ok(false);
    }
    Ok(first_difference(a, b)?.is_none_or(|(a, b)| a.is_none() && b.is_none()))
}

/// The first items that differ, with `None` for a list that is at its end. `None` when there is no difference.
fn first_difference(a: &Rc<List>, b: &Rc<List>) -> Py<Option<(Option<Obj>, Option<Obj>)>> {
    let _level = depth::enter(" in comparison")?;
    let mut at = 0;
    loop {
        let (left, right) = {
            let (a, b) = (a.0.borrow(), b.0.borrow());
            // As far as nothing can run, in one go.
            while let (Some(left), Some(right)) = (a.get(at), b.get(at))
                && quick(left, right) == Some(true)
            {
                at += 1;
            }
            match (a.get(at), b.get(at)) {
                (None, None) => return Ok(None),
                (left, right) => (left.cloned(), right.cloned()),
            }
        };
        match (&left, &right) {
            (Some(a), Some(b)) if same_item(a, b)? => at += 1,
            _ => return Ok(Some((left, right))),
        }
    }
}

fn tuples(a: &Rc<[Obj]>, b: &Rc<[Obj]>) -> Py<bool> {
    if Rc::ptr_eq(a, b) {
        return Ok(true);
    }
    if a.len() != b.len() {
        return Ok(false);
    }
    let _level = depth::enter(" in comparison")?;
    for (a, b) in a.iter().zip(b.iter()) {
        if !same_item(a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn dicts(a: &Rc<Dict>, b: &Rc<Dict>) -> Py<bool> {
    if Rc::ptr_eq(a, b) {
        return Ok(true);
    }
    if let (DictKind::Counter, DictKind::Counter) = (&a.kind, &b.kind) {
        return counters(CompareOp::Eq, a, b);
    }
    if a.table.borrow().len() != b.table.borrow().len() {
        return Ok(false);
    }
    let _level = depth::enter(" in comparison")?;
    let in_order = matches!((&a.kind, &b.kind), (DictKind::Ordered, DictKind::Ordered));
    let (mut place, mut other_place) = (0, 0);
    loop {
        let (key, left) = {
            let (a, b) = (a.table.borrow(), b.table.borrow());
            let Some((next, key, left)) = a.entry_at(place) else {
                return Ok(true);
            };
            place = next;
            if in_order {
                match b.entry_at(other_place) {
                    Some((next, other, _)) if super::hash::same_key(key, other) => other_place = next,
                    _ => return Ok(false),
                }
            }
            if let Obj::Str(text) = key {
                match b.get_text(text) {
                    None => return Ok(false),
                    Some(right) if quick(left, right) == Some(true) => continue,
                    Some(_) => {}
                }
            }
            (key.clone(), left.clone())
        };
        let found = if QUIET.get() > 0 {
            b.table.borrow().get(&key)?
        } else {
            keyed::dict_get(b, &key)?
        };
        match found {
            Some(right) if same_item(&left, &right)? => {}
            _ => return Ok(false),
        }
    }
}

/// Counters compare the counts of all their keys; one that is missing counts 0.
fn counters(op: CompareOp, a: &Rc<Dict>, b: &Rc<Dict>) -> Py<bool> {
    let _level = depth::enter(" in comparison")?;
    let all = |dict: &Rc<Dict>| dict.table.borrow().keys().cloned().collect::<Vec<_>>();
    for key in all(a).iter().chain(&all(b)) {
        let count = |dict: &Rc<Dict>| dict.table.borrow().get(key).map(|count| count.unwrap_or(Obj::Int(0)));
        if !test(op, &count(a)?, &count(b)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sets(a: &Rc<Set>, b: &Rc<Set>) -> Py<bool> {
    if a.table.borrow().len() != b.table.borrow().len() {
        return Ok(false);
    }
    Ok(set_order(a, b)? == Some(Ordering::Equal))
}

fn ranges(a: &Range, b: &Range) -> bool {
    let len = range_len(a);
    len == range_len(b) && (len == 0 || (a.start == b.start && (len == 1 || a.step == b.step)))
}

pub fn less(a: &Obj, b: &Obj) -> Py<bool> {
    match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => Ok(a < b),
        (Obj::Str(a), Obj::Str(b)) => Ok(a.text < b.text),
        (Obj::Float(a), Obj::Float(b)) => Ok(a < b),
        _ => ordered(CompareOp::Lt, a, b),
    }
}

fn ordered(op: CompareOp, a: &Obj, b: &Obj) -> Py<bool> {
    match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => return Ok(op.accepts(Some(a.cmp(b)))),
        // The order of UTF-8 bytes is that of code points.
        (Obj::Str(a), Obj::Str(b)) => return Ok(op.accepts(Some(a.text.cmp(&b.text)))),
        (Obj::Bytes(a), Obj::Bytes(b)) => return Ok(op.accepts(Some(a.cmp(b)))),
        (Obj::List(a), Obj::List(b)) => {
            return first_difference(a, b)?.map_or(Ok(op.accepts(Some(Ordering::Equal))), |pair| decide(op, pair));
        }
        (Obj::Tuple(a), Obj::Tuple(b)) => {
            let _level = depth::enter(" in comparison")?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !same_item(a, b)? {
                    return ordered(op, a, b);
                }
            }
            return Ok(op.accepts(Some(a.len().cmp(&b.len()))));
        }
        (Obj::Set(a), Obj::Set(b)) => return Ok(op.accepts(set_order(a, b)?)),
        (Obj::Slice(a), Obj::Slice(b)) => {
            let parts = |slice: &Slice| Obj::tuple([slice.start.clone(), slice.stop.clone(), slice.step.clone()]);
            return ordered(op, &parts(a), &parts(b));
        }
        (Obj::Dict(left), Obj::Dict(right)) => {
            if let (DictKind::Counter, DictKind::Counter) = (&left.kind, &right.kind) {
                return match op {
                    CompareOp::Lt => Ok(counters(CompareOp::Le, left, right)? && !dicts(left, right)?),
                    CompareOp::Gt => Ok(counters(CompareOp::Ge, left, right)? && !dicts(left, right)?),
                    _ => counters(op, left, right),
                };
            }
        }
        _ => {}
    }
    if let Some(order) = number::order(a, b) {
        return Ok(op.accepts(order));
    }
    if let Obj::Native(native) = a
        && let Some(order) = native.order(b)?
    {
        return Ok(op.accepts(Some(order)));
    }
    if let Obj::Native(native) = b
        && let Some(order) = native.order(a)?
    {
        return Ok(op.reflected().accepts(Some(order)));
    }
    if (dunder::is_user(a) || dunder::is_user(b))
        && let Some(answer) = of_user(op, a, b)?
    {
        return truth(&answer);
    }
    Err(type_error(format!(
        "'{}' not supported between instances of '{}' and '{}'",
        op.symbol(),
        type_name(a),
        type_name(b)
    )))
}

/// The order of two lists by their first difference.
fn decide(op: CompareOp, difference: (Option<Obj>, Option<Obj>)) -> Py<bool> {
    match difference {
        (Some(a), Some(b)) => ordered(op, &a, &b),
        (a, b) => Ok(op.accepts(Some(a.is_some().cmp(&b.is_some())))),
    }
}

/// Sets are ordered by inclusion.
fn set_order(a: &Rc<Set>, b: &Rc<Set>) -> Py<Option<Ordering>> {
    let b = if QUIET.get() > 0 { b.clone() } else { keyed::aligned(a, b)? };
    let (a, b) = (a.table.borrow(), b.table.borrow());
    Ok(match a.len().cmp(&b.len()) {
        Ordering::Greater => b.is_subset(&a).then_some(Ordering::Greater),
        order => a.is_subset(&b).then_some(order),
    })
}

#[inline]
pub fn truth(value: &Obj) -> Py<bool> {
    Ok(match value {
        Obj::Bool(b) => *b,
        Obj::None => false,
        Obj::Int(n) => *n != 0,
        Obj::Float(f) => *f != 0.0,
        Obj::Str(text) => !text.is_empty(),
        Obj::Bytes(bytes) => !bytes.is_empty(),
        Obj::List(list) => !list.0.borrow().is_empty(),
        Obj::Tuple(items) => !items.is_empty(),
        Obj::Dict(dict) => !dict.table.borrow().is_empty(),
        Obj::Set(set) => !set.table.borrow().is_empty(),
        Obj::Range(range) => range_len(range) != 0,
        Obj::Native(native) => return native.truth(),
        Obj::Instance(_) | Obj::Exception(_) => return truth_of_user(value),
        _ => true,
    })
}

fn truth_of_user(value: &Obj) -> Py<bool> {
    match dunder::call(value, Special::Bool, &[])? {
        Some(Obj::Bool(b)) => return Ok(b),
        Some(other) => {
            return Err(type_error(format!(
                "__bool__ should return bool, returned {}",
                type_name(&other)
            )));
        }
        None => {}
    }
    match dunder::call(value, Special::Len, &[])? {
        Some(len) => length_of(&len).map(|len| len != 0),
        None => Ok(true),
    }
}

/// What `__len__` may answer.
pub fn length_of(answer: &Obj) -> Py<usize> {
    if let Obj::Big(_) = answer {
        return Err(super::error::overflow_error("cannot fit 'int' into an index-sized integer"));
    }
    let len = super::arith::index(answer)?;
    usize::try_from(len).map_err(|_| super::error::value_error("__len__() should return >= 0"))
}
