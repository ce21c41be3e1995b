//! A data directory of the reference, in either of its forms. Only ever read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::Error;
use super::files::Files;
use super::sqlite::Database;
use crate::journal::Metrics;
use crate::record::{Json, StepRecord};

#[derive(Debug)]
pub struct Source {
    /// Beside the runs lie `artifacts`, `dynamic_flows` and `workflow_deprecations.json`, whatever holds the runs.
    pub(super) dir: PathBuf,
    runs: Runs,
}

/// Where the runs of a data directory lie.
#[derive(Debug)]
enum Runs {
    /// `run_<id>.json`, `ledger_<id>.jsonl`, `commands.jsonl`.
    Files(Files),
    /// `gateway.sqlite3`.
    Database(Database),
}

/// A run as it lies there.
#[derive(Debug)]
pub struct StoredRun {
    pub run_id: String,
    /// JSON.
    pub run: String,
    /// Ledger rows, in order.
    pub rows: Vec<Arc<str>>,
    /// What the rows count.
    pub metrics: Metrics,
    /// Rows that are none, by their place from 1, and what is wrong with them.
    pub bad_rows: Vec<(usize, String)>,
}

#[derive(Debug, Deserialize)]
pub struct StoredCommand {
    pub seq: u64,
    pub command_id: String,
    pub run_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub payload: Json,
    #[serde(default)]
    pub ts: Option<String>,
    #[serde(default)]
    pub client_id: Option<String>,
}

impl Source {
    /// Looks for a database first, then for files.
    ///
    /// # Errors
    /// There is no such directory, or it holds neither.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let source = |runs| Source {
            dir: dir.to_owned(),
            runs,
        };
        let database = dir.join("gateway.sqlite3");
        if database.is_file() {
            return Ok(source(Runs::Database(Database::open(&database).await?)));
        }
        let files = Files::open(dir)?;
        if files.is_empty() {
            let text = format!(
                "{}: neither gateway.sqlite3 nor run_*.json is there; is it the data directory of the gateway?",
                dir.display()
            );
            return Err(Error::Source(text));
        }
        Ok(source(Runs::Files(files)))
    }

    /// All runs, in the order they were made.
    pub async fn run_ids(&mut self) -> Result<Vec<String>, Error> {
        match &mut self.runs {
            Runs::Files(files) => files.run_ids(),
            Runs::Database(database) => database.run_ids().await,
        }
    }

    pub async fn run(&mut self, run_id: &str) -> Result<StoredRun, Error> {
        let (run, lines) = match &mut self.runs {
            Runs::Files(files) => files.run(run_id)?,
            Runs::Database(database) => database.run(run_id).await?,
        };
        let mut metrics = Metrics::default();
        let (mut rows, mut bad_rows) = (Vec::with_capacity(lines.len()), Vec::new());
        for (at, line) in lines.into_iter().enumerate() {
            // The row is kept as it stands; reading it shows that clients can.
            match serde_json::from_str::<StepRecord>(&line) {
                Ok(row) => {
                    metrics += Metrics::of(&row);
                    rows.push(line.into());
                }
                Err(error) => bad_rows.push((at + 1, error.to_string())),
            }
        }
        Ok(StoredRun {
            run_id: run_id.to_owned(),
            run,
            rows,
            metrics,
            bad_rows,
        })
    }

    pub async fn commands(&mut self) -> Result<Vec<StoredCommand>, Error> {
        match &mut self.runs {
            Runs::Files(files) => files.commands(),
            Runs::Database(database) => database.commands().await,
        }
    }

    /// Commands up to this number have been applied.
    pub async fn command_cursor(&mut self) -> Result<u64, Error> {
        match &mut self.runs {
            Runs::Files(files) => files.command_cursor(),
            Runs::Database(database) => database.command_cursor().await,
        }
    }
}
