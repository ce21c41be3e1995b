//! Inputs that nobody wrote, for everything that takes bytes from outside: bundles, flows, Python, components, states of flows, HTTP; and
//! for what a disk may have damaged: rows of the database, recorded runs.
//!
//! A target is a test. It takes bytes as dice ([`Dice`]), makes an input of them, mostly by changing a good one ([`mutate`], [`seeds`]),
//! hands it to the code that a request would hand it to, checks what must hold for any input, and says whether the input was taken: of a
//! series that is always refused nothing is learnt, so that fails too. By default each target is run on a
//! fixed series of inputs for a few seconds, so that the suite does the same every time. With one of bolero's variables it is bolero that
//! chooses them, with new seeds each time, and makes a failing one smaller:
//!
//! ```text
//! BOLERO_RANDOM_ITERATIONS=100000 cargo test --workspace --lib fuzz     # as many of each
//! BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test --workspace --lib fuzz   # so long for each
//! cargo bolero test -p flowgate fuzz::flows::a_flow_is_refused_or_runs  # guided by coverage; needs cargo-bolero and a nightly compiler
//! ```
//!
//! The first two need nothing but the tests themselves, and `fuzz` names all targets but that of damaged rows (`journal::tests::corrupt`).
//!
//! What a failing target was given is printed in full ([`Shown`]). A finding becomes a case: in `cases/`, whose inputs are tried in every
//! run ([`cases`]), or as a plain test beside the target.

mod bundles;
mod components;
mod flows;
pub mod lab;
pub mod mutate;
pub mod seeds;
mod snapshots;

use std::panic::RefUnwindSafe;
use std::sync::mpsc;
use std::time::Duration;

/// Runs a target: `check!(iterations, |dice: &mut Dice<'_>| -> bool { … })`, the only expression of its test.
macro_rules! check {
    ($iterations:expr, $target:expr) => {{
        let mut target = crate::fuzz::Target($target);
        if crate::fuzz::on_demand() {
            bolero::check!().with_max_len(crate::fuzz::MAX_LEN).for_each(|input: &[u8]| {
                target.hit(input);
            });
        } else {
            target.fixed($iterations);
        }
    }};
}
pub(crate) use check;

/// Bytes of an input that bolero makes.
pub const MAX_LEN: usize = 2048;

/// An input that takes longer has found a loop without an end. Far above what any takes on a busy machine.
const HUNG: Duration = Duration::from_secs(120);

/// Whether bolero chooses the inputs.
pub fn on_demand() -> bool {
    std::env::vars_os().any(|(name, _)| name.to_string_lossy().contains("BOLERO_"))
}

/// What is done with each input.
pub struct Target<F>(pub F);

/// A target that has panicked is not used again but to make its input smaller, on a state that each input finds as it began.
impl<F> RefUnwindSafe for Target<F> {}

impl<F: FnMut(&mut Dice<'_>) -> bool> Target<F> {
    pub fn hit(&mut self, input: &[u8]) -> bool {
        (self.0)(&mut Dice(input))
    }

    /// The inputs that the suite tries, the same in every run.
    pub fn fixed(&mut self, iterations: u64) {
        let watchdog = Watchdog::new();
        let mut taken = 0;
        for seed in 0..iterations {
            watchdog.begins(seed);
            let _shown = Shown("the input's number", &seed);
            taken += u64::from(self.hit(&throw(seed)));
        }
        let some = iterations / 50..=iterations - iterations / 50;
        assert!(
            some.contains(&taken),
            "{taken} of {iterations} inputs were taken: the target tries nothing"
        );
    }
}

/// Ends the tests when an input does not come to an end: the harness would wait for ever and not say for which.
struct Watchdog(mpsc::Sender<u64>);

impl Watchdog {
    fn new() -> Self {
        let (begins, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut seed = 0;
            loop {
                match heard.recv_timeout(HUNG) {
                    Ok(next) => seed = next,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        eprintln!("input number {seed} has been at work for {HUNG:?}");
                        std::process::abort();
                    }
                }
            }
        });
        Watchdog(begins)
    }

    fn begins(&self, seed: u64) {
        self.0.send(seed).unwrap();
    }
}

/// Up to 400 bytes that look random (SplitMix64).
fn throw(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let words = 4 + next() % 47;
    (0..words).flat_map(|_| next().to_le_bytes()).collect()
}

/// Bytes as choices. When they are used up, every choice is the first one.
#[derive(Debug)]
pub struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn byte(&mut self) -> usize {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*byte)
    }

    /// A number below `n`; 0 when there is none.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            2..=256 => self.byte() % n,
            _ => ((self.byte() << 16) | (self.byte() << 8) | self.byte()) % n,
        }
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) + 1 == n
    }

    pub fn pick<'v, T>(&mut self, from: &'v [T]) -> &'v T {
        &from[self.below(from.len())]
    }
}

/// The inputs of a file of `cases/`, each with what is hard about it: `=== what`, and the input in the lines that follow.
pub fn cases(file: &'static str) -> Vec<(&'static str, &'static str)> {
    let all = file.split("=== ").filter(|case| !case.is_empty());
    all.map(|case| case.split_once('\n').unwrap()).collect()
}

/// Prints what was tried if the test fails while this lives.
pub struct Shown<'a>(pub &'a str, pub &'a dyn std::fmt::Display);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.0, self.1);
        }
    }
}
