//! Methods of `str`: which there are, and those that build or test a text as a whole.

use std::rc::Rc;

use compact_str::CompactString;

use super::signature::{Call, bounded, bounds, c_int, count, flag, is_type_error, width};
use super::str_parts::Parts;
use super::{codec, str_case, str_classes, str_search, str_split, translate};
use crate::python::error::{Py, type_error, value_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj, Text};
use crate::python::text::type_name;
use crate::python::{format, iter, short};

pub const METHODS: &[Method] = &[
    Capitalize,
    Casefold,
    Center,
    Count,
    Encode,
    Endswith,
    Expandtabs,
    Find,
    Format,
    FormatMap,
    Index,
    Isalnum,
    Isalpha,
    Isascii,
    Isdecimal,
    Isdigit,
    Isidentifier,
    Islower,
    Isnumeric,
    Isprintable,
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

pub fn call(this: &Rc<Text>, method: Method, args: &Args) -> Py<Option<Obj>> {
    let call = Call::new("str", method.name(), args);
    let done = match method {
        Join => join(this, call.one()?)?,
        Split | Rsplit => split(this, method, &call)?,
        Replace => replace(this, &call)?,
        Strip | Lstrip | Rstrip => strip(this, method, &call)?,
        Startswith | Endswith => str_search::affix(this, method, &call)?,
        Find | Rfind | Index | Rindex | Count => str_search::search(this, method, &call)?,
        Lower | Upper | Title | Capitalize | Swapcase | Casefold => {
            call.none()?;
            str_case::convert(this, method)
        }
        Isalnum | Isalpha | Isascii | Isdecimal | Isdigit | Isidentifier | Islower | Isnumeric | Isprintable | Isspace
        | Istitle | Isupper => {
            call.none()?;
            Obj::Bool(str_classes::is(this, method))
        }
        Format => Obj::str(format::template(this, args)?),
        FormatMap => Obj::str(format::template_map(this, call.one()?)?),
        Splitlines => {
            let [keep] = call.named(["keepends"], 0, 1, 0)?;
            let keep = flag(keep)?;
            let mut lines = Vec::new();
            let mut made = Parts::new(this);
            str_split::lines(this, keep, |line| lines.push(made.object(line)));
            Obj::list(lines)
        }
        Partition | Rpartition => partition(this, method, call.one()?)?,
        Removeprefix => {
            let prefix = call.only_text(call.one()?)?;
            this.strip_prefix(&**prefix).map_or_else(|| Obj::Str(this.clone()), Obj::str)
        }
        Removesuffix => {
            let suffix = call.only_text(call.one()?)?;
            this.strip_suffix(&**suffix).map_or_else(|| Obj::Str(this.clone()), Obj::str)
        }
        Center | Ljust | Rjust => justify(this, method, &call)?,
        Zfill => zfill(this, width(call.one()?)?),
        Expandtabs => {
            let [size] = call.named(["tabsize"], 0, 1, 0)?;
            let size = size.map_or(Ok(8), c_int)?;
            expand_tabs(this, usize::try_from(size).unwrap_or(0))?
        }
        Encode => {
            let [encoding, errors] = call.named(["encoding", "errors"], 0, 2, 0)?;
            let encoding = encoding.map(|name| call.named_text("encoding", name)).transpose()?;
            let errors = errors.map(|name| call.named_text("errors", name)).transpose()?;
            let bytes = codec::encode(
                this,
                encoding.map_or("utf-8", |name| name),
                errors.map_or("strict", |name| name),
            )?;
            Obj::Bytes(bytes.into())
        }
        Translate => Obj::str(translate::translate(this, call.one()?)?),
        Maketrans => translate::table(&call)?,
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// A part of a text as an object: the text itself when it is all of it.
fn part(of: &Rc<Text>, part: &str) -> Obj {
    Parts::new(of).object(part)
}

/// `separator.join(items)`
fn join(separator: &Rc<Text>, items: &Obj) -> Py {
    match items {
        // No code of the program runs while the items are read.
        Obj::List(list) => join_texts(separator, &list.0.borrow()),
        Obj::Tuple(items) => join_texts(separator, items),
        other => {
            let iterator = iter::iter(other).map_err(|raised| match is_type_error(&raised) {
                true => type_error("can only join an iterable"),
                false => raised,
            })?;
            join_texts(separator, &iter::collect(&iterator)?)
        }
    }
}

fn join_texts(separator: &str, items: &[Obj]) -> Py {
    if let [Obj::Str(only)] = items {
        return Ok(Obj::Str(only.clone()));
    }
    let mut len = separator.len().saturating_mul(items.len().saturating_sub(1));
    for (at, item) in items.iter().enumerate() {
        let Obj::Str(text) = item else {
            return Err(type_error(format!(
                "sequence item {at}: expected str instance, {} found",
                type_name(item)
            )));
        };
        len = len.saturating_add(text.len());
    }
    let mut out = CompactString::with_capacity(bounded(len)?);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            short::push(&mut out, separator);
        }
        if let Obj::Str(text) = item {
            short::push(&mut out, text);
        }
    }
    Ok(Obj::str(out))
}

fn split(this: &Rc<Text>, method: Method, call: &Call) -> Py {
    let [separator, most] = if call.args.names.is_empty() && call.args.values.len() <= 2 {
        [call.args.values.first(), call.args.values.get(1)]
    } else {
        call.named(["sep", "maxsplit"], 0, 2, 0)?
    };
    let most = count(most)?;
    let (mut parts, mut made) = (Vec::new(), Parts::new(this));
    let push = |found: &str| parts.push(made.object(found));
    match (separator, method == Split) {
        (None | Some(Obj::None), true) => str_split::words(this, most, push),
        (None | Some(Obj::None), false) => str_split::words_from_end(this, most, push),
        (Some(Obj::Str(separator)), forward) => {
            if separator.is_empty() {
                return Err(value_error("empty separator"));
            }
            match forward {
                true => str_split::parts(this, separator, most, push),
                false => str_split::parts_from_end(this, separator, most, push),
            }
        }
        (Some(other), _) => return Err(type_error(format!("must be str or None, not {}", type_name(other)))),
    }
    if method == Rsplit {
        parts.reverse();
    }
    Ok(Obj::list(parts))
}

fn strip(this: &Rc<Text>, method: Method, call: &Call) -> Py {
    let given = call.positional(0, 1)?;
    let (left, right) = (method != Rstrip, method != Lstrip);
    let stripped = match given.first() {
        None | Some(Obj::None) => str_split::strip(this, left, right, crate::py::chars::is_space),
        Some(Obj::Str(chars)) if chars.len() == 1 => str_split::strip(this, left, right, |c| chars.starts_with(c)),
        Some(Obj::Str(chars)) => str_split::strip(this, left, right, |c| chars.contains(c)),
        Some(_) => return Err(type_error(format!("{} arg must be None or str", call.name))),
    };
    Ok(part(this, stripped))
}

fn replace(this: &Rc<Text>, call: &Call) -> Py {
    let given = call.positional(2, 3)?;
    let ([old, new], most) = ([call.text(1, &given[0])?, call.text(2, &given[1])?], count(given.get(2))?);
    let mut out = String::new();
    // Behind the last one found; `None` when there was none yet.
    let mut done = None;
    // An empty text is found before every character and at the end.
    for (at, found) in this.match_indices(&**old).take(most) {
        if done.is_none() {
            out.reserve(this.len());
        }
        out.push_str(&this[done.unwrap_or(0)..at]);
        out.push_str(new);
        bounded(out.len())?;
        done = Some(at + found.len());
    }
    let Some(done) = done else {
        return Ok(Obj::Str(this.clone()));
    };
    out.push_str(&this[done..]);
    Ok(Obj::str(out))
}

fn partition(this: &Rc<Text>, method: Method, separator: &Obj) -> Py {
    let Obj::Str(separator) = separator else {
        return Err(type_error(format!("must be str, not {}", type_name(separator))));
    };
    if separator.is_empty() {
        return Err(value_error("empty separator"));
    }
    let cut = match method {
        Partition => this.split_once(&***separator),
        _ => this.rsplit_once(&***separator),
    };
    let empty = || Obj::str("");
    Ok(Obj::tuple(match (cut, method) {
        (Some((before, after)), _) => [Obj::str(before), Obj::Str(separator.clone()), Obj::str(after)],
        (None, Partition) => [Obj::Str(this.clone()), empty(), empty()],
        (None, _) => [empty(), empty(), Obj::Str(this.clone())],
    }))
}

fn justify(this: &Rc<Text>, method: Method, call: &Call) -> Py {
    let given = call.positional(1, 2)?;
    let width = width(&given[0])?;
    let fill = match given.get(1) {
        None => ' ',
        Some(Obj::Str(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(fill), None) => fill,
                _ => return Err(type_error("The fill character must be exactly one character long")),
            }
        }
        Some(other) => {
            return Err(type_error(format!(
                "The fill character must be a unicode character, not {}",
                type_name(other)
            )));
        }
    };
    let Some(missing) = width.checked_sub(this.chars).filter(|missing| *missing > 0) else {
        return Ok(Obj::Str(this.clone()));
    };
    let left = match method {
        Ljust => 0,
        Rjust => missing,
        _ => missing / 2 + (missing & width & 1),
    };
    bounded(missing.saturating_mul(fill.len_utf8()).saturating_add(this.len()))?;
    let fill = |n| std::iter::repeat_n(fill, n);
    let mut out = String::with_capacity(this.len() + missing);
    out.extend(fill(left));
    out.push_str(this);
    out.extend(fill(missing - left));
    Ok(Obj::str(out))
}

