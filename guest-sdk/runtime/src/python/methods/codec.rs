//! Texts to bytes and back: `str.encode`, `bytes.decode`.

use crate::python::error::{Py, Raised, exception, raise, value_error};
use crate::python::names::Builtin;
use crate::python::object::Obj;

/// The encodings on offer. Those that CPython has beyond them are unknown here.
#[derive(Clone, Copy, PartialEq)]
enum Codec {
    Utf8,
    /// UTF-8 with a mark before it.
    Utf8Signed,
    /// One byte a character, below this bound.
    Narrow(&'static str, u32),
    Windows1252,
    /// Bytes of a unit, and their order; `None` writes the machine's with a mark before the text.
    Wide(usize, Option<Order>),
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Little,
    Big,
}

/// CPython takes these names as texts of C.
fn without_null(names: [&str; 2]) -> Py<()> {
    match names.iter().any(|name| name.contains('\0')) {
        true => Err(value_error("embedded null character")),
        false => Ok(()),
    }
}

impl Codec {
    fn named(name: &str) -> Py<Codec> {
        let plain: String = name.to_lowercase().replace(['_', ' '], "-");
        Ok(match plain.as_str() {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Codec::Utf8,
            "utf-8-sig" => Codec::Utf8Signed,
            "ascii" | "us-ascii" | "646" | "ansi-x3.4-1968" => Codec::Narrow("ascii", 128),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                Codec::Narrow("latin-1", 256)
            }
            "cp1252" | "windows-1252" | "1252" => Codec::Windows1252,
            "utf-16" | "utf16" | "u16" => Codec::Wide(2, None),
            "utf-16-le" | "utf-16le" => Codec::Wide(2, Some(Order::Little)),
            "utf-16-be" | "utf-16be" => Codec::Wide(2, Some(Order::Big)),
            "utf-32" | "utf32" | "u32" => Codec::Wide(4, None),
            "utf-32-le" | "utf-32le" => Codec::Wide(4, Some(Order::Little)),
            "utf-32-be" | "utf-32be" => Codec::Wide(4, Some(Order::Big)),
            _ => return Err(raise(Builtin::LookupError, format!("unknown encoding: {name}"))),
        })
    }

    /// As messages call it.
    fn name(self) -> &'static str {
        match self {
            Codec::Utf8 | Codec::Utf8Signed => "utf-8",
            Codec::Narrow(name, _) => name,
            Codec::Windows1252 => "charmap",
            Codec::Wide(2, None) => "utf-16",
            Codec::Wide(2, Some(Order::Little)) => "utf-16-le",
            Codec::Wide(2, Some(Order::Big)) => "utf-16-be",
            Codec::Wide(_, None) => "utf-32",
            Codec::Wide(_, Some(Order::Little)) => "utf-32-le",
            Codec::Wide(_, Some(Order::Big)) => "utf-32-be",
        }
    }
}

/// The characters of Windows-1252 from 0x80 to 0x9f; 0 where it has none.
const WINDOWS: [u16; 32] = [
    0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17d, 0, 0, 0x2018,
    0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e, 0x178,
];

fn windows_byte(c: char) -> Option<u8> {
    let code = c as u32;
    match code {
        0..0x80 | 0xa0..0x100 => Some(code as u8),
        _ => WINDOWS
            .iter()
            .position(|known| u32::from(*known) == code)
            .map(|at| 0x80 + at as u8),
    }
}

fn windows_char(byte: u8) -> Option<char> {
    match byte {
        0x80..0xa0 => WINDOWS
            .get(usize::from(byte - 0x80))
            .filter(|code| **code != 0)
            .and_then(|code| char::from_u32(u32::from(*code))),
        _ => Some(char::from(byte)),
    }
}

