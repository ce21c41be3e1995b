//! What the writer does while commits fail: it tries again by itself, and takes nothing that it cannot store.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::request::copy;
use super::{Request, Writer};
use crate::ids::RunRef;
use crate::journal::store::Store;
use crate::journal::types::Error;

/// Pause after the first failure; it doubles with each further one …
const PAUSE: Duration = Duration::from_millis(20);
/// … so many times: to 1.3 s at most.
const DOUBLED: u32 = 6;
/// So long after the first failure requests wait for the next try: it may be over already. After that they are refused at once.
const HELD: Duration = Duration::from_millis(100);

/// Commits that have failed since the last that did not.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    failures: u32,
    now: Option<Now>,
    /// Runs whose drivers have given up: they want new ones when it is over.
    stranded: HashSet<RunRef>,
}

#[derive(Debug)]
struct Now {
    since: Instant,
    /// When to try again.
    until: Instant,
    /// The last failure.
    error: Error,
}

impl Trouble {
    pub fn add(&mut self, error: &Error, stranded: impl IntoIterator<Item = RunRef>) {
        let error = match error {
            Error::Deposed => Error::Deposed,
            other => copy(other),
        };
        let now = Instant::now();
        self.now = Some(Now {
            since: self.now.as_ref().map_or(now, |trouble| trouble.since),
            until: now + PAUSE * (1 << self.failures.min(DOUBLED)),
            error,
        });
        self.failures += 1;
        self.stranded.extend(stranded);
    }

    /// A commit has succeeded. Gives the runs that want a driver.
    pub fn over(&mut self) -> HashSet<RunRef> {
        if let Some(trouble) = self.now.take() {
            tracing::info!(failures = self.failures, last = %trouble.error, "commits succeed again");
        }
        self.failures = 0;
        std::mem::take(&mut self.stranded)
    }

    /// How long to wait before the next try; None: commits succeed.
    pub fn left(&self) -> Option<Duration> {
        let trouble = self.now.as_ref()?;
        Some(trouble.until.saturating_duration_since(Instant::now()))
    }

    /// Another process drives the runs: this is for good.
    pub fn is_deposed(&self) -> bool {
        matches!(&self.now, Some(now) if matches!(now.error, Error::Deposed))
    }
}

impl<S: Store> Writer<S> {
    /// Before a commit: waits for the next try, or refuses everything if that has been in vain for some time. True: there is nothing to commit.
    pub(super) async fn refuse(&mut self, batch: &mut Vec<Request>) -> bool {
        let Some(now) = &self.trouble.now else {
            return false;
        };
        // Rows of one run that are damaged are no reason to refuse others.
        if matches!(now.error, Error::Corrupt(_)) {
            return false;
        }
        let left = now.until.saturating_duration_since(Instant::now());
        let (held, error) = (now.since.elapsed() < HELD, copy(&now.error));
        if !self.trouble.is_deposed() {
            if left.is_zero() {
                return false;
            }
            // Who closes the journal wants to know whether it has been checkpointed.
            let closes = batch.iter().any(|request| matches!(request, Request::Close(_)));
            if closes || held {
                if !batch.is_empty() {
                    tokio::time::sleep(left).await;
                }
                return batch.is_empty();
            }
        }
        self.shared.vital.failed();
        self.trouble.stranded.extend(batch.iter().filter_map(Request::driven));
        for request in batch.drain(..) {
            request.refuse(&error);
        }
        true
    }
}
