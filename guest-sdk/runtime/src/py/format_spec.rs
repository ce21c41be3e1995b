//! The format mini-language: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::text::{big_text, push_str};
use super::{Error, IntText, Result, float_format, type_name};
use crate::value::Value;

/// More than this is a mistake, not a width.
const MAX_WIDTH: usize = 1 << 20;

/// Appends Python's `format(value, spec)`.
pub fn push(out: &mut String, value: &Value, spec: &str) -> Result<()> {
    if spec.is_empty() {
        return push_str(out, value);
    }
    let formatted = match value {
        Value::Str(text) => Formatted::Text(text),
        Value::Bool(b) => Formatted::Int(i64::from(*b)),
        Value::Int(n) => Formatted::Int(*n),
        Value::Big(n) => Formatted::Big(n),
        Value::Float(f) => Formatted::Float(*f),
        Value::Null | Value::List(_) | Value::Dict(_) => {
            return Err(Error::type_error(format!(
                "unsupported format string passed to {}.__format__",
                type_name(value)
            )));
        }
    };
    push_as(out, formatted, type_name(value), spec)
}

/// What has a format of its own.
#[derive(Clone, Copy)]
pub enum Formatted<'a> {
    Text(&'a str),
    Int(i64),
    Big(&'a BigInt),
    Float(f64),
}

/// Appends a value as `spec` (not empty) asks for; `type_name` is for the texts of errors.
pub fn push_as(out: &mut String, value: Formatted<'_>, type_name: &str, spec: &str) -> Result<()> {
    let spec = Spec::parse(spec, type_name, matches!(value, Formatted::Text(_)))?;
    match value {
        Formatted::Text(text) => push_text(out, text, &spec),
        Formatted::Int(n) => match spec.kind {
            // What prints most, without an integer of any size.
            None | Some('d') if spec.precision.is_none() && !spec.no_negative_zero => {
                let head = spec.sign_text(n < 0);
                let text = IntText::of(n);
                let digits = text.as_str().trim_start_matches('-');
                spec.pad_number(out, head, digits, digits.len(), 3);
                Ok(())
            }
            _ => push_int(out, &BigInt::from(n), &spec),
        },
        Formatted::Big(n) => push_int(out, n, &spec),
        Formatted::Float(f) => push_float(out, f, &spec),
    }
}

/// Appends a number as `spec` (not empty) asks for, with digits that the caller makes: `digits(kind, precision)` gives whether it is
/// negative, and its text without a sign; nothing for a kind that it does not know.
pub fn push_number(
    out: &mut String,
    type_name: &str,
    spec: &str,
    digits: impl FnOnce(Option<char>, Option<usize>) -> Option<(bool, String)>,
) -> Result<()> {
    let spec = Spec::parse(spec, type_name, false)?;
    let Some((negative, text)) = digits(spec.kind, spec.precision) else {
        return Err(Error::value("invalid format string"));
    };
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    spec.pad_number(out, spec.sign_text(negative), &text, whole, 3);
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Align {
    Left,
    Right,
    Centre,
    /// Fill between the sign and the digits.
    Inside,
}

struct Spec<'a> {
    /// The type of what is formatted, for error texts.
    type_name: &'a str,
    fill: char,
    align: Option<Align>,
    /// `+`, `-` or a space.
    sign: Option<char>,
    /// `z`: no minus before a result of zero.
    no_negative_zero: bool,
    /// `#`
    alternate: bool,
    width: usize,
    /// `,` or `_`.
    grouping: Option<char>,
    precision: Option<usize>,
    /// The presentation type.
    kind: Option<char>,
}

impl<'a> Spec<'a> {
    fn parse(text: &str, type_name: &'a str, is_text: bool) -> Result<Self> {
        let mut spec = Spec {
            type_name,
            fill: ' ',
            align: None,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        };
        let mut rest = text;
        let mut chars = text.chars();
        let (first, second) = (chars.next(), chars.next());
        if let (Some(fill), Some(align)) = (first, second.and_then(align)) {
            (spec.fill, spec.align) = (fill, Some(align));
            rest = chars.as_str();
        } else if let Some(align) = first.and_then(align) {
            spec.align = Some(align);
            rest = &rest[1..];
        }
        let filled = rest.len() + 1 < text.len();
        if let Some(sign @ ('+' | '-' | ' ')) = rest.chars().next() {
            spec.sign = Some(sign);
            rest = &rest[1..];
        }
        spec.no_negative_zero = eat(&mut rest, 'z');
        spec.alternate = eat(&mut rest, '#');
        if !filled && eat(&mut rest, '0') {
            spec.fill = '0';
            // Text has no sign to fill behind.
            if spec.align.is_none() && !is_text {
                spec.align = Some(Align::Inside);
            }
        }
        spec.width = digits(&mut rest)?.unwrap_or(0);
        if spec.width > MAX_WIDTH {
            return Err(Error::value("Too many decimal digits in format string"));
        }
        for grouping in [',', '_'] {
            if eat(&mut rest, grouping) {
                if spec.grouping.is_some() {
                    return Err(Error::value("Cannot specify both ',' and '_'."));
                }
                spec.grouping = Some(grouping);
            }
        }
        if eat(&mut rest, '.') {
            let precision = digits(&mut rest)?;
            spec.precision = Some(precision.ok_or_else(|| Error::value("Format specifier missing precision"))?);
        }
        let mut kinds = rest.chars();
        spec.kind = kinds.next();
        if !kinds.as_str().is_empty() {
            return Err(Error::value(format!(
                "Invalid format specifier '{text}' for object of type '{type_name}'"
            )));
        }
        spec.check_grouping(is_text)?;
        Ok(spec)
    }

    /// Groups are of digits, and commas of decimal ones.
    fn check_grouping(&self, is_text: bool) -> Result<()> {
        let Some(grouping) = self.grouping else {
            return Ok(());
        };
        match self.kind.or(is_text.then_some('s')) {
            None | Some('d' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => Ok(()),
            Some('b' | 'o' | 'x' | 'X') if grouping == '_' => Ok(()),
            Some(kind) => Err(Error::value(format!("Cannot specify '{grouping}' with '{kind}'."))),
        }
    }

    fn unknown_kind(&self, kind: char) -> Error {
        let kind = match kind {
            '!'..='\u{7f}' => kind.to_string(),
            other => format!("\\x{:x}", other as u32),
        };
        Error::value(format!(
            "Unknown format code '{kind}' for object of type '{}'",
            self.type_name
        ))
    }

    /// The sign to show before a number.
    fn sign_text(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        }
    }

    /// Appends `head` and `body` filled up to the width.
    fn pad(&self, out: &mut String, head: &str, body: &str, default: Align) {
        let len = head.chars().count() + body.chars().count();
        let gap = self.width.saturating_sub(len);
        let align = self.align.unwrap_or(default);
        let before = match align {
            Align::Left => 0,
            Align::Right => gap,
            Align::Centre => gap / 2,
            Align::Inside => 0,
        };
        let fill = |out: &mut String, count| out.extend(std::iter::repeat_n(self.fill, count));
        fill(out, before);
        out.push_str(head);
        if align == Align::Inside {
            fill(out, gap);
        }
        out.push_str(body);
        if align != Align::Inside {
            fill(out, gap - before);
        }
    }

    /// Appends a number whose first `whole` digits are put into groups. Zeros that fill between the sign
    /// and the digits are grouped too.
    fn pad_number(&self, out: &mut String, head: &str, number: &str, whole: usize, group: usize) {
        let Some(separator) = self.grouping else {
            return self.pad(out, head, number, Align::Right);
        };
        let (whole, behind) = number.split_at(whole);
        let zero_filled = self.fill == '0' && self.align == Some(Align::Inside);
        let wanted = if zero_filled {
            self.width.saturating_sub(head.len() + behind.len())
        } else {
            0
        };
        let body = grouped(whole, separator, group, wanted) + behind;
        self.pad(out, head, &body, Align::Right);
    }
}

fn align(c: char) -> Option<Align> {
    Some(match c {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Centre,
        '=' => Align::Inside,
        _ => return None,
    })
}

fn eat(rest: &mut &str, c: char) -> bool {
    match rest.strip_prefix(c) {
        Some(behind) => {
            *rest = behind;
            true
        }
        None => false,
    }
}

fn digits(rest: &mut &str) -> Result<Option<usize>> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(end);
    *rest = behind;
    if number.is_empty() {
        return Ok(None);
    }
    let number = number
        .parse()
        .map_err(|_| Error::value("Too many decimal digits in format string"))?;
    Ok(Some(number))
}

