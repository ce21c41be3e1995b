//! What the rest of the host holds: the requests to the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::fresh::Fresh;
use super::options::{Options, Role};
use super::quota::Stored;
use super::retention::{Chore, Done};
use super::scope::Reads;
use super::subscribe::{Subscription, Topics};
use super::types::{
    Advance, Advanced, BundleRow, Command, Compiled, DeprecationRow, DynamicWorkflow, Error, Metrics, MoveRun, Moved, Receipt,
    StartRun,
};
use super::vital::Vital;
use super::wakes::{WakeQueue, Wakes};
use super::writer::{NoteAccess, Prepared, Queued, Reply, Request, shrink_rows};
use crate::blobs::Blobs;
use crate::clock::{Clock, Micros};
use crate::ids::{Digest, RunRef, TenantId};
use crate::record::artifact::{Action, Artifact, LastAccess, NewArtifact};

pub use super::writer::{Component, FinishedCall, ImportedRun, PutArtifact, Started};

/// The way to the journal; clone it freely. The service ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Requests to the writer. Bounded: a caller waits when the writer is that far behind.
    requests: mpsc::Sender<Queued>,
    shared: Arc<Shared>,
}

/// What handles and the service have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) reads: Reads,
    /// The bytes of artifacts.
    pub(crate) blobs: Blobs,
    /// Bytes of a value in a ledger row; 0 is no limit.
    pub(crate) max_inline_bytes: usize,
    pub(crate) topics: Arc<Topics>,
    pub(crate) fresh: Fresh,
    pub(crate) stored: Stored,
    pub(crate) wakes: Arc<WakeQueue>,
    pub(crate) clock: Clock,
    /// Due time of the earliest armed timer after the last commit, `i64::MAX` for none: kept here so that asking is free.
    pub(crate) next_due: AtomicI64,
    /// Commits so far, for metrics.
    pub(crate) commits: AtomicU64,
    /// How the writer is.
    pub(crate) vital: Vital,
    pub(crate) role: Role,
    /// The database file; none in memory.
    pub(crate) path: Option<PathBuf>,
}

impl Shared {
    /// Of a journal in which nothing has happened yet.
    pub(crate) fn new(options: &Options, reads: Reads) -> Self {
        Shared {
            reads,
            blobs: match (&options.blobs, &options.path) {
                (Some(dir), _) => Blobs::at(dir),
                (None, Some(database)) => Blobs::at(database.with_file_name("artifacts")),
                (None, None) => Blobs::temporary(),
            },
            max_inline_bytes: options.max_inline_bytes,
            topics: Arc::new(Topics::default()),
            fresh: Fresh::default(),
            stored: options.stored.clone(),
            wakes: Arc::new(WakeQueue::default()),
            clock: options.clock.clone(),
            next_due: AtomicI64::new(i64::MAX),
            commits: AtomicU64::new(0),
            vital: Vital::default(),
            role: options.role,
            path: options.path.clone(),
        }
    }
}

impl Handle {
    pub(crate) fn new(requests: mpsc::Sender<Queued>, shared: Arc<Shared>) -> Self {
        Handle { requests, shared }
    }

    pub(crate) fn reads(&self) -> &Reads {
        &self.shared.reads
    }

    pub(crate) fn fresh(&self) -> &Fresh {
        &self.shared.fresh
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.shared.stored
    }

    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let queued = Queued {
            at: Instant::now(),
            request: make(reply),
        };
        self.requests.send(queued).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Makes a run and its listeners, in one commit, and wakes them. A run with listeners is woken when the last of them has come to its
    /// first wait, so that nothing it emits is lost.
    pub async fn start(&self, run: StartRun) -> Result<Started, Error> {
        self.start_with(run, Vec::new()).await
    }

    /// Makes a workflow of the host's and the run that it is for, in one commit. The journal has the component already.
    pub async fn start_dynamic(&self, workflow: DynamicWorkflow, run: StartRun) -> Result<Started, Error> {
        self.ask(|reply| Request::StartDynamic(Box::new((workflow, run)), reply))
            .await
    }

    /// As [`start`](Self::start), with artifacts of the run in the same commit. Their bytes are blobs already.
    pub async fn start_with(&self, run: StartRun, artifacts: Vec<NewArtifact>) -> Result<Started, Error> {
        self.ask(|reply| Request::Start(Box::new(run), artifacts, reply)).await
    }

