//! One activation of a run: from the commit that made it run to the one at which it waits or ends.
//!
//! A driver tells the flow something, and does what the flow asks for then: [`tick`](super::tick) is one tick,
//! [`blocked`](super::blocked) what becomes of its effects, [`calls`](super::calls) those that the outside does,
//! [`commit`](super::commit) how it becomes durable, [`ending`](super::ending) how a run ends. A flow may have several effects outstanding:
//! what is decided at once is told at once, and the driver keeps the run as long as calls are in flight; when only waits are left it
//! lets go of it.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::asked::Family;
use super::batch::Batch;
use super::calls::InFlight;
use super::history::Told;
use super::{Context, ending, programs, replay};
use crate::ids::RunRef;
use crate::journal::rows::Owner;
use crate::journal::{Delivery, Error, FinishedCall, LiveRun, Outcome, Position};
use crate::record::RunStatus;
use crate::sandbox::{Instance, Program};
use crate::telemetry::traces;

/// How others reach a driver.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    /// Cancelled when the run is taken from its driver.
    pub taken: CancellationToken,
    /// Told when something has come into the run's inbox.
    pub news: Arc<Notify>,
}

/// Drives a run until it waits, ends or is taken away. True: the run has moved without this driver; it is worth another look.
///
/// # Errors
/// Only of the journal: what is wrong with the run itself ends the run.
pub(super) async fn drive(context: &Context, at: RunRef, signals: &Signals, stopping: &CancellationToken) -> Result<bool, Error> {
    let Some(mut run) = context.journal.load(at).await? else {
        return Ok(false);
    };
    if run.row.status != RunStatus::Running || run.row.paused.paused {
        return Ok(false);
    }
    let mut batch = Batch::new(&run.row);
    let program = tokio::select! {
        program = programs::program(&context.journal, &context.sandbox, at.tenant, run.row.component) => program,
        // Making native code may take long, and goes on without the run.
        () = signals.taken.cancelled() => return Ok(true),
        () = stopping.cancelled() => return Ok(false),
    };
    let program = match program {
        Ok(program) => program,
        Err(error) => return ending::give_up(context, &run, batch, &error).await.map(|()| false),
    };
    if run.row.entry.is_empty() {
        match programs::entry(&context.sandbox, &program).await {
            Ok(entry) => run.row.entry = entry,
            Err(error) => return ending::give_up(context, &run, batch, &error).await.map(|()| false),
        }
    }
    let restored = tokio::select! {
        restored = replay::restore(&context.sandbox, &program, &run) => restored,
        () = signals.taken.cancelled() => return Ok(true),
        () = stopping.cancelled() => return Ok(false),
    };
    let restored = match restored {
        Ok(restored) => restored,
        Err(failure) => {
            let error = failure.explain(&context.journal, &run).await;
            return ending::give_up(context, &run, batch, &error).await.map(|()| false);
        }
    };
    batch.time(context.journal.clock());
    let mut driver = Driver {
        context,
        program,
        instance: Some(restored.instance),
        ticks_since_snapshot: restored.ticks,
        history_bytes: run.ticks.iter().map(String::len).sum(),
        replayed: run.snapshot.is_none() && !run.ticks.is_empty(),
        snapshot: run.snapshot.clone(),
        consumed: run.inbox_consumed,
        epoch: run.row.epoch,
        // A run that was started before its entry was known has been nowhere.
        node: match &run.row.current_node {
            Some(node) if !node.is_empty() => node.clone(),
            _ => run.row.entry.clone(),
        },
        steps: 0,
        rows: 0,
        fuel: 0,
        children: 0,
        family: Family::default(),
        finished: Vec::new(),
        waits: run.waits.iter().copied().collect(),
        in_flight: InFlight::default(),
        pending: Vec::new(),
        run: &run,
        batch,
        signals,
        stopping,
    };
    let span = traces::activation(at.tenant, run.row.run_id.as_str(), &run.row.workflow_id);
    let outcome = driver.activate(restored.next, restored.begun).instrument(span).await;
    match outcome {
        // Unknown is a run whose driver began before the commit that should have made it, and which then failed.
        Err(Error::Stale | Error::UnknownRun(_)) => driver.hand_over().await.map(|()| true),
        // What the outside has done or is doing is not to be done again because the disk is full.
        Err(error) if error.is_of_the_disk() && driver.has_calls() => driver.hand_over().await.map(|()| true),
        other => other.map(|()| false),
    }
}

pub(super) fn owner(run: &LiveRun) -> Owner<'_> {
    Owner {
        run_id: run.row.run_id.as_str(),
        actor_id: run.row.actor_id.as_deref(),
        session_id: run.row.session_id.as_deref(),
    }
}

