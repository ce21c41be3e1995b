//! The hash table behind `set` and `frozenset`. It follows CPython's probing (`setobject.c`), because the order in which a program sees
//! the items of a set of numbers comes from it. No operation runs code of the program.

use super::error::Py;
use super::hash;
use super::object::Obj;

/// Slots that are looked at one after the other before jumping.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const SMALLEST: usize = 8;

/// A slot's content: an item; or `Unbound` with hash 0 (never used) or [`DUMMY`] (was removed).
#[derive(Clone)]
struct Slot {
    hash: u64,
    item: Obj,
}

/// The hash of a removed item's slot; no item has it.
const DUMMY: u64 = u64::MAX;

const EMPTY: Slot = Slot {
    hash: 0,
    item: Obj::Unbound,
};

impl Slot {
    fn is_unused(&self) -> bool {
        self.hash == 0 && matches!(self.item, Obj::Unbound)
    }
    fn is_live(&self) -> bool {
        !matches!(self.item, Obj::Unbound)
    }
}

#[derive(Clone, Default)]
pub struct SetTable {
    /// A power of two of them, or none as long as nothing was added.
    slots: Vec<Slot>,
    /// Slots with items or dummies.
    fill: usize,
    used: usize,
    /// Where `pop` goes on searching.
    finger: usize,
}

