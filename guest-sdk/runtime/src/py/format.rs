//! `str.format`: templates and their fields.

use super::text::push_ascii;
use super::{Error, Kind, Result, format_spec, repr, type_name};
use crate::value::{Map, Value};

/// Python's `template.format(**values)`. Attributes are those that numbers have (`real`, `imag`,
/// `numerator`, `denominator`); what else Python would show there is no part of a value.
pub fn format(template: &str, values: &Map) -> Result<String> {
    fill_template(template, &mut Named { values })
}

/// What the fields of a template stand for.
pub trait Fields {
    type Value;
    type Error: From<Error>;
    /// The argument that a field starts with: a name, a number, or nothing for the next one.
    fn argument(&mut self, name: &str) -> std::result::Result<Self::Value, Self::Error>;
    fn attribute(&self, value: &Self::Value, name: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// `value[key]`, where a key of digits is an index.
    fn item(&self, value: &Self::Value, key: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// `s`, `r` or `a`; `None` for other letters.
    fn convert(&self, value: &Self::Value, conversion: char) -> std::result::Result<Option<Self::Value>, Self::Error>;
    /// Appends `format(value, spec)`.
    fn push(&self, out: &mut String, value: &Self::Value, spec: &str) -> std::result::Result<(), Self::Error>;
}

/// Python's `template.format(...)` over whatever has fields.
pub fn fill_template<F: Fields>(template: &str, fields: &mut F) -> std::result::Result<String, F::Error> {
    let mut out = String::with_capacity(template.len());
    // A format spec may hold fields, and these no further ones.
    fill(fields, &mut out, template, 2)?;
    Ok(out)
}

fn fill<F: Fields>(fields: &mut F, out: &mut String, template: &str, levels: u8) -> std::result::Result<(), F::Error> {
    if levels == 0 {
        return Err(Error::value("Max string recursion exceeded").into());
    }
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        out.push_str(&rest[..brace]);
        let (open, behind) = (rest.as_bytes()[brace] == b'{', &rest[brace + 1..]);
        if let Some(behind) = behind.strip_prefix(if open { '{' } else { '}' }) {
            out.push(if open { '{' } else { '}' });
            rest = behind;
        } else if !open {
            return Err(Error::value("Single '}' encountered in format string").into());
        } else if behind.is_empty() {
            return Err(Error::value("Single '{' encountered in format string").into());
        } else {
            let end = field_end(behind)?;
            field(fields, out, &behind[..end], levels)?;
            rest = &behind[end + 1..];
        }
    }
    out.push_str(rest);
    Ok(())
}

/// One field, without its braces: `name!conversion:spec`.
fn field<F: Fields>(fields: &mut F, out: &mut String, field: &str, levels: u8) -> std::result::Result<(), F::Error> {
    let name_end = name_end(field)?;
    let (name, behind) = field.split_at(name_end);
    let (conversion, spec) = match behind.strip_prefix('!') {
        None => (None, behind.strip_prefix(':').unwrap_or("")),
        Some(behind) => {
            let mut chars = behind.chars();
            let conversion = chars
                .next()
                .ok_or_else(|| Error::value("end of string while looking for conversion specifier"))?;
            let spec = match chars.as_str() {
                "" => "",
                behind => behind
                    .strip_prefix(':')
                    .ok_or_else(|| Error::value("expected ':' after conversion specifier"))?,
            };
            (Some(conversion), spec)
        }
    };
    let mut value = lookup(fields, name)?;
    if let Some(conversion) = conversion {
        value = fields
            .convert(&value, conversion)?
            .ok_or_else(|| Error::value(format!("Unknown conversion specifier {conversion}")))?;
    }
    if spec.is_empty() {
        return fields.push(out, &value, "");
    }
    let mut filled = String::new();
    fill(fields, &mut filled, spec, levels - 1)?;
    fields.push(out, &value, &filled)
}

/// The value of a field name such as `a.real` or `a[0][key]`.
fn lookup<F: Fields>(fields: &mut F, name: &str) -> std::result::Result<F::Value, F::Error> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    let mut value = fields.argument(first)?;
    let mut chars = rest.chars();
    while let Some(kind) = chars.next() {
        rest = chars.as_str();
        if kind == '.' {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err(Error::value("Empty attribute in format string").into());
            }
            value = fields.attribute(&value, &rest[..end])?;
            rest = &rest[end..];
        } else if kind == '[' {
            let (key, behind) = rest
                .split_once(']')
                .ok_or_else(|| Error::value("Missing ']' in format string"))?;
            if key.is_empty() {
                return Err(Error::value("Empty attribute in format string").into());
            }
            value = fields.item(&value, key)?;
            rest = behind;
        } else {
            return Err(Error::value("Only '.' or '[' may follow ']' in format field specifier").into());
        }
        chars = rest.chars();
    }
    Ok(value)
}

