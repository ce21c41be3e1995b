//! Slices with a step of one.

use std::ops::Range;

/// The places that `sequence[start:end]` takes of a sequence of `len`: negative indices count from
/// its end, and what lies outside is cut off.
pub fn range(len: usize, start: Option<i64>, end: Option<i64>) -> Range<usize> {
    let place = |index: i64| {
        let index = if index < 0 {
            index.saturating_add(len as i64).max(0)
        } else {
            index
        };
        (index as u64).min(len as u64) as usize
    };
    let start = start.map_or(0, place);
    start..end.map_or(len, place).max(start)
}

/// Python's `text[start:end]`, by code points.
pub fn text(text: &str, start: Option<i64>, end: Option<i64>) -> &str {
    if text.is_ascii() {
        return &text[range(text.len(), start, end)];
    }
    let places = range(text.chars().count(), start, end);
    let byte = |place| text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte);
    &text[byte(places.start)..byte(places.end)]
}
