//! `re`: regular expressions over a matcher whose time is linear in the text.
//!
//! Patterns are read with Python's syntax and matched by the `regex` crate. What such a matcher cannot do (lookaround, backreferences,
//! conditionals, atomic groups, possessive repetition) raises `re.error`.

mod atom;
mod matched;
mod pattern;
mod program;
mod scan;
mod solid;
mod syntax;
mod template;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::arith;
use crate::python::error::{Py, Raised, exception, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj, Text};
use crate::python::text;
use pattern::{Pattern, PatternObject};
use program::Kind;
use syntax::Problem;

/// The flags, with CPython's numbers.
mod flags {
    pub(super) const IGNORECASE: u32 = 2;
    pub(super) const MULTILINE: u32 = 8;
    pub(super) const DOTALL: u32 = 16;
    pub(super) const UNICODE: u32 = 32;
    pub(super) const VERBOSE: u32 = 64;
    pub(super) const ASCII: u32 = 256;
    pub(super) const ALL: u32 = IGNORECASE | MULTILINE | DOTALL | UNICODE | VERBOSE | ASCII;

    pub(super) fn of_letter(letter: char) -> Option<u32> {
        Some(match letter {
            'i' => IGNORECASE,
            'm' => MULTILINE,
            's' => DOTALL,
            'u' => UNICODE,
            'x' => VERBOSE,
            'a' => ASCII,
            _ => return None,
        })
    }
}

fn flag(flag: u32) -> Obj {
    Obj::Int(i64::from(flag))
}

declare! {
    "re" {
        "compile" => |args| {
            let [pattern, flags] = bind("compile", args, ["pattern", "flags"], 1, 2)?;
            Ok(Obj::native(PatternObject(compiled(bind::need(pattern, "compile")?, flags)?)))
        },
        "escape" => escape,
        "findall" => |args| {
            let [pattern, text, flags] = bind("findall", args, ["pattern", "string", "flags"], 2, 3)?;
            scan::find_all(&compiled(bind::need(pattern, "findall")?, flags)?, subject(text)?, None, None)
        },
        "finditer" => |args| {
            let [pattern, text, flags] = bind("finditer", args, ["pattern", "string", "flags"], 2, 3)?;
            scan::find_iter(&compiled(bind::need(pattern, "finditer")?, flags)?, subject(text)?, None, None)
        },
        "fullmatch" => |args| once(args, "fullmatch", Kind::Full),
        "match" => |args| once(args, "match", Kind::Start),
        "purge" => |_| {
            CACHE.with_borrow_mut(HashMap::clear);
            Ok(Obj::None)
        },
        "search" => |args| once(args, "search", Kind::Search),
        "split" => |args| {
            let [pattern, text, most, flags] = bind("split", args, ["pattern", "string", "maxsplit", "flags"], 2, 4)?;
            scan::split(&compiled(bind::need(pattern, "split")?, flags)?, subject(text)?, most)
        },
        "sub" => |args| substitute(args, "sub").map(|(text, _)| text),
        "subn" => |args| substitute(args, "subn").map(|(text, count)| Obj::tuple([text, Obj::Int(count)])),
    }
    {
        "A" => flag(flags::ASCII),
        "ASCII" => flag(flags::ASCII),
        "DOTALL" => flag(flags::DOTALL),
        "I" => flag(flags::IGNORECASE),
        "IGNORECASE" => flag(flags::IGNORECASE),
        "M" => flag(flags::MULTILINE),
        "MULTILINE" => flag(flags::MULTILINE),
        "Match" => Obj::NativeType(&matched::MATCH),
        "NOFLAG" => flag(0),
        "Pattern" => Obj::NativeType(&pattern::PATTERN),
        "S" => flag(flags::DOTALL),
        "U" => flag(flags::UNICODE),
        "UNICODE" => flag(flags::UNICODE),
        "VERBOSE" => flag(flags::VERBOSE),
        "X" => flag(flags::VERBOSE),
        "error" => super::class(Builtin::RegexError),
    }
}

/// Why a pattern can never match here although Python knows what it means. For patterns that stand in the source of a program.
pub fn unsupported(pattern: &str) -> Option<String> {
    match syntax::parse(pattern, 0) {
        Err(problem) if problem.unsupported => Some(format!("{} at position {}", problem.text, problem.at)),
        _ => None,
    }
}

