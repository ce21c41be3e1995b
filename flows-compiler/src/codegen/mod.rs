//! Turns a checked graph into the flow's core module.
//!
//! Three steps, one file each: [`lower`] writes every node as a function of a small IR ([`ir`]), whose calls name runtime
//! functions; [`tables`] collects the constants and node records that those functions refer to; [`encode`] makes the module.
//! What a function of the IR does is fixed at compile time: at run time nobody walks the graph.

mod config;
mod encode;
mod ir;
mod lower;
mod tables;

#[cfg(test)]
pub use encode::encode;
#[cfg(test)]
pub use ir::Program;
pub use ir::{Function, Import, Op};
pub use tables::Tables;

use crate::graph::Graph;

/// The flow's core module. It imports the runtime's functions, memory and table under the module name [`RUNTIME`].
pub fn core_module(graph: &Graph, runtime_digest: &str) -> Vec<u8> {
    let mut tables = tables::Tables::new(graph);
    let program = lower::lower(graph, &mut tables);
    let blob = tables.finish(graph, runtime_digest);
    encode::encode(&program, &blob)
}

/// The name under which a flow imports the runtime's core instance.
pub const RUNTIME: &str = "rt";
