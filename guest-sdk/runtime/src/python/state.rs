//! What one call of a code node may know of the world, and what it leaves behind: time, randomness, printed text.

/// Microseconds since 1970 (UTC), as told to this tick.
pub fn now_us() -> i64 {
    0
}
/// The next number of the run's seeded source.
pub fn random_u64() -> u64 {
    0
}
/// A line of `print`.
pub fn log(line: String) {
    let _ = line;
}
