//! The checked graph that code is generated from: what is executed, what is only read, and where every value comes from.
//!
//! Made from a [`crate::visualflow::Document`] by [`build`]; every rule of the language's section 3 has been applied, so code
//! generation has no error left to find but an unsupported node type's configuration.

mod build;
mod checks;
mod code;
mod draft;
mod findings;
mod loop_back;
mod lower;
mod reach;
mod routes;
mod subflows;
#[cfg(test)]
mod tests;
mod wires;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::catalogue::NodeType;
use crate::diagnostic::Diagnostic;

pub use build::{RefusedCode, build, build_with};
pub use subflows::qualify_subflows;

/// Index of a node in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIx(pub u32);

/// A flow that can be compiled.
#[derive(Debug)]
pub struct Graph {
    pub id: String,
    /// What its runs are started as: the id, or with the bundle before it once [`qualify_subflows`] has been told of one.
    pub workflow_id: String,
    pub name: String,
    /// Exec nodes reachable from an entry first (in document order, inserted `join_exec` nodes last), then the pure nodes that
    /// they read, each after every pure node that it reads itself.
    pub nodes: Vec<Node>,
    pub entry: NodeIx,
    /// One per `on_event` node, in document order: the entry of its listener, a child run of its own.
    pub listeners: Vec<NodeIx>,
    pub warnings: Vec<Diagnostic>,
}

#[derive(Debug)]
pub struct Node {
    pub id: String,
    pub ty: &'static NodeType,
    pub role: Role,
    /// Declared data pins (never the execution ones), in document order.
    pub inputs: Vec<Pin>,
    pub outputs: Vec<Pin>,
    /// Exec outputs as declared, in document order (`exec-out`, `then:0`, …).
    pub exec_outputs: Vec<String>,
    /// `pinDefaults` that are JSON values, in document order.
    pub defaults: IndexMap<String, Box<RawValue>>,
    /// All other `data` keys, unparsed: `literalValue`, `effectConfig`, `concatConfig`, `subflowId`, `code` …
    pub config: IndexMap<String, Box<RawValue>>,
    /// Data wires into this node: input pin -> where its value comes from, in document order.
    pub wires: IndexMap<String, Source>,
    /// Exec edges out of this node: handle -> target, in document order.
    pub routes: IndexMap<String, NodeIx>,
    /// For a `join_exec` node: the incoming (source node id, handle) pairs in route order. Ways that no entry leads to are in
    /// it too, so a position is the index that `path_mux` selects by.
    pub joins: Vec<(String, String)>,
    /// The Python of a code node.
    pub code: Option<Box<crate::python::mir::Module>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Exec,
    Pure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub id: String,
    /// The declared type as written (`string`, `number`, `any` …).
    pub ty: String,
}

/// Where a wired pin's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Node(NodeIx, String),
    /// The source is an exec node that no entry reaches (or does not exist): the pin stays unresolved, and its default does not apply.
    Never,
}

impl Graph {
    pub fn node(&self, ix: NodeIx) -> &Node {
        &self.nodes[ix.0 as usize]
    }
}
