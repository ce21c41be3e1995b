//! `str.maketrans` and `str.translate`.

use super::signature::{Call, bounded};
use crate::python::error::{Py, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{DictKind, Obj, Text};
use crate::python::table::Table;
use crate::python::{exception, subscript};

/// `str.maketrans(…)`: a table by code point, from a table by character, or from texts whose characters correspond.
pub fn table(call: &Call) -> Py {
    let given = call.positional(1, 3)?;
    let code = |c: char| Obj::Int(i64::from(u32::from(c)));
    let mut table = Table::default();
    if let [only] = given {
        let Obj::Dict(from) = only else {
            return Err(type_error("if you give only one argument to maketrans it must be a dict"));
        };
        for (key, value) in from.table.borrow().iter() {
            let key = match key {
                Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => key.clone(),
                Obj::Str(text) => match single(text) {
                    Some(c) => code(c),
                    None => return Err(value_error("string keys in translate table must be of length 1")),
                },
                _ => return Err(type_error("keys in translate table must be strings or integers")),
            };
            table.insert(key, value.clone())?;
        }
        return Ok(Obj::dict(table));
    }
    let to = call.text(2, &given[1])?;
    let dropped = given.get(2).map(|dropped| call.text(3, dropped)).transpose()?;
    let Obj::Str(from) = &given[0] else {
        return Err(type_error(
            "first maketrans argument must be a string if there is a second argument",
        ));
    };
    if from.chars != to.chars {
        return Err(value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in from.chars().zip(to.chars()) {
        table.insert(code(from), code(to))?;
    }
    if let Some(dropped) = dropped {
        for c in dropped.chars() {
            table.insert(code(c), Obj::None)?;
        }
    }
    Ok(Obj::dict(table))
}

/// The only character of a text.
fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

pub fn translate(text: &Text, table: &Obj) -> Py<String> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let key = Obj::Int(i64::from(u32::from(c)));
        let replacement = match table {
            Obj::Dict(dict) if !matches!(dict.kind, DictKind::Default(_) | DictKind::Counter) => dict.table.borrow().get(&key)?,
            table => match subscript::getitem(table, &key) {
                Ok(found) => Some(found),
                Err(raised) if exception::matches(&raised.0, &Obj::Builtin(Builtin::LookupError))? => None,
                Err(raised) => return Err(raised),
            },
        };
        match replacement {
            None => out.push(c),
            Some(Obj::None) => {}
            Some(Obj::Str(text)) => out.push_str(&text),
            Some(Obj::Int(code)) => match u32::try_from(code).ok().filter(|code| *code < 0x11_0000).map(char::from_u32) {
                None => return Err(value_error("character mapping must be in range(0x110000)")),
                Some(None) => return Err(surrogate()),
                Some(Some(c)) => out.push(c),
            },
            Some(_) => return Err(type_error("character mapping must return integer, None or str")),
        }
        bounded(out.len())?;
    }
    Ok(out)
}

/// Half of a surrogate pair, which a text here cannot hold.
pub fn surrogate() -> crate::python::error::Raised {
    raise(Builtin::ValueError, "surrogates are not allowed in texts")
}
