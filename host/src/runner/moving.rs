//! Whether a run can go on with another component: tried here, done by the journal.
//!
//! A flow with snapshots moves when the new component takes over its state and the nodes at which it stands are still what they were: those of
//! open effects, and the blocks (loops, branches) that it is in. One without moves when the new component, told the whole history, asks
//! for the same as the old one did and waits for the same. Nothing is written here.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::audit::{Difference, differing};
use super::history::{Tick, Told, digest};
use super::{programs, replay};
use crate::ids::{Digest, RunRef};
use crate::journal::{self, MoveRun, Pin, Recorded, Way};
use crate::record::{StepRecord, StepStatus};
use crate::sandbox::{Instance, Program, Sandbox, world};

/// Tries moves of runs that nobody drives.
pub struct Trial {
    journal: journal::Handle,
    sandbox: Sandbox,
}

/// What a trial came to.
#[derive(Debug)]
pub enum Move {
    /// What the journal is to be asked for.
    Can(Box<MoveRun>),
    Cannot(Box<Obstacle>),
}

/// Why a run cannot go on with a component.
#[derive(Debug)]
pub struct Obstacle {
    pub reason: String,
    /// Both requests, where they differ.
    pub difference: Option<Difference>,
}

impl From<String> for Obstacle {
    fn from(reason: String) -> Self {
        Obstacle {
            reason,
            difference: None,
        }
    }
}

/// How the new component came to the run's state, and that state.
type State = (Way, Option<Vec<u8>>);

impl Trial {
    pub fn new(journal: journal::Handle, sandbox: Sandbox) -> Self {
        Trial { journal, sandbox }
    }

