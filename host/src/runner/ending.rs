//! How a run ends: by its flow, by a limit, or because it cannot be brought to life.

use serde_json::value::RawValue;

use super::Context;
use super::batch::{self, Batch};
use super::driver::{Driver, Next, owner};
use super::history::Tick;
use crate::journal::rows;
use crate::journal::{Advance, Error, LiveRun, Position};
use crate::record::{RunStatus, WaitReason, WaitState};
use crate::sandbox::world;

/// Ends a run that cannot be brought to life: its history stays.
pub(super) async fn give_up(context: &Context, run: &LiveRun, mut batch: Batch, error: &str) -> Result<(), Error> {
    let at = batch.time(context.journal.clock());
    let owner = owner(run);
    let node = run.row.current_node.clone().unwrap_or_else(|| run.row.entry.clone());
    batch.push(batch::exception(owner, &node, error, at));
    batch.push(rows::status_row(owner, Some(&node), RunStatus::Failed, at, at));
    let next_seq = run.row.own_seq + 1;
    let parts = batch.take();
    let advance = Advance {
        run: run.row.at,
        run_id: run.row.run_id.clone(),
        epoch: run.row.epoch,
        next_seq,
        rows: parts.rows,
        ticks: parts.ticks,
        inbox_consumed: run.inbox_consumed,
        last_time: batch.last_time,
        snapshot: None,
        children: Vec::new(),
        opened: Vec::new(),
        abandoned: Vec::new(),
        calls: Vec::new(),
        emits: Vec::new(),
        to: Position::Failed {
            node,
            error: error.to_owned(),
        },
    };
    match context.journal.advance(advance).await {
        Ok(_) | Err(Error::Stale | Error::UnknownRun(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// What a flow's own failure is called, and whether it gets a row of its own beside the effect's.
pub(super) fn failure(failed: world::Failed) -> (String, bool) {
    if failed.code == "effect_failed" {
        (format!("Effect failed after 1 attempts: {}", failed.message), false)
    } else {
        (failed.message, true)
    }
}

/// The wait whose answer ended a run, from the last row before; a timed wait leaves none.
pub(super) fn answered(row: Option<&str>) -> WaitState {
    #[derive(serde::Deserialize)]
    struct Row {
        effect: Option<Effect>,
    }
    #[derive(serde::Deserialize)]
    struct Effect {
        payload: Box<RawValue>,
    }
    #[derive(serde::Deserialize)]
    struct Payload {
        wait_reason: WaitReason,
        wait_key: Option<String>,
    }
    let payload = row
        .and_then(|text| serde_json::from_str::<Row>(text).ok())
        .and_then(|r| r.effect);
    let payload = payload.and_then(|e| serde_json::from_str::<Payload>(e.payload.get()).ok());
    let (reason, wait_key) = payload.map_or((WaitReason::Until, None), |p| (p.wait_reason, p.wait_key));
    WaitState {
        reason,
        wait_key,
        until: None,
        resume_to_node: None,
        result_key: None,
        prompt: None,
        choices: None,
        allow_free_text: true,
        details: None,
    }
}

impl Driver<'_> {
    pub(super) async fn completed(&mut self, tick: Tick, completed: world::Completed) -> Result<Next, Error> {
        self.node.clone_from(&completed.node);
        let limit = self.context.settings.max_payload_bytes;
        if completed.output.len() > limit {
            let len = completed.output.len();
            return self
                .stopped(
                    tick,
                    &format!("payload limit: the output has {len} bytes, more than {limit} (runner.max_payload_bytes)"),
                )
                .await;
        }
        let output = match RawValue::from_string(completed.output) {
            Ok(output) => output,
            Err(error) => return self.stopped(tick, &format!("the output is not JSON: {error}")).await,
        };
        self.keep(&tick);
        self.give_up_calls();
        let owner = owner(self.run);
        let clock = self.context.journal.clock();
        match completed.by {
            world::Ending::Plan | world::Ending::Effect => {
                let at = self.batch.time(clock);
                self.batch.push(rows::completion_row(owner, &self.node, &output, at, at));
            }
            world::Ending::Resume => {
                let wait = self.answered_wait().await?;
                let at = self.batch.time(clock);
                self.batch
                    .push(rows::completion_via_resume_row(owner, &self.node, &wait, &output, at, at));
            }
        }
        let at = self.batch.time(clock);
        self.batch
            .push(rows::status_row(owner, Some(&self.node), RunStatus::Completed, at, at));
        self.commit(
            Position::Completed {
                node: self.node.clone(),
                output,
            },
            None,
        )
        .await?;
        Ok(Next::Over)
    }

    /// The wait whose answer ended the run, as its `resume` row shows it; a timed wait leaves no row.
    pub(super) async fn answered_wait(&mut self) -> Result<WaitState, Error> {
        let row = self.context.journal.last_own_row(self.run.row.at).await?;
        Ok(answered(row.as_deref()))
    }

    /// Stops the calls that are in flight when the run ends, and makes none of those that were to follow.
    fn give_up_calls(&mut self) {
        let open = self.in_flight.open().chain(self.batch.calls());
        let open: Vec<u64> = open.map(|call| call.effect_id).collect();
        for effect_id in open {
            self.abandon(effect_id, "abandoned: the run ended without it");
        }
    }

    /// The host stops the flow: a limit, a trap, or an answer that breaks the world's rules.
    pub(super) async fn stopped(&mut self, mut tick: Tick, error: &str) -> Result<Next, Error> {
        tick.stopped = Some(error.to_owned());
        self.keep(&tick);
        self.fail(error, true).await
    }

    pub(super) async fn fail(&mut self, error: &str, exception: bool) -> Result<Next, Error> {
        self.give_up_calls();
        let owner = owner(self.run);
        let clock = self.context.journal.clock();
        if exception {
            let at = self.batch.time(clock);
            self.batch.push(batch::exception(owner, &self.node, error, at));
        }
        let at = self.batch.time(clock);
        self.batch
            .push(rows::status_row(owner, Some(&self.node), RunStatus::Failed, at, at));
        self.commit(
            Position::Failed {
                node: self.node.clone(),
                error: error.to_owned(),
            },
            None,
        )
        .await?;
        Ok(Next::Over)
    }
}
