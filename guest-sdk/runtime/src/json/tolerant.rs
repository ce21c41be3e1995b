//! Values out of text that a person or a language model wrote.

use super::Error;
use super::parse::{Dialect, Parser};
use crate::py::chars::strip;
use crate::py::literal;
use crate::value::Value;

/// What [`loads_tolerant`] made of a text.
#[derive(Debug, Clone)]
pub enum Tolerant {
    Found(Value),
    /// The text has nothing but white space, or an empty code block.
    Empty,
    /// Neither JSON nor a Python literal; why not the latter.
    Invalid(String),
}

/// How many brackets are tried as the start of JSON inside other text.
const STARTS: usize = 64;

/// The value in a text: the text as JSON as Python reads it (with `NaN` and `Infinity`), else the
/// first object or list inside it, else the text as a Python literal. A Markdown code block around
/// the text is taken off first. JSON's `null` does not count. The only error is a value that is
/// nested too deep, since its inner part must not pass for the whole.
pub fn loads_tolerant(text: &str) -> Result<Tolerant, Error> {
    let text = without_fence(strip(text));
    if text.is_empty() {
        return Ok(Tolerant::Empty);
    }
    let found = match whole(text) {
        Ok(value) => Some(value),
        Err(Error::Depth) => return Err(Error::Depth),
        Err(_) => inside(text)?,
    };
    match found {
        Some(value) if !value.is_null() => Ok(Tolerant::Found(value)),
        _ => match literal::eval(text) {
            Ok(value) => Ok(Tolerant::Found(value)),
            Err(literal::Error::Depth) => Err(Error::Depth),
            Err(other) => Ok(Tolerant::Invalid(other.to_string())),
        },
    }
}

/// What stands between the lines of a code fence. A fence that opens and has no second line loses
/// its backticks.
fn without_fence(text: &str) -> &str {
    if !text.starts_with("```") {
        return text;
    }
    let Some((_, body)) = text.split_once('\n') else {
        return strip(text.trim_matches('`'));
    };
    strip(body.rfind("```").map_or(body, |end| &body[..end]))
}

fn whole(text: &str) -> Result<Value, Error> {
    let mut parser = Parser::new(text, Dialect::Python);
    let value = parser.value()?;
    parser.space();
    if parser.pos < text.len() {
        return Err(Error::Syntax {
            expected: "end of text",
            offset: parser.pos,
        });
    }
    Ok(value)
}

fn inside(text: &str) -> Result<Option<Value>, Error> {
    for (start, _) in text.match_indices(['{', '[']).take(STARTS) {
        match Parser::new(&text[start..], Dialect::Python).value() {
            Ok(value) => return Ok(Some(value)),
            Err(Error::Depth) => return Err(Error::Depth),
            Err(_) => {}
        }
    }
    Ok(None)
}
