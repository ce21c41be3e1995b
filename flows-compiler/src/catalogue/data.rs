//! Data nodes over objects and lists, and the internal `path_mux`.

use super::{Category, Lower, NodeType, opt, pin};

const DATA: NodeType = NodeType {
    name: "",
    category: Category::Data,
    doc: "",
    inputs: &[],
    outputs: &[pin("result", "any")],
    config: &[],
    pure_without_pins: true,
    lower: Lower::Builtin,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "get",
        doc: "Reads a path such as `user.tags[0]` out of an object; the default stands in for null and for what is not there.",
        inputs: &[opt("object", "object", "{}"), pin("key", "string"), pin("default", "any")],
        outputs: &[pin("value", "any")],
        ..DATA
    },
    NodeType {
        name: "set",
        doc: "A copy of an object with one (dotted) property set.",
        inputs: &[opt("object", "object", "{}"), pin("key", "string"), pin("value", "any")],
        outputs: &[pin("result", "object")],
        ..DATA
    },
    NodeType {
        name: "merge",
        doc: "Two objects in one; where both have a key the second wins.",
        inputs: &[opt("a", "object", "{}"), opt("b", "object", "{}")],
        outputs: &[pin("result", "object")],
        ..DATA
    },
    NodeType {
        name: "make_object",
        doc: "An object with one key for each input pin.",
        outputs: &[pin("result", "object")],
        ..DATA
    },
    NodeType {
        name: "edit_json_schema",
        doc: "Adds the properties of a schema fragment to a JSON Schema; what the schema already says stays.",
        inputs: &[pin("schema", "object")],
        outputs: &[pin("schema", "object")],
        config: &["literalValue"],
        ..DATA
    },
    NodeType {
        name: "make_context",
        doc: "A conversation context of a task, messages and further keys.",
        inputs: &[
            pin("task", "string"),
            pin("messages", "array"),
            pin("context_extra", "object"),
        ],
        outputs: &[pin("context", "object")],
        ..DATA
    },
    NodeType {
        name: "make_meta",
        doc: "A record of how an answer came about: model, usage, counts, warnings.",
        inputs: &[
            opt("schema", "string", "\"abstractcode.agent.v1.meta\""),
            opt("version", "number", "1"),
            pin("output_mode", "string"),
            pin("provider", "provider"),
            pin("model", "model"),
            pin("sub_run_id", "string"),
            pin("iterations", "number"),
            pin("tool_calls", "number"),
            pin("tool_results", "number"),
            pin("finish_reason", "string"),
            pin("gen_time", "number"),
            pin("ttft_ms", "number"),
            pin("usage", "object"),
            pin("trace", "object"),
            pin("trace_id", "string"),
            pin("warnings", "array"),
            pin("debug", "object"),
            pin("extra", "object"),
        ],
        outputs: &[pin("meta", "object")],
        ..DATA
    },
    NodeType {
        name: "make_scratchpad",
        doc: "An agent's working record in its normal form.",
        inputs: &[
            pin("sub_run_id", "string"),
            pin("workflow_id", "string"),
            pin("task", "string"),
            opt("messages", "array", "[]"),
            pin("context_extra", "object"),
            opt("node_traces", "object", "{}"),
            opt("steps", "array", "[]"),
            opt("tool_calls", "array", "[]"),
            opt("tool_results", "array", "[]"),
        ],
        outputs: &[pin("scratchpad", "object")],
        ..DATA
    },
    NodeType {
        name: "get_element",
        doc: "The item of a list at a position; negative positions count from the end.",
        inputs: &[pin("array", "array"), opt("index", "number", "0"), pin("default", "any")],
        outputs: &[pin("result", "any"), pin("found", "boolean")],
        ..DATA
    },
    NodeType {
        name: "get_random_element",
        doc: "An item of a list drawn at random. Every read draws anew.",
        inputs: &[pin("array", "array"), pin("default", "any")],
        outputs: &[pin("result", "any"), pin("found", "boolean")],
        ..DATA
    },
    NodeType {
        name: "array_map",
        doc: "One property of every object in a list; other items stay as they are.",
        inputs: &[opt("items", "array", "[]"), pin("key", "string")],
        outputs: &[pin("result", "array")],
        ..DATA
    },
    NodeType {
        name: "array_filter",
        doc: "The items of a list whose property (or, for plain values, the item itself) equals a value.",
        inputs: &[opt("items", "array", "[]"), pin("key", "string"), pin("value", "any")],
        outputs: &[pin("result", "array")],
        ..DATA
    },
    NodeType {
        name: "array_length",
        doc: "How many items a list has; 0 for anything that is not a list.",
        inputs: &[pin("array", "array")],
        outputs: &[pin("result", "number")],
        ..DATA
    },
    NodeType {
        name: "has_tools",
        doc: "True for a list that is not empty.",
        inputs: &[pin("array", "array")],
        outputs: &[pin("result", "boolean")],
        ..DATA
    },
    NodeType {
        name: "array_append",
        doc: "A copy of a list with one more item.",
        inputs: &[pin("array", "array"), pin("item", "any")],
        outputs: &[pin("result", "array")],
        ..DATA
    },
    NodeType {
        name: "array_dedup",
        doc: "A list without its repetitions, told apart by a key if one is given. The first of equals stays.",
        inputs: &[pin("array", "array"), pin("key", "string")],
        outputs: &[pin("result", "array")],
        ..DATA
    },
    NodeType {
        name: "array_concat",
        doc: "The items of all inputs, in pin order, in one list; inputs that are not lists are added as items.",
        inputs: &[pin("a", "array"), pin("b", "array")],
        outputs: &[pin("result", "array")],
        pure_without_pins: false,
        ..DATA
    },
    NodeType {
        name: "make_array",
        doc: "A list of the inputs, in pin order; missing and null ones are left out.",
        inputs: &[pin("a", "any"), pin("b", "any")],
        outputs: &[pin("result", "array")],
        pure_without_pins: false,
        ..DATA
    },
    NodeType {
        name: "parse_json",
        doc: "Reads JSON out of a text, tolerating code fences, text around it and Python's spelling.",
        inputs: &[pin("text", "string"), opt("wrap_scalar", "boolean", "true")],
        outputs: &[pin("result", "object")],
        ..DATA
    },
    NodeType {
        name: "stringify_json",
        doc: "Writes a value as JSON text: on one line, minified, or indented.",
        inputs: &[
            pin("value", "any"),
            pin("mode", "string"),
            pin("indent", "number"),
            opt("sort_keys", "boolean", "false"),
        ],
        outputs: &[pin("result", "string")],
        ..DATA
    },
    NodeType {
        name: "format_tool_results",
        doc: "One readable line for each tool result.",
        inputs: &[pin("tool_results", "array")],
        outputs: &[pin("result", "string")],
        ..DATA
    },
    NodeType {
        name: "agent_trace_report",
        doc: "A Markdown report of what an agent did, from its scratchpad.",
        inputs: &[pin("scratchpad", "object")],
        outputs: &[pin("result", "string")],
        ..DATA
    },
    NodeType {
        name: "system_datetime",
        doc: "The time of the step, with its time zone.",
        outputs: &[
            pin("iso", "string"),
            pin("timezone", "string"),
            pin("utc_offset_minutes", "number"),
            pin("locale", "string"),
        ],
        ..DATA
    },
    NodeType {
        name: "tools_allowlist",
        doc: "A list of tool names written into the flow.",
        outputs: &[pin("tools", "tools")],
        config: &["literalValue"],
        ..DATA
    },
    NodeType {
        name: "break_object",
        doc: "One output for each selected path of an object; JSON text is read first.",
        inputs: &[pin("object", "object")],
        outputs: &[],
        config: &["breakConfig"],
        ..DATA
    },
    NodeType {
        name: "tool_parameters",
        doc: "A tool call made of its inputs, each of which is also passed through.",
        outputs: &[pin("tool_call", "object")],
        config: &["toolParametersConfig"],
        ..DATA
    },
    NodeType {
        name: "path_mux",
        category: Category::Internal,
        doc: "Chooses the value of the route by which execution arrived. Made by the compiler, never drawn.",
        inputs: &[opt("select", "number", "0"), pin("fallback", "any")],
        outputs: &[pin("out", "any")],
        ..DATA
    },
];