    /// Tries to move a run; None: there is no such run.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn of(&self, at: RunRef, to: &Pin) -> Result<Option<Move>, journal::Error> {
        let Some(recorded) = self.journal.recorded(at).await? else {
            return Ok(None);
        };
        let row = &recorded.run.row;
        Ok(Some(match self.state(&recorded, to).await {
            Ok((way, snapshot)) => Move::Can(Box::new(MoveRun {
                run: at,
                epoch: row.epoch,
                own_seq: row.own_seq,
                history_pos: recorded.history_pos,
                to: to.clone(),
                way,
                snapshot,
            })),
            Err(obstacle) => Move::Cannot(obstacle),
        }))
    }

    async fn program(&self, recorded: &Recorded, digest: Digest) -> Result<std::sync::Arc<Program>, String> {
        programs::program(&self.journal, &self.sandbox, recorded.run.row.at.tenant, digest).await
    }

    async fn instance(&self, program: &Program) -> Result<Instance, String> {
        self.sandbox.instantiate(program).await.map_err(|e| e.to_string())
    }

    async fn state(&self, recorded: &Recorded, to: &Pin) -> Result<State, Box<Obstacle>> {
        let row = &recorded.run.row;
        if row.status.is_terminal() {
            return refuse(format!("the run has ended: it is {}", row.status.as_str()));
        }
        if (row.component, row.workflow_id.as_str()) == (to.component, to.workflow_id.as_str()) {
            return refuse(format!("the run is at {} already", to.workflow_id));
        }
        let new_program = self.program(recorded, to.component).await.map_err(plain)?;
        let mut new = self.instance(&new_program).await.map_err(plain)?;
        let described = new.describe().await.map_err(|e| plain(e.to_string()))?;
        let entered = row.entry.is_empty() || described.entries.iter().any(|entry| entry.node == row.entry);
        if !entered {
            return refuse(format!(
                "the run began at node '{}', which is no entry of {}",
                row.entry, to.workflow_id
            ));
        }
        let old_program = self.program(recorded, row.component).await.map_err(plain)?;
        let mut live = recorded.live().map_err(|e| plain(e.to_string()))?;
        if live.row.entry.is_empty() {
            // It was started before its component had said what it is.
            live.row.entry = programs::entry(&self.sandbox, &old_program).await.map_err(plain)?;
        }
        let restored = match replay::restore(&self.sandbox, &old_program, &live).await {
            Ok(restored) => restored,
            Err(failure) => return Err(plain(failure.explain(&self.journal, &live).await)),
        };
        if !restored.begun {
            return Ok((Way::Start, None));
        }
        let told = restored.next.as_ref();
        let mut old = restored.instance;
        match old.snapshot().await.map_err(|e| plain(e.to_string()))? {
            Some(state) => {
                if told.is_some() {
                    return refuse(BETWEEN.to_owned());
                }
                let standing = standing(recorded).map(|node| ("stands at", node));
                let blocks = blocks(&state).into_iter().map(|node| ("is inside", node));
                let nodes: Vec<Place> = standing.chain(blocks).collect();
                let was = old.describe().await.map_err(|e| plain(e.to_string()))?;
                let taken = new.restore(&state).await.map_err(|e| plain(e.to_string()))?;
                taken.map_err(|e| plain(format!("the run's state does not fit {}: {e}", to.workflow_id)))?;
                same_nodes(&nodes, (&row.workflow_id, &was), (&to.workflow_id, &described)).map_err(plain)?;
                let taken = new.snapshot().await.map_err(|e| plain(e.to_string()))?;
                Ok((Way::Snapshot, Some(taken.unwrap_or(state))))
            }
            None => self.repeated(recorded, to, &new_program, told).await,
        }
    }

    /// Repeats the whole history with the new component. `told`: what follows it.
    async fn repeated(
        &self,
        recorded: &Recorded,
        to: &Pin,
        program: &Program,
        told: Option<&Told>,
    ) -> Result<State, Box<Obstacle>> {
        let mut run = recorded.run.clone();
        if run.row.entry.is_empty() {
            run.row.entry = programs::entry(&self.sandbox, program).await.map_err(plain)?;
        }
        let mut new = self.instance(program).await.map_err(plain)?;
        let (mut expected, mut asked) = (1, 0);
        let mut outstanding = HashSet::new();
        for (pos, text) in &recorded.history {
            let ticks: Vec<Tick> = serde_json::from_str(text).map_err(|e| plain(format!("history row {pos}: {e}")))?;
            let starts = matches!(ticks.first(), Some(tick) if matches!(tick.event, Told::Start {}));
            if *pos != expected || (expected == 1 && !starts) {
                break;
            }
            expected += 1;
            for (number, tick) in ticks.iter().enumerate() {
                let place = || format!("history row {pos}, tick {}", number + 1);
                let progress = replay::repeat(&mut new, &run, tick).await;
                let progress = progress.map_err(|e| plain(format!("{}: {e}", place())))?;
                replay::goes_on(&progress).map_err(|why| plain(format!("{}: {why}", place())))?;
                let requests = replay::requests(&progress);
                let same = requests
                    .iter()
                    .zip(&tick.effects)
                    .take_while(|(now, then)| digest(now) == **then);
                let same = same.count();
                if same < requests.len().max(tick.effects.len()) {
                    let row = (same < tick.effects.len())
                        .then(|| recorded_row(recorded, asked + same))
                        .flatten();
                    let mut found = differing(tick, requests, row.as_ref().map(|(seq, row)| (*seq, row)));
                    found.tick = Some((*pos, number + 1));
                    return Err(Box::new(Obstacle {
                        reason: format!("{}: {} asks for something else than the run did", place(), to.workflow_id),
                        difference: Some(*found),
                    }));
                }
                asked += requests.len();
                outstanding.retain(|id| !told_of(Some(&tick.event), *id));
                outstanding.extend(requests.iter().map(|request| request.id));
                if let world::Progress::Blocked(blocked) = &progress {
                    outstanding.retain(|id| !blocked.abandoned.contains(id));
                }
            }
        }
        if expected <= recorded.history_pos {
            return refuse(format!(
                "the flow has no snapshots, and history row {expected} of the run is not kept"
            ));
        }
        same_effects(recorded, told, &outstanding).map_err(|why| plain(format!("{} {why}", to.workflow_id)))?;
        let state = new.snapshot().await.map_err(|e| plain(e.to_string()))?;
        match (&state, told) {
            (Some(_), Some(_)) => refuse(BETWEEN.to_owned()),
            _ => Ok((Way::Replay, state)),
        }
    }
}

