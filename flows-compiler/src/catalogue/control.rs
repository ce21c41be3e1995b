//! Control flow, the entry and exit of a flow, passive and active event nodes, and the internal `join_exec`.

use super::{Category, EXEC_IN, EXEC_OUT, EXECUTION, Lower, NodeType, opt, pin};

const CONTROL: NodeType = NodeType {
    name: "",
    category: Category::Control,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: false,
    lower: Lower::Control,
};

const EVENT: NodeType = NodeType {
    name: "",
    category: Category::Event,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: false,
    lower: Lower::Function,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "if",
        doc: "Goes on at `true` or at `false`. Any value counts: only null, false, 0 and what is empty are false, so the text \"false\" is true.",
        inputs: &[EXEC_IN, pin("condition", "boolean")],
        outputs: &[pin("true", EXECUTION), pin("false", EXECUTION)],
        lower: Lower::Function,
        ..CONTROL
    },
    NodeType {
        name: "switch",
        doc: "Goes on at the first case whose text equals the value's text, else at `default`.",
        inputs: &[EXEC_IN, pin("value", "any")],
        outputs: &[pin("default", EXECUTION)],
        config: &["switchConfig"],
        lower: Lower::Function,
        ..CONTROL
    },
    NodeType {
        name: "loop",
        doc: "Runs its body once for each item of a list, then goes on at `done`. The list is read once.",
        inputs: &[EXEC_IN, pin("items", "array")],
        outputs: &[
            pin("loop", EXECUTION),
            pin("done", EXECUTION),
            pin("item", "any"),
            pin("index", "number"),
            pin("total", "number"),
        ],
        ..CONTROL
    },
    NodeType {
        name: "for",
        doc: "Runs its body for the numbers from `start` up to but without `end`, then goes on at `done`.",
        inputs: &[
            EXEC_IN,
            pin("start", "number"),
            pin("end", "number"),
            opt("step", "number", "1"),
        ],
        outputs: &[
            pin("loop", EXECUTION),
            pin("done", EXECUTION),
            pin("i", "number"),
            pin("index", "number"),
            pin("total", "number"),
        ],
        ..CONTROL
    },
    NodeType {
        name: "while",
        doc: "Runs its body as long as the condition counts as true, then goes on at `done`. The condition is read before every pass.",
        inputs: &[EXEC_IN, pin("condition", "boolean")],
        outputs: &[
            pin("loop", EXECUTION),
            pin("done", EXECUTION),
            pin("item", "any"),
            pin("index", "number"),
        ],
        ..CONTROL
    },
    NodeType {
        name: "sequence",
        doc: "Runs its branches one after the other, in order.",
        inputs: &[EXEC_IN],
        outputs: &[pin("then:0", EXECUTION), pin("then:1", EXECUTION)],
        ..CONTROL
    },
    NodeType {
        name: "parallel",
        doc: "Runs its branches and then goes on at `completed`. The branches run one after the other, in order.",
        inputs: &[EXEC_IN],
        outputs: &[
            pin("then:0", EXECUTION),
            pin("then:1", EXECUTION),
            pin("completed", EXECUTION),
        ],
        ..CONTROL
    },
    NodeType {
        name: "on_flow_start",
        doc: "Where a run begins; its outputs are the parameters of the flow.",
        outputs: &[EXEC_OUT],
        ..EVENT
    },
    NodeType {
        name: "on_flow_end",
        doc: "Ends the run; its inputs are the run's output.",
        inputs: &[EXEC_IN],
        ..EVENT
    },
    NodeType {
        name: "on_user_request",
        doc: "Where a run begins that a user's message started.",
        outputs: &[EXEC_OUT, opt("message", "string", "\"\""), opt("context", "object", "{}")],
        ..EVENT
    },
    NodeType {
        name: "on_agent_message",
        doc: "Where a run begins that another agent's message started.",
        outputs: &[
            EXEC_OUT,
            opt("sender", "string", "\"unknown\""),
            opt("message", "string", "\"\""),
            opt("channel", "string", "\"\""),
        ],
        config: &["eventConfig"],
        ..EVENT
    },
    NodeType {
        name: "on_schedule",
        doc: "Goes on after an interval such as `15s`, again and again, or once at a point in time.",
        inputs: &[
            EXEC_IN,
            opt("schedule", "string", "\"15s\""),
            opt("recurrent", "boolean", "true"),
        ],
        outputs: &[EXEC_OUT, pin("timestamp", "string"), pin("recurrent", "boolean")],
        config: &["eventConfig"],
        lower: Lower::Event,
        ..EVENT
    },
    NodeType {
        name: "on_event",
        doc: "Waits for an event and runs its branch each time it comes, as a child run of its own.",
        inputs: &[pin("name", "string"), opt("scope", "string", "\"session\"")],
        outputs: &[
            EXEC_OUT,
            pin("event", "object"),
            pin("payload", "any"),
            pin("event_id", "string"),
            pin("name", "string"),
        ],
        config: &["eventConfig"],
        lower: Lower::Event,
        ..EVENT
    },
    NodeType {
        name: "join_exec",
        category: Category::Internal,
        doc: "Where several execution edges meet; it knows by which one execution arrived. Made by the compiler, never drawn.",
        inputs: &[EXEC_IN],
        outputs: &[
            EXEC_OUT,
            pin("which", "number"),
            pin("from", "string"),
            pin("from_handle", "string"),
        ],
        lower: Lower::Join,
        ..CONTROL
    },
];
