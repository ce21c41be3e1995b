//! Escapes and character sets of a pattern.

use super::flags;
use super::syntax::{Class, Item, Node, Parse, Parser};

impl Parser<'_> {
    /// Behind a backslash, outside of a set.
    pub(super) fn escape(&mut self, start: usize) -> Parse<Node> {
        let Some(c) = self.next() else {
            return Err(self.wrong("bad escape (end of pattern)", start));
        };
        let ascii = self.flags & flags::ASCII != 0;
        Ok(match c {
            'A' => Node::Start { lines: false },
            'Z' => Node::VeryEnd,
            'b' => Node::Boundary { negated: false, ascii },
            'B' => Node::Boundary { negated: true, ascii },
            '0' => {
                let digits = self.octal(2);
                Node::Char(octal_char(&digits))
            }
            '1'..='9' => {
                let mut digits = String::from(c);
                if let Some(second @ '0'..='9') = self.peek() {
                    self.pos += 1;
                    digits.push(second);
                    if let Some(third @ '0'..='7') = self.peek()
                        && digits.chars().all(|c| ('0'..='7').contains(&c))
                    {
                        self.pos += 1;
                        digits.push(third);
                        return self.big_octal(&digits, start).map(Node::Char);
                    }
                }
                let number: usize = digits.parse().unwrap_or(usize::MAX);
                if number > self.groups {
                    return Err(self.wrong(format!("invalid group reference {number}"), start + 1));
                }
                if self.open.contains(&number) {
                    return Err(self.wrong("cannot refer to an open group", start));
                }
                return Err(self.unsupported("a backreference is", start));
            }
            _ => match self.class(c, ascii) {
                Some(item) => Node::Set {
                    negated: false,
                    items: vec![item],
                },
                None => Node::Char(self.char_escape(c, start)?),
            },
        })
    }

    fn class(&self, letter: char, ascii: bool) -> Option<Item> {
        let class = match letter.to_ascii_lowercase() {
            'd' => Class::Digit,
            'w' => Class::Word,
            's' => Class::Space,
            _ => return None,
        };
        Some(Item::Class {
            class,
            negated: letter.is_ascii_uppercase(),
            ascii,
        })
    }

    fn octal(&mut self, most: usize) -> String {
        let mut digits = String::new();
        while digits.len() < most
            && let Some(c @ '0'..='7') = self.peek()
        {
            digits.push(c);
            self.pos += 1;
        }
        digits
    }

    fn big_octal(&self, digits: &str, start: usize) -> Parse<char> {
        match u32::from_str_radix(digits, 8) {
            Ok(code) if code <= 0o377 => Ok(char::from(code as u8)),
            _ => Err(self.wrong(format!("octal escape value \\{digits} outside of range 0-0o377"), start)),
        }
    }

    /// Escapes that mean one character, in a set and outside of it.
    fn char_escape(&mut self, c: char, start: usize) -> Parse<char> {
        let digits = match c {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            'f' => return Ok('\u{c}'),
            'v' => return Ok('\u{b}'),
            'a' => return Ok('\u{7}'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => return Err(self.unsupported("a character by name is", start)),
            c if c.is_ascii_alphabetic() => {
                return Err(self.wrong(format!("bad escape \\{c}"), start));
            }
            other => return Ok(other),
        };
        let mut text = String::new();
        while text.len() < digits
            && let Some(digit) = self.peek().filter(char::is_ascii_hexdigit)
        {
            text.push(digit);
            self.pos += 1;
        }
        if text.len() < digits {
            return Err(self.wrong(format!("incomplete escape \\{c}{text}"), start));
        }
        (u32::from_str_radix(&text, 16).ok())
            .and_then(char::from_u32)
            .ok_or_else(|| self.wrong(format!("bad escape \\{c}{text}"), start))
    }

    /// Behind an opening bracket.
    pub(super) fn set(&mut self, start: usize) -> Parse<Node> {
        let unterminated = "unterminated character set";
        let negated = self.eat('^');
        let mut items = Vec::new();
        let first = self.pos;
        loop {
            let at = self.pos;
            let Some(c) = self.next() else {
                return Err(self.wrong(unterminated, start));
            };
            if c == ']' && at != first {
                break;
            }
            let low = self.set_item(c, at)?;
            if self.peek() != Some('-') {
                items.push(low.into_item());
                continue;
            }
            self.pos += 1;
            match self.next() {
                None => return Err(self.wrong(unterminated, start)),
                Some(']') => {
                    items.push(low.into_item());
                    items.push(Item::Range('-', '-'));
                    break;
                }
                Some(c) => {
                    let high = self.set_item(c, self.pos - 1)?;
                    let bad = |parser: &Self| {
                        let text: String = parser.chars.get(at..parser.pos).unwrap_or_default().iter().collect();
                        parser.wrong(format!("bad character range {text}"), at)
                    };
                    match (low, high) {
                        (SetItem::Char(low), SetItem::Char(high)) if low <= high => items.push(Item::Range(low, high)),
                        _ => return Err(bad(self)),
                    }
                }
            }
        }
        Ok(Node::Set { negated, items })
    }

    fn set_item(&mut self, c: char, at: usize) -> Parse<SetItem> {
        if c != '\\' {
            return Ok(SetItem::Char(c));
        }
        let Some(c) = self.next() else {
            return Err(self.wrong("bad escape (end of pattern)", at));
        };
        let ascii = self.flags & flags::ASCII != 0;
        if let Some(item) = self.class(c, ascii) {
            return Ok(SetItem::Class(item));
        }
        Ok(SetItem::Char(match c {
            'b' => '\u{8}',
            '0'..='7' => {
                self.pos -= 1;
                let digits = self.octal(3);
                self.big_octal(&digits, at)?
            }
            '8' | '9' => return Err(self.wrong(format!("bad escape \\{c}"), at)),
            _ => self.char_escape(c, at)?,
        }))
    }
}

enum SetItem {
    Char(char),
    Class(Item),
}

impl SetItem {
    fn into_item(self) -> Item {
        match self {
            SetItem::Char(c) => Item::Range(c, c),
            SetItem::Class(item) => item,
        }
    }
}

fn octal_char(digits: &str) -> char {
    u8::from_str_radix(digits, 8).map_or('\0', char::from)
}
