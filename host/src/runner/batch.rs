//! What a driver has computed and not yet committed, and the rows in it.

use crate::clock::{Clock, Micros};
use crate::effects::Request;
use crate::journal::rows::Owner;
use crate::journal::{EmitEvent, OpenCall, OpenWait, RunRow, StartRun};
use crate::record::{EffectRecord, Json, StepRecord, StepStatus};

/// A batch is committed when it holds this many effects …
const MAX_EFFECTS: usize = 64;
/// … or this many ticks …
const MAX_TICKS: usize = 64;
/// … or this many bytes of rows and history.
const MAX_BYTES: usize = 256 << 10;

/// Uncommitted work of a run. All of it becomes visible in one commit, or none of it.
pub(super) struct Batch {
    parts: Parts,
    /// Time of the newest row or tick; times only grow within a run.
    pub last_time: Micros,
    /// The run's own rows, uncommitted ones included.
    pub own_seq: u64,
    effects: usize,
    bytes: usize,
}

/// What a commit is made of.
#[derive(Default)]
pub(super) struct Parts {
    pub rows: Vec<StepRecord>,
    pub ticks: Vec<String>,
    pub children: Vec<StartRun>,
    pub opened: Vec<OpenWait>,
    pub abandoned: Vec<u64>,
    /// The writer makes their rows, two for each.
    pub emits: Vec<EmitEvent>,
    /// Calls of the outside whose `started` rows are among the rows.
    pub starting: Vec<OpenCall>,
}

impl Batch {
    pub fn new(row: &RunRow) -> Self {
        Batch {
            parts: Parts::default(),
            last_time: row.last_time,
            own_seq: row.own_seq,
            effects: 0,
            bytes: 0,
        }
    }

    /// Nothing has come of what was computed since the last commit.
    pub fn is_bare(&self) -> bool {
        let parts = &self.parts;
        let lists = [parts.rows.len(), parts.children.len(), parts.opened.len()];
        let more = [parts.abandoned.len(), parts.emits.len(), parts.starting.len()];
        lists.iter().chain(&more).all(|len| *len == 0)
    }

    /// The time, later than anything of this run before.
    pub fn time(&mut self, clock: &Clock) -> Micros {
        self.last_time = clock.now().max(self.last_time.plus(1));
        self.last_time
    }

    pub fn push(&mut self, row: StepRecord) {
        let payload = row.effect.as_ref().map_or(0, |e| e.payload.get().len());
        self.bytes += payload + row.result.as_ref().map_or(0, |r| r.get().len()) + 256;
        self.own_seq += 1;
        self.parts.rows.push(row);
    }

    pub fn tick(&mut self, text: String) {
        self.bytes += text.len();
        self.parts.ticks.push(text);
    }

    pub fn child(&mut self, child: StartRun) {
        self.parts.children.push(child);
    }

    pub fn open(&mut self, wait: OpenWait) {
        self.parts.opened.push(wait);
    }

    pub fn abandon(&mut self, effect_id: u64) {
        self.parts.abandoned.push(effect_id);
    }

    /// An event, whose rows come after those that are there.
    pub fn emit(&mut self, emit: EmitEvent) {
        self.own_seq += 2;
        self.parts.emits.push(EmitEvent {
            after_rows: self.parts.rows.len(),
            ..emit
        });
    }

    /// A call to be made after the commit; its `started` row is pushed apart.
    pub fn call(&mut self, call: OpenCall) {
        self.parts.starting.push(call);
    }

    /// Calls that the next commit starts.
    pub fn calls(&self) -> impl Iterator<Item = &OpenCall> {
        self.parts.starting.iter()
    }

    /// How many those are.
    pub fn starting(&self) -> usize {
        self.parts.starting.len()
    }

    /// How many children it starts.
    pub fn children(&self) -> u64 {
        self.parts.children.len() as u64
    }

    /// Effects that are asked for, and that only the next commit makes known to others.
    pub fn outstanding(&self) -> usize {
        self.parts.starting.len() + self.parts.emits.len()
    }

    pub fn is_emitting(&self) -> bool {
        !self.parts.emits.is_empty()
    }

    /// Whether an effect of this id is to be started by the next commit.
    pub fn asks(&self, effect_id: u64) -> bool {
        let mut emits = self.parts.emits.iter().map(|emit| emit.effect_id);
        let mut calls = self.parts.starting.iter().map(|call| call.effect_id);
        emits.any(|id| id == effect_id) || calls.any(|id| id == effect_id)
    }

