//! Compiles VisualFlow graphs to WebAssembly components.
//!
//! Data flows one way: [`bundle`] (bytes -> documents) -> [`visualflow`] (document -> typed nodes and edges) -> [`graph`]
//! (checked graph: exec and pure nodes, wires, routes) -> code generation -> component. The crate does no I/O beyond reading
//! the bundle it is given and knows nothing of the host.

pub mod bundle;
pub mod catalogue;
mod codegen;
mod component;
pub mod diagnostic;
pub mod graph;
pub mod python;
pub mod visualflow;

pub use component::{
    Component, Import, ImportKind, Link, RUNTIME_IMPORT, RUNTIME_SECTION, Runtime, Surface, compile, runtime, surface,
    validated_surface,
};
