//! What lies in a folder.

use std::ops::ControlFlow;

use super::family;
use super::rules::Verdict;
use super::scope::Scope;
use super::tree::{Place, Root, What};
use super::{Error, write};

/// Folders below each other that a listing enters.
const MAX_DEPTH: usize = 128;
/// Entries that one listing looks at, whether they are shown or not.
const MAX_SEEN: usize = 200_000;

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Want {
    pub recursive: bool,
    pub folders: bool,
    /// `any` or a word of [`family::of`].
    pub family: String,
    pub extensions: Vec<String>,
    /// In lower case; part of the path.
    pub query: String,
    pub limit: usize,
    /// Levels of folders; 0 is no limit.
    pub max_depth: usize,
    /// A folder that is named is shown, though built-in rules hide it in its parent.
    pub named_folder: bool,
}

/// A file or folder as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FileEntry)]
pub struct Entry {
    pub path: String,
    pub name: String,
    /// `file` or `folder`.
    pub kind: &'static str,
    pub family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FileListing)]
pub struct Listing {
    pub folder_path: String,
    pub items: Vec<Entry>,
    /// There are more.
    pub truncated: bool,
}

/// One entry of a folder, named from the root.
pub(super) struct Seen<'a> {
    pub root: &'a Root,
    pub trail: Vec<String>,
    pub is_dir: bool,
    pub bytes: u64,
}

impl Scope {
    /// The entries of a folder; blank is the first root, whose listing also shows the mounts.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::NotAFolder`] speak of the folder.
    pub fn list(&self, folder: &str, want: &Want) -> Result<Listing, Error> {
        let mut items = Items {
            want,
            items: Vec::new(),
            truncated: false,
        };
        if folder.trim().is_empty() {
            let top = self.first.walk(&[])?;
            let flow = self.visit(&self.first, top, want, &mut |seen| items.add(seen));
            for root in self.mounts.iter().take_while(|_| flow.is_continue()) {
                let seen = Seen {
                    root,
                    trail: Vec::new(),
                    is_dir: true,
                    bytes: 0,
                };
                if items.add(seen).is_break() {
                    break;
                }
                if want.recursive
                    && self
                        .visit(root, root.walk(&[])?, want, &mut |seen| items.add(seen))
                        .is_break()
                {
                    break;
                }
            }
            return Ok(items.listing(String::new()));
        }
        let found = self.find(folder)?;
        if found.is_withheld() || (found.is_ignored() && !want.named_folder) {
            return Err(Error::Ignored);
        }
        match &found.place.what {
            What::Folder(_) => {}
            What::Missing(..) => return Err(Error::NotFound),
            What::File(_) | What::Special => return Err(Error::NotAFolder),
        }
        let mounted = self
            .mounts
            .iter()
            .find(|root| found.mount.is_some() && root.mount == found.mount);
        let outside = (found.name.starts_with('/')).then(|| Root::open(std::path::Path::new("/"), None, self.closed.clone()));
        let outside = outside.transpose()?;
        let root = outside.as_ref().or(mounted).unwrap_or(&self.first);
        let _ = self.visit(root, found.place, want, &mut |seen| items.add(seen));
        Ok(items.listing(found.name))
    }

    /// Shows every entry below a folder: its folders, then its files, each by name; then what lies in the folders.
    pub(super) fn visit<'a>(
        &self,
        root: &'a Root,
        start: Place,
        want: &Want,
        each: &mut dyn FnMut(Seen<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let from = start.trail.len();
        let mut seen = 0usize;
        let mut next = vec![start.trail];
        while let Some(trail) = next.pop() {
            // Walked anew, so that only the folder that is read stays open, and nothing that was swapped meanwhile is entered.
            let Ok(place) = root.walk(&trail) else { continue };
            let depth = trail.len() - from;
            let (folders, files) = self.entries(root, &place, MAX_SEEN - seen);
            seen += folders.len() + files.len();
            let enters = want.max_depth == 0 || depth < want.max_depth;
            let folders: Vec<_> = folders.into_iter().filter(|_| enters).collect();
            for (entry, _) in &folders {
                each(Seen {
                    root,
                    trail: entry.clone(),
                    is_dir: true,
                    bytes: 0,
                })?;
            }
            for (trail, bytes) in files {
                each(Seen {
                    root,
                    trail,
                    is_dir: false,
                    bytes,
                })?;
            }
            if want.recursive && depth < MAX_DEPTH && seen < MAX_SEEN {
                next.extend(
                    folders
                        .into_iter()
                        .rev()
                        .filter(|(_, linked)| !linked)
                        .map(|(trail, _)| trail),
                );
            }
        }
        ControlFlow::Continue(())
    }

