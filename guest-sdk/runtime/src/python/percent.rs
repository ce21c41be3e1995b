//! `template % values`

use std::rc::Rc;
use std::str::CharIndices;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive};

use super::dunder::{self, Special};
use super::error::{Py, Raised, overflow_error, type_error, value_error};
use super::number::{as_big, as_float, indexed};
use super::object::{Obj, Text};
use super::subscript::getitem;
use super::text::{ascii, repr, str, type_name};
use crate::py::{IntText, float_format, text::big_text};

/// A width or precision beyond this is a mistake.
const MAX_WIDTH: usize = 1 << 20;

pub fn percent(template: &str, values: &Obj) -> Py<String> {
    let mut args = Values {
        values,
        given: match values {
            Obj::Tuple(items) => Given::Several(items, 0),
            Obj::Native(native) => match native.as_tuple() {
                Some(items) => Given::Several(items, 0),
                None => Given::One(Some(values.clone())),
            },
            _ => Given::One(Some(values.clone())),
        },
        mapped: false,
    };
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let start = template.len() - rest.len() + at + 1;
        let mut chars = template[start..].char_indices();
        let field = Field::parse(&mut chars, &mut args)?;
        let (offset, kind) = chars.next().ok_or_else(|| value_error("incomplete format"))?;
        if kind == '%' {
            out.push('%');
        } else {
            let at = || template[..start + offset].chars().count();
            field.push(&mut out, kind, &mut args, at)?;
        }
        rest = &template[start + offset + kind.len_utf8()..];
    }
    out.push_str(rest);
    args.finish()?;
    Ok(out)
}

/// The values still to be taken.
struct Values<'a> {
    values: &'a Obj,
    given: Given<'a>,
    /// A field named its value, so that what was given need not be used up.
    mapped: bool,
}

enum Given<'a> {
    One(Option<Obj>),
    Several(&'a [Obj], usize),
}

