//! Names of folders as they are kept with a run: relative to what the operator has configured, not to this machine, so that a data directory
//! can be moved and a flow that reads its own variables learns nothing of where it runs.

use std::fmt;
use std::path::{Path, PathBuf};

use super::path;

/// The folder of the private workspaces below the data directory, and the first part of their names.
pub const PRIVATE: &str = "workspaces";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// `workspaces/<32 hex>[/…]`: a folder made for a run.
    Private { name: String, below: Vec<String> },
    /// `.`, `docs`, `mount/docs`: in the operator's workspace or one of its mounts.
    Shared { mount: Option<String>, below: Vec<String> },
    /// An absolute path: only where clients may name any.
    Host(PathBuf),
}

impl Spot {
    /// A private folder that no run has yet.
    pub fn fresh() -> Self {
        Spot::Private {
            name: uuid::Uuid::new_v4().simple().to_string(),
            below: Vec::new(),
        }
    }

    /// From the names of a path, if they are those of a private folder.
    pub fn private(names: &[String]) -> Option<Self> {
        let [first, name, below @ ..] = names else { return None };
        (first == PRIVATE && is_private_name(name) && !path::climbs_out(below)).then(|| Spot::Private {
            name: name.clone(),
            below: below.to_vec(),
        })
    }

    /// `names` below this folder.
    pub fn join(&self, names: &[String]) -> Self {
        let extend = |below: &[String]| below.iter().chain(names).cloned().collect();
        match self {
            Spot::Private { name, below } => Spot::Private {
                name: name.clone(),
                below: extend(below),
            },
            Spot::Shared { mount, below } => Spot::Shared {
                mount: mount.clone(),
                below: extend(below),
            },
            Spot::Host(path) => Spot::Host(path::lexical(&path.join(names.join("/")))),
        }
    }

    /// The folder's own name.
    pub fn file_name(&self) -> &str {
        match self {
            Spot::Private { name, below } => below.last().unwrap_or(name),
            Spot::Shared { mount, below } => below.last().or(mount.as_ref()).map_or("workspace", String::as_str),
            Spot::Host(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or("root"),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, first: &[&str], below: &[String]| {
            let names = first.iter().copied().chain(below.iter().map(String::as_str));
            let names: Vec<&str> = names.collect();
            f.write_str(if names.is_empty() { "." } else { "" })?;
            f.write_str(&names.join("/"))
        };
        match self {
            Spot::Private { name, below } => join(f, &[PRIVATE, name], below),
            Spot::Shared { mount, below } => join(f, &mount.iter().map(String::as_str).collect::<Vec<_>>(), below),
            Spot::Host(path) => path.display().fmt(f),
        }
    }
}

/// Whether a private folder may have this name.
pub fn is_private_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `names` of a path below `base`.
pub fn below(path: &Path, base: &Path) -> Option<Vec<String>> {
    path::names(path.strip_prefix(base).ok()?)
}
