//! `base64`: bytes as text of 64, 32 or 16 characters.

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, Raised, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::text;

declare! {
    "base64" {
        "b16decode" => |args| {
            let [source, fold] = bind("b16decode", args, ["s", "casefold"], 1, 2)?;
            let text = ascii(bind::need(source, "b16decode")?)?;
            decode16(&text, bind::flag(fold, false)?).map(made)
        },
        "b16encode" => |args| encode(args, "b16encode", |bytes| radix(bytes, b"0123456789ABCDEF", 4, 1)),
        "b32decode" => |args| {
            let [source, fold, _map] = bind("b32decode", args, ["s", "casefold", "map01"], 1, 3)?;
            let text = ascii(bind::need(source, "b32decode")?)?;
            decode32(&text, bind::flag(fold, false)?).map(made)
        },
        "b32encode" => |args| encode(args, "b32encode", |bytes| radix(bytes, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8)),
        "b64decode" => |args| {
            let [source, alternatives, validate] = bind("b64decode", args, ["s", "altchars", "validate"], 1, 3)?;
            let mut text = ascii(bind::need(source, "b64decode")?)?;
            if let Some(alternatives) = bind::unless_none(alternatives) {
                let alternatives = pair(&ascii(alternatives)?)?;
                replace(&mut text, alternatives, *b"+/");
            }
            decode64(&text, bind::flag(validate, false)?).map(made)
        },
        "b64encode" => |args| {
            let [source, alternatives] = bind("b64encode", args, ["s", "altchars"], 1, 2)?;
            let mut text = radix(bind::bytes(bind::need(source, "b64encode")?)?, ALPHABET, 6, 4);
            if let Some(alternatives) = bind::unless_none(alternatives) {
                replace(&mut text, *b"+/", pair(bind::bytes(alternatives)?)?);
            }
            Ok(made(text))
        },
        "decodebytes" => |args| {
            let [source] = bind("decodebytes", args, ["s"], 1, 1)?;
            decode64(bind::bytes(bind::need(source, "decodebytes")?)?, false).map(made)
        },
        "encodebytes" => |args| encode(args, "encodebytes", |bytes| {
            let mut out = Vec::new();
            for line in bytes.chunks(57) {
                out.extend(radix(line, ALPHABET, 6, 4));
                out.push(b'\n');
            }
            out
        }),
        "standard_b64decode" => |args| {
            let [source] = bind("standard_b64decode", args, ["s"], 1, 1)?;
            decode64(&ascii(bind::need(source, "standard_b64decode")?)?, false).map(made)
        },
        "standard_b64encode" => |args| encode(args, "standard_b64encode", |bytes| radix(bytes, ALPHABET, 6, 4)),
        "urlsafe_b64decode" => |args| {
            let [source] = bind("urlsafe_b64decode", args, ["s"], 1, 1)?;
            let mut text = ascii(bind::need(source, "urlsafe_b64decode")?)?;
            replace(&mut text, *b"-_", *b"+/");
            decode64(&text, false).map(made)
        },
        "urlsafe_b64encode" => |args| encode(args, "urlsafe_b64encode", |bytes| {
            let mut text = radix(bytes, ALPHABET, 6, 4);
            replace(&mut text, *b"+/", *b"-_");
            text
        }),
    }
    {}
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn made(bytes: Vec<u8>) -> Obj {
    Obj::Bytes(bytes.into())
}

fn wrong(text: impl Into<String>) -> Raised {
    raise(Builtin::BinasciiError, text)
}

/// Bytes, or a text of ASCII characters.
fn ascii(source: &Obj) -> Py<Vec<u8>> {
    match source {
        Obj::Bytes(bytes) => Ok(bytes.to_vec()),
        Obj::Str(text) if text.is_ascii() => Ok(text.as_bytes().to_vec()),
        Obj::Str(_) => Err(value_error("string argument should contain only ASCII characters")),
        other => Err(type_error(format!(
            "argument should be a bytes-like object or ASCII string, not '{}'",
            text::type_name(other)
        ))),
    }
}

fn pair(bytes: &[u8]) -> Py<[u8; 2]> {
    bytes
        .try_into()
        .map_err(|_| raise(Builtin::AssertionError, "altchars must be two characters"))
}

fn replace(text: &mut [u8], from: [u8; 2], to: [u8; 2]) {
    for byte in text {
        if *byte == from[0] {
            *byte = to[0];
        } else if *byte == from[1] {
            *byte = to[1];
        }
    }
}

fn encode(args: &Args, function: &str, work: fn(&[u8]) -> Vec<u8>) -> Py {
    let [source] = bind(function, args, ["s"], 1, 1)?;
    Ok(made(work(bind::bytes(bind::need(source, function)?)?)))
}

/// Each `bits` bits as a digit, filled up to a multiple of `group` digits.
fn radix(bytes: &[u8], digits: &[u8], bits: u32, group: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 8 / bits as usize + group);
    let (mut held, mut count) = (0u32, 0);
    let mut push = |place: u32| out.push(digits.get(place as usize & (digits.len() - 1)).copied().unwrap_or(b'='));
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        count += 8;
        while count >= bits {
            count -= bits;
            push(held >> count);
        }
    }
    if count > 0 {
        push(held << (bits - count));
    }
    while !out.len().is_multiple_of(group) {
        out.push(b'=');
    }
    out
}

