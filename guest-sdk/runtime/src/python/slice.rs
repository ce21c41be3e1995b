//! Slices: which items they name, and reading, assigning and deleting these.

use std::rc::Rc;

use num_traits::Signed;

use super::error::{Py, type_error, value_error};
use super::iter;
use super::number::indexed;
use super::object::{List, Obj, Range, Slice, Text};
use super::text::char_text;

/// How many numbers a range has.
pub fn range_len(range: &Range) -> u64 {
    let (low, high) = if range.step > 0 {
        (range.start, range.stop)
    } else {
        (range.stop, range.start)
    };
    if low >= high {
        return 0;
    }
    let span = (i128::from(high) - i128::from(low) - 1) as u64;
    (span / range.step.unsigned_abs()).saturating_add(1)
}

/// Item `at` of a range; the place is known to be inside.
pub fn nth(range: &Range, at: i128) -> i64 {
    clamped(i128::from(range.start) + at * i128::from(range.step))
}

fn clamped(n: i128) -> i64 {
    n.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// A bound of a slice; one beyond 64 bits is as good as the largest.
fn bound(value: &Obj) -> Py<Option<i64>> {
    let index = match value {
        Obj::None => return Ok(None),
        Obj::Int(n) => return Ok(Some(*n)),
        Obj::Bool(_) | Obj::Big(_) => value.clone(),
        _ => indexed(value)?.ok_or_else(|| type_error("slice indices must be integers or None or have an __index__ method"))?,
    };
    Ok(Some(match index {
        Obj::Int(n) => n,
        Obj::Bool(b) => i64::from(b),
        Obj::Big(n) if n.is_negative() => -i64::MAX,
        _ => i64::MAX,
    }))
}

/// Start, stop and step of a slice in a sequence of `len` items, and how many of them it names.
pub fn indices(slice: &Slice, len: usize) -> Py<(i64, i64, i64, usize)> {
    let (start, stop, step) = within(slice, len as i64)?;
    let count = range_len(&Range { start, stop, step });
    Ok((start, stop, step, count as usize))
}

/// `slice.indices(len)`
pub fn within(slice: &Slice, len: i64) -> Py<(i64, i64, i64)> {
    let step = bound(&slice.step)?.unwrap_or(1).max(-i64::MAX);
    if step == 0 {
        return Err(value_error("slice step cannot be zero"));
    }
    // Backwards, the places before the first and at the last item are the ends.
    let (lowest, highest) = if step < 0 { (-1, len - 1) } else { (0, len) };
    let place = |n: i64| {
        if n < 0 {
            n.saturating_add(len).max(lowest)
        } else {
            n.min(highest)
        }
    };
    let first = if step < 0 { highest } else { lowest };
    let last = if step < 0 { lowest } else { highest };
    let start = bound(&slice.start)?.map_or(first, place);
    let stop = bound(&slice.stop)?.map_or(last, place);
    Ok((start, stop, step))
}

/// The places that a slice names, in its order.
fn places(start: i64, step: i64, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |n| start.saturating_add((n as i64).saturating_mul(step)) as usize)
}

fn pick<T: Clone>(items: &[T], part: &Slice) -> Py<Vec<T>> {
    let (start, stop, step, count) = indices(part, items.len())?;
    if step == 1 {
        return Ok(items
            .get(start as usize..stop.max(start) as usize)
            .unwrap_or_default()
            .to_vec());
    }
    Ok(places(start, step, count).filter_map(|at| items.get(at).cloned()).collect())
}

pub fn of_list(list: &Rc<List>, part: &Slice) -> Py {
    // A bound's `__index__` may change the list, so it is asked before the list is borrowed.
    let part = settled(part)?;
    let items = pick(&list.0.borrow(), &part)?;
    Ok(Obj::list(items))
}

/// The slice with its bounds as integers, so that nothing of the program runs when it is used.
fn settled(part: &Slice) -> Py<Slice> {
    let integer = |value: &Obj| -> Py { Ok(bound(value)?.map_or(Obj::None, Obj::Int)) };
    Ok(Slice {
        start: integer(&part.start)?,
        stop: integer(&part.stop)?,
        step: integer(&part.step)?,
    })
}

pub fn of_tuple(items: &Rc<[Obj]>, part: &Slice) -> Py {
    let (_, _, step, count) = indices(part, items.len())?;
    if step == 1 && count == items.len() {
        return Ok(Obj::Tuple(items.clone()));
    }
    Ok(Obj::tuple(pick(items, part)?))
}

