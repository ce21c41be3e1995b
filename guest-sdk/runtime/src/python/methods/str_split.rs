//! Cutting texts: at white space, at a separator, at line ends, around the edges. Parts are told to `push` one after another.

use crate::py::chars::is_space;

/// At runs of white space, at most `most` times; what is left is not cut, but has no white space before it.
pub fn words<'a>(text: &'a str, most: usize, mut push: impl FnMut(&'a str)) {
    let mut rest = text.trim_start_matches(is_space);
    for _ in 0..most {
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
        rest = rest[end..].trim_start_matches(is_space);
    }
    if !rest.is_empty() {
        push(rest);
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

/// At a separator that is not empty.
pub fn parts<'a>(text: &'a str, separator: &str, most: usize, mut push: impl FnMut(&'a str)) {
    let pieces = most.saturating_add(1);
    let mut chars = separator.chars();
    match (chars.next(), chars.next()) {
        // One character is found faster.
        (Some(c), None) => text.splitn(pieces, c).for_each(push),
        _ => text.splitn(pieces, separator).for_each(&mut push),
    }
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
