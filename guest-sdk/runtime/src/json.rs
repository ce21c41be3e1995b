//! JSON text to values and back, and the text styles of Python's `json.dumps`.
//!
//! The strict half ([`parse`], [`write`]) is the runtime's own wire format. The tolerant half
//! ([`loads_tolerant`]) is what flows use to read the output of a language model. Nothing here
//! knows about flows.

mod keys;
mod parse;
mod scan;
mod tolerant;
mod write;

use std::fmt;

pub use parse::parse;
pub(crate) use scan::plain_len;
pub use tolerant::{Tolerant, loads_tolerant};
pub use write::{Sink, Style, to_string, write, write_styled};

/// How many containers may lie inside each other, in text and in values. The bound is what keeps a
/// value that contains itself from being followed for ever, and the stack small.
pub const MAX_DEPTH: usize = 128;

/// Why text is not a value, or a value has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The text is not JSON: what should stand at the byte `offset`.
    Syntax { expected: &'static str, offset: usize },
    /// The number that starts at the byte `offset` is too large for a float.
    Range { offset: usize },
    /// More than [`MAX_DEPTH`] containers inside each other.
    Depth,
    /// JSON has no text for infinities and NaN.
    NonFinite,
}

/// The text of [`Error::Depth`], shared with the other walkers of values.
pub const TOO_DEEP: &str = "value is nested deeper than 128 levels";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Syntax { expected, offset } => write!(f, "expected {expected} at offset {offset}"),
            Error::Range { offset } => write!(f, "number out of range at offset {offset}"),
            Error::Depth => f.write_str(TOO_DEEP),
            Error::NonFinite => f.write_str("non-finite number"),
        }
    }
}

impl std::error::Error for Error {}
