//! Paths into values. Two grammars are in use; see [`find`] and [`get`].

use std::rc::Rc;

use super::chars::{digit, strip};
use super::{Error, Result};
use crate::builtins::Vars;
use crate::value::{Dict, Map, Value};

/// The value at a path of plain keys, `a.b.0` (grammar P2): each part between two dots is a key of
/// an object or, when it is all digits, an index of a list. None when something is missing; a null
/// that is there is found.
pub fn get(root: &Value, path: &str) -> Option<Value> {
    let mut current = root.clone();
    for part in path.split('.') {
        current = child(&current, part)?;
    }
    Some(current)
}

/// [`get`] in the variables of a run.
pub fn lookup_vars(vars: &Vars<'_>, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => vars.get(path),
        Some((name, rest)) => get(&vars.get(name)?, rest),
    }
}

/// The member of an object, or the item of a list when `part` is a decimal index.
fn child(value: &Value, part: &str) -> Option<Value> {
    match value {
        Value::Dict(dict) => dict.get(part),
        Value::List(list) => list.borrow().get(index(part)?).cloned(),
        _ => None,
    }
}

/// A decimal index; one that is too large for any list is none.
fn index(part: &str) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    let mut index = 0_usize;
    for c in part.chars() {
        index = index.checked_mul(10)?.checked_add(usize::from(digit(c)?))?;
    }
    Some(index)
}

/// A step of grammar P1.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    Key(&'a str),
    /// Digits in brackets. None when too large for any list.
    Index(Option<usize>),
}

/// The steps of a path like `a.b[0].c` (grammar P1): runs of characters other than `.`, `[` and
/// `]`, stripped and without the blank ones, and indices in brackets. All else is skipped.
pub fn tokens(path: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = strip(path);
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if !matches!(first, '.' | '[' | ']') {
                let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
                let key = strip(&rest[..end]);
                rest = &rest[end..];
                if !key.is_empty() {
                    return Some(Token::Key(key));
                }
                continue;
            }
            rest = &rest[1..];
            if first == '['
                && let Some((inside, behind)) = rest.split_once(']')
                && !inside.is_empty()
                && inside.chars().all(|c| digit(c).is_some())
            {
                rest = behind;
                return Some(Token::Index(index(inside)));
            }
        }
    })
}

/// The value at a P1 path; null when anything on the way is missing, or when the path has no steps.
/// In an object only keys lead on; in a list indices and keys that are all digits.
pub fn find(root: &Value, path: &str) -> Value {
    let mut tokens = tokens(path).peekable();
    if tokens.peek().is_none() {
        return Value::Null;
    }
    find_tokens(root.clone(), tokens)
}

/// Follows the remaining steps of a path from `current`.
pub fn find_tokens<'a>(mut current: Value, tokens: impl Iterator<Item = Token<'a>>) -> Value {
    for token in tokens {
        let next = match (&current, token) {
            (Value::List(list), Token::Index(Some(index))) => list.borrow().get(index).cloned(),
            (_, Token::Index(_)) => None,
            (_, Token::Key(key)) => child(&current, key),
        };
        match next {
            Some(value) => current = value,
            None => return Value::Null,
        }
    }
    current
}

/// Sets the value at a dotted path of non-empty keys, as the variable nodes do: `a..b` is `a.b`.
/// What is no object on the way is replaced by one. An error when the path names nothing.
pub fn set_dotted(object: &Dict, path: &str, value: Value) -> Result<()> {
    let mut parts = path.split('.').filter(|part| !part.is_empty()).peekable();
    if parts.peek().is_none() {
        return Err(Error::value("Variable name must be non-empty"));
    }
    set_parts(object, parts, value);
    Ok(())
}

/// Sets the value below `object` at the keys `parts`, which has at least one.
pub fn set_parts<'a>(object: &Dict, parts: impl Iterator<Item = &'a str>, value: Value) {
    let mut object = object.clone();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            object.set(part, value);
            return;
        }
        // Read and let go of the cell before it is written: `next` may be `object` itself.
        let next = match object.get(part) {
            Some(Value::Dict(next)) => next,
            _ => {
                let next = Dict::new(Map::default());
                object.set(Rc::<str>::from(part), Value::Dict(next.clone()));
                next
            }
        };
        object = next;
    }
}