/// As `binascii.a2b_base64`: characters outside the alphabet are skipped unless `strict`.
fn decode64(text: &[u8], strict: bool) -> Py<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    if strict && text.first() == Some(&b'=') {
        return Err(wrong("Leading padding not allowed"));
    }
    let (mut place, mut held, mut pads) = (0u32, 0u32, 0);
    for (at, byte) in text.iter().enumerate() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                if place >= 2 {
                    pads += 1;
                    if place + pads >= 4 {
                        if strict && at + 1 < text.len() {
                            return Err(wrong("Excess data after padding"));
                        }
                        return Ok(out);
                    }
                }
                continue;
            }
            _ if strict => return Err(wrong("Only base64 data is allowed")),
            _ => continue,
        };
        if strict && pads > 0 {
            return Err(wrong("Discontinuous padding not allowed"));
        }
        pads = 0;
        held = held << 6 | u32::from(value);
        place += 1;
        if place > 1 {
            out.push((held >> (8 - 2 * place)) as u8);
        }
        place %= 4;
    }
    match place {
        0 => Ok(out),
        1 => Err(wrong(format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ))),
        _ => Err(wrong("Incorrect padding")),
    }
}

fn decode32(text: &[u8], fold: bool) -> Py<Vec<u8>> {
    if !text.len().is_multiple_of(8) {
        return Err(wrong("Incorrect padding"));
    }
    let digits = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let pads = text.len() - digits;
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let (mut held, mut bits) = (0u32, 0);
    for byte in text.get(..digits).unwrap_or_default() {
        let byte = if fold { byte.to_ascii_uppercase() } else { *byte };
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return Err(wrong("Non-base32 digit found")),
        };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
    if !matches!(pads, 0 | 1 | 3 | 4 | 6) {
        return Err(wrong("Incorrect padding"));
    }
    Ok(out)
}

fn decode16(text: &[u8], fold: bool) -> Py<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'a'..=b'f' if !fold => None,
        other => char::from(other).to_digit(16),
    };
    if text.iter().any(|byte| digit(*byte).is_none()) {
        return Err(wrong("Non-base16 digit found"));
    }
    if text.len() % 2 == 1 {
        return Err(wrong("Odd-length string"));
    }
    let pairs = text.chunks_exact(2);
    Ok(pairs
        .map(|pair| pair.iter().fold(0, |n, byte| n << 4 | digit(*byte).unwrap_or(0)) as u8)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, decode16, decode32, decode64, radix};

    #[test]
    fn text_of_bytes_reads_back_and_is_pythons() {
        for (plain, b64, b32) in [
            ("", "", ""),
            ("f", "Zg==", "MY======"),
            ("fo", "Zm8=", "MZXQ===="),
            ("foo", "Zm9v", "MZXW6==="),
            ("foob", "Zm9vYg==", "MZXW6YQ="),
            ("fooba", "Zm9vYmE=", "MZXW6YTB"),
        ] {
            let encoded = radix(plain.as_bytes(), ALPHABET, 6, 4);
            assert_eq!(String::from_utf8_lossy(&encoded), b64);
            assert_eq!(decode64(&encoded, true).unwrap(), plain.as_bytes());
            let encoded = radix(plain.as_bytes(), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8);
            assert_eq!(String::from_utf8_lossy(&encoded), b32);
            assert_eq!(decode32(&encoded, false).unwrap(), plain.as_bytes());
            let encoded = radix(plain.as_bytes(), b"0123456789ABCDEF", 4, 1);
            assert_eq!(decode16(&encoded, false).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_in_cpythons_words() {
        for (text, strict, message) in [
            ("YQ=", false, "Incorrect padding"),
            (
                "YWJjZ",
                false,
                "Invalid base64-encoded string: number of data characters (5) cannot be 1 more than a multiple of 4",
            ),
            ("YWJj!", true, "Only base64 data is allowed"),
            ("=YQ=", true, "Leading padding not allowed"),
            ("YQ==YQ==", true, "Excess data after padding"),
        ] {
            let raised = decode64(text.as_bytes(), strict).unwrap_err();
            assert_eq!(raised.0.args.borrow()[0].as_str(), Some(message), "{text}");
        }
        assert_eq!(decode64(b"Y Q\n==YQ==", false).unwrap(), b"a");
    }
}
