//! The log: to standard error, text for people or one JSON object a line for machines.
//!
//! Invariant: a bearer token never reaches a log. Tokens live in types whose debug output hides them, and no span records a
//! request's headers.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process. Later calls change nothing, so tests may each call it.
pub fn init(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    } else {
        builder
            .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
            .with_target(false)
            .try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
