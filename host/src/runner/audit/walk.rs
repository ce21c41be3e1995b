//! One run again, tick by tick, with the rows that its driver and the journal must have written.

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;

use super::ledger::Ledger;
use super::report::{Difference, json};
use crate::clock::Micros;
use crate::effects::{self, Decision, Request};
use crate::journal::rows::{self, Owner};
use crate::journal::{LiveRun, Outcome};
use crate::record::{Json, RunStatus, StepRecord, StepStatus, WaitState};
use crate::runner::history::{self, Tick, Told};
use crate::runner::{batch, blocked, children, driver, ending, replay};
use crate::sandbox::world;

pub(super) type Check<T> = Result<T, Box<Difference>>;

/// What the flow has asked for and not been told of. It may have abandoned it: an outcome that was on its way is told all the same.
enum Open {
    /// Decided at once: what it must be told.
    Told(Outcome),
    /// The place of the row that shows the wait.
    Wait { wait: Box<WaitState>, asked: usize },
    /// The `started` row as stored.
    Call(Box<StepRecord>),
    /// The `started` row as stored, and the place of the one that ends it.
    Emit(Box<StepRecord>, usize),
}

/// How far the flow has come.
#[derive(Debug)]
enum End {
    Completed(Json),
    Failed(String),
}

/// Rows that one tick has made: the place of the first, and how many.
#[derive(Default)]
struct Made(Option<(usize, u64)>);

impl Made {
    fn row(&mut self, at: usize) {
        let (first, count) = self.0.unwrap_or((at, 0));
        self.0 = Some((first.min(at), count + 1));
    }
}

