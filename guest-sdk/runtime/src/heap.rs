//! The heap of a sandboxed runtime: free lists of small sizes in front of the standard allocator.
//!
//! A Python program makes and drops small objects all the time. One thread and a handful of sizes make that a push and a pop on a
//! list; everything larger goes to the standard allocator. Pages never go back to the host before the instance ends, so neither do
//! the lists.
#![allow(unsafe_code)] // An allocator hands out raw memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Sizes are rounded up to this; it is the alignment of what the lists hold.
const STEP: usize = 16;
/// Blocks up to this size come from the lists.
const SMALL: usize = 128;
const LISTS: usize = SMALL / STEP;
/// What the lists take from the standard allocator at once.
const CHUNK: usize = 4096;

/// The allocator of an instance, which has one thread.
pub struct Heap {
    lists: UnsafeCell<Lists>,
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
        }
    }
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

/// The list for a size; none for what the standard allocator serves.
#[inline(always)]
fn list(layout: Layout) -> Option<usize> {
    (layout.size() <= SMALL && layout.align() <= STEP).then(|| layout.size().saturating_sub(1) / STEP)
}

impl Lists {
    /// A block of the size of list `at` from a chunk.
    #[cold]
    fn carve(&mut self, at: usize) -> *mut u8 {
        let size = (at + 1) * STEP;
        if self.left < size {
            let Ok(chunk) = Layout::from_size_align(CHUNK, STEP) else {
                return null_mut();
            };
            // SAFETY: the layout's size is not 0.
            let memory = unsafe { System.alloc(chunk) };
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
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: one thread, and no other reference to the lists lives.
        let lists = unsafe { &mut *self.lists.get() };
        let block = lists.free[at];
        if block.is_null() {
            return lists.carve(at);
        }
        // SAFETY: a free block begins with the address of the next one.
        lists.free[at] = unsafe { block.cast::<*mut u8>().read() };
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(at) = list(layout) else {
            // SAFETY: the caller's own contract; the block came from there.
            return unsafe { System.dealloc(block, layout) };
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
        match (list(layout), list(wanted)) {
            // SAFETY: the caller's own contract; the block came from the standard allocator and stays there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (from, to) if from == to => block,
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
}
