//! External effects: called after their `started` row is durable, again after a crash, never twice at a time.

use tracing::Instrument as _;

use super::Context;
use super::batch;
use super::driver::{Driver, owner};
use super::history::Told;
use crate::effects::{Call, Handlers, Request};
use crate::journal::{Error, FinishedCall, LiveRun, OpenCall, Outcome, Position};
use crate::record::{Json, StepStatus};
use crate::sandbox::Instance;
use crate::telemetry::metrics::{self, metrics};
use crate::telemetry::traces;

/// Makes one call; the error is the handler's text.
async fn make(context: &Context, run: &LiveRun, open: &OpenCall) -> Result<Json, String> {
    let call = Call {
        tenant: run.row.at.tenant,
        run_id: run.row.run_id.clone(),
        node: open.node.clone(),
        kind: open.kind.clone(),
        payload: open.payload.clone(),
        idempotency_key: open.idempotency_key.clone(),
        attempt: open.attempt,
        host_vars: run.row.host_vars.clone(),
        session_id: run.row.session_id.clone(),
    };
    let span = traces::effect(
        run.row.run_id.as_str(),
        &run.row.workflow_id,
        &open.node,
        &open.kind,
        open.attempt,
    );
    let result = context.handlers.call(call).instrument(span.clone()).await;
    if result.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    let result = result?;
    if result.get().len() > context.settings.max_payload_bytes {
        let (len, limit) = (result.get().len(), context.settings.max_payload_bytes);
        return Err(format!("payload limit: the result has {len} bytes, more than {limit}"));
    }
    Ok(result)
}

/// Whether a call that was in flight when the host died is made again.
fn may_repeat(handlers: &Handlers, open: &OpenCall) -> bool {
    handlers.may_repeat(&open.kind)
}

/// The outcome that the flow is told.
fn outcome(result: &Result<Json, String>) -> Outcome {
    match result {
        Ok(json) => Outcome::Completed(json.clone()),
        Err(error) => Outcome::Failed(error.clone()),
    }
}

impl Driver<'_> {
    /// Adds the `started` row of an external effect.
    pub(super) fn open_call(&mut self, request: &Request, key: &str, attempt: u32) -> OpenCall {
        let at = self.batch.time(self.context.journal.clock());
        let row = batch::started(owner(self.run), request, key, attempt, at);
        let open = OpenCall {
            effect_id: request.id,
            step_id: row.step_id.clone(),
            node: request.node.clone(),
            kind: request.kind.clone(),
            payload: request.payload.clone(),
            result_key: request.result_key.clone(),
            started_at: row.started_at.clone(),
            attempt,
            idempotency_key: key.to_owned(),
        };
        self.batch.push(row);
        self.rows += 2;
        open
    }

    /// Makes the started effects durable, does them, and adds their result rows to the next batch.
    pub(super) async fn call_all(&mut self, open: Vec<OpenCall>) -> Result<Told, Error> {
        let snapshot = match self.state().await {
            Ok(snapshot) => snapshot,
            Err(stop) => {
                tracing::warn!(run_id = %self.run.row.run_id, %stop, "no snapshot before an external effect; history stands in");
                None
            }
        };
        let parked = snapshot.is_some();
        self.commit(
            Position::Calling {
                node: self.node.clone(),
                calls: open.clone(),
            },
            snapshot,
        )
        .await?;
        if parked {
            // The state is on disk: while the outside works, the run costs no memory, and it goes on from what is stored.
            self.instance = None;
        }
        let mut outcomes = Vec::new();
        for call in open {
            let result = tokio::select! {
                result = make(self.context, self.run, &call) => result,
                // The host stops: the call is made again when it starts.
                () = self.stopping.cancelled() => return Err(Error::Stale),
            };
            outcomes.push((call.effect_id, self.finish(&call, &result)));
        }
        if self.instance.is_none() {
            self.instance = Some(self.revive().await?);
        }
        Ok(Told::Resolved(outcomes))
    }

    /// Adds the result row of a call.
    pub(super) fn finish(&mut self, call: &OpenCall, result: &Result<Json, String>) -> Outcome {
        let at = self.batch.time(self.context.journal.clock());
        let (status, value, error) = match result {
            Ok(json) => (StepStatus::Completed, Some(json.clone()), None),
            Err(error) => (StepStatus::Failed, None, Some(error.clone())),
        };
        let row = batch::call_ended(owner(self.run), call, status, value, error, at);
        let outcome = outcome(result);
        self.finished.push(FinishedCall {
            run: self.run.row.at,
            effect_id: call.effect_id,
            row: row.clone(),
            outcome: outcome.clone(),
        });
        self.batch.push(row);
        metrics().effect(&call.kind, metrics::Outcome::of(result));
        outcome
    }

    /// Calls that were in flight when the last host died: made again, or failed where that is not allowed.
    pub(super) async fn reopened_calls(&mut self) -> Result<Option<Told>, Error> {
        if self.run.calls.is_empty() {
            return Ok(None);
        }
        let mut outcomes = Vec::new();
        let mut again = Vec::new();
        for call in self.run.calls.clone() {
            if self.run.inbox.iter().any(|d| d.effect_id == call.effect_id) {
                continue;
            }
            if may_repeat(&self.context.handlers, &call) {
                let at = self.batch.time(self.context.journal.clock());
                let row = batch::restarted(owner(self.run), &call, at);
                let reopened = OpenCall {
                    step_id: row.step_id.clone(),
                    started_at: row.started_at.clone(),
                    attempt: call.attempt + 1,
                    ..call
                };
                self.batch.push(row);
                again.push(reopened);
            } else {
                let outcome = self.finish(&call, &Err("interrupted".to_owned()));
                outcomes.push((call.effect_id, outcome));
            }
        }
        if !again.is_empty()
            && let Told::Resolved(more) = self.call_all(again).await?
        {
            outcomes.extend(more);
        }
        if !self.run.inbox.is_empty()
            && let Told::Resolved(more) = self.delivered()
        {
            outcomes.extend(more);
        }
        Ok((!outcomes.is_empty()).then_some(Told::Resolved(outcomes)))
    }

    pub(super) async fn revive(&self) -> Result<Instance, Error> {
        let corrupt = |e: String| Error::Corrupt(format!("run {}: {e}", self.run.row.run_id));
        let mut instance = self
            .context
            .sandbox
            .instantiate(&self.program)
            .await
            .map_err(|e| corrupt(e.to_string()))?;
        let snapshot = self.snapshot.as_deref().unwrap_or_default();
        instance
            .restore(snapshot)
            .await
            .map_err(|e| corrupt(e.to_string()))?
            .map_err(corrupt)?;
        Ok(instance)
    }
}
