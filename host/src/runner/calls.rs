//! External effects: called after their `started` row is durable, several at a time, again after a crash, never twice at a time.

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Context;
use super::batch;
use super::driver::{Driver, owner};
use crate::effects::{Call, Handlers, Request};
use crate::journal::{FinishedCall, LiveRun, OpenCall, Outcome};
use crate::record::{Json, StepStatus};
use crate::telemetry::metrics::{self, metrics};
use crate::telemetry::traces;

type Ended = (OpenCall, Result<Json, String>);

/// The calls of a run that the outside works on. Dropping it gives them up.
#[derive(Default)]
pub(super) struct InFlight<'a> {
    /// None: it was given up.
    calls: FuturesUnordered<BoxFuture<'a, Option<Ended>>>,
    /// In the order in which they were started, each with what gives it up.
    open: Vec<(OpenCall, CancellationToken)>,
}

impl<'a> InFlight<'a> {
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn contains(&self, effect_id: u64) -> bool {
        self.open.iter().any(|(call, _)| call.effect_id == effect_id)
    }

    pub fn open(&self) -> impl Iterator<Item = &OpenCall> {
        self.open.iter().map(|(call, _)| call)
    }

    /// Stops a call; none if it is not in flight.
    pub fn give_up(&mut self, effect_id: u64) -> Option<OpenCall> {
        let at = self.open.iter().position(|(call, _)| call.effect_id == effect_id)?;
        let (call, given_up) = self.open.remove(at);
        given_up.cancel();
        Some(call)
    }

    /// Waits for the next call that ends; gives it and those that have ended by then. For ever when none is in flight.
    pub async fn ended(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        while ended.is_empty() {
            match self.calls.next().await {
                Some(done) => self.take(done, &mut ended),
                None => std::future::pending().await,
            }
        }
        while let Some(Some(done)) = self.calls.next().now_or_never() {
            self.take(done, &mut ended);
        }
        ended
    }

    fn take(&mut self, done: Option<Ended>, ended: &mut Vec<Ended>) {
        // A call may have ended in the moment at which it was given up.
        let Some((call, result)) = done else { return };
        if let Some(at) = self.open.iter().position(|(open, _)| open.step_id == call.step_id) {
            self.open.remove(at);
            ended.push((call, result));
        }
    }

    fn add(&mut self, call: OpenCall, made: impl Future<Output = Result<Json, String>> + Send + 'a) {
        let given_up = CancellationToken::new();
        self.open.push((call.clone(), given_up.clone()));
        let made = async move {
            tokio::select! {
                result = made => Some((call, result)),
                () = given_up.cancelled() => None,
            }
        };
        self.calls.push(made.boxed());
    }
}

/// Makes one call; the error is the handler's text.
async fn make(context: &Context, run: &LiveRun, open: OpenCall) -> Result<Json, String> {
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
        return Err(format!(
            "payload limit: the result has {len} bytes, more than {limit} (runner.max_payload_bytes)"
        ));
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
    /// Adds the `started` row of an external effect, which is made after the next commit.
    pub(super) fn start_call(&mut self, request: &Request, key: &str) {
        let at = self.batch.time(self.context.journal.clock());
        let row = batch::started(owner(self.run), request, key, 1, at);
        self.batch.call(OpenCall {
            effect_id: request.id,
            step_id: row.step_id.clone(),
            node: request.node.clone(),
            kind: request.kind.clone(),
            payload: request.payload.clone(),
            result_key: request.result_key.clone(),
            started_at: row.started_at.clone(),
            attempt: 1,
            idempotency_key: key.to_owned(),
        });
        self.batch.push(row);
        self.rows += 2;
    }

    /// Makes calls whose `started` rows are durable.
    pub(super) fn launch(&mut self, calls: Vec<OpenCall>) {
        for call in calls {
            let made = make(self.context, self.run, call.clone());
            self.in_flight.add(call, made);
        }
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

    /// Adds the result row of a call that was stopped because nobody wants its outcome. Should the run be taken away before that is
    /// committed, the call is in flight as before, and made again.
    pub(super) fn given_up(&mut self, call: &OpenCall, why: &str) {
        let at = self.batch.time(self.context.journal.clock());
        let row = batch::call_ended(owner(self.run), call, StepStatus::Failed, None, Some(why.to_owned()), at);
        self.batch.push(row);
        metrics().effect(&call.kind, metrics::Outcome::Failed);
    }

    /// Calls that were in flight when the last host died: to be made again by the next commit, or failed where that is not allowed. Gives
    /// the outcomes of those.
    pub(super) fn reopened_calls(&mut self) -> Vec<(u64, Outcome)> {
        let mut outcomes = Vec::new();
        for call in self.run.calls.clone() {
            if self.run.inbox.iter().any(|d| d.effect_id == call.effect_id) {
                continue;
            }
            if may_repeat(&self.context.handlers, &call) {
                let at = self.batch.time(self.context.journal.clock());
                let row = batch::restarted(owner(self.run), &call, at);
                self.batch.call(OpenCall {
                    step_id: row.step_id.clone(),
                    started_at: row.started_at.clone(),
                    attempt: call.attempt + 1,
                    ..call
                });
                self.batch.push(row);
            } else {
                let outcome = self.finish(&call, &Err("interrupted".to_owned()));
                outcomes.push((call.effect_id, outcome));
            }
        }
        outcomes
    }
}
