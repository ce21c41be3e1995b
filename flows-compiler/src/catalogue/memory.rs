//! Effects on the run's memory: notes, spans and the knowledge graph.

use super::{Category, EXEC_IN, EXEC_OUT, Lower, NodeType, opt, pin};

const MEMORY: NodeType = NodeType {
    name: "",
    category: Category::Memory,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &["effectConfig"],
    pure_without_pins: false,
    lower: Lower::Effect,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "memory_note",
        doc: "Keeps a note in memory.",
        inputs: &[
            EXEC_IN,
            pin("content", "string"),
            pin("tags", "object"),
            pin("sources", "object"),
            pin("location", "string"),
            pin("scope", "string"),
            pin("keep_in_context", "boolean"),
        ],
        outputs: &[EXEC_OUT, pin("note_id", "string"), pin("raw", "object")],
        ..MEMORY
    },
    NodeType {
        name: "memory_query",
        doc: "Finds notes and conversation spans by text, tags, people, places and time.",
        inputs: &[
            EXEC_IN,
            pin("query", "string"),
            opt("limit", "number", "10"),
            pin("recall_level", "string"),
            pin("tags", "object"),
            pin("tags_mode", "string"),
            pin("usernames", "array"),
            pin("locations", "array"),
            pin("since", "string"),
            pin("until", "string"),
            pin("scope", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("results", "array"),
            pin("rendered", "string"),
            pin("span_ids", "array"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
    NodeType {
        name: "memory_tag",
        doc: "Tags a conversation span.",
        inputs: &[
            EXEC_IN,
            pin("span_id", "string"),
            pin("tags", "object"),
            pin("merge", "boolean"),
            pin("scope", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("rendered", "string"),
            pin("success", "boolean"),
            pin("results", "array"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
    NodeType {
        name: "memory_compact",
        doc: "Replaces older messages of the conversation by a summary.",
        inputs: &[
            EXEC_IN,
            pin("preserve_recent", "number"),
            pin("compression_mode", "string"),
            pin("focus", "string"),
        ],
        outputs: &[EXEC_OUT, pin("span_id", "string"), pin("raw", "object")],
        ..MEMORY
    },
    NodeType {
        name: "memory_rehydrate",
        doc: "Puts archived messages back into the conversation.",
        inputs: &[
            EXEC_IN,
            pin("span_ids", "array"),
            opt("placement", "string", "\"after_summary\""),
            pin("max_messages", "number"),
            pin("recall_level", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("inserted", "number"),
            pin("skipped", "number"),
            pin("artifacts", "array"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
    NodeType {
        name: "memory_kg_assert",
        doc: "Adds assertions to the knowledge graph.",
        inputs: &[
            EXEC_IN,
            pin("assertions", "assertions"),
            pin("scope", "string"),
            pin("owner_id", "string"),
            pin("span_id", "string"),
            pin("attributes_defaults", "object"),
            pin("allow_custom_predicates", "boolean"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("assertion_ids", "array"),
            pin("count", "number"),
            pin("ok", "boolean"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
    NodeType {
        name: "memory_kg_query",
        doc: "Queries the knowledge graph by pattern, by text, or both.",
        inputs: &[
            EXEC_IN,
            pin("query_text", "string"),
            pin("subject", "string"),
            pin("predicate", "string"),
            pin("object", "string"),
            pin("since", "string"),
            pin("until", "string"),
            pin("active_at", "string"),
            pin("scope", "string"),
            pin("owner_id", "string"),
            pin("order", "string"),
            pin("recall_level", "string"),
            pin("model", "model"),
            pin("min_score", "number"),
            pin("max_input_tokens", "number"),
            pin("limit", "number"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("items", "assertions"),
            pin("count", "number"),
            pin("ok", "boolean"),
            pin("packets_version", "number"),
            pin("packets", "array"),
            pin("packed_count", "number"),
            pin("active_memory_text", "string"),
            pin("estimated_tokens", "number"),
            pin("dropped", "number"),
            pin("warnings", "array"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
    NodeType {
        name: "memory_kg_resolve",
        doc: "Finds the entities of the knowledge graph that a label may mean.",
        inputs: &[
            EXEC_IN,
            pin("label", "string"),
            pin("expected_type", "string"),
            pin("scope", "string"),
            pin("owner_id", "string"),
            pin("recall_level", "string"),
            pin("min_score", "number"),
            pin("max_candidates", "number"),
            pin("include_semantic", "boolean"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("candidates", "array"),
            pin("count", "number"),
            pin("ok", "boolean"),
            pin("warnings", "array"),
            pin("raw", "object"),
        ],
        ..MEMORY
    },
];
