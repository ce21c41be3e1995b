//! What the writer needs of a database: typed row operations, no rules.
//!
//! The rules of the journal are in [`writer`](super::writer), above this trait; a second database is a second implementation.
//! A commit is `begin`, any number of queries and `apply`s, then `commit` or `rollback`. Queries see what was applied before them
//! in the same commit.

pub(crate) mod connect;
pub(crate) mod insert;
pub(crate) mod moves;
pub(crate) mod query;
pub(crate) mod retention;
pub(crate) mod schedules;
pub(crate) mod sqlite;

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use serde_json::value::RawValue;

use self::query::StoredHead;
use super::types::{CommandKind, Compiled, Delivery, DeprecationRow, DynamicWorkflow, Error, Metrics, Moved, Pause, Pin};
use super::writer::NoteAccess;
use crate::clock::Micros;
use crate::ids::{Digest, LedgerSeq, RunKey, RunRef, TenantId};
use crate::record::artifact::Artifact;
use crate::record::{Json, RunStatus, WaitState};

/// What a run is and stays.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub run_id: Arc<str>,
    /// Resolved: its own run_id if none was given.
    pub session_id: Arc<str>,
    pub actor_id: Option<Arc<str>>,
    pub parent: Option<RunKey>,
}

/// Where a run stands: the row of `run_state`, less what follows from the waits.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub status: RunStatus,
    pub node: Option<Arc<str>>,
    pub output: Option<Arc<str>>,
    pub error: Option<Arc<str>>,
    pub updated: Micros,
    pub epoch: u64,
    pub last_seq: LedgerSeq,
    /// Rows of the ledger that are not the run's own.
    pub notes: u64,
    pub metrics: Metrics,
    pub last_time: Micros,
    pub history_pos: u64,
    pub inbox_end: u64,
    pub inbox_consumed: u64,
    pub calls: Option<Arc<str>>,
    pub pause: Pause,
    pub pausing: bool,
    pub unarmed: u32,
    pub arming: bool,
    pub watched: Watched,
    /// `record_hash` of the newest row, where rows are chained.
    pub chain: Option<Digest>,
}

impl State {
    /// Rows of the ledger that are the run's own.
    pub(crate) fn own_seq(&self) -> LedgerSeq {
        self.last_seq.saturating_sub(self.notes)
    }
}

/// Who may wait for a run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    Nobody,
    /// Its parent and nobody else: one look into the parent's waits.
    Parent,
    /// Others too: the waits have to be searched.
    Others,
}

/// A row of `run_state` to write.
#[derive(Debug)]
pub(crate) struct StateRow {
    pub at: RunRef,
    pub state: State,
    /// The wait that clients are shown, where it is another than the only open one.
    pub waiting: Option<Arc<str>>,
    /// What the row before had; None: there was no row.
    pub before: Option<Counted>,
}

/// What is counted of a state's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub status: RunStatus,
    /// Bytes of the output.
    pub output: usize,
}

impl Counted {
    pub(crate) fn of(state: &State) -> Self {
        Counted {
            status: state.status,
            output: state.output.as_ref().map_or(0, |output| output.len()),
        }
    }
}

/// An open wait.
#[derive(Debug, Clone)]
pub(crate) struct WaitRow {
    pub effect_id: u64,
    pub ord: i64,
    pub claimed: Option<i64>,
    pub until: Option<Micros>,
    pub wait: WaitState,
}

/// A run to insert.
#[derive(Debug)]
pub(crate) struct NewRun {
    pub at: RunRef,
    pub run_id: Arc<str>,
    pub workflow_id: String,
    pub component: Digest,
    pub entry: String,
    pub input: Arc<str>,
    pub host_vars: Arc<str>,
    pub session_id: Option<Arc<str>>,
    pub actor_id: Option<Arc<str>>,
    pub parent: Option<RunKey>,
    pub listener: bool,
    pub created: Micros,
}

