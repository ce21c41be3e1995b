//! Literals, arithmetic and logic: the smallest data nodes.

use super::{Category, Lower, NodeType, opt, pin};

const LITERAL: NodeType = NodeType {
    name: "",
    category: Category::Literal,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &["literalValue"],
    pure_without_pins: true,
    lower: Lower::Literal,
};

const MATH: NodeType = NodeType {
    name: "",
    category: Category::Math,
    doc: "",
    inputs: &[],
    outputs: &[pin("result", "number")],
    config: &[],
    pure_without_pins: true,
    lower: Lower::Builtin,
};

const LOGIC: NodeType = NodeType {
    name: "",
    category: Category::Logic,
    doc: "",
    inputs: &[],
    outputs: &[pin("result", "boolean")],
    config: &[],
    pure_without_pins: true,
    lower: Lower::Builtin,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "literal_string",
        doc: "A text written into the flow.",
        outputs: &[pin("value", "string")],
        ..LITERAL
    },
    NodeType {
        name: "literal_number",
        doc: "A number written into the flow; an integer stays an integer.",
        outputs: &[pin("value", "number")],
        ..LITERAL
    },
    NodeType {
        name: "literal_boolean",
        doc: "True or false, written into the flow.",
        outputs: &[pin("value", "boolean")],
        ..LITERAL
    },
    NodeType {
        name: "literal_json",
        doc: "Any JSON value written into the flow, most often an object.",
        outputs: &[pin("value", "object")],
        ..LITERAL
    },
    NodeType {
        name: "literal_array",
        doc: "A list written into the flow.",
        outputs: &[pin("value", "array")],
        ..LITERAL
    },
    NodeType {
        name: "json_schema",
        doc: "A JSON Schema written into the flow, for nodes that ask for structured answers.",
        outputs: &[pin("value", "object")],
        ..LITERAL
    },
    NodeType {
        name: "add",
        doc: "The sum of two numbers, as a float.",
        inputs: &[opt("a", "number", "0"), opt("b", "number", "0")],
        ..MATH
    },
    NodeType {
        name: "subtract",
        doc: "The first number less the second, as a float.",
        inputs: &[opt("a", "number", "0"), opt("b", "number", "0")],
        ..MATH
    },
    NodeType {
        name: "multiply",
        doc: "The product of two numbers, as a float.",
        inputs: &[opt("a", "number", "0"), opt("b", "number", "0")],
        ..MATH
    },
    NodeType {
        name: "divide",
        doc: "The first number divided by the second. Dividing by zero is an error.",
        inputs: &[opt("a", "number", "0"), opt("b", "number", "1")],
        ..MATH
    },
    NodeType {
        name: "modulo",
        doc: "The remainder of a division; it takes the sign of the divisor. A zero divisor is an error.",
        inputs: &[opt("a", "number", "0"), opt("b", "number", "1")],
        ..MATH
    },
    NodeType {
        name: "power",
        doc: "A number raised to a power, as a float.",
        inputs: &[opt("base", "number", "0"), opt("exp", "number", "1")],
        ..MATH
    },
    NodeType {
        name: "abs",
        doc: "A number without its sign, as a float.",
        inputs: &[opt("value", "number", "0")],
        ..MATH
    },
    NodeType {
        name: "round",
        doc: "A number rounded to some decimals; halves go to the even neighbour (2.5 becomes 2.0).",
        inputs: &[opt("value", "number", "0"), opt("decimals", "number", "0")],
        ..MATH
    },
    NodeType {
        name: "random_int",
        doc: "A whole number between two bounds, both included. Every read draws anew.",
        inputs: &[opt("min", "number", "0"), opt("max", "number", "100")],
        ..MATH
    },
    NodeType {
        name: "random_float",
        doc: "A number between two bounds. Every read draws anew.",
        inputs: &[opt("min", "number", "0"), opt("max", "number", "1")],
        ..MATH
    },
    NodeType {
        name: "compare",
        doc: "Compares two values with ==, !=, <, <=, > or >=. Values that have no order (text and number, null) compare as false.",
        inputs: &[pin("a", "any"), opt("op", "string", "\"==\""), pin("b", "any")],
        ..LOGIC
    },
    NodeType {
        name: "not",
        doc: "True when the value is empty, zero, false or null.",
        inputs: &[opt("value", "boolean", "false")],
        ..LOGIC
    },
    NodeType {
        name: "and",
        doc: "True when both values count as true.",
        inputs: &[opt("a", "boolean", "false"), opt("b", "boolean", "false")],
        ..LOGIC
    },
    NodeType {
        name: "or",
        doc: "True when at least one value counts as true.",
        inputs: &[opt("a", "boolean", "false"), opt("b", "boolean", "false")],
        ..LOGIC
    },
    NodeType {
        name: "coalesce",
        doc: "The first of its inputs, in pin order, that is there and not null.",
        inputs: &[pin("a", "any"), pin("b", "any")],
        outputs: &[pin("result", "any")],
        ..LOGIC
    },
];