impl Values<'_> {
    fn take(&mut self) -> Py {
        let next = match &mut self.given {
            Given::One(value) => value.take(),
            Given::Several(items, at) => {
                *at += 1;
                items.get(*at - 1).cloned()
            }
        };
        next.ok_or_else(|| type_error("not enough arguments for format string"))
    }

    fn named(&mut self, key: &str) -> Py<()> {
        if !self.is_mapping() {
            return Err(type_error("format requires a mapping"));
        }
        self.given = Given::One(Some(getitem(self.values, &Obj::str(key))?));
        self.mapped = true;
        Ok(())
    }

    /// What can be asked for keys, as far as `%` cares.
    fn is_mapping(&self) -> bool {
        match self.values {
            Obj::Dict(_) | Obj::List(_) | Obj::Range(_) | Obj::Bytes(_) => true,
            Obj::Native(native) => native.len().is_some(),
            other => dunder::defines(other, Special::GetItem),
        }
    }

    fn finish(&self) -> Py<()> {
        let left = match &self.given {
            Given::One(value) => value.is_some() && !self.is_mapping(),
            Given::Several(items, at) => *at < items.len(),
        };
        if left && !self.mapped {
            return Err(type_error("not all arguments converted during string formatting"));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Field {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Field {
    /// What stands between `%` and the letter.
    fn parse(chars: &mut CharIndices<'_>, args: &mut Values<'_>) -> Py<Self> {
        let mut field = Field::default();
        if chars.as_str().starts_with('(') {
            chars.next();
            args.named(key(chars)?)?;
        }
        loop {
            match chars.as_str().chars().next() {
                Some('-') => field.left = true,
                Some('+') => field.plus = true,
                Some(' ') => field.space = true,
                Some('#') => field.alternate = true,
                Some('0') => field.zero = true,
                _ => break,
            }
            chars.next();
        }
        if let Some(width) = size(chars, args, "width too big")? {
            field.left |= width < 0;
            field.width = width.unsigned_abs() as usize;
        }
        if chars.as_str().starts_with('.') {
            chars.next();
            let precision = size(chars, args, "precision too big")?.unwrap_or(0);
            field.precision = Some(usize::try_from(precision).unwrap_or(0));
        }
        if chars.as_str().starts_with(['h', 'l', 'L']) {
            chars.next();
        }
        Ok(field)
    }

    fn push(&self, out: &mut String, kind: char, args: &mut Values<'_>, at: impl Fn() -> usize) -> Py<()> {
        let value = &args.take()?;
        let text = match kind {
            's' => str(value)?,
            'r' => Rc::new(Text::new(repr(value)?)),
            'a' => Rc::new(Text::new(ascii(value)?)),
            'c' => {
                self.pad(out, "", &character(value)?, false);
                return Ok(());
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => return self.push_integer(out, kind, value),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => return self.push_float(out, kind, value),
            other => {
                return Err(value_error(format!(
                    "unsupported format character '{}' ({:#x}) at index {}",
                    if other.is_ascii() && !other.is_ascii_control() {
                        other
                    } else {
                        '?'
                    },
                    other as u32,
                    at()
                )));
            }
        };
        let shown = match self.precision {
            Some(precision) => crate::py::slice::text(&text, None, Some(precision as i64)),
            None => &text,
        };
        self.pad(out, "", shown, false);
        Ok(())
    }

    fn push_integer(&self, out: &mut String, kind: char, value: &Obj) -> Py<()> {
        if let Obj::Int(n) = value
            && matches!(kind, 'd' | 'i' | 'u')
            && self.precision.is_none()
        {
            // What is printed most, without an integer of any size.
            let digits = IntText::of(*n);
            self.pad(out, self.sign(*n < 0), digits.as_str().trim_start_matches('-'), self.zero);
            return Ok(());
        }
        let n = integer(kind, value)?;
        let mut digits = match kind {
            'x' => n.abs().to_str_radix(16),
            'X' => n.abs().to_str_radix(16).to_ascii_uppercase(),
            'o' => n.abs().to_str_radix(8),
            _ => big_text(&n.abs())?,
        };
        let least = self.precision.unwrap_or(0);
        if digits.len() < least {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        let prefix = match kind {
            'x' if self.alternate => "0x",
            'X' if self.alternate => "0X",
            'o' if self.alternate => "0o",
            _ => "",
        };
        let head = format!("{}{prefix}", self.sign(n.is_negative()));
        self.pad(out, &head, &digits, self.zero);
        Ok(())
    }

    fn push_float(&self, out: &mut String, kind: char, value: &Obj) -> Py<()> {
        let f = as_float(value)?;
        let (size, precision) = (f.abs(), self.precision.unwrap_or(6));
        let mut digits = if size.is_nan() {
            "nan".to_owned()
        } else if size.is_infinite() {
            "inf".to_owned()
        } else {
            match kind {
                'e' | 'E' => float_format::exponential(size, precision)?,
                'g' | 'G' => float_format::general(size, precision, self.alternate)?,
                _ => float_format::fixed(size, precision)?,
            }
        };
        if self.alternate && size.is_finite() && !digits.contains('.') {
            digits.insert(digits.find('e').unwrap_or(digits.len()), '.');
        }
        if kind.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        self.pad(out, self.sign(f.is_sign_negative() && !f.is_nan()), &digits, self.zero);
        Ok(())
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    /// Appends `head` and `body`, filled up to the width.
    fn pad(&self, out: &mut String, head: &str, body: &str, zeros: bool) {
        let gap = self.width.saturating_sub(head.len() + body.chars().count());
        let fill = |out: &mut String, c| out.extend(std::iter::repeat_n(c, gap));
        if !self.left && !zeros {
            fill(out, ' ');
        }
        out.push_str(head);
        if !self.left && zeros {
            fill(out, '0');
        }
        out.push_str(body);
        if self.left {
            fill(out, ' ');
        }
    }
}

/// The key of `%(key)s`, up to the parenthesis that closes it.
fn key<'a>(chars: &mut CharIndices<'a>) -> Py<&'a str> {
    let text = chars.as_str();
    let mut open = 1;
    let mut len = 0;
    for (_, c) in chars.by_ref() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Ok(&text[..len]);
        }
        len += c.len_utf8();
    }
    Err(value_error("incomplete format key"))
}

/// A width or precision: digits, or `*` for the next value.
fn size(chars: &mut CharIndices<'_>, args: &mut Values<'_>, too_big: &str) -> Py<Option<i64>> {
    let number = if chars.as_str().starts_with('*') {
        chars.next();
        match args.take()? {
            Obj::Int(n) => n,
            Obj::Bool(b) => i64::from(b),
            Obj::Big(_) => return Err(overflow_error("Python int too large to convert to C ssize_t")),
            _ => return Err(type_error("* wants int")),
        }
    } else {
        let text = chars.as_str();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Ok(None);
        }
        chars.nth(digits - 1);
        text[..digits].parse().map_err(|_| value_error(too_big))?
    };
    if number.unsigned_abs() > MAX_WIDTH as u64 {
        return Err(value_error(too_big));
    }
    Ok(Some(number))
}

fn character(value: &Obj) -> Py<String> {
    match value {
        Obj::Str(text) if text.chars == 1 => Ok(text.text.to_string()),
        Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => {
            let code = as_big(value).and_then(|n| n.to_u32()).filter(|code| *code < 0x11_0000);
            let code = code.ok_or_else(|| overflow_error("%c arg not in range(0x110000)"))?;
            Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).into())
        }
        _ => Err(type_error("%c requires int or char")),
    }
}

fn integer(kind: char, value: &Obj) -> Py<BigInt> {
    if let Some(n) = as_big(value) {
        return Ok(n);
    }
    let decimal = matches!(kind, 'd' | 'i' | 'u');
    if decimal && let Obj::Float(f) = value {
        return BigInt::from_f64(f.trunc()).ok_or_else(|| no_integer(*f));
    }
    let other = match indexed(value)? {
        None if decimal => dunder::call(value, Special::Int, &[])?,
        known => known,
    };
    let what = if decimal { "a real number" } else { "an integer" };
    other
        .and_then(|n| as_big(&n))
        .ok_or_else(|| type_error(format!("%{kind} format: {what} is required, not {}", type_name(value))))
}

fn no_integer(f: f64) -> Raised {
    if f.is_nan() {
        value_error("cannot convert float NaN to integer")
    } else {
        overflow_error("cannot convert float infinity to integer")
    }
}
