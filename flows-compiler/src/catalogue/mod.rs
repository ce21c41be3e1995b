//! The node types of the language: one entry each, from which the compiler, the editor's palette and the reference page are made.

/// One node type.
#[derive(Debug)]
pub struct NodeType {
    /// The `type` string in a document.
    pub name: &'static str,
    pub category: Category,
    /// One or two sentences for an author.
    pub doc: &'static str,
    pub inputs: &'static [PinSpec],
    pub outputs: &'static [PinSpec],
    /// Keys of a node's `data` that it reads beside its pins; the compiler packs them into the node's configuration.
    pub config: &'static [&'static str],
    /// True for the types that stay data nodes when a document declares no pins for them (section 3, rule 4).
    pub pure_without_pins: bool,
    pub lower: Lower,
}

#[derive(Debug)]
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
    /// Known, but this version does not compile it: the text says why.
    Unsupported(&'static str),
}