/// A command as stored.
#[derive(Debug, Clone)]
pub(crate) struct CommandRow {
    pub tenant: TenantId,
    pub command_id: String,
    pub seq: u64,
    pub run_id: String,
    pub kind: CommandKind,
    pub payload: Arc<str>,
    pub ts: String,
    pub client_id: Option<String>,
    pub horizon: RunKey,
    /// None: not applied yet.
    pub end: Option<CommandEnd>,
}

/// What a command came to.
#[derive(Debug, Clone)]
pub(crate) struct CommandEnd {
    /// None: applied. Some: refused, and why.
    pub failure: Option<String>,
    pub at: Micros,
}

/// Rows that a commit is to write, gathered over its requests. `apply` empties it.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub runs: Vec<NewRun>,
    pub states: Vec<StateRow>,
    pub ledger: Vec<(RunRef, LedgerSeq, Arc<str>)>,
    pub history: Vec<(RunRef, u64, String)>,
    pub snapshots: Vec<(RunRef, u64, Vec<u8>)>,
    pub inbox: Vec<(RunRef, u64, u64, String)>,
    /// Outcomes of a run up to this position have been consumed.
    pub consumed: Vec<(RunRef, u64)>,
    pub waits_gone: Vec<(RunRef, u64)>,
    /// The flag: armed.
    pub waits: Vec<(RunRef, WaitRow, bool)>,
    pub commands: Vec<CommandRow>,
    /// By command id.
    pub command_ends: Vec<(TenantId, String, CommandEnd)>,
    pub deliveries: Vec<(TenantId, i64, Arc<str>)>,
    pub artifacts: Vec<(TenantId, Artifact)>,
    pub accesses: Vec<NoteAccess>,
}

impl Writes {
    /// Whether they are of one run at most, and few. There are few texts of such statements, so they stay in the cache.
    pub(crate) fn is_of_one(&self) -> bool {
        const ROWS: usize = 16;
        let others = [
            self.ledger.len(),
            self.history.len(),
            self.inbox.len(),
            self.waits.len(),
            self.waits_gone.len(),
            self.artifacts.len(),
            self.accesses.len(),
            self.deliveries.len(),
            self.command_ends.len(),
        ];
        self.runs.len() <= 1 && self.states.len() <= 1 && self.commands.len() <= 1 && others.iter().sum::<usize>() <= ROWS
    }
}

/// The last of each number that any process's writer gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub run: i64,
    pub command: i64,
    pub delivery: i64,
}

/// A wait found by a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub at: RunRef,
    pub effect_id: u64,
    pub ord: i64,
    pub claimed: Option<i64>,
}

pub(crate) type Answer<T> = Result<T, Error>;

