//! What one request or one run may reach: a first root, further ones by name, and what is blocked in them.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::path::{self, Written};
use super::tree::{Closed, Place, Root, What};
use super::write::{self, How};
use super::{Error, Limits, Workspace};

/// The folders and the rules of one request or run. Made by a [`Workspace`](super::Workspace).
#[derive(Debug)]
pub struct Scope {
    pub(super) first: Root,
    pub(super) mounts: Vec<Root>,
    pub(super) blocked: Vec<PathBuf>,
    /// Absolute paths may name any file of this machine that is not blocked or closed.
    pub(super) anywhere: bool,
    pub(super) closed: Arc<[Closed]>,
    pub(super) limits: Limits,
    /// Whose files count.
    pub(super) workspace: Workspace,
}

/// What a path names in a scope.
#[derive(Debug)]
pub struct Found {
    /// How clients name it: `docs/a.md`, `mount/a.md`.
    pub name: String,
    pub mount: Option<String>,
    /// Where it lies on this machine.
    path: PathBuf,
    pub place: Place,
}

impl Scope {
    /// What a client's or a flow's path names. Nothing being there is no error.
    pub fn find(&self, text: &str) -> Result<Found, Error> {
        match path::parse(text)? {
            Written::Absolute(path) => self.find_absolute(path),
            Written::Relative(mut names) => {
                let mount = names
                    .first()
                    .and_then(|first| self.mounts.iter().find(|root| root.mount.as_ref() == Some(first)));
                if mount.is_some() || self.repeats_root(&names) {
                    names.remove(0);
                }
                self.found(mount.unwrap_or(&self.first), &names)
            }
        }
    }

    /// `root/docs` means `docs` where the root is called `root` and has nothing of that name.
    fn repeats_root(&self, names: &[String]) -> bool {
        let [first, _, ..] = names else { return false };
        let called = self.first.path.file_name().is_some_and(|name| name == first.as_str());
        called && self.first.dir.symlink_metadata(first).is_err()
    }

    fn find_absolute(&self, path: PathBuf) -> Result<Found, Error> {
        let roots = std::iter::once(&self.first).chain(&self.mounts);
        let inside = roots.filter(|root| path.starts_with(&root.path));
        if let Some(root) = inside.max_by_key(|root| root.path.as_os_str().len()) {
            let below = path.strip_prefix(&root.path).map_err(|_| Error::Outside)?;
            return self.found(root, &path::names(below).ok_or(Error::InvalidAbsolute)?);
        }
        if !self.anywhere {
            return Err(Error::Outside);
        }
        let top = Root::open(std::path::Path::new("/"), None, self.closed.clone())?;
        let below = path.strip_prefix("/").map_err(|_| Error::InvalidAbsolute)?;
        let found = self.found(&top, &path::names(below).ok_or(Error::InvalidAbsolute)?)?;
        Ok(Found {
            name: format!("/{}", found.name),
            ..found
        })
    }

    pub(super) fn found(&self, root: &Root, names: &[String]) -> Result<Found, Error> {
        let place = root.walk(names)?;
        if self.is_blocked(root, &place.trail) {
            return Err(Error::Blocked);
        }
        Ok(Found {
            name: root.name(&place.trail),
            mount: root.mount.clone(),
            path: root.path.join(place.trail.join("/")),
            place,
        })
    }

    pub(super) fn is_blocked(&self, root: &Root, trail: &[String]) -> bool {
        if self.blocked.is_empty() {
            return false;
        }
        let path = root.path.join(trail.join("/"));
        self.blocked.iter().any(|blocked| path.starts_with(blocked))
    }

    /// The bytes of a file, up to the limit of reads.
    pub fn read(&self, found: &Found) -> Result<Vec<u8>, Error> {
        self.read_up_to(found, self.limits.read_bytes)
    }

    /// The bytes of a file that has no more than `limit`.
    pub fn read_up_to(&self, found: &Found, limit: u64) -> Result<Vec<u8>, Error> {
        let (file, bytes) = found.place.open()?;
        let mut content = Vec::new();
        if bytes <= limit {
            file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
        }
        // It may grow while it is read.
        let bytes = bytes.max(content.len() as u64);
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        Ok(content)
    }

    /// Writes a file whole and gives its name. Waits for the disk.
    pub fn write(&self, found: Found, bytes: &[u8], how: How<'_>) -> Result<String, Error> {
        if bytes.len() as u64 > self.limits.write_bytes {
            return Err(Error::TooLarge {
                bytes: bytes.len() as u64,
                limit: self.limits.write_bytes,
            });
        }
        let room = self.workspace.room(&found.path, (found.place.bytes(), bytes.len() as u64))?;
        write::write(found.place, bytes, how)?;
        if let Some(room) = room {
            room.keep();
        }
        Ok(found.name)
    }
}

impl Found {
    pub fn is_missing(&self) -> bool {
        matches!(self.place.what, What::Missing(..))
    }
    pub fn is_folder(&self) -> bool {
        matches!(self.place.what, What::Folder(_))
    }
    pub fn is_file(&self) -> bool {
        matches!(self.place.what, What::File(_))
    }
    /// Left out of what clients are shown.
    pub fn is_ignored(&self) -> bool {
        self.place.verdict != super::rules::Verdict::Open
    }
    /// Kept from everybody by the operator's own rules.
    pub fn is_withheld(&self) -> bool {
        self.place.verdict == super::rules::Verdict::Operator
    }
    /// The last name of the path.
    pub fn file_name(&self) -> &str {
        self.place.file_name()
    }
}
