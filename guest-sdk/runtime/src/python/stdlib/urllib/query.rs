//! Query strings.

use super::{quote, unquote};
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Obj};
use crate::python::stdlib::bind::{self, bind};
use crate::python::table::Table;
use crate::python::{arith, iter, text};

/// The names and values of a query string, in order.
fn pairs(args: &Args, function: &str) -> Py<Vec<(String, String)>> {
    let names = [
        "qs",
        "keep_blank_values",
        "strict_parsing",
        "encoding",
        "errors",
        "max_num_fields",
        "separator",
    ];
    let [query, blank, strict, _encoding, _errors, most, separator] = bind(function, args, names, 1, 7)?;
    let query = match bind::need(query, function)? {
        Obj::Str(query) => query.to_string(),
        Obj::Bytes(query) => String::from_utf8_lossy(query).into_owned(),
        Obj::None => return Ok(Vec::new()),
        other => {
            return Err(crate::python::error::attribute_error(&text::type_name(other), "decode"));
        }
    };
    let (blank, strict) = (bind::flag(blank, false)?, bind::flag(strict, false)?);
    let separator = match separator {
        None => "&",
        Some(Obj::Str(separator)) if !separator.is_empty() => separator,
        Some(_) => return Err(value_error("Separator must be of type string or bytes.")),
    };
    if query.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(most) = bind::unless_none(most)
        && arith::index(most)? < 1 + query.matches(separator).count() as i64
    {
        return Err(value_error("Max number of fields exceeded"));
    }
    let mut found = Vec::new();
    for part in query.split(separator) {
        if part.is_empty() && !strict {
            continue;
        }
        let (name, value) = match part.split_once('=') {
            Some(pair) => pair,
            None if strict => {
                let mut quoted = String::new();
                crate::py::push_quoted(&mut quoted, part);
                return Err(value_error(format!("bad query field: {quoted}")));
            }
            None if blank => (part, ""),
            None => continue,
        };
        if blank || !value.is_empty() {
            found.push((unquote(name, true), unquote(value, true)));
        }
    }
    Ok(found)
}

pub(super) fn parse_qsl(args: &Args) -> Py {
    let pairs = pairs(args, "parse_qsl")?.into_iter();
    Ok(Obj::list(
        pairs
            .map(|(name, value)| Obj::tuple([Obj::str(name), Obj::str(value)]))
            .collect(),
    ))
}

pub(super) fn parse_qs(args: &Args) -> Py {
    let mut table: Table<Obj> = Table::default();
    for (name, value) in pairs(args, "parse_qs")? {
        let value = Obj::str(value);
        match table.get_str(&name) {
            Some(Obj::List(values)) => values.0.borrow_mut().push(value),
            _ => {
                table.insert(Obj::str(name), Obj::list(vec![value]))?;
            }
        }
    }
    Ok(Obj::dict(table))
}

pub(super) fn urlencode(args: &Args) -> Py {
    let names = ["query", "doseq", "safe", "encoding", "errors", "quote_via"];
    let [query, doseq, safe, _encoding, _errors, quote_via] = bind("urlencode", args, names, 1, 6)?;
    let doseq = bind::flag(doseq, false)?;
    let safe = safe.map_or(Ok(""), |safe| match safe {
        Obj::Str(safe) => Ok(safe.text.as_str()),
        other => Err(type_error(format!("safe must be str, not {}", text::type_name(other)))),
    })?;
    let quoted = |value: &Obj| -> Py<String> {
        if let Some(function) = quote_via {
            let value = match value {
                Obj::Bytes(_) | Obj::Str(_) => value.clone(),
                other => Obj::Str(text::str(other)?),
            };
            let result = crate::python::call::call(function, &Args::positional(&[value, Obj::str(safe)]))?;
            return Ok(text::str(&result)?.to_string());
        }
        Ok(match value {
            Obj::Bytes(bytes) => quote(bytes, safe.as_bytes(), true),
            other => quote(text::str(other)?.as_bytes(), safe.as_bytes(), true),
        })
    };
    let mut parts = Vec::new();
    for (name, value) in items(bind::need(query, "urlencode")?)? {
        let name = quoted(&name)?;
        let is_sequence = doseq && !matches!(value, Obj::Str(_) | Obj::Bytes(_)) && iter::length(&value).is_ok();
        if is_sequence {
            for value in iter::collect(&value)? {
                parts.push(format!("{name}={}", quoted(&value)?));
            }
        } else {
            parts.push(format!("{name}={}", quoted(&value)?));
        }
    }
    Ok(Obj::str(parts.join("&")))
}

/// The pairs of a dict or of a sequence of pairs.
fn items(query: &Obj) -> Py<Vec<(Obj, Obj)>> {
    if let Obj::Dict(dict) = query {
        return Ok((dict.table.borrow().iter())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect());
    }
    let wrong = || type_error("not a valid non-string sequence or mapping object");
    if iter::length(query).is_err() {
        return Err(wrong());
    }
    let mut pairs = Vec::new();
    for pair in iter::collect(query)? {
        if pairs.is_empty() && !matches!(pair, Obj::Tuple(_)) {
            return Err(wrong());
        }
        match iter::collect(&pair)?.as_slice() {
            [name, value] => pairs.push((name.clone(), value.clone())),
            parts if parts.len() < 2 => {
                return Err(value_error(format!(
                    "not enough values to unpack (expected 2, got {})",
                    parts.len()
                )));
            }
            _ => return Err(value_error("too many values to unpack (expected 2)")),
        }
    }
    Ok(pairs)
}