pub fn of_bytes(bytes: &Rc<[u8]>, part: &Slice) -> Py {
    Ok(Obj::Bytes(pick(bytes, part)?.into()))
}

pub fn of_range(range: &Range, part: &Slice) -> Py {
    let len = usize::try_from(range_len(range)).unwrap_or(usize::MAX).min(i64::MAX as usize);
    let (start, stop, step, _) = indices(part, len)?;
    Ok(Obj::Range(Rc::new(Range {
        start: nth(range, i128::from(start)),
        stop: nth(range, i128::from(stop)),
        step: range.step.saturating_mul(step),
    })))
}

pub fn of_text(text: &Rc<Text>, part: &Slice) -> Py {
    let (start, stop, step, count) = indices(part, text.chars)?;
    if step == 1 {
        if count == text.chars {
            return Ok(Obj::Str(text.clone()));
        }
        return Ok(substring(text, start as usize, stop.max(start) as usize));
    }
    let picked: String = if text.is_ascii() {
        let bytes = text.text.as_bytes();
        places(start, step, count)
            .filter_map(|at| bytes.get(at).map(|byte| char::from(*byte)))
            .collect()
    } else {
        let chars: Vec<char> = text.text.chars().collect();
        places(start, step, count).filter_map(|at| chars.get(at)).collect()
    };
    Ok(Obj::str(picked))
}

/// The code points from `start` to `stop`.
pub fn substring(text: &Text, start: usize, stop: usize) -> Obj {
    let part = if text.is_ascii() {
        text.text.get(start..stop)
    } else {
        let mut bytes = text.text.char_indices().map(|(byte, _)| byte).skip(start);
        let first = bytes.next().unwrap_or(text.text.len());
        let last = match stop.saturating_sub(start) {
            0 => first,
            count => bytes.nth(count - 1).unwrap_or(text.text.len()),
        };
        text.text.get(first..last)
    };
    let part = part.unwrap_or_default();
    let mut chars = part.chars();
    match (chars.next(), chars.next()) {
        (Some(single), None) => Obj::Str(char_text(single)),
        _ => Obj::str(part),
    }
}

/// `list[slice] = value`
pub fn assign(list: &Rc<List>, part: &Slice, value: &Obj) -> Py<()> {
    let part = settled(part)?;
    let whole = part.step.is_none() || matches!(part.step, Obj::Int(1));
    let values = match value {
        Obj::List(other) => other.0.borrow().clone(),
        _ => iter::collect(value).map_err(|raised| {
            let text = if whole {
                "can only assign an iterable"
            } else {
                "must assign iterable to extended slice"
            };
            if is_iterable(value) { raised } else { type_error(text) }
        })?,
    };
    let mut items = list.0.borrow_mut();
    let (start, stop, step, count) = indices(&part, items.len())?;
    if step == 1 {
        let (start, stop) = (start as usize, stop.max(start) as usize);
        let old: Vec<Obj> = items.splice(start..stop, values).collect();
        drop(items);
        drop(old);
        return Ok(());
    }
    if values.len() != count {
        return Err(value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {count}",
            values.len()
        )));
    }
    for (at, value) in places(start, step, count).zip(values) {
        if let Some(slot) = items.get_mut(at) {
            *slot = value;
        }
    }
    Ok(())
}

fn is_iterable(value: &Obj) -> bool {
    iter::iter(value).is_ok()
}

/// `del list[slice]`
pub fn delete(list: &Rc<List>, part: &Slice) -> Py<()> {
    let part = settled(part)?;
    let mut items = list.0.borrow_mut();
    let (start, stop, step, count) = indices(&part, items.len())?;
    if step == 1 {
        items.drain(start as usize..stop.max(start) as usize);
        return Ok(());
    }
    // From the lowest place upwards.
    let (lowest, step) = if step < 0 {
        let last = start.saturating_add((count.saturating_sub(1) as i64).saturating_mul(step));
        (last, step.unsigned_abs())
    } else {
        (start, step.unsigned_abs())
    };
    let (mut at, mut left) = (0_u64, count);
    items.retain(|_| {
        let named = left > 0 && at >= lowest as u64 && (at - lowest as u64).is_multiple_of(step);
        at += 1;
        left -= usize::from(named);
        !named
    });
    Ok(())
}
