//! What becomes of the effects that a flow asks for in a tick. Each is decided in the order of the requests.

use serde_json::value::RawValue;

use super::batch;
use super::children;
use super::driver::{Driver, Next, owner};
use super::history::{self, Tick, Told};
use crate::effects::{self, Child, Decision, Emission, Request};
use crate::journal::rows;
use crate::journal::{EmitEvent, Error, LiveRun, OpenWait, Outcome, Position, StartRun};
use crate::record::{Json, StepStatus, WaitState};
use crate::sandbox::world;
use crate::telemetry::metrics::{self, metrics};

/// What the row of a call says that the flow has abandoned.
pub(super) const UNWANTED: &str = "abandoned: the flow no longer wants it";

impl Driver<'_> {
    pub(super) async fn blocked(&mut self, mut tick: Tick, blocked: world::Blocked) -> Result<Next, Error> {
        if let Err(error) = self.not_too_many(&blocked) {
            return self.stopped(tick, &error).await;
        }
        let first_row = self.batch.own_seq + 1;
        tick.effects = blocked.effects.iter().map(history::digest).collect();
        self.abandon_all(&blocked.abandoned);
        let mut told = std::mem::take(&mut self.pending);
        self.look_at_family(&blocked.effects).await?;
        for effect in blocked.effects {
            self.node.clone_from(&effect.node);
            if let Err(error) = self.effect(effect, &mut told).await {
                return self.stopped(tick, &error).await;
            }
        }
        // One may have been asked for and dropped in the same tick.
        self.abandon_all(&blocked.abandoned);
        if self.batch.own_seq >= first_row {
            tick.seq = Some((first_row, self.batch.own_seq));
        }
        if let Some(limit) = self.over_budget() {
            return self.stopped(tick, &limit).await;
        }
        if !told.is_empty() || self.batch.is_emitting() {
            return self.go_on(tick, told).await;
        }
        self.stand_still(tick).await
    }

    /// Something can be told at once: what was decided, or what came of events.
    async fn go_on(&mut self, mut tick: Tick, mut told: Vec<(u64, Outcome)>) -> Result<Next, Error> {
        // Calls wait for their `started` rows, outcomes of events for the commit that emits them.
        let commits = self.batch.is_full() || self.batch.starting() > 0 || self.batch.is_emitting();
        // Only a tick that ends a batch needs to say what follows: within a batch the next tick says it itself.
        tick.next = (commits && !told.is_empty()).then(|| Told::Resolved(told.clone()));
        self.keep(&tick);
        if commits {
            let inbox = self.commit(Position::Running { node: self.node.clone() }, None).await?;
            told.extend(self.delivered(inbox));
        }
        Ok(Next::Tell(Told::Resolved(told)))
    }

    /// Nothing can be told: the run waits, or the outside works for it.
    async fn stand_still(&mut self, mut tick: Tick) -> Result<Next, Error> {
        let calling = self.batch.starting() > 0 || !self.in_flight.is_empty();
        if !calling && self.waits.is_empty() {
            return self
                .stopped(tick, "the flow waits for nothing: it is blocked without an effect")
                .await;
        }
        let snapshot = self.state().await;
        tick.kept = matches!(snapshot, Ok(Some(_)));
        self.keep(&tick);
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(stop) => return self.fail(&format!("snapshot: {stop}"), true).await,
        };
        let node = self.node.clone();
        if !calling {
            self.commit(Position::Waiting { node }, snapshot).await?;
            return Ok(Next::Over);
        }
        let parked = snapshot.is_some();
        let inbox = self.commit(Position::Running { node }, snapshot).await?;
        if parked {
            // The state is on disk: while the outside works, the run costs no memory, and it goes on from what is stored.
            self.instance = None;
        }
        if inbox.is_empty() {
            return Ok(Next::Listen);
        }
        let told = self.delivered(inbox).collect();
        Ok(Next::Tell(Told::Resolved(told)))
    }

    /// Decides one effect. What is known of it at once is added to `told`.
    ///
    /// # Errors
    /// The request breaks the world's rules: the run cannot go on.
    async fn effect(&mut self, effect: world::Effect, told: &mut Vec<(u64, Outcome)>) -> Result<(), String> {
        self.expected(&effect)?;
        let request = request(effect, self.context.settings.max_payload_bytes)?;
        let key = effects::key(self.run.row.run_id.as_str(), &request)
            .map_err(|error| format!("node '{}': effect payload: {error}", request.node))?;
        self.batch.count_effect();
        match self.decide(&request) {
            Decision::Completed(result) => {
                self.step(&request, &key, StepStatus::Completed, Some(result.clone()), None);
                told.push((request.id, Outcome::Completed(result)));
            }
            Decision::Failed(error) => {
                self.step(&request, &key, StepStatus::Failed, None, Some(error.clone()));
                told.push((request.id, Outcome::Failed(error)));
            }
            Decision::Wait { wait, until } => self.open_wait(&request, &key, *wait, until),
            Decision::Child(child) => match self.child(&child).await {
                Ok(start) if child.wait => {
                    let wait = children::wait(&child, start.run_id.as_str());
                    self.batch.child(start);
                    self.open_wait(&request, &key, wait, None);
                }
                Ok(start) => {
                    let result = children::detached(start.run_id.as_str());
                    self.batch.child(start);
                    self.step(&request, &key, StepStatus::Completed, Some(result.clone()), None);
                    told.push((request.id, Outcome::Completed(result)));
                }
                Err(error) => {
                    self.step(&request, &key, StepStatus::Failed, None, Some(error.clone()));
                    told.push((request.id, Outcome::Failed(error)));
                }
            },
            Decision::Emit(emission) => self.emit(&request, &key, *emission),
            Decision::Call => self.start_call(&request, &key),
        }
        Ok(())
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

    fn open_wait(&mut self, request: &Request, key: &str, wait: WaitState, until: Option<crate::clock::Micros>) {
        self.step(request, key, StepStatus::Waiting, Some(shown(&wait)), None);
        self.waits.insert(request.id);
        self.batch.open(OpenWait {
            effect_id: request.id,
            wait,
            until,
        });
    }

    async fn child(&mut self, child: &Child) -> Result<StartRun, String> {
        self.may_start_child()?;
        let tenant = self.run.row.at.tenant;
        let found = self.context.catalog.workflow(tenant, &child.workflow_id).await;
        let found = found.ok_or_else(|| children::not_found(&child.workflow_id))?;
        self.children += 1;
        Ok(children::start(&self.run.row, child, &found))
    }

    /// Has an event emitted by the next commit; its outcome comes back through the inbox.
    fn emit(&mut self, request: &Request, key: &str, emission: Emission) {
        let at = self.batch.time(self.context.journal.clock());
        let step = batch::started(owner(self.run), request, key, 1, at);
        self.rows += 2;
        self.batch.emit(EmitEvent {
            effect_id: request.id,
            after_rows: 0,
            step,
            name: emission.name,
            scope: emission.scope,
            scope_id: emission.scope_id,
            event_id: emission.event_id,
            payload: emission.payload,
            emitter: emitter(self.run, &request.node),
        });
    }

    fn abandon_all(&mut self, effect_ids: &[u64]) {
        for effect_id in effect_ids {
            self.abandon(*effect_id, UNWANTED);
        }
    }

    /// The flow no longer wants the outcome of an effect. What was its wait is closed, a call of the outside is given up; a child goes on, and
    /// an outcome that is on its way is told all the same.
    pub(super) fn abandon(&mut self, effect_id: u64, why: &str) {
        if self.waits.remove(&effect_id) {
            self.batch.abandon(effect_id);
        }
        let call = self.in_flight.give_up(effect_id).or_else(|| self.batch.give_up(effect_id));
        if let Some(call) = call {
            self.given_up(&call, why);
        }
    }
}

/// The request with its payload checked.
pub(super) fn request(effect: world::Effect, limit: usize) -> Result<Request, String> {
    let len = effect.payload.len();
    if len > limit {
        return Err(format!(
            "payload limit: node '{}' asks with {len} bytes, more than {limit} (runner.max_payload_bytes)",
            effect.node
        ));
    }
    let payload =
        RawValue::from_string(effect.payload).map_err(|e| format!("node '{}': effect payload is not JSON: {e}", effect.node))?;
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

/// `{"wait": …}` as a waiting row shows it.
pub(super) fn shown(wait: &WaitState) -> Json {
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