/// The fields of a template that a flow fills.
struct Named<'a> {
    values: &'a Map,
}

impl Fields for Named<'_> {
    type Value = Value;
    type Error = Error;

    /// There are no positional ones, but asking for one has its own error.
    fn argument(&mut self, name: &str) -> Result<Value> {
        let index = match number(name) {
            None if !name.is_empty() => {
                return self.values.get(name).cloned().ok_or_else(|| key_error(name));
            }
            index => index.unwrap_or(0),
        };
        Err(Error::new(Kind::Index, out_of_range(index)))
    }
    fn attribute(&self, value: &Value, name: &str) -> Result<Value> {
        attribute(value, name)
    }
    fn item(&self, value: &Value, key: &str) -> Result<Value> {
        item(value, key)
    }
    fn convert(&self, value: &Value, conversion: char) -> Result<Option<Value>> {
        Ok(Some(match conversion {
            's' => Value::Str(super::str(value)?),
            'r' => Value::str(repr(value)?),
            'a' => {
                let mut ascii = String::new();
                push_ascii(&mut ascii, &repr(value)?);
                Value::str(ascii)
            }
            _ => return Ok(None),
        }))
    }
    fn push(&self, out: &mut String, value: &Value, spec: &str) -> Result<()> {
        format_spec::push(out, value, spec)
    }
}

/// The text of the `IndexError` for a positional argument that is not there.
pub fn out_of_range(index: usize) -> String {
    format!("Replacement index {index} out of range for positional args tuple")
}

/// Where the brace that closes a field is; those inside must match.
fn field_end(text: &str) -> Result<usize> {
    let mut open = 1;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Ok(i);
        }
    }
    Err(Error::value("expected '}' before end of string"))
}

/// Where a field's name ends: at `!` or `:` outside brackets.
fn name_end(field: &str) -> Result<usize> {
    let mut bracket = false;
    for (i, byte) in field.bytes().enumerate() {
        match byte {
            b'[' => bracket = true,
            b']' => bracket = false,
            b'{' | b'}' if !bracket => return Err(Error::value("unexpected '{' in field name")),
            b'!' | b':' if !bracket => return Ok(i),
            _ => {}
        }
    }
    Ok(field.len())
}

/// The number that a field name or key of digits is.
pub fn number(text: &str) -> Option<usize> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(usize::MAX))
}

fn key_error(key: &str) -> Error {
    let mut text = String::new();
    super::text::push_quoted(&mut text, key);
    Error::new(Kind::Key, text)
}

fn attribute(value: &Value, name: &str) -> Result<Value> {
    let value_as_int = match value {
        Value::Bool(b) => Value::Int(i64::from(*b)),
        other => other.clone(),
    };
    match (value_as_int, name) {
        (number @ (Value::Int(_) | Value::Big(_)), "real" | "numerator") => Ok(number),
        (Value::Int(_) | Value::Big(_), "imag") => Ok(Value::Int(0)),
        (Value::Int(_) | Value::Big(_), "denominator") => Ok(Value::Int(1)),
        (number @ Value::Float(_), "real") => Ok(number),
        (Value::Float(_), "imag") => Ok(Value::Float(0.0)),
        _ => {
            let text = format!("'{}' object has no attribute '{name}'", type_name(value));
            Err(Error::new(Kind::Attribute, text))
        }
    }
}

/// `value[key]`, where a key of digits is an index.
fn item(value: &Value, key: &str) -> Result<Value> {
    let out_of_range = |what| Error::new(Kind::Index, format!("{what} index out of range"));
    match (value, number(key)) {
        (Value::Dict(dict), None) => dict.get(key).ok_or_else(|| key_error(key)),
        // All keys are strings here, so an index finds nothing.
        (Value::Dict(_), Some(index)) => Err(Error::new(Kind::Key, index.to_string())),
        (Value::List(list), Some(index)) => list.borrow().get(index).cloned().ok_or_else(|| out_of_range("list")),
        (Value::List(_), None) => Err(Error::type_error("list indices must be integers or slices, not str")),
        (Value::Str(text), Some(index)) => {
            let c = text.chars().nth(index).ok_or_else(|| out_of_range("string"))?;
            Ok(Value::str(c.encode_utf8(&mut [0; 4]) as &str))
        }
        (Value::Str(_), None) => Err(Error::type_error("string indices must be integers, not 'str'")),
        _ => Err(Error::type_error(format!(
            "'{}' object is not subscriptable",
            type_name(value)
        ))),
    }
}
