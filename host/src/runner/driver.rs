//! One activation of a run: from the commit that made it run to the one at which it waits or ends.

use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::batch::{self, Batch};
use super::history::{self, Tick, Told};
use super::{Context, children, ending, programs, replay};
use crate::effects::{self, Decision, Request};
use crate::ids::RunRef;
use crate::journal::rows::{self, Owner};
use crate::journal::{self, Advance, Advanced, EmitEvent, Error, FinishedCall, LiveRun, OpenWait, Outcome, Position};
use crate::record::{Json, RunStatus, StepStatus, WaitReason, WaitState};
use crate::sandbox::{Instance, Program, Stop, world};
use crate::telemetry::metrics::{self, metrics};
use crate::telemetry::traces;

/// A larger state is written only every few waits; between them history is replayed.
const LARGE_SNAPSHOT: usize = 256 << 10;
/// Ticks after which a large state is written all the same.
const TICKS_BETWEEN_LARGE: usize = 16;

/// Drives a run until it waits, ends or is taken away. True: the run has moved without this driver; it is worth another look.
///
/// # Errors
/// Only of the journal: what is wrong with the run itself ends the run.
pub(super) async fn drive(
    context: &Context,
    at: RunRef,
    taken: &CancellationToken,
    stopping: &CancellationToken,
) -> Result<bool, Error> {
    let Some(mut run) = context.journal.load(at).await? else {
        return Ok(false);
    };
    if run.row.status != RunStatus::Running || run.row.paused.paused {
        return Ok(false);
    }
    let mut batch = Batch::new(&run.row);
    let program = match programs::program(context, at.tenant, run.row.component).await {
        Ok(program) => program,
        Err(error) => return ending::give_up(context, &run, batch, &error).await.map(|()| false),
    };
    if run.row.entry.is_empty() {
        match programs::entry(context, &program).await {
            Ok(entry) => run.row.entry = entry,
            Err(error) => return ending::give_up(context, &run, batch, &error).await.map(|()| false),
        }
    }
    let restored = match replay::restore(&context.sandbox, &program, &run).await {
        Ok(restored) => restored,
        Err(error) => return ending::give_up(context, &run, batch, &error).await.map(|()| false),
    };
    batch.time(context.journal.clock());
    let mut driver = Driver {
        context,
        program,
        instance: Some(restored.instance),
        ticks_since_snapshot: restored.ticks,
        snapshot: run.snapshot.clone(),
        consumed: run.inbox_consumed,
        epoch: run.row.epoch,
        node: run.row.current_node.clone().unwrap_or_else(|| run.row.entry.clone()),
        steps: 0,
        rows: 0,
        fuel: 0,
        finished: Vec::new(),
        run: &run,
        batch,
        taken,
        stopping,
    };
    let span = traces::activation(at.tenant, run.row.run_id.as_str(), &run.row.workflow_id);
    let outcome = driver.activate(restored.next, restored.begun).instrument(span).await;
    match outcome {
        Err(Error::Stale) => driver.hand_over().await.map(|()| true),
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
    /// None while an external effect is in flight and the state is on disk.
    pub(super) instance: Option<Instance>,
    /// The newest state that is on disk.
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) ticks_since_snapshot: usize,
    pub(super) batch: Batch,
    /// Outcomes of the inbox that the flow has been told, in total since the run began.
    pub(super) consumed: u64,
    pub(super) epoch: u64,
    pub(super) node: String,
    /// Used of the activation's budgets.
    pub(super) steps: u64,
    pub(super) rows: u64,
    pub(super) fuel: u64,
    /// Results of external effects that are in the batch: should the run be taken away, they are kept all the same.
    pub(super) finished: Vec<FinishedCall>,
    pub(super) taken: &'a CancellationToken,
    pub(super) stopping: &'a CancellationToken,
}

impl<'a> Driver<'a> {
    async fn activate(&mut self, next: Option<Told>, begun: bool) -> Result<(), Error> {
        let mut told = match (self.reopened_calls().await?, next, begun) {
            (Some(resolved), _, _) => resolved,
            (None, _, _) if !self.run.inbox.is_empty() => self.delivered(),
            (None, Some(next), _) => next,
            (None, None, false) => Told::Start {},
            (None, None, true) => Told::Continue,
        };
        loop {
            if self.taken.is_cancelled() {
                return Err(Error::Stale);
            }
            match self.tick(told).await? {
                Some(next) => told = next,
                None => return Ok(()),
            }
        }
    }

