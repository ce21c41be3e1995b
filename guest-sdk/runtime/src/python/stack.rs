//! The value stack: the slots that compiled code works on.
//!
//! Compiled code names a slot by its address and may overwrite an immediate in place; everything else goes through here. A slot
//! always holds an object; above the top every slot holds an immediate. A function's frame is pushed by the runtime before its
//! code runs and popped after it.
#![allow(unsafe_code)] // Slots are read and written through addresses that compiled code names.

use std::cell::{Cell, UnsafeCell};

use super::error::{Py, raise};
use super::names::Builtin;
use super::object::Obj;
use super::share::{Words, is_counted, let_go};

/// How many slots there are: 512 KiB.
pub const SLOTS: usize = 32_768;
/// How many calls may be inside each other, as in CPython.
const MAX_DEPTH: u32 = 1000;
const SLOT: usize = size_of::<Obj>();

thread_local! {
    static TOP: Cell<usize> = const { Cell::new(0) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[cfg(target_arch = "wasm32")]
fn base() -> *mut Obj {
    struct Slots(UnsafeCell<std::mem::MaybeUninit<[Obj; SLOTS]>>);
    // SAFETY: an instance has one thread.
    unsafe impl Sync for Slots {}
    // Zero bytes are `Obj::None`, whose tag is 0; so the stack takes no room in the module.
    static STACK: Slots = Slots(UnsafeCell::new(std::mem::MaybeUninit::zeroed()));
    STACK.0.get().cast()
}

#[cfg(not(target_arch = "wasm32"))]
fn base() -> *mut Obj {
    thread_local! {
        static STACK: Box<[UnsafeCell<Obj>]> = (0..SLOTS).map(|_| UnsafeCell::new(Obj::None)).collect();
    }
    STACK.with(|stack| stack.as_ptr().cast_mut().cast())
}

/// Stops the instance: compiled code has named a slot that is none, which only a fault of the compiler can do.
#[cold]
fn stop() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

/// The place of `count` slots from an address.
#[inline]
fn place(address: u32, count: usize) -> *mut Obj {
    let base = base();
    let offset = address.wrapping_sub(base as usize as u32) as usize;
    if !offset.is_multiple_of(SLOT) || offset / SLOT > SLOTS || SLOTS - offset / SLOT < count {
        stop();
    }
    // SAFETY: the offset is within the stack, or at its end when `count` is 0.
    unsafe { base.add(offset / SLOT) }
}

/// The slot at an address. One that is none names some other slot: wrong, which only a fault of the compiler can be, but a slot.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn one(address: u32) -> *mut Obj {
    const { assert!(SLOTS.is_power_of_two() && SLOT.is_power_of_two()) };
    let base = base();
    let offset = (address as usize).wrapping_sub(base as usize) & ((SLOTS - 1) * SLOT);
    // SAFETY: the offset is that of a slot of the stack.
    unsafe { base.byte_add(offset) }
}

#[cfg(not(target_arch = "wasm32"))]
fn one(address: u32) -> *mut Obj {
    place(address, 1)
}

/// The object in a slot.
///
/// # Safety
/// While the reference lives, nothing writes the slot. Compiled code writes slots of its own frame only, and a frame's code does
/// not run while a runtime function that it called does; so a runtime function may hold its operands until it writes its result.
#[inline(always)]
pub unsafe fn slot<'a>(address: u32) -> &'a Obj {
    // SAFETY: `one` gives a slot of the stack, which holds an object at all times; by the contract nothing writes it meanwhile.
    unsafe { &*one(address) }
}

/// The object in a slot, to be changed where it is.
///
/// # Safety
/// As [`slot`], and no other reference to the slot lives.
#[inline(always)]
pub unsafe fn slot_mut<'a>(address: u32) -> &'a mut Obj {
    // SAFETY: as in `slot`; by the contract the reference is the only one.
    unsafe { &mut *one(address) }
}

/// The objects in consecutive slots.
///
/// # Safety
/// As [`slot`].
#[inline]
pub unsafe fn slots<'a>(address: u32, count: u32) -> &'a [Obj] {
    // SAFETY: as in `slot`, for all of them.
    unsafe { std::slice::from_raw_parts(place(address, count as usize), count as usize) }
}

/// Puts an object into a slot and drops what was there. Must not be called while a reference from [`slot`] to it is in use.
#[inline(always)]
pub fn put(address: u32, value: Obj) {
    let slot = one(address);
    // SAFETY: a slot of the stack holds an object at all times; the old one is dropped only when the new one is in its place.
    let old = unsafe { std::mem::replace(&mut *slot, value) };
    let_go(old);
}

/// As [`put`], of a copy.
#[inline(always)]
pub fn put_words(address: u32, value: Words) {
    let slot = one(address);
    // SAFETY: a slot of the stack holds an object at all times.
    value.replace(unsafe { &mut *slot });
}

/// Takes the object out of a slot, which becomes `None`.
#[inline(always)]
pub fn take(address: u32) -> Obj {
    let slot = one(address);
    // SAFETY: a slot of the stack holds an object at all times.
    unsafe { std::mem::take(&mut *slot) }
}

/// The address of the slot `count` after another.
#[inline]
pub fn after(address: u32, count: u32) -> u32 {
    address.wrapping_add(count.wrapping_mul(SLOT as u32))
}

/// Empties consecutive slots.
#[inline]
pub fn clear(address: u32, count: u32) {
    let first = place(address, count as usize);
    for at in 0..count as usize {
        // SAFETY: `place` has checked that all of them are slots.
        let_go(unsafe { std::mem::take(&mut *first.add(at)) });
    }
}

/// Takes the objects out of consecutive slots.
#[inline]
pub fn take_all(address: u32, count: u32) -> impl ExactSizeIterator<Item = Obj> {
    let first = place(address, count as usize);
    // SAFETY: `place` has checked that all of them are slots.
    (0..count as usize).map(move |at| unsafe { std::mem::take(&mut *first.add(at)) })
}

/// A function's slots on top of the stack; popped when dropped.
pub struct Frame {
    first: usize,
    len: usize,
}

impl Frame {
    /// `len` slots that hold any immediates. `RecursionError` when the stack has no room, or when calls are too deep.
    #[inline]
    pub fn push(len: usize) -> Py<Frame> {
        let first = TOP.get();
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH || SLOTS - first < len || near_end() {
            return Err(too_deep());
        }
        DEPTH.set(depth + 1);
        TOP.set(first + len);
        Ok(Frame { first, len })
    }

    /// The address of slot 0, as compiled code gets it.
    #[inline]
    pub fn address(&self) -> u32 {
        (base() as usize as u32).wrapping_add((self.first * SLOT) as u32)
    }

    /// Takes all objects out, from slot 0 on.
    pub fn take_all(&mut self) -> Vec<Obj> {
        (0..self.len).map(|at| self.take(at)).collect()
    }

    /// Exchanges the objects of all slots but the first with others, as many as there are.
    #[inline]
    pub fn exchange(&mut self, others: &mut [Obj]) {
        for (at, other) in others.iter_mut().enumerate().skip(1).take(self.len.saturating_sub(1)) {
            // SAFETY: as in `set`; both places hold an object before and after.
            std::mem::swap(unsafe { &mut *self.at(at) }, other);
        }
    }

    #[inline]
    fn at(&self, at: usize) -> *mut Obj {
        if at >= self.len {
            stop();
        }
        // SAFETY: a frame's slots are within the stack.
        unsafe { base().add(self.first + at) }
    }

    #[inline]
    pub fn set(&mut self, at: usize, value: Obj) {
        // SAFETY: a slot of the stack; the frame's code does not run, since the frame is borrowed.
        let old = unsafe { std::mem::replace(&mut *self.at(at), value) };
        let_go(old);
    }

    #[inline]
    pub fn take(&mut self, at: usize) -> Obj {
        // SAFETY: as in `set`.
        unsafe { std::mem::take(&mut *self.at(at)) }
    }

    /// Whether the slot has no object yet.
    #[inline]
    pub fn is_unbound(&self, at: usize) -> bool {
        // SAFETY: as in `set`.
        matches!(unsafe { &*self.at(at) }, Obj::Unbound)
    }

    /// Makes the slots from `from` to before `to` variables that are not assigned. They hold immediates.
    #[inline]
    pub fn unbind(&mut self, from: usize, to: usize) {
        for at in from..to.min(self.len) {
            self.fill(at, Obj::Unbound);
        }
    }

    /// As [`Frame::set`] of a slot that holds an immediate, as all slots of a new frame do.
    #[inline]
    pub fn fill(&mut self, at: usize, value: Obj) {
        // SAFETY: as in `set`. An immediate is overwritten, which need not be let go; anything else would only be leaked.
        unsafe { self.at(at).write(value) }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a frame's slots are within the stack.
        let first = unsafe { base().add(self.first) };
        for at in 0..self.len {
            // SAFETY: a slot of the stack holds an object at all times.
            let slot = unsafe { &mut *first.add(at) };
            // An immediate may stay where it is.
            if is_counted(slot) {
                let_go(std::mem::take(slot));
            }
        }
        TOP.set(self.first);
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cold]
fn too_deep() -> super::error::Raised {
    raise(Builtin::RecursionError, "maximum recursion depth exceeded")
}

/// Whether the runtime's own stack is nearly used up. It lies at the start of memory and grows down, so an address in it is the
/// room that is left.
#[inline]
fn near_end() -> bool {
    #[cfg(target_arch = "wasm32")]
    {
        const RESERVE: usize = 48 << 10;
        let here = 0_u8;
        (&raw const here as usize) < RESERVE
    }
    #[cfg(not(target_arch = "wasm32"))]
    false
}