impl SetTable {
    pub fn len(&self) -> usize {
        self.used
    }
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }
    pub fn contains(&self, item: &Obj) -> Py<bool> {
        Ok(self.contains_hashed(hash::key(item)?, item))
    }
    /// True when it was not there.
    pub fn add(&mut self, item: Obj) -> Py<bool> {
        let hash = hash::key(&item)?;
        Ok(self.add_hashed(hash, item))
    }
    /// True when it was there.
    pub fn remove(&mut self, item: &Obj) -> Py<bool> {
        let hash = hash::key(item)?;
        Ok(self.remove_hashed(hash, item))
    }
    pub fn clear(&mut self) {
        *self = SetTable::default();
    }
    pub fn pop(&mut self) -> Option<Obj> {
        if self.used == 0 {
            return None;
        }
        let len = self.slots.len();
        for step in 0..len {
            let at = (self.finger.wrapping_add(step)) & (len - 1);
            let slot = self.slots.get_mut(at)?;
            if slot.is_live() {
                slot.hash = DUMMY;
                let item = std::mem::replace(&mut slot.item, Obj::Unbound);
                self.used -= 1;
                self.finger = at + 1;
                return Some(item);
            }
        }
        None
    }
    pub fn iter(&self) -> impl Iterator<Item = &Obj> {
        self.hashes().map(|(item, _)| item)
    }
    /// The items with their hashes.
    pub fn hashes(&self) -> impl Iterator<Item = (&Obj, u64)> {
        self.slots
            .iter()
            .filter(|slot| slot.is_live())
            .map(|slot| (&slot.item, slot.hash))
    }
    /// The first item at or after `place`, and the place after it.
    pub fn entry_at(&self, place: usize) -> Option<(usize, &Obj)> {
        let mut slots = self.slots.get(place..)?.iter().enumerate();
        let (skipped, slot) = slots.find(|(_, slot)| slot.is_live())?;
        Some((place + skipped + 1, &slot.item))
    }
    /// The items with the hash of `item`.
    pub fn candidates(&self, item: &Obj) -> Py<Vec<Obj>> {
        let hash = hash::key(item)?;
        let mut found = Vec::new();
        probe(self.slots.len(), hash, |at| match self.slots.get(at) {
            Some(slot) if !slot.is_unused() => {
                if slot.hash == hash && slot.is_live() {
                    found.push(slot.item.clone());
                }
                false
            }
            _ => true,
        });
        Ok(found)
    }
    /// `set |= other`
    pub fn merge(&mut self, other: &SetTable) {
        if other.used == 0 {
            return;
        }
        self.make_room(other.used);
        if self.fill == 0 {
            if self.slots.len() == other.slots.len() && other.fill == other.used {
                self.slots.clone_from(&other.slots);
            } else {
                for (item, hash) in other.hashes() {
                    self.place(hash, item.clone());
                }
            }
            (self.fill, self.used) = (other.used, other.used);
            return;
        }
        for (item, hash) in other.hashes() {
            self.add_hashed(hash, item.clone());
        }
    }
    /// Grows at once for `more` items of another set or a dict, as `update` does.
    pub fn make_room(&mut self, more: usize) {
        if self.slots.is_empty() {
            self.slots = vec![EMPTY; SMALLEST];
        }
        if (self.fill + more) * 5 >= self.mask() * 3 {
            self.resize((self.used + more) * 2);
        }
    }
    /// A set of the items of a set, in the order that `set(other)` gives.
    pub fn copy(&self) -> SetTable {
        let mut copy = SetTable::default();
        copy.merge(self);
        copy
    }
    /// `self & other`
    pub fn intersection(&self, other: &SetTable) -> SetTable {
        let (walked, asked) = if other.used > self.used {
            (self, other)
        } else {
            (other, self)
        };
        let mut result = SetTable::default();
        for (item, hash) in walked.hashes() {
            if asked.contains_hashed(hash, item) {
                result.add_hashed(hash, item.clone());
            }
        }
        result
    }
    /// `self - other`
    pub fn difference(&self, other: &SetTable) -> SetTable {
        // Few against many: taking them away from a copy.
        if self.used >> 2 > other.used {
            let mut copy = self.copy();
            copy.remove_all(other);
            return copy;
        }
        let mut result = SetTable::default();
        for (item, hash) in self.hashes() {
            if !other.contains_hashed(hash, item) {
                result.add_hashed(hash, item.clone());
            }
        }
        result
    }
    /// `self -= other`
    pub fn remove_all(&mut self, other: &SetTable) {
        for (item, hash) in other.hashes() {
            self.remove_hashed(hash, item);
        }
        self.tidy();
    }
    /// After many removals: makes the table smaller, as `difference_update` does at its end.
    pub fn tidy(&mut self) {
        if self.fill - self.used > self.mask() / 5 {
            self.grow();
        }
    }
    /// `self ^= other`
    pub fn toggle_all(&mut self, other: &SetTable) {
        for (item, hash) in other.hashes() {
            self.toggle_hashed(hash, item);
        }
    }
    /// Removes an item that is there, and adds one that is not.
    pub fn toggle(&mut self, item: &Obj) -> Py<()> {
        self.toggle_hashed(hash::key(item)?, item);
        Ok(())
    }
    /// `self ^ other`
    pub fn symmetric_difference(&self, other: &SetTable) -> SetTable {
        let mut result = other.copy();
        result.toggle_all(self);
        result
    }
    /// `self <= other`
    pub fn is_subset(&self, other: &SetTable) -> bool {
        self.used <= other.used && self.hashes().all(|(item, hash)| other.contains_hashed(hash, item))
    }
    pub fn is_disjoint(&self, other: &SetTable) -> bool {
        let (walked, asked) = if other.used > self.used {
            (self, other)
        } else {
            (other, self)
        };
        !walked.hashes().any(|(item, hash)| asked.contains_hashed(hash, item))
    }

    /// Removed items' slots stay taken until the table grows, so a walk along the probes always ends at an unused one.
    fn mask(&self) -> usize {
        self.slots.len().max(SMALLEST) - 1
    }

    /// The slot of an item, or the unused one where it belongs.
    fn find(&self, hash: u64, item: &Obj) -> Option<usize> {
        probe(self.slots.len(), hash, |at| {
            self.slots
                .get(at)
                .is_none_or(|slot| slot.is_unused() || (slot.hash == hash && slot.is_live() && hash::same_key(&slot.item, item)))
        })
    }

    fn contains_hashed(&self, hash: u64, item: &Obj) -> bool {
        self.find(hash, item)
            .and_then(|at| self.slots.get(at))
            .is_some_and(Slot::is_live)
    }

    fn add_hashed(&mut self, hash: u64, item: Obj) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![EMPTY; SMALLEST];
        }
        // The last dummy on the way to the unused slot is taken instead of it.
        let mut dummy = None;
        let found = probe(self.slots.len(), hash, |at| {
            let Some(slot) = self.slots.get(at) else { return true };
            if slot.hash == DUMMY && !slot.is_live() {
                dummy = Some(at);
            }
            slot.is_unused() || (slot.hash == hash && slot.is_live() && hash::same_key(&slot.item, &item))
        });
        let is_live = |at: usize| self.slots.get(at).is_some_and(Slot::is_live);
        let Some(at) = found.filter(|at| !is_live(*at)) else {
            return false;
        };
        if let Some(slot) = self.slots.get_mut(dummy.unwrap_or(at)) {
            *slot = Slot { hash, item };
        }
        if dummy.is_some() {
            self.used += 1;
            return true;
        }
        self.fill += 1;
        self.used += 1;
        if self.fill * 5 >= self.mask() * 3 {
            self.grow();
        }
        true
    }

    fn remove_hashed(&mut self, hash: u64, item: &Obj) -> bool {
        let Some(slot) = self.find(hash, item).and_then(|at| self.slots.get_mut(at)) else {
            return false;
        };
        if !slot.is_live() {
            return false;
        }
        *slot = Slot {
            hash: DUMMY,
            item: Obj::Unbound,
        };
        self.used -= 1;
        true
    }

    fn toggle_hashed(&mut self, hash: u64, item: &Obj) {
        if !self.remove_hashed(hash, item) {
            self.add_hashed(hash, item.clone());
        }
    }

    fn grow(&mut self) {
        let factor = if self.used > 50_000 { 2 } else { 4 };
        self.resize(self.used * factor);
    }

    /// A new table with more than `least` slots, without dummies.
    fn resize(&mut self, least: usize) {
        let mut size = SMALLEST;
        while size <= least {
            size <<= 1;
        }
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        for slot in old.into_iter().filter(Slot::is_live) {
            self.place(slot.hash, slot.item);
        }
        self.fill = self.used;
    }

    /// Puts an item that is surely new into a table without dummies.
    fn place(&mut self, hash: u64, item: Obj) {
        let at = probe(self.slots.len(), hash, |at| {
            self.slots.get(at).is_none_or(|slot| !slot.is_live())
        });
        if let Some(slot) = at.and_then(|at| self.slots.get_mut(at)) {
            *slot = Slot { hash, item };
        }
    }
}

/// Follows the probes of a hash to the first slot at which `stop` says so.
#[inline]
fn probe(slots: usize, hash: u64, mut stop: impl FnMut(usize) -> bool) -> Option<usize> {
    let mask = slots.checked_sub(1)? as u64;
    let (mut at, mut perturb) = (hash & mask, hash);
    loop {
        let last = if at + LINEAR_PROBES as u64 <= mask {
            at + LINEAR_PROBES as u64
        } else {
            at
        };
        for near in at..=last {
            if stop(near as usize) {
                return Some(near as usize);
            }
        }
        perturb >>= PERTURB_SHIFT;
        at = (at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb)) & mask;
    }
}