    /// Commits what a driver has computed. [`Error::Stale`]: nothing was written; drop the instance and load the run again. Large values
    /// of its rows are kept as artifacts first.
    pub async fn advance(&self, mut advance: Advance) -> Result<Advanced, Error> {
        let metrics = advance.rows.iter().map(Metrics::of).sum();
        let (rows, large) = shrink_rows(advance.rows, self.shared.max_inline_bytes).await?;
        advance.rows = rows;
        let mut artifacts = Vec::new();
        for large in large {
            self.blobs().put(advance.run.tenant, large.bytes).await?;
            artifacts.push(large.artifact);
        }
        let prepared = Prepared::from(advance, metrics, artifacts)?;
        self.ask(|reply| Request::Advance(Box::new(prepared), reply)).await
    }

    /// The end of an external effect whose run was taken from its driver by a pause or a cancel: the result row is appended under the
    /// call's `step_id`, and the outcome waits in the inbox for the driver after a resume. False: the call was not open (any more).
    pub async fn finish_call(&self, call: FinishedCall) -> Result<bool, Error> {
        self.ask(|reply| Request::FinishCall(Box::new(call), reply)).await
    }

    /// Takes a command of a client, once for each id. What became of it is in [`command_state`](Self::command_state).
    pub async fn command(&self, command: Command) -> Result<Receipt, Error> {
        self.ask(|reply| Request::Command(Box::new(command), reply)).await
    }

    /// Stores a bundle; `replace` overwrites the same version, else that is [`Error::DuplicateBundle`].
    pub async fn install_bundle(&self, bundle: BundleRow, replace: bool) -> Result<(), Error> {
        self.ask(|reply| Request::InstallBundle(Box::new(bundle), replace, reply))
            .await
    }

    /// Takes a bundle version out of the registry; its file stays as a blob. False: there was none.
    pub async fn remove_bundle(&self, tenant: TenantId, bundle_id: &str, version: &str) -> Result<bool, Error> {
        let (bundle_id, version) = (bundle_id.to_owned(), version.to_owned());
        self.ask(|reply| Request::RemoveBundle(tenant, bundle_id, version, reply))
            .await
    }

    /// Keeps what a bundle came to, so that it is not compiled again. Its components are kept already.
    pub async fn keep_compiled(&self, tenant: TenantId, compiled: Compiled) -> Result<(), Error> {
        self.ask(|reply| Request::KeepCompiled(tenant, Box::new(compiled), reply))
            .await
    }

    /// Tells every process of this journal to read its bundles again.
    pub async fn touch_bundles(&self, tenant: TenantId) -> Result<(), Error> {
        self.ask(|reply| Request::TouchBundles(tenant, reply)).await
    }

    /// Keeps a component and the runtime it is linked with. Runs refer to it by its digest; storing it again changes nothing.
    pub async fn put_component(&self, tenant: TenantId, component: Component) -> Result<(), Error> {
        self.ask(|reply| Request::PutComponent(tenant, Box::new(component), reply))
            .await
    }

    /// Keeps what a component says of itself: JSON text. Other processes look at their bundles again.
    pub async fn describe_component(&self, tenant: TenantId, digest: Digest, description: String) -> Result<(), Error> {
        self.ask(|reply| Request::DescribeComponent(tenant, digest, description, reply))
            .await
    }

    /// Keeps some bytes by their content and returns their digest.
    pub async fn put_blob(&self, tenant: TenantId, bytes: Arc<[u8]>) -> Result<Digest, Error> {
        self.ask(|reply| Request::PutBlob(tenant, bytes, reply)).await
    }

    /// Takes in a run that another system has begun. False: a run of that name is there already.
    pub async fn import_run(&self, run: ImportedRun) -> Result<bool, Error> {
        self.ask(|reply| Request::ImportRun(Box::new(run), reply)).await
    }

    /// Takes in an artifact that another system has made; its bytes are a blob already, its run may come later. False: an artifact of that
    /// run and id is there already.
    pub async fn import_artifact(&self, tenant: TenantId, artifact: Artifact) -> Result<bool, Error> {
        self.ask(|reply| Request::ImportArtifact(tenant, Box::new(artifact), reply))
            .await
    }

    /// Pins a run to another component. The journal has the component already. [`Error::Stale`]: the run has moved on since this was tried.
    pub async fn move_run(&self, run: MoveRun) -> Result<Moved, Error> {
        self.ask(|reply| Request::MoveRun(Box::new(run), reply)).await
    }