pub(super) struct Walk<'a> {
    /// With the workflow id that the ticks were told.
    pub run: LiveRun,
    pub ledger: &'a mut Ledger,
    open: HashMap<u64, Open>,
    /// Where the run stands.
    node: String,
    /// Where it has stood.
    stood: HashSet<String>,
    end: Option<End>,
    /// Requests from before what is kept may be answered.
    partial: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(run: LiveRun, ledger: &'a mut Ledger, partial: bool) -> Self {
        let mut walk = Walk {
            node: String::new(),
            stood: HashSet::new(),
            ledger,
            open: HashMap::new(),
            end: None,
            partial,
            run,
        };
        let entry = walk.run.row.entry.clone();
        walk.stand_at(&entry);
        walk
    }

    fn owner(&self) -> Owner<'_> {
        driver::owner(&self.run)
    }

    fn stand_at(&mut self, node: &str) {
        node.clone_into(&mut self.node);
        if !self.stood.contains(node) {
            self.stood.insert(node.to_owned());
        }
    }

    /// The rows of what the flow is told with a tick.
    pub(super) fn told(&mut self, told: &Told) -> Check<()> {
        let Told::Resolved(outcomes) = told else { return Ok(()) };
        for (id, outcome) in outcomes {
            self.outcome(*id, outcome)?;
        }
        Ok(())
    }

    /// The rows that an outcome has left.
    fn outcome(&mut self, id: u64, outcome: &Outcome) -> Check<()> {
        let Some(open) = self.open.remove(&id) else {
            if self.partial {
                return Ok(());
            }
            let text = format!("the flow was told of effect {id}, for which it never asked");
            return Err(Difference::new("outcome", text).recorded(outcome));
        };
        match open {
            Open::Told(expected) => {
                if json(&expected).get() != json(outcome).get() {
                    let text = format!("the flow was told something else of effect {id} than came of it");
                    return Err(Difference::new("outcome", text).recorded(outcome).replayed(&expected));
                }
                Ok(())
            }
            Open::Wait { wait, asked } => match outcome {
                Outcome::Completed(payload) => {
                    let at = Micros(0);
                    let row = rows::resume_row(self.owner(), Some(&self.node), &wait, payload, at, at);
                    self.ledger.answer(&row, |node| self.stood.contains(node), asked)
                }
                Outcome::Elapsed | Outcome::Failed(_) => Ok(()),
            },
            Open::Call(first) => self.ledger.call(&first, Some(&|started| ended(started, outcome))).map(drop),
            Open::Emit(started, at) => self.ledger.was(at, &ended(&started, outcome)),
        }
    }

    /// What comes of a tick.
    pub(super) fn progress(&mut self, tick: &Tick, progress: world::Progress) -> Check<()> {
        if let Some(error) = &tick.stopped {
            return self.stopped(tick, progress, error);
        }
        match progress {
            world::Progress::Yielded(yielded) => {
                self.stand_at(&yielded.node);
                Ok(())
            }
            world::Progress::Blocked(blocked) => {
                let made = self.blocked(tick, blocked)?.0;
                let fits = match (made, tick.seq) {
                    (Some(made), Some(seq)) => self.ledger.are_numbered(made, seq),
                    (None, None) => true,
                    _ => false,
                };
                if self.partial || fits {
                    return Ok(());
                }
                let made = made.map(|(at, count)| (at as u64 + 1, at as u64 + count));
                let text = "the tick makes other rows than history says (numbers of the run's own, first and last)";
                Err(Difference::new("history", text).recorded(&tick.seq).replayed(&made))
            }
            world::Progress::Completed(completed) => self.completed(completed),
            world::Progress::Failed(failed) => {
                self.stand_at(&failed.node);
                let (error, exception) = ending::failure(failed);
                self.failed(&error, exception)
            }
        }
    }

    /// The rows of a tick's requests, and of calls that it abandons.
    fn blocked(&mut self, tick: &Tick, blocked: world::Blocked) -> Check<Made> {
        let mut made = Made::default();
        self.abandon(&blocked.abandoned, &mut made)?;
        for effect in blocked.effects {
            self.stand_at(&effect.node);
            let request = blocked::request(effect, usize::MAX).map_err(|e| Difference::new("request", e))?;
            let id = request.id;
            let open = self.requested(request, Micros(tick.now), &mut made)?;
            self.open.insert(id, open);
        }
        self.abandon(&blocked.abandoned, &mut made)?;
        Ok(made)
    }

    /// Calls that were in flight when the flow abandoned them have a row that says so. Of everything else the outcome may still be told.
    fn abandon(&mut self, effect_ids: &[u64], made: &mut Made) -> Check<()> {
        for id in effect_ids {
            let Some(Open::Call(first)) = self.open.get(id) else {
                continue;
            };
            if self.ledger.ends_with(first, blocked::UNWANTED) {
                let unwanted = Outcome::Failed(blocked::UNWANTED.to_owned());
                let at = self.ledger.call(first, Some(&|started| ended(started, &unwanted)))?;
                self.open.remove(id);
                at.into_iter().for_each(|at| made.row(at));
            }
        }
        Ok(())
    }

    /// The rows of one request, and what is open then.
    fn requested(&mut self, request: Request, now: Micros, made: &mut Made) -> Check<Open> {
        let run_id = self.run.row.run_id.as_str();
        let key = effects::key(run_id, &request).map_err(|e| Difference::new("request", e))?;
        let started = batch::started(self.owner(), &request, &key, 1, Micros(0));
        let (started, at) = self.ledger.step(&started)?;
        made.row(at);
        let decision = self.decide(&request, now);
        if !matches!(decision, Decision::Call) {
            made.row(at + 1);
        }
        match decision {
            Decision::Completed(result) => self.decided(&started, Outcome::Completed(result)),
            Decision::Failed(error) => self.decided(&started, Outcome::Failed(error)),
            Decision::Wait { wait, .. } => self.waiting((&started, at), *wait),
            Decision::Child(child) => self.child((&started, at), &child),
            Decision::Emit(_) => {
                let at = self.ledger.emitted(&started)?;
                Ok(Open::Emit(Box::new(started), at))
            }
            Decision::Call => {
                self.ledger.is_call(&started);
                Ok(Open::Call(Box::new(started)))
            }
        }
    }

    /// As the host decided it. It looked at the clock between the tick and the row: only a wait whose time came just then tells these apart.
    fn decide(&self, request: &Request, tick: Micros) -> Decision {
        let row = &self.run.row;
        let decide = |now: Micros| {
            let owner = effects::Owner {
                run_id: row.run_id.as_str(),
                workflow_id: &row.workflow_id,
                session_id: row.session_id.as_deref(),
                now,
            };
            effects::decide(owner, request)
        };
        let decision = decide(tick);
        let waits = self.ledger.peek().is_some_and(|(_, row)| row.status == StepStatus::Waiting);
        match decision {
            Decision::Wait { .. } if !waits => decide(self.ledger.time()),
            decision => decision,
        }
    }

    fn decided(&mut self, started: &StepRecord, outcome: Outcome) -> Check<Open> {
        self.ledger.step_end(&ended(started, &outcome))?;
        Ok(Open::Told(outcome))
    }

    fn waiting(&mut self, (started, asked): (&StepRecord, usize), wait: WaitState) -> Check<Open> {
        let row = batch::ended(started, StepStatus::Waiting, Some(blocked::shown(&wait)), None, Micros(0));
        self.ledger.step_end(&row)?;
        let wait = Box::new(wait);
        Ok(Open::Wait { wait, asked })
    }

    /// Which workflows there were, and the child's name, are as recorded.
    fn child(&mut self, started: (&StepRecord, usize), child: &effects::Child) -> Check<Open> {
        #[derive(serde::Deserialize)]
        struct Shown {
            wait: Wait,
        }
        #[derive(serde::Deserialize)]
        struct Wait {
            details: Named,
        }
        #[derive(serde::Deserialize)]
        struct Named {
            sub_run_id: String,
        }
        let stored = self.ledger.peek().map(|(_, row)| row);
        if stored.is_some_and(|row| row.status == StepStatus::Failed) {
            return self.decided(started.0, Outcome::Failed(children::not_found(&child.workflow_id)));
        }
        let result = stored.and_then(|row| row.result.as_deref()).unwrap_or(RawValue::NULL).get();
        if child.wait {
            let shown = serde_json::from_str::<Shown>(result);
            let sub_run_id = shown.map_or_else(|_| String::new(), |shown| shown.wait.details.sub_run_id);
            return self.waiting(started, children::wait(child, &sub_run_id));
        }
        let named = serde_json::from_str::<Named>(result);
        let sub_run_id = named.map_or_else(|_| String::new(), |named| named.sub_run_id);
        self.decided(started.0, Outcome::Completed(children::detached(&sub_run_id)))
    }

    fn completed(&mut self, completed: world::Completed) -> Check<()> {
        self.stand_at(&completed.node);
        let output = RawValue::from_string(completed.output)
            .map_err(|e| Difference::new("tick", format!("the output is not JSON: {e}")))?;
        let at = Micros(0);
        let row = match completed.by {
            world::Ending::Plan | world::Ending::Effect => rows::completion_row(self.owner(), &self.node, &output, at, at),
            world::Ending::Resume => self.resumed(&output),
        };
        self.ledger.step(&row)?;
        self.status(RunStatus::Completed)?;
        self.end = Some(End::Completed(output));
        Ok(())
    }

    /// The row of an end by an answer: which one was the newest, is as recorded, if there is such an answer.
    fn resumed(&self, output: &RawValue) -> StepRecord {
        #[derive(serde::Deserialize, PartialEq, Eq)]
        struct Wait {
            wait_reason: String,
            wait_key: Option<String>,
        }
        let stored = self.ledger.peek().and_then(|(_, row)| row.result.as_deref());
        let stored = stored.and_then(|result| serde_json::from_str::<Wait>(result.get()).ok());
        let mut answers = self.ledger.before_next().map(|row| ending::answered(Some(row)));
        let newest = answers.next().unwrap_or_else(|| ending::answered(None));
        let is_stored = |wait: &WaitState| {
            let shown = Wait {
                wait_reason: wait.reason.as_str().to_owned(),
                wait_key: wait.wait_key.clone(),
            };
            stored.as_ref() == Some(&shown)
        };
        let wait = match is_stored(&newest) {
            true => newest,
            false => answers.find(is_stored).unwrap_or(newest),
        };
        rows::completion_via_resume_row(self.owner(), &self.node, &wait, output, Micros(0), Micros(0))
    }

    fn status(&mut self, status: RunStatus) -> Check<()> {
        let row = rows::status_row(self.owner(), Some(&self.node), status, Micros(0), Micros(0));
        self.ledger.step(&row).map(drop)
    }

    fn failed(&mut self, error: &str, exception: bool) -> Check<()> {
        if exception {
            let row = batch::exception(self.owner(), &self.node, error, Micros(0));
            self.ledger.step(&row)?;
        }
        self.status(RunStatus::Failed)?;
        self.end = Some(End::Failed(error.to_owned()));
        Ok(())
    }

    /// The host stopped the flow in this tick. How far it came in the rows depends on where it was stopped; the reason is as recorded.
    fn stopped(&mut self, tick: &Tick, progress: world::Progress, error: &str) -> Check<()> {
        if let world::Progress::Blocked(blocked) = progress {
            let _as_far_as_it_came = self.blocked(tick, blocked);
        }
        self.stand_as_recorded();
        self.failed(error, true)
    }

    /// A tick that the host stopped and that cannot be repeated at all.
    pub(super) fn cut_off(&mut self, error: &str) -> Check<()> {
        self.stand_as_recorded();
        self.failed(error, true)
    }

    /// Takes the node from the row that says why the run failed.
    fn stand_as_recorded(&mut self) {
        if let Some((_, row)) = self.ledger.peek() {
            self.node.clone_from(&row.node_id);
        }
    }

    /// What the journal and the host did after the last tick: outcomes that were not told, a cancel, an end that the host gave the run.
    pub(super) fn finish(mut self) -> Check<()> {
        for delivery in std::mem::take(&mut self.run.inbox) {
            self.outcome(delivery.effect_id, &delivery.outcome)?;
        }
        self.waits()?;
        let status = self.run.row.status;
        let error = self.run.row.error.clone().unwrap_or_default();
        match (&self.end, status) {
            (None, RunStatus::Cancelled) => {
                self.stand_as_recorded();
                self.status(RunStatus::Cancelled)?;
            }
            // The host could not go on with it.
            (None, RunStatus::Failed) => self.cut_off(&error)?,
            (None, RunStatus::Completed) if !self.partial || self.ledger.peek().is_some() => {
                let text = "the run is completed, but what is recorded does not come to its end";
                return Err(Difference::new("status", text).recorded(status.as_str()));
            }
            (Some(End::Completed(output)), _) => {
                let kept = self.run.row.output.as_ref().map(|output| output.get());
                if status != RunStatus::Completed || kept != Some(output.get()) {
                    let text = format!("the run is {} with another output", status.as_str());
                    return Err(Difference::new("status", text)
                        .recorded(&self.run.row.output)
                        .replayed(output));
                }
            }
            (Some(End::Failed(why)), _) if status != RunStatus::Failed || *why != error => {
                let text = format!("the run is {} with another error", status.as_str());
                return Err(Difference::new("status", text).recorded(&error).replayed(why));
            }
            _ => {}
        }
        for open in std::mem::take(&mut self.open).into_values() {
            if let Open::Call(first) = open {
                self.ledger.call(&first, None)?;
            }
        }
        self.ledger.end()
    }

    /// What the run waits for is something that the flow has asked for.
    fn waits(&self) -> Check<()> {
        let open = |id: &u64| matches!(self.open.get(id), Some(Open::Wait { .. }));
        match self.run.waits.iter().find(|id| !open(id)) {
            Some(id) if !self.partial => {
                let text = format!("the run waits for effect {id}, for which the flow never asked");
                Err(Difference::new("status", text).recorded(id))
            }
            _ => Ok(()),
        }
    }
}

