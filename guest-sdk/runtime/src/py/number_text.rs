//! Decimal text of machine numbers, in a buffer on the stack: this is in every message a run writes.

/// The text of an `i64`.
pub struct IntText {
    bytes: [u8; 20],
    start: usize,
}

impl IntText {
    pub fn of(n: i64) -> Self {
        let mut bytes = [0; 20];
        let mut start = bytes.len();
        let mut rest = n.unsigned_abs();
        while rest >= 10 {
            start -= 2;
            let pair = (rest % 100) as u8;
            rest /= 100;
            bytes[start] = b'0' + pair / 10;
            bytes[start + 1] = b'0' + pair % 10;
        }
        if rest > 0 || start == bytes.len() {
            start -= 1;
            bytes[start] = b'0' + rest as u8;
        }
        if n < 0 {
            start -= 1;
            bytes[start] = b'-';
        }
        IntText { bytes, start }
    }

    /// The digits, and a sign before them: ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The text of a float as Python's `repr` gives it: the shortest that reads back as the same number,
/// with an exponent below 1e-4 and from 1e16, and always with a point or an exponent.
pub struct FloatText {
    bytes: [u8; 32],
    len: usize,
}

impl FloatText {
    pub fn of(float: f64) -> Self {
        let mut text = FloatText { bytes: [0; 32], len: 0 };
        if float.is_nan() {
            text.push(b"nan");
        } else if float.is_infinite() {
            text.push(if float > 0.0 { b"inf" } else { b"-inf" });
        } else {
            let mut buffer = ryu::Buffer::new();
            let shortest = buffer.format_finite(float).as_bytes();
            let size = float.abs();
            if size == 0.0 || (1e-4..1e16).contains(&size) {
                // The two layouts agree here.
                text.push(shortest);
            } else {
                text.exponential(shortest);
            }
        }
        text
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Turns `1.5e33`, `1e-7` and `0.000015` into `1.5e+33`, `1e-07` and `1.5e-05`.
    fn exponential(&mut self, shortest: &[u8]) {
        let (mantissa, exponent) = match shortest.iter().position(|b| *b == b'e') {
            Some(e) => {
                let negative = shortest.get(e + 1) == Some(&b'-');
                let digits = &shortest[e + 1 + usize::from(negative)..];
                let size = digits.iter().fold(0, |n, b| n * 10 + i32::from(b - b'0'));
                self.push(&shortest[..e]);
                (None, if negative { -size } else { size })
            }
            // Only 1e-5 up to 1e-4 is written out although it is below the bound.
            None => (Some(shortest), -5),
        };
        if let Some(text) = mantissa {
            if text.first() == Some(&b'-') {
                self.push(b"-");
            }
            let first = text.iter().position(|b| (b'1'..=b'9').contains(b)).unwrap_or(0);
            self.push(&text[first..=first]);
            if text.len() > first + 1 {
                self.push(b".");
                self.push(&text[first + 1..]);
            }
        }
        self.push(if exponent < 0 { b"e-" } else { b"e+" });
        let size = exponent.unsigned_abs();
        if size < 10 {
            self.push(b"0");
        }
        self.push(IntText::of(i64::from(size)).as_str().as_bytes());
    }
}
