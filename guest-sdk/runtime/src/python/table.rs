//! The ordered hash table behind `dict`: insertion order, deletion in constant time, keys by Python's equality.
//!
//! Entries stand in a list in the order of their insertion; a removed one leaves a hole until the list would have to grow. Few
//! entries are found by walking over them, more by an index of their places. No operation runs code of the program.

use std::cell::Cell;
use std::rc::Rc;

use super::error::Py;
use super::hash;
use super::index::Index;
use super::object::{Obj, Text};

/// A key's place among the entries; grows with every insertion, so that an iteration can go on from where it was.
pub type Place = usize;

/// As long as the list of entries is no longer than this, there is no index.
const WALKED: usize = 8;

#[derive(Clone)]
struct Entry<V> {
    hash: u64,
    key: Obj,
    value: V,
}

#[derive(Clone)]
pub struct Table<V> {
    entries: Vec<Option<Entry<V>>>,
    live: usize,
    /// No entry lives before this place, so that taking from the front does not walk over all holes again.
    first: Place,
    /// Places of all live entries, or nothing.
    index: Index,
    /// Counts changes of the set of keys.
    version: u32,
    /// Where the last key was found: what is looked up is often set then.
    last: Cell<Place>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Table {
            entries: Vec::new(),
            live: 0,
            first: 0,
            index: Index::default(),
            version: 0,
            last: Cell::default(),
        }
    }
}