    pub(super) fn delivered(&mut self) -> Told {
        self.consumed += self.run.inbox.len() as u64;
        Told::Resolved(self.run.inbox.iter().map(|d| (d.effect_id, d.outcome.clone())).collect())
    }

    /// One tick and what follows from it. Gives what the flow is told next; none when the activation is over.
    async fn tick(&mut self, told: Told) -> Result<Option<Told>, Error> {
        let now = self.batch.time(self.context.journal.clock());
        let seed = self.context.settings.seed.unwrap_or_else(super::seed);
        let max_steps = self.context.settings.tick_max_steps;
        let patch = self.run.row.host_patch.as_ref().map(|changed| changed.patch.clone());
        let around = replay::around(self.run, now.0, seed, patch.as_deref());
        let event = told.event(&self.run.row.entry, self.run.input.get());
        let mut tick = Tick {
            now: now.0,
            seed,
            steps: max_steps,
            event: told,
            patch,
            effects: Vec::new(),
            seq: None,
            next: None,
            stopped: None,
        };
        let Some(instance) = self.instance.as_mut() else {
            return Err(Error::Corrupt("a run is ticked without an instance".to_owned()));
        };
        let (began, span) = (Instant::now(), traces::tick(&self.node));
        let ticked = instance.tick(&around, &event, max_steps).instrument(span.clone()).await;
        metrics().ticks.increment(1);
        metrics().tick_seconds.record(began.elapsed());
        for line in instance.take_log() {
            tracing::info!(target: "flowgate::flow", run_id = %self.run.row.run_id.as_str(), node = %line.node, "{}", line.text);
        }
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
                Ok(Some(Told::Continue))
            }
            world::Progress::Blocked(blocked) => self.blocked(tick, blocked).await,
            world::Progress::Completed(completed) => self.completed(tick, completed).await,
            world::Progress::Failed(failed) => {
                self.node = failed.node.clone();
                self.keep(&tick);
                let by_effect = failed.code == "effect_failed";
                let error = if by_effect {
                    format!("Effect failed after 1 attempts: {}", failed.message)
                } else {
                    failed.message
                };
                self.fail(&error, !by_effect).await
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
    fn over_budget(&self) -> Option<String> {
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
        None
    }

    async fn blocked(&mut self, mut tick: Tick, blocked: world::Blocked) -> Result<Option<Told>, Error> {
        if blocked.effects.len() > 1 {
            let count = blocked.effects.len();
            return self
                .stopped(
                    tick,
                    &format!("the flow asks for {count} effects at once; this host does one at a time"),
                )
                .await;
        }
        let first_row = self.batch.own_seq + 1;
        let mut outcomes = Vec::new();
        let (mut waits, mut open, mut emit) = (Vec::new(), Vec::new(), None);
        tick.effects = blocked.effects.iter().map(history::digest).collect();
        for effect in blocked.effects {
            self.node.clone_from(&effect.node);
            let request = match self.request(effect) {
                Ok(request) => request,
                Err(error) => return self.stopped(tick, &error).await,
            };
            let key = match effects::key(self.run.row.run_id.as_str(), &request) {
                Ok(key) => key,
                Err(error) => {
                    return self
                        .stopped(tick, &format!("node '{}': effect payload: {error}", request.node))
                        .await;
                }
            };
            self.batch.count_effect();
            match self.decide(&request) {
                Decision::Completed(result) => {
                    self.step(&request, &key, StepStatus::Completed, Some(result.clone()), None);
                    outcomes.push((request.id, Outcome::Completed(result)));
                }
                Decision::Failed(error) => {
                    self.step(&request, &key, StepStatus::Failed, None, Some(error.clone()));
                    outcomes.push((request.id, Outcome::Failed(error)));
                }
                Decision::Wait { wait, until } => {
                    let shown = shown(&wait);
                    self.step(&request, &key, StepStatus::Waiting, Some(shown), None);
                    waits.push(OpenWait {
                        effect_id: request.id,
                        wait: *wait,
                        until,
                    });
                }
                Decision::Child(child) => match self.child(&child).await {
                    Ok((start, wait)) => {
                        let shown = shown(&wait);
                        self.step(&request, &key, StepStatus::Waiting, Some(shown), None);
                        self.batch.children.push(start);
                        waits.push(OpenWait {
                            effect_id: request.id,
                            wait,
                            until: None,
                        });
                    }
                    Err(error) => {
                        self.step(&request, &key, StepStatus::Failed, None, Some(error.clone()));
                        outcomes.push((request.id, Outcome::Failed(error)));
                    }
                },
                Decision::Emit(emission) => {
                    let at = self.batch.time(self.context.journal.clock());
                    let step = batch::started(owner(self.run), &request, &key, 1, at);
                    emit = Some(EmitEvent {
                        effect_id: request.id,
                        step,
                        name: emission.name,
                        scope: emission.scope,
                        scope_id: emission.scope_id,
                        event_id: emission.event_id,
                        payload: emission.payload,
                        emitter: emitter(self.run, &request.node),
                    });
                }
                Decision::Call => open.push(self.open_call(&request, &key, 1)),
            }
        }
        if self.batch.own_seq >= first_row {
            tick.seq = Some((first_row, self.batch.own_seq));
        }
        if let Some(limit) = self.over_budget() {
            return self.stopped(tick, &limit).await;
        }
        if let Some(emit) = emit {
            self.keep(&tick);
            return self.emit(emit).await.map(Some);
        }
        if !open.is_empty() {
            self.keep(&tick);
            return self.call_all(open).await.map(Some);
        }
        if !outcomes.is_empty() {
            let next = Told::Resolved(outcomes);
            // Only a tick that ends a batch needs to say what follows: within a batch the next tick says it itself.
            let full = self.batch.is_full();
            tick.next = full.then(|| next.clone());
            self.keep(&tick);
            if full {
                self.commit(Position::Running { node: self.node.clone() }, None).await?;
            }
            return Ok(Some(next));
        }
        if waits.is_empty() {
            return self
                .stopped(tick, "the flow waits for nothing: it is blocked without an effect")
                .await;
        }
        self.keep(&tick);
        let snapshot = match self.state().await {
            Ok(snapshot) => snapshot,
            Err(stop) => return self.fail(&format!("snapshot: {stop}"), true).await,
        };
        self.commit(
            Position::Waiting {
                node: self.node.clone(),
                waits,
            },
            snapshot,
        )
        .await?;
        Ok(None)
    }

    /// The request with its payload checked.
    fn request(&self, effect: world::Effect) -> Result<Request, String> {
        let (len, limit) = (effect.payload.len(), self.context.settings.max_payload_bytes);
        if len > limit {
            return Err(format!(
                "payload limit: node '{}' asks with {len} bytes, more than {limit}",
                effect.node
            ));
        }
        let payload = RawValue::from_string(effect.payload)
            .map_err(|e| format!("node '{}': effect payload is not JSON: {e}", effect.node))?;
        Ok(Request {
            id: effect.id,
            node: effect.node,
            kind: effect.kind,
            payload,
            ordinal: effect.ordinal,
            result_key: effect.result_key,
            next_node: effect.next_node,
        })
    }

    fn decide(&self, request: &Request) -> Decision {
        let row = &self.run.row;
        let owner = effects::Owner {
            run_id: row.run_id.as_str(),
            workflow_id: &row.workflow_id,
            session_id: row.session_id.as_deref(),
            now: self.batch.last_time,
        };
        effects::decide(owner, request)
    }

    /// Adds the two rows of a step that is decided at once.
    fn step(&mut self, request: &Request, key: &str, status: StepStatus, result: Option<Json>, error: Option<String>) {
        let clock = self.context.journal.clock();
        let started = batch::started(owner(self.run), request, key, 1, self.batch.time(clock));
        let ended = batch::ended(&started, status, result, error, self.batch.time(clock));
        self.batch.push(started);
        self.batch.push(ended);
        self.rows += 2;
        metrics().effect(&request.kind, metrics::Outcome::shown(status));
    }

    async fn child(&self, child: &effects::Child) -> Result<(journal::StartRun, WaitState), String> {
        if !child.wait {
            return Err("start_subworkflow without waiting is not supported".to_owned());
        }
        let found = self
            .context
            .catalog
            .workflow(self.run.row.at.tenant, &child.workflow_id)
            .await;
        let found = found.ok_or_else(|| format!("Workflow '{}' not found in registry", child.workflow_id))?;
        let start = children::start(&self.run.row, child, &found);
        #[derive(serde::Serialize)]
        struct Details<'a> {
            sub_run_id: &'a str,
            sub_workflow_id: &'a str,
            #[serde(rename = "async")]
            detached: bool,
            include_traces: bool,
        }
        let details = Details {
            sub_run_id: start.run_id.as_str(),
            sub_workflow_id: &child.workflow_id,
            detached: true,
            include_traces: child.include_traces,
        };
        let wait = WaitState {
            reason: WaitReason::Subworkflow,
            wait_key: Some(format!("subworkflow:{}", start.run_id)),
            until: None,
            resume_to_node: child.next_node.clone(),
            result_key: child.result_key.clone(),
            prompt: None,
            choices: None,
            allow_free_text: true,
            details: serde_json::value::to_raw_value(&details).ok(),
        };
        Ok((start, wait))
    }

