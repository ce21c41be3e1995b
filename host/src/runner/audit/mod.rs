//! Replays runs: repeats every tick of a run's history with the component that it was pinned to, and compares every request and every row
//! of the ledger with what is stored.
//!
//! It reads and never writes. Ticks are repeated as recovery repeats them ([`replay`](super::replay)); what follows from a tick is decided
//! by the same code that drivers use. What cannot be computed is taken as it is recorded: outcomes of waits and calls, ids, times, which
//! workflows there were. The journal keeps the history of a run for as long as it keeps the run, so a run is repeated from its start;
//! one that was taken in from another system is repeated from its last snapshot on, and the report says from which row.

mod ledger;
mod report;
mod walk;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

pub use report::{Difference, Report, Verdict};
pub(super) use walk::differing;

use self::ledger::Ledger;
use self::walk::{Check, Walk, compare};
use super::history::{Tick, Told};
use super::{programs, replay};
use crate::clock::Micros;
use crate::ids::{Digest, RunRef};
use crate::journal::{self, Moved, Recorded, Way};
use crate::sandbox::{Instance, Program, Sandbox, Stop};

/// Replays the runs of a journal.
pub struct Auditor {
    journal: journal::Handle,
    sandbox: Sandbox,
    /// As the host has it (`runner.max_inline_bytes`).
    max_inline_bytes: usize,
}

/// From where on the rows of a ledger are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    First,
    /// With the tick of this time.
    At(Micros),
    /// What made the rows is not kept.
    Nowhere,
}

/// History from where it can be repeated.
struct Past<'a> {
    recorded: &'a Recorded,
    /// It begins with the run's start; else with the last snapshot.
    whole: bool,
    /// The commit after which it begins.
    after: u64,
    /// Ticks by commit.
    commits: Vec<(u64, Vec<Tick>)>,
}

impl Auditor {
    pub fn new(journal: journal::Handle, sandbox: Sandbox, max_inline_bytes: usize) -> Self {
        Auditor {
            journal,
            sandbox,
            max_inline_bytes,
        }
    }

    /// Replays one run; None: there is no such run.
    ///
    /// # Errors
    /// Only the database's: what is wrong with the run is in the report.
    pub async fn replay(&self, at: RunRef) -> Result<Option<Report>, journal::Error> {
        match self.journal.recorded(at).await? {
            Some(recorded) => Ok(Some(self.examine(&recorded).await)),
            None => Ok(None),
        }
    }

    /// Replays what is kept of one run.
    pub(super) async fn examine(&self, recorded: &Recorded) -> Report {
        let mut report = Report {
            run_id: recorded.run.row.run_id.clone(),
            workflow_id: recorded.run.row.workflow_id.clone(),
            component: recorded.run.row.component.hex(),
            verdict: Verdict::Identical,
            ticks: 0,
            rows: 0,
            from_seq: 1,
            difference: None,
        };
        let mut place = None;
        if let Err(mut difference) = self.compare(recorded, &mut report, &mut place).await {
            difference.tick = difference.tick.or(place);
            report.verdict = Verdict::Different;
            report.difference = Some(*difference);
        }
        report
    }

    async fn compare(&self, recorded: &Recorded, report: &mut Report, place: &mut Option<(u64, usize)>) -> Check<()> {
        let mut ledger = Ledger::of(&recorded.ledger, self.max_inline_bytes)?;
        let past = Past::of(recorded)?;
        let begins = past.begins(&ledger);
        match begins {
            Begins::First => {}
            Begins::At(time) => ledger.begin_after(time),
            Begins::Nowhere => {
                report.verdict = Verdict::Unrecorded;
                return Ok(());
            }
        }
        report.from_seq = ledger.first_seq();
        let done = self.walk((&past, begins), &mut ledger, report, place).await;
        report.rows = ledger.taken();
        match done {
            // Rows and no history: they were made elsewhere.
            Err(_) if recorded.history_pos == 0 => {
                report.verdict = Verdict::Unrecorded;
                Ok(())
            }
            other => other,
        }
    }

