//! Cutting and searching bytes.

use super::signature::bounded;
use crate::python::error::Py;

pub fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let Some((first, rest)) = wanted.split_first() else {
        return Some(0);
    };
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

pub fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(wanted.len())?;
    (0..=last).rev().find(|at| bytes[*at..].starts_with(wanted))
}

/// How often `wanted` stands in the bytes, without overlap.
pub fn occurrences(bytes: &[u8], wanted: &[u8]) -> usize {
    if wanted.is_empty() {
        return bytes.len() + 1;
    }
    let (mut count, mut rest) = (0, bytes);
    while let Some(at) = find(rest, wanted) {
        count += 1;
        rest = &rest[at + wanted.len()..];
    }
    count
}

pub fn replace(bytes: &[u8], old: &[u8], new: &[u8], most: usize) -> Py<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    if old.is_empty() {
        for (at, byte) in bytes.iter().enumerate() {
            if at < most {
                out.extend_from_slice(new);
            }
            bounded(out.len())?;
            out.push(*byte);
        }
        if bytes.len() < most {
            out.extend_from_slice(new);
        }
        return Ok(out);
    }
    let mut rest = bytes;
    for _ in 0..most {
        let Some(at) = find(rest, old) else {
            break;
        };
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        bounded(out.len())?;
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

pub fn strip<'a>(bytes: &'a [u8], left: bool, right: bool, drop: &[u8]) -> &'a [u8] {
    let keep = |byte: &u8| !drop.contains(byte);
    let start = if left {
        bytes.iter().position(keep).unwrap_or(bytes.len())
    } else {
        0
    };
    let end = if right {
        bytes.iter().rposition(keep).map_or(0, |at| at + 1)
    } else {
        bytes.len()
    };
    bytes.get(start..end).unwrap_or_default()
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    strip(bytes, true, false, b" \t\n\r\x0b\x0c")
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    strip(bytes, false, true, b" \t\n\r\x0b\x0c")
}

pub fn words(bytes: &[u8], most: usize) -> Vec<&[u8]> {
    let (mut out, mut rest) = (Vec::new(), trim_start(bytes));
    while !rest.is_empty() {
        let end = match rest.iter().position(is_space) {
            Some(end) if out.len() < most => end,
            _ => rest.len(),
        };
        out.push(&rest[..end]);
        rest = trim_start(&rest[end..]);
    }
    out
}

pub fn words_from_end(bytes: &[u8], most: usize) -> Vec<&[u8]> {
    let (mut out, mut rest) = (Vec::new(), trim_end(bytes));
    while !rest.is_empty() {
        let start = match rest.iter().rposition(is_space) {
            Some(space) if out.len() < most => space + 1,
            _ => 0,
        };
        out.push(&rest[start..]);
        rest = trim_end(&rest[..start]);
    }
    out.reverse();
    out
}

/// At a separator that is not empty.
pub fn parts<'a>(bytes: &'a [u8], separator: &[u8], most: usize) -> Vec<&'a [u8]> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while out.len() < most {
        let Some(at) = find(rest, separator) else {
            break;
        };
        out.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    out.push(rest);
    out
}

pub fn parts_from_end<'a>(bytes: &'a [u8], separator: &[u8], most: usize) -> Vec<&'a [u8]> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while out.len() < most {
        let Some(at) = rfind(rest, separator) else {
            break;
        };
        out.push(&rest[at + separator.len()..]);
        rest = &rest[..at];
    }
    out.push(rest);
    out.reverse();
    out
}

/// Lines end with `\n`, `\r` or both.
pub fn lines(bytes: &[u8], keep: bool) -> Vec<&[u8]> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let end = at + if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        out.push(&rest[..if keep { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}
