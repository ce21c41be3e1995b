//! How a command fails.

use std::io::ErrorKind;
use std::process::ExitCode;

/// Why a command did not do what it was told.
#[derive(Debug)]
pub enum Error {
    /// The command line or the settings are wrong: exit code 2.
    Usage(String),
    /// Something went wrong: exit code 1.
    Failed(String),
    /// The reader of standard output has gone: quiet, exit code 1.
    OutputClosed,
}

impl Error {
    pub fn usage(text: impl Into<String>) -> Self {
        Error::Usage(text.into())
    }
    pub fn failed(text: impl Into<String>) -> Self {
        Error::Failed(text.into())
    }
    /// Says it on standard error.
    pub fn report(self) -> ExitCode {
        match self {
            Error::Usage(text) => {
                eprintln!("flowgate: {text}");
                ExitCode::from(2)
            }
            Error::Failed(text) => {
                eprintln!("flowgate: {text}");
                ExitCode::from(1)
            }
            Error::OutputClosed => ExitCode::from(1),
        }
    }
}

impl From<crate::config::Error> for Error {
    fn from(error: crate::config::Error) -> Self {
        Error::Usage(error.to_string())
    }
}

impl From<crate::journal::Error> for Error {
    fn from(error: crate::journal::Error) -> Self {
        Error::Failed(format!("journal: {error}"))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            Error::OutputClosed
        } else {
            Error::Failed(error.to_string())
        }
    }
}
