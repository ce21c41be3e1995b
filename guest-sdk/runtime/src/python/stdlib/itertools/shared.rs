//! Iterators that share one source: the groups of `groupby`, the copies of `tee`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use super::flow::{apply, pull};
use crate::python::error::{Py, raise, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Obj};
use crate::python::stdlib::bind::{bind, need, unless_none};
use crate::python::stdlib::declare::arg;
use crate::python::{arith, compare, iter};

/// The source of a `groupby` and its groups.
struct Grouping {
    source: Obj,
    key: Option<Obj>,
    /// The item read last, until a group gives it, and its key.
    item: RefCell<Option<Obj>>,
    item_key: RefCell<Option<Obj>>,
    /// The key of the current group.
    group_key: RefCell<Option<Obj>>,
    /// Counts groups: only the current one gives items.
    group: Cell<u64>,
}

impl Grouping {
    /// Reads an item; false at the end.
    fn step(&self) -> Py<bool> {
        let Some(item) = pull(&self.source)? else {
            return Ok(false);
        };
        let key = match &self.key {
            Some(key) => apply(key, item.clone())?,
            None => item.clone(),
        };
        let before = (self.item.replace(Some(item)), self.item_key.replace(Some(key)));
        drop(before);
        Ok(true)
    }
    /// Whether the item read last belongs to the current group.
    fn in_group(&self) -> Py<bool> {
        let (group, item) = (self.group_key.borrow().clone(), self.item_key.borrow().clone());
        match (group, item) {
            (Some(group), Some(item)) => Ok(group.is(&item) || compare::equals(&group, &item)?),
            _ => Ok(false),
        }
    }
}

struct GroupBy(Rc<Grouping>);

impl Advance for GroupBy {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let shared = &self.0;
        shared.group.set(shared.group.get().wrapping_add(1));
        loop {
            let read = shared.item_key.borrow().is_some();
            let grouped = shared.group_key.borrow().is_some();
            if read && (!grouped || !shared.in_group()?) {
                break;
            }
            if !shared.step()? {
                return Ok(None);
            }
        }
        let key = shared.item_key.borrow().clone().unwrap_or_default();
        let before = shared.group_key.replace(Some(key.clone()));
        drop(before);
        let group = Obj::iter(Group {
            shared: shared.clone(),
            number: shared.group.get(),
        });
        Ok(Some(Obj::tuple([key, group])))
    }
    fn type_name(&self) -> &'static str {
        "itertools.groupby"
    }
}

struct Group {
    shared: Rc<Grouping>,
    number: u64,
}

impl Advance for Group {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let shared = &self.shared;
        if shared.group.get() != self.number {
            return Ok(None);
        }
        if shared.item.borrow().is_none() && !shared.step()? {
            return Ok(None);
        }
        if !shared.in_group()? {
            return Ok(None);
        }
        Ok(shared.item.take())
    }
    fn type_name(&self) -> &'static str {
        "itertools._grouper"
    }
}

pub fn groupby(args: &Args) -> Py {
    let [source, key] = bind("groupby", args, ["iterable", "key"], 1, 2)?;
    Ok(Obj::iter(GroupBy(Rc::new(Grouping {
        source: iter::iter(need(source, "groupby")?)?,
        key: unless_none(key).cloned(),
        item: RefCell::default(),
        item_key: RefCell::default(),
        group_key: RefCell::default(),
        group: Cell::new(0),
    }))))
}

/// The source of the copies of `tee`, and what some of them have yet to give.
struct Source {
    source: Obj,
    items: RefCell<VecDeque<Obj>>,
    /// How many items are no longer kept.
    dropped: Cell<usize>,
    /// How far each copy is.
    readers: RefCell<Vec<Weak<Cell<usize>>>>,
}

struct Tee {
    shared: Rc<Source>,
    at: Rc<Cell<usize>>,
}

/// Kept items are looked through for those that all copies have given whenever their number reaches a multiple of this.
const SWEEP: usize = 64;

impl Source {
    fn sweep(&self) {
        let readers = self.readers.borrow();
        let slowest = readers.iter().filter_map(Weak::upgrade).map(|at| at.get()).min();
        let Some(passed) = slowest.and_then(|at| at.checked_sub(self.dropped.get())) else {
            return;
        };
        let gone: Vec<Obj> = {
            let mut items = self.items.borrow_mut();
            let passed = passed.min(items.len());
            items.drain(..passed).collect()
        };
        self.dropped.set(self.dropped.get() + gone.len());
        drop(readers);
        drop(gone);
    }
}

impl Advance for Tee {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let place = self.at.get() - self.shared.dropped.get().min(self.at.get());
        let kept = self.shared.items.borrow().get(place).cloned();
        let item = match kept {
            Some(item) => item,
            None => {
                let Some(item) = pull(&self.shared.source)? else {
                    return Ok(None);
                };
                self.shared.items.borrow_mut().push_back(item.clone());
                item
            }
        };
        self.at.set(self.at.get() + 1);
        if self.at.get().is_multiple_of(SWEEP) {
            self.shared.sweep();
        }
        Ok(Some(item))
    }
    fn type_name(&self) -> &'static str {
        "itertools._tee"
    }
}

pub fn tee(args: &Args) -> Py {
    args.expect("tee", 1, 2, &[])?;
    let count = args.plain().get(1).map_or(Ok(2), arith::index)?;
    let count = usize::try_from(count).map_err(|_| value_error("n must be >= 0"))?;
    if count > 1 << 16 {
        return Err(raise(Builtin::MemoryError, ""));
    }
    let shared = Rc::new(Source {
        source: iter::iter(arg(args, 0, "tee")?)?,
        items: RefCell::default(),
        dropped: Cell::new(0),
        readers: RefCell::default(),
    });
    let copies: Vec<Obj> = (0..count)
        .map(|_| {
            let at = Rc::new(Cell::new(0));
            shared.readers.borrow_mut().push(Rc::downgrade(&at));
            Obj::iter(Tee {
                shared: shared.clone(),
                at,
            })
        })
        .collect();
    Ok(Obj::tuple(copies))
}