/// `digits` in groups from the right, with zeros before them until there are `wanted` characters.
fn grouped(digits: &str, separator: char, group: usize, wanted: usize) -> String {
    let mut reversed = String::new();
    let mut places = 0;
    let mut rest = digits.chars().rev();
    while let Some(digit) = rest.next().or((reversed.len() < wanted).then_some('0')) {
        if places > 0 && places % group == 0 {
            reversed.push(separator);
        }
        reversed.push(digit);
        places += 1;
    }
    reversed.chars().rev().collect()
}

fn push_text(out: &mut String, text: &str, spec: &Spec<'_>) -> Result<()> {
    if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
        return Err(spec.unknown_kind(kind));
    }
    let refused = match spec {
        Spec { sign: Some(' '), .. } => Some("Space"),
        Spec { sign: Some(_), .. } => Some("Sign"),
        Spec {
            no_negative_zero: true, ..
        } => Some("Negative zero coercion (z)"),
        Spec { alternate: true, .. } => Some("Alternate form (#)"),
        _ if spec.align == Some(Align::Inside) => Some("'=' alignment"),
        _ => None,
    };
    if let Some(what) = refused {
        return Err(Error::value(format!("{what} not allowed in string format specifier")));
    }
    let end = spec.precision.map(|precision| precision as i64);
    spec.pad(out, "", super::slice::text(text, None, end), Align::Left);
    Ok(())
}

