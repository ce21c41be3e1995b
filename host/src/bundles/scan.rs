//! Finds bundles in the flows directory. Blocking: call it where blocking is allowed.

use std::io;
use std::path::{Path, PathBuf};

use super::shelf::Source;

/// The bundles at `path`, sorted by file name: the path itself when it is a bundle, else every `.flow` file and bundle directory
/// in it. A path that does not exist holds none.
pub fn scan(path: &Path) -> io::Result<Vec<Source>> {
    if let Some(source) = bundle_at(path) {
        return Ok(vec![source]);
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", path.display()))),
    };
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths.iter().filter_map(|path| bundle_at(path)).collect())
}

/// What kind of bundle `path` may be, judged by its name and shape only.
pub fn bundle_at(path: &Path) -> Option<Source> {
    if path.is_dir() {
        return path
            .join("manifest.json")
            .is_file()
            .then(|| Source::Directory(path.to_owned()));
    }
    let flow_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("flow"));
    (flow_file && path.is_file()).then(|| Source::File(path.to_owned()))
}
