//! The JSON parser: one pass over the bytes, one allocation a string and two an object.
//!
//! Members are gathered on a scratch stack first, so that every list and object is built at its
//! final size.

use std::rc::Rc;

use num_bigint::BigInt;

use super::scan::plain_len;
use super::{Error, MAX_DEPTH, keys};
use crate::value::{Map, Value};

/// The value of a strict JSON text. Integers are exact at any size, `3` is an integer and `3.0` a
/// float, the last of duplicate keys wins, an escaped lone surrogate becomes U+FFFD.
pub fn parse(text: &str) -> Result<Value, Error> {
    let mut parser = Parser::new(text, Dialect::Strict);
    parser.space();
    let value = parser.value()?;
    parser.space();
    if parser.pos < text.len() {
        return Err(parser.expected("end of text"));
    }
    Ok(value)
}

/// What is accepted beyond JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Strict,
    /// Python's `json.loads`: also `NaN`, `Infinity`, `-Infinity`, and `1e999` is infinite.
    Python,
}

pub(super) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub(super) pos: usize,
    depth: usize,
    dialect: Dialect,
    /// Items of the lists that are open, outermost first.
    items: Vec<Value>,
    /// Members of the objects that are open, outermost first.
    members: Vec<(Rc<str>, Value)>,
    /// A string with escapes is put together here.
    unescaped: String,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Parser {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            depth: 0,
            dialect,
            items: Vec::new(),
            members: Vec::with_capacity(16),
            unescaped: String::new(),
        }
    }

    fn expected(&self, expected: &'static str) -> Error {
        Error::Syntax {
            expected,
            offset: self.pos,
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.pos += 1;
        }
    }

    pub(super) fn value(&mut self) -> Result<Value, Error> {
        match self.peek() {
            Some(b'"') => Ok(Value::Str(self.string(|text| Rc::from(text))?)),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N') if self.dialect == Dialect::Python => self.word("NaN", Value::Float(f64::NAN)),
            Some(b'I') if self.dialect == Dialect::Python => self.word("Infinity", Value::Float(f64::INFINITY)),
            _ => Err(self.expected("a value")),
        }
    }

    fn nested(&mut self, container: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::Depth);
        }
        self.depth += 1;
        self.pos += 1;
        let value = container(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, Error> {
        if !self.bytes[self.pos..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.pos += word.len();
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, Error> {
        let start = self.items.len();
        self.space();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(Value::list(Vec::new()));
        }
        loop {
            self.space();
            let item = self.value()?;
            self.items.push(item);
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => break,
                _ => return Err(self.expected("',' or ']'")),
            }
        }
        self.pos += 1;
        Ok(Value::list(self.items.drain(start..).collect()))
    }

    fn object(&mut self) -> Result<Value, Error> {
        let start = self.members.len();
        self.space();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return Ok(Value::dict(Map::default()));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key"));
            }
            let key = self.string(keys::shared)?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.expected("':'"));
            }
            self.pos += 1;
            self.space();
            let value = self.value()?;
            self.members.push((key, value));
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => break,
                _ => return Err(self.expected("',' or '}'")),
            }
        }
        self.pos += 1;
        let mut map = Map::with_capacity_and_hasher(self.members.len() - start, Default::default());
        for (key, value) in self.members.drain(start..) {
            map.insert(key, value);
        }
        Ok(Value::dict(map))
    }

    /// A string from its opening quote to behind its closing one, as `owned` makes it.
    fn string(&mut self, owned: impl Fn(&str) -> Rc<str>) -> Result<Rc<str>, Error> {
        self.pos += 1;
        let start = self.pos;
        self.plain_run()?;
        if self.peek() == Some(b'"') {
            let whole = &self.text[start..self.pos];
            self.pos += 1;
            return Ok(owned(whole));
        }
        let mut built = std::mem::take(&mut self.unescaped);
        built.clear();
        built.push_str(&self.text[start..self.pos]);
        while self.peek() == Some(b'\\') {
            built.push(self.escape()?);
            let run = self.pos;
            self.plain_run()?;
            built.push_str(&self.text[run..self.pos]);
        }
        self.pos += 1;
        let string = owned(&built);
        self.unescaped = built;
        Ok(string)
    }

    /// Moves to the next quote or backslash.
    #[inline]
    fn plain_run(&mut self) -> Result<(), Error> {
        self.pos += plain_len(&self.bytes[self.pos..]);
        match self.peek() {
            Some(b'"' | b'\\') => Ok(()),
            Some(_) => Err(self.expected("an escape for the control character")),
            None => Err(self.expected("'\"'")),
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        self.pos += 1;
        let letter = self.peek();
        self.pos += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.pos -= 1;
                return Err(self.expected("an escape letter"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.pos..].starts_with(b"\\u") {
            let behind_first = self.pos;
            self.pos += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            // The second escape stands for itself.
            self.pos = behind_first;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.expected("a hexadecimal digit"))?;
            self.pos += 1;
        }
        Ok(code)
    }

    fn digits(&mut self) -> usize {
        let start = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        self.pos - start
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.pos;
        let negative = self.peek() == Some(b'-');
        self.pos += usize::from(negative);
        if negative && self.dialect == Dialect::Python && self.peek() == Some(b'I') {
            return self.word("Infinity", Value::Float(f64::NEG_INFINITY));
        }
        let first = self.pos;
        let mut small: i64 = 0;
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            while let Some(digit @ b'0'..=b'9') = self.peek() {
                small = small.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
                self.pos += 1;
            }
        }
        let digits = self.pos - first;
        if digits == 0 {
            return Err(self.expected("a digit"));
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return self.float(start);
        }
        // Eighteen digits cannot have wrapped.
        if digits <= 18 {
            return Ok(Value::Int(if negative { -small } else { small }));
        }
        match self.text[start..self.pos].parse::<BigInt>() {
            Ok(big) => Ok(Value::big(big)),
            Err(_) => Err(self.expected("an integer")),
        }
    }

    /// The rest of a number whose integer part ends here.
    fn float(&mut self, start: usize) -> Result<Value, Error> {
        if self.peek() == Some(b'.') {
            self.pos += 1;
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        match self.text[start..self.pos].parse::<f64>() {
            Ok(float) if float.is_finite() || self.dialect == Dialect::Python => Ok(Value::Float(float)),
            _ => Err(Error::Range { offset: start }),
        }
    }
}
