//! What can be wrong with a bundle. The texts are shown to the person who uploaded or packed it.

use crate::diagnostic::list;
use crate::visualflow::ParseError;

/// Why a bundle cannot be opened or a member not be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("Bundle source not found: {0}")]
    SourceMissing(String),
    #[error("manifest.json not found in bundle")]
    ManifestMissing,
    #[error("File is not a zip file")]
    NotAZip,
    #[error("Bundle file is damaged: {0}")]
    Damaged(String),
    #[error("Bundle file cannot be read: '{path}' is {problem}")]
    Unreadable { path: String, problem: &'static str },
    #[error("Bundle has {count} files; at most {limit} are allowed")]
    TooManyFiles { count: usize, limit: usize },
    #[error("Bundle file '{path}' is larger than {limit} bytes unpacked")]
    MemberTooLarge { path: String, limit: u64 },
    #[error("Bundle is larger than {limit} bytes unpacked")]
    TooLarge { limit: u64 },
    #[error("read_bytes requires a non-empty relpath")]
    EmptyPath,
    #[error("Bundle file not found: {0}")]
    MemberMissing(String),
    #[error("Unsafe relpath outside bundle dir: {0}")]
    OutsideBundle(String),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("Bundle file '{path}': {error}")]
    Io { path: String, error: std::io::Error },
}

/// Why a manifest is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("manifest.json is not valid JSON: {0}")]
    NotJson(String),
    #[error("manifest.json must be a JSON object")]
    NotAnObject,
    #[error("Unsupported WorkflowBundle bundle_format_version '{0}'. Supported: 1")]
    FormatVersion(String),
    #[error("bundle_id must be a non-empty string")]
    BundleId,
    #[error("bundle_version must be a non-empty string")]
    BundleVersion,
    #[error("manifest.entrypoints must be a non-empty list")]
    NoEntrypoints,
    #[error("entrypoint.flow_id must be a non-empty string")]
    EntrypointFlowId,
    #[error("Duplicate entrypoint flow_id '{0}'")]
    DuplicateEntrypoint(String),
    #[error("default_entrypoint '{0}' must match an entrypoint.flow_id")]
    DefaultEntrypoint(String),
    #[error("manifest.{0} keys must be non-empty strings")]
    EmptyKey(&'static str),
    #[error("manifest.{mapping} entry '{key}' has unsafe path '{path}'")]
    UnsafePath {
        mapping: &'static str,
        key: String,
        path: String,
    },
    #[error("manifest.metadata must be an object")]
    Metadata,
}

/// Why flows cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("Root flow: {0}")]
    Root(ParseError),
    #[error("Flow '{id}': {error}")]
    Flow { id: String, error: ParseError },
    #[error("Flow '{asked}' is stored as a document whose id is '{found}'; both must be the same")]
    OtherId { asked: String, found: String },
    #[error("Missing referenced subflows in flows_dir: {}", list(.0.iter().map(String::as_str)))]
    Missing(Vec<String>),
    #[error("No valid entrypoints specified")]
    NoEntrypoints,
    #[error("default_entrypoint '{default}' must be one of: {}", list(.entrypoints.iter().map(String::as_str)))]
    DefaultEntrypoint { default: String, entrypoints: Vec<String> },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("Bundle file cannot be written: {0}")]
    Zip(String),
}