/// One live run and what it has computed since its last commit.
pub(super) struct Driver<'a> {
    pub(super) context: &'a Context,
    pub(super) run: &'a LiveRun,
    pub(super) program: Arc<Program>,
    /// None while only the outside works and the state is on disk.
    pub(super) instance: Option<Instance>,
    /// The newest state that is on disk.
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) ticks_since_snapshot: usize,
    /// Of the committed history since then, or since the start.
    pub(super) history_bytes: usize,
    /// The flow gives no snapshots: it is replayed from its start.
    pub(super) replayed: bool,
    pub(super) batch: Batch,
    /// Outcomes of the inbox that the flow has been told, in total since the run began.
    pub(super) consumed: u64,
    pub(super) epoch: u64,
    pub(super) node: String,
    /// Used of the activation's budgets.
    pub(super) steps: u64,
    pub(super) rows: u64,
    pub(super) fuel: u64,
    pub(super) children: u64,
    pub(super) family: Family,
    /// Results of external effects that are in the batch: should the run be taken away, they are kept all the same.
    pub(super) finished: Vec<FinishedCall>,
    /// Effects that have an open wait, as far as is known here: it may have been answered meanwhile.
    pub(super) waits: HashSet<u64>,
    pub(super) in_flight: InFlight<'a>,
    /// Outcomes that were known before the flow could be told, because it had a tick to finish.
    pub(super) pending: Vec<(u64, Outcome)>,
    pub(super) signals: &'a Signals,
    pub(super) stopping: &'a CancellationToken,
}

/// What a driver does after a tick.
pub(super) enum Next {
    Tell(Told),
    /// External effects are in flight, and the flow has nothing to do.
    Listen,
    /// The run waits or has ended.
    Over,
}

impl Driver<'_> {
    async fn activate(&mut self, next: Option<Told>, begun: bool) -> Result<(), Error> {
        let mut next = self.begin(next, begun).await?;
        loop {
            // A host that stops lets a driver come to its next commit. A flow that only computes may never come to one: its ticks are repeated.
            let stops = self.stopping.is_cancelled() && self.batch.is_bare();
            if stops || self.signals.taken.is_cancelled() {
                return Err(Error::Stale);
            }
            next = match next {
                Next::Tell(told) => self.tick(told).await?,
                Next::Listen => Next::Tell(Told::Resolved(self.news().await?)),
                Next::Over => return Ok(()),
            }
        }
    }

    /// What the flow is told first: what followed its last tick, then what became of calls that the last host did not see to their end,
    /// then what has come into the inbox.
    async fn begin(&mut self, next: Option<Told>, begun: bool) -> Result<Next, Error> {
        let interrupted = self.reopened_calls();
        if self.batch.starting() > 0 {
            self.commit(Position::Running { node: self.node.clone() }, None).await?;
        }
        let mut told = match next {
            Some(Told::Resolved(told)) => told,
            Some(other) => {
                self.pending = interrupted;
                return Ok(Next::Tell(other));
            }
            None if !begun => {
                self.pending = interrupted;
                return Ok(Next::Tell(Told::Start {}));
            }
            None => Vec::new(),
        };
        told.extend(interrupted);
        let inbox = self.run.inbox.clone();
        told.extend(self.delivered(inbox));
        if !told.is_empty() {
            return Ok(Next::Tell(Told::Resolved(told)));
        }
        if !self.in_flight.is_empty() {
            return Ok(Next::Listen);
        }
        Ok(Next::Tell(Told::Continue))
    }

    /// Outcomes out of the inbox, which the flow is told now.
    pub(super) fn delivered(&mut self, inbox: Vec<Delivery>) -> impl Iterator<Item = (u64, Outcome)> {
        self.consumed += inbox.len() as u64;
        for delivery in &inbox {
            self.waits.remove(&delivery.effect_id);
        }
        inbox.into_iter().map(|delivery| (delivery.effect_id, delivery.outcome))
    }

    /// Waits, while calls are in flight, for the first that ends or for an answer to an open wait.
    async fn news(&mut self) -> Result<Vec<(u64, Outcome)>, Error> {
        let (signals, stopping) = (self.signals, self.stopping);
        loop {
            tokio::select! {
                ended = self.in_flight.ended() => {
                    return Ok(ended.into_iter().map(|(call, result)| (call.effect_id, self.finish(&call, &result))).collect());
                }
                () = signals.news.notified() => {
                    let inbox = self.context.journal.inbox(self.run.row.at, self.consumed).await?;
                    if !inbox.is_empty() {
                        return Ok(self.delivered(inbox).collect());
                    }
                }
                () = signals.taken.cancelled() => return Err(Error::Stale),
                () = stopping.cancelled() => return Err(Error::Stale),
            }
        }
    }
}
