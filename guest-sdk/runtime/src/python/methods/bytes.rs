//! Methods of `bytes`. Letters, digits and white space are those of ASCII.

use std::rc::Rc;

use super::signature::{Call, bounded, bounds, c_int, count, flag, is_type_error, width};
use super::{bytes_cut as cut, bytes_text, codec};
use crate::python::arith;
use crate::python::error::{Py, type_error, value_error};
use crate::python::iter;
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj};
use crate::python::text::type_name;

pub const METHODS: &[Method] = &[
    Capitalize,
    Center,
    Count,
    Decode,
    Endswith,
    Expandtabs,
    Find,
    Fromhex,
    Hex,
    Index,
    Isalnum,
    Isalpha,
    Isascii,
    Isdigit,
    Islower,
    Isspace,
    Istitle,
    Isupper,
    Join,
    Ljust,
    Lower,
    Lstrip,
    Maketrans,
    Partition,
    Removeprefix,
    Removesuffix,
    Replace,
    Rfind,
    Rindex,
    Rjust,
    Rpartition,
    Rsplit,
    Rstrip,
    Split,
    Splitlines,
    Startswith,
    Strip,
    Swapcase,
    Title,
    Translate,
    Upper,
    Zfill,
];

pub fn call(this: &Rc<[u8]>, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("bytes", method.name(), args);
    let done = match method {
        Decode => {
            let [encoding, errors] = call.named(["encoding", "errors"], 0, 2, 0)?;
            let encoding = encoding.map(|name| call.named_text("encoding", name)).transpose()?;
            let errors = errors.map(|name| call.named_text("errors", name)).transpose()?;
            let text = codec::decode(
                this,
                encoding.map_or("utf-8", |name| name),
                errors.map_or("strict", |name| name),
            )?;
            Obj::str(text)
        }
        Hex => bytes_text::hex(this, &call)?,
        Fromhex => bytes_text::from_hex(args)?,
        Join => join(this, call.one()?)?,
        Split | Rsplit => split(this, method, &call)?,
        Splitlines => {
            let [keep] = call.named(["keepends"], 0, 1, 0)?;
            list(cut::lines(this, flag(keep)?))
        }
        Strip | Lstrip | Rstrip => {
            let chars = match call.positional(0, 1)?.first() {
                None | Some(Obj::None) => b" \t\n\r\x0b\x0c",
                Some(chars) => wanted(chars)?,
            };
            bytes(cut::strip(this, method != Rstrip, method != Lstrip, chars))
        }
        Partition | Rpartition => partition(this, method, call.one()?)?,
        Removeprefix => {
            let prefix = wanted(call.one()?)?;
            bytes(this.strip_prefix(prefix).unwrap_or(this))
        }
        Removesuffix => {
            let suffix = wanted(call.one()?)?;
            bytes(this.strip_suffix(suffix).unwrap_or(this))
        }
        Replace => {
            let given = call.positional(2, 3)?;
            let (old, new, most) = (wanted(&given[0])?, wanted(&given[1])?, count(given.get(2))?);
            Obj::Bytes(cut::replace(this, old, new, most)?.into())
        }
        Find | Rfind | Index | Rindex | Count => search(this, method, &call)?,
        Startswith | Endswith => affix(this, method, &call)?,
        Lower | Upper | Title | Capitalize | Swapcase => {
            call.none()?;
            Obj::Bytes(bytes_text::convert(this, method).into())
        }
        Isalnum | Isalpha | Isascii | Isdigit | Islower | Isspace | Istitle | Isupper => {
            call.none()?;
            Obj::Bool(bytes_text::is(this, method))
        }
        Center | Ljust | Rjust => justify(this, method, &call)?,
        Zfill => {
            let missing = width(call.one()?)?.saturating_sub(this.len());
            let sign = usize::from(matches!(this.first(), Some(b'+' | b'-')));
            let (sign, digits) = this.split_at(sign);
            Obj::Bytes([sign, &vec![b'0'; missing], digits].concat().into())
        }
        Expandtabs => {
            let [size] = call.named(["tabsize"], 0, 1, 0)?;
            let size = usize::try_from(size.map_or(Ok(8), c_int)?).unwrap_or(0);
            Obj::Bytes(bytes_text::expand_tabs(this, size)?.into())
        }
        Translate => bytes_text::translate(this, &call)?,
        Maketrans => bytes_text::table(args)?,
        _ => return Ok(None),
    };
    Ok(Some(done))
}

fn bytes(part: &[u8]) -> Obj {
    Obj::Bytes(part.into())
}

fn list(parts: Vec<&[u8]>) -> Obj {
    Obj::list(parts.into_iter().map(bytes).collect())
}

/// An argument that must be bytes.
pub fn wanted(value: &Obj) -> Py<&[u8]> {
    match value {
        Obj::Bytes(bytes) => Ok(bytes),
        other => Err(type_error(format!(
            "a bytes-like object is required, not '{}'",
            type_name(other)
        ))),
    }
}

/// The bytes of an iterable of numbers.
pub fn collect(source: &Obj) -> Py<Vec<u8>> {
    let mut out = Vec::new();
    let cannot = |raised| match is_type_error(&raised) {
        true => type_error(format!("cannot convert '{}' object to bytes", type_name(source))),
        false => raised,
    };
    iter::each(&iter::iter(source).map_err(cannot)?, |item| {
        bounded(out.len())?;
        match u8::try_from(arith::index(&item)?) {
            Ok(byte) => out.push(byte),
            Err(_) => return Err(value_error("bytes must be in range(0, 256)")),
        }
        Ok(true)
    })?;
    Ok(out)
}

