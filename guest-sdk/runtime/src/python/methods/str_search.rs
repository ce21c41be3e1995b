//! Finding texts in texts: places are counted by code point.

use super::signature::Call;
use super::str::window;
use super::str_split;
use crate::python::error::{Py, type_error, value_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Obj, Text};
use crate::python::text::type_name;

/// `find`, `rfind`, `index`, `rindex` and `count`.
pub fn search(this: &Text, method: Method, call: &Call) -> Py {
    let given = call.parsed(1, 3)?;
    let window = window(this, given.get(1), given.get(2))?;
    let Obj::Str(wanted) = &given[0] else {
        return Err(type_error(format!("must be str, not {}", type_name(&given[0]))));
    };
    if method == Count {
        let count = match window {
            None => 0,
            Some((part, _)) => occurrences(part, wanted),
        };
        return Ok(Obj::Int(count as i64));
    }
    let found = window.and_then(|(part, start)| {
        let byte = match method {
            Find | Index => part.find(&***wanted)?,
            _ => part.rfind(&***wanted)?,
        };
        let before = &part[..byte];
        Some(start + if this.is_ascii() { byte } else { before.chars().count() })
    });
    match (found, method) {
        (Some(place), _) => Ok(Obj::Int(place as i64)),
        (None, Find | Rfind) => Ok(Obj::Int(-1)),
        (None, _) => Err(value_error("substring not found")),
    }
}

/// How often `wanted` stands in `text`, without overlap.
fn occurrences(text: &str, wanted: &str) -> usize {
    match wanted.as_bytes() {
        [] => text.chars().count() + 1,
        [byte] => text.bytes().filter(|b| b == byte).count(),
        _ => {
            let mut count = 0;
            str_split::parts(text, wanted, usize::MAX, |_| count += 1);
            count - 1
        }
    }
}

/// `startswith` and `endswith`
pub fn affix(this: &Text, method: Method, call: &Call) -> Py {
    let given = call.parsed(1, 3)?;
    let window = window(this, given.get(1), given.get(2))?;
    let holds = |wanted: &str| match window {
        None => false,
        Some((part, _)) if method == Startswith => part.starts_with(wanted),
        Some((part, _)) => part.ends_with(wanted),
    };
    match &given[0] {
        Obj::Str(wanted) => Ok(Obj::Bool(holds(wanted))),
        Obj::Tuple(choices) => {
            for choice in choices.iter() {
                let Obj::Str(wanted) = choice else {
                    return Err(type_error(format!(
                        "tuple for {} must only contain str, not {}",
                        call.name,
                        type_name(choice)
                    )));
                };
                if holds(wanted) {
                    return Ok(Obj::Bool(true));
                }
            }
            Ok(Obj::Bool(false))
        }
        other => Err(type_error(format!(
            "{} first arg must be str or a tuple of str, not {}",
            call.name,
            type_name(other)
        ))),
    }
}