impl<V> Table<V> {
    pub fn with_capacity(entries: usize) -> Self {
        Table {
            entries: Vec::with_capacity(entries),
            ..Self::default()
        }
    }
    pub fn len(&self) -> usize {
        self.live
    }
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }
    /// Changes whenever a key comes or goes; an iterator that sees another one knows that its places may be wrong.
    pub fn version(&self) -> u32 {
        self.version
    }
    /// A table of these entries. The keys are texts, each of which is there once.
    pub fn of_texts(entries: impl ExactSizeIterator<Item = (Rc<Text>, V)>) -> Self {
        let live = entries.len();
        let entry = |(key, value): (Rc<Text>, V)| {
            let hash = hash::text(&key);
            let key = Obj::Str(key);
            Some(Entry { hash, key, value })
        };
        let mut table = Table {
            entries: entries.map(entry).collect(),
            live,
            ..Self::default()
        };
        if live > WALKED {
            table.index_all();
        }
        table
    }
    /// A reference to the value. `TypeError` when the key is unhashable.
    #[inline(always)]
    pub fn get_ref(&self, key: &Obj) -> Py<Option<&V>> {
        let place = self.locate(key)?;
        Ok(self.value_at(place))
    }
    /// The value of a text key.
    pub fn get_text(&self, key: &Text) -> Option<&V> {
        self.value_at(self.find(hash::text(key), |known| is_text(known, key)))
    }
    pub fn contains(&self, key: &Obj) -> Py<bool> {
        Ok(self.get_ref(key)?.is_some())
    }
    #[inline(always)]
    pub fn get_mut(&mut self, key: &Obj) -> Py<Option<&mut V>> {
        let at = self.locate(key)?;
        Ok(at
            .and_then(|at| self.entries.get_mut(at))
            .and_then(|entry| entry.as_mut())
            .map(|entry| &mut entry.value))
    }
    /// Sets the value of a key that is not there.
    pub fn add(&mut self, key: Obj, value: V) -> Py<()> {
        let hash = hash::key(&key)?;
        self.push(Entry { hash, key, value });
        Ok(())
    }
    /// Gives the value that was there. A key that was there stays the object it was.
    pub fn insert(&mut self, key: Obj, value: V) -> Py<Option<V>> {
        let hash = hash::key(&key)?;
        match self.place_of(hash, &key) {
            Some(at) => Ok(self.replace(at, value)),
            None => {
                self.push(Entry { hash, key, value });
                Ok(None)
            }
        }
    }
    pub fn remove(&mut self, key: &Obj) -> Py<Option<V>> {
        Ok(self.remove_entry(key)?.map(|(_, value)| value))
    }
    /// The key as it was inserted, and its value.
    pub fn remove_entry(&mut self, key: &Obj) -> Py<Option<(Obj, V)>> {
        let hash = hash::key(key)?;
        Ok(self.place_of(hash, key).and_then(|at| self.take(at)))
    }
    /// The keys with the hash of `key`.
    pub fn candidates(&self, key: &Obj) -> Py<Vec<Obj>> {
        let hash = hash::key(key)?;
        let known = |entry: &Entry<V>| (entry.hash == hash).then(|| entry.key.clone());
        if self.entries.len() <= WALKED {
            return Ok(self.entries.iter().flatten().filter_map(known).collect());
        }
        let mut found = Vec::new();
        self.index.find(hash, |at| {
            found.extend(self.entries.get(at).and_then(Option::as_ref).and_then(known));
            false
        });
        Ok(found)
    }
    pub fn clear(&mut self) {
        *self = Table {
            version: self.version.wrapping_add(1),
            ..Self::default()
        };
    }
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Obj, &V)> {
        let live = self.entries.get(self.first..).unwrap_or_default();
        live.iter().flatten().map(|entry| (&entry.key, &entry.value))
    }
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Obj> {
        self.iter().map(|(key, _)| key)
    }
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
    /// The first entry at or after `place`, and the place after it.
    pub fn entry_at(&self, place: Place) -> Option<(Place, &Obj, &V)> {
        let from = place.max(self.first);
        let (skipped, entry) = first_live(self.entries.get(from..)?.iter())?;
        Some((from + skipped + 1, &entry.key, &entry.value))
    }
    /// The last entry before `place` (start with [`Table::end`]), and its place.
    pub fn entry_before(&self, place: Place) -> Option<(Place, &Obj, &V)> {
        let upto = place.min(self.entries.len());
        let (skipped, entry) = first_live(self.entries.get(self.first..upto)?.iter().rev())?;
        Some((upto - skipped - 1, &entry.key, &entry.value))
    }
    /// The place behind the last entry.
    pub fn end(&self) -> Place {
        self.entries.len()
    }
    /// Removes the last entry.
    pub fn pop(&mut self) -> Option<(Obj, V)> {
        let at = self.entries.len().checked_sub(1)?;
        self.take(at)
    }
    /// Removes the first entry.
    pub fn pop_first(&mut self) -> Option<(Obj, V)> {
        self.take(self.first)
    }
    /// Moves an existing key to the end or the front; false when it is not there.
    pub fn move_key(&mut self, key: &Obj, last: bool) -> Py<bool> {
        let hash = hash::key(key)?;
        let Some((key, value)) = self.remove_entry(key)? else {
            return Ok(false);
        };
        let entry = Entry { hash, key, value };
        if last {
            self.push(entry);
        } else {
            self.live += 1;
            self.entries.insert(self.first, Some(entry));
            self.rebuild();
        }
        Ok(true)
    }

    #[inline]
    fn value_at(&self, at: Option<Place>) -> Option<&V> {
        self.entries.get(at?)?.as_ref().map(|entry| &entry.value)
    }

    #[inline(always)]
    fn find(&self, hash: u64, same: impl Fn(&Obj) -> bool) -> Option<Place> {
        let entries = &self.entries;
        if entries.len() <= WALKED {
            return entries.iter().position(|entry| is_entry(entry, hash, &same));
        }
        self.index
            .find(hash, |at| entries.get(at).is_some_and(|entry| is_entry(entry, hash, &same)))
    }

    /// The place of a key. `TypeError` when it is unhashable.
    #[inline(always)]
    fn locate(&self, key: &Obj) -> Py<Option<Place>> {
        let last = self.last.get();
        if let Some(Some(entry)) = self.entries.get(last)
            && is_same(&entry.key, key)
        {
            return Ok(Some(last));
        }
        let hash = hash::key(key)?;
        Ok(self.place_of(hash, key))
    }

    #[inline(never)]
    fn place_of(&self, hash: u64, key: &Obj) -> Option<Place> {
        let found = self.find(hash, |known| hash::same_key(known, key));
        if let Some(at) = found {
            self.last.set(at);
        }
        found
    }

    fn replace(&mut self, at: Place, value: V) -> Option<V> {
        let entry = self.entries.get_mut(at)?.as_mut()?;
        Some(std::mem::replace(&mut entry.value, value))
    }

    fn push(&mut self, entry: Entry<V>) {
        if self.entries.len() == self.entries.capacity() && self.live < self.entries.len() / 2 {
            self.rebuild();
        }
        let (at, hash) = (self.entries.len(), entry.hash);
        self.entries.push(Some(entry));
        self.live += 1;
        self.version = self.version.wrapping_add(1);
        // The first index is made when the list gets too long to walk over.
        if at >= WALKED && !self.index.add(hash, at) {
            self.index_all();
        }
    }

    fn take(&mut self, at: Place) -> Option<(Obj, V)> {
        let entry = self.entries.get_mut(at)?.take()?;
        if self.entries.len() > WALKED {
            self.index.remove(entry.hash, at);
        }
        self.live -= 1;
        self.version = self.version.wrapping_add(1);
        if self.live == 0 {
            self.entries.clear();
            self.index.clear();
            self.first = 0;
        } else if at == self.first {
            while let Some(None) = self.entries.get(self.first) {
                self.first += 1;
            }
        } else if at + 1 == self.entries.len() {
            while let Some(None) = self.entries.last() {
                self.entries.pop();
            }
            if self.entries.len() <= WALKED {
                self.index.clear();
            }
        }
        Some((entry.key, entry.value))
    }

    /// Closes the holes.
    fn rebuild(&mut self) {
        self.entries.retain(Option::is_some);
        self.first = 0;
        self.version = self.version.wrapping_add(1);
        self.index.clear();
        if self.entries.len() > WALKED {
            self.index_all();
        }
    }

    fn index_all(&mut self) {
        let entries = self.entries.iter().enumerate();
        let hashes = entries.filter_map(|(at, entry)| Some((at, entry.as_ref()?.hash)));
        self.index = Index::of(self.live, hashes);
    }
}

