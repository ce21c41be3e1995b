//! Marks what is counted. Under valgrind each call of [`counts_mark`] writes what has been executed since the last one to a file of its own.

use std::hint::black_box;

/// Instructions of one of several equal things.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    pub name: String,
    pub instructions: u64,
}

/// Does things, and says on standard output which.
pub struct Meter {
    counted: bool,
}

/// Valgrind is told this name. Never inlined, or there would be nothing to call.
#[inline(never)]
fn counts_mark() {
    black_box(());
}

impl Meter {
    /// `counted`: valgrind counts. Else everything is done once only.
    pub fn new(counted: bool) -> Self {
        Meter { counted }
    }

    /// How often [`count`](Self::count) does something in all, that is to be counted so many times.
    pub fn all(&self, times: u64) -> u64 {
        match self.counted {
            true => warm(times) + times,
            false => 1,
        }
    }

    /// Does something until everything it needs is warm, and then as often as it is counted. It is told how often it has been done.
    pub fn count(&self, name: &str, times: u64, mut once: impl FnMut(u64)) {
        if !self.counted {
            return once(0);
        }
        let warm = warm(times);
        (0..warm).for_each(&mut once);
        counts_mark();
        (warm..warm + times).for_each(&mut once);
        counts_mark();
        println!("{times}\t{name}");
    }
}

fn warm(times: u64) -> u64 {
    times / 4 + 2
}
