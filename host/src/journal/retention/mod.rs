//! What expires, by a tenant's [policy](Policy): trees of runs that have ended, ids of commands, and the oldest ledger rows of runs that
//! go on. The space that they leave goes back to the file system, and the write-ahead log is kept from growing.
//!
//! A [`Keeper`] looks now and then, reads a page at a time, and asks the writer for [chores](Chore) that are small: each is a commit of its
//! own, made when everybody else has been answered. It rests as long as each has taken, so the writer is never busy with chores for more
//! than half of its time. A look that has taken longer than the pause between two is behind, as it is on a host at full load: then it goes on
//! without rests and in larger chores, or the database would grow for ever. Nothing has to be remembered: a host that dies anywhere in between
//! finds what is left when it looks again.
//!
//! * A tree goes as a whole, from its leaves to its root, when all its runs have ended and none has moved for `finished_after`. The
//!   executions of a schedule are trees of their own, or one that goes on for ever would keep them all.
//! * A run with a longer ledger than a commit should remove loses its rows from the oldest on, and then goes.
//! * Of a run that goes on, rows go and `horizon` says which is the first still there. History goes with them as far as the last snapshot
//!   holds what it says; a guest without snapshots keeps all of it.

mod find;
mod policy;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::handle::Handle;
use super::types::Error;
use crate::clock::Micros;
use crate::ids::{LedgerSeq, RunKey, TenantId};
use crate::record::RunStatus;
use crate::telemetry::metrics::metrics;

use find::{Extent, Mark, PAGE};
pub use policy::{Policy, Retention};

/// Rows that one chore removes, about.
pub(crate) const AT_ONCE: u64 = 1000;
/// The same, while the keeper is behind.
const AT_ONCE_BEHIND: u64 = 4000;
/// Runs that one chore removes.
const RUNS_AT_ONCE: usize = 256;
/// What a run costs beside its ledger and history.
const RUN_ROWS: u64 = 4;
/// Pages that one chore gives back: 2 MiB.
const PAGES_AT_ONCE: u64 = 256;
/// Pages that stay free in any case: new rows take them at once.
const SPARE_PAGES: u64 = 1024;
/// Bytes of the log beyond which it is made to begin again. SQLite does that by itself unless there is always a reader.
const LOG_BYTES: u64 = 192 << 20;
/// Pause between two looks at everything, not only at what has moved since the last look.
const ROUND: Duration = Duration::from_secs(3600);

/// How far a look goes back before the end of the last: runs are committed a moment after the time that they moved at.
const OVERLAP: Duration = Duration::from_secs(60);

/// Something for the writer to do between commits.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Remove runs, children before their parents, that have ended before `before`. What does not fit that stays.
    Remove {
        tenant: TenantId,
        runs: Vec<RunKey>,
        before: Micros,
    },
    /// Remove ledger rows below a number, and history. `whole`: of runs that have ended and are about to go.
    Trim {
        tenant: TenantId,
        runs: Vec<(RunKey, LedgerSeq)>,
        whole: bool,
    },
    /// Forget commands that were applied or refused before `before`.
    Forget { tenant: TenantId, before: Micros },
    /// Give free pages back.
    Vacuum { pages: u64 },
    /// Have the log begin again at its start.
    RestartLog,
}

/// What a chore did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    pub runs: u64,
    pub rows: u64,
    pub pages: u64,
    /// The same chore would find more to do.
    pub left: bool,
}

/// Looks for what has expired, where runs are driven. Owned by its task; ends when the journal is closed.
#[derive(Debug)]
pub struct Keeper {
    journal: Handle,
    retention: Retention,
    /// How far it has looked.
    looks: HashMap<TenantId, Look>,
    /// Where the next look at memories of sessions begins.
    memories: HashMap<TenantId, RunKey>,
    /// When the look that goes on began.
    began: Instant,
}

/// How far a tenant's runs have been looked at, by status: what has not moved since then needs no second look until the next round.
#[derive(Debug, Default)]
struct Look {
    marks: HashMap<RunStatus, Mark>,
    /// When the last round began.
    round: Option<Instant>,
}

impl Keeper {
    pub fn new(journal: Handle, retention: Retention) -> Self {
        Keeper {
            journal,
            retention,
            looks: HashMap::new(),
            memories: HashMap::new(),
            began: Instant::now(),
        }
    }

    /// The look that goes on has taken longer than the pause between two.
    fn is_behind(&self) -> bool {
        self.began.elapsed() > self.retention.interval
    }

