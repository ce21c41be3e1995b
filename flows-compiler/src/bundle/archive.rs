//! Members of a ZIP file, read within limits.
//!
//! The directory's sizes are checked first, because that is cheap, and not believed: a member is read through a bounded
//! reader, and one that holds more than its entry says is refused.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::manifest::is_safe_path;
use super::{BundleError, Limits};

pub(super) struct Archive {
    zip: ZipArchive<Cursor<Arc<[u8]>>>,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Copy)]
struct Member {
    index: usize,
    /// Unpacked, as the directory says.
    size: u64,
}

impl Archive {
    pub(super) fn open(file: Arc<[u8]>, limits: &Limits) -> Result<Self, BundleError> {
        let zip = ZipArchive::new(Cursor::new(file)).map_err(not_a_zip)?;
        if zip.has_duplicate_names() {
            return Err(BundleError::Damaged("it lists a file twice".to_owned()));
        }
        let mut members = BTreeMap::new();
        let mut total = 0u64;
        for index in 0..zip.len() {
            let entry = zip.by_index_data(index).map_err(damaged)?;
            let path = entry.name().map_err(damaged)?.into_owned();
            if !is_safe_path(&path) {
                return Err(BundleError::OutsideBundle(path));
            }
            if entry.is_dir() {
                continue;
            }
            if entry.encrypted() {
                return Err(BundleError::Unreadable {
                    path,
                    problem: "encrypted",
                });
            }
            if entry.size() > limits.member_bytes {
                return Err(BundleError::MemberTooLarge {
                    path,
                    limit: limits.member_bytes,
                });
            }
            total = total.saturating_add(entry.size());
            if total > limits.total_bytes {
                return Err(BundleError::TooLarge {
                    limit: limits.total_bytes,
                });
            }
            members.insert(
                path,
                Member {
                    index,
                    size: entry.size(),
                },
            );
            if members.len() > limits.entries {
                return Err(BundleError::TooManyFiles {
                    count: zip.len(),
                    limit: limits.entries,
                });
            }
        }
        Ok(Self { zip, members })
    }

    pub(super) fn paths(&self) -> Vec<&str> {
        self.members.keys().map(String::as_str).collect()
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        let path = path.trim();
        if path.is_empty() {
            return Err(BundleError::EmptyPath);
        }
        let member = *self
            .members
            .get(path)
            .ok_or_else(|| BundleError::MemberMissing(path.to_owned()))?;
        // A clone shares directory and bytes and has a position of its own.
        let mut zip = self.zip.clone();
        let reader = zip.by_index(member.index).map_err(|error| match error {
            ZipError::CompressionMethodNotSupported(_) => BundleError::Unreadable {
                path: path.to_owned(),
                problem: "packed by an unknown method",
            },
            error => damaged(error),
        })?;
        let mut out = Vec::new();
        reader
            .take(member.size + 1)
            .read_to_end(&mut out)
            .map_err(|error| BundleError::Damaged(format!("'{path}': {error}")))?;
        if out.len() as u64 != member.size {
            return Err(BundleError::Damaged(format!("'{path}' does not have the size it claims")));
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.members.keys()).finish()
    }
}

fn not_a_zip(error: ZipError) -> BundleError {
    match error {
        ZipError::InvalidArchive(_) => BundleError::NotAZip,
        error => damaged(error),
    }
}

fn damaged(error: ZipError) -> BundleError {
    BundleError::Damaged(error.to_string())
}
