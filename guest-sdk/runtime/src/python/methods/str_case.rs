//! Upper, lower, title and folded case, by the full mappings of Unicode.

use std::rc::Rc;

use super::unicode::{FOLD, TITLE};
use crate::python::names::Method::{self, *};
use crate::python::object::{Obj, Text};

pub fn convert(text: &Rc<Text>, method: Method) -> Obj {
    if text.is_ascii() {
        return match method {
            Lower | Casefold if !text.bytes().any(|b| b.is_ascii_uppercase()) => Obj::Str(text.clone()),
            Upper if !text.bytes().any(|b| b.is_ascii_lowercase()) => Obj::Str(text.clone()),
            Lower | Casefold => Obj::str(text.to_ascii_lowercase()),
            Upper => Obj::str(text.to_ascii_uppercase()),
            Capitalize => {
                let mut out = text.to_ascii_lowercase();
                if let Some(first) = out.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                Obj::str(out)
            }
            _ => Obj::str(by_character(text, method)),
        };
    }
    Obj::str(match method {
        Lower => text.to_lowercase(),
        Upper => text.to_uppercase(),
        Casefold => text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
            push_folded(&mut out, c);
            out
        }),
        method => by_character(text, method),
    })
}

/// `title`, `capitalize` and `swapcase`: what becomes of a character depends on those before it.
fn by_character(text: &str, method: Method) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_cased = false;
    for (at, c) in text.char_indices() {
        let (up, down) = match method {
            Title => (!after_cased, after_cased),
            Capitalize => (at == 0, at > 0),
            _ if is_upper(c) => (false, true),
            _ => (is_lower(c), false),
        };
        match (up, down) {
            (true, _) if method == Swapcase => out.extend(c.to_uppercase()),
            (true, _) => push_title(&mut out, c),
            (_, true) => push_lower(&mut out, text, at, c),
            _ => out.push(c),
        }
        after_cased = is_cased(c);
    }
    out
}

/// Lower case of a character within its text: a sigma has a final form, told by its neighbours.
fn push_lower(out: &mut String, text: &str, at: usize, c: char) {
    if c != 'Σ' {
        out.extend(c.to_lowercase());
        return;
    }
    let cased = |c: char| (!is_case_ignorable(c)).then(|| is_cased(c));
    let before = text[..at].chars().rev().find_map(cased).unwrap_or(false);
    let after = text[at + c.len_utf8()..].chars().find_map(cased).unwrap_or(false);
    out.push(if before && !after { 'ς' } else { 'σ' });
}

/// Whether the search for a sigma's neighbours passes over a character. The standard library knows, but shows it only by what it
/// makes of a sigma: behind a letter and characters that are passed over, a sigma is a final one.
fn is_case_ignorable(c: char) -> bool {
    let (before, passed_over) = if is_cased(c) { ('1', 'σ') } else { ('a', 'ς') };
    String::from_iter([before, c, 'Σ']).to_lowercase().ends_with(passed_over)
}

fn push_title(out: &mut String, c: char) {
    match TITLE.binary_search_by_key(&c, |(known, _)| *known) {
        Ok(at) => out.push_str(TITLE[at].1),
        Err(_) => out.extend(c.to_uppercase()),
    }
}

fn push_folded(out: &mut String, c: char) {
    match c {
        // Cherokee folds to its upper case, which is the older.
        '\u{13a0}'..='\u{13f5}' => out.push(c),
        '\u{ab70}'..='\u{abbf}' => out.extend(char::from_u32(c as u32 - 0xab70 + 0x13a0)),
        _ => match FOLD.binary_search_by_key(&c, |(known, _)| *known) {
            Ok(at) => out.push_str(FOLD[at].1),
            Err(_) => out.extend(c.to_lowercase()),
        },
    }
}

pub fn is_lower(c: char) -> bool {
    c.is_lowercase()
}

pub fn is_upper(c: char) -> bool {
    c.is_uppercase()
}

/// A title-case letter: `ǅ` and the like.
pub fn is_title(c: char) -> bool {
    matches!(
        c as u32,
        0x1c5 | 0x1c8 | 0x1cb | 0x1f2 | 0x1f88..=0x1f8f | 0x1f98..=0x1f9f | 0x1fa8..=0x1faf | 0x1fbc | 0x1fcc | 0x1ffc
    )
}

fn is_cased(c: char) -> bool {
    is_lower(c) || is_upper(c) || is_title(c)
}
