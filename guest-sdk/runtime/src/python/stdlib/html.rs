//! `html`: escaping and the character references of HTML 4.

mod entities;

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, attribute_error};
use crate::python::object::{Args, Obj};
use crate::python::text;
use entities::{WINDOWS, lookup};

declare! {
    "html" {
        "escape" => escape,
        "unescape" => unescape,
    }
    {}
}

fn escape(args: &Args) -> Py {
    let [source, quote] = bind("escape", args, ["s", "quote"], 1, 2)?;
    let source = bind::need(source, "escape")?;
    let Obj::Str(text) = source else {
        return Err(attribute_error(&text::type_name(source), "replace"));
    };
    let quote = bind::flag(quote, true)?;
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quote => out.push_str("&quot;"),
            '\'' if quote => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    Ok(Obj::str(out))
}

fn unescape(args: &Args) -> Py {
    let [source] = bind("unescape", args, ["s"], 1, 1)?;
    match bind::need(source, "unescape")? {
        Obj::Str(text) if text.contains('&') => Ok(Obj::str(unescaped(text))),
        text @ Obj::Str(_) => Ok(text.clone()),
        other => Err(crate::python::error::type_error(format!(
            "argument of type '{}' is not iterable",
            text::type_name(other)
        ))),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        let body = reference.get(1..).unwrap_or_default();
        let used = match body.strip_prefix('#') {
            Some(number) => numeric(number, &mut out).map(|used| used + 1),
            None => named(body, &mut out),
        };
        if used.is_none() {
            out.push('&');
        }
        rest = body.get(used.unwrap_or(0)..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Appends the character of `#65;` or `#x41;` and gives the length of what it read behind the `#`.
fn numeric(text: &str, out: &mut String) -> Option<usize> {
    let (radix, digits) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, text),
    };
    let len = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if len == 0 {
        return None;
    }
    let code = (digits.get(..len))
        .and_then(|digits| u32::from_str_radix(digits, radix).ok())
        .unwrap_or(u32::MAX);
    match code {
        0 => out.push(char::REPLACEMENT_CHARACTER),
        0x0d => out.push('\r'),
        0x80..=0x9f => out.push(
            WINDOWS
                .get(code as usize - 0x80)
                .copied()
                .unwrap_or(char::REPLACEMENT_CHARACTER),
        ),
        // Controls and code points that are no characters are dropped.
        0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => {}
        _ if code & 0xfffe == 0xfffe && code <= 0x10_ffff => {}
        _ => out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
    }
    let semicolon = usize::from(digits.as_bytes().get(len) == Some(&b';'));
    Some(text.len() - digits.len() + len + semicolon)
}

/// Appends the character that a name stands for and gives how much of the text it took.
fn named(text: &str, out: &mut String) -> Option<usize> {
    let len = text.bytes().take(32).take_while(u8::is_ascii_alphanumeric).count();
    let name = text.get(..len)?;
    if text.as_bytes().get(len) == Some(&b';')
        && let Some((c, _)) = lookup(name)
    {
        out.push(c);
        return Some(len + 1);
    }
    // Old names stand without a semicolon too, even in front of other letters.
    (2..=len).rev().find_map(|len| match lookup(text.get(..len)?) {
        Some((c, true)) => {
            out.push(c);
            Some(len)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::entities::NAMES;
    use super::unescaped;

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn references_become_what_python_makes_of_them() {
        for (text, expected) in [
            (
                "&lt;&#39;&amp;&notit;&nbsp;&copy;&#x41;&bogus;&amp",
                "<'&\u{ac}it;\u{a0}\u{a9}A&bogus;&",
            ),
            ("&#0;&#128;&#xD800;&#x110000;", "\u{fffd}\u{20ac}\u{fffd}\u{fffd}"),
            ("a & b &; &# &#x;", "a & b &; &# &#x;"),
            ("&euro &euro;&eacute", "&euro \u{20ac}\u{e9}"),
        ] {
            assert_eq!(unescaped(text), expected);
        }
    }
}
