//! Requests that cannot be committed because of what they are about, not because of the disk: rows of one run that are damaged.
//!
//! Most are found before anything is changed: the state of a run that cannot be read ([`Writer::weed`]). They are answered, and the commit
//! goes on without them. What shows only later (a row that is there already where the next one is to go) fails the commit, and with it once
//! those who shared it: they are told to try again, as after a failure of the disk. The runs of that commit are suspects from then on: what
//! is asked about them is committed alone, until it succeeds. So the commits of others are in groups as ever, and fail no more.

use std::collections::HashSet;

use super::request::Request;
use super::{Error, Store, Writer};
use crate::ids::RunRef;

/// More than any group has; beyond it the newest are let go.
const MOST: usize = 4096;

/// Whether an error comes from what a request is about. Others come from the disk, and whatever is asked would fail.
pub(super) fn is_of_one(error: &Error) -> bool {
    match error {
        Error::Corrupt(_) => true,
        Error::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => true,
        Error::Database(sqlx::Error::Database(error)) => {
            use sqlx::error::ErrorKind;
            !matches!(error.kind(), ErrorKind::Other)
                || error.code().as_deref().is_some_and(|code| TOO_LARGE_OR_ODD.contains(&code))
        }
        _ => false,
    }
}

/// SQLITE_TOOBIG and SQLITE_MISMATCH: a value that the database cannot hold.
const TOO_LARGE_OR_ODD: [&str; 2] = ["18", "20"];

/// Runs whose next commits are made alone.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    runs: HashSet<RunRef>,
    /// The commit failed while the request was being served whose answer is the last.
    pub last_is_known: bool,
}

impl Suspects {
    /// The runs of a commit that failed.
    pub fn add(&mut self, runs: &[RunRef]) {
        let room = MOST.saturating_sub(self.runs.len());
        self.runs.extend(runs.iter().take(room));
    }

    /// A commit that was made alone has succeeded.
    pub fn clear(&mut self, runs: &[RunRef]) {
        for run in runs {
            self.runs.remove(run);
        }
    }

    /// Takes out what is about suspects.
    pub fn taken_from(&self, batch: &mut Vec<Request>) -> Vec<Request> {
        if self.runs.is_empty() {
            return Vec::new();
        }
        let is_suspect = |request: &mut Request| request.driven().is_some_and(|run| self.runs.contains(&run));
        batch.extract_if(.., is_suspect).collect()
    }
}

impl<S: Store> Writer<S> {
    /// Answers requests about runs whose state cannot be read. Nothing has been changed yet.
    pub(super) async fn weed(&mut self, batch: &mut Vec<Request>) -> Result<(), Error> {
        let mut at = 0;
        while let Some(request) = batch.get(at) {
            match request.driven() {
                None => at += 1,
                Some(run) => match self.unit.head(run).await {
                    Ok(_) => at += 1,
                    Err(error) if is_of_one(&error) => {
                        tracing::error!(%error, tenant = run.tenant.0, run_key = run.run.0, "the rows of a run are damaged");
                        batch.remove(at).refuse(&error);
                    }
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// Answers those whose commit has failed because of one of them. Which one, is known when it was alone or was being served.
    pub(super) fn answer_one(&mut self, error: &Error) {
        let beside = Error::NotStored("a commit failed because of another request".to_owned());
        let last = self.answers.len().saturating_sub(1);
        let is_known = self.suspects.last_is_known || last == 0;
        for (at, answer) in self.answers.drain(..).enumerate() {
            answer(Some(if is_known && at == last { error } else { &beside }));
        }
    }
}
