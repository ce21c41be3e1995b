//! Harness of the black-box tests: builds and starts the real `flowgate` binary and talks to it as any client does.
//!
//! Nothing here links to the host or the compiler. What a test knows, it knows from HTTP, from the command line, or from the files
//! that an operator would look at. Where a helper cannot go on it panics with what the server had to say.

pub mod binary;
pub mod bundle;
pub mod cases;
pub mod crash;
pub mod faults;
pub mod flow;
pub mod gateway;
pub mod guest;
pub mod lean;
pub mod ledger;
pub mod load;
pub mod machine;
pub mod plot;
pub mod random;
pub mod random_flow;
pub mod random_python;
pub mod raw;
pub mod server;
pub mod sse;

pub use bundle::Bundle;
pub use faults::Faults;
pub use flow::Flow;
pub use gateway::{Gateway, Reply};
pub use guest::Guest;
pub use server::{Options, Server};
pub use sse::Stream;

/// The repository's root.
pub fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A bundle directory under `examples/`.
pub fn example(name: &str) -> std::path::PathBuf {
    root().join("examples").join(name)
}
