//! `json`: texts from objects and objects from texts, with CPython's layout and words for what is wrong.

mod read;
mod write;

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, Raised, exception, type_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::text;

declare! {
    "json" {
        "dumps" => dumps,
        "loads" => loads,
    }
    {
        "JSONDecodeError" => super::class(Builtin::JSONDecodeError),
    }
}

fn dumps(args: &Args) -> Py {
    let [
        object,
        skipkeys,
        ensure_ascii,
        check_circular,
        allow_nan,
        class,
        indent,
        separators,
        default,
        sort_keys,
    ] = bind(
        "dumps",
        args,
        [
            "obj",
            "skipkeys",
            "ensure_ascii",
            "check_circular",
            "allow_nan",
            "cls",
            "indent",
            "separators",
            "default",
            "sort_keys",
        ],
        1,
        1,
    )
    .map_err(|raised| of_coder(raised, args, "JSONEncoder"))?;
    if bind::unless_none(class).is_some() {
        return Err(type_error("json.dumps() has no 'cls' here: use 'default'"));
    }
    let indent = match bind::unless_none(indent) {
        None => None,
        Some(Obj::Str(text)) => Some(text.to_string()),
        Some(width) => Some(" ".repeat(crate::python::arith::index(width)?.clamp(0, 10_000) as usize)),
    };
    let (item, key) = match bind::unless_none(separators) {
        None => (String::from(if indent.is_some() { "," } else { ", " }), String::from(": ")),
        Some(pair) => match crate::python::iter::collect(pair)?.as_slice() {
            [Obj::Str(item), Obj::Str(key)] => (item.to_string(), key.to_string()),
            [a, b] => {
                let wrong = if matches!(a, Obj::Str(_)) { b } else { a };
                return Err(type_error(format!("separators must be str, not {}", text::type_name(wrong))));
            }
            parts => {
                let problem = if parts.len() < 2 { "not enough" } else { "too many" };
                return Err(crate::python::error::value_error(format!(
                    "{problem} values to unpack (expected 2{})",
                    if parts.len() < 2 {
                        format!(", got {}", parts.len())
                    } else {
                        String::new()
                    }
                )));
            }
        },
    };
    let style = write::Style {
        item,
        key,
        indent,
        ascii: bind::flag(ensure_ascii, true)?,
        check_circular: bind::flag(check_circular, true)?,
        allow_nan: bind::flag(allow_nan, true)?,
        skip_keys: bind::flag(skipkeys, false)?,
        sort_keys: bind::flag(sort_keys, false)?,
        default: bind::unless_none(default),
    };
    write::dumps(bind::need(object, "dumps")?, &style).map(Obj::str)
}

fn loads(args: &Args) -> Py {
    let [source, class, object_hook, parse_float, parse_int, parse_constant, pairs_hook] = bind(
        "loads",
        args,
        [
            "s",
            "cls",
            "object_hook",
            "parse_float",
            "parse_int",
            "parse_constant",
            "object_pairs_hook",
        ],
        1,
        1,
    )
    .map_err(|raised| of_coder(raised, args, "JSONDecoder"))?;
    if bind::unless_none(class).is_some() {
        return Err(type_error("json.loads() has no 'cls' here: use 'object_hook'"));
    }
    let hooks = read::Hooks {
        object: bind::unless_none(object_hook),
        pairs: bind::unless_none(pairs_hook),
        float: bind::unless_none(parse_float),
        int: bind::unless_none(parse_int),
        constant: bind::unless_none(parse_constant),
    };
    match bind::need(source, "loads")? {
        Obj::Str(text) => {
            if text.starts_with('\u{feff}') {
                return Err(decode_error("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0));
            }
            read::loads(text, &hooks)
        }
        Obj::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            read::loads(text.strip_prefix('\u{feff}').unwrap_or(&text), &hooks)
        }
        other => Err(type_error(format!(
            "the JSON object must be str, bytes or bytearray, not {}",
            text::type_name(other)
        ))),
    }
}

/// Names that `dumps` and `loads` do not know are refused by the class they hand them to.
fn of_coder(raised: Raised, args: &Args, coder: &str) -> Raised {
    let text = match raised.0.args.borrow().first() {
        Some(Obj::Str(text)) => text.to_string(),
        _ => String::new(),
    };
    match text.split_once("() got an unexpected") {
        Some((_, rest)) if !args.plain().is_empty() => type_error(format!("{coder}.__init__() got an unexpected{rest}")),
        _ => raised,
    }
}

/// A `JSONDecodeError` at a byte of the text.
fn decode_error(problem: &str, text: &str, at: usize) -> Raised {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.matches('\n').count();
    let pos = before.chars().count();
    let column = 1 + before.get(line_start..).unwrap_or_default().chars().count();
    let raised = exception(
        Builtin::JSONDecodeError,
        vec![Obj::str(format!("{problem}: line {line} column {column} (char {pos})"))],
    );
    {
        let mut attrs = raised.attrs.borrow_mut();
        let number = |n: usize| Obj::Int(n as i64);
        for (name, value) in [
            ("msg", Obj::str(problem)),
            ("doc", Obj::str(text)),
            ("pos", number(pos)),
            ("lineno", number(line)),
            ("colno", number(column)),
        ] {
            // A text is always hashable.
            let _ = attrs.insert(Obj::str(name), value);
        }
    }
    Raised(raised)
}
