//! Why a file is not given. The texts are the wire's and never name a path of this machine.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("path is required")]
    Required,
    #[error("invalid path")]
    Invalid,
    #[error("invalid absolute path")]
    InvalidAbsolute,
    #[error("path is outside workspace roots")]
    Outside,
    #[error("path escapes workspace root")]
    Escapes,
    #[error("path is blocked by workspace_ignored_paths")]
    Blocked,
    #[error("Path is ignored by .abstractignore policy")]
    Ignored,
    #[error("File not found")]
    NotFound,
    #[error("Path is not a file")]
    NotAFile,
    #[error("Path is not a folder")]
    NotAFolder,
    #[error("Destination already exists; set overwrite=true to replace it")]
    Exists,
    #[error("Destination parent directory does not exist")]
    NoParent,
    #[error("the file is too large ({bytes} bytes > {limit} bytes)")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("storage limit: {kept} bytes are kept, at most {limit} may be (limits.max_storage_bytes)")]
    Full { kept: u64, limit: u64 },
    /// The run, the tenant or the setting names no folder that is there.
    #[error("{0}")]
    NoWorkspace(String),
    #[error("the file system refused: {0}")]
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound,
            io::ErrorKind::InvalidFilename => Error::Invalid,
            _ => Error::Io(error),
        }
    }
}
