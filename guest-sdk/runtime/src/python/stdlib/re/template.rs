//! Replacement templates: `\1`, `\g<name>` and escapes.

use super::matched::Match;
use super::pattern::Pattern;
use super::syntax::{Problem, is_identifier};
use crate::python::error::{Py, index_error};
use crate::python::object::Text;

/// A template, ready to be filled in.
pub(super) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Appends the template with a match's groups. A group that took no part is empty.
    pub(super) fn expand(&self, found: &Match, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => out.push_str(found.group_text(*group).unwrap_or_default()),
            }
        }
    }

    /// The text, when it names no group.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

pub(super) fn parse(template: &Text, pattern: &Pattern) -> Py<Template> {
    let chars: Vec<char> = template.chars().collect();
    let mut reader = Reader {
        template,
        chars: &chars,
        pos: 0,
        pattern,
        text: String::new(),
        parts: Vec::new(),
    };
    while let Some(c) = reader.next() {
        if c == '\\' { reader.escape()? } else { reader.text.push(c) }
    }
    reader.flush();
    Ok(Template { parts: reader.parts })
}

struct Reader<'a> {
    template: &'a Text,
    chars: &'a [char],
    pos: usize,
    pattern: &'a Pattern,
    /// Read and not yet a part.
    text: String,
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += 1;
        Some(c)
    }

    fn wrong<T>(&self, text: impl Into<String>, at: usize) -> Py<T> {
        let problem = Problem {
            text: text.into(),
            at,
            unsupported: false,
        };
        Err(super::error(self.template, problem))
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    fn group(&mut self, number: usize, at: usize) -> Py<()> {
        if number > self.pattern.parsed.groups {
            return self.wrong(format!("invalid group reference {number}"), at);
        }
        self.flush();
        self.parts.push(Part::Group(number));
        Ok(())
    }

    fn escape(&mut self) -> Py<()> {
        let start = self.pos - 1;
        let Some(c) = self.next() else {
            return self.wrong("bad escape (end of pattern)", start);
        };
        match c {
            'g' => self.named(start)?,
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    if let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) {
                        code = code * 8 + digit;
                        self.pos += 1;
                    }
                }
                self.text.push(char::from(code as u8));
            }
            '1'..='9' => self.number(c, start)?,
            'n' => self.text.push('\n'),
            't' => self.text.push('\t'),
            'r' => self.text.push('\r'),
            'f' => self.text.push('\u{c}'),
            'v' => self.text.push('\u{b}'),
            'a' => self.text.push('\u{7}'),
            'b' => self.text.push('\u{8}'),
            '\\' => self.text.push('\\'),
            c if c.is_ascii_alphabetic() => return self.wrong(format!("bad escape \\{c}"), start),
            other => {
                self.text.push('\\');
                self.text.push(other);
            }
        }
        Ok(())
    }

    /// `\12` is group 12, `\123` an octal code.
    fn number(&mut self, first: char, start: usize) -> Py<()> {
        let digit = |c: char| c.to_digit(10).unwrap_or(0);
        let mut number = digit(first);
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            self.pos += 1;
            if let (true, true, Some(third)) = (first < '8', second < '8', self.peek().and_then(|c| c.to_digit(8))) {
                self.pos += 1;
                let code = digit(first) * 64 + digit(second) * 8 + third;
                return match u8::try_from(code) {
                    Ok(code) => {
                        self.text.push(char::from(code));
                        Ok(())
                    }
                    Err(_) => self.wrong(format!("octal escape value \\{code:o} outside of range 0-0o377"), start),
                };
            }
            number = number * 10 + digit(second);
        }
        self.group(number as usize, start + 1)
    }

    /// Behind `\g`.
    fn named(&mut self, start: usize) -> Py<()> {
        if self.peek() != Some('<') {
            return self.wrong("missing <", self.pos);
        }
        self.pos += 1;
        let at = self.pos;
        let mut name = String::new();
        loop {
            match self.next() {
                None if name.is_empty() => return self.wrong("missing group name", at),
                None => return self.wrong("missing >, unterminated name", at),
                Some('>') => break,
                Some(c) => name.push(c),
            }
        }
        if name.is_empty() {
            return self.wrong("missing group name", at);
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = name.parse().unwrap_or(usize::MAX);
            return self.group(number, at);
        }
        if !is_identifier(&name) {
            let mut quoted = String::new();
            crate::py::push_quoted(&mut quoted, &name);
            return self.wrong(format!("bad character in group name {quoted}"), start + 3);
        }
        match self.pattern.group_named(&name) {
            Some(number) => self.group(number, at),
            None => Err(index_error(format!("unknown group name '{name}'"))),
        }
    }
}