    /// The call that the next commit would start is not made.
    pub fn give_up(&mut self, effect_id: u64) -> Option<OpenCall> {
        let at = self.parts.starting.iter().position(|call| call.effect_id == effect_id)?;
        Some(self.parts.starting.remove(at))
    }

    pub fn count_effect(&mut self) {
        self.effects += 1;
    }

    pub fn is_full(&self) -> bool {
        self.effects >= MAX_EFFECTS || self.parts.ticks.len() >= MAX_TICKS || self.bytes >= MAX_BYTES
    }

    /// The number of the first uncommitted row.
    pub fn next_seq(&self) -> u64 {
        self.own_seq + 1 - (self.parts.rows.len() + 2 * self.parts.emits.len()) as u64
    }

    /// Takes what is to be committed out; the batch goes on after it.
    pub fn take(&mut self) -> Parts {
        (self.effects, self.bytes) = (0, 0);
        std::mem::take(&mut self.parts)
    }
}

/// The `started` row of an effect.
pub(super) fn started(owner: Owner<'_>, request: &Request, key: &str, attempt: u32, at: Micros) -> StepRecord {
    StepRecord {
        run_id: owner.run_id.to_owned(),
        step_id: uuid::Uuid::new_v4().to_string(),
        node_id: request.node.clone(),
        status: StepStatus::Started,
        effect: Some(EffectRecord {
            kind: request.kind.clone(),
            payload: request.payload.clone(),
            result_key: request.result_key.clone(),
        }),
        result: None,
        error: None,
        started_at: at.iso(),
        ended_at: None,
        actor_id: owner.actor_id.map(str::to_owned),
        session_id: owner.session_id.map(str::to_owned),
        attempt,
        idempotency_key: Some(key.to_owned()),
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}

/// The second row of a step: the first one, ended.
pub(super) fn ended(
    started: &StepRecord,
    status: StepStatus,
    result: Option<Json>,
    error: Option<String>,
    at: Micros,
) -> StepRecord {
    StepRecord {
        status,
        result,
        error,
        ended_at: Some(at.iso()),
        ..started.clone()
    }
}

/// The row that says why a run failed outside its effects.
pub(super) fn exception(owner: Owner<'_>, node: &str, error: &str, at: Micros) -> StepRecord {
    StepRecord {
        run_id: owner.run_id.to_owned(),
        step_id: uuid::Uuid::new_v4().to_string(),
        node_id: node.to_owned(),
        status: StepStatus::Failed,
        effect: None,
        result: None,
        error: Some(error.to_owned()),
        started_at: at.iso(),
        ended_at: Some(at.iso()),
        actor_id: owner.actor_id.map(str::to_owned),
        session_id: owner.session_id.map(str::to_owned),
        attempt: 1,
        idempotency_key: Some(format!("system:tick_exception:{}", owner.run_id)),
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}

/// The result row of an external effect.
pub(super) fn call_ended(
    owner: Owner<'_>,
    call: &OpenCall,
    status: StepStatus,
    result: Option<Json>,
    error: Option<String>,
    at: Micros,
) -> StepRecord {
    StepRecord {
        status,
        result,
        error,
        ended_at: Some(at.iso()),
        ..call_row(owner, call)
    }
}

/// The `started` row of an external effect that is made again after a crash.
pub(super) fn restarted(owner: Owner<'_>, call: &OpenCall, at: Micros) -> StepRecord {
    StepRecord {
        step_id: uuid::Uuid::new_v4().to_string(),
        started_at: at.iso(),
        attempt: call.attempt + 1,
        ..call_row(owner, call)
    }
}

fn call_row(owner: Owner<'_>, call: &OpenCall) -> StepRecord {
    StepRecord {
        run_id: owner.run_id.to_owned(),
        step_id: call.step_id.clone(),
        node_id: call.node.clone(),
        status: StepStatus::Started,
        effect: Some(EffectRecord {
            kind: call.kind.clone(),
            payload: call.payload.clone(),
            result_key: call.result_key.clone(),
        }),
        result: None,
        error: None,
        started_at: call.started_at.clone(),
        ended_at: None,
        actor_id: owner.actor_id.map(str::to_owned),
        session_id: owner.session_id.map(str::to_owned),
        attempt: call.attempt,
        idempotency_key: Some(call.idempotency_key.clone()),
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}
