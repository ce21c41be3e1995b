//! What callers tell the journal and what it answers.

use crate::clock::Micros;
use crate::ids::{Digest, LedgerSeq, RunId, RunRef, TenantId};
use crate::record::{Json, RunStatus, StepRecord, WaitState};

/// A run to be made. With its listeners it is one commit.
#[derive(Debug, Clone)]
pub struct StartRun {
    pub tenant: TenantId,
    pub run_id: RunId,
    pub workflow_id: String,
    /// The component that the run is pinned to for its life.
    pub component: Digest,
    /// The entry node within the component.
    pub entry: String,
    /// JSON object: the start input, stored as it came.
    pub input: Json,
    /// JSON object: the variables that belong to the host (`_limits`, `_runtime`, `workspace_*`).
    pub host_vars: Json,
    /// None: the run is its own session.
    pub session_id: Option<String>,
    pub actor_id: Option<String>,
    /// A run that belongs to another one (subflow, listener).
    pub parent: Option<RunId>,
    /// Listener runs of this run, started with it. Not nested further.
    pub listeners: Vec<StartRun>,
}

/// What a driver has computed since its last commit: all of it becomes visible, or none of it.
#[derive(Debug, Clone)]
pub struct Advance {
    pub run: RunRef,
    /// The run's name. A driver may begin while the commit that makes its run is under way; if that fails, the key is given to another run.
    pub run_id: RunId,
    /// The epoch that the driver loaded the run with. The writer refuses the commit when pause, cancel or another owner has raised it.
    pub epoch: u64,
    /// The number of the first of `rows` among the run's own rows ([`RunRow::own_seq`]): one past the last that the driver knows.
    pub next_seq: LedgerSeq,
    /// Ledger rows in order, complete but for what `emit` computes.
    pub rows: Vec<StepRecord>,
    /// Private history in order: one JSON text a tick.
    pub ticks: Vec<String>,
    /// How many outcomes of the run's inbox these ticks have consumed, in total since the run began.
    pub inbox_consumed: u64,
    /// Time of the last row or tick; the run's next times are later.
    pub last_time: Micros,
    /// State of the flow after the last tick. Absent: history since the last snapshot is replayed.
    pub snapshot: Option<Vec<u8>>,
    /// Children that the ticks started; made in this commit, after the rows.
    pub children: Vec<StartRun>,
    /// Waits that the ticks opened, in the order of the requests. Those that were open before stay open. When a child named by a
    /// subworkflow wait has already ended, the writer resolves the wait in this commit.
    pub opened: Vec<OpenWait>,
    /// Effects whose outcome the flow no longer wants: their waits are closed. A child that was waited for goes on.
    pub abandoned: Vec<u64>,
    /// All external effects that are in flight after this commit: started and not finished. As long as there are any, the driver keeps the
    /// run.
    pub calls: Vec<OpenCall>,
    /// Events that the ticks emitted. For each the writer appends a `started` and a `completed` row made from its step, wakes the listeners
    /// (their `resume` rows), and puts the outcome into the emitter's inbox.
    pub emits: Vec<EmitEvent>,
    pub to: Position,
}

/// Where a run stands after a commit.
#[derive(Debug, Clone)]
pub enum Position {
    /// Its driver goes on: it ticks the flow, or external effects are in flight.
    Running {
        node: String,
    },
    /// Nothing is to be done until one of its open waits is resolved; it has no owner. The first open wait is shown to clients. A run that has
    /// outcomes to be told stays running, and wants a driver.
    Waiting {
        node: String,
    },
    Completed {
        node: String,
        output: Json,
    },
    Failed {
        node: String,
        error: String,
    },
}

/// A wait of a run, as stored.
#[derive(Debug, Clone)]
pub struct OpenWait {
    /// The flow's effect id, to which the answer is given.
    pub effect_id: u64,
    pub wait: WaitState,
    /// Due time of a timed wait.
    pub until: Option<Micros>,
}

/// An external effect between its `started` row and its result row.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct OpenCall {
    pub effect_id: u64,
    pub step_id: String,
    pub node: String,
    pub kind: String,
    pub payload: Json,
    pub result_key: Option<String>,
    pub started_at: String,
    pub attempt: u32,
    pub idempotency_key: String,
}

/// A flow's `emit_event`.
#[derive(Debug, Clone)]
pub struct EmitEvent {
    pub effect_id: u64,
    /// How many of the commit's rows come before its own.
    pub after_rows: usize,
    /// The `started` row; the `completed` row has the same step_id, effect and key.
    pub step: StepRecord,
    pub name: String,
    pub scope: EventScope,
    /// `session_id`, `workflow_id`, `run_id` or `global`, by scope.
    pub scope_id: String,
    pub event_id: Option<String>,
    pub payload: Json,
    /// `{"run_id", "workflow_id", "node_id"}`.
    pub emitter: Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventScope {
    Session,
    Workflow,
    Run,
    Global,
}

/// What an accepted commit made of the run.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// The run's own rows after the commit.
    pub own_seq: LedgerSeq,
    pub last_time: Micros,
    /// The keys of `children`, in order.
    pub children: Vec<RunRef>,
    /// What is in the run's inbox and was not consumed, in order: outcomes of the events that it emitted, and what came in meanwhile.
    pub inbox: Vec<Delivery>,
}

