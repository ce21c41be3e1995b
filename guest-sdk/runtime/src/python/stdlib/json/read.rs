//! `json.loads`.

use std::collections::HashMap;
use std::rc::Rc;

use num_bigint::BigInt;

use super::decode_error;
use crate::json::plain_len;
use crate::python::error::{Py, Raised, value_error};
use crate::python::object::{Args, Obj, Text};
use crate::python::table::Table;
use crate::python::{call, depth};

/// Functions of the program that make objects of what was read.
pub(super) struct Hooks<'a> {
    pub(super) object: Option<&'a Obj>,
    pub(super) pairs: Option<&'a Obj>,
    pub(super) float: Option<&'a Obj>,
    pub(super) int: Option<&'a Obj>,
    pub(super) constant: Option<&'a Obj>,
}

pub(super) fn loads(text: &str, hooks: &Hooks) -> Py {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        pos: 0,
        hooks,
        keys: HashMap::default(),
    };
    reader.space();
    let value = reader.value()?;
    reader.space();
    if reader.pos < text.len() {
        return Err(decode_error("Extra data", text, reader.pos));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    hooks: &'a Hooks<'a>,
    /// Keys read so far: the same key of many objects is one text.
    keys: HashMap<&'a str, Rc<Text>, rustc_hash::FxBuildHasher>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.pos += 1;
        }
    }

    fn error(&self, problem: &str, at: usize) -> Raised {
        decode_error(problem, self.text, at)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self
            .bytes
            .get(self.pos..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if found {
            self.pos += word.len();
        }
        found
    }

    fn constant(&self, word: &str, value: f64) -> Py {
        match self.hooks.constant {
            Some(hook) => call::call(hook, &Args::positional(&[Obj::str(word)])),
            None => Ok(Obj::Float(value)),
        }
    }

    fn value(&mut self) -> Py {
        match self.peek() {
            Some(b'"') => Ok(match self.string()? {
                Piece::Plain(text) => Obj::str(text),
                Piece::Made(text) => Obj::str(text),
            }),
            Some(b'{') => self.nested(" while decoding a JSON object from a unicode string", Self::object),
            Some(b'[') => self.nested(" while decoding a JSON array from a unicode string", Self::list),
            Some(b'n') if self.word("null") => Ok(Obj::None),
            Some(b't') if self.word("true") => Ok(Obj::Bool(true)),
            Some(b'f') if self.word("false") => Ok(Obj::Bool(false)),
            Some(b'N') if self.word("NaN") => self.constant("NaN", f64::NAN),
            Some(b'I') if self.word("Infinity") => self.constant("Infinity", f64::INFINITY),
            Some(b'-') if self.word("-Infinity") => self.constant("-Infinity", f64::NEG_INFINITY),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.error("Expecting value", self.pos)),
        }
    }

    fn nested(&mut self, doing: &str, container: fn(&mut Self) -> Py) -> Py {
        let _level = depth::enter(doing)?;
        self.pos += 1;
        container(self)
    }

    fn list(&mut self) -> Py {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(Obj::list(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => {
                    self.pos += 1;
                    return Ok(Obj::list(items));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.pos)),
            }
            self.space();
        }
    }

    fn object(&mut self) -> Py {
        let mut table = Table::default();
        let mut pairs = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return self.made(table, pairs);
        }
        if self.peek() != Some(b'"') {
            return Err(self.error("Expecting property name enclosed in double quotes", self.pos));
        }
        loop {
            let key = match self.string()? {
                Piece::Plain(text) => self.keys.entry(text).or_insert_with(|| Rc::new(Text::new(text))).clone(),
                Piece::Made(text) => Rc::new(Text::new(text)),
            };
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", self.pos));
            }
            self.pos += 1;
            self.space();
            let value = self.value()?;
            if self.hooks.pairs.is_some() {
                pairs.push(Obj::tuple([Obj::Str(key), value]));
            } else {
                table.insert(Obj::Str(key), value)?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => {
                    self.pos += 1;
                    return self.made(table, pairs);
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.pos)),
            }
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("Expecting property name enclosed in double quotes", self.pos));
            }
        }
    }

    fn made(&self, table: Table<Obj>, pairs: Vec<Obj>) -> Py {
        if let Some(hook) = self.hooks.pairs {
            return call::call(hook, &Args::positional(&[Obj::list(pairs)]));
        }
        let dict = Obj::dict(table);
        match self.hooks.object {
            Some(hook) => call::call(hook, &Args::positional(&[dict])),
            None => Ok(dict),
        }
    }

    /// Between the quotes; the cursor is on the first one.
    fn string(&mut self) -> Py<Piece<'a>> {
        let quote = self.pos;
        self.pos += 1;
        let start = self.pos;
        let mut made = String::new();
        let mut from = start;
        loop {
            self.pos += plain_len(self.bytes.get(self.pos..).unwrap_or_default());
            let piece = self.text.get(from..self.pos).unwrap_or_default();
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    if from == start {
                        return Ok(Piece::Plain(piece));
                    }
                    made.push_str(piece);
                    return Ok(Piece::Made(made));
                }
                Some(b'\\') => {
                    made.push_str(piece);
                    let c = self.escape(quote)?;
                    made.push(c);
                    from = self.pos;
                }
                Some(_) => return Err(self.error("Invalid control character at", self.pos)),
                None => return Err(self.error("Unterminated string starting at", quote)),
            }
        }
    }

    fn escape(&mut self, quote: usize) -> Py<char> {
        let start = self.pos;
        self.pos += 1;
        let Some(letter) = self.peek() else {
            return Err(self.error("Unterminated string starting at", quote));
        };
        self.pos += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.error("Invalid \\escape", start)),
        })
    }

    /// A surrogate that stands alone has no place in a text here and becomes the replacement character.
    fn unicode(&mut self) -> Py<char> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.word("\\u") {
            let behind_first = self.pos - 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.pos = behind_first;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Py<u32> {
        // CPython wants one more character behind the digits.
        let digits = self.bytes.get(self.pos..self.pos + 4).unwrap_or_default();
        let short = self.pos + 4 >= self.bytes.len();
        let mut code = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(digit) => code = code * 16 + digit,
                None => return Err(self.error("Invalid \\uXXXX escape", self.pos - 1)),
            }
        }
        if short {
            return Err(self.error("Invalid \\uXXXX escape", self.pos - 1));
        }
        self.pos += 4;
        Ok(code)
    }

    fn digits(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn number(&mut self) -> Py {
        let start = self.pos;
        let first = start + usize::from(self.peek() == Some(b'-'));
        let digits = match self.bytes.get(first) {
            Some(b'0') => 1,
            _ => self.digits(first),
        };
        if digits == 0 {
            return Err(self.error("Expecting value", start));
        }
        let mut end = first + digits;
        let mut is_float = false;
        if self.bytes.get(end) == Some(&b'.') {
            let fraction = self.digits(end + 1);
            if fraction > 0 {
                is_float = true;
                end += 1 + fraction;
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(end) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = self.digits(end + 1 + sign);
            if exponent > 0 {
                is_float = true;
                end += 1 + sign + exponent;
            }
        }
        self.pos = end;
        let text = self.text.get(start..end).unwrap_or_default();
        let hook = if is_float { self.hooks.float } else { self.hooks.int };
        if let Some(hook) = hook {
            return call::call(hook, &Args::positional(&[Obj::str(text)]));
        }
        if is_float {
            return Ok(Obj::Float(text.parse().unwrap_or(f64::NAN)));
        }
        if let Ok(small) = text.parse::<i64>() {
            return Ok(Obj::Int(small));
        }
        if digits > 4300 {
            return Err(value_error(format!(
                "Exceeds the limit (4300 digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
            )));
        }
        Ok(Obj::big(text.parse::<BigInt>().unwrap_or_default()))
    }
}

/// What stood between two quotes.
enum Piece<'a> {
    Plain(&'a str),
    /// With escapes resolved.
    Made(String),
}
