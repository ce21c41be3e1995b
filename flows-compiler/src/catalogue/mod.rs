//! The node types of the language: one entry each, from which the compiler, the editor's palette and the reference page are made.
//!
//! Owns what a node type *is* (pins, defaults, configuration keys, how it becomes code); knows nothing of documents or graphs.
//! The entries lie in one file a group of categories; [`lookup`] finds them by name.

mod code_files;
mod control;
mod data;
mod effects;
mod media;
mod memory;
mod reference;
mod text;
mod values;
mod variables;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use reference::markdown;

/// The entries of every group, in the order of the language reference.
static GROUPS: [&[NodeType]; 9] = [
    values::TYPES,
    text::TYPES,
    data::TYPES,
    variables::TYPES,
    code_files::TYPES,
    control::TYPES,
    effects::TYPES,
    media::TYPES,
    memory::TYPES,
];

static ALL: LazyLock<Vec<NodeType>> = LazyLock::new(|| GROUPS.iter().copied().flatten().copied().collect());

static BY_NAME: LazyLock<HashMap<&'static str, &'static NodeType>> =
    LazyLock::new(|| all().iter().map(|ty| (ty.name, ty)).collect());

/// The node type of this name, exactly as a document writes it.
pub fn lookup(name: &str) -> Option<&'static NodeType> {
    BY_NAME.get(name).copied()
}

/// Every node type, in the order of the language reference.
pub fn all() -> &'static [NodeType] {
    &ALL
}

/// One node type.
#[derive(Debug, Clone, Copy)]
pub struct NodeType {
    /// The `type` string in a document.
    pub name: &'static str,
    pub category: Category,
    /// One or two sentences for an author.
    pub doc: &'static str,
    /// Pins of the editor's template, execution pins included (`ty` is [`EXECUTION`]). A document may declare others.
    pub inputs: &'static [PinSpec],
    pub outputs: &'static [PinSpec],
    /// Keys of a node's `data` that it reads beside its pins; the compiler packs them into the node's configuration.
    pub config: &'static [&'static str],
    /// True for the types that stay data nodes when a document declares no pins for them (section 3, rule 4). That are the
    /// reference's own list of functions: `add_message` and `path_mux` are on it, `make_array` and `array_concat` are not.
    pub pure_without_pins: bool,
    pub lower: Lower,
}

#[derive(Debug, Clone, Copy)]
pub struct PinSpec {
    pub id: &'static str,
    pub ty: &'static str,
    /// JSON text of the value used when the pin is absent; none when there is no default.
    pub default: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    Literal,
    Math,
    String,
    Logic,
    Data,
    VariableRead,
    HostDiscovery,
    VariableWrite,
    Code,
    FileAndArtifact,
    Control,
    Event,
    Effect,
    Media,
    Memory,
    Composite,
    Internal,
}

/// How a node type becomes code. The names are functions of the value runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lower {
    /// Its output is `{"value": data.literalValue}`.
    Literal,
    /// A data node: a builtin of this name maps its resolved input to its output. With execution pins it runs as a function node.
    Builtin,
    /// A function-class exec node that the runtime handles under its own name (`on_flow_start`, `on_flow_end`, `if`, `switch`,
    /// `on_user_request`, `on_agent_message`).
    Function,
    /// A Python function of the document, compiled into the flow's module (`code`, `function`).
    Code,
    /// A function-class exec node whose function the host runs: it asks for an effect of its own type with its resolved inputs,
    /// and the outcome is the function's result or error.
    HostFunction,
    /// Reads and writes variables and passes the bus through (`set_var`, `set_vars`, `set_var_property`, `add_message`).
    VariableWriter,
    /// A scheduler node of the control stack: `sequence`, `parallel`, `loop`, `for`, `while`.
    Control,
    /// `join_exec`.
    Join,
    /// Emits an effect request; outputs are mapped from its result.
    Effect,
    /// `on_event`, `on_schedule`, `emit_event`.
    Event,
    /// `subflow`.
    Subflow,
    /// `agent`: the effects of a child run and of what comes before and after it.
    Agent,
}

/// The pin type of execution pins.
pub const EXECUTION: &str = "execution";

impl NodeType {
    /// The template's input pins that carry data.
    pub fn data_inputs(&self) -> impl Iterator<Item = &'static PinSpec> {
        self.inputs.iter().filter(|pin| pin.ty != EXECUTION)
    }

    /// The template's output pins that carry data.
    pub fn data_outputs(&self) -> impl Iterator<Item = &'static PinSpec> {
        self.outputs.iter().filter(|pin| pin.ty != EXECUTION)
    }

    /// The kinds of effects that it always asks for; `agent` and `llm_call` may ask the memory before.
    pub fn effects(&'static self) -> &'static [&'static str] {
        match (self.lower, self.category, self.name) {
            (Lower::Subflow | Lower::Agent, ..) => &["start_subworkflow"],
            (_, _, "listen_voice" | "on_event") => &["wait_event"],
            (_, _, "on_schedule") => &["wait_until"],
            (_, _, "call_tool") => &["tool_calls"],
            (_, Category::Media, _) => &["llm_call"],
            (Lower::Effect | Lower::Event | Lower::HostFunction, ..) => std::slice::from_ref(&self.name),
            _ => &[],
        }
    }

    /// Its value is fixed in the document: never executed, whatever pins are declared.
    pub fn is_literal(&self) -> bool {
        self.lower == Lower::Literal
    }
}

/// A pin without a default: absent or unresolved, it is missing from the node's input.
const fn pin(id: &'static str, ty: &'static str) -> PinSpec {
    PinSpec { id, ty, default: None }
}

/// A pin that reads as `default` (JSON text) when it is absent.
const fn opt(id: &'static str, ty: &'static str, default: &'static str) -> PinSpec {
    PinSpec {
        id,
        ty,
        default: Some(default),
    }
}

const EXEC_IN: PinSpec = pin("exec-in", EXECUTION);
const EXEC_OUT: PinSpec = pin("exec-out", EXECUTION);

#[cfg(test)]
mod tests;
