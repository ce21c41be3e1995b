//! A folder that is open, and the way from it to a file: name by name, so that nothing leads out.
//!
//! Links are followed here and not by the operating system: each name is looked at before it is opened, and what was opened must be what
//! was looked at. A link, `..`, or a folder that is swapped meanwhile can therefore neither leave the root nor enter a closed folder.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, File, Metadata};

use super::rules::{Rules, Verdict};
use super::{Error, path};

/// Links on the way to one file.
const MAX_LINKS: usize = 40;
/// How often a file may be replaced between looking and opening.
const MAX_SWAPS: usize = 16;

/// A folder of this machine that no path enters.
#[derive(Debug)]
pub struct Closed {
    pub path: PathBuf,
    pub stamp: Option<Stamp>,
}

impl Closed {
    pub fn new(path: &Path) -> Self {
        let path = real(path);
        let dir = Dir::open_ambient_dir(&path, cap_std::ambient_authority());
        let stamp = dir.and_then(|dir| dir.dir_metadata()).ok().map(|meta| Stamp::of(&meta));
        Closed { path, stamp }
    }
}

/// What tells a file from every other one of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64, u64);

impl Stamp {
    #[cfg(unix)]
    pub fn of(meta: &Metadata) -> Self {
        use cap_std::fs::MetadataExt;
        Stamp(meta.dev(), meta.ino())
    }
    #[cfg(not(unix))]
    pub fn of(meta: &Metadata) -> Self {
        Stamp(meta.len(), u64::from(meta.is_dir()))
    }
}

/// A folder in which paths are found.
#[derive(Debug)]
pub struct Root {
    /// Its name before a path; none for the first root.
    pub mount: Option<String>,
    /// Where it is, without links.
    pub path: PathBuf,
    pub dir: Dir,
    /// The rules in force in it, and the names between the folder they start from and this one.
    rules: Rules,
    above: Vec<String>,
    closed: Arc<[Closed]>,
}

/// What a path names.
#[derive(Debug)]
pub struct Place {
    /// Names from the root, without links.
    pub trail: Vec<String>,
    pub what: What,
    pub verdict: Verdict,
    /// Rules of the folder that `what` is, or lies in.
    pub rules: Rules,
}

#[derive(Debug)]
pub enum What {
    Folder(Dir),
    /// A regular file: the folder it lies in.
    File(Dir),
    /// Nothing: the last folder on the way that is there, and the names from there on, which `trail` has too.
    Missing(Dir, Vec<String>),
    /// A pipe, a device, a socket.
    Special,
}

impl Root {
    /// Opens a folder of this machine; `path` is without links.
    pub fn open(path: &Path, mount: Option<String>, closed: Arc<[Closed]>) -> Result<Self, Error> {
        let dir = Dir::open_ambient_dir(path, cap_std::ambient_authority())?;
        Ok(Root {
            mount,
            path: path.to_owned(),
            rules: Rules::of_root(&dir),
            above: Vec::new(),
            dir,
            closed,
        })
    }

    /// The folder that `names` leads to, as a root of its own; made when it is not there.
    pub fn enter(self, names: &[String]) -> Result<Self, Error> {
        if names.is_empty() {
            return Ok(self);
        }
        let place = self.walk(names)?;
        if place.verdict == Verdict::Operator {
            return Err(Error::Ignored);
        }
        let dir = match place.what {
            What::Folder(dir) => dir,
            What::Missing(dir, rest) => super::write::make_folders(dir, &rest)?,
            What::File(_) | What::Special => return Err(Error::NotAFolder),
        };
        Ok(Root {
            path: self.path.join(place.trail.join("/")),
            above: self.above.into_iter().chain(place.trail).collect(),
            rules: place.rules,
            dir,
            mount: self.mount,
            closed: self.closed,
        })
    }

