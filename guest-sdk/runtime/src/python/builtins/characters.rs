//! `str`, `bytes`, `chr` and `ord`.

use std::rc::Rc;

use super::special;
use crate::python::error::{Py, type_error, value_error};
use crate::python::iter::character;
use crate::python::methods::codec;
use crate::python::methods::signature::{Call, bounded, c_int};
use crate::python::object::{Obj, Text};
use crate::python::text::{self, type_name};
use crate::python::{arith, class};

/// `str(object='')` and `str(bytes, encoding='utf-8', errors='strict')`
pub fn str(call: &Call) -> Py {
    if let ([object], []) = (call.args.values, call.args.names) {
        return text::str(object).map(Obj::Str);
    }
    let [object, encoding, errors] = call.named(["object", "encoding", "errors"], 0, 3, 0)?;
    let encoding = encoding.map(|name| call.named_text("encoding", name)).transpose()?;
    let errors = errors.map(|name| call.named_text("errors", name)).transpose()?;
    let Some(object) = object else {
        return Ok(Obj::str(""));
    };
    if encoding.is_none() && errors.is_none() {
        return text::str(object).map(Obj::Str);
    }
    match object {
        Obj::Bytes(bytes) => codec::decode(bytes, text_or(encoding, "utf-8"), text_or(errors, "strict")).map(Obj::str),
        Obj::Str(_) => Err(type_error("decoding str is not supported")),
        other => Err(type_error(format!(
            "decoding to str: need a bytes-like object, {} found",
            type_name(other)
        ))),
    }
}

fn text_or<'a>(text: Option<&'a Text>, default: &'a str) -> &'a str {
    text.map_or(default, |text| text)
}

/// `bytes(source[, encoding[, errors]])`
pub fn bytes(call: &Call) -> Py {
    let [source, encoding, errors] = call.named(["source", "encoding", "errors"], 0, 3, 0)?;
    let encoding = encoding.map(|name| call.named_text("encoding", name)).transpose()?;
    let errors = errors.map(|name| call.named_text("errors", name)).transpose()?;
    let Some(source) = source else {
        return Ok(Obj::Bytes(Rc::new([])));
    };
    let encoded = encoding.is_some() || errors.is_some();
    let bytes: Vec<u8> = match source {
        Obj::Str(_) if encoding.is_none() => return Err(type_error("string argument without an encoding")),
        Obj::Str(text) => codec::encode(text, text_or(encoding, "utf-8"), text_or(errors, "strict"))?,
        _ if encoded => {
            let which = if encoding.is_some() { "encoding" } else { "errors" };
            return Err(type_error(format!("{which} without a string argument")));
        }
        Obj::Bytes(_) => return Ok(source.clone()),
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => match usize::try_from(arith::index(source)?) {
            Ok(len) => vec![0; bounded(len)?],
            Err(_) => return Err(value_error("negative count")),
        },
        Obj::Float(_) | Obj::None => {
            return Err(type_error(format!("cannot convert '{}' object to bytes", type_name(source))));
        }
        _ => {
            if let Some(made) = special::call(source, "__bytes__", &[])? {
                return Ok(made);
            }
            if matches!(source, Obj::Instance(_)) && class::special(source, "__iter__").is_none() {
                return Err(type_error(format!("cannot convert '{}' object to bytes", type_name(source))));
            }
            crate::python::methods::bytes_of(source)?
        }
    };
    Ok(Obj::Bytes(bytes.into()))
}

pub fn chr(code: &Obj) -> Py {
    let known = u32::try_from(c_int(code)?).ok().filter(|code| *code < 0x11_0000);
    match known.map(char::from_u32) {
        Some(Some(c)) => Ok(character(c)),
        Some(None) => Err(crate::python::methods::surrogate()),
        None => Err(value_error("chr() arg not in range(0x110000)")),
    }
}

pub fn ord(character: &Obj) -> Py {
    let wrong = |len: usize| {
        Err(type_error(format!(
            "ord() expected a character, but string of length {len} found"
        )))
    };
    match character {
        Obj::Str(text) => match (text.chars().next(), text.chars) {
            (Some(c), 1) => Ok(Obj::Int(i64::from(u32::from(c)))),
            (_, len) => wrong(len),
        },
        Obj::Bytes(bytes) => match **bytes {
            [byte] => Ok(Obj::Int(i64::from(byte))),
            _ => wrong(bytes.len()),
        },
        other => Err(type_error(format!(
            "ord() expected string of length 1, but {} found",
            type_name(other)
        ))),
    }
}
