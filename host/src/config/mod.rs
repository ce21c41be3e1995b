//! Settings: one documented table, from which everything else is derived.
//!
//! [`table`] is the only list of settings; flags, environment names, TOML keys, defaults and the reference page come from it.
//! [`resolve`] takes what the command line, the environment and a file say and gives a [`Settings`]; it reads nothing itself but
//! what it is handed, so tests need no process environment. [`startup`] decides whether a server may start with what it got, and
//! [`token`] makes the token of a server that has none. Nothing outside this module reads an environment variable.

mod reference;
mod resolve;
mod settings;
mod sources;
pub mod startup;
mod table;
pub mod token;
mod value;

pub use reference::markdown;
pub use resolve::{Origin, Resolved, resolve};
pub use settings::{Bundles, Journal, Log, LogFormat, Runner, Settings, Token, Workspace};
pub use sources::{Environment, FileSource, Sources, flag_key};
pub use table::{Flag, Setting, all};

/// Why settings cannot be used. Each text names the setting, where its value came from, and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("setting '{key}' from {origin} is '{value}', but must be {allowed}")]
    BadValue {
        key: &'static str,
        origin: Origin,
        value: String,
        allowed: String,
    },
    #[error("unknown setting '{key}' in {file} (flowgate config --markdown lists the settings)")]
    UnknownKey { key: String, file: String },
    #[error("setting '{key}' in {file} must be {allowed}, not {found}")]
    BadType {
        key: String,
        file: String,
        allowed: &'static str,
        found: &'static str,
    },
    #[error("the settings file {file} cannot be read: {reason}")]
    File { file: String, reason: String },
    #[error("{0}")]
    Refused(String),
}

#[cfg(test)]
mod tests;
