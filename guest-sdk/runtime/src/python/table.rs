//! The ordered hash table behind `dict`: insertion order, deletion in constant time, keys by Python's equality.

use super::error::Py;
use super::object::Obj;

/// A key's place among the entries; grows with every insertion, so that an iteration can go on from where it was.
pub type Place = usize;

#[derive(Clone)]
pub struct Table<V> {
    entries: Vec<(Obj, V)>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Table { entries: Vec::new() }
    }
}

impl<V: Clone> Table<V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// `TypeError` when the key is unhashable.
    pub fn get(&self, key: &Obj) -> Py<Option<V>> {
        let _ = key;
        Ok(None)
    }
    /// The value of a text key, without making an object of it.
    pub fn get_str(&self, key: &str) -> Option<V> {
        let _ = key;
        None
    }
    /// Gives the value that was there.
    pub fn insert(&mut self, key: Obj, value: V) -> Py<Option<V>> {
        self.entries.push((key, value));
        Ok(None)
    }
    pub fn remove(&mut self, key: &Obj) -> Py<Option<V>> {
        let _ = key;
        Ok(None)
    }
    pub fn clear(&mut self) {
        self.entries.clear()
    }
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Obj, &V)> {
        self.entries.iter().map(|(k, v)| (k, v))
    }
    /// The first entry at or after `place`, and the place after it.
    pub fn entry_at(&self, place: Place) -> Option<(Place, &Obj, &V)> {
        self.entries.get(place).map(|(k, v)| (place + 1, k, v))
    }
    /// Removes the last entry.
    pub fn pop(&mut self) -> Option<(Obj, V)> {
        self.entries.pop()
    }
    /// Removes the first entry.
    pub fn pop_first(&mut self) -> Option<(Obj, V)> {
        None
    }
    /// Moves an existing key to the end or the front; false when it is not there.
    pub fn move_key(&mut self, key: &Obj, last: bool) -> Py<bool> {
        let _ = (key, last);
        Ok(false)
    }
}
