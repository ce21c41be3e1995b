//! How deep the runtime's own functions may call each other: nested containers in `repr`, comparison and hashing, and methods of the
//! program that these run. The native stack is small, so what goes deeper raises `RecursionError` instead of overrunning it.

use std::cell::Cell;

use super::error::{Py, raise};
use super::names::Builtin;

/// Levels of containers that the runtime follows.
const LIMIT: u32 = 300;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level, for as long as it lives.
pub struct Level(());

/// Enters a level. `doing` completes CPython's message: ` in comparison`, ` while getting the repr of an object`.
pub fn enter(doing: &str) -> Py<Level> {
    let depth = DEPTH.get();
    if depth >= LIMIT {
        let text = format!("maximum recursion depth exceeded{doing}");
        return Err(raise(Builtin::RecursionError, text));
    }
    DEPTH.set(depth + 1);
    Ok(Level(()))
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}
