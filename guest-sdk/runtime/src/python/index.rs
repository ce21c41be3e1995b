//! Where the entries of a [`super::table`] stand, by their hashes: open addressing with linear probing.
//!
//! A cell keeps half of the hash beside the place, so that most of what does not match is passed without looking at the entry, and
//! the index grows without looking at any.

use super::table::Place;

#[derive(Clone, Default)]
pub struct Index {
    /// A power of two of them, or none; at least half of them are free.
    cells: Box<[Cell]>,
    /// Cells that are not free: used ones, and those of removed entries.
    taken: usize,
}

#[derive(Clone, Copy)]
struct Cell {
    /// The place plus one, [`FREE`] or [`REMOVED`].
    mark: u32,
    spread: u32,
}

const FREE: u32 = 0;
const REMOVED: u32 = u32::MAX;

/// Python's hashes of numbers are the numbers; the index wants their differences in all bits.
#[inline(always)]
fn spread(hash: u64) -> u32 {
    let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread ^ (spread >> 32)) as u32
}

impl Index {
    /// The first place of this hash for which `is` says yes.
    #[inline(always)]
    pub fn find(&self, hash: u64, mut is: impl FnMut(Place) -> bool) -> Option<Place> {
        let spread = spread(hash);
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = spread as usize;
        loop {
            at &= mask;
            let cell = self.cells.get(at)?;
            match cell.mark {
                FREE => return None,
                mark if cell.spread == spread && mark != REMOVED => {
                    let place = (mark - 1) as Place;
                    if is(place) {
                        return Some(place);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Adds an entry, if there is room; else nothing has happened and the index has to be made anew.
    #[inline]
    pub fn add(&mut self, hash: u64, place: Place) -> bool {
        if (self.taken + 1) * 2 > self.cells.len() {
            return false;
        }
        self.place(hash, place);
        true
    }

    pub fn remove(&mut self, hash: u64, place: Place) {
        let spread = spread(hash);
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = spread as usize & mask;
        // Memory ends long before places do not fit.
        let wanted = place as u32 + 1;
        while let Some(cell) = self.cells.get_mut(at) {
            match cell.mark {
                FREE => return,
                mark if mark == wanted => {
                    cell.mark = REMOVED;
                    return;
                }
                _ => at = (at + 1) & mask,
            }
        }
    }

    pub fn clear(&mut self) {
        *self = Index::default();
    }

    /// An index of these entries with room for as many again.
    pub fn of(entries: usize, hashes: impl Iterator<Item = (Place, u64)>) -> Index {
        let free = Cell { mark: FREE, spread: 0 };
        let mut index = Index {
            cells: vec![free; (entries * 4).next_power_of_two().max(32)].into(),
            taken: 0,
        };
        hashes.for_each(|(place, hash)| index.place(hash, place));
        index
    }

    fn place(&mut self, hash: u64, place: Place) {
        let spread = spread(hash);
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = spread as usize & mask;
        while let Some(cell) = self.cells.get_mut(at) {
            if cell.mark == FREE {
                let mark = place as u32 + 1;
                *cell = Cell { mark, spread };
                self.taken += 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }
}
