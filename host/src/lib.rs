//! Flowgate: a durable run gateway whose workflows are sandboxed WebAssembly.

pub mod api;
pub mod artifacts;
pub mod blobs;
pub mod bundles;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod config;
pub mod effects;
#[cfg(test)]
mod fuzz;
pub mod ids;
pub mod journal;
pub mod migrate;
pub mod record;
pub mod runner;
pub mod sandbox;
pub mod schedules;
pub mod security;
pub mod telemetry;
pub mod workspace;