    /// What `names` leads to.
    pub fn walk(&self, names: &[String]) -> Result<Place, Error> {
        if path::climbs_out(names) {
            return Err(Error::Escapes);
        }
        let mut way = vec![Step {
            dir: self.dir.try_clone()?,
            rules: self.rules.clone(),
            verdict: Verdict::Open,
        }];
        let mut trail: Vec<String> = Vec::new();
        let mut ahead: VecDeque<String> = names.iter().cloned().collect();
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                way.pop();
                trail.pop().ok_or(Error::Escapes)?;
                continue;
            }
            let Some(here) = way.last() else { return Err(Error::Escapes) };
            if super::write::is_temporary(&name) {
                return Err(Error::Ignored);
            }
            let meta = match here.dir.symlink_metadata(&name) {
                Ok(meta) => meta,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let rest: Vec<String> = std::iter::once(name).chain(ahead).collect();
                    return self.missing(way, trail, rest);
                }
                Err(error) => return Err(error.into()),
            };
            if meta.is_symlink() {
                links += 1;
                let target = here.dir.read_link_contents(&name)?;
                let target = match target.strip_prefix(&self.path) {
                    Ok(inside) => {
                        way.truncate(1);
                        trail.clear();
                        inside
                    }
                    Err(_) if target.is_absolute() => return Err(Error::Escapes),
                    Err(_) => &target,
                };
                if links > MAX_LINKS {
                    return Err(Error::Invalid);
                }
                for name in link_names(target)?.into_iter().rev() {
                    ahead.push_front(name);
                }
                continue;
            }
            trail.push(name);
            let name = trail.last().map(String::as_str).unwrap_or_default();
            let verdict = here.verdict.max(self.verdict(&here.rules, &trail, meta.is_dir()));
            if meta.is_dir() {
                let dir = here.dir.open_dir(name)?;
                let opened = dir.dir_metadata()?;
                if Stamp::of(&opened) != Stamp::of(&meta) {
                    return Err(Error::Escapes);
                }
                if self.is_closed(&trail, &opened) {
                    return Err(Error::Outside);
                }
                let rules = here.rules.within(&dir, self.above.len() + trail.len());
                way.push(Step { dir, rules, verdict });
                continue;
            }
            if !ahead.is_empty() {
                return Err(Error::NotFound);
            }
            let Some(here) = way.pop() else { return Err(Error::Escapes) };
            return Ok(Place {
                what: if meta.is_file() { What::File(here.dir) } else { What::Special },
                trail,
                verdict,
                rules: here.rules,
            });
        }
        let Some(here) = way.pop() else { return Err(Error::Escapes) };
        Ok(Place {
            trail,
            what: What::Folder(here.dir),
            verdict: here.verdict,
            rules: here.rules,
        })
    }

    fn missing(&self, mut way: Vec<Step>, mut trail: Vec<String>, rest: Vec<String>) -> Result<Place, Error> {
        let Some(here) = way.pop() else { return Err(Error::Escapes) };
        if rest.iter().any(|name| name == "..") {
            return Err(Error::NotFound);
        }
        let mut verdict = here.verdict;
        for (at, name) in rest.iter().enumerate() {
            if super::write::is_temporary(name) {
                return Err(Error::Ignored);
            }
            trail.push(name.clone());
            verdict = verdict.max(self.verdict(&here.rules, &trail, at + 1 < rest.len()));
        }
        Ok(Place {
            trail,
            what: What::Missing(here.dir, rest),
            verdict,
            rules: here.rules,
        })
    }

    /// What `rules` say of a path of this root.
    pub fn verdict(&self, rules: &Rules, trail: &[String], is_dir: bool) -> Verdict {
        if self.above.is_empty() {
            return rules.verdict(trail, is_dir);
        }
        let whole: Vec<String> = self.above.iter().chain(trail).cloned().collect();
        rules.verdict(&whole, is_dir)
    }

    pub fn is_closed(&self, trail: &[String], meta: &Metadata) -> bool {
        let stamp = Some(Stamp::of(meta));
        let is = |closed: &Closed| (cfg!(unix) && closed.stamp == stamp) || closed.path == self.path.join(trail.join("/"));
        self.closed.iter().any(is)
    }

    /// How clients name a path of this root.
    pub fn name(&self, trail: &[String]) -> String {
        let below = trail.join("/");
        match &self.mount {
            Some(mount) if below.is_empty() => mount.clone(),
            Some(mount) => format!("{mount}/{below}"),
            None => below,
        }
    }
}

/// A folder on the way.
struct Step {
    dir: Dir,
    rules: Rules,
    verdict: Verdict,
}

/// The names that a link leads along.
fn link_names(target: &Path) -> Result<Vec<String>, Error> {
    use std::path::Component;
    let mut names = Vec::new();
    for component in target.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str().ok_or(Error::Invalid)?.to_owned()),
            Component::ParentDir => names.push("..".to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(Error::Escapes),
        }
    }
    Ok(names)
}

impl Place {
    /// Opens the file, for reading, and gives its size.
    pub fn open(&self) -> Result<(File, u64), Error> {
        let dir = match &self.what {
            What::File(dir) => dir,
            What::Missing(..) => return Err(Error::NotFound),
            What::Folder(_) | What::Special => return Err(Error::NotAFile),
        };
        for _ in 0..MAX_SWAPS {
            let seen = dir.symlink_metadata(self.file_name())?;
            if !seen.is_file() {
                return Err(Error::NotAFile);
            }
            let file = dir.open(self.file_name())?;
            let opened = file.metadata()?;
            if opened.is_file() && Stamp::of(&opened) == Stamp::of(&seen) {
                return Ok((file, opened.len()));
            }
        }
        Err(Error::NotFound)
    }

    /// Bytes of the file that is there.
    pub fn bytes(&self) -> u64 {
        let meta = match &self.what {
            What::File(dir) => dir.symlink_metadata(self.file_name()).ok(),
            _ => None,
        };
        meta.filter(|meta| meta.is_file()).map_or(0, |meta| meta.len())
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.trail.last().map(String::as_str).unwrap_or_default()
    }
}

/// A path without links, as far as it is there.
pub fn real(path: &Path) -> PathBuf {
    let path = path::lexical(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let mut rest = Vec::new();
    let mut there = path.as_path();
    loop {
        if let Ok(real) = there.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        let (Some(name), Some(parent)) = (there.file_name(), there.parent()) else {
            return path;
        };
        rest.push(name.to_owned());
        there = parent;
    }
}
