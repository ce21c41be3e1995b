//! Variables of the run, the conversation context, and what a flow may ask of its host's catalogue.

use super::{Category, EXEC_IN, EXEC_OUT, Lower, NodeType, opt, pin};

const READ: NodeType = NodeType {
    name: "",
    category: Category::VariableRead,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: true,
    lower: Lower::Builtin,
};

const WRITE: NodeType = NodeType {
    name: "",
    category: Category::VariableWrite,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: false,
    lower: Lower::VariableWriter,
};

const HOST: NodeType = NodeType {
    name: "",
    category: Category::HostDiscovery,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &["providerModelsConfig"],
    pure_without_pins: false,
    lower: Lower::Builtin,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "get_var",
        doc: "A variable of the run, by name or dotted path; null when it is not set.",
        inputs: &[pin("name", "string")],
        outputs: &[pin("value", "any")],
        ..READ
    },
    NodeType {
        name: "get_context",
        doc: "The run's conversation: the whole context, its task and its messages.",
        outputs: &[pin("context", "object"), pin("task", "string"), pin("messages", "array")],
        ..READ
    },
    NodeType {
        name: "bool_var",
        doc: "A declared boolean variable: its value in the run, or its default when it is not a boolean there.",
        outputs: &[pin("name", "string"), pin("value", "boolean")],
        config: &["literalValue"],
        ..READ
    },
    NodeType {
        name: "var_decl",
        doc: "A declared variable with a type: its value in the run if it has that type, else its default.",
        outputs: &[pin("name", "string"), pin("value", "any")],
        config: &["literalValue"],
        ..READ
    },
    NodeType {
        name: "provider_catalog",
        doc: "The names of the model providers that the host offers.",
        inputs: &[pin("allowed_providers", "array")],
        outputs: &[pin("providers", "array")],
        config: &[],
        ..HOST
    },
    NodeType {
        name: "provider_models",
        doc: "The models of one provider, filtered by name and by what they can do.",
        inputs: &[
            pin("provider", "provider"),
            pin("allowed_models", "array"),
            pin("capability_route", "string"),
            pin("capability_routes", "array"),
        ],
        outputs: &[pin("provider", "provider"), pin("models", "array"), pin("error", "string")],
        ..HOST
    },
    NodeType {
        name: "model_catalog",
        doc: "One provider and model out of what the host offers, by position. Deprecated: use provider_models.",
        inputs: &[
            pin("allowed_providers", "array"),
            pin("allowed_models", "array"),
            opt("index", "number", "0"),
        ],
        outputs: &[
            pin("providers", "array"),
            pin("models", "array"),
            pin("pair", "object"),
            pin("provider", "provider"),
            pin("model", "model"),
        ],
        config: &["modelCatalogConfig"],
        ..HOST
    },
    NodeType {
        name: "set_var",
        doc: "Sets a variable of the run, by name or dotted path. Names that begin with `_` are reserved.",
        inputs: &[EXEC_IN, pin("name", "string"), pin("value", "any")],
        outputs: &[EXEC_OUT, pin("value", "any")],
        ..WRITE
    },
    NodeType {
        name: "set_vars",
        doc: "Sets several variables at once from an object, all or none.",
        inputs: &[EXEC_IN, pin("updates", "object")],
        outputs: &[EXEC_OUT, pin("updates", "object")],
        ..WRITE
    },
    NodeType {
        name: "set_var_property",
        doc: "Sets one property of a variable that holds an object.",
        inputs: &[EXEC_IN, pin("name", "string"), pin("key", "string"), pin("value", "any")],
        outputs: &[EXEC_OUT, pin("value", "object")],
        ..WRITE
    },
    NodeType {
        name: "add_message",
        doc: "Appends a message to the run's conversation.",
        inputs: &[EXEC_IN, opt("role", "string", "\"user\""), opt("content", "string", "\"\"")],
        outputs: &[
            EXEC_OUT,
            pin("message", "object"),
            pin("context", "object"),
            pin("task", "string"),
            pin("messages", "array"),
        ],
        pure_without_pins: true,
        ..WRITE
    },
    NodeType {
        name: "memact_compose",
        doc: "Puts knowledge-graph findings into the run's active memory.",
        inputs: &[
            EXEC_IN,
            pin("kg_result", "object"),
            pin("stimulus", "string"),
            opt("marker", "string", "\"KG:\""),
            pin("max_items", "number"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("ok", "boolean"),
            pin("delta", "object"),
            pin("trace", "object"),
            pin("active_memory", "object"),
            pin("memact_system_prompt", "string"),
            pin("memact_blocks", "array"),
        ],
        ..WRITE
    },
];