/// Patterns by their flags and their text.
type Cache = HashMap<u32, HashMap<Rc<str>, Rc<Pattern>>>;

/// How many patterns are kept.
const CACHED: usize = 256;

thread_local! {
    /// Patterns of earlier calls. They hold nothing of a program's state.
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// A pattern given as text or compiled before.
fn compiled(pattern: &Obj, flags: Option<&Obj>) -> Py<Rc<Pattern>> {
    let flags = match flags {
        None => 0,
        Some(flags) => arith::index(flags)?,
    };
    let text = match pattern {
        Obj::Str(text) => text,
        other => {
            if let Some(known) = other.as_native::<PatternObject>() {
                if flags != 0 {
                    return Err(value_error("cannot process flags argument with a compiled pattern"));
                }
                return Ok(known.0.clone());
            }
            return Err(type_error(match other {
                Obj::Bytes(_) => "bytes patterns are not supported",
                _ => "first argument must be string or compiled pattern",
            }));
        }
    };
    let flags = flags as u32 & flags::ALL;
    let known = CACHE.with_borrow(|cache| cache.get(&flags)?.get(text.text.as_str()).cloned());
    if let Some(known) = known {
        return Ok(known);
    }
    let parsed = syntax::parse(text, flags).map_err(|problem| error(text, problem))?;
    let pattern = Rc::new(Pattern::new(text.clone(), parsed));
    CACHE.with_borrow_mut(|cache| {
        if cache.values().map(HashMap::len).sum::<usize>() >= CACHED {
            cache.clear();
        }
        let of_flags = cache.entry(flags).or_default();
        of_flags.insert(Rc::from(text.text.as_str()), pattern.clone());
    });
    Ok(pattern)
}

/// `re.error`, with the attributes that CPython gives it.
fn error(pattern: &Text, problem: Problem) -> Raised {
    let chars: Vec<char> = pattern.chars().take(problem.at).collect();
    let line = 1 + chars.iter().filter(|c| **c == '\n').count();
    let column = chars.iter().rev().take_while(|c| **c != '\n').count() + 1;
    let place = if pattern.contains('\n') {
        format!(" (line {line}, column {column})")
    } else {
        String::new()
    };
    let message = format!("{} at position {}{place}", problem.text, problem.at);
    let raised = exception(Builtin::RegexError, vec![Obj::str(message)]);
    {
        let mut attrs = raised.attrs.borrow_mut();
        let number = |n: usize| Obj::Int(n as i64);
        for (name, value) in [
            ("msg", Obj::str(problem.text)),
            ("pattern", Obj::str(pattern.text.clone())),
            ("pos", number(problem.at)),
            ("lineno", number(line)),
            ("colno", number(column)),
        ] {
            // A text is always hashable.
            let _ = attrs.insert(Obj::str(name), value);
        }
    }
    Raised(raised)
}

/// The text to be searched.
fn subject(text: Option<&Obj>) -> Py<&Rc<Text>> {
    match text {
        Some(Obj::Str(text)) => Ok(text),
        Some(Obj::Bytes(_)) => Err(type_error("cannot use a string pattern on a bytes-like object")),
        Some(other) => Err(type_error(format!(
            "expected string or bytes-like object, got '{}'",
            text::type_name(other)
        ))),
        None => Err(type_error("expected string or bytes-like object")),
    }
}

fn once(args: &Args, function: &str, kind: Kind) -> Py {
    let [pattern, text, flags] = bind(function, args, ["pattern", "string", "flags"], 2, 3)?;
    let pattern = compiled(bind::need(pattern, function)?, flags)?;
    pattern.once(subject(text)?, kind, None, None)
}

fn substitute(args: &Args, function: &str) -> Py<(Obj, i64)> {
    let names = ["pattern", "repl", "string", "count", "flags"];
    let [pattern, replacement, text, count, flags] = bind(function, args, names, 3, 5)?;
    let pattern = compiled(bind::need(pattern, function)?, flags)?;
    scan::substitute(
        &pattern,
        bind::need(replacement, function)?,
        bind::need(text, function)?,
        count,
    )
}

fn escape(args: &Args) -> Py {
    let [pattern] = bind("escape", args, ["pattern"], 1, 1)?;
    let Some(Obj::Str(text)) = pattern else {
        return Err(type_error("re.escape() takes a text"));
    };
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Obj::str(out))
}
