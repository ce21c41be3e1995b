//! `deque`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::python::arith::{self, BinaryOp};
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, Raised, index_error, raise, type_error, value_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Native, NativeType, Obj};
use crate::python::stdlib::declare::arg;
use crate::python::text::{repr, type_name};

/// A list that is quick at both ends.
pub struct Deque {
    items: Rc<RefCell<VecDeque<Obj>>>,
    most: Option<usize>,
    /// Counts changes of length, for iterators.
    version: Rc<Cell<u64>>,
}

pub static DEQUE: NativeType = NativeType {
    module: "collections",
    name: "deque",
    new,
    is_instance: |object| object.as_native::<Deque>().is_some(),
    attribute: |_| None,
};

/// More items than this in one deque are refused.
const MOST: usize = (256 << 20) / std::mem::size_of::<Obj>();

const METHODS: [&str; 16] = [
    "append",
    "appendleft",
    "pop",
    "popleft",
    "extend",
    "extendleft",
    "rotate",
    "clear",
    "copy",
    "count",
    "index",
    "insert",
    "remove",
    "reverse",
    "__copy__",
    "__reversed__",
];

fn new(args: &Args) -> Py {
    args.expect("deque", 0, 2, &["iterable", "maxlen"])?;
    let most = match super::super::declare::given(args, 1, "maxlen") {
        None => None,
        Some(most) => match arith::index(most) {
            Ok(most) => Some(usize::try_from(most).map_err(|_| value_error("maxlen must be non-negative"))?),
            Err(_) => return Err(type_error("an integer is required")),
        },
    };
    let deque = Deque::of(VecDeque::new(), most);
    if let Some(items) = args.get(0, "iterable") {
        deque.extend(items)?;
    }
    Ok(Obj::native(deque))
}

impl Drop for Deque {
    fn drop(&mut self) {
        // An iterator may still need the items.
        if let Some(items) = Rc::get_mut(&mut self.items) {
            crate::python::release::owned(std::mem::take(items.get_mut()));
        }
    }
}

