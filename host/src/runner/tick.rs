//! One tick of a live run.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::driver::{Driver, Next};
use super::history::{Tick, Told};
use super::{ending, replay};
use crate::journal::{Error, Position};
use crate::sandbox::world;
use crate::telemetry::metrics::metrics;
use crate::telemetry::traces;

/// How long a tick may go on when the host stops.
const GRACE: Duration = Duration::from_secs(1);

impl Driver<'_> {
    /// One tick and what follows from it.
    pub(super) async fn tick(&mut self, told: Told) -> Result<Next, Error> {
        if let Some(limit) = self.over_storage().await? {
            return self.fail(&limit, true).await;
        }
        let now = self.batch.time(self.context.journal.clock());
        let seed = self.context.settings.seed.unwrap_or_else(super::seed);
        let max_steps = self.context.settings.tick_max_steps;
        let patch = self.run.row.host_patch.as_ref().map(|changed| changed.patch.clone());
        let event = told.event(&self.run.row.entry, self.run.input.get());
        let row = &self.run.row;
        let mut tick = Tick {
            now: now.0,
            seed,
            steps: max_steps,
            event: told,
            patch,
            workflow: self.run.moved_from.as_ref().map(|_| row.workflow_id.clone()),
            effects: Vec::new(),
            seq: None,
            next: None,
            kept: false,
            stopped: None,
        };
        let around = replay::around(self.run, &tick);
        if self.instance.is_none() {
            self.instance = Some(self.revive().await?);
        }
        let Some(instance) = self.instance.as_mut() else {
            return Err(Error::Corrupt("a run is ticked without an instance".to_owned()));
        };
        let (began, span) = (Instant::now(), traces::tick(&self.node));
        let ticking = instance.tick(&around, &event, max_steps).instrument(span.clone());
        let ticked = tokio::select! {
            ticked = ticking => ticked,
            // What is not committed is computed again when the run, or the host, goes on.
            () = self.signals.taken.cancelled() => return Err(Error::Stale),
            () = soon_after(self.stopping) => return Err(Error::Stale),
        };
        metrics().ticks.increment(1);
        metrics().tick_seconds.record(began.elapsed());
        let printed = instance.take_log();
        self.print(printed);
        let (progress, fuel) = match ticked {
            Ok(done) => done,
            Err(stop) => return self.stopped(tick, &stop.to_string()).await,
        };
        self.fuel = self.fuel.saturating_add(fuel);
        metrics().fuel.increment(fuel);
        span.record("fuel", fuel);
        self.ticks_since_snapshot += 1;
        let steps = match &progress {
            world::Progress::Blocked(p) => p.steps,
            world::Progress::Yielded(p) => p.steps,
            world::Progress::Completed(p) => p.steps,
            world::Progress::Failed(p) => p.steps,
        };
        self.steps += u64::from(steps);
        span.record("steps", steps);
        drop(span);
        match progress {
            world::Progress::Yielded(yielded) => {
                self.node = yielded.node;
                if let Some(limit) = self.over_budget() {
                    return self.stopped(tick, &limit).await;
                }
                tick.next = Some(Told::Continue);
                self.keep(&tick);
                if self.batch.is_full() {
                    self.commit(Position::Running { node: self.node.clone() }, None).await?;
                }
                // A long computation lets others of this thread run.
                tokio::task::yield_now().await;
                Ok(Next::Tell(Told::Continue))
            }
            world::Progress::Blocked(blocked) => self.blocked(tick, blocked).await,
            world::Progress::Completed(completed) => self.completed(tick, completed).await,
            world::Progress::Failed(failed) => {
                self.node = failed.node.clone();
                self.keep(&tick);
                let (error, exception) = ending::failure(failed);
                self.fail(&error, exception).await
            }
        }
    }

    pub(super) fn keep(&mut self, tick: &Tick) {
        match serde_json::to_string(tick) {
            Ok(text) => self.batch.tick(text),
            Err(error) => tracing::error!(run_id = %self.run.row.run_id, %error, "a tick could not be written as JSON"),
        }
    }

    /// The name of a budget that is used up.
    pub(super) fn over_budget(&self) -> Option<String> {
        let settings = &self.context.settings;
        if self.fuel > settings.activation_fuel {
            return Some(format!(
                "fuel limit: more than {} units without waiting (runner.activation_fuel)",
                settings.activation_fuel
            ));
        }
        if self.steps > settings.activation_max_steps {
            let limit = settings.activation_max_steps;
            return Some(format!(
                "activation step limit: more than {limit} steps without waiting (runner.activation_max_steps)"
            ));
        }
        if self.rows > settings.activation_max_rows {
            let limit = settings.activation_max_rows;
            return Some(format!(
                "activation row limit: more than {limit} ledger rows without waiting (runner.activation_max_rows)"
            ));
        }
        let (bytes, limit) = (self.history_bytes, settings.max_replay_bytes);
        if self.replayed && bytes > limit {
            return Some(format!(
                "replay limit: the flow gives no snapshot and its history has {bytes} bytes, more than {limit} (runner.max_replay_bytes)"
            ));
        }
        None
    }
}

/// A host that stops lets ticks end, but no endless ones.
async fn soon_after(stopping: &CancellationToken) {
    stopping.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
