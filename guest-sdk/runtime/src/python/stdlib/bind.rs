//! Arguments of module functions that CPython writes in Python: any of them by position or by name, with its words for what is wrong.

use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Obj};
use crate::python::text;

/// Arguments by parameter, in the order of `names`: the first `positional` of them may be given by position, the first `required` must
/// be given, the rest only by name.
pub fn bind<'a, const N: usize>(
    function: &str,
    args: &Args<'a>,
    names: [&str; N],
    required: usize,
    positional: usize,
) -> Py<[Option<&'a Obj>; N]> {
    let plain = args.plain();
    let mut found = [None; N];
    for (place, value) in found.iter_mut().take(positional).zip(plain) {
        *place = Some(value);
    }
    let named = &args.values[plain.len()..];
    for (name, value) in args.names.iter().zip(named) {
        let at = names.iter().position(|known| *known == name.text.as_str());
        match at.and_then(|at| found.get_mut(at)) {
            Some(place) if place.is_none() => *place = Some(value),
            Some(_) => {
                return Err(type_error(format!(
                    "{function}() got multiple values for argument '{}'",
                    name.text
                )));
            }
            None => {
                return Err(type_error(format!(
                    "{function}() got an unexpected keyword argument '{}'",
                    name.text
                )));
            }
        }
    }
    let known = positional.min(N);
    if plain.len() > known {
        let given = plain.len();
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let takes = match required < positional {
            true => format!("from {required} to {positional} positional arguments"),
            false => format!("{positional} positional argument{}", plural(positional)),
        };
        let were = match found.iter().skip(known).flatten().count() {
            0 => format!("{given} {}", if given == 1 { "was" } else { "were" }),
            named => format!(
                "{given} positional argument{} (and {named} keyword-only argument{}) were",
                plural(given),
                plural(named)
            ),
        };
        return Err(type_error(format!("{function}() takes {takes} but {were} given")));
    }
    let missing: Vec<&str> = (names.iter().zip(&found).take(required))
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let plural = if missing.len() == 1 { "" } else { "s" };
    Err(type_error(format!(
        "{function}() missing {} required positional argument{plural}: {}",
        missing.len(),
        listed(&missing)
    )))
}

/// `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, [first])) => format!("{first} and {last}"),
        Some((last, rest)) => format!("{}, and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What [`bind`] gives for a required parameter.
pub fn need<'a>(value: Option<&'a Obj>, function: &str) -> Py<&'a Obj> {
    value.ok_or_else(|| type_error(format!("{function}() misses an argument")))
}

/// An optional parameter for which `None` means: not given.
pub fn unless_none(value: Option<&Obj>) -> Option<&Obj> {
    value.filter(|value| !value.is_none())
}

/// The truth of an optional flag.
pub fn flag(value: Option<&Obj>, default: bool) -> Py<bool> {
    value.map_or(Ok(default), crate::python::compare::truth)
}

/// The bytes of a `bytes` argument: `a bytes-like object is required, not 'str'`.
pub fn bytes(value: &Obj) -> Py<&[u8]> {
    match value {
        Obj::Bytes(bytes) => Ok(bytes),
        other => Err(type_error(format!(
            "a bytes-like object is required, not '{}'",
            text::type_name(other)
        ))),
    }
}
