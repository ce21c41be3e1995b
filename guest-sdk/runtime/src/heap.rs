//! The heap of a sandboxed runtime: free lists of small sizes in front of the standard allocator.
//!
//! A Python program makes and drops small objects all the time. One thread and a handful of sizes make that a push and a pop on a
//! list; everything larger goes to the standard allocator. Pages never go back to the host before the instance ends, so neither do
//! the lists.
//!
//! An activation of a flow is short. What it needs first comes from a fixed [area](FIRST) of the memory that every instance begins with and
//! is not given back, so that most instances never ask the host for more memory: that would change the protection of pages twice, which
//! costs more than the activation's own allocations together.
#![allow(unsafe_code)] // An allocator hands out raw memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;

/// Sizes are rounded up to this; it is the alignment of what the lists hold.
const STEP: usize = 16;
/// Blocks up to this size come from the lists.
const SMALL: usize = 128;
const LISTS: usize = SMALL / STEP;
/// What the lists take from the standard allocator at once.
const CHUNK: usize = 4096;
/// Bytes that are there from the start.
const FIRST: usize = 96 << 10;

/// The allocator of an instance, which has one thread.
pub struct Heap {
    lists: UnsafeCell<Lists>,
    first: First,
}

/// What every instance begins with, given out from its start to its end.
#[repr(C, align(16))]
struct First {
    bytes: UnsafeCell<[u8; FIRST]>,
    used: Cell<usize>,
}

struct Lists {
    /// The first free block of each size; a free block begins with the address of the next.
    free: [*mut u8; LISTS],
    /// What is left of the last chunk.
    rest: *mut u8,
    left: usize,
}

// SAFETY: a WebAssembly instance without the threads proposal has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    pub const fn new() -> Self {
        Heap {
            lists: UnsafeCell::new(Lists {
                free: [null_mut(); LISTS],
                rest: null_mut(),
                left: 0,
            }),
            first: First {
                bytes: UnsafeCell::new([0; FIRST]),
                used: Cell::new(0),
            },
        }
    }

    /// A block for which there is no list.
    ///
    /// # Safety
    /// As for [`GlobalAlloc::alloc`].
    unsafe fn large(&self, layout: Layout) -> *mut u8 {
        match self.first.take(layout) {
            Some(block) => block,
            // SAFETY: the caller's own contract.
            None => unsafe { System.alloc(layout) },
        }
    }
}

impl First {
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let begin = self.used.get();
        let end = begin
            .checked_add(layout.size())
            .filter(|end| *end <= FIRST && layout.align() <= STEP)?;
        self.used.set(end.next_multiple_of(STEP));
        // SAFETY: `begin` is not beyond the area's end.
        Some(unsafe { self.bytes.get().cast::<u8>().add(begin) })
    }

    /// Where in the area a block lies; none when it came from the standard allocator.
    fn place(&self, block: *mut u8) -> Option<usize> {
        let at = (block as usize).wrapping_sub(self.bytes.get() as usize);
        (at < FIRST).then_some(at)
    }

    /// Makes the block at `at`, which has `old` bytes, larger or smaller where it is. Only the newest can grow.
    fn resize(&self, at: usize, old: usize, new: usize) -> bool {
        let is_newest = (at + old).next_multiple_of(STEP) == self.used.get();
        match at.checked_add(new) {
            Some(end) if is_newest && end <= FIRST => {
                self.used.set(end.next_multiple_of(STEP));
                true
            }
            _ => new <= old,
        }
    }
}

/// The list for a size; none for what the standard allocator serves.
#[inline(always)]
fn list(layout: Layout) -> Option<usize> {
    (layout.size() <= SMALL && layout.align() <= STEP).then(|| layout.size().saturating_sub(1) / STEP)
}

impl Lists {
    /// A block of the size of list `at` from a chunk, which `heap` gives.
    #[cold]
    fn carve(&mut self, at: usize, heap: &Heap) -> *mut u8 {
        let size = (at + 1) * STEP;
        if self.left < size {
            let Ok(chunk) = Layout::from_size_align(CHUNK, STEP) else {
                return null_mut();
            };
            // SAFETY: the layout's size is not 0.
            let memory = unsafe { heap.large(chunk) };
            if memory.is_null() {
                return memory;
            }
            // What was left of the old chunk is given up: less than one block.
            self.rest = memory;
            self.left = CHUNK;
        }
        let block = self.rest;
        // SAFETY: `size` bytes are left behind `rest`, as was checked above.
        self.rest = unsafe { block.add(size) };
        self.left -= size;
        block
    }
}

