//! Flowgate: a durable run gateway whose workflows are sandboxed WebAssembly.

pub mod api;
pub mod bundles;
pub mod cli;
pub mod clock;
pub mod config;
pub mod ids;
pub mod journal;
pub mod record;
pub mod sandbox;
pub mod security;
pub mod telemetry;