    /// Keeps a command that has been applied elsewhere, so that it is not applied again here. False: its id is taken already.
    pub async fn import_command(&self, command: Command) -> Result<bool, Error> {
        self.ask(|reply| Request::ImportCommand(Box::new(command), reply)).await
    }

    /// The bytes of artifacts.
    pub fn blobs(&self) -> &Blobs {
        &self.shared.blobs
    }

    /// Stores an artifact whose bytes are a blob already. The same bytes of the same run are one artifact: what is said of it last, counts.
    /// [`Error::UnknownRun`] for a run that is not there.
    pub async fn put_artifact(&self, tenant: TenantId, put: PutArtifact) -> Result<Artifact, Error> {
        self.ask(|reply| Request::PutArtifact(tenant, Box::new(put), reply)).await
    }

    /// Makes the run that owns the artifacts of a session, if it is not there.
    pub async fn make_session_memory(&self, tenant: TenantId, session_id: &str) -> Result<(), Error> {
        let session_id = session_id.to_owned();
        self.ask(|reply| Request::SessionMemory(tenant, session_id, reply)).await
    }

    /// Counts a look at an artifact, some time. A writer that has more to do than it can is not asked.
    pub fn note_access(&self, tenant: TenantId, artifact: &Artifact, access: LastAccess) {
        let note = NoteAccess {
            tenant,
            run_id: artifact.run_id.clone(),
            artifact_id: artifact.artifact_id.clone(),
            counts: Action::ALL.map(|action| u64::from(action == access.action)),
            last: access,
        };
        let queued = Queued {
            at: Instant::now(),
            request: Request::NoteAccess(Box::new(note)),
        };
        let _busy = self.requests.try_send(queued);
    }

    /// Says that flows of a bundle are not to be started any more; what was said of the same flows before is replaced.
    pub async fn deprecate(&self, tenant: TenantId, row: DeprecationRow) -> Result<(), Error> {
        self.ask(|reply| Request::Deprecate(tenant, Box::new(row), reply)).await
    }

    /// Takes a deprecation back; `flow_id` as it was given. False: there was none.
    pub async fn undeprecate(&self, tenant: TenantId, bundle_id: &str, flow_id: Option<&str>) -> Result<bool, Error> {
        let (bundle_id, flow_id) = (bundle_id.to_owned(), flow_id.map(str::to_owned));
        self.ask(|reply| Request::Undeprecate(tenant, bundle_id, flow_id, reply))
            .await
    }

    /// When the next timer of a run that is not paused is due.
    pub fn next_due(&self) -> Option<Micros> {
        match self.shared.next_due.load(Ordering::Acquire) {
            i64::MAX => None,
            at => Some(Micros(at)),
        }
    }

    /// Commits of this process since it began.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn role(&self) -> Role {
        self.shared.role
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    pub(crate) fn vital(&self) -> &Vital {
        &self.shared.vital
    }

    /// Requests that wait for the writer.
    pub fn queue_depth(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Has the writer do a chore when everybody else has been answered.
    pub(crate) async fn chore(&self, chore: Chore) -> Result<Done, Error> {
        self.ask(|reply| Request::Chore(chore, reply)).await
    }

    /// Waits until the journal has ended, by itself or closed by somebody.
    pub async fn closed(&self) {
        self.requests.closed().await;
    }

    /// Makes a commit of something that means nothing.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.ask(Request::Probe).await
    }

    /// Moves a virtual clock to `now` and fires every timer due by then; returns how many. With the machine's clock the writer does this by
    /// itself.
    pub async fn fire_due(&self, now: Micros) -> Result<u64, Error> {
        self.shared.clock.advance_to(now);
        self.ask(|reply| Request::FireDue(now, reply)).await
    }

    /// The runs that want a driver. The first caller gets it; there is one runner.
    pub fn wakes(&self) -> Option<Wakes> {
        self.shared.wakes.take()
    }

    /// Hear of a run's commits.
    pub fn subscribe(&self, run: RunRef) -> Subscription {
        self.shared.topics.subscribe(run)
    }

    /// As if another process had committed something for a run.
    #[cfg(test)]
    pub(crate) fn forget_tails(&self, run: RunRef) {
        self.shared.topics.touch(Some(&[run]));
    }

    /// Finishes what is queued, checkpoints and ends the service, whatever other handles there are.
    pub async fn close(&self) -> Result<(), Error> {
        match self.ask(Request::Close).await {
            Err(Error::Closed) => Ok(()),
            other => other,
        }
    }
}
