//! `flowgate backup`: a copy of a data directory while it is in use.
//!
//! The database is copied first, as of one commit. What else lies in the directory is copied after it: contents of artifacts are written
//! before their rows and never change, so that the copy has every file that its database names. Left out is what can be made again or
//! belongs to the running processes: native code, sockets, the runner's lock, files half written. The copy appears under its name when
//! it is whole.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::flags::ServerFlags;
use super::{Error, out};
use crate::journal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory to make; it must not exist
    #[arg(value_name = "DEST")]
    to: PathBuf,
    #[command(flatten)]
    settings: ServerFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let settings = args.settings.resolve()?.settings;
    let (from, database, to) = (settings.data_dir.clone(), settings.database().to_owned(), args.to);
    if !database.is_file() {
        return Err(Error::failed(format!("there is no database at {}", database.display())));
    }
    let place = Place::of(&from, &to)?;
    let done = copy(&from, &database, &place).await;
    if done.is_err() {
        // What is there of the copy is of no use; the error is what matters.
        let _half = fs::remove_dir_all(&place.partial);
    }
    let (files, bytes) = done?;
    out::line(format_args!("{}: {files} files, {bytes} bytes", to.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Where the copy goes.
struct Place {
    to: PathBuf,
    /// Its name until it is whole, in the same directory.
    partial: PathBuf,
    parent: PathBuf,
}

impl Place {
    fn of(from: &Path, to: &Path) -> Result<Self, Error> {
        if to.symlink_metadata().is_ok() {
            return Err(Error::failed(format!(
                "{} exists already: a backup overwrites nothing",
                to.display()
            )));
        }
        let name = to
            .file_name()
            .ok_or_else(|| Error::usage(format!("{} is no name for a backup", to.display())))?;
        let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inside = fs::canonicalize(parent).and_then(|parent| Ok(parent.starts_with(fs::canonicalize(from)?)));
        if inside.map_err(named(parent))? {
            return Err(Error::usage(format!(
                "{} lies in the data directory: a backup belongs elsewhere, best on another disk",
                to.display()
            )));
        }
        let mut partial = OsStr::new(".").to_owned();
        partial.push(name);
        partial.push(format!(".partial.{}", std::process::id()));
        Ok(Place {
            to: to.to_owned(),
            partial: parent.join(partial),
            parent: parent.to_owned(),
        })
    }
}

/// Files and bytes copied.
async fn copy(from: &Path, database: &Path, place: &Place) -> Result<(u64, u64), Error> {
    make_dir(&place.partial).map_err(named(&place.partial))?;
    // The database lies inside of the data directory; so does its copy.
    let relative = database.strip_prefix(from).map(Path::to_owned);
    let relative = relative.unwrap_or_else(|_| database.file_name().unwrap_or_default().into());
    let copied = place.partial.join(&relative);
    if let Some(dir) = copied.parent() {
        fs::create_dir_all(dir).map_err(named(dir))?;
    }
    journal::backup(database, &copied).await?;
    let size = fs::metadata(&copied).map_err(named(&copied))?.len();
    let (from, to) = (from.to_owned(), place.partial.clone());
    let rest = tokio::task::spawn_blocking(move || {
        let mut done = (1, size);
        copy_dir(&from, &to, &relative, Path::new(""), &mut done).map(|()| done)
    });
    let done = rest.await.map_err(|e| Error::failed(e.to_string()))??;
    fs::rename(&place.partial, &place.to).map_err(named(&place.to))?;
    sync(&place.parent).map_err(named(&place.parent))?;
    Ok(done)
}

/// Whether an entry of the data directory, by its path in it, is not part of a copy.
fn left_out(path: &Path, database: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let top = path.components().count() == 1;
    let of_database = ["", "-wal", "-shm", "-journal"].iter().any(|suffix| {
        let mut file = database.as_os_str().to_owned();
        file.push(suffix);
        path.as_os_str() == file
    });
    of_database || (top && (name == "code-cache" || name == "gateway_runner.lock" || name.ends_with(".sock")))
}

/// Copies what is below `within` (a path in the data directory); a file that goes meanwhile was not part of anything.
fn copy_dir(from: &Path, to: &Path, database: &Path, within: &Path, done: &mut (u64, u64)) -> Result<(), Error> {
    let dir = from.join(within);
    for entry in fs::read_dir(&dir).map_err(named(&dir))? {
        let path = within.join(entry.map_err(named(&dir))?.file_name());
        if left_out(&path, database) {
            continue;
        }
        let (source, target) = (from.join(&path), to.join(&path));
        // A link at the top is the operator's, to another disk; further down it may be a flow's and lead anywhere.
        let top = path.components().count() == 1;
        let kind = if top {
            fs::metadata(&source)
        } else {
            fs::symlink_metadata(&source)
        };
        let kind = match kind {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(named(&source)(error)),
        };
        if kind.is_dir() {
            make_dir(&target).map_err(named(&target))?;
            copy_dir(from, to, database, &path, done)?;
        } else if kind.is_file() {
            match fs::copy(&source, &target).and_then(|bytes| sync(&target).map(|()| bytes)) {
                Ok(bytes) => *done = (done.0 + 1, done.1 + bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(named(&source)(error)),
            }
        }
    }
    sync(&to.join(within)).map_err(named(to))
}

/// A directory that only its owner can read; one that is there stays.
fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Puts a file or a directory on the disk.
fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

fn named(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::failed(format!("{}: {error}", path.display()))
}
