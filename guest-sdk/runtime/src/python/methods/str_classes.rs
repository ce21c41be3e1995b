//! `str.isalpha` and its like.

use super::str_case::{is_lower, is_title, is_upper};
use super::unicode::*;
use crate::py::chars::{digit, is_printable, is_space};
use crate::python::names::Method::{self, *};
use crate::python::object::Text;

pub fn is(text: &Text, method: Method) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    match method {
        Isascii => text.is_ascii(),
        Isalnum => all(is_alnum),
        Isalpha => all(is_alpha),
        Isdecimal => all(|c| digit(c).is_some()),
        Isdigit => all(is_digit),
        Isnumeric => all(is_numeric),
        Isspace => all(is_space),
        Isprintable => text.chars().all(is_printable),
        Isidentifier => is_identifier(text),
        Islower => has_only(text, is_lower, |c| is_upper(c) || is_title(c)),
        Isupper => has_only(text, is_upper, |c| is_lower(c) || is_title(c)),
        Istitle => is_titled(text),
        _ => false,
    }
}

/// At least one wanted character, and none that is refused.
fn has_only(text: &str, wanted: fn(char) -> bool, refused: impl Fn(char) -> bool) -> bool {
    let mut found = false;
    for c in text.chars() {
        if refused(c) {
            return false;
        }
        found |= wanted(c);
    }
    found
}

/// Every word starts in upper case and goes on in lower case.
fn is_titled(text: &str) -> bool {
    let (mut found, mut inside) = (false, false);
    for c in text.chars() {
        if is_upper(c) || is_title(c) {
            if inside {
                return false;
            }
            (found, inside) = (true, true);
        } else if is_lower(c) {
            if !inside {
                return false;
            }
        } else {
            inside = false;
        }
    }
    found
}

pub fn is_alpha(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    c.is_alphabetic() && !within(NOT_LETTERS, c)
}

pub fn is_digit(c: char) -> bool {
    digit(c).is_some() || within(DIGITS, c)
}

pub fn is_numeric(c: char) -> bool {
    c.is_numeric() || within(NUMERIC_IDEOGRAPHS, c)
}

pub fn is_alnum(c: char) -> bool {
    is_alpha(c) || is_numeric(c)
}

/// Whether a text is an identifier of Python (keywords are).
pub fn is_identifier(text: &str) -> bool {
    let start = |c: char| match c {
        '_' => true,
        c if c.is_ascii() => c.is_ascii_alphabetic(),
        c => within(IDENTIFIER_START, c) || (is_alpha(c) && !within(NO_IDENTIFIER_START, c)),
    };
    let goes_on = |c: char| match c {
        '_' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => within(IDENTIFIER_CONTINUE, c) || (c.is_alphanumeric() && !within(NO_IDENTIFIER_CONTINUE, c)),
    };
    let mut chars = text.chars();
    chars.next().is_some_and(start) && chars.all(goes_on)
}

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let code = c as u32;
    let below = ranges.partition_point(|(start, _)| *start <= code);
    below
        .checked_sub(1)
        .and_then(|at| ranges.get(at))
        .is_some_and(|(_, end)| code <= *end)
}
