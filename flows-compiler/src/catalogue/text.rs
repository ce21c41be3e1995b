//! String nodes: data nodes over text.

use super::{Category, Lower, NodeType, opt, pin};

const STRING: NodeType = NodeType {
    name: "",
    category: Category::String,
    doc: "",
    inputs: &[],
    outputs: &[pin("result", "string")],
    config: &[],
    pure_without_pins: true,
    lower: Lower::Builtin,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "concat",
        doc: "Joins its inputs, in pin order, with a separator. Inputs that are missing are left out.",
        inputs: &[pin("a", "string"), pin("b", "string")],
        config: &["concatConfig"],
        ..STRING
    },
    NodeType {
        name: "split",
        doc: "Cuts a text at a delimiter into a list; parts are trimmed unless told otherwise.",
        inputs: &[
            opt("text", "string", "\"\""),
            opt("delimiter", "string", "\",\""),
            opt("trim", "boolean", "true"),
            opt("drop_empty", "boolean", "true"),
            pin("maxsplit", "number"),
        ],
        outputs: &[pin("result", "array")],
        ..STRING
    },
    NodeType {
        name: "join",
        doc: "Joins the items of a list with a delimiter.",
        inputs: &[pin("items", "array"), opt("delimiter", "string", "\",\"")],
        ..STRING
    },
    NodeType {
        name: "format",
        doc: "Fills `{name}` placeholders, with Python's format specifications, from an object.",
        inputs: &[opt("template", "string", "\"\""), opt("values", "object", "{}")],
        ..STRING
    },
    NodeType {
        name: "string_template",
        doc: "Fills `{{ path | filter }}` placeholders from an object. Filters: json, join, trim, lower, upper.",
        inputs: &[opt("template", "string", "\"\""), opt("vars", "object", "{}")],
        ..STRING
    },
    NodeType {
        name: "uppercase",
        doc: "The text in capitals.",
        inputs: &[opt("text", "string", "\"\"")],
        ..STRING
    },
    NodeType {
        name: "lowercase",
        doc: "The text in small letters.",
        inputs: &[opt("text", "string", "\"\"")],
        ..STRING
    },
    NodeType {
        name: "trim",
        doc: "The text without the blanks around it.",
        inputs: &[opt("text", "string", "\"\"")],
        ..STRING
    },
    NodeType {
        name: "substring",
        doc: "A part of the text, from `start` up to but without `end`; negative positions count from the end.",
        inputs: &[
            opt("text", "string", "\"\""),
            opt("start", "number", "0"),
            pin("end", "number"),
        ],
        ..STRING
    },
    NodeType {
        name: "length",
        doc: "How many characters the text has.",
        inputs: &[opt("text", "string", "\"\"")],
        outputs: &[pin("result", "number")],
        ..STRING
    },
    NodeType {
        name: "is_empty_string",
        doc: "True for an empty text and for null.",
        inputs: &[pin("text", "string")],
        outputs: &[pin("result", "boolean")],
        ..STRING
    },
    NodeType {
        name: "contains",
        doc: "True when the text contains the pattern; an empty pattern is in no text.",
        inputs: &[pin("text", "string"), pin("pattern", "string")],
        outputs: &[pin("result", "boolean")],
        ..STRING
    },
    NodeType {
        name: "replace",
        doc: "Replaces a pattern in the text: every occurrence, the first one, or a given number of them.",
        inputs: &[
            pin("text", "string"),
            pin("pattern", "string"),
            opt("replacement", "string", "\"\""),
            opt("mode", "string", "\"all\""),
        ],
        ..STRING
    },
];