fn plain(reason: String) -> Box<Obstacle> {
    Box::new(reason.into())
}

fn refuse<T>(reason: String) -> Result<T, Box<Obstacle>> {
    Err(plain(reason))
}

/// A new state would stand for what the flow has been told, and it has not been told this.
const BETWEEN: &str = "the run was interrupted at its work: let a server bring it to its next wait first";

/// Whether an event tells the outcome of this effect.
fn told_of(event: Option<&Told>, effect_id: u64) -> bool {
    matches!(event, Some(Told::Resolved(told)) if told.iter().any(|(id, _)| *id == effect_id))
}

/// Whether what a flow waits for is what the journal has open for it; outcomes that are on their way may be of effects it has abandoned.
fn same_effects(recorded: &Recorded, told: Option<&Told>, outstanding: &HashSet<u64>) -> Result<(), String> {
    let run = &recorded.run;
    let calls = run.calls.iter().map(|call| call.effect_id);
    let on_their_way = |id: u64| told_of(told, id) || run.inbox.iter().any(|delivery| delivery.effect_id == id);
    let open: HashSet<u64> = run.waits.iter().copied().chain(calls).collect();
    if let Some(id) = open.iter().find(|id| !outstanding.contains(id) && !on_their_way(**id)) {
        return Err(format!("no longer wants the outcome of effect {id}, which the run waits for"));
    }
    match outstanding.iter().find(|id| !open.contains(id) && !on_their_way(**id)) {
        Some(id) => Err(format!("waits for the outcome of effect {id}, which the run no longer wants")),
        None => Ok(()),
    }
}

/// The nodes whose effects are open: those of calls in flight, and where a run that waits stands.
fn standing(recorded: &Recorded) -> impl Iterator<Item = String> {
    let run = &recorded.run;
    let calls = run.calls.iter().map(|call| call.node.clone());
    calls.chain(run.row.current_node.clone().filter(|_| !run.waits.is_empty()))
}

/// The blocks that a graph's run is in, from the outermost on, as its state names them (`engine/control.rs` of flow-rt). A state of another
/// flow has none.
fn blocks(state: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct State {
        vars: Vars,
    }
    #[derive(Deserialize)]
    struct Vars {
        #[serde(rename = "_temp")]
        temp: Temp,
    }
    #[derive(Deserialize)]
    struct Temp {
        #[serde(rename = "_control")]
        control: Control,
    }
    #[derive(Deserialize)]
    struct Control {
        stack: Vec<String>,
    }
    let state = serde_json::from_slice::<State>(state);
    state.map_or_else(|_| Vec::new(), |state| state.vars.temp.control.stack)
}

/// How a run is at a node.
type Place = (&'static str, String);

/// Whether these nodes are of the same type in both versions.
fn same_nodes(
    nodes: &[Place],
    (from, was): (&str, &world::Description),
    (to, is): (&str, &world::Description),
) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Node {
        #[serde(rename = "type")]
        kind: String,
    }
    let index = |described: &world::Description| -> HashMap<String, Node> {
        serde_json::from_str(&described.node_index).unwrap_or_default()
    };
    let (was, is) = (index(was), index(is));
    for (is_at, node) in nodes {
        let Some(before) = was.get(node) else { continue };
        match is.get(node) {
            None => return Err(format!("the run {is_at} node '{node}', which {to} does not have")),
            Some(after) if after.kind != before.kind => {
                return Err(format!(
                    "the run {is_at} node '{node}', which is of type '{}' in {from} and of type '{}' in {to}",
                    before.kind, after.kind
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The row that shows a request, counted over all of the run's, from 0: each has one `started` row of a first attempt.
fn recorded_row(recorded: &Recorded, request: usize) -> Option<(u64, StepRecord)> {
    let rows = recorded.ledger.iter();
    let rows = rows.filter_map(|(seq, text)| Some((*seq, serde_json::from_str::<StepRecord>(text).ok()?)));
    let mut requests = rows.filter(|(_, row)| row.status == StepStatus::Started && row.attempt == 1);
    requests.nth(request)
}
