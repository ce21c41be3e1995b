//! What a driver has computed and not yet committed, and the rows in it.

use crate::clock::{Clock, Micros};
use crate::effects::Request;
use crate::journal::rows::Owner;
use crate::journal::{OpenCall, RunRow, StartRun};
use crate::record::{EffectRecord, Json, StepRecord, StepStatus};

/// A batch is committed when it holds this many effects …
const MAX_EFFECTS: usize = 64;
/// … or this many ticks …
const MAX_TICKS: usize = 64;
/// … or this many bytes of rows and history.
const MAX_BYTES: usize = 256 << 10;

/// Uncommitted work of a run. All of it becomes visible in one commit, or none of it.
pub(super) struct Batch {
    pub rows: Vec<StepRecord>,
    pub ticks: Vec<String>,
    pub children: Vec<StartRun>,
    /// Time of the newest row or tick; times only grow within a run.
    pub last_time: Micros,
    /// The run's own rows, uncommitted ones included.
    pub own_seq: u64,
    effects: usize,
    bytes: usize,
}

impl Batch {
    pub fn new(row: &RunRow) -> Self {
        Batch {
            rows: Vec::new(),
            ticks: Vec::new(),
            children: Vec::new(),
            last_time: row.last_time,
            own_seq: row.own_seq,
            effects: 0,
            bytes: 0,
        }
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
        self.rows.push(row);
    }

    pub fn tick(&mut self, text: String) {
        self.bytes += text.len();
        self.ticks.push(text);
    }

    pub fn count_effect(&mut self) {
        self.effects += 1;
    }

    pub fn is_full(&self) -> bool {
        self.effects >= MAX_EFFECTS || self.ticks.len() >= MAX_TICKS || self.bytes >= MAX_BYTES
    }

    /// Takes the committed parts out; the batch goes on after them.
    pub fn take(&mut self) -> (Vec<StepRecord>, Vec<String>, Vec<StartRun>) {
        (self.effects, self.bytes) = (0, 0);
        (
            std::mem::take(&mut self.rows),
            std::mem::take(&mut self.ticks),
            std::mem::take(&mut self.children),
        )
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
