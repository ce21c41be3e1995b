//! Flowgate: a durable run gateway whose workflows are sandboxed WebAssembly.

pub mod clock;
pub mod ids;
pub mod journal;
pub mod record;
