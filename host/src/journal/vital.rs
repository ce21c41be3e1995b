//! Whether the journal lives: what it did last, and a commit to see, when that was too long ago.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::handle::Handle;
use super::lock::RunnerLock;
use super::options::Role;
use super::store::query::Columns;
use super::types::Error;

/// A commit so recent says that the next will do, too.
const RECENT: Duration = Duration::from_secs(2);
/// How long a commit may take before the journal counts as stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the writer is, told by itself. A std mutex: held for a look.
#[derive(Debug, Default)]
pub(crate) struct Vital(Mutex<State>);

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// When the oldest request of the commit in work was asked.
    oldest: Option<Instant>,
    /// When the last commit that wrote for somebody was durable; none after one that failed.
    committed: Option<Instant>,
}

impl Vital {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(crate) fn begin(&self, oldest: Instant) {
        self.with(|state| state.oldest = Some(oldest));
    }
    pub(crate) fn committed(&self, asked: bool) {
        self.with(|state| {
            state.oldest = None;
            if asked {
                state.committed = Some(Instant::now());
            }
        });
    }
    pub(crate) fn failed(&self) {
        self.with(|state| *state = State::default());
    }
}

/// Who drives the runs of the journal, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// This process.
    Here,
    /// Another one; this process only takes requests.
    Elsewhere,
    /// None: what is taken here waits for a runner.
    Nowhere,
}

/// Why the journal cannot take a request. The log has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwell {
    #[error("the journal is closed")]
    Closed,
    #[error("the journal cannot commit")]
    Failing,
    #[error("the journal does not answer")]
    Stuck,
}

impl Handle {
    /// Whether a request would become durable now: the writer answers and the disk takes a commit. Asks the disk only when no commit has
    /// shown it within the last seconds, so that asking often costs nothing.
    pub async fn check(&self) -> Result<(), Unwell> {
        if self.is_closed() {
            return Err(Unwell::Closed);
        }
        if self
            .vital()
            .with(|state| state.committed.is_some_and(|at| at.elapsed() < RECENT))
        {
            return Ok(());
        }
        match tokio::time::timeout(PATIENCE, self.probe()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Error::Closed)) => Err(Unwell::Closed),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the journal cannot commit");
                Err(Unwell::Failing)
            }
            Err(_) => Err(Unwell::Stuck),
        }
    }

    /// How long the oldest request that is not answered has waited.
    pub fn queue_age(&self) -> Duration {
        self.vital()
            .with(|state| state.oldest.map_or(Duration::ZERO, |at| at.elapsed()))
    }

    /// Runs of all tenants by status, statuses without a run included.
    pub async fn run_counts(&self) -> Result<Vec<(&'static str, u64)>, Error> {
        let sql = "SELECT status, sum(runs) FROM run_counts GROUP BY status";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        let mut counts: Vec<(&'static str, u64)> = crate::record::RunStatus::ALL.map(|status| (status.as_str(), 0)).into();
        for row in &rows {
            let mut c = Columns::of(row);
            let status: &str = c.get()?;
            let runs = c.u64()?;
            if let Some(count) = counts.iter_mut().find(|(name, _)| *name == status) {
                count.1 = runs;
            }
        }
        Ok(counts)
    }

    /// Bytes of the database file and of its write-ahead log; none for a database in memory.
    pub fn file_sizes(&self) -> Option<(u64, u64)> {
        let path = self.path()?;
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Some((size(path), size(log.as_ref())))
    }

    /// Who drives the runs, as of now.
    pub fn runs_are_driven(&self) -> Runs {
        match (self.role(), self.path().and_then(Path::parent)) {
            (Role::Runner, _) => Runs::Here,
            (Role::Api, Some(dir)) if RunnerLock::is_held(dir) => Runs::Elsewhere,
            (Role::Api, _) => Runs::Nowhere,
        }
    }
}
