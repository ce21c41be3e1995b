//! The file stores: one JSON file a run, one JSON-lines file a ledger, one for all commands.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use super::source::StoredCommand;

#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
    /// By run id; the time is the run's `created_at`.
    runs: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Head {
    run_id: String,
    #[serde(default)]
    created_at: String,
}

#[derive(Deserialize)]
struct Cursor {
    cursor: u64,
}

pub(super) fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Source(format!("{}: {error}", path.display()))
}

/// The files of a folder whose names end so, by name; a folder that is not there has none.
pub(super) fn names(dir: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(dir, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(dir, e))?.path();
        if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Files {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        if !dir.is_dir() {
            return Err(unreadable(dir, "it is no folder"));
        }
        let mut runs = Vec::new();
        for path in names(dir, ".json")? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !name.starts_with("run_") {
                continue;
            }
            let text = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
            let head: Head = serde_json::from_slice(&text).map_err(|e| unreadable(&path, e))?;
            if name != format!("run_{}.json", head.run_id) {
                return Err(unreadable(&path, format!("it holds run '{}'", head.run_id)));
            }
            runs.push((head.run_id, head.created_at));
        }
        // One format of time everywhere, so the texts are in the order of the times.
        runs.sort_by(|(a, at), (b, bt)| (at, a).cmp(&(bt, b)));
        Ok(Files {
            dir: dir.to_owned(),
            runs,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub fn run_ids(&self) -> Result<Vec<String>, Error> {
        Ok(self.runs.iter().map(|(run_id, _)| run_id.clone()).collect())
    }

    pub fn run(&self, run_id: &str) -> Result<(String, Vec<String>), Error> {
        let path = self.dir.join(format!("run_{run_id}.json"));
        let run = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        Ok((run, self.lines(&format!("ledger_{run_id}.jsonl"))?))
    }

    pub fn commands(&self) -> Result<Vec<StoredCommand>, Error> {
        let lines = self.lines("commands.jsonl")?;
        let parse = |(at, line): (usize, &String)| {
            let place = format!("commands.jsonl, line {}", at + 1);
            serde_json::from_str(line).map_err(|e| unreadable(&self.dir.join(place), e))
        };
        lines.iter().enumerate().map(parse).collect()
    }

    pub fn command_cursor(&self) -> Result<u64, Error> {
        let path = self.dir.join("commands_cursor.json");
        match std::fs::read(&path) {
            Ok(text) => {
                let cursor: Cursor = serde_json::from_slice(&text).map_err(|e| unreadable(&path, e))?;
                Ok(cursor.cursor)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    /// The lines of a file that need not be there.
    fn lines(&self, name: &str) -> Result<Vec<String>, Error> {
        let path = self.dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned)
                .collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(unreadable(&path, error)),
        }
    }
}
