//! `json.dumps`.

use crate::json::plain_len;
use crate::py::{FloatText, big_text};
use crate::python::error::{Py, type_error, value_error};
use crate::python::names::Method;
use crate::python::object::{Args, Dict, Obj};
use crate::python::stdlib::named::NamedTuple;
use crate::python::{call, depth, iter, methods, text};

/// The choices of `json.dumps`.
pub(super) struct Style<'a> {
    pub(super) item: String,
    pub(super) key: String,
    /// One level.
    pub(super) indent: Option<String>,
    pub(super) ascii: bool,
    pub(super) check_circular: bool,
    pub(super) allow_nan: bool,
    pub(super) skip_keys: bool,
    pub(super) sort_keys: bool,
    pub(super) default: Option<&'a Obj>,
}

pub(super) fn dumps(object: &Obj, style: &Style) -> Py<String> {
    let mut writer = Writer {
        out: String::new(),
        style,
        open: Vec::new(),
    };
    writer.value(object)?;
    Ok(writer.out)
}

struct Writer<'a> {
    out: String,
    style: &'a Style<'a>,
    /// The addresses of the containers that are open, outermost first.
    open: Vec<usize>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Obj) -> Py<()> {
        match value {
            Obj::None => self.out.push_str("null"),
            Obj::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Obj::Int(n) => self.out.push_str(crate::py::IntText::of(*n).as_str()),
            Obj::Big(n) => self.out.push_str(&big_text(n)?),
            Obj::Float(x) => self.float(*x)?,
            Obj::Str(text) => self.text(text),
            Obj::List(list) => {
                let _level = self.enter(value)?;
                let items = list.0.borrow().clone();
                self.list(&items)?;
                self.open.pop();
            }
            Obj::Tuple(items) => {
                let _level = self.enter(value)?;
                self.list(items)?;
                self.open.pop();
            }
            Obj::Dict(dict) => {
                let _level = self.enter(value)?;
                self.dict(dict)?;
                self.open.pop();
            }
            Obj::Native(native) if native.as_any().is::<NamedTuple>() => {
                let _level = self.enter(value)?;
                self.list(&iter::collect(value)?)?;
                self.open.pop();
            }
            other => self.other(other)?,
        }
        Ok(())
    }

    /// An object that JSON has no form for.
    fn other(&mut self, value: &Obj) -> Py<()> {
        if let Obj::Native(native) = value {
            // Named tuples are lists, members of mixed enumerations their values.
            if let Some(plain) = native.as_plain() {
                return self.value(plain);
            }
            if let Some(items) = native.as_tuple() {
                self.enter(value)?;
                self.list(items)?;
                self.open.pop();
                return Ok(());
            }
        }
        let Some(default) = self.style.default else {
            return Err(type_error(format!(
                "Object of type {} is not JSON serializable",
                text::own_name(value)
            )));
        };
        let _level = self.enter(value)?;
        let replaced = call::call(default, &Args::positional(std::slice::from_ref(value)))?;
        self.value(&replaced)?;
        self.open.pop();
        Ok(())
    }

    fn enter(&mut self, value: &Obj) -> Py<depth::Level> {
        // An empty tuple is no object of its own.
        let address = value.address().unwrap_or(0);
        if self.style.check_circular && address != 0 && self.open.contains(&address) {
            return Err(value_error("Circular reference detected"));
        }
        let level = depth::enter(" while encoding a JSON object")?;
        self.open.push(address);
        Ok(level)
    }

    fn list(&mut self, items: &[Obj]) -> Py<()> {
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.open('[');
        for (i, item) in items.iter().enumerate() {
            self.separate(i);
            self.value(item)?;
        }
        self.close(']');
        Ok(())
    }

    fn dict(&mut self, dict: &Dict) -> Py<()> {
        let mut entries: Vec<(Obj, Obj)> = (dict.table.borrow().iter())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if entries.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        if self.style.sort_keys {
            entries = sorted(entries)?;
        }
        self.open('{');
        let mut written = 0;
        for (key, value) in &entries {
            let Some(key) = self.key(key)? else { continue };
            self.separate(written);
            written += 1;
            match key {
                Key::Text(text) => self.text(text),
                Key::Plain(text) => {
                    self.out.push('"');
                    self.out.push_str(&text);
                    self.out.push('"');
                }
            }
            self.out.push_str(&self.style.key);
            self.value(value)?;
        }
        self.close('}');
        Ok(())
    }

    /// `None`: the key is skipped.
    fn key<'k>(&self, key: &'k Obj) -> Py<Option<Key<'k>>> {
        Ok(Some(Key::Plain(match key {
            Obj::Str(text) => return Ok(Some(Key::Text(text))),
            Obj::None => "null".into(),
            Obj::Bool(b) => if *b { "true" } else { "false" }.into(),
            Obj::Int(n) => n.to_string(),
            Obj::Big(n) => big_text(n)?,
            Obj::Float(x) => self.float_text(*x)?,
            _ if self.style.skip_keys => return Ok(None),
            other => {
                return Err(type_error(format!(
                    "keys must be str, int, float, bool or None, not {}",
                    text::type_name(other)
                )));
            }
        })))
    }

    fn float(&mut self, x: f64) -> Py<()> {
        if x.is_finite() {
            self.out.push_str(FloatText::of(x).as_str());
        } else {
            let text = self.float_text(x)?;
            self.out.push_str(&text);
        }
        Ok(())
    }

    fn float_text(&self, x: f64) -> Py<String> {
        if x.is_finite() {
            return Ok(FloatText::of(x).as_str().into());
        }
        if !self.style.allow_nan {
            return Err(value_error("Out of range float values are not JSON compliant"));
        }
        Ok(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .into())
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        let mut rest = text;
        loop {
            let plain = plain_len(rest.as_bytes());
            let (head, tail) = rest.split_at(plain);
            if self.style.ascii && head.bytes().any(|byte| byte > b'~') {
                self.ascii(head);
            } else {
                self.out.push_str(head);
            }
            let mut chars = tail.chars();
            let Some(special) = chars.next() else { break };
            self.escape(special);
            rest = chars.as_str();
        }
        self.out.push('"');
    }

    fn ascii(&mut self, text: &str) {
        for c in text.chars() {
            if c <= '~' {
                self.out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    self.hex(*unit);
                }
            }
        }
    }

    fn hex(&mut self, unit: u16) {
        self.out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            self.out
                .push(char::from_digit(u32::from(unit) >> shift & 15, 16).unwrap_or('0'));
        }
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            other => return self.hex(other as u32 as u16),
        };
        self.out.push_str(short);
    }

    #[inline]
    fn separate(&mut self, written: usize) {
        if written > 0 {
            self.out.push_str(&self.style.item);
            self.line(self.open.len());
        }
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.line(self.open.len());
    }

    fn close(&mut self, bracket: char) {
        self.line(self.open.len().saturating_sub(1));
        self.out.push(bracket);
    }

    #[inline]
    fn line(&mut self, level: usize) {
        if let Some(indent) = &self.style.indent {
            self.out.push('\n');
            for _ in 0..level {
                self.out.push_str(indent);
            }
        }
    }
}

enum Key<'a> {
    Text(&'a str),
    /// Nothing in it needs an escape.
    Plain(String),
}

/// The entries in the order of their keys.
fn sorted(mut entries: Vec<(Obj, Obj)>) -> Py<Vec<(Obj, Obj)>> {
    if entries.iter().all(|(key, _)| matches!(key, Obj::Str(_))) {
        // UTF-8 sorts as code points do.
        entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
        return Ok(entries);
    }
    let pairs: Vec<Obj> = entries.into_iter().map(|(key, value)| Obj::tuple([key, value])).collect();
    let list = Obj::list(pairs);
    methods::call(&list, Method::Sort, &Args::positional(&[]))?;
    let Obj::List(list) = &list else { return Ok(Vec::new()) };
    let items = list.0.borrow();
    Ok((items.iter())
        .filter_map(|pair| match pair {
            Obj::Tuple(pair) => Some((pair.first()?.clone(), pair.get(1)?.clone())),
            _ => None,
        })
        .collect())
}
