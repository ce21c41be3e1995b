//! Cutting texts: at white space, at a separator, at line ends, around the edges. Parts are told to `push` one after another.

use crate::py::chars::is_space;

/// At runs of white space, at most `most` times; what is left is not cut, but has no white space before it.
pub fn words<'a>(text: &'a str, most: usize, mut push: impl FnMut(&'a str)) {
    let mut rest = text;
    for _ in 0..most {
        rest = without_space(rest);
        // A byte loop for the usual case: no multi-byte character before the next space.
        let end = match rest.bytes().position(|b| b == b' ' || !(0x21..0x7f).contains(&b)) {
            None => break,
            Some(at) if rest.as_bytes()[at] == b' ' => at,
            Some(_) => match rest.find(is_space) {
                None => break,
                Some(at) => at,
            },
        };
        push(&rest[..end]);
        rest = &rest[end..];
    }
    rest = without_space(rest);
    if !rest.is_empty() {
        push(rest);
    }
}

/// The text without the white space before it, which is mostly one space before something visible.
#[inline]
fn without_space(text: &str) -> &str {
    match text.as_bytes() {
        [0x21..0x7f, ..] => text,
        [b' ', 0x21..0x7f, ..] => &text[1..],
        _ => text.trim_start_matches(is_space),
    }
}

/// As [`words`] from the end, last word first.
pub fn words_from_end<'a>(text: &'a str, most: usize, mut push: impl FnMut(&'a str)) {
    let mut rest = text.trim_end_matches(is_space);
    for _ in 0..most {
        let Some(start) = rest.rfind(is_space) else {
            break;
        };
        // What was found is one character, so the word starts at the next boundary.
        let word = rest[start..].trim_start_matches(is_space);
        push(word);
        rest = rest[..start].trim_end_matches(is_space);
    }
    if !rest.is_empty() {
        push(rest);
    }
}

/// Separators of so many bytes are looked for one byte after the other.
const SHORT: usize = 4;

/// At a separator that is not empty.
pub fn parts<'a>(text: &'a str, separator: &str, most: usize, mut push: impl FnMut(&'a str)) {
    let (bytes, wanted) = (text.as_bytes(), separator.as_bytes());
    let Some((first, others)) = wanted.split_first().filter(|_| wanted.len() <= SHORT) else {
        return text.splitn(most.saturating_add(1), separator).for_each(push);
    };
    // A walk over the bytes is faster than a search that has to be set up for each part.
    let (mut start, mut at, mut left) = (0, 0, most);
    while left > 0
        && let Some(rest) = bytes.get(at..)
        && let Some(skipped) = rest.iter().position(|byte| byte == first)
    {
        at += skipped;
        if rest.get(skipped + 1..).is_some_and(|rest| rest.starts_with(others)) {
            push(text.get(start..at).unwrap_or_default());
            at += wanted.len();
            start = at;
            left -= 1;
        } else {
            at += 1;
        }
    }
    push(text.get(start..).unwrap_or_default());
}

/// As [`parts`] from the end, last part first.
pub fn parts_from_end<'a>(text: &'a str, separator: &str, most: usize, push: impl FnMut(&'a str)) {
    text.rsplitn(most.saturating_add(1), separator).for_each(push)
}

/// Lines, with their ends when `keep`.
pub fn lines<'a>(text: &'a str, keep: bool, mut push: impl FnMut(&'a str)) {
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        ) {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        push(&text[start..if keep { end } else { at }]);
        start = end;
    }
    if start < text.len() {
        push(&text[start..]);
    }
}

/// The text without the characters at its edges that `drop` names.
pub fn strip(text: &str, left: bool, right: bool, drop: impl Fn(char) -> bool) -> &str {
    let text = if left { text.trim_start_matches(&drop) } else { text };
    if right { text.trim_end_matches(&drop) } else { text }
}
