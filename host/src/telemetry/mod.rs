//! What an operator sees of a running process: the log, metrics, traces.
//!
//! The log goes to standard error, text for people or one JSON object a line for machines. A line that concerns a run names it as
//! `run_id`; lines of a request carry its `request_id` and `tenant` in `span`.
//!
//! Invariant: a bearer token never reaches a log or a trace. Tokens live in types whose debug output hides them, and no span records a
//! request's headers.

pub mod http;
pub mod metrics;
pub mod traces;

use std::io::IsTerminal as _;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process, and traces if they are asked for. Later calls change nothing, so tests may each call it.
pub fn init(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        lines.with_filter(filter).boxed()
    } else {
        let lines = lines
            .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
            .with_target(false);
        lines.with_filter(filter).boxed()
    };
    let mut layers = vec![lines];
    let mut failed = None;
    if crate::config::Environment::of_process().wants_traces() {
        match traces::layer::<Registry>() {
            Ok(layer) => layers.push(layer.boxed()),
            Err(error) => failed = Some(error),
        }
    }
    if tracing_subscriber::registry().with(layers).try_init().is_err() {
        tracing::debug!("the log was started before");
    }
    if let Some(error) = failed {
        tracing::error!("{error}");
    }
}

/// Sends what is left of the traces; to be called when the process ends.
pub async fn close() {
    if traces::is_on() {
        // The exporter has its own thread and waits for it.
        let _panicked = tokio::task::spawn_blocking(traces::close).await;
    }
}