fn push_int(out: &mut String, n: &BigInt, spec: &Spec<'_>) -> Result<()> {
    if let Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') = spec.kind {
        let float = n.to_f64().filter(|float| float.is_finite());
        let float = float.ok_or_else(|| Error::overflow("int too large to convert to float"))?;
        return push_float(out, float, spec);
    }
    if let Some(kind) = spec.kind.filter(|kind| !"dnboxXc".contains(*kind)) {
        return Err(spec.unknown_kind(kind));
    }
    if spec.precision.is_some() {
        return Err(Error::value("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(Error::value(
            "Negative zero coercion (z) not allowed in integer format specifier",
        ));
    }
    let (radix, prefix) = match spec.kind {
        None | Some('d' | 'n') => (10, ""),
        Some('b') => (2, "0b"),
        Some('o') => (8, "0o"),
        Some('x') => (16, "0x"),
        Some('X') => (16, "0X"),
        Some(_) => return push_char(out, n, spec),
    };
    let text = if radix == 10 { big_text(n)? } else { n.to_str_radix(radix) };
    let mut digits = text.trim_start_matches('-').to_owned();
    if spec.kind == Some('X') {
        digits.make_ascii_uppercase();
    }
    let mut head = spec.sign_text(text.starts_with('-')).to_owned();
    if spec.alternate {
        head.push_str(prefix);
    }
    spec.pad_number(out, &head, &digits, digits.len(), if radix == 10 { 3 } else { 4 });
    Ok(())
}

/// The character with a number: `c`.
fn push_char(out: &mut String, n: &BigInt, spec: &Spec<'_>) -> Result<()> {
    if spec.sign.is_some() {
        return Err(Error::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(Error::value(
            "Alternate form (#) not allowed with integer format specifier 'c'",
        ));
    }
    if n.bits() > 63 {
        return Err(Error::overflow("Python int too large to convert to C long"));
    }
    let code = u32::try_from(n).ok().filter(|code| *code < 0x11_0000);
    let code = code.ok_or_else(|| Error::overflow("%c arg not in range(0x110000)"))?;
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    spec.pad(out, "", c.encode_utf8(&mut [0; 4]), Align::Right);
    Ok(())
}

fn push_float(out: &mut String, value: f64, spec: &Spec<'_>) -> Result<()> {
    let kind = spec.kind;
    if let Some(kind) = kind.filter(|kind| !"eEfFgGn%".contains(*kind)) {
        return Err(spec.unknown_kind(kind));
    }
    let percent = kind == Some('%');
    let shown = if percent { value * 100.0 } else { value };
    let size = shown.abs();
    let precision = spec.precision.unwrap_or(6);
    let mut number = if size.is_nan() {
        "nan".to_owned()
    } else if size.is_infinite() {
        "inf".to_owned()
    } else {
        match kind {
            None => float_format::plain(size, spec.precision, spec.alternate)?,
            Some('e' | 'E') => float_format::exponential(size, precision)?,
            Some('g' | 'G' | 'n') => float_format::general(size, precision, spec.alternate)?,
            _ => float_format::fixed(size, precision)?,
        }
    };
    if spec.alternate && size.is_finite() && !number.contains('.') {
        number.insert(number.find('e').unwrap_or(number.len()), '.');
    }
    let zero = !number.bytes().take_while(|b| *b != b'e').any(|b| (b'1'..=b'9').contains(&b));
    if matches!(kind, Some('E' | 'F' | 'G')) {
        number.make_ascii_uppercase();
    }
    if percent {
        number.push('%');
    }
    let negative = shown.is_sign_negative() && !shown.is_nan() && !(spec.no_negative_zero && zero && size.is_finite());
    let head = spec.sign_text(negative);
    if size.is_finite() {
        let whole = number.bytes().take_while(u8::is_ascii_digit).count();
        spec.pad_number(out, head, &number, whole, 3);
    } else {
        spec.pad(out, head, &number, Align::Right);
    }
    Ok(())
}