fn zfill(this: &Rc<Text>, width: usize) -> Obj {
    let Some(missing) = width.checked_sub(this.chars).filter(|missing| *missing > 0) else {
        return Obj::Str(this.clone());
    };
    let sign = usize::from(this.starts_with(['+', '-']));
    let mut out = String::with_capacity(this.len() + missing);
    out.push_str(&this[..sign]);
    out.extend(std::iter::repeat_n('0', missing));
    out.push_str(&this[sign..]);
    Obj::str(out)
}

fn expand_tabs(this: &Rc<Text>, size: usize) -> Py {
    let mut out = String::with_capacity(this.len());
    let mut column = 0;
    for c in this.chars() {
        match c {
            '\t' => {
                let missing = if size == 0 { 0 } else { size - column % size };
                bounded(out.len().saturating_add(missing))?;
                out.extend(std::iter::repeat_n(' ', missing));
                column += missing;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(Obj::str(out))
}

/// The byte at which a character starts; the end when there are fewer.
pub fn byte_of(text: &Text, place: usize) -> usize {
    if text.is_ascii() {
        return place.min(text.len());
    }
    text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte)
}

/// The part of a text that a search looks at: it, and the place where it starts. `None` when not even an empty text is there.
pub fn window<'a>(text: &'a Text, start: Option<&Obj>, end: Option<&Obj>) -> Py<Option<(&'a str, usize)>> {
    if start.is_none() && end.is_none() {
        return Ok(Some((text, 0)));
    }
    let (start, end) = bounds(text.chars, start, end)?;
    if start > end {
        return Ok(None);
    }
    Ok(Some((&text[byte_of(text, start)..byte_of(text, end)], start)))
}
