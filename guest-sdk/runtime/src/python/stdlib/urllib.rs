//! `urllib.parse`: quoting, query strings and the parts of addresses. Nothing is ever fetched.

mod address;
mod query;

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, type_error};
use crate::python::names::Module;
use crate::python::object::{Args, Obj};
use crate::python::text;

/// What the package `urllib` itself offers.
pub const PACKAGE: &[&str] = &["parse"];

/// A member of the package `urllib`.
pub fn package(name: &str) -> Option<Obj> {
    (name == "parse").then_some(Obj::Module(Module::UrllibParse))
}

declare! {
    "urllib.parse" {
        "parse_qs" => query::parse_qs,
        "parse_qsl" => query::parse_qsl,
        "quote" => |args| quoting(args, "quote", "/", false),
        "quote_plus" => |args| quoting(args, "quote_plus", "", true),
        "unquote" => |args| unquoting(args, "unquote", false),
        "unquote_plus" => |args| unquoting(args, "unquote_plus", true),
        "urldefrag" => address::urldefrag,
        "urlencode" => query::urlencode,
        "urljoin" => address::urljoin,
        "urlparse" => address::urlparse,
        "urlsplit" => address::urlsplit,
        "urlunparse" => address::urlunparse,
        "urlunsplit" => address::urlunsplit,
    }
    {
        "ParseResult" => Obj::NativeType(&address::PARSE_RESULT),
        "SplitResult" => Obj::NativeType(&address::SPLIT_RESULT),
    }
}

fn quoting(args: &Args, function: &str, default: &str, plus: bool) -> Py {
    let [source, safe, _encoding, _errors] = bind(function, args, ["string", "safe", "encoding", "errors"], 1, 4)?;
    let safe = match safe {
        None => default.as_bytes(),
        Some(Obj::Str(safe)) => safe.as_bytes(),
        Some(other) => bind::bytes(other)?,
    };
    let quoted = match bind::need(source, function)? {
        Obj::Str(text) => quote(text.as_bytes(), safe, plus),
        Obj::Bytes(bytes) => quote(bytes, safe, plus),
        _ => return Err(type_error("quote_from_bytes() expected bytes")),
    };
    Ok(Obj::str(quoted))
}

/// Everything but letters, digits, `_.-~` and `safe` as `%XX`; `plus`: spaces as `+`.
fn quote(bytes: &[u8], safe: &[u8], plus: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for byte in bytes {
        match byte {
            b' ' if plus => out.push('+'),
            b'_' | b'.' | b'-' | b'~' => out.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() || (byte.is_ascii() && safe.contains(byte)) => out.push(char::from(*byte)),
            byte => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    out
}

fn unquoting(args: &Args, function: &str, plus: bool) -> Py {
    let [source, _encoding, _errors] = bind(function, args, ["string", "encoding", "errors"], 1, 3)?;
    Ok(Obj::str(match bind::need(source, function)? {
        Obj::Str(text) => unquote(text, plus),
        Obj::Bytes(bytes) => unquote(&String::from_utf8_lossy(bytes), plus),
        other => {
            return Err(type_error(format!(
                "argument of type '{}' is not iterable",
                text::type_name(other)
            )));
        }
    }))
}

fn unquote(text: &str, plus: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        out.push(match (byte, digit(at), digit(at + 1)) {
            (b'+', _, _) if plus => b' ',
            (b'%', Some(high), Some(low)) => {
                at += 2;
                (high << 4 | low) as u8
            }
            (other, _, _) => *other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}
