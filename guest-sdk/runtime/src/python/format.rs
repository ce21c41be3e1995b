//! `format()` and `str.format`. The mini-language itself is shared with the flow's own templates (`crate::py`); `%` is in `percent`.

use super::attr;
use super::dunder::{self, Special};
use super::error::{Py, attribute_error, index_error, key_error, type_error, value_error};
use super::object::{Args, Name, Obj};
use super::subscript::getitem;
use super::text::{ascii, builtin_name, push_str, repr, str, type_name};
use crate::py::format::{Fields, fill_template, number, out_of_range};
use crate::py::format_spec::{Formatted, push_as};

pub use super::percent::percent;

/// `format(value, spec)`
pub fn format(value: &Obj, spec: &str) -> Py<String> {
    let mut out = String::new();
    push(&mut out, value, spec)?;
    Ok(out)
}

/// Appends `format(value, spec)`.
pub fn push(out: &mut String, value: &Obj, spec: &str) -> Py<()> {
    let formatted = match value {
        Obj::Str(_) | Obj::Int(_) | Obj::Float(_) | Obj::Bool(_) | Obj::Big(_) if spec.is_empty() => return push_str(out, value),
        Obj::Str(text) => Formatted::Text(text),
        Obj::Int(n) => Formatted::Int(*n),
        Obj::Bool(b) => Formatted::Int(i64::from(*b)),
        Obj::Big(n) => Formatted::Big(n),
        Obj::Float(f) => Formatted::Float(*f),
        _ => return push_other(out, value, spec),
    };
    push_as(out, formatted, builtin_name(value), spec)?;
    Ok(())
}

fn push_other(out: &mut String, value: &Obj, spec: &str) -> Py<()> {
    if let Obj::Native(native) = value
        && let Some(text) = native.format(spec)
    {
        out.push_str(&text?);
        return Ok(());
    }
    match dunder::call(value, Special::Format, &[Obj::str(spec)])? {
        Some(Obj::Str(text)) => out.push_str(&text),
        Some(other) => {
            let text = format!("__format__ must return a str, not {}", type_name(&other));
            return Err(type_error(text));
        }
        None if spec.is_empty() => push_str(out, value)?,
        None => {
            return Err(type_error(format!(
                "unsupported format string passed to {}.__format__",
                type_name(value)
            )));
        }
    }
    Ok(())
}

/// `template.format(*args, **names)`
pub fn template(template: &str, args: &Args) -> Py<String> {
    let mut fields = Arguments {
        positional: Some(args.plain()),
        named: |name: &str| args.named(name).cloned().ok_or_else(|| key_error(Obj::str(name))),
        numbering: Numbering::Open,
    };
    fill_template(template, &mut fields)
}

/// `template.format_map(mapping)`
pub fn template_map(template: &str, mapping: &Obj) -> Py<String> {
    let mut fields = Arguments {
        positional: None,
        named: |name: &str| getitem(mapping, &Obj::str(name)),
        numbering: Numbering::Open,
    };
    fill_template(template, &mut fields)
}

/// A template numbers all of its positional fields, or none.
enum Numbering {
    Open,
    /// The next number.
    Automatic(usize),
    Manual,
}

struct Arguments<'a, N> {
    /// `None` for `format_map`, which has none.
    positional: Option<&'a [Obj]>,
    named: N,
    numbering: Numbering,
}

impl<N: Fn(&str) -> Py> Fields for Arguments<'_, N> {
    type Value = Obj;
    type Error = super::error::Raised;

    fn argument(&mut self, name: &str) -> Py {
        let at = match (number(name), &mut self.numbering) {
            (None, _) if !name.is_empty() => return (self.named)(name),
            (None, Numbering::Automatic(next)) => {
                *next += 1;
                *next - 1
            }
            (None, Numbering::Manual) => {
                return Err(value_error(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            }
            (None, open) => {
                *open = Numbering::Automatic(1);
                0
            }
            (Some(_), Numbering::Automatic(_)) => {
                return Err(value_error(
                    "cannot switch from automatic field numbering to manual field specification",
                ));
            }
            (Some(at), open) => {
                *open = Numbering::Manual;
                at
            }
        };
        let Some(positional) = self.positional else {
            return Err(value_error("Format string contains positional fields"));
        };
        positional.get(at).cloned().ok_or_else(|| index_error(out_of_range(at)))
    }

    fn attribute(&self, value: &Obj, name: &str) -> Py {
        // The compiler refuses such names in code; a template must not be a way around it.
        if name.starts_with("__") {
            return Err(attribute_error(&type_name(value), name));
        }
        attr::getattr(value, &Name::new(name))
    }

    fn item(&self, value: &Obj, key: &str) -> Py {
        match number(key).and_then(|at| i64::try_from(at).ok()) {
            Some(at) => getitem(value, &Obj::Int(at)),
            None => getitem(value, &Obj::str(key)),
        }
    }

    fn convert(&self, value: &Obj, conversion: char) -> Py<Option<Obj>> {
        Ok(Some(match conversion {
            's' => Obj::Str(str(value)?),
            'r' => Obj::str(repr(value)?),
            'a' => Obj::str(ascii(value)?),
            _ => return Ok(None),
        }))
    }

    fn push(&self, out: &mut String, value: &Obj, spec: &str) -> Py<()> {
        push(out, value, spec)
    }
}
