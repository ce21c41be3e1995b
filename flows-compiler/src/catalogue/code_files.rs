//! Code nodes, and the nodes that touch workspace files and artifacts.

use super::{Category, EXEC_IN, EXEC_OUT, Lower, NodeType, opt, pin};

const CODE: NodeType = NodeType {
    name: "",
    category: Category::Code,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: false,
    lower: Lower::Code,
};

const FILE: NodeType = NodeType {
    name: "",
    category: Category::FileAndArtifact,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &[],
    pure_without_pins: false,
    lower: Lower::HostFunction,
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "code",
        doc: "A Python function over the node's inputs.",
        inputs: &[EXEC_IN, pin("input", "any"), opt("permissions", "string", "\"sandbox\"")],
        outputs: &[
            EXEC_OUT,
            pin("output", "any"),
            pin("success", "boolean"),
            pin("execution", "object"),
        ],
        config: &["code", "codeBody", "functionName"],
        ..CODE
    },
    NodeType {
        name: "function",
        doc: "A Python function or expression of an old document. Deprecated: use code.",
        inputs: &[EXEC_IN, pin("input", "any")],
        outputs: &[EXEC_OUT, pin("result", "any")],
        config: &["code", "functionName", "expression"],
        ..CODE
    },
    NodeType {
        name: "read_file",
        doc: "Reads a text or JSON file of the workspace.",
        inputs: &[EXEC_IN, pin("file_path", "workspace_file")],
        outputs: &[EXEC_OUT, pin("content", "any"), pin("file_path", "string")],
        ..FILE
    },
    NodeType {
        name: "write_file",
        doc: "Writes a text or JSON file into the workspace.",
        inputs: &[EXEC_IN, pin("file_path", "workspace_file"), pin("content", "any")],
        outputs: &[EXEC_OUT, pin("bytes", "number"), pin("file_path", "string")],
        ..FILE
    },
    NodeType {
        name: "read_pdf",
        doc: "The text of a PDF in the workspace, page by page.",
        inputs: &[
            EXEC_IN,
            pin("file_path", "workspace_file"),
            pin("page_start", "number"),
            pin("page_end", "number"),
            pin("max_chars", "number"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("content", "string"),
            pin("pages", "number"),
            pin("processed_pages", "number"),
            pin("metadata", "object"),
            pin("warnings", "array"),
            pin("truncated", "boolean"),
            pin("content_type", "string"),
            pin("file_path", "string"),
        ],
        ..FILE
    },
    NodeType {
        name: "write_pdf",
        doc: "Writes Markdown-like text as a PDF into the workspace.",
        inputs: &[
            EXEC_IN,
            pin("file_path", "workspace_file"),
            pin("content", "string"),
            pin("title", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("bytes", "number"),
            pin("sha256", "string"),
            pin("content_type", "string"),
            pin("renderer", "string"),
            pin("file_path", "string"),
        ],
        ..FILE
    },
    NodeType {
        name: "list_folder_files",
        doc: "The files of a workspace folder, filtered by kind and extension.",
        inputs: &[
            EXEC_IN,
            pin("folder_path", "workspace_folder"),
            opt("recursive", "boolean", "false"),
            opt("family", "string", "\"any\""),
            pin("extensions", "array"),
            opt("include_directories", "boolean", "false"),
            opt("limit", "number", "500"),
            opt("max_depth", "number", "0"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("files", "array"),
            pin("entries", "array"),
            pin("count", "number"),
            pin("truncated", "boolean"),
            pin("folder_path", "string"),
        ],
        ..FILE
    },
    NodeType {
        name: "import_workspace_file",
        doc: "Stores a workspace file as an artifact of the run.",
        inputs: &[
            EXEC_IN,
            pin("file_path", "workspace_file"),
            pin("content_type", "string"),
            pin("modality", "string"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("artifact", "artifact"),
            pin("artifact_ref", "artifact"),
            pin("artifact_id", "string"),
            pin("content_type", "string"),
            pin("size_bytes", "number"),
            pin("source_path", "string"),
        ],
        ..FILE
    },
    NodeType {
        name: "export_artifact",
        doc: "Writes an artifact's bytes into the workspace.",
        inputs: &[EXEC_IN, pin("artifact", "artifact"), pin("file_path", "workspace_file")],
        outputs: &[
            EXEC_OUT,
            pin("artifact_id", "string"),
            pin("file_path", "string"),
            pin("bytes", "number"),
            pin("sha256", "string"),
            pin("content_type", "string"),
        ],
        ..FILE
    },
    NodeType {
        name: "read_artifact",
        doc: "The content of an artifact: parsed JSON, text, or base64.",
        inputs: &[EXEC_IN, pin("artifact", "artifact")],
        outputs: &[
            EXEC_OUT,
            pin("artifact", "artifact"),
            pin("artifact_ref", "artifact"),
            pin("artifact_id", "string"),
            pin("content_type", "string"),
            pin("content_family", "string"),
            pin("size_bytes", "number"),
            pin("filename", "string"),
            pin("source_path", "string"),
            pin("content", "any"),
            pin("text", "string"),
            pin("json", "any"),
            pin("binary_base64", "string"),
            pin("is_binary", "boolean"),
            pin("warnings", "array"),
            pin("truncated", "boolean"),
        ],
        ..FILE
    },
];
