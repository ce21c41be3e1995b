//! Says of a text that is no JSON where and why, in the words and with the character offset of Python's `json` module, which
//! clients of the reference have seen. Only used once the real parser has refused a body.

/// The first error, or `None` when the text is JSON after all.
pub fn first_error(text: &str) -> Option<(usize, &'static str)> {
    let mut scan = Scan {
        text: text.as_bytes(),
        at: 0,
    };
    let (at, error) = scan.document().err()?;
    let chars = text.get(..at).map_or(at, |before| before.chars().count());
    Some((chars, error))
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

type Step = Result<(), (usize, &'static str)>;

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
    fn blank(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }
    fn literal(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Brackets are kept in a list, so that a deep body costs no stack.
    fn document(&mut self) -> Step {
        let mut open: Vec<u8> = Vec::new();
        self.blank();
        loop {
            // A value begins here.
            match self.peek() {
                b'{' => {
                    self.at += 1;
                    self.blank();
                    if self.peek() != b'}' {
                        open.push(b'}');
                        self.name()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    self.blank();
                    if self.peek() != b']' {
                        open.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ if ["null", "true", "false", "NaN", "Infinity"]
                    .iter()
                    .any(|word| self.literal(word)) => {}
                _ => return Err((self.at, "Expecting value")),
            }
            // A value has ended: close what ends with it, or go on to the next one.
            loop {
                self.blank();
                let Some(&close) = open.last() else {
                    return if self.at < self.text.len() {
                        Err((self.at, "Extra data"))
                    } else {
                        Ok(())
                    };
                };
                if self.peek() == close && self.at < self.text.len() {
                    self.at += 1;
                    open.pop();
                } else if self.peek() == b',' {
                    self.at += 1;
                    self.blank();
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                } else {
                    return Err((self.at, "Expecting ',' delimiter"));
                }
            }
        }
    }

    fn name(&mut self) -> Step {
        if self.peek() != b'"' {
            return Err((self.at, "Expecting property name enclosed in double quotes"));
        }
        self.string()?;
        self.blank();
        if self.peek() != b':' {
            return Err((self.at, "Expecting ':' delimiter"));
        }
        self.at += 1;
        self.blank();
        Ok(())
    }

    fn string(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                return Err((start, "Unterminated string starting at"));
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => match self.text.get(self.at + 1) {
                    None => return Err((start, "Unterminated string starting at")),
                    Some(b'u') => {
                        let digits = self.text.get(self.at + 2..self.at + 6);
                        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                            return Err((self.at + 1, "Invalid \\uXXXX escape"));
                        }
                        self.at += 6;
                    }
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(_) => return Err((self.at, "Invalid \\escape")),
                },
                0..0x20 => return Err((self.at, "Invalid control character at")),
                _ => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        if self.literal("-Infinity") {
            return Ok(());
        }
        self.at += usize::from(self.peek() == b'-');
        match self.peek() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return Err((start, "Expecting value")),
        }
        if self.peek() == b'.' && self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(), b'e' | b'E') {
            let sign = usize::from(matches!(self.text.get(self.at + 1), Some(b'+' | b'-')));
            if self.text.get(self.at + 1 + sign).is_some_and(u8::is_ascii_digit) {
                self.at += 1 + sign;
                self.digits();
            }
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_error;

    #[test]
    fn errors_have_the_reference_s_words_and_offsets() {
        let cases: &[(&str, usize, &str)] = &[
            ("{", 1, "Expecting property name enclosed in double quotes"),
            ("{nope", 1, "Expecting property name enclosed in double quotes"),
            ("", 0, "Expecting value"),
            ("nope", 0, "Expecting value"),
            ("{\"a\" 1}", 5, "Expecting ':' delimiter"),
            ("{\"a\": }", 6, "Expecting value"),
            ("{\"a\": 1 \"b\"", 8, "Expecting ',' delimiter"),
            ("[1 2]", 3, "Expecting ',' delimiter"),
            ("[1", 2, "Expecting ',' delimiter"),
            ("{\"ä\": \"x", 6, "Unterminated string starting at"),
            ("\"a\nb\"", 2, "Invalid control character at"),
            ("\"\\x\"", 1, "Invalid \\escape"),
            ("\"\\u12\"", 2, "Invalid \\uXXXX escape"),
            ("{} {}", 3, "Extra data"),
            ("01", 1, "Extra data"),
            ("-", 0, "Expecting value"),
            ("{\"a\":1,}", 7, "Expecting property name enclosed in double quotes"),
            ("[1,]", 3, "Expecting value"),
            ("[NaN", 4, "Expecting ',' delimiter"),
        ];
        for (text, at, error) in cases {
            assert_eq!(first_error(text), Some((*at, *error)), "{text}");
        }
        for text in ["{}", " [1, 2.5e3, \"\\u00e4\", {\"a\": [null]}] ", "[]", "-0"] {
            assert_eq!(first_error(text), None, "{text}");
        }
    }
}
