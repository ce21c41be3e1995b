//! Where this server and the reference differ, and why. `docs/differences.md` is made from it.

/// One difference.
pub struct Difference {
    /// Endpoint or area.
    pub at: &'static str,
    pub reference: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
    /// Labels of the checks that the reference does not pass for it.
    pub checks: &'static [&'static str],
    /// Where it shows in the recorded exchanges: their name, and the place in the answer. `*` in a place is one part or more.
    pub recorded: &'static [(&'static str, &'static str)],
}

/// Recorded exchanges that this server does not answer yet.
pub const PENDING: &[&str] = &[];

pub const DIFFERENCES: &[Difference] = &[];

/// Whether a check of this label is known to fail against the reference.
pub fn explains_check(label: &str) -> bool {
    DIFFERENCES.iter().any(|difference| difference.checks.contains(&label))
}

/// All places in recorded exchanges that are known to differ.
pub fn all_recorded() -> impl Iterator<Item = (&'static str, &'static str)> {
    DIFFERENCES.iter().flat_map(|difference| difference.recorded.iter().copied())
}

/// The entry that explains this place of a recorded exchange.
pub fn recorded(name: &str, at: &str) -> Option<(&'static str, &'static str)> {
    all_recorded().find(|(exchange, place)| *exchange == name && fits(place, at))
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().any(|(at, _)| at > 0 && fits(tail, &rest[at..])) || (!rest.is_empty() && tail.is_empty())
        }),
    }
}
