//! Operators of sequences: concatenation and repetition.

use std::rc::Rc;

use compact_str::CompactString;

use super::error::{Py, type_error};
use super::iter;
use super::number::{index, indexed, too_large};
use super::object::{List, Obj, Text};
use super::short;
use super::text::type_name;

/// No object is larger than this, in bytes.
pub const MAX_BYTES: usize = 256 << 20;
/// No list has more items than this.
pub const MAX_ITEMS: usize = MAX_BYTES / size_of::<Obj>();

/// `a + b`, if `a` is a sequence.
pub fn concat(a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    Ok(Some(match (a, b) {
        (Obj::Str(a), Obj::Str(b)) => add_texts(a, b).ok_or_else(too_large)?,
        (Obj::List(a), Obj::List(b)) => {
            let (a, b) = (a.0.borrow(), b.0.borrow());
            let mut items = Vec::with_capacity(room(a.len(), b.len(), MAX_ITEMS)?);
            items.extend_from_slice(&a);
            items.extend_from_slice(&b);
            Obj::list(items)
        }
        (Obj::Tuple(a), Obj::Tuple(b)) => {
            room(a.len(), b.len(), MAX_ITEMS)?;
            Obj::Tuple(a.iter().chain(b.iter()).cloned().collect())
        }
        (Obj::Bytes(a), Obj::Bytes(b)) => {
            room(a.len(), b.len(), MAX_BYTES)?;
            Obj::Bytes(a.iter().chain(b.iter()).copied().collect())
        }
        (Obj::Str(_) | Obj::List(_) | Obj::Tuple(_), _) => {
            let name = type_name(a);
            return Err(type_error(format!(
                "can only concatenate {name} (not \"{}\") to {name}",
                type_name(b)
            )));
        }
        (Obj::Bytes(_), _) => return Err(type_error(format!("can't concat {} to bytes", type_name(b)))),
        _ => return Ok(None),
    }))
}

/// `a + b`; `None` when that is too large.
#[inline(never)]
pub fn add_texts(a: &Text, b: &Text) -> Option<Obj> {
    let fits = a.len().saturating_add(b.len()) <= MAX_BYTES;
    fits.then(|| Obj::Str(short::joined(a, b, a.chars + b.chars)))
}

fn room(a: usize, b: usize, most: usize) -> Py<usize> {
    let sum = a.saturating_add(b);
    if sum > most { Err(too_large()) } else { Ok(sum) }
}

fn joined(text: impl Into<CompactString>, chars: usize) -> Text {
    Text {
        text: text.into(),
        chars,
        hash: Default::default(),
    }
}

/// `a += b` of a text that is held only here: appended in place, so that a loop of them takes time in proportion to its result.
#[inline]
pub fn append_text(a: &mut Rc<Text>, b: &Rc<Text>) -> Py<bool> {
    let Some(text) = Rc::get_mut(a) else {
        return Ok(false);
    };
    room(text.text.len(), b.len(), MAX_BYTES)?;
    short::push(&mut text.text, b);
    text.chars += b.chars;
    text.hash.set(0);
    Ok(true)
}

/// `list += iterable`
pub fn extend(list: &Rc<List>, more: &Obj) -> Py<()> {
    match more {
        Obj::List(other) if Rc::ptr_eq(list, other) => {
            let mut items = list.0.borrow_mut();
            let copy = items.clone();
            room(items.len(), copy.len(), MAX_ITEMS)?;
            items.extend(copy);
        }
        Obj::List(other) => {
            let other = other.0.borrow();
            let mut items = list.0.borrow_mut();
            room(items.len(), other.len(), MAX_ITEMS)?;
            items.extend_from_slice(&other);
        }
        Obj::Tuple(other) => {
            let mut items = list.0.borrow_mut();
            room(items.len(), other.len(), MAX_ITEMS)?;
            items.extend_from_slice(other);
        }
        _ => iter::each(more, |item| {
            let mut items = list.0.borrow_mut();
            room(items.len(), 1, MAX_ITEMS)?;
            items.push(item);
            Ok(true)
        })?,
    }
    Ok(())
}

fn is_sequence(value: &Obj) -> bool {
    matches!(value, Obj::Str(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Bytes(_))
}

/// `a * b`, if one of them is a sequence.
pub fn repeat(inplace: bool, a: &Obj, b: &Obj) -> Py<Option<Obj>> {
    // In place, these have no repetition to fall back to.
    if inplace && matches!(a, Obj::Set(_) | Obj::Dict(_) | Obj::Range(_)) {
        return Ok(None);
    }
    let (sequence, times) = match (is_sequence(a), is_sequence(b)) {
        (true, _) => (a, b),
        (_, true) => (b, a),
        _ => return Ok(None),
    };
    let times = match times {
        Obj::Int(_) | Obj::Bool(_) => index(times)?,
        Obj::Big(_) => return Err(super::error::overflow_error("cannot fit 'int' into an index-sized integer")),
        _ => match indexed(times)? {
            Some(n) => index(&n)?,
            None => {
                let text = format!("can't multiply sequence by non-int of type '{}'", type_name(times));
                return Err(type_error(text));
            }
        },
    };
    // What no address can count is refused below, as too large.
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let fits = |len: usize, most: usize| match len.checked_mul(times) {
        Some(total) if total <= most => Ok(()),
        _ => Err(too_large()),
    };
    Ok(Some(match sequence {
        Obj::Str(text) => {
            fits(text.len(), MAX_BYTES)?;
            Obj::Str(Rc::new(joined(text.text.repeat(times), text.chars * times)))
        }
        Obj::Bytes(bytes) => {
            fits(bytes.len(), MAX_BYTES)?;
            Obj::Bytes(bytes.repeat(times).into())
        }
        Obj::Tuple(items) => {
            fits(items.len(), MAX_ITEMS)?;
            Obj::Tuple(repeated(items, times).into())
        }
        Obj::List(list) => {
            fits(list.0.borrow().len(), MAX_ITEMS)?;
            let items = repeated(&list.0.borrow(), times);
            if inplace && is_sequence(a) {
                *list.0.borrow_mut() = items;
                return Ok(Some(sequence.clone()));
            }
            Obj::list(items)
        }
        _ => return Ok(None),
    }))
}

fn repeated(items: &[Obj], times: usize) -> Vec<Obj> {
    if items.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::with_capacity(items.len() * times);
    if let [single] = items {
        all.resize(times, single.clone());
    } else {
        for _ in 0..times {
            all.extend_from_slice(items);
        }
    }
    all
}
