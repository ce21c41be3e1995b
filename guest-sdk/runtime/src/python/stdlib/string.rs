//! `string`: classes of characters, and templates with `$` names.

use std::any::Any;
use std::rc::Rc;

use super::bind::{self, bind};
use super::declare::declare;
use crate::py::chars::is_space;
use crate::python::error::{Py, attribute_error, key_error, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::{compare, subscript, text};

declare! {
    "string" {
        "capwords" => capwords,
    }
    {
        "Template" => Obj::NativeType(&TEMPLATE),
        "ascii_letters" => Obj::str("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "ascii_lowercase" => Obj::str("abcdefghijklmnopqrstuvwxyz"),
        "ascii_uppercase" => Obj::str("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "digits" => Obj::str("0123456789"),
        "hexdigits" => Obj::str("0123456789abcdefABCDEF"),
        "octdigits" => Obj::str("01234567"),
        "printable" => Obj::str(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\u{b}\u{c}"
        ),
        "punctuation" => Obj::str("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        "whitespace" => Obj::str(" \t\n\r\u{b}\u{c}"),
    }
}

fn capwords(args: &Args) -> Py {
    let [source, separator] = bind("capwords", args, ["s", "sep"], 1, 2)?;
    let source = bind::need(source, "capwords")?;
    let Obj::Str(text) = source else {
        return Err(attribute_error(&text::type_name(source), "split"));
    };
    let capital = |word: &str| {
        let mut chars = word.chars();
        let Some(first) = chars.next() else {
            return String::new();
        };
        let mut out: String = first.to_uppercase().collect();
        // One character that becomes several is capital only in its first.
        if out.chars().count() > 1 {
            let rest: String = out.chars().skip(1).flat_map(char::to_lowercase).collect();
            out.truncate(out.chars().next().map_or(0, char::len_utf8));
            out.push_str(&rest);
        }
        out.push_str(&chars.as_str().to_lowercase());
        out
    };
    Ok(Obj::str(match bind::unless_none(separator) {
        None => {
            let words = text.split(is_space).filter(|word| !word.is_empty());
            words.map(capital).collect::<Vec<_>>().join(" ")
        }
        Some(Obj::Str(separator)) if separator.is_empty() => return Err(value_error("empty separator")),
        Some(Obj::Str(separator)) => text
            .split(separator.text.as_str())
            .map(capital)
            .collect::<Vec<_>>()
            .join(separator),
        Some(other) => {
            return Err(type_error(format!("must be str or None, not {}", text::type_name(other))));
        }
    }))
}

/// `string.Template`
static TEMPLATE: NativeType = NativeType {
    module: "string",
    name: "Template",
    new: |args| {
        let [template] = bind("Template.__init__", args, ["template"], 1, 1)?;
        match bind::need(template, "Template")? {
            Obj::Str(template) => Ok(Obj::native(Template(template.clone()))),
            other => Err(type_error(format!(
                "expected string or bytes-like object, got '{}'",
                text::type_name(other)
            ))),
        }
    },
    is_instance: |object| object.as_native::<Template>().is_some(),
    attribute: |_| None,
};

struct Template(Rc<Text>);

/// What a `$` begins.
enum Piece<'a> {
    Dollar,
    /// With the text that names it, for a name that is not known.
    Name(&'a str, &'a str),
    Invalid,
}

/// Behind a `$`: what it begins and how many bytes that takes.
fn piece(rest: &str) -> (Piece<'_>, usize) {
    if rest.starts_with('$') {
        return (Piece::Dollar, 1);
    }
    let braced = rest.strip_prefix('{');
    let body = braced.unwrap_or(rest);
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let len = match body.chars().next() {
        Some(c) if is_first(c) => body
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count(),
        _ => 0,
    };
    let name = body.get(..len).unwrap_or_default();
    let used = match braced {
        None => len,
        Some(body) if body.as_bytes().get(len) == Some(&b'}') => len + 2,
        Some(_) => 0,
    };
    if len == 0 || used == 0 {
        return (Piece::Invalid, 0);
    }
    (Piece::Name(name, rest.get(..used).unwrap_or_default()), used)
}

impl Template {
    fn substitute(&self, args: &Args, safe: bool) -> Py {
        let mapping = args.plain().first();
        let find = |name: &str| -> Py<Option<Obj>> {
            if let Some(value) = args.named(name) {
                return Ok(Some(value.clone()));
            }
            let Some(mapping) = mapping else { return Ok(None) };
            let key = Obj::str(name);
            // A mapping may have a default, so absence shows only when it is asked.
            if safe && !compare::contains(mapping, &key)? {
                return Ok(None);
            }
            subscript::getitem(mapping, &key).map(Some)
        };
        let mut out = String::with_capacity(self.0.len());
        let mut rest: &str = &self.0;
        while let Some(at) = rest.find('$') {
            let (before, dollar) = rest.split_at(at);
            out.push_str(before);
            let behind = dollar.get(1..).unwrap_or_default();
            let (piece, used) = piece(behind);
            match piece {
                Piece::Dollar => out.push('$'),
                Piece::Name(name, written) => match find(name)? {
                    Some(value) => out.push_str(&text::str(&value)?),
                    None if safe => {
                        out.push('$');
                        out.push_str(written);
                    }
                    None => return Err(key_error(Obj::str(name))),
                },
                Piece::Invalid if safe => out.push('$'),
                Piece::Invalid => {
                    let read = self.0.len() - dollar.len();
                    let before = self.0.text.get(..read).unwrap_or_default();
                    let line = 1 + before.matches('\n').count();
                    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
                    return Err(value_error(format!(
                        "Invalid placeholder in string: line {line}, col {column}"
                    )));
                }
            }
            rest = behind.get(used..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(Obj::str(out))
    }
}

impl Native for Template {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &TEMPLATE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((name == "template").then(|| Obj::Str(self.0.clone())))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "substitute" | "safe_substitute" | "get_identifiers" | "is_valid")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let pieces = || {
            let text: &str = &self.0;
            let mut at = 0;
            std::iter::from_fn(move || {
                let rest = text.get(at..)?;
                let dollar = rest.find('$')?;
                let (piece, used) = piece(rest.get(dollar + 1..)?);
                at += dollar + 1 + used;
                Some(piece)
            })
        };
        Ok(Some(match name {
            "substitute" | "safe_substitute" => {
                if args.plain().len() > 1 {
                    return Err(type_error(format!(
                        "Template.{name}() takes from 1 to 2 positional arguments but {} were given",
                        args.plain().len() + 1
                    )));
                }
                self.substitute(args, name == "safe_substitute")?
            }
            "get_identifiers" => {
                let mut names: Vec<&str> = Vec::new();
                for piece in pieces() {
                    match piece {
                        Piece::Name(name, _) if !names.contains(&name) => names.push(name),
                        _ => {}
                    }
                }
                Obj::list(names.into_iter().map(Obj::str).collect())
            }
            "is_valid" => Obj::Bool(!pieces().any(|piece| matches!(piece, Piece::Invalid))),
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok("<string.Template object>".into())
    }
}