/// A command of a client. Its id makes it happen once.
#[derive(Debug, Clone)]
pub struct Command {
    pub tenant: TenantId,
    /// Blank: a fresh one is given.
    pub command_id: String,
    pub run_id: RunId,
    pub kind: CommandKind,
    /// JSON object.
    pub payload: Json,
    pub ts: Option<String>,
    pub client_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    Pause,
    Resume,
    Cancel,
    EmitEvent,
    UpdateSchedule,
    CompactMemory,
}

impl CommandKind {
    pub const ALL: [Self; 6] = [
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::EmitEvent,
        Self::UpdateSchedule,
        Self::CompactMemory,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::EmitEvent => "emit_event",
            Self::UpdateSchedule => "update_schedule",
            Self::CompactMemory => "compact_memory",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    pub accepted: bool,
    pub duplicate: bool,
    pub seq: u64,
}

/// A run as stored: what summaries, lists and drivers need, but not its state.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub at: RunRef,
    pub run_id: RunId,
    pub workflow_id: String,
    pub component: Digest,
    pub entry: String,
    pub status: RunStatus,
    pub current_node: Option<String>,
    pub waiting: Option<WaitState>,
    /// JSON text of the output of a completed run.
    pub output: Option<Json>,
    pub error: Option<String>,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub actor_id: Option<String>,
    pub session_id: Option<String>,
    pub parent_run_id: Option<RunId>,
    pub paused: Pause,
    /// The host's variables as they are now.
    pub host_vars: Json,
    /// How they have changed since the start; None for most runs.
    pub host_patch: Option<Box<HostPatch>>,
    pub epoch: u64,
    /// Sequence number of the last row of the ledger.
    pub last_seq: LedgerSeq,
    /// Rows of the ledger without those that say why a command came to nothing: what drivers count. Such a row may be written while
    /// a driver is at work, and does not disturb it.
    pub own_seq: LedgerSeq,
    pub last_time: Micros,
    pub metrics: Metrics,
    /// The first row of the ledger that has not expired; above `last_seq` when all have.
    pub horizon: LedgerSeq,
}

/// Counts over the completed rows of a run's ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The rows themselves.
    pub steps: u64,
    pub llm_calls: u64,
    /// Tools that were called; one row may call several.
    pub tool_calls: u64,
    /// As the models' answers say.
    pub tokens_in: u64,
    pub tokens_out: u64,
    /// All of them, which may be more than in and out.
    pub tokens: u64,
}

/// The change of a run's host variables since its start.
#[derive(Debug, Clone)]
pub struct HostPatch {
    /// The host's variables that the run was started with.
    pub started: Json,
    /// A JSON merge patch (RFC 7396) that makes of them what they are now.
    pub patch: Json,
}

/// What a run is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub workflow_id: String,
    pub component: Digest,
}

/// How another component comes to the state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The run had not begun.
    Start,
    /// It took over the snapshot.
    Snapshot,
    /// It asked for the same when the run's history was repeated with it.
    Replay,
}

impl Way {
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Start => "start",
            Way::Snapshot => "snapshot",
            Way::Replay => "replay",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Start, Self::Snapshot, Self::Replay]
            .into_iter()
            .find(|way| way.as_str() == text)
    }
}

/// A run is to go on with another component, from where it stands.
#[derive(Debug, Clone)]
pub struct MoveRun {
    pub run: RunRef,
    /// Where the run stood when the move was tried: its epoch, its own rows and its history. If it has moved on, nothing is done.
    pub epoch: u64,
    pub own_seq: LedgerSeq,
    pub history_pos: u64,
    pub to: Pin,
    pub way: Way,
    /// The state as the new component writes it; None: it goes on from history alone.
    pub snapshot: Option<Vec<u8>>,
}

/// A run that was moved.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The row that tells of it.
    pub seq: LedgerSeq,
    /// The last commit in history before it.
    pub pos: u64,
    pub from: Pin,
    pub to: Pin,
    pub way: Way,
    pub at: Micros,
}

/// A workflow that belongs to no bundle: the host has made its document.
#[derive(Debug, Clone)]
pub struct DynamicWorkflow {
    pub tenant: TenantId,
    /// `scheduled:<uuid4>`.
    pub workflow_id: String,
    /// The VisualFlow document.
    pub document: Json,
    /// Compiled from the document; the journal has it.
    pub component: Digest,
    /// The entry node within the component.
    pub entry: String,
}

/// Flows of a bundle that are not to be started any more.
#[derive(Debug, Clone)]
pub struct DeprecationRow {
    pub bundle_id: String,
    /// None: all that have no row of their own.
    pub flow_id: Option<String>,
    pub reason: Option<String>,
    pub at: Micros,
}

