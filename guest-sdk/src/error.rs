//! What a flow can fail with.

use std::fmt;

/// Why a flow, or one of its effects, failed. `?` makes one of every `std::error::Error`.
///
/// It is no `std::error::Error` itself, as `anyhow::Error` is none, and for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An effect failed. The run fails with exactly this text when the flow passes it on.
    Effect(EffectError),
    /// The flow's own reason.
    Flow(String),
}

/// An effect that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectError {
    /// The node that asked.
    pub node: String,
    /// The kind of effect, as the ledger names it.
    pub kind: String,
    /// The host's text; or, for a result that is not what the flow asked for, what is wrong with it.
    pub message: String,
}

impl Error {
    pub fn new(message: impl fmt::Display) -> Self {
        Error::Flow(message.to_string())
    }

    pub fn message(&self) -> &str {
        match self {
            Error::Effect(effect) => &effect.message,
            Error::Flow(message) => message,
        }
    }

    /// The effect that failed, if it was one.
    pub fn effect(&self) -> Option<&EffectError> {
        match self {
            Error::Effect(effect) => Some(effect),
            Error::Flow(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Error::new(error)
    }
}