    /// Emits an event inside a commit; its outcome comes back through the inbox.
    async fn emit(&mut self, emit: EmitEvent) -> Result<Told, Error> {
        let effect_id = emit.effect_id;
        self.rows += 2;
        let advanced = self
            .commit(
                Position::Emitting {
                    node: self.node.clone(),
                    emit: Box::new(emit),
                },
                None,
            )
            .await?;
        self.consumed += 1;
        let emitted = matches!(advanced.emitted, Some(Ok(_)));
        let counted = if emitted {
            metrics::Outcome::Completed
        } else {
            metrics::Outcome::Failed
        };
        metrics().effect("emit_event", counted);
        let outcome = match advanced.emitted {
            Some(Ok(result)) => Outcome::Completed(result),
            Some(Err(error)) => Outcome::Failed(error),
            None => Outcome::Failed("the event was not emitted".to_owned()),
        };
        Ok(Told::Resolved(vec![(effect_id, outcome)]))
    }

    /// The state to store with this commit. None: history stands in for it.
    pub(super) async fn state(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let Some(instance) = self.instance.as_mut() else {
            return Ok(None);
        };
        let state = instance.snapshot().await?;
        let due = self.ticks_since_snapshot >= TICKS_BETWEEN_LARGE;
        Ok(state.filter(|s| s.len() <= LARGE_SNAPSHOT || due))
    }