    async fn walk(
        &self,
        (past, begins): (&Past<'_>, Begins),
        ledger: &mut Ledger,
        report: &mut Report,
        place: &mut Option<(u64, usize)>,
    ) -> Check<()> {
        let recorded = past.recorded;
        let mut moves: VecDeque<&Moved> = recorded.moves.iter().filter(|m| m.pos >= past.after).collect();
        if !past.whole {
            // The snapshot that it begins with is the newer component's.
            while moves.front().is_some_and(|m| m.pos == past.after && m.way == Way::Snapshot) {
                moves.pop_front();
            }
        }
        let mut run = recorded.run.clone();
        if let Some(first) = moves.front() {
            run.row.component = first.from.component;
            run.row.workflow_id.clone_from(&first.from.workflow_id);
        }
        if run.row.entry.is_empty() && !past.commits.is_empty() {
            // The run was started before its component had said what it is.
            let program = self.program(past, run.row.component).await?;
            let entry = programs::entry(&self.sandbox, &program).await;
            run.row.entry = entry.map_err(|e| Difference::new("component", e))?;
        }
        let snapshot = run.snapshot.take().filter(|_| !past.whole);
        let mut walk = Walk::new(run, ledger, begins != Begins::First);
        // Only when there is something to tick: a run may never have been driven.
        let mut instance = None;
        if let Some(state) = &snapshot {
            let mut begun = self.instance(past, walk.run.row.component).await?;
            restore(&mut begun, state).await?;
            instance = Some(begun);
        }
        self.cross(past, &mut moves, past.after, &mut walk, &mut instance).await?;
        for (pos, ticks) in &past.commits {
            for (number, tick) in ticks.iter().enumerate() {
                *place = Some((*pos, number + 1));
                let has_rows = !matches!(begins, Begins::At(time) if Micros(tick.now) < time);
                if has_rows {
                    walk.told(&tick.event)?;
                }
                let instance = match &mut instance {
                    Some(instance) => instance,
                    none => none.insert(self.instance(past, walk.run.row.component).await?),
                };
                report.ticks += 1;
                match replay::repeat(instance, &walk.run, tick).await {
                    Ok(progress) => {
                        compare(tick, &progress, walk.ledger)?;
                        if has_rows {
                            walk.progress(tick, progress)?;
                        }
                    }
                    Err(stop) => match &tick.stopped {
                        Some(error) => walk.cut_off(error)?,
                        None => return Err(Difference::new("tick", format!("the tick cannot be repeated: {stop}"))),
                    },
                }
                // The run went on from what was written: what two names shared is two things then.
                if tick.kept {
                    let state = instance.snapshot().await.map_err(stopped)?;
                    let state =
                        state.ok_or_else(|| Difference::new("component", "the flow gave its state here, and does not now"))?;
                    *instance = self.instance(past, walk.run.row.component).await?;
                    restore(instance, &state).await?;
                }
            }
            self.cross(past, &mut moves, *pos, &mut walk, &mut instance).await?;
        }
        *place = None;
        let (now, pinned) = (walk.run.row.component, recorded.run.row.component);
        if now != pinned {
            let text = "the run is pinned to another component than its moves say";
            return Err(Difference::new("component", text)
                .recorded(&pinned.hex())
                .replayed(&now.hex()));
        }
        walk.finish()
    }

    /// The moves of the run to other components after this commit.
    async fn cross(
        &self,
        past: &Past<'_>,
        moves: &mut VecDeque<&Moved>,
        pos: u64,
        walk: &mut Walk<'_>,
        instance: &mut Option<Instance>,
    ) -> Check<()> {
        while let Some(next) = moves.front().filter(|m| m.pos == pos).copied() {
            moves.pop_front();
            walk.run.row.component = next.to.component;
            walk.run.row.workflow_id.clone_from(&next.to.workflow_id);
            let Some(mut old) = instance.take() else { continue };
            let mut new = self.instance(past, next.to.component).await?;
            match next.way {
                Way::Start => {}
                Way::Snapshot => {
                    let state = old.snapshot().await.map_err(stopped)?;
                    let state =
                        state.ok_or_else(|| Difference::new("component", "the moved run has no snapshot to take over"))?;
                    restore(&mut new, &state).await?;
                }
                Way::Replay => {
                    let ticks = past.commits.iter().take_while(|(at, _)| *at <= pos);
                    for tick in ticks.flat_map(|(_, ticks)| ticks) {
                        let progress = replay::repeat(&mut new, &walk.run, tick).await.map_err(stopped)?;
                        replay::goes_on(&progress).map_err(|why| Difference::new("tick", why))?;
                        compare(tick, &progress, walk.ledger)?;
                    }
                }
            }
            *instance = Some(new);
        }
        Ok(())
    }

    async fn program(&self, past: &Past<'_>, component: Digest) -> Check<Arc<Program>> {
        let tenant = past.recorded.run.row.at.tenant;
        let program = programs::program(&self.journal, &self.sandbox, tenant, component).await;
        program.map_err(|e| Difference::new("component", e))
    }

    async fn instance(&self, past: &Past<'_>, component: Digest) -> Check<Instance> {
        let program = self.program(past, component).await?;
        self.sandbox.instantiate(&program).await.map_err(stopped)
    }
}

fn stopped(stop: Stop) -> Box<Difference> {
    Difference::new("tick", stop.to_string())
}

async fn restore(instance: &mut Instance, state: &[u8]) -> Check<()> {
    let restored = instance.restore(state).await.map_err(stopped)?;
    restored.map_err(|e| Difference::new("component", format!("the snapshot does not fit the flow: {e}")))
}

impl<'a> Past<'a> {
    /// History as it is stored, if all of it is there that should be.
    fn of(recorded: &'a Recorded) -> Check<Self> {
        let mut commits = Vec::with_capacity(recorded.history.len());
        let positions: HashSet<u64> = recorded.history.iter().map(|(pos, _)| *pos).collect();
        let kept = |pos: u64| positions.contains(&pos);
        for (pos, text) in &recorded.history {
            let ticks: Vec<Tick> = serde_json::from_str(text).map_err(|e| {
                let mut found = Difference::new("history", format!("history row {pos} is no list of ticks: {e}"));
                found.tick = Some((*pos, 1));
                found.recorded(text)
            })?;
            commits.push((*pos, ticks));
        }
        if let Some(missing) = (recorded.history_horizon..=recorded.history_pos).find(|pos| !kept(*pos)) {
            let text = format!("history row {missing} of {} is missing", recorded.history_pos);
            return Err(Difference::new("history", text));
        }
        let starts = |ticks: &[Tick]| matches!(ticks.first(), Some(tick) if matches!(tick.event, Told::Start {}));
        let whole = recorded.history_horizon == 1 && commits.first().is_none_or(|(_, ticks)| starts(ticks));
        let after = if whole { 0 } else { recorded.snapshot_pos };
        if let Some((pos, _)) = commits.iter().find(|(pos, _)| *pos > recorded.history_pos) {
            let text = format!("history row {pos} is one more than the run has made");
            return Err(Difference::new("history", text));
        }
        if !whole && recorded.run.snapshot.is_none() && recorded.history_horizon == 1 {
            let text = "history does not begin with the run's start, and there is no snapshot to begin with";
            return Err(Difference::new("history", text));
        }
        commits.retain(|(pos, _)| *pos > after);
        Ok(Past {
            recorded,
            whole,
            after,
            commits,
        })
    }

    /// From where on rows are looked at: what came before is not made again, or its rows have expired.
    fn begins(&self, ledger: &Ledger) -> Begins {
        let expired = self.recorded.run.row.horizon > 1;
        if self.whole && !expired {
            return Begins::First;
        }
        if self.recorded.history_horizon > self.after + 1 {
            return Begins::Nowhere;
        }
        let from = ledger.first_time().filter(|_| expired);
        let mut ticks = self.commits.iter().flat_map(|(_, ticks)| ticks).map(|tick| Micros(tick.now));
        let first = ticks.find(|now| from.is_none_or(|from| from < *now));
        first.map_or(Begins::Nowhere, Begins::At)
    }
}