impl<V: Default> Table<V> {
    /// Takes the entries out of a table that ends.
    #[inline]
    pub fn drain(&mut self, mut each: impl FnMut(Obj, V)) {
        self.entries
            .drain(..)
            .flatten()
            .for_each(|entry| each(entry.key, entry.value));
    }
    /// Moves all values out of a table that ends.
    pub fn take_values(&mut self) -> Vec<V> {
        let entries = self.entries.iter_mut().flatten();
        entries.map(|entry| std::mem::take(&mut entry.value)).collect()
    }
}

impl<V: Clone> Table<V> {
    /// `TypeError` when the key is unhashable.
    #[inline(always)]
    pub fn get(&self, key: &Obj) -> Py<Option<V>> {
        Ok(self.get_ref(key)?.cloned())
    }
    /// The value of a text key, without making an object of it.
    pub fn get_str(&self, key: &str) -> Option<V> {
        self.value_at(self.find(hash::str(key), |known| is_text(known, key))).cloned()
    }
}

#[inline(always)]
fn is_entry<V>(entry: &Option<Entry<V>>, hash: u64, same: impl Fn(&Obj) -> bool) -> bool {
    entry.as_ref().is_some_and(|entry| entry.hash == hash && same(&entry.key))
}

/// Whether two keys are equal at first sight.
#[inline(always)]
fn is_same(known: &Obj, key: &Obj) -> bool {
    match (known, key) {
        (Obj::Str(known), Obj::Str(key)) => Rc::ptr_eq(known, key),
        (Obj::Int(known), Obj::Int(key)) => known == key,
        _ => false,
    }
}

fn is_text(known: &Obj, key: &str) -> bool {
    matches!(known, Obj::Str(text) if text.text == key)
}

fn first_live<'a, V: 'a>(entries: impl Iterator<Item = &'a Option<Entry<V>>>) -> Option<(usize, &'a Entry<V>)> {
    entries.enumerate().find_map(|(at, entry)| Some((at, entry.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of a table in its order, both ways and by places.
    fn shown(table: &Table<i64>) -> Vec<(i64, i64)> {
        let number = |key: &Obj| match key {
            Obj::Int(n) => *n,
            other => panic!("{:?}", super::super::text::repr(other)),
        };
        let pairs: Vec<_> = table.iter().map(|(key, value)| (number(key), *value)).collect();
        let (mut place, mut walked) = (0, Vec::new());
        while let Some((next, key, value)) = table.entry_at(place) {
            walked.push((number(key), *value));
            place = next;
        }
        assert_eq!(walked, pairs);
        let (mut place, mut back) = (table.end(), Vec::new());
        while let Some((before, key, value)) = table.entry_before(place) {
            back.insert(0, (number(key), *value));
            place = before;
        }
        assert_eq!(back, pairs);
        assert_eq!(table.len(), pairs.len());
        pairs
    }

    #[test]
    fn any_sequence_of_changes_gives_what_a_list_of_pairs_gives() {
        let mut seed: u64 = 42;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for keys in [3, 12, 60] {
            let (mut table, mut model) = (Table::default(), Vec::<(i64, i64)>::new());
            for step in 0..3000 {
                let n = random(keys) as i64;
                let key = Obj::Int(n);
                let at = model.iter().position(|(known, _)| *known == n);
                match random(10) {
                    0..5 => {
                        let old = table.insert(key, step).unwrap();
                        match at.and_then(|at| model.get_mut(at)) {
                            Some(pair) => assert_eq!(old, Some(std::mem::replace(&mut pair.1, step))),
                            None => model.push((n, step)),
                        }
                    }
                    5 | 6 => assert_eq!(table.remove(&key).unwrap(), at.map(|at| model.remove(at).1)),
                    7 if random(2) == 0 => assert_eq!(table.pop().map(|pair| pair.1), model.pop().map(|pair| pair.1)),
                    7 => {
                        let first = (!model.is_empty()).then(|| model.remove(0).1);
                        assert_eq!(table.pop_first().map(|pair| pair.1), first);
                    }
                    8 => {
                        let last = random(2) == 0;
                        assert_eq!(table.move_key(&key, last).unwrap(), at.is_some());
                        if let Some(at) = at {
                            let pair = model.remove(at);
                            model.insert(if last { model.len() } else { 0 }, pair);
                        }
                    }
                    _ if random(200) == 0 => {
                        table.clear();
                        model.clear();
                    }
                    _ => assert_eq!(table.get(&key).unwrap(), at.map(|at| model[at].1)),
                }
                assert_eq!(shown(&table), model);
            }
        }
    }

    #[test]
    fn keys_are_equal_across_the_number_types_and_stay_as_they_were_first() {
        let mut table = Table::default();
        table.insert(Obj::Bool(true), 1).unwrap();
        for key in [Obj::Int(1), Obj::Float(1.0)] {
            assert!(table.insert(key, 2).unwrap().is_some());
        }
        assert!(matches!(table.keys().next(), Some(Obj::Bool(true))));
        table.insert(Obj::str("key"), 3).unwrap();
        assert_eq!((table.get_str("key"), table.get_str("other")), (Some(3), None));
        assert!(table.get(&Obj::list(vec![])).is_err());
    }
}