// SAFETY: a block comes from a list of its own size or larger, aligned to `STEP`, or from the standard allocator; it goes back to where
// it came from, because both decide by the layout alone. The lists are touched by one thread, and nothing in between calls back.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(at) = list(layout) else {
            // SAFETY: the caller's own contract.
            return unsafe { self.large(layout) };
        };
        // SAFETY: one thread, and no other reference to the lists lives.
        let lists = unsafe { &mut *self.lists.get() };
        let block = lists.free[at];
        if block.is_null() {
            return lists.carve(at, self);
        }
        // SAFETY: a free block begins with the address of the next one.
        lists.free[at] = unsafe { block.cast::<*mut u8>().read() };
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(at) = list(layout) else {
            if self.first.place(block).is_none() {
                // SAFETY: the caller's own contract; the block came from there.
                unsafe { System.dealloc(block, layout) };
            }
            return;
        };
        // SAFETY: as in `alloc`.
        let lists = unsafe { &mut *self.lists.get() };
        // SAFETY: the block is at least `STEP` bytes and nobody's any more.
        unsafe { block.cast::<*mut u8>().write(lists.free[at]) };
        lists.free[at] = block;
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else {
            return null_mut();
        };
        match (list(layout), list(wanted), self.first.place(block)) {
            // SAFETY: the caller's own contract; the block came from the standard allocator and stays there.
            (None, None, None) => unsafe { System.realloc(block, layout, size) },
            (None, None, Some(at)) if self.first.resize(at, layout.size(), size) => block,
            (Some(from), Some(to), _) if from == to => block,
            _ => {
                // SAFETY: the caller's own contract.
                let moved = unsafe { self.alloc(wanted) };
                if !moved.is_null() {
                    // SAFETY: both blocks hold at least the smaller size, and they are two.
                    unsafe { std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size)) };
                    // SAFETY: the block is this heap's, of this layout.
                    unsafe { self.dealloc(block, layout) };
                }
                moved
            }
        }
    }
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_contents_and_never_overlap() {
        let heap = Heap::new();
        let mut live: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..20_000 {
            let mark = round as u8;
            // SAFETY: every block is used within its layout, and given back once with the layout it has.
            unsafe {
                match next(3) {
                    0 if !live.is_empty() => {
                        let (block, layout, mark) = live.swap_remove(next(live.len() as u64) as usize);
                        let held = std::slice::from_raw_parts(block, layout.size());
                        assert!(held.iter().all(|byte| *byte == mark));
                        heap.dealloc(block, layout);
                    }
                    1 if !live.is_empty() => {
                        let at = next(live.len() as u64) as usize;
                        let (block, layout, mark) = live[at];
                        let size = 1 + next(300) as usize;
                        let block = heap.realloc(block, layout, size);
                        let kept = std::slice::from_raw_parts(block, layout.size().min(size));
                        assert!(kept.iter().all(|byte| *byte == mark));
                        block.write_bytes(mark, size);
                        live[at] = (block, Layout::from_size_align(size, layout.align()).unwrap(), mark);
                    }
                    _ => {
                        let layout = Layout::from_size_align(1 + next(300) as usize, 1 << next(5)).unwrap();
                        let block = heap.alloc(layout);
                        assert!(!block.is_null() && (block as usize).is_multiple_of(layout.align()));
                        block.write_bytes(mark, layout.size());
                        live.push((block, layout, mark));
                    }
                }
            }
        }
        for (block, layout, _) in live {
            // SAFETY: as above.
            unsafe { heap.dealloc(block, layout) };
        }
    }

    #[test]
    fn the_newest_block_of_the_first_area_grows_where_it_is() {
        let heap = Heap::new();
        let large = |size| Layout::from_size_align(size, 8).unwrap();
        // SAFETY: every block is used within its layout, and given back once with the layout it has.
        unsafe {
            let older = heap.alloc(large(200));
            let newest = heap.alloc(large(200));
            assert_eq!(heap.realloc(newest, large(200), 4000), newest);
            assert_ne!(heap.realloc(older, large(200), 4000), older);
            let beyond = heap.alloc(large(FIRST));
            assert_eq!(heap.first.place(beyond), None);
            heap.dealloc(beyond, large(FIRST));
        }
    }
}