    /// The folders (and whether a link leads there) and files (and their sizes) in a folder, by name, without what is ignored.
    #[expect(clippy::type_complexity, reason = "two lists that are taken apart at once")]
    fn entries(&self, root: &Root, place: &Place, most: usize) -> (Vec<(Vec<String>, bool)>, Vec<(Vec<String>, u64)>) {
        let What::Folder(dir) = &place.what else {
            return Default::default();
        };
        let Ok(entries) = dir.entries() else {
            return Default::default();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !write::is_temporary(name)).take(most).collect();
        names.sort_by_cached_key(|name| (name.to_lowercase(), name.clone()));
        let is_top = root.mount.is_none() && place.trail.is_empty();
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for name in names {
            // A mount stands in front of a folder of its name.
            if is_top && self.mounts.iter().any(|mount| mount.mount.as_ref() == Some(&name)) {
                continue;
            }
            let Ok(meta) = dir.symlink_metadata(&name) else { continue };
            let trail: Vec<String> = place.trail.iter().cloned().chain([name]).collect();
            let linked = meta.is_symlink();
            let (is_dir, bytes) = if linked {
                match root.walk(&trail).map(|target| (target.open(), target)) {
                    Ok((Ok((_, bytes)), target)) if !self.is_blocked(root, &target.trail) => (false, bytes),
                    Ok((Err(Error::NotAFile), target)) if !self.is_blocked(root, &target.trail) => match target.what {
                        What::Folder(_) => (true, 0),
                        _ => continue,
                    },
                    _ => continue,
                }
            } else if meta.is_dir() && !root.is_closed(&trail, &meta) {
                (true, 0)
            } else if meta.is_file() {
                (false, meta.len())
            } else {
                continue;
            };
            if root.verdict(&place.rules, &trail, is_dir) != Verdict::Open || self.is_blocked(root, &trail) {
                continue;
            }
            if is_dir {
                folders.push((trail, linked));
            } else {
                files.push((trail, bytes));
            }
        }
        (folders, files)
    }
}

struct Items<'a> {
    want: &'a Want,
    items: Vec<Entry>,
    truncated: bool,
}

impl Items<'_> {
    fn add(&mut self, seen: Seen<'_>) -> ControlFlow<()> {
        let path = seen.root.name(&seen.trail);
        let name = seen.trail.last().cloned().unwrap_or_else(|| path.clone());
        let wanted = if seen.is_dir {
            self.want.folders
        } else {
            family::matches(&name, &self.want.family, &self.want.extensions)
        };
        if !wanted || !path.to_lowercase().contains(&self.want.query) {
            return ControlFlow::Continue(());
        }
        if self.items.len() >= self.want.limit {
            self.truncated = true;
            return ControlFlow::Break(());
        }
        let (kind, family) = if seen.is_dir {
            ("folder", "folder")
        } else {
            ("file", family::of(&name))
        };
        self.items.push(Entry {
            path,
            name,
            kind,
            family,
            // As the contract shows it: only in front of what was listed with the mounts.
            mount: seen.root.mount.clone(),
            size_bytes: (!seen.is_dir).then_some(seen.bytes),
        });
        ControlFlow::Continue(())
    }

    fn listing(self, folder_path: String) -> Listing {
        Listing {
            folder_path,
            items: self.items,
            truncated: self.truncated,
        }
    }
}