pub fn encode(text: &str, encoding: &str, errors: &str) -> Py<Vec<u8>> {
    without_null([encoding, errors])?;
    let codec = Codec::named(encoding)?;
    let (limit, reason) = match codec {
        Codec::Utf8 => return Ok(text.as_bytes().to_vec()),
        Codec::Utf8Signed => return Ok([b"\xef\xbb\xbf", text.as_bytes()].concat()),
        Codec::Wide(unit, order) => return Ok(wide(text, unit, order)),
        Codec::Narrow(_, limit) => (limit, format!("ordinal not in range({limit})")),
        Codec::Windows1252 => (0, String::from("character maps to <undefined>")),
    };
    let byte = |c: char| match codec {
        Codec::Windows1252 => windows_byte(c),
        _ => ((c as u32) < limit).then_some(c as u8),
    };
    let mut out = Vec::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        if let Some(byte) = byte(c) {
            out.push(byte);
            continue;
        }
        match errors {
            "ignore" => {}
            "replace" => out.push(b'?'),
            "xmlcharrefreplace" => out.extend_from_slice(format!("&#{};", c as u32).as_bytes()),
            "backslashreplace" => {
                let code = c as u32;
                let escape = match code {
                    0..0x100 => format!("\\x{code:02x}"),
                    0x100..0x10000 => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                };
                out.extend_from_slice(escape.as_bytes());
            }
            "strict" | "surrogateescape" | "surrogatepass" => {
                let run = text.chars().skip(place).take_while(|c| byte(*c).is_none()).count();
                return Err(cannot_encode(codec, text, place, run, &reason));
            }
            other => return Err(unknown_handler(other)),
        }
    }
    Ok(out)
}

fn wide(text: &str, unit: usize, order: Option<Order>) -> Vec<u8> {
    let mark = if order.is_none() { "\u{feff}" } else { "" };
    let mut out = Vec::with_capacity((text.len() + 1) * unit);
    let big = order == Some(Order::Big);
    for c in mark.chars().chain(text.chars()) {
        if unit == 4 {
            let code = c as u32;
            out.extend(if big { code.to_be_bytes() } else { code.to_le_bytes() });
        } else {
            for half in c.encode_utf16(&mut [0; 2]) {
                out.extend(if big { half.to_be_bytes() } else { half.to_le_bytes() });
            }
        }
    }
    out
}

pub fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Py<String> {
    without_null([encoding, errors])?;
    if bytes.is_empty() {
        // CPython does not look at the encoding then.
        return Ok(String::new());
    }
    let codec = Codec::named(encoding)?;
    match codec {
        Codec::Utf8 => decode_utf8(bytes, 0, errors),
        Codec::Utf8Signed => match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => decode_utf8(rest, 3, errors),
            None => decode_utf8(bytes, 0, errors),
        },
        Codec::Narrow(_, limit) => decode_narrow(bytes, codec, errors, &format!("ordinal not in range({limit})"), |byte| {
            (u32::from(byte) < limit).then(|| char::from(byte))
        }),
        Codec::Windows1252 => decode_narrow(bytes, codec, errors, "character maps to <undefined>", windows_char),
        Codec::Wide(unit, order) => decode_wide(bytes, codec, unit, order, errors),
    }
}

fn decode_narrow(bytes: &[u8], codec: Codec, errors: &str, reason: &str, char: impl Fn(u8) -> Option<char>) -> Py<String> {
    let mut out = String::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        match char(*byte) {
            Some(c) => out.push(c),
            None => mend(&mut out, codec, bytes, at, at + 1, errors, reason)?,
        }
    }
    Ok(out)
}

/// `skipped` bytes went before, and count in the places of messages.
fn decode_utf8(bytes: &[u8], skipped: usize, errors: &str) -> Py<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let error = match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return Ok(out);
            }
            Err(error) => error,
        };
        let (good, bad) = rest.split_at(error.valid_up_to());
        out.push_str(std::str::from_utf8(good).unwrap_or_default());
        at += good.len();
        let (len, reason) = match error.error_len() {
            None => (bad.len(), "unexpected end of data"),
            Some(len) if matches!(bad.first(), Some(0xc2..=0xf4)) => (len, "invalid continuation byte"),
            Some(len) => (len, "invalid start byte"),
        };
        if errors == "strict" && skipped > 0 {
            return Err(cannot_decode(Codec::Utf8, bytes, at + skipped, at + skipped + len, reason));
        }
        mend(&mut out, Codec::Utf8, bytes, at, at + len, errors, reason)?;
        at += len;
    }
}

