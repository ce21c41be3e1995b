//! Bytes as text of ASCII: case, classes, hexadecimal, translation.

use super::bytes::wanted;
use super::bytes_cut::is_space;
use super::signature::{Call, bounded};
use crate::python::arith;
use crate::python::error::{Py, type_error, value_error};
use crate::python::iter;
use crate::python::names::Method::{self, *};
use crate::python::object::{Args, Obj};

pub fn convert(bytes: &[u8], method: Method) -> Vec<u8> {
    match method {
        Lower => return bytes.to_ascii_lowercase(),
        Upper => return bytes.to_ascii_uppercase(),
        _ => {}
    }
    let mut after_letter = false;
    let change = |(at, byte): (usize, &u8)| {
        let upper = match method {
            Title => !after_letter,
            Capitalize => at == 0,
            _ => byte.is_ascii_lowercase(),
        };
        after_letter = byte.is_ascii_alphabetic();
        if upper {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        }
    };
    bytes.iter().enumerate().map(change).collect()
}

pub fn is(bytes: &[u8], method: Method) -> bool {
    let all = |test: fn(&u8) -> bool| !bytes.is_empty() && bytes.iter().all(test);
    match method {
        Isalnum => all(u8::is_ascii_alphanumeric),
        Isalpha => all(u8::is_ascii_alphabetic),
        Isascii => bytes.is_ascii(),
        Isdigit => all(u8::is_ascii_digit),
        Isspace => all(is_space),
        Islower => bytes.iter().any(u8::is_ascii_lowercase) && !bytes.iter().any(u8::is_ascii_uppercase),
        Isupper => bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase),
        Istitle => convert(bytes, Title) == bytes && bytes.iter().any(u8::is_ascii_alphabetic),
        _ => false,
    }
}

pub fn expand_tabs(bytes: &[u8], size: usize) -> Py<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut column = 0;
    for byte in bytes {
        match byte {
            b'\t' => {
                let missing = if size == 0 { 0 } else { size - column % size };
                out.resize(bounded(out.len().saturating_add(missing))?, b' ');
                column += missing;
            }
            byte => {
                out.push(*byte);
                column = if matches!(byte, b'\n' | b'\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(out)
}

/// `bytes.hex([sep[, bytes_per_sep]])`: groups are counted from the end, from the start when negative.
pub fn hex(bytes: &[u8], call: &Call) -> Py {
    let [separator, group] = call.named(["sep", "bytes_per_sep"], 0, 2, 0)?;
    let group = group.map_or(Ok(1), arith::index)?;
    let separator = match separator {
        None => None,
        Some(separator) => {
            if iter::length(separator)? != 1 {
                return Err(value_error("sep must be length 1."));
            }
            match separator {
                Obj::Str(text) if text.is_ascii() => text.chars().next(),
                Obj::Bytes(bytes) => bytes.first().map(|byte| char::from(*byte)),
                Obj::Str(_) => return Err(value_error("sep must be ASCII.")),
                _ => return Err(type_error("sep must be str or bytes.")),
            }
        }
    };
    let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    bounded(bytes.len().saturating_mul(3))?;
    let mut out = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        let border = match group {
            0 => false,
            1.. => (bytes.len() - at).is_multiple_of(size),
            _ => at.is_multiple_of(size),
        };
        if at > 0 && border {
            out.extend(separator);
        }
        for half in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(half), 16));
        }
    }
    Ok(Obj::str(out))
}

/// `bytes.fromhex(text)`: two digits a byte, white space between bytes.
pub fn from_hex(args: &Args) -> Py {
    let call = Call::new("bytes", "fromhex", args);
    let text = call.only_text(call.one()?)?;
    let invalid = |at: usize| {
        Err(value_error(format!(
            "non-hexadecimal number found in fromhex() arg at position {at}"
        )))
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars().enumerate();
    while let Some((at, c)) = chars.next() {
        if c.is_ascii() && is_space(&(c as u8)) {
            continue;
        }
        let Some(high) = c.to_digit(16) else {
            return invalid(at);
        };
        match chars.next().and_then(|(_, c)| c.to_digit(16)) {
            Some(low) => out.push((high << 4 | low) as u8),
            None => return invalid(at + 1),
        }
    }
    Ok(Obj::Bytes(out.into()))
}

/// `bytes.maketrans(from, to)`
pub fn table(args: &Args) -> Py {
    let given = Call::new("bytes", "maketrans", args).positional(2, 2)?;
    let (from, to) = (wanted(&given[0])?, wanted(&given[1])?);
    if from.len() != to.len() {
        return Err(value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (from, to) in from.iter().zip(to) {
        table[usize::from(*from)] = *to;
    }
    Ok(Obj::Bytes(table.into()))
}

/// `bytes.translate(table, /, delete=b'')`
pub fn translate(bytes: &[u8], call: &Call) -> Py {
    let [table, delete] = call.named(["table", "delete"], 1, 2, 1)?;
    let table = match table {
        None | Some(Obj::None) => None,
        Some(table) => match wanted(table)? {
            table if table.len() == 256 => Some(table),
            _ => return Err(value_error("translation table must be 256 characters long")),
        },
    };
    let delete = delete.map_or(Ok(&[] as &[u8]), wanted)?;
    let kept = bytes.iter().filter(|byte| !delete.contains(byte));
    let moved = kept.map(|byte| table.and_then(|table| table.get(usize::from(*byte))).unwrap_or(byte));
    Ok(Obj::Bytes(moved.copied().collect()))
}