impl Deque {
    fn of(items: VecDeque<Obj>, most: Option<usize>) -> Deque {
        Deque {
            items: Rc::new(RefCell::new(items)),
            most,
            version: Rc::default(),
        }
    }
    /// The items as they are now.
    pub fn items(&self) -> Vec<Obj> {
        self.items.borrow().iter().cloned().collect()
    }
    /// An empty one of the same limit, for `copy`.
    pub fn with_items(&self, items: Vec<Obj>) -> Obj {
        Obj::native(Deque::of(items.into(), self.most))
    }
    fn changed(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }
    fn push(&self, item: Obj) -> Py<()> {
        self.changed();
        // Dropped after the borrow: dropping an object may drop others.
        let dropped = {
            let mut items = self.items.borrow_mut();
            if items.len() >= MOST {
                return Err(raise(Builtin::MemoryError, ""));
            }
            items.push_back(item);
            if self.most.is_some_and(|most| items.len() > most) {
                items.pop_front()
            } else {
                None
            }
        };
        drop(dropped);
        Ok(())
    }
    fn push_left(&self, item: Obj) -> Py<()> {
        self.changed();
        let dropped = {
            let mut items = self.items.borrow_mut();
            if items.len() >= MOST {
                return Err(raise(Builtin::MemoryError, ""));
            }
            items.push_front(item);
            if self.most.is_some_and(|most| items.len() > most) {
                items.pop_back()
            } else {
                None
            }
        };
        drop(dropped);
        Ok(())
    }
    fn extend(&self, source: &Obj) -> Py<()> {
        // A deque may extend itself: its items are taken before any is added.
        if let Some(other) = source.as_native::<Deque>() {
            return other.items().into_iter().try_for_each(|item| self.push(item));
        }
        iter::each(source, |item| self.push(item).map(|()| true))
    }
    fn pop(&self, left: bool) -> Py {
        self.changed();
        let mut items = self.items.borrow_mut();
        let item = if left { items.pop_front() } else { items.pop_back() };
        item.ok_or_else(|| index_error("pop from an empty deque"))
    }
    fn rotate(&self, by: i64) {
        self.changed();
        let mut items = self.items.borrow_mut();
        let len = items.len() as i64;
        if len > 1 {
            items.rotate_right(by.rem_euclid(len) as usize);
        }
    }
    fn place(&self, at: i64, message: &str) -> Py<usize> {
        let len = self.items.borrow().len() as i64;
        let place = if at < 0 { at + len } else { at };
        match usize::try_from(place) {
            Ok(place) if (place as i64) < len => Ok(place),
            _ => Err(index_error(message)),
        }
    }
    fn insert(&self, at: i64, item: Obj) -> Py<()> {
        let len = self.items.borrow().len();
        if self.most.is_some_and(|most| len >= most) {
            return Err(index_error("deque already at its maximum size"));
        }
        self.changed();
        let place = if at < 0 {
            (at + len as i64).max(0)
        } else {
            at.min(len as i64)
        };
        self.items.borrow_mut().insert(place as usize, item);
        Ok(())
    }
    /// The place of the first equal item in a range of places.
    fn find(&self, item: &Obj, from: usize, to: usize) -> Py<Option<usize>> {
        let version = self.version.get();
        for at in from..to {
            let Some(known) = self.items.borrow().get(at).cloned() else {
                break;
            };
            if known.is(item) || compare::equals(&known, item)? {
                return Ok(Some(at));
            }
            if self.version.get() != version {
                return Err(mutated());
            }
        }
        Ok(None)
    }
    fn index(&self, args: &Args) -> Py {
        args.expect("index", 1, 3, &[])?;
        let len = self.items.borrow().len() as i64;
        let bound = |at: usize, absent: i64| -> Py<usize> {
            let bound = args.plain().get(at).map_or(Ok(absent), arith::index)?;
            let bound = if bound < 0 { (bound + len).max(0) } else { bound.min(len) };
            Ok(bound as usize)
        };
        let item = arg(args, 0, "index")?;
        match self.find(item, bound(1, 0)?, bound(2, len)?)? {
            Some(at) => Ok(Obj::Int(at as i64)),
            None => Err(value_error(format!("{} is not in deque", repr(item)?))),
        }
    }
    fn remove(&self, item: &Obj) -> Py<()> {
        let len = self.items.borrow().len();
        let at = self.find(item, 0, len)?;
        let removed = at.and_then(|at| self.items.borrow_mut().remove(at));
        self.changed();
        match removed {
            Some(_) => Ok(()),
            None => Err(value_error(format!("{} is not in deque", repr(item)?))),
        }
    }
    fn count(&self, item: &Obj) -> Py<i64> {
        let mut count = 0;
        for known in self.items() {
            if known.is(item) || compare::equals(&known, item)? {
                count += 1;
            }
        }
        Ok(count)
    }
    /// `deque * n`
    fn repeated(&self, times: i64) -> Py {
        let items = self.items();
        let times = usize::try_from(times).unwrap_or(0);
        let total = items.len().saturating_mul(times);
        let kept = self.most.map_or(total, |most| total.min(most));
        if kept > MOST {
            return Err(raise(Builtin::MemoryError, ""));
        }
        let repeated = items
            .iter()
            .cycle()
            .skip(if items.is_empty() { 0 } else { (total - kept) % items.len() });
        Ok(Obj::native(Deque::of(repeated.take(kept).cloned().collect(), self.most)))
    }
}

fn mutated() -> Raised {
    raise(Builtin::RuntimeError, "deque mutated during iteration")
}

/// An iteration over a deque, in either direction.
struct DequeIter {
    items: Rc<RefCell<VecDeque<Obj>>>,
    version: Rc<Cell<u64>>,
    seen: u64,
    at: usize,
    back: bool,
}

impl Advance for DequeIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.version.get() != self.seen {
            return Err(mutated());
        }
        let items = self.items.borrow();
        let place = if self.back {
            items.len().checked_sub(self.at + 1)
        } else {
            Some(self.at)
        };
        let item = place.and_then(|place| items.get(place).cloned());
        self.at += 1;
        Ok(item)
    }
    fn type_name(&self) -> &'static str {
        if self.back {
            "_collections._deque_reverse_iterator"
        } else {
            "_collections._deque_iterator"
        }
    }
}

impl Deque {
    fn iterate(&self, back: bool) -> DequeIter {
        DequeIter {
            items: self.items.clone(),
            version: self.version.clone(),
            seen: self.version.get(),
            at: 0,
            back,
        }
    }
}

