//! Python literals in text, as `ast.literal_eval` reads them, with tuples as lists.
//!
//! Language models like to answer with `{'a': True}`. Accepted are None, booleans, numbers, strings,
//! lists, tuples and dicts with scalar keys; not bytes, sets and complex numbers, which have no JSON.

use std::fmt;
use std::rc::Rc;

use num_bigint::BigInt;

use super::chars::is_space;
use crate::json::MAX_DEPTH;
use crate::value::{Map, Value};

/// Why a text is no literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// There is no literal at this byte.
    At(usize),
    /// More than 128 containers inside each other.
    Depth,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::At(offset) => write!(f, "malformed literal at offset {offset}"),
            Error::Depth => f.write_str(crate::json::TOO_DEEP),
        }
    }
}

type Result<T = Value> = std::result::Result<T, Error>;

/// The value of a Python literal. The keys of a dict become their `str()`.
pub fn eval(text: &str) -> Result {
    let mut reader = Reader {
        text,
        pos: 0,
        depth: 0,
        brackets: 0,
    };
    reader.space();
    let first = reader.value()?;
    reader.space();
    let value = if reader.next_is(b',') {
        let mut items = vec![first];
        reader.pos += 1;
        reader.space();
        while reader.pos < text.len() && reader.peek() != Some(b'\n') {
            items.push(reader.value()?);
            reader.space();
            if !reader.next_is(b',') {
                break;
            }
            reader.pos += 1;
            reader.space();
        }
        Value::list(items)
    } else {
        first
    };
    // What follows the expression's line may only be blank lines and comments.
    reader.brackets = 1;
    reader.space();
    if reader.pos < text.len() {
        Err(reader.here())
    } else {
        Ok(value)
    }
}

struct Reader<'a> {
    text: &'a str,
    pos: usize,
    depth: usize,
    /// Inside brackets a line break is only space.
    brackets: usize,
}

