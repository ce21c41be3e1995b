//! The values of a flow: JSON with Python's reference semantics.
//!
//! Lists and dicts are shared by reference, as in the reference runtime, where a node that changes a nested object
//! changes it for every reader. Everything else is immutable. Nothing here does I/O or knows about flows.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;
use num_bigint::BigInt;
use rustc_hash::FxBuildHasher;

/// An object's entries in insertion order.
pub type Map = IndexMap<Rc<str>, Value, FxBuildHasher>;

/// A JSON value, with integers of any size kept apart from floats.
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer outside the 64-bit range. Never holds one that [`Value::Int`] could hold.
    Big(Rc<BigInt>),
    Float(f64),
    Str(Rc<str>),
    List(List),
    Dict(Dict),
}

/// A list shared by all who hold it.
#[derive(Clone, Debug, Default)]
pub struct List(Rc<RefCell<Vec<Value>>>);

/// An object shared by all who hold it.
#[derive(Clone, Debug, Default)]
pub struct Dict(Rc<RefCell<Map>>);

impl List {
    pub fn new(items: Vec<Value>) -> Self {
        List(Rc::new(RefCell::new(items)))
    }
    pub fn borrow(&self) -> Ref<'_, Vec<Value>> {
        self.0.borrow()
    }
    pub fn borrow_mut(&self) -> RefMut<'_, Vec<Value>> {
        self.0.borrow_mut()
    }
    /// True when both names mean one list, not two equal ones.
    pub fn is(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
    /// What tells it from every other one while it lives.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }
}

impl Dict {
    pub fn new(map: Map) -> Self {
        Dict(Rc::new(RefCell::new(map)))
    }
    pub fn borrow(&self) -> Ref<'_, Map> {
        self.0.borrow()
    }
    pub fn borrow_mut(&self) -> RefMut<'_, Map> {
        self.0.borrow_mut()
    }
    /// True when both names mean one object, not two equal ones.
    pub fn is(&self, other: &Dict) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
    /// What tells it from every other one while it lives.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.borrow().get(key).cloned()
    }
    pub fn set(&self, key: impl Into<Rc<str>>, value: Value) {
        self.0.borrow_mut().insert(key.into(), value);
    }
    /// Removes `key`, keeping the order of the others.
    pub fn remove(&self, key: &str) -> Option<Value> {
        self.0.borrow_mut().shift_remove(key)
    }
    /// A new object with the same entries; nested values stay shared (Python's `dict(x)`).
    pub fn shallow_copy(&self) -> Dict {
        Dict::new(self.0.borrow().clone())
    }
}

impl Value {
    pub fn str(text: impl Into<Rc<str>>) -> Value {
        Value::Str(text.into())
    }
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }
    pub fn dict(map: Map) -> Value {
        Value::Dict(Dict::new(map))
    }
    /// The smallest variant that holds `n`.
    pub fn big(n: BigInt) -> Value {
        match i64::try_from(&n) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::Big(Rc::new(n)),
        }
    }
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }
    /// As [`Value::as_str`], sharing the text.
    pub fn as_str_rc(&self) -> Option<Rc<str>> {
        match self {
            Value::Str(s) => Some(s.clone()),
            _ => None,
        }
    }
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Value::Dict(d) => Some(d),
            _ => None,
        }
    }
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Value::List(l) => Some(l),
            _ => None,
        }
    }
    /// A copy that shares no list or object with the original. What the original holds twice, or
    /// within itself, the copy does too.
    pub fn deep_copy(&self) -> Value {
        if !matches!(self, Value::List(_) | Value::Dict(_)) {
            return self.clone();
        }
        // A work list instead of recursion: a value may be deeper than the stack.
        let mut copies = Copies::default();
        let copy = copies.of(self);
        while let Some((source, target)) = copies.pending.pop() {
            match (&source, &target) {
                (Value::List(source), Value::List(target)) => {
                    let mut items = source.borrow().clone();
                    items.iter_mut().for_each(|item| copies.replace(item));
                    *target.borrow_mut() = items;
                }
                (Value::Dict(source), Value::Dict(target)) => {
                    let mut entries = source.borrow().clone();
                    entries.values_mut().for_each(|value| copies.replace(value));
                    *target.borrow_mut() = entries;
                }
                _ => {}
            }
        }
        copy
    }
}

/// The state of a [`Value::deep_copy`].
#[derive(Default)]
struct Copies {
    /// The copy of every container met so far, by the original's address.
    made: HashMap<usize, Value, FxBuildHasher>,
    /// Originals whose copies are still empty.
    pending: Vec<(Value, Value)>,
}

impl Copies {
    /// Puts the copy of a container in its place.
    fn replace(&mut self, value: &mut Value) {
        if matches!(value, Value::List(_) | Value::Dict(_)) {
            *value = self.of(value);
        }
    }

    /// The copy of `value`; that of a container may still be empty.
    fn of(&mut self, value: &Value) -> Value {
        let (address, empty) = match value {
            Value::List(list) => (list.address(), Value::list(Vec::new())),
            Value::Dict(dict) => (dict.address(), Value::dict(Map::default())),
            other => return other.clone(),
        };
        if let Some(made) = self.made.get(&address) {
            return made.clone();
        }
        self.made.insert(address, empty.clone());
        self.pending.push((value.clone(), empty.clone()));
        empty
    }
}
