//! A small generator for choices in tests: seeded from `FLOWGATE_SEED`, else always alike, so that a change is judged by what it
//! changes; other seeds look for what is not known yet.

use std::hash::{BuildHasher, Hasher, RandomState};

/// xorshift64*.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Seeded from `FLOWGATE_SEED`, or from 1; says which seed on standard error.
    pub fn seeded() -> Self {
        let seed = match std::env::var("FLOWGATE_SEED") {
            Ok(text) => text.parse().expect("FLOWGATE_SEED is a number"),
            Err(_) => 1,
        };
        eprintln!("FLOWGATE_SEED={seed}");
        Random::of(seed)
    }

    /// Another generator that goes its own way, for another task.
    pub fn fork(&mut self) -> Self {
        Random(self.number().max(1))
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// The generator of one number: another number, another sequence.
    pub fn of(seed: u64) -> Self {
        // Neighbours would begin alike.
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1));
        random.number();
        random
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.number().is_multiple_of(count)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() as u64 - 1) as usize]
    }

    /// A number from `low` up to and including `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.number() % (high - low + 1)
    }
}

/// 32 hex digits that no other call returns.
pub fn unique() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}