impl Reader<'_> {
    fn here(&self) -> Error {
        Error::At(self.pos)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn next_is(&self, byte: u8) -> bool {
        self.peek() == Some(byte)
    }

    fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or("")
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.pos += word.len();
        }
        found
    }

    fn space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | 0x0c) => self.pos += 1,
                Some(b'\n' | b'\r') if self.brackets > 0 => self.pos += 1,
                Some(b'\\') if self.rest().starts_with("\\\n") => self.pos += 2,
                Some(b'#') => self.pos += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn value(&mut self) -> Result {
        match self.peek().ok_or_else(|| self.here())? {
            b'[' => self.nested(Self::list),
            b'(' => self.nested(Self::parenthesis),
            b'{' => self.nested(Self::dict),
            sign @ (b'+' | b'-') => {
                self.pos += 1;
                self.space();
                let number = match self.peek() {
                    Some(b'(') => self.nested(Self::parenthesis)?,
                    _ => self.number()?,
                };
                match (sign, number) {
                    (b'-', Value::Int(n)) => Ok(Value::big(-BigInt::from(n))),
                    (b'-', Value::Big(n)) => Ok(Value::big(-(*n).clone())),
                    (b'-', Value::Float(f)) => Ok(Value::Float(-f)),
                    (_, number @ (Value::Int(_) | Value::Big(_) | Value::Float(_))) => Ok(number),
                    _ => Err(self.here()),
                }
            }
            b'0'..=b'9' | b'.' => self.number(),
            b'"' | b'\'' => self.strings(),
            _ => {
                for (word, value) in [
                    ("None", Value::Null),
                    ("True", Value::Bool(true)),
                    ("False", Value::Bool(false)),
                ] {
                    if self.rest().starts_with(word) {
                        self.pos += word.len();
                        return self.end_of_word(value);
                    }
                }
                self.strings()
            }
        }
    }

    /// `value`, if no letter or digit follows.
    fn end_of_word(&self, value: Value) -> Result {
        match self.rest().chars().next() {
            Some(c) if c.is_alphanumeric() || c == '_' => Err(self.here()),
            _ => Ok(value),
        }
    }

    fn nested(&mut self, container: fn(&mut Self) -> Result) -> Result {
        if self.depth == MAX_DEPTH {
            return Err(Error::Depth);
        }
        self.depth += 1;
        self.brackets += 1;
        self.pos += 1;
        let value = container(self)?;
        self.depth -= 1;
        self.brackets -= 1;
        Ok(value)
    }

    /// Values up to the closing bracket, and whether a comma follows the last.
    fn items(&mut self, close: u8) -> Result<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.space();
            if self.next_is(close) {
                self.pos += 1;
                return Ok((items, comma));
            }
            if !items.is_empty() && !comma {
                return Err(self.here());
            }
            items.push(self.value()?);
            self.space();
            comma = self.next_is(b',');
            self.pos += usize::from(comma);
        }
    }

    fn list(&mut self) -> Result {
        Ok(Value::list(self.items(b']')?.0))
    }

    fn parenthesis(&mut self) -> Result {
        match self.items(b')')? {
            (mut items, false) if items.len() == 1 => Ok(items.pop().unwrap_or_default()),
            (items, _) => Ok(Value::list(items)),
        }
    }

    fn dict(&mut self) -> Result {
        let mut map = Map::default();
        loop {
            self.space();
            if self.next_is(b'}') {
                break;
            }
            let start = self.pos;
            let key = match self.value()? {
                Value::List(_) | Value::Dict(_) => return Err(Error::At(start)),
                scalar => super::str(&scalar).map_err(|_| Error::At(start))?,
            };
            self.space();
            if !self.next_is(b':') {
                return Err(self.here());
            }
            self.pos += 1;
            self.space();
            let value = self.value()?;
            map.insert(key, value);
            self.space();
            if self.next_is(b',') {
                self.pos += 1;
            } else if !self.next_is(b'}') {
                return Err(self.here());
            }
        }
        self.pos += 1;
        Ok(Value::dict(map))
    }

    fn number(&mut self) -> Result {
        let start = self.pos;
        let rest = self.rest().as_bytes();
        let radix = match rest {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => 10,
        };
        let mut len = if radix == 10 { 0 } else { 2 };
        while let Some(byte) = rest.get(len) {
            let exponent_sign = radix == 10 && matches!(byte, b'+' | b'-') && len > 0 && matches!(rest[len - 1], b'e' | b'E');
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || exponent_sign) {
                break;
            }
            len += 1;
        }
        let text = &self.text[start..start + len];
        let value = if radix == 10 {
            decimal(text)
        } else {
            based(&text[2..], radix)
        };
        self.pos += len;
        self.end_of_word(value.ok_or(Error::At(start))?)
    }

    /// Strings beside each other are one.
    fn strings(&mut self) -> Result {
        let mut out = String::new();
        let mut any = false;
        loop {
            let start = self.pos;
            let (prefix, raw) = match self.rest().as_bytes() {
                [b'"' | b'\'', ..] => (0, false),
                [b'r' | b'R', b'"' | b'\'', ..] => (1, true),
                [b'u' | b'U', b'"' | b'\'', ..] => (1, false),
                _ if any => return Ok(Value::Str(Rc::from(out))),
                _ => return Err(self.here()),
            };
            self.pos += prefix;
            self.string(&mut out, raw).ok_or(Error::At(start))?;
            any = true;
            self.space();
        }
    }

    /// One string from its opening quote on; None when it does not end or has a bad escape.
    fn string(&mut self, out: &mut String, raw: bool) -> Option<()> {
        let quote = &self.text[self.pos..self.pos + 1];
        let triple = self.rest().len() > 2 && self.rest().bytes().take(3).all(|b| b == quote.as_bytes()[0]);
        let close = if triple { &self.text[self.pos..self.pos + 3] } else { quote };
        self.pos += close.len();
        while !self.eat(close) {
            let c = self.rest().chars().next()?;
            self.pos += c.len_utf8();
            match c {
                '\n' if !triple => return None,
                '\\' if raw => {
                    out.push(c);
                    let kept = self.rest().chars().next()?;
                    out.push(kept);
                    self.pos += kept.len_utf8();
                }
                '\\' => self.escape(out)?,
                c => out.push(c),
            }
        }
        Some(())
    }

    /// What follows a backslash. An unknown escape stays as it is written.
    fn escape(&mut self, out: &mut String) -> Option<()> {
        let letter = self.rest().chars().next()?;
        self.pos += letter.len_utf8();
        let digits = match letter {
            '\n' => return Some(()),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => return None,
            '0'..='7' => {
                let start = self.pos - 1;
                while self.pos - start < 3 && matches!(self.peek(), Some(b'0'..=b'7')) {
                    self.pos += 1;
                }
                let code = u32::from_str_radix(&self.text[start..self.pos], 8).ok()?;
                out.push(char::from_u32(code)?);
                return Some(());
            }
            _ => {
                let meant = match letter {
                    '\\' | '\'' | '"' => letter,
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    _ => {
                        out.push('\\');
                        letter
                    }
                };
                out.push(meant);
                return Some(());
            }
        };
        let text = self.text.get(self.pos..self.pos + digits)?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let code = u32::from_str_radix(text, 16).ok()?;
        self.pos += digits;
        let surrogate = (0xd800..0xe000).contains(&code);
        out.push(if surrogate {
            char::REPLACEMENT_CHARACTER
        } else {
            char::from_u32(code)?
        });
        Some(())
    }
}

/// A decimal integer or float.
fn decimal(text: &str) -> Option<Value> {
    if text.contains(is_space) {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        let value = super::to_int(&Value::str(text)).ok()?;
        let leading_zero = text.starts_with('0') && !matches!(value, Value::Int(0));
        return (!leading_zero).then_some(value);
    }
    // `float()` also reads words, which `rest` cannot start with here, but not after a digit.
    super::parse_float(text).map(Value::Float)
}

/// The digits of an integer in base 2, 8 or 16, each of which an underscore may precede.
fn based(digits: &str, radix: u32) -> Option<Value> {
    let plain = digits.replace('_', "");
    if plain.is_empty() || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    BigInt::parse_bytes(plain.as_bytes(), radix).map(Value::big)
}
