//! Builds Rust crates as components of the flow world: finds a compiler, compiles, gives panics a way out, wraps the core module.
//!
//! Used by `flowgate pack` for guests and by `build-runtime` for `flow-rt`.

mod guest;
mod toolchain;
mod unwind;

pub use guest::{Guest, build};
pub use toolchain::cargo;
pub use unwind::unwinding;

/// A core module with the bindings of a world as a component.
///
/// # Errors
/// The module imports or exports something that is not its world's.
pub fn component(core: &[u8]) -> anyhow::Result<Vec<u8>> {
    wit_component::ComponentEncoder::default()
        .module(core)?
        .validate(true)
        .encode()
}
