//! A VisualFlow document, read permissively: what the reference ignores is ignored here, and what it drops is dropped.
//!
//! Owns the document's shape ([`Document`], its nodes, pins and edges) and nothing of its meaning: whether a type exists, what
//! is executed and where a run begins is the business of [`crate::graph`]. Values stay JSON text, so numbers keep their
//! spelling. Data comes as bytes from a bundle and goes to [`crate::graph::build`] and to the pages that describe a flow.

mod describe;
pub(crate) mod json;
mod parse;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::catalogue::EXECUTION;
use crate::diagnostic::Diagnostic;

pub use describe::{InputSchema, NodeLabel, StartPin, input_schema, node_index, start_pins};

/// How deep a document may nest, the document itself counted.
pub const MAX_DEPTH: usize = 128;

/// Most bytes of an id, a handle or a route key. Messages repeat them, so without a bound a small document could ask for a
/// very large answer.
pub const MAX_NAME: usize = 1024;

/// The target handle that makes an edge an execution edge.
pub const EXEC_IN: &str = "exec-in";
/// The execution output of nodes that do not branch.
pub const EXEC_OUT: &str = "exec-out";

/// A flow as its document says it.
#[derive(Debug, Clone)]
pub struct Document {
    pub id: String,
    pub name: String,
    pub description: String,
    pub interfaces: Vec<String>,
    /// In document order; ids may repeat (the graph refuses what matters).
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// `entryNode`, when it is a text.
    pub entry: Option<String>,
    /// What was dropped while reading; the first few.
    pub warnings: Vec<Diagnostic>,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub id: String,
    /// Trimmed; `NodeType.FOO` and `{"value": "foo"}` have become `foo`.
    pub ty: String,
    /// Declared pins that have an id, execution pins included.
    pub inputs: Vec<Pin>,
    pub outputs: Vec<Pin>,
    /// The document lists pins for this node at all, even nameless ones.
    pub declares_pins: bool,
    /// One of them, in or out, is of type `execution`.
    pub declares_execution: bool,
    /// Old documents repeat the pins outside `data`; only the packer looks there.
    pub legacy_execution: bool,
    /// `pinDefaults`.
    pub defaults: IndexMap<String, Box<RawValue>>,
    /// `entryRoutes` that name a source.
    pub entry_routes: Vec<EntryRoute>,
    /// `inputRouteOverrides`: pin -> route key -> (source node, its pin).
    pub route_overrides: IndexMap<String, IndexMap<String, (String, String)>>,
    /// Every other key of `data`, unparsed.
    pub config: IndexMap<String, Box<RawValue>>,
}

#[derive(Debug, Clone)]
pub struct Pin {
    pub id: String,
    /// As written; empty when it is not a text.
    pub ty: String,
    pub label: Option<String>,
    /// A JSON Schema of the pin's value, if the author gave one.
    pub schema: Option<Box<RawValue>>,
}

impl Pin {
    pub fn is_execution(&self) -> bool {
        self.ty == EXECUTION
    }
}

/// One way into a node that has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRoute {
    pub key: String,
    pub source: String,
    pub handle: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub source: String,
    pub source_handle: String,
    pub target: String,
    pub target_handle: String,
    /// The edge carries a `loopLimit`.
    pub limited: bool,
}

impl Edge {
    pub fn is_exec(&self) -> bool {
        self.target_handle == EXEC_IN
    }

    pub fn is_data(&self) -> bool {
        !self.is_exec() && self.source_handle != EXEC_OUT
    }
}

/// Why bytes are not a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("the flow document has {size} bytes; at most {limit} are allowed")]
    TooLarge { size: usize, limit: usize },
    #[error("the flow document is nested deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("the flow document is not UTF-8 text (byte {at})")]
    NotText { at: usize },
    #[error("the flow document is not valid JSON: {0}")]
    NotJson(String),
    #[error("VisualFlow must be a JSON object")]
    NotAnObject,
    #[error("VisualFlow missing required 'id'")]
    MissingId,
    #[error("the flow's id is longer than {limit} bytes")]
    IdTooLong { limit: usize },
}

impl Document {
    /// Reads a document of at most `max_bytes`.
    pub fn parse(bytes: &[u8], max_bytes: usize) -> Result<Self, ParseError> {
        parse::document(bytes, max_bytes)
    }
}

impl Node {
    /// The declared label, if it is not blank.
    pub fn label(&self) -> Option<String> {
        json::filled(self.config.get("label").map(|value| &**value).as_ref())
    }

    /// What people call the node: its label, cut if it is long, or its id.
    pub fn title(&self) -> String {
        let label = self.label().map(|label| label.chars().take(80).collect());
        label.unwrap_or_else(|| self.id.clone())
    }

    /// The flow that a `subflow` node names: the first of `subflowId`, `flowId`, `workflowId`, `workflow_id` that is set.
    pub fn subflow(&self) -> Option<String> {
        subflow_id(&self.config)
    }
}

/// The keys under which a `subflow` node may name its flow, first wins.
pub const SUBFLOW_KEYS: [&str; 4] = ["subflowId", "flowId", "workflowId", "workflow_id"];

pub(crate) fn subflow_id(config: &IndexMap<String, Box<RawValue>>) -> Option<String> {
    SUBFLOW_KEYS
        .iter()
        .filter_map(|key| config.get(*key))
        .map(|value| json::scalar(Some(&&**value)).trim().to_owned())
        .find(|id| !id.is_empty())
}
