//! The outside of one run of a case: the client that starts it and answers it, the clock, the world behind the handlers.
//!
//! It outlives the host. When a host dies it does as careful clients do: it sends again, under the same id, what it does not know to have
//! arrived, and takes everything else from what the next host shows.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::Error;
use super::script::Script;
use crate::clock::{Clock, Micros};
use crate::effects::Handlers;
use crate::ids::{RunId, TenantId};
use crate::journal::{self, Command, CommandKind, RunFilter, RunRow, StartRun};
use crate::record::{Json, RunStatus, WaitReason, WaitState};

/// Rounds of answers after which a case is given up.
const MAX_ROUNDS: usize = 400;
/// Pause between looks at runs that move.
const LOOK: Duration = Duration::from_micros(300);
/// Runs that move for so long without coming to rest are stuck.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Outside {
    clock: Clock,
    start: StartRun,
    script: Script,
    /// Events are taken by listeners, so that answers of people are not meant for them.
    listeners: bool,
    /// A command that was sent and not acknowledged.
    unheard: Option<Command>,
}

impl Outside {
    pub fn new(clock: Clock, start: StartRun, script: Script) -> Self {
        let listeners = !start.listeners.is_empty();
        Outside {
            clock,
            start,
            script,
            listeners,
            unheard: None,
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn root(&self) -> &RunId {
        &self.start.run_id
    }

    pub fn handlers(&self) -> Handlers {
        self.script.handlers()
    }

    pub fn take_repeated(&self) -> bool {
        self.script.take_repeated()
    }

    /// Starts the root, unless it is there, and answers what is asked until nothing moves any more. Gives all runs in the order of their
    /// start.
    pub async fn play(&mut self, journal: &journal::Handle) -> Result<Vec<RunRow>, Error> {
        if journal.run(TenantId::LOCAL, &self.start.run_id).await?.is_none() {
            journal.start(self.start.clone()).await?;
        }
        if let Some(command) = self.unheard.clone() {
            self.send(journal, command).await?;
        }
        let mut runs = Vec::new();
        for _ in 0..MAX_ROUNDS {
            runs = settled(journal).await?;
            let ended = runs.iter().any(|r| r.run_id == self.start.run_id && r.status.is_terminal());
            let over = ended && !(self.listeners && self.script.has_events());
            if over || !self.answer(journal, &runs).await? {
                break;
            }
        }
        Ok(runs)
    }

    /// Answers what can be answered. False: nothing was left to do.
    async fn answer(&mut self, journal: &journal::Handle, runs: &[RunRow]) -> Result<bool, Error> {
        let mut moved = false;
        for run in runs {
            if !run.waiting.as_ref().is_some_and(|wait| self.is_askable(wait)) {
                continue;
            }
            let Some(payload) = self.script.resume() else { continue };
            let payload = RawValue::from_string(format!("{{\"payload\":{}}}", payload.get()))?;
            self.send(journal, command(CommandKind::Resume, &run.run_id, payload)).await?;
            moved = true;
            // Runs that go on beside each other can end the case for each other: one step at a time, and all see the same order.
            if self.listeners {
                break;
            }
        }
        if !moved && let Some(event) = self.script.event() {
            self.send(journal, command(CommandKind::EmitEvent, &self.start.run_id, event))
                .await?;
            moved = true;
        }
        if !moved && let Some(due) = next_due(runs) {
            self.clock.advance_to(due);
            journal.fire_due(self.clock.now()).await?;
            moved = true;
        }
        Ok(moved)
    }

    fn is_askable(&self, wait: &WaitState) -> bool {
        let for_listener = self.listeners && wait.wait_key.as_deref().is_some_and(|key| key.starts_with("evt:"));
        matches!(wait.reason, WaitReason::User | WaitReason::Event | WaitReason::Job) && !for_listener
    }

    /// Sends a command, and remembers it until it is acknowledged.
    async fn send(&mut self, journal: &journal::Handle, command: Command) -> Result<(), Error> {
        self.unheard = Some(command.clone());
        journal.command(command).await?;
        self.unheard = None;
        Ok(())
    }
}

fn command(kind: CommandKind, run_id: &RunId, payload: Json) -> Command {
    Command {
        tenant: TenantId::LOCAL,
        command_id: uuid::Uuid::new_v4().simple().to_string(),
        run_id: run_id.clone(),
        kind,
        payload,
        ts: None,
        client_id: None,
    }
}

/// When the first timer is due. Taken from the runs as they were seen: what the journal announces may be a moment older, and a clock that
/// is moved too far fires what should have waited.
fn next_due(runs: &[RunRow]) -> Option<Micros> {
    let waits = runs.iter().filter_map(|run| run.waiting.as_ref());
    let timed = waits.filter(|wait| wait.reason == WaitReason::Until);
    timed.filter_map(|wait| Micros::parse(wait.until.as_deref()?)).min()
}

/// All runs in the order they were started, once none of them is running.
async fn settled(journal: &journal::Handle) -> Result<Vec<RunRow>, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let filter = RunFilter {
            limit: 10_000,
            ..RunFilter::default()
        };
        let mut runs = journal.runs(TenantId::LOCAL, filter).await?;
        let Some(running) = runs.iter().find(|r| r.status == RunStatus::Running) else {
            runs.sort_by_key(|r| r.at);
            return Ok(runs);
        };
        if Instant::now() > deadline {
            let node = running.current_node.as_deref().unwrap_or_default();
            return Err(Error::Other(format!(
                "run {} does not come to rest at '{node}'",
                running.run_id
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}
