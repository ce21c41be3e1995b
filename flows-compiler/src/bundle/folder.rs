//! Members of a folder with a bundle's layout. The only file access of this crate, and it only reads.
//!
//! Links are followed as long as they stay inside the folder. Names that begin with a dot are no members.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{BundleError, Limits};

#[derive(Debug)]
pub(super) struct Folder {
    /// Absolute, without links.
    root: PathBuf,
    /// Relative, with `/`, sorted.
    paths: Vec<String>,
    member_bytes: u64,
}

impl Folder {
    pub(super) fn open(dir: &Path, limits: &Limits) -> Result<Self, BundleError> {
        let missing = || BundleError::SourceMissing(dir.display().to_string());
        let root = dir.canonicalize().map_err(|_| missing())?;
        if !root.is_dir() {
            return Err(missing());
        }
        let mut folder = Self {
            root,
            paths: Vec::new(),
            member_bytes: limits.member_bytes,
        };
        folder.scan(limits)?;
        Ok(folder)
    }

    fn scan(&mut self, limits: &Limits) -> Result<(), BundleError> {
        let mut total = 0u64;
        let mut seen = 0usize;
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            let at = self.root.join(&folder);
            let io = |error| BundleError::Io {
                path: folder.clone(),
                error,
            };
            for entry in std::fs::read_dir(&at).map_err(io)? {
                let entry = entry.map_err(io)?;
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                    continue;
                };
                seen += 1;
                if seen > limits.entries {
                    return Err(BundleError::TooManyFiles {
                        count: seen,
                        limit: limits.entries,
                    });
                }
                let path = if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                };
                let kind = entry.file_type().map_err(io)?;
                if kind.is_dir() {
                    open.push(path);
                } else if let Ok(target) = self.resolve(&path)
                    && let Ok(metadata) = target.metadata()
                    && metadata.is_file()
                {
                    total = total.saturating_add(metadata.len());
                    if total > limits.total_bytes {
                        return Err(BundleError::TooLarge {
                            limit: limits.total_bytes,
                        });
                    }
                    self.paths.push(path);
                }
            }
        }
        self.paths.sort();
        Ok(())
    }

    pub(super) fn paths(&self) -> Vec<&str> {
        self.paths.iter().map(String::as_str).collect()
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        let path = path.trim();
        if path.is_empty() {
            return Err(BundleError::EmptyPath);
        }
        let io = |error| BundleError::Io {
            path: path.to_owned(),
            error,
        };
        let target = self.resolve(path)?;
        if !target.is_file() {
            return Err(BundleError::MemberMissing(path.to_owned()));
        }
        let mut out = Vec::new();
        File::open(target)
            .map_err(io)?
            .take(self.member_bytes + 1)
            .read_to_end(&mut out)
            .map_err(io)?;
        if out.len() as u64 > self.member_bytes {
            return Err(BundleError::MemberTooLarge {
                path: path.to_owned(),
                limit: self.member_bytes,
            });
        }
        Ok(out)
    }

    /// The file that a member's path means, links followed; it must lie inside the folder.
    fn resolve(&self, path: &str) -> Result<PathBuf, BundleError> {
        let target = self.root.join(path).canonicalize().map_err(|_| match escapes(path) {
            true => BundleError::OutsideBundle(path.to_owned()),
            false => BundleError::MemberMissing(path.to_owned()),
        })?;
        match target.starts_with(&self.root) {
            true => Ok(target),
            false => Err(BundleError::OutsideBundle(path.to_owned())),
        }
    }
}

/// A path that leaves the folder even if nothing lies there.
fn escapes(path: &str) -> bool {
    let mut depth = 0i64;
    let parts = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let lowest = parts.map(|part| {
        depth += if part == ".." { -1 } else { 1 };
        depth
    });
    path.starts_with(['/', '\\']) || lowest.min().is_some_and(|lowest| lowest < 0)
}
