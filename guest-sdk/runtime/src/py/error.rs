//! What Python would have raised.

use std::fmt;

use crate::{builtins, json};

/// The class of an exception, as far as flows can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Type,
    Value,
    Overflow,
    ZeroDivision,
    Key,
    Index,
    Attribute,
    /// Nested too deep to follow.
    Recursion,
}

/// An exception: its class, and its `str()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub text: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Error { kind, text: text.into() }
    }
    pub fn type_error(text: impl Into<String>) -> Self {
        Error::new(Kind::Type, text)
    }
    pub fn value(text: impl Into<String>) -> Self {
        Error::new(Kind::Value, text)
    }
    pub fn overflow(text: impl Into<String>) -> Self {
        Error::new(Kind::Overflow, text)
    }
    /// More than [`json::MAX_DEPTH`] containers inside each other.
    pub fn too_deep() -> Self {
        Error::new(Kind::Recursion, json::TOO_DEEP)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<json::Error> for Error {
    fn from(error: json::Error) -> Self {
        match error {
            json::Error::Depth => Error::too_deep(),
            other => Error::value(other.to_string()),
        }
    }
}

impl From<Error> for builtins::Error {
    fn from(error: Error) -> Self {
        builtins::Error(error.text)
    }
}

impl From<json::Error> for builtins::Error {
    fn from(error: json::Error) -> Self {
        builtins::Error(error.to_string())
    }
}