    /// Commits the batch. [`Error::Stale`]: the run has been taken away and nothing was written.
    pub(super) async fn commit(&mut self, to: Position, snapshot: Option<Vec<u8>>) -> Result<Advanced, Error> {
        let next_seq = self.batch.own_seq + 1 - self.batch.rows.len() as u64;
        let (rows, ticks, children) = self.batch.take();
        if let Some(state) = &snapshot {
            self.snapshot = Some(state.clone());
            self.ticks_since_snapshot = 0;
        }
        let advance = Advance {
            run: self.run.row.at,
            epoch: self.epoch,
            next_seq,
            rows,
            ticks,
            inbox_consumed: self.consumed,
            last_time: self.batch.last_time,
            snapshot,
            children,
            to,
        };
        let advanced = self.context.journal.advance(advance).await?;
        self.finished.clear();
        self.batch.own_seq = advanced.own_seq;
        self.batch.last_time = advanced.last_time.max(self.batch.last_time);
        Ok(advanced)
    }

    /// The run was taken away. What it computed is computed again after a resume, but what the outside did is kept.
    async fn hand_over(&mut self) -> Result<(), Error> {
        for call in std::mem::take(&mut self.finished) {
            self.context.journal.finish_call(call).await?;
        }
        Ok(())
    }
}

/// `{"wait": …}` as a waiting row shows it.
fn shown(wait: &WaitState) -> Json {
    #[derive(serde::Serialize)]
    struct Shown<'a> {
        wait: &'a WaitState,
    }
    serde_json::value::to_raw_value(&Shown { wait }).unwrap_or_else(|_| rows::empty_object())
}

fn emitter(run: &LiveRun, node: &str) -> Json {
    #[derive(serde::Serialize)]
    struct Emitter<'a> {
        run_id: &'a str,
        workflow_id: &'a str,
        node_id: &'a str,
    }
    let emitter = Emitter {
        run_id: run.row.run_id.as_str(),
        workflow_id: &run.row.workflow_id,
        node_id: node,
    };
    serde_json::value::to_raw_value(&emitter).unwrap_or_else(|_| rows::empty_object())
}
