//! Effects on users, time, events, models and tools; and the two nodes that run another workflow.

use super::{Category, EXEC_IN, EXEC_OUT, Lower, NodeType, opt, pin};

const EFFECT: NodeType = NodeType {
    name: "",
    category: Category::Effect,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &["effectConfig"],
    pure_without_pins: false,
    lower: Lower::Effect,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "ask_user",
        doc: "Asks the user and waits for the answer.",
        inputs: &[
            EXEC_IN,
            opt("prompt", "string", "\"Please respond:\""),
            opt("choices", "array", "[]"),
        ],
        outputs: &[EXEC_OUT, pin("response", "string")],
        ..EFFECT
    },
    NodeType {
        name: "answer_user",
        doc: "Sends a message to the user and goes on.",
        inputs: &[
            EXEC_IN,
            opt("message", "string", "\"\""),
            opt("level", "string", "\"message\""),
        ],
        outputs: &[EXEC_OUT, pin("message", "string"), pin("level", "string")],
        ..EFFECT
    },
    NodeType {
        name: "wait_until",
        doc: "Waits for a time span (seconds, minutes, hours) or until a point in time.",
        inputs: &[EXEC_IN, opt("duration", "number", "0")],
        outputs: &[EXEC_OUT, pin("until", "string"), pin("ready", "boolean")],
        ..EFFECT
    },
    NodeType {
        name: "wait_event",
        doc: "Waits until something is sent to this key.",
        inputs: &[
            EXEC_IN,
            opt("event_key", "string", "\"default\""),
            pin("prompt", "string"),
            pin("choices", "array"),
            opt("allow_free_text", "boolean", "true"),
        ],
        outputs: &[EXEC_OUT, pin("event_data", "object")],
        ..EFFECT
    },
    NodeType {
        name: "emit_event",
        doc: "Sends an event to the listeners of the session, the workflow, the run, or all.",
        inputs: &[
            EXEC_IN,
            pin("name", "string"),
            opt("scope", "string", "\"session\""),
            pin("payload", "any"),
            pin("session_id", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("delivered", "number"),
            pin("delivered_to", "array"),
            pin("wait_key", "string"),
            pin("name", "string"),
            pin("scope", "string"),
            pin("resumed", "array"),
        ],
        lower: Lower::Event,
        ..EFFECT
    },
    NodeType {
        name: "llm_call",
        doc: "Asks a language model once, with tools and a schema for the answer if wanted.",
        inputs: &[
            EXEC_IN,
            pin("use_context", "boolean"),
            pin("context", "object"),
            pin("memory", "memory"),
            pin("provider", "provider"),
            pin("model", "model"),
            pin("system", "string"),
            pin("prompt", "string"),
            pin("tools", "tools"),
            pin("prompt_cache_binding", "object"),
            pin("max_in_tokens", "number"),
            pin("max_out_tokens", "number"),
            opt("temperature", "number", "0.7"),
            opt("seed", "number", "-1"),
            pin("thinking", "any"),
            pin("resp_schema", "json_schema"),
            pin("output", "any"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("response", "string"),
            pin("data", "object"),
            pin("tool_calls", "array"),
            pin("success", "boolean"),
            pin("meta", "object"),
        ],
        ..EFFECT
    },
    NodeType {
        name: "tool_calls",
        doc: "Runs the tool calls that a model asked for, as far as they are allowed.",
        inputs: &[EXEC_IN, pin("tool_calls", "array"), pin("allowed_tools", "array")],
        outputs: &[
            EXEC_OUT,
            pin("results", "array"),
            pin("success", "boolean"),
            pin("raw", "object"),
        ],
        ..EFFECT
    },
    NodeType {
        name: "call_tool",
        doc: "Runs one tool call. Deprecated: use tool_calls.",
        inputs: &[EXEC_IN, pin("tool_call", "object"), pin("allowed_tools", "array")],
        outputs: &[
            EXEC_OUT,
            pin("result", "any"),
            pin("success", "boolean"),
            pin("raw", "object"),
        ],
        ..EFFECT
    },
    NodeType {
        name: "model_residency",
        doc: "Loads, unloads or lists the models that the host keeps in memory.",
        inputs: &[
            EXEC_IN,
            opt("operation", "string", "\"list_loaded\""),
            pin("task", "string"),
            pin("provider", "provider"),
            pin("model", "model"),
            pin("runtime_id", "string"),
            pin("base_url", "string"),
            pin("provider_api_key", "string"),
            pin("timeout_s", "number"),
            pin("options", "object"),
            pin("pin", "boolean"),
            pin("required", "boolean"),
            pin("cache_policy", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("success", "boolean"),
            pin("affected_models", "array"),
            pin("models", "array"),
            pin("error", "string"),
            pin("warnings", "array"),
            pin("result", "object"),
        ],
        ..EFFECT
    },
    NodeType {
        name: "subflow",
        category: Category::Composite,
        doc: "Runs another flow as a child run and waits for its output.",
        inputs: &[
            EXEC_IN,
            pin("inherit_context", "boolean"),
            pin("input", "object"),
            pin("child_session_id", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("output", "any"),
            pin("child_output", "object"),
            pin("sub_run_id", "string"),
        ],
        config: &["effectConfig", "subflowId", "flowId", "workflowId", "workflow_id"],
        lower: Lower::Subflow,
        ..EFFECT
    },
    NodeType {
        name: "agent",
        category: Category::Composite,
        doc: "Runs an agent, a language model that uses tools until its task is done, as a child run.",
        inputs: &[
            EXEC_IN,
            pin("prompt", "string"),
            pin("context", "object"),
            pin("memory", "memory"),
            pin("provider", "provider"),
            pin("model", "model"),
            pin("system", "string"),
            pin("tools", "tools"),
            pin("prompt_cache_binding", "object"),
            pin("max_iterations", "number"),
            pin("max_in_tokens", "number"),
            pin("max_out_tokens", "number"),
            opt("temperature", "number", "0.7"),
            opt("seed", "number", "-1"),
            pin("thinking", "any"),
            pin("resp_schema", "json_schema"),
            pin("use_context", "boolean"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("response", "string"),
            pin("data", "object"),
            pin("success", "boolean"),
            pin("meta", "object"),
            pin("scratchpad", "object"),
            pin("tool_calls", "array"),
            pin("tool_results", "array"),
        ],
        config: &["agentConfig"],
        lower: Lower::Agent,
        ..EFFECT
    },
];
