//! `textwrap`: paragraphs in lines of a width, and margins.

mod wrapper;

use super::bind::{self, bind};
use super::declare::declare;
use crate::py::chars::is_space;
use crate::python::error::{Py, attribute_error, type_error};
use crate::python::object::{Args, Obj};
use crate::python::{call, compare, text};
use wrapper::Wrapper;

declare! {
    "textwrap" {
        "dedent" => |args| {
            let [source] = bind("dedent", args, ["text"], 1, 1)?;
            match bind::need(source, "dedent")? {
                Obj::Str(text) => Ok(Obj::str(dedent(text))),
                other => Err(type_error(format!("expected string or bytes-like object, got '{}'", text::type_name(other)))),
            }
        },
        "fill" => |args| {
            let (text, wrapper) = Wrapper::of_call("fill", args, "text")?;
            Ok(Obj::str(wrapper.wrap(text)?.join("\n")))
        },
        "indent" => indent,
        "shorten" => |args| {
            let (text, mut wrapper) = Wrapper::of_call("shorten", args, "text")?;
            wrapper.max_lines = Some(1);
            let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
            Ok(Obj::str(wrapper.wrap(&words.join(" "))?.join("\n")))
        },
        "wrap" => |args| {
            let (text, wrapper) = Wrapper::of_call("wrap", args, "text")?;
            Ok(Obj::list(wrapper.wrap(text)?.into_iter().map(Obj::str).collect()))
        },
    }
    {
        "TextWrapper" => Obj::NativeType(&wrapper::TEXT_WRAPPER),
    }
}

/// A text argument; anything else lacks the method that is called first.
fn text_of<'a>(value: Option<&'a Obj>, function: &str, method: &str) -> Py<&'a str> {
    match bind::need(value, function)? {
        Obj::Str(text) => Ok(text),
        other => Err(attribute_error(&text::type_name(other), method)),
    }
}

fn dedent(text: &str) -> String {
    let is_blank = |c: char| c == ' ' || c == '\t';
    // Lines of blanks alone become empty.
    let lines: Vec<&str> = (text.split('\n'))
        .map(|line| if line.trim_matches(is_blank).is_empty() { "" } else { line })
        .collect();
    let mut margin: Option<&str> = None;
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let indent = line
            .get(..line.len() - line.trim_start_matches(is_blank).len())
            .unwrap_or_default();
        margin = Some(match margin {
            None => indent,
            Some(margin) => {
                let common = margin.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                margin.get(..common).unwrap_or_default()
            }
        });
    }
    let margin = margin.unwrap_or_default();
    let cut: Vec<&str> = lines.iter().map(|line| line.strip_prefix(margin).unwrap_or(line)).collect();
    cut.join("\n")
}

/// The lines of a text with their ends, as `str.splitlines(True)`.
fn lines_with_ends(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
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
        if c == '\r'
            && let Some((next, '\n')) = chars.peek().copied()
        {
            end = next + 1;
            chars.next();
        }
        lines.push(text.get(start..end).unwrap_or_default());
        start = end;
    }
    if start < text.len() {
        lines.push(text.get(start..).unwrap_or_default());
    }
    lines
}

fn indent(args: &Args) -> Py {
    let [source, prefix, predicate] = bind("indent", args, ["text", "prefix", "predicate"], 2, 3)?;
    let text = text_of(source, "indent", "splitlines")?;
    let prefix = text_of(prefix, "indent", "__add__")?;
    let mut out = String::with_capacity(text.len());
    for line in lines_with_ends(text) {
        let chosen = match bind::unless_none(predicate) {
            Some(predicate) => compare::truth(&call::call(predicate, &Args::positional(&[Obj::str(line)]))?)?,
            None => !line.chars().all(is_space),
        };
        if chosen {
            out.push_str(prefix);
        }
        out.push_str(line);
    }
    Ok(Obj::str(out))
}