pub(crate) trait Store: Send + 'static {
    /// Begins a commit. True: another process has committed since the last one of ours, so nothing cached holds.
    fn begin(&mut self) -> impl Future<Output = Answer<bool>> + Send;
    /// Writes what was gathered and commits, as one text of statements: for what [is of one run](Writes::is_of_one), or nothing.
    fn commit(&mut self, writes: &mut Writes) -> impl Future<Output = Answer<()>> + Send;
    /// Takes everything of this commit back. Never fails: a connection that cannot is replaced by the next `begin`.
    fn rollback(&mut self) -> impl Future<Output = ()> + Send;
    /// Writes what was gathered.
    fn apply(&mut self, writes: &mut Writes) -> impl Future<Output = Answer<()>> + Send;
    fn counters(&mut self) -> impl Future<Output = Answer<Counters>> + Send;
    /// The greatest `ord` of an open wait. Reads all waits: asked once, when the journal is opened.
    fn last_ord(&mut self) -> impl Future<Output = Answer<i64>> + Send;

    /// Those of the run ids that exist.
    fn existing(&mut self, tenant: TenantId, ids: Vec<Arc<str>>) -> impl Future<Output = Answer<HashSet<Arc<str>>>> + Send;
    /// Those of the names that are of runs, with their keys.
    fn keys_of(&mut self, tenant: TenantId, ids: &[&str]) -> impl Future<Output = Answer<Vec<(Arc<str>, RunKey)>>> + Send;
    fn key_of(&mut self, tenant: TenantId, run_id: &str) -> impl Future<Output = Answer<Option<RunKey>>> + Send;
    fn head(&mut self, at: RunRef) -> impl Future<Output = Answer<Option<StoredHead>>> + Send;
    /// Those of the runs that are there and whose rows are not damaged.
    fn heads(&mut self, tenant: TenantId, runs: &[RunKey]) -> impl Future<Output = Answer<Vec<StoredHead>>> + Send;
    /// The run and its descendants, breadth first.
    fn family(&mut self, root: RunRef) -> impl Future<Output = Answer<Vec<RunRef>>> + Send;
    /// The topmost ancestor of a run (itself if it has no parent) with its host variables as they are now.
    fn root_of(&mut self, at: RunRef) -> impl Future<Output = Answer<Option<(RunRef, Json)>>> + Send;
    /// Running runs with a key above `after`: what another process has started since.
    fn started_after(&mut self, after: i64) -> impl Future<Output = Answer<Vec<RunRef>>> + Send;
    /// Whether a run started up to `horizon` (of this session, if one is given) has listeners that are not armed.
    fn unarmed(&mut self, tenant: TenantId, session: Option<&str>, horizon: RunKey) -> impl Future<Output = Answer<bool>> + Send;
    /// The outcomes of a run after `consumed`, in order.
    fn inbox_after(&mut self, at: RunRef, consumed: u64) -> impl Future<Output = Answer<Vec<Delivery>>> + Send;

    /// Armed, unclaimed event waits with one of the keys, in the order they began, less those of one run; with the runs' ids.
    fn listeners(
        &mut self,
        tenant: TenantId,
        keys: &[String],
        without: Option<RunRef>,
        limit: u32,
    ) -> impl Future<Output = Answer<Vec<(Found, Arc<str>)>>> + Send;
    /// What follows `prefix` in the keys of armed event waits, newest wait first.
    fn event_names(&mut self, tenant: TenantId, prefix: &str, limit: u32) -> impl Future<Output = Answer<Vec<String>>> + Send;
    /// Marks waits as claimed by a delivery.
    fn claim(&mut self, tenant: TenantId, waits: &[(RunRef, u64)], delivery: i64) -> impl Future<Output = Answer<()>> + Send;
    /// Armed claimed waits, oldest delivery first.
    fn claimed(&mut self, limit: u32) -> impl Future<Output = Answer<Vec<Found>>> + Send;
    fn envelope(&mut self, tenant: TenantId, delivery: i64) -> impl Future<Output = Answer<Option<Arc<str>>>> + Send;
    /// Forgets deliveries that no wait is claimed by.
    fn drop_deliveries(&mut self) -> impl Future<Output = Answer<()>> + Send;
    /// Armed subworkflow waits with this key.
    fn watchers(&mut self, tenant: TenantId, key: &str) -> impl Future<Output = Answer<Vec<Found>>> + Send;
    /// Armed waits due by `now`, earliest first.
    fn due(&mut self, now: Micros, limit: u32) -> impl Future<Output = Answer<Vec<Found>>> + Send;
    fn next_due(&mut self) -> impl Future<Output = Answer<Option<Micros>>> + Send;

    /// Those of the ids that are of commands, with their sequence numbers.
    fn command_seqs(&mut self, tenant: TenantId, ids: &[&str]) -> impl Future<Output = Answer<Vec<(Arc<str>, u64)>>> + Send;
    /// The sequence number of a command.
    fn command_seq(&mut self, tenant: TenantId, command_id: &str) -> impl Future<Output = Answer<Option<u64>>> + Send;
    fn pending_commands(&mut self, after: u64, limit: u32) -> impl Future<Output = Answer<Vec<CommandRow>>> + Send;

    /// When the first run of a session was made.
    fn session_began(&mut self, tenant: TenantId, session: &str) -> impl Future<Output = Answer<Option<Micros>>> + Send;

    fn put_blob(&mut self, tenant: TenantId, digest: Digest, bytes: Arc<[u8]>) -> impl Future<Output = Answer<()>> + Send;
    fn put_compiled(&mut self, tenant: TenantId, compiled: &Compiled) -> impl Future<Output = Answer<()>> + Send;
    fn put_description(
        &mut self,
        tenant: TenantId,
        digest: Digest,
        description: String,
    ) -> impl Future<Output = Answer<()>> + Send;
    fn put_component(
        &mut self,
        tenant: TenantId,
        digest: Digest,
        runtime: Option<Digest>,
    ) -> impl Future<Output = Answer<()>> + Send;
    /// False: that version exists and is not to be replaced.
    fn put_bundle(
        &mut self,
        tenant: TenantId,
        id_version: (&str, &str),
        digest: Digest,
        at: Micros,
        replace: bool,
    ) -> impl Future<Output = Answer<bool>> + Send;
    fn remove_bundle(&mut self, tenant: TenantId, id_version: (&str, &str)) -> impl Future<Output = Answer<bool>> + Send;

    /// Counts a change of what is installed that is not a change of rows.
    fn touch_bundles(&mut self, tenant: TenantId) -> impl Future<Output = Answer<()>> + Send;

    /// Begins the term of another runner and gives its number.
    fn take_over(&mut self) -> impl Future<Output = Answer<i64>> + Send;
    /// The term of the newest runner.
    fn term(&mut self) -> impl Future<Output = Answer<i64>> + Send;

    /// Writes something, to see whether it can be written.
    fn probe(&mut self, now: Micros) -> impl Future<Output = Answer<()>> + Send;

    /// The workflow and the component that a run is pinned to.
    fn pin_of(&mut self, at: RunRef) -> impl Future<Output = Answer<Pin>> + Send;
    /// Pins a run to another component. `keeps_state`: its snapshot stays, or is replaced by this commit.
    fn move_run(&mut self, at: RunRef, moved: &Moved, keeps_state: bool) -> impl Future<Output = Answer<()>> + Send;
    /// Sets what has changed of a run's host variables since its start.
    fn put_host_patch(&mut self, at: RunRef, patch: &RawValue) -> impl Future<Output = Answer<()>> + Send;
    fn has_component(&mut self, tenant: TenantId, digest: Digest) -> impl Future<Output = Answer<bool>> + Send;
    /// A workflow of that id that is there stays as it is.
    fn put_dynamic_workflow(&mut self, workflow: &DynamicWorkflow, at: Micros) -> impl Future<Output = Answer<()>> + Send;
    fn put_deprecation(&mut self, tenant: TenantId, row: &DeprecationRow) -> impl Future<Output = Answer<()>> + Send;
    /// False: there was none.
    fn remove_deprecation(
        &mut self,
        tenant: TenantId,
        bundle_id: &str,
        flow_id: Option<&str>,
    ) -> impl Future<Output = Answer<bool>> + Send;

    fn has_artifact(&mut self, tenant: TenantId, run_id: &str, artifact_id: &str) -> impl Future<Output = Answer<bool>> + Send;

    /// Removes runs that have ended; see [`retention::remove_runs`].
    fn remove_runs(
        &mut self,
        tenant: TenantId,
        runs: &[RunKey],
        bounds: (Micros, RunKey),
    ) -> impl Future<Output = Answer<(Vec<RunKey>, u64)>> + Send;
    /// Removes the oldest rows of a run; see [`retention::trim`].
    fn trim(&mut self, at: RunRef, how: (LedgerSeq, bool), limit: u64) -> impl Future<Output = Answer<(u64, bool)>> + Send;
    /// Forgets commands; see [`retention::forget_commands`].
    fn forget_commands(
        &mut self,
        tenant: TenantId,
        bounds: (Micros, i64),
        limit: u64,
    ) -> impl Future<Output = Answer<u64>> + Send;
    /// Gives free pages back, `pages` at most. Returns how many.
    fn vacuum(&mut self, pages: u64) -> impl Future<Output = Answer<u64>> + Send;
    /// Has the write-ahead log begin again at its start, between commits.
    fn restart_log(&mut self) -> impl Future<Output = Answer<()>> + Send;

    /// Moves the write-ahead log into the database, at close.
    fn checkpoint(&mut self) -> impl Future<Output = Answer<()>> + Send;
}
