//! Values to JSON text, compact or in the styles of Python's `json.dumps(…, ensure_ascii=False)`.

use super::scan::plain_len;
use super::{Error, MAX_DEPTH};
use crate::py::{FloatText, IntText};
use crate::value::{Map, Value};

/// Where text goes: a `String`, or the bytes of a message.
pub trait Sink {
    fn text(&mut self, text: &str);
    /// One ASCII character.
    fn ascii(&mut self, byte: u8);
}

impl Sink for String {
    #[inline]
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
    #[inline]
    fn ascii(&mut self, byte: u8) {
        self.push(char::from(byte));
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
    #[inline]
    fn ascii(&mut self, byte: u8) {
        self.push(byte);
    }
}

/// The choices of `json.dumps` that nodes make.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// A space behind `,` and `:`. With `indent` the one behind `,` gives way to a line break.
    pub spaced: bool,
    /// Spaces a level, on a line each.
    pub indent: Option<usize>,
    /// Keys by code point instead of in insertion order.
    pub sort_keys: bool,
    /// Write `NaN` and `Infinity` as Python does, rather than refuse them.
    pub non_finite: bool,
}

impl Style {
    /// The wire format.
    pub const COMPACT: Style = Style {
        spaced: false,
        indent: None,
        sort_keys: false,
        non_finite: false,
    };
    /// `json.dumps(value)`.
    pub const PYTHON: Style = Style {
        spaced: true,
        non_finite: true,
        ..Style::COMPACT
    };
    /// `json.dumps(value, separators=(",", ":"))`.
    pub const MINIFIED: Style = Style {
        non_finite: true,
        ..Style::COMPACT
    };
}

/// Appends the compact text of `value`: key order and non-ASCII kept, floats as Python's `repr`.
/// On an error what was written so far remains.
pub fn write(out: &mut impl Sink, value: &Value) -> Result<(), Error> {
    write_styled(out, value, &Style::COMPACT)
}

/// The compact text of `value`.
pub fn to_string(value: &Value) -> Result<String, Error> {
    let mut out = String::with_capacity(128);
    write(&mut out, value)?;
    Ok(out)
}

/// Appends the text of `value` in `style`.
pub fn write_styled(out: &mut impl Sink, value: &Value, style: &Style) -> Result<(), Error> {
    Writer { out, style, depth: 0 }.value(value)
}

struct Writer<'a, S> {
    out: &'a mut S,
    style: &'a Style,
    depth: usize,
}

impl<S: Sink> Writer<'_, S> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Null => self.out.text("null"),
            Value::Bool(true) => self.out.text("true"),
            Value::Bool(false) => self.out.text("false"),
            Value::Int(n) => self.out.text(IntText::of(*n).as_str()),
            Value::Big(n) => self.out.text(&n.to_str_radix(10)),
            Value::Float(f) => return self.float(*f),
            Value::Str(s) => self.string(s),
            Value::List(_) | Value::Dict(_) if self.depth == MAX_DEPTH => return Err(Error::Depth),
            Value::List(list) => return self.list(&list.borrow()),
            Value::Dict(dict) => return self.object(&dict.borrow()),
        }
        Ok(())
    }

    fn float(&mut self, float: f64) -> Result<(), Error> {
        if float.is_finite() {
            self.out.text(FloatText::of(float).as_str());
        } else if !self.style.non_finite {
            return Err(Error::NonFinite);
        } else if float.is_nan() {
            self.out.text("NaN");
        } else {
            self.out.text(if float > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Ok(())
    }

    fn string(&mut self, string: &str) {
        self.out.ascii(b'"');
        let mut rest = string;
        loop {
            let (plain, special) = rest.split_at(plain_len(rest.as_bytes()));
            self.out.text(plain);
            let Some(byte) = special.bytes().next() else {
                break;
            };
            self.escape(byte);
            rest = &special[1..];
        }
        self.out.ascii(b'"');
    }

    fn escape(&mut self, byte: u8) {
        self.out.ascii(b'\\');
        match byte {
            b'\n' => self.out.ascii(b'n'),
            b'\r' => self.out.ascii(b'r'),
            b'\t' => self.out.ascii(b't'),
            0x08 => self.out.ascii(b'b'),
            0x0c => self.out.ascii(b'f'),
            0..0x20 => {
                self.out.text("u00");
                self.out.ascii(b'0' + (byte >> 4));
                self.out.ascii(b"0123456789abcdef"[usize::from(byte & 15)]);
            }
            _ => self.out.ascii(byte),
        }
    }

    fn list(&mut self, items: &[Value]) -> Result<(), Error> {
        if items.is_empty() {
            self.out.text("[]");
            return Ok(());
        }
        self.open(b'[');
        for (i, item) in items.iter().enumerate() {
            self.separate(i);
            self.value(item)?;
        }
        self.close(b']');
        Ok(())
    }

    fn object(&mut self, map: &Map) -> Result<(), Error> {
        if map.is_empty() {
            self.out.text("{}");
            return Ok(());
        }
        self.open(b'{');
        if self.style.sort_keys {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            self.members(members.into_iter())?;
        } else {
            self.members(map.iter())?;
        }
        self.close(b'}');
        Ok(())
    }

    fn members<'m>(&mut self, members: impl Iterator<Item = (&'m std::rc::Rc<str>, &'m Value)>) -> Result<(), Error> {
        for (i, (key, value)) in members.enumerate() {
            self.separate(i);
            self.string(key);
            self.out.ascii(b':');
            if self.style.spaced {
                self.out.ascii(b' ');
            }
            self.value(value)?;
        }
        Ok(())
    }

    fn open(&mut self, bracket: u8) {
        self.depth += 1;
        self.out.ascii(bracket);
    }

    #[inline]
    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.ascii(b',');
        }
        if self.style.indent.is_some() {
            self.line();
        } else if index > 0 && self.style.spaced {
            self.out.ascii(b' ');
        }
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if self.style.indent.is_some() {
            self.line();
        }
        self.out.ascii(bracket);
    }

    fn line(&mut self) {
        self.out.ascii(b'\n');
        for _ in 0..self.style.indent.unwrap_or(0) * self.depth {
            self.out.ascii(b' ');
        }
    }
}
