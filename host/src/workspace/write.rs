//! Writing: a file is there whole or not at all, and once it is said to be there it stays.

use std::io::Write as _;
use std::path::Path;

use cap_std::fs::{Dir, DirBuilder, OpenOptions};

use super::tree::{Place, Stamp, What};
use super::{Error, rules};

const TEMPORARY: (&str, &str) = (".flowgate-", ".tmp");

/// Whether a name is of a file that is being written. Nobody sees or names those.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// Hexadecimal digits that are the same whenever this write is made again, so that one that was cut off leaves nothing behind.
    pub key: &'a str,
    /// Make folders that are missing on the way.
    pub make_folders: bool,
    /// Replace a file that is there.
    pub overwrite: bool,
}

/// Writes the whole file: beside its place, then, when it is on disk, in its place.
pub fn write(place: Place, bytes: &[u8], how: How<'_>) -> Result<(), Error> {
    if place.file_name() == rules::FILE {
        return Err(Error::Ignored);
    }
    let name = place.file_name().to_owned();
    let dir = match place.what {
        What::File(_) if !how.overwrite => return Err(Error::Exists),
        What::File(dir) => dir,
        What::Missing(dir, mut rest) => {
            rest.pop();
            if !rest.is_empty() && !how.make_folders {
                return Err(Error::NoParent);
            }
            make_folders(dir, &rest)?
        }
        What::Folder(_) | What::Special => return Err(Error::NotAFile),
    };
    let temporary = format!("{}{}{}", TEMPORARY.0, how.key, TEMPORARY.1);
    let put = fill(&dir, &temporary, &name, bytes).and_then(|()| {
        if how.overwrite {
            return Ok(dir.rename(&temporary, &dir, &name)?);
        }
        match dir.hard_link(&temporary, &dir, &name) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::Exists),
            other => Ok(other.and_then(|()| dir.remove_file(&temporary))?),
        }
    });
    if put.is_err() {
        let _ = dir.remove_file(&temporary);
    }
    put?;
    sync(&dir)
}

/// Puts the bytes on disk under a name that nobody sees. A file that will be replaced hands on who may read it.
fn fill(dir: &Dir, temporary: &str, name: &str, bytes: &[u8]) -> Result<(), Error> {
    match dir.remove_file(temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = dir.open_with(temporary, OpenOptions::new().write(true).create_new(true))?;
    if let Some(old) = dir.symlink_metadata(name).ok().filter(|meta| meta.is_file()) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// Makes folders one below the other, on disk when this returns, and gives the last.
pub fn make_folders(mut dir: Dir, names: &[String]) -> Result<Dir, Error> {
    for name in names {
        match dir.create_dir_with(name, &builder()) {
            Ok(()) => sync(&dir)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let seen = dir.symlink_metadata(name)?;
        if !seen.is_dir() {
            return Err(Error::NotAFolder);
        }
        let next = dir.open_dir(name)?;
        if Stamp::of(&next.dir_metadata()?) != Stamp::of(&seen) {
            return Err(Error::Escapes);
        }
        dir = next;
    }
    Ok(dir)
}

#[cfg(unix)]
fn builder() -> DirBuilder {
    use cap_std::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn builder() -> DirBuilder {
    DirBuilder::new()
}

/// Puts a folder's names on disk.
#[cfg(unix)]
fn sync(dir: &Dir) -> Result<(), Error> {
    Ok(dir.open(Path::new("."))?.sync_all()?)
}

#[cfg(not(unix))]
fn sync(_: &Dir) -> Result<(), Error> {
    Ok(())
}