/// The requests of history and those of now, when they differ.
pub(super) fn compare(tick: &Tick, progress: &world::Progress, ledger: &Ledger) -> Check<()> {
    let now = replay::requests(progress);
    let digests: Vec<String> = now.iter().map(history::digest).collect();
    // A tick that the host stopped may have been stopped before its requests were looked at.
    if digests == tick.effects || (tick.stopped.is_some() && tick.effects.is_empty()) {
        return Ok(());
    }
    Err(differing(tick, now, ledger.peek()))
}

/// Both sides of requests that differ. History has digests; the row that followed shows the request itself.
pub(crate) fn differing(tick: &Tick, now: &[world::Effect], row: Option<(u64, &StepRecord)>) -> Box<Difference> {
    #[derive(serde::Serialize)]
    struct Recorded<'a> {
        digests: &'a [String],
        rows: Option<(u64, u64)>,
        row: Option<&'a StepRecord>,
    }
    #[derive(serde::Serialize)]
    struct Asked<'a> {
        digest: String,
        id: u64,
        node: &'a str,
        kind: &'a str,
        payload: Json,
        ordinal: u64,
        result_key: Option<&'a str>,
        next_node: Option<&'a str>,
    }
    let asked: Vec<Asked<'_>> = now
        .iter()
        .map(|effect| Asked {
            digest: history::digest(effect),
            id: effect.id,
            node: &effect.node,
            kind: &effect.kind,
            payload: RawValue::from_string(effect.payload.clone()).unwrap_or_else(|_| json(&effect.payload)),
            ordinal: effect.ordinal,
            result_key: effect.result_key.as_deref(),
            next_node: effect.next_node.as_deref(),
        })
        .collect();
    let recorded = Recorded {
        digests: &tick.effects,
        rows: tick.seq,
        row: row.map(|(_, row)| row),
    };
    let mut found = Difference::new("request", "the flow asks for something else than it did")
        .recorded(&recorded)
        .replayed(&asked);
    found.seq = row.map(|(seq, _)| seq);
    found
}

fn ended(started: &StepRecord, outcome: &Outcome) -> StepRecord {
    match outcome {
        Outcome::Completed(result) => batch::ended(started, StepStatus::Completed, Some(result.clone()), None, Micros(0)),
        Outcome::Failed(error) => batch::ended(started, StepStatus::Failed, None, Some(error.clone()), Micros(0)),
        Outcome::Elapsed => batch::ended(started, StepStatus::Completed, None, None, Micros(0)),
    }
}
