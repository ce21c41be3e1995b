//! `dict.keys()`, `dict.values()`, `dict.items()`: live views of a dict.

use std::any::Any;
use std::cmp::Ordering;
use std::rc::Rc;

use super::arith::BinaryOp;
use super::compare;
use super::error::Py;
use super::iter::{self, DictIter, DictReverse, Part};
use super::keyed;
use super::object::{Advance, Args, Dict, Native, NativeType, Obj};
use super::set::SetTable;
use super::text;

/// A view; hand it out as [`keys`], [`values`] or [`items`].
pub struct View {
    pub dict: Rc<Dict>,
    pub part: Part,
}

pub fn keys(dict: &Rc<Dict>) -> Obj {
    view(dict, Part::Keys)
}

pub fn values(dict: &Rc<Dict>) -> Obj {
    view(dict, Part::Values)
}

pub fn items(dict: &Rc<Dict>) -> Obj {
    view(dict, Part::Items)
}

fn view(dict: &Rc<Dict>, part: Part) -> Obj {
    Obj::native(View {
        dict: dict.clone(),
        part,
    })
}

/// An iterator over a dict or a view of one, backwards; `None` for anything else.
pub fn reversed(value: &Obj) -> Option<Obj> {
    if let Obj::Dict(dict) = value {
        return Some(Obj::iter(DictReverse::new(dict, Part::Keys)));
    }
    let view = value.as_native::<View>()?;
    Some(Obj::iter(DictReverse::new(&view.dict, view.part)))
}

macro_rules! kind {
    ($kind:ident, $name:literal, $part:pat) => {
        static $kind: NativeType = NativeType {
            module: "builtins",
            name: $name,
            new: |_| {
                let text = concat!("cannot create '", $name, "' instances");
                Err(super::error::type_error(text))
            },
            is_instance: |object| matches!(object.as_native::<View>(), Some(View { part: $part, .. })),
            attribute: |_| None,
        };
    };
}

kind!(KEYS, "dict_keys", Part::Keys);
kind!(VALUES, "dict_values", Part::Values);
kind!(ITEMS, "dict_items", Part::Items);

impl View {
    /// The items of the view as they are now.
    pub fn collect(&self) -> Vec<Obj> {
        let table = self.dict.table.borrow();
        match self.part {
            Part::Keys => table.keys().cloned().collect(),
            Part::Values => table.values().cloned().collect(),
            Part::Items => table
                .iter()
                .map(|(key, value)| Obj::Tuple(Rc::new([key.clone(), value.clone()])))
                .collect(),
        }
    }

    /// As a set; the values of items must be hashable.
    fn set(&self) -> Py<SetTable> {
        set_of(self.collect())
    }

    fn is_set(&self) -> bool {
        self.part != Part::Values
    }
}

fn set_of(items: Vec<Obj>) -> Py<SetTable> {
    let mut set = SetTable::default();
    for item in items {
        set.add(item)?;
    }
    Ok(set)
}

/// The other side of a set operation with a view: any set, or another view.
fn other_set(other: &Obj) -> Py<Option<SetTable>> {
    match other {
        Obj::Set(set) => Ok(Some(set.table.borrow().clone())),
        _ => match other.as_native::<View>() {
            Some(view) if view.is_set() => view.set().map(Some),
            _ => Ok(None),
        },
    }
}

impl Native for View {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        match self.part {
            Part::Keys => &KEYS,
            Part::Values => &VALUES,
            Part::Items => &ITEMS,
        }
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((name == "mapping").then(|| Obj::Dict(self.dict.clone())))
    }
    fn has_method(&self, name: &str) -> bool {
        name == "isdisjoint" && self.is_set()
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        args.expect(name, 1, 1, &[])?;
        let mut disjoint = true;
        if let Some(other) = args.values.first() {
            iter::each(other, |item| {
                disjoint = !self.contains(&item).unwrap_or(Ok(false))?;
                Ok(disjoint)
            })?;
        }
        Ok(Some(Obj::Bool(disjoint)))
    }
    fn repr(&self) -> Py<String> {
        let items = text::repr(&Obj::list(self.collect()))?;
        Ok(format!("{}({items})", self.type_of().name))
    }
    fn truth(&self) -> Py<bool> {
        Ok(!self.dict.table.borrow().is_empty())
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(Ok(self.dict.table.borrow().len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(DictIter::new(&self.dict, self.part))))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(match (self.part, item) {
            (Part::Keys, _) => keyed::dict_contains(&self.dict, item),
            (Part::Items, Obj::Tuple(pair)) => match &**pair {
                [key, value] => match keyed::dict_get(&self.dict, key) {
                    Ok(Some(known)) => compare::same_item(&known, value),
                    Ok(None) => Ok(false),
                    Err(raised) => Err(raised),
                },
                _ => Ok(false),
            },
            (Part::Items, _) => Ok(false),
            (Part::Values, _) => {
                for value in self.collect() {
                    match compare::same_item(&value, item) {
                        Ok(false) => {}
                        answer => return Some(answer),
                    }
                }
                Ok(false)
            }
        })
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if !self.is_set() || !matches!(op, BinaryOp::Sub | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor) {
            return Ok(None);
        }
        // Unlike a set, a view takes any iterable on the other side.
        let (own, other) = (self.set()?, set_of(iter::collect(other)?)?);
        let (a, b) = if reflected { (other, own) } else { (own, other) };
        Ok(Some(Obj::set(
            match op {
                BinaryOp::Sub => a.difference(&b),
                BinaryOp::And => a.intersection(&b),
                BinaryOp::Xor => a.symmetric_difference(&b),
                _ => {
                    let mut all = a;
                    all.merge(&b);
                    all
                }
            },
            false,
        )))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        if !self.is_set() {
            return Ok(None);
        }
        let len = match other {
            Obj::Set(set) => set.table.borrow().len(),
            _ => match other.as_native::<View>() {
                Some(view) if view.is_set() => view.dict.table.borrow().len(),
                _ => return Ok(None),
            },
        };
        if len != self.dict.table.borrow().len() {
            return Ok(Some(false));
        }
        for item in iter::collect(other)? {
            if !self.contains(&item).unwrap_or(Ok(false))? {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        if !self.is_set() {
            return Ok(None);
        }
        let Some(other) = other_set(other)? else {
            return Ok(None);
        };
        let own = self.set()?;
        Ok(match (own.is_subset(&other), other.is_subset(&own)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => None,
        })
    }
}