    /// Looks again and again, until the journal is closed.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(self.retention.interval).await;
            match self.look().await {
                Ok(()) => {}
                Err(Error::Closed) => return,
                Err(error) => tracing::warn!(%error, "what has expired could not be removed"),
            }
        }
    }

    /// Removes everything that has expired by now.
    pub(crate) async fn look(&mut self) -> Result<(), Error> {
        self.began = Instant::now();
        if !self.retention.is_off() {
            let now = self.journal.clock().now();
            for tenant in self.journal.tenants().await? {
                self.look_at(tenant, now).await?;
            }
        }
        self.give_space_back().await
    }

    async fn look_at(&mut self, tenant: TenantId, now: Micros) -> Result<(), Error> {
        let policy = self.retention.of(tenant);
        let round = policy
            .max_age
            .map_or(ROUND, |age| ROUND.min(age / 10))
            .max(self.retention.interval);
        let look = self.looks.entry(tenant).or_default();
        let all = look.round.is_none_or(|began| began.elapsed() >= round);
        if all {
            look.round = Some(Instant::now());
            look.marks.clear();
        }
        if let Some(after) = policy.finished_after {
            let before = earlier(now, after);
            for status in RunStatus::ALL.into_iter().filter(|status| status.is_terminal()) {
                self.remove_ended(tenant, status, before).await?;
            }
            self.remove_memories(tenant, before).await?;
        }
        if policy.bounds_ledgers() {
            for status in [RunStatus::Running, RunStatus::Waiting] {
                self.shorten(tenant, status, (policy, now, all)).await?;
            }
        }
        if let Some(after) = policy.commands_after {
            self.forget_commands(tenant, earlier(now, after)).await?;
        }
        Ok(())
    }

    /// Where a look begins.
    fn begin(&self, tenant: TenantId, status: RunStatus) -> Mark {
        let mark = self.looks.get(&tenant).and_then(|look| look.marks.get(&status));
        mark.map_or_else(Mark::default, |mark| Mark {
            updated: earlier(mark.updated, OVERLAP),
            run: mark.run,
        })
    }

    /// Where it ended.
    fn end(&mut self, tenant: TenantId, status: RunStatus, at: Mark) {
        let marks = &mut self.looks.entry(tenant).or_default().marks;
        let mark = marks.entry(status).or_insert(at);
        if at.updated > mark.updated {
            *mark = at;
        }
    }

    /// Trees of which a run has ended since the last look.
    async fn remove_ended(&mut self, tenant: TenantId, status: RunStatus, before: Micros) -> Result<(), Error> {
        let mut mark = self.begin(tenant, status);
        loop {
            let page = self.journal.ended(tenant, status, (mark, before)).await?;
            let Some(last) = page.last() else { return Ok(()) };
            mark = *last;
            let runs: Vec<RunKey> = page.iter().map(|mark| mark.run).collect();
            let tops = self.journal.tops(tenant, &runs, before).await?;
            let doomed = self.journal.expired_families(tenant, &tops, before).await?;
            self.remove(tenant, doomed, before).await?;
            self.end(tenant, status, mark);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Removes runs with so many rows each, children before their parents.
    async fn remove(&mut self, tenant: TenantId, doomed: Vec<(RunKey, u64)>, before: Micros) -> Result<(), Error> {
        let (mut runs, mut rows) = (Vec::new(), 0);
        for (run, mut own) in doomed {
            if own > AT_ONCE {
                self.trim(tenant, &[(run, LedgerSeq::MAX)], true).await?;
                own = 0;
            }
            own += RUN_ROWS;
            let at_once = if self.is_behind() { AT_ONCE_BEHIND } else { AT_ONCE };
            if !runs.is_empty() && (rows + own > at_once || runs.len() >= RUNS_AT_ONCE) {
                let runs = std::mem::take(&mut runs);
                self.chore(Chore::Remove { tenant, runs, before }).await?;
                rows = 0;
            }
            runs.push(run);
            rows += own;
        }
        if !runs.is_empty() {
            self.chore(Chore::Remove { tenant, runs, before }).await?;
        }
        Ok(())
    }

    /// Removes ledger rows below the given ones, until none is left.
    async fn trim(&self, tenant: TenantId, runs: &[(RunKey, LedgerSeq)], whole: bool) -> Result<(), Error> {
        let again = || {
            let runs = runs.to_vec();
            Chore::Trim { tenant, runs, whole }
        };
        while self.chore(again()).await?.left {}
        Ok(())
    }

    /// Memories of sessions that have no runs any more, some at each look.
    async fn remove_memories(&mut self, tenant: TenantId, before: Micros) -> Result<(), Error> {
        let from = self.memories.get(&tenant).copied().unwrap_or(RunKey(0));
        let page = self.journal.session_memories(tenant, from).await?;
        let next = page.last().filter(|_| page.len() == PAGE).copied();
        self.memories.insert(tenant, next.unwrap_or(RunKey(0)));
        let unused = self.journal.unused_memories(tenant, &page, before).await?;
        let doomed = unused.into_iter().map(|run| (run, 0)).collect();
        self.remove(tenant, doomed, before).await
    }

    /// Ledgers that are longer or older than they may be. Age is looked at in rounds only: it comes without anything moving.
    async fn shorten(&mut self, tenant: TenantId, status: RunStatus, how: (Policy, Micros, bool)) -> Result<(), Error> {
        let (policy, now, all) = how;
        // What moves while this goes on is found behind the mark; some of that is enough.
        let (mut mark, mut beyond) = (self.begin(tenant, status), 0);
        while beyond < 4 {
            let page = self.journal.extents(tenant, status, mark).await?;
            let Some(last) = page.last() else { return Ok(()) };
            mark = last.at;
            let (mut runs, mut rows) = (Vec::new(), 0);
            for run in &page {
                let mut below = run.over(policy.max_rows);
                if let Some(age) = policy.max_age.filter(|_| all) {
                    below = below.max(self.young(tenant, run, earlier(now, age)).await?);
                }
                // The newest row stays.
                below = below.min(run.last_seq);
                if below > run.horizon {
                    runs.push((run.at.run, below));
                    rows += (below - run.horizon).min(AT_ONCE);
                }
                if rows >= AT_ONCE {
                    self.trim(tenant, &std::mem::take(&mut runs), false).await?;
                    rows = 0;
                }
            }
            if !runs.is_empty() {
                self.trim(tenant, &runs, false).await?;
            }
            self.end(tenant, status, mark);
            beyond += u32::from(mark.updated > now);
            if page.len() < PAGE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The first row of a run that is not from before `before`. Others go on the way, where there are many of them.
    async fn young(&self, tenant: TenantId, run: &Extent, before: Micros) -> Result<LedgerSeq, Error> {
        if run.created >= before {
            return Ok(run.horizon);
        }
        loop {
            let (first, more) = self.journal.young(tenant, run, before).await?;
            if !more || first > run.last_seq {
                return Ok(first);
            }
            self.trim(tenant, &[(run.at.run, first)], false).await?;
        }
    }

    async fn forget_commands(&self, tenant: TenantId, before: Micros) -> Result<(), Error> {
        while self.journal.has_old_commands(tenant, before).await? {
            if !self.chore(Chore::Forget { tenant, before }).await?.left {
                break;
            }
        }
        Ok(())
    }

    /// Gives back what is free beyond an eighth of the database: that much is soon used again.
    async fn give_space_back(&self) -> Result<(), Error> {
        let (free, all) = self.journal.pages().await?;
        let mut needless = free.saturating_sub(SPARE_PAGES.max(all / 8));
        while needless > 0 {
            let pages = needless.min(PAGES_AT_ONCE);
            if self.chore(Chore::Vacuum { pages }).await?.pages == 0 {
                break;
            }
            needless -= pages;
        }
        if self.journal.file_sizes().is_some_and(|(_, log)| log > LOG_BYTES) {
            self.chore(Chore::RestartLog).await?;
        }
        Ok(())
    }

    /// Has a chore done, and rests as long as it took unless there is no time for rests.
    async fn chore(&self, chore: Chore) -> Result<Done, Error> {
        let began = Instant::now();
        let done = self.journal.chore(chore).await?;
        metrics().expired_runs.increment(done.runs);
        metrics().expired_rows.increment(done.rows);
        metrics().vacuumed_pages.increment(done.pages);
        if !self.is_behind() {
            tokio::time::sleep(began.elapsed()).await;
        }
        Ok(done)
    }
}

impl Extent {
    /// The first row that stays when `max_rows` may; rows go when there are a tenth more.
    fn over(&self, max_rows: Option<u64>) -> LedgerSeq {
        let rows = self.last_seq + 1 - self.horizon;
        match max_rows {
            Some(most) if rows > most.saturating_add(most / 10) => self.last_seq + 1 - most,
            _ => self.horizon,
        }
    }
}

fn earlier(now: Micros, by: Duration) -> Micros {
    now.plus(-i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}