fn join(separator: &[u8], items: &Obj) -> Py {
    let items = match items {
        Obj::List(list) => list.0.borrow().clone(),
        other => {
            let iterator = iter::iter(other).map_err(|raised| match is_type_error(&raised) {
                true => type_error("can only join an iterable"),
                false => raised,
            })?;
            iter::collect(&iterator)?
        }
    };
    let mut out = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Obj::Bytes(part) = item else {
            return Err(type_error(format!(
                "sequence item {at}: expected a bytes-like object, {} found",
                type_name(item)
            )));
        };
        if at > 0 {
            out.extend_from_slice(separator);
        }
        bounded(out.len().saturating_add(part.len()))?;
        out.extend_from_slice(part);
    }
    Ok(Obj::Bytes(out.into()))
}

fn split(this: &[u8], method: Method, call: &Call) -> Py {
    let [separator, most] = call.named(["sep", "maxsplit"], 0, 2, 0)?;
    let most = count(most)?;
    let separator = match separator {
        None | Some(Obj::None) => None,
        Some(separator) => match wanted(separator)? {
            [] => return Err(value_error("empty separator")),
            separator => Some(separator),
        },
    };
    Ok(list(match (separator, method) {
        (None, Split) => cut::words(this, most),
        (None, _) => cut::words_from_end(this, most),
        (Some(separator), Split) => cut::parts(this, separator, most),
        (Some(separator), _) => cut::parts_from_end(this, separator, most),
    }))
}

fn partition(this: &Rc<[u8]>, method: Method, separator: &Obj) -> Py {
    let middle = wanted(separator)?;
    if middle.is_empty() {
        return Err(value_error("empty separator"));
    }
    let found = match method {
        Partition => cut::find(this, middle),
        _ => cut::rfind(this, middle),
    };
    let (this, empty) = (|| Obj::Bytes(this.clone()), || bytes(b""));
    Ok(Obj::tuple(match (found, method) {
        (Some(at), _) => {
            let Obj::Bytes(whole) = this() else { return Ok(Obj::None) };
            [bytes(&whole[..at]), separator.clone(), bytes(&whole[at + middle.len()..])]
        }
        (None, Partition) => [this(), empty(), empty()],
        (None, _) => [empty(), empty(), this()],
    }))
}

/// The part of the bytes that a search looks at, and where it starts.
fn window<'a>(this: &'a [u8], given: &[Obj]) -> Py<Option<(&'a [u8], usize)>> {
    let (start, end) = bounds(this.len(), given.get(1), given.get(2))?;
    Ok(this.get(start..end).map(|part| (part, start)))
}

fn search(this: &[u8], method: Method, call: &Call) -> Py {
    let given = call.parsed(1, 3)?;
    let window = window(this, given)?;
    let one;
    let wanted = match &given[0] {
        Obj::Bytes(bytes) => &**bytes,
        number @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_)) => {
            let byte = arith::index(number).ok().and_then(|n| u8::try_from(n).ok());
            one = [byte.ok_or_else(|| value_error("byte must be in range(0, 256)"))?];
            &one
        }
        other => {
            return Err(type_error(format!(
                "argument should be integer or bytes-like object, not '{}'",
                type_name(other)
            )));
        }
    };
    if method == Count {
        return Ok(Obj::Int(window.map_or(0, |(part, _)| cut::occurrences(part, wanted)) as i64));
    }
    let found = window.and_then(|(part, start)| {
        let at = match method {
            Find | Index => cut::find(part, wanted),
            _ => cut::rfind(part, wanted),
        };
        at.map(|at| (start + at) as i64)
    });
    match (found, method) {
        (Some(at), _) => Ok(Obj::Int(at)),
        (None, Find | Rfind) => Ok(Obj::Int(-1)),
        (None, _) => Err(value_error("subsection not found")),
    }
}

fn affix(this: &[u8], method: Method, call: &Call) -> Py {
    let given = call.parsed(1, 3)?;
    let window = window(this, given)?;
    let holds = |wanted: &[u8]| match window {
        None => false,
        Some((part, _)) if method == Startswith => part.starts_with(wanted),
        Some((part, _)) => part.ends_with(wanted),
    };
    match &given[0] {
        Obj::Bytes(wanted) => Ok(Obj::Bool(holds(wanted))),
        Obj::Tuple(choices) => {
            for choice in choices.iter() {
                if holds(wanted(choice)?) {
                    return Ok(Obj::Bool(true));
                }
            }
            Ok(Obj::Bool(false))
        }
        other => Err(type_error(format!(
            "{} first arg must be bytes or a tuple of bytes, not {}",
            call.name,
            type_name(other)
        ))),
    }
}

fn justify(this: &[u8], method: Method, call: &Call) -> Py {
    let given = call.positional(1, 2)?;
    let width = width(&given[0])?;
    let fill = match given.get(1) {
        None => b' ',
        Some(Obj::Bytes(fill)) if fill.len() == 1 => fill[0],
        Some(other) => return Err(call.bad_argument("argument 2", "a byte string of length 1", other)),
    };
    let missing = width.saturating_sub(this.len());
    let left = match method {
        Ljust => 0,
        Rjust => missing,
        _ => missing / 2 + (missing & width & 1),
    };
    Ok(Obj::Bytes(
        [&vec![fill; left], this, &vec![fill; missing - left]].concat().into(),
    ))
}