impl Native for Deque {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DEQUE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "maxlen" => Some(self.most.map_or(Obj::None, |most| Obj::Int(most as i64))),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        METHODS.contains(&name)
    }
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        let count = match name {
            "append" | "appendleft" | "extend" | "extendleft" | "count" | "remove" => 1..=1,
            "insert" => 2..=2,
            "index" => 1..=3,
            "rotate" => 0..=1,
            _ => 0..=0,
        };
        args.expect(&format!("deque.{name}"), *count.start(), *count.end(), &[])?;
        let first = args.plain().first();
        match (name, first) {
            ("append", Some(item)) => self.push(item.clone())?,
            ("appendleft", Some(item)) => self.push_left(item.clone())?,
            ("pop", _) => return self.pop(false).map(Some),
            ("popleft", _) => return self.pop(true).map(Some),
            ("extend", Some(items)) => self.extend(items)?,
            ("extendleft", Some(items)) => {
                if let Some(other) = items.as_native::<Deque>() {
                    other.items().into_iter().try_for_each(|item| self.push_left(item))?;
                } else {
                    iter::each(items, |item| self.push_left(item).map(|()| true))?;
                }
            }
            ("rotate", by) => self.rotate(by.map_or(Ok(1), arith::index)?),
            ("clear", _) => {
                self.changed();
                let dropped = std::mem::take(&mut *self.items.borrow_mut());
                drop(dropped);
            }
            ("copy" | "__copy__", _) => return Ok(Some(self.with_items(self.items()))),
            ("count", Some(item)) => return Ok(Some(Obj::Int(self.count(item)?))),
            ("index", _) => return self.index(args).map(Some),
            ("insert", Some(at)) => self.insert(arith::index(at)?, arg(args, 1, "insert")?.clone())?,
            ("remove", Some(item)) => self.remove(item)?,
            ("reverse", _) => {
                self.changed();
                self.items.borrow_mut().make_contiguous().reverse();
            }
            ("__reversed__", _) => return Ok(Some(Obj::iter(self.iterate(true)))),
            _ => {
                let _ = this;
                return Ok(None);
            }
        }
        Ok(Some(Obj::None))
    }
    fn repr(&self) -> Py<String> {
        let items = repr(&Obj::list(self.items()))?;
        Ok(match self.most {
            None => format!("deque({items})"),
            Some(most) => format!("deque({items}, maxlen={most})"),
        })
    }
    fn truth(&self) -> Py<bool> {
        Ok(!self.items.borrow().is_empty())
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(Ok(self.items.borrow().len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(self.iterate(false))))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        Some(sequence_index(key).and_then(|at| {
            let place = self.place(at, "deque index out of range")?;
            Ok(self.items.borrow().get(place).cloned().unwrap_or_default())
        }))
    }
    fn setitem(&self, key: &Obj, value: &Obj) -> Option<Py<()>> {
        Some(sequence_index(key).and_then(|at| {
            let place = self.place(at, "deque index out of range")?;
            let before = self
                .items
                .borrow_mut()
                .get_mut(place)
                .map(|item| std::mem::replace(item, value.clone()));
            drop(before);
            Ok(())
        }))
    }
    fn delitem(&self, key: &Obj) -> Option<Py<()>> {
        Some(sequence_index(key).and_then(|at| {
            let place = self.place(at, "deque index out of range")?;
            self.changed();
            let removed = self.items.borrow_mut().remove(place);
            drop(removed);
            Ok(())
        }))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        let len = self.items.borrow().len();
        Some(self.find(item, 0, len).map(|found| found.is_some()))
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        match op {
            BinaryOp::Add if !reflected => {
                let Some(deque) = other.as_native::<Deque>() else {
                    return Err(type_error(format!(
                        "can only concatenate deque (not \"{}\") to deque",
                        type_name(other)
                    )));
                };
                let sum = Deque::of(self.items().into(), self.most);
                deque.items().into_iter().try_for_each(|item| sum.push(item))?;
                Ok(Some(Obj::native(sum)))
            }
            BinaryOp::Mul if matches!(other, Obj::Int(_) | Obj::Bool(_)) => self.repeated(arith::index(other)?).map(Some),
            _ => Ok(None),
        }
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let Some(other) = other.as_native::<Deque>() else {
            return Ok(None);
        };
        compare::equals(&Obj::list(self.items()), &Obj::list(other.items())).map(Some)
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        let Some(other) = other.as_native::<Deque>() else {
            return Ok(None);
        };
        let (a, b) = (Obj::list(self.items()), Obj::list(other.items()));
        if compare::less(&a, &b)? {
            return Ok(Some(Ordering::Less));
        }
        let equal = compare::truth(&compare::compare(CompareOp::Eq, &a, &b)?)?;
        Ok(Some(if equal { Ordering::Equal } else { Ordering::Greater }))
    }
}

fn sequence_index(key: &Obj) -> Py<i64> {
    arith::index(key).map_err(|_| type_error(format!("sequence index must be integer, not '{}'", type_name(key))))
}