fn decode_wide(bytes: &[u8], codec: Codec, unit: usize, order: Option<Order>, errors: &str) -> Py<String> {
    let (big, skip) = match (order, unit, bytes) {
        (Some(order), _, _) => (order == Order::Big, 0),
        (None, 2, [0xfe, 0xff, ..]) | (None, 4, [0, 0, 0xfe, 0xff, ..]) => (true, unit),
        (None, 2, [0xff, 0xfe, ..]) | (None, 4, [0xff, 0xfe, 0, 0, ..]) => (false, unit),
        _ => (false, 0),
    };
    let mut out = String::new();
    let number = |at: usize| -> Option<u32> {
        let part = bytes.get(at..at + unit)?;
        let digit = |n: u32, byte: &u8| n << 8 | u32::from(*byte);
        Some(if big {
            part.iter().fold(0, digit)
        } else {
            part.iter().rev().fold(0, digit)
        })
    };
    let mut at = skip;
    while at < bytes.len() {
        let Some(code) = number(at) else {
            mend(&mut out, codec, bytes, at, bytes.len(), errors, "truncated data")?;
            break;
        };
        let paired = (unit == 2 && (0xd800..0xdc00).contains(&code))
            .then(|| number(at + 2))
            .flatten()
            .filter(|low| (0xdc00..0xe000).contains(low));
        let (c, used) = match paired {
            Some(low) => (char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)), 4),
            None => (char::from_u32(code), unit),
        };
        match c {
            Some(c) => out.push(c),
            None => {
                let reason = match (unit, code) {
                    (2, 0xd800..0xdc00) => "illegal UTF-16 surrogate",
                    (2, _) => "illegal encoding",
                    _ => "code point not in range(0x110000)",
                };
                mend(&mut out, codec, bytes, at, at + used, errors, reason)?;
            }
        }
        at += used;
    }
    Ok(out)
}

/// What an error handler makes of bytes that are no text.
fn mend(out: &mut String, codec: Codec, bytes: &[u8], start: usize, end: usize, errors: &str, reason: &str) -> Py<()> {
    match errors {
        "ignore" => {}
        "replace" => out.push('\u{fffd}'),
        "backslashreplace" => {
            for byte in bytes.get(start..end).unwrap_or_default() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        // Half a surrogate pair has no place in a text here, so those handlers cannot help.
        "strict" | "surrogateescape" | "surrogatepass" => return Err(cannot_decode(codec, bytes, start, end, reason)),
        other => return Err(unknown_handler(other)),
    }
    Ok(())
}

fn unknown_handler(name: &str) -> Raised {
    raise(Builtin::LookupError, format!("unknown error handler name '{name}'"))
}

fn cannot_encode(codec: Codec, text: &str, start: usize, run: usize, reason: &str) -> Raised {
    coding_error(
        Builtin::UnicodeEncodeError,
        codec,
        Obj::str(text),
        [start, start + run],
        reason,
    )
}

fn cannot_decode(codec: Codec, bytes: &[u8], start: usize, end: usize, reason: &str) -> Raised {
    coding_error(
        Builtin::UnicodeDecodeError,
        codec,
        Obj::Bytes(bytes.into()),
        [start, end],
        reason,
    )
}

/// What it says is made of its arguments, when somebody asks.
fn coding_error(class: Builtin, codec: Codec, object: Obj, range: [usize; 2], reason: &str) -> Raised {
    let [start, end] = range.map(|place| Obj::Int(place as i64));
    let args = vec![Obj::str(codec.name()), object, start, end, Obj::str(reason)];
    Raised(exception(class, args))
}