/// The pause flag of a run; the times survive a resume.
#[derive(Debug, Clone, Default)]
pub struct Pause {
    pub paused: bool,
    pub reason: Option<String>,
    pub paused_at: Option<Micros>,
    pub resumed_at: Option<Micros>,
}

/// Everything a driver needs to go on with a run.
#[derive(Debug, Clone)]
pub struct LiveRun {
    pub row: RunRow,
    pub input: Json,
    /// The newest snapshot, if any.
    pub snapshot: Option<Vec<u8>>,
    /// History after that snapshot, in order: one JSON text a tick.
    pub ticks: Vec<String>,
    /// Outcomes not yet consumed, in order.
    pub inbox: Vec<Delivery>,
    /// `inbox_consumed` as last committed.
    pub inbox_consumed: u64,
    /// External effects that were in flight at the last commit.
    pub calls: Vec<OpenCall>,
    /// Effect ids of the open waits.
    pub waits: Vec<u64>,
    /// The workflow that the run was started with, if it has moved to another version: what its ticks were told unless they say otherwise.
    pub moved_from: Option<String>,
}

/// An outcome waiting to be told to a flow.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub effect_id: u64,
    pub outcome: Outcome,
}

/// As in the flow world: `completed(json)`, `elapsed` or `failed(text)`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed(Json),
    Elapsed,
    Failed(String),
}

#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub status: Option<RunStatus>,
    pub workflow_id: Option<String>,
    pub session_id: Option<String>,
    pub root_only: bool,
    /// Hide workflows whose id starts with `__`.
    pub hide_internal: bool,
    /// Hide tests of drafts.
    pub hide_drafts: bool,
    pub limit: u32,
}

/// Rows of a ledger page: each is the JSON text of a StepRecord as it was committed.
#[derive(Debug, Clone)]
pub struct LedgerPage {
    /// None, when the page would begin with a row that has expired.
    pub rows: Vec<std::sync::Arc<str>>,
    /// Cursor after the last of `rows`, else the cursor asked for; before the horizon, if that has expired.
    pub next_after: LedgerSeq,
    /// The first row that is still there; those before it have expired.
    pub horizon: LedgerSeq,
}

impl LedgerPage {
    /// Whether a page after `after` would begin with a row that has expired.
    pub fn has_expired(&self, after: LedgerSeq) -> bool {
        after.saturating_add(1) < self.horizon
    }
}

/// A bundle that is installed, without its file.
#[derive(Debug, Clone)]
pub struct InstalledBundle {
    pub bundle_id: String,
    pub bundle_version: String,
    /// SHA-256 of the `.flow` file, which is a [`blob`](super::Handle::blob).
    pub digest: Digest,
}

/// What a bundle came to when it was compiled.
#[derive(Debug)]
pub struct Compiled {
    /// Of the bundle's file, or of all members of its directory.
    pub bundle: Digest,
    /// Which host compiled it: text that only another one of the same build looks for.
    pub build: String,
    /// JSON of the registry's.
    pub outcome: String,
}

/// A bundle to be installed.
#[derive(Debug, Clone)]
pub struct BundleRow {
    pub tenant: TenantId,
    pub bundle_id: String,
    pub bundle_version: String,
    /// SHA-256 of the `.flow` file.
    pub digest: Digest,
    /// The file itself.
    pub bytes: std::sync::Arc<[u8]>,
    pub installed_at: Micros,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another owner, a pause or a cancel came first: load the run again.
    #[error("the run has moved on without this driver")]
    Stale,
    #[error("run '{0}' does not exist")]
    UnknownRun(String),
    #[error("run '{0}' exists already")]
    DuplicateRun(String),
    #[error("bundle already installed: {0}")]
    DuplicateBundle(String),
    #[error("the database was written by a newer version of Flowgate (schema {found}, this host knows {known})")]
    Newer { found: i64, known: i64 },
    /// Rows that were asked for have expired.
    #[error("ledger rows before {horizon} have expired")]
    Expired { horizon: LedgerSeq },
    #[error("the journal is closed")]
    Closed,
    /// The commit failed, so nothing of it has happened. Worth another try when the disk is well again.
    #[error("it could not be stored: {0}")]
    NotStored(String),
    /// Another process has become the runner of this database: this one must not move a run any more.
    #[error("another process drives the runs of this database now")]
    Deposed,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The bytes of an artifact could not be written or read.
    #[error("files of artifacts: {0}")]
    Blobs(#[from] std::io::Error),
    #[error("{0}")]
    Corrupt(String),
}

impl Error {
    /// Whether what was asked is in order, and only the disk does not take it at the moment.
    pub fn is_of_the_disk(&self) -> bool {
        match self {
            Error::NotStored(_) => true,
            Error::Blobs(error) => {
                use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
                let kinds = [QuotaExceeded, ReadOnlyFilesystem, StorageFull];
                kinds.contains(&error.kind()) || error.raw_os_error() == Some(EIO)
            }
            _ => false,
        }
    }
}

/// The system's number for an input or output error, which has no kind of its own.
const EIO: i32 = 5;
