//! What is asked of the writer, and how it answers.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::super::offload::{Large, is_large, shrink};
use super::super::retention::{Chore, Done};
use super::super::types::{
    Advance, Advanced, BundleRow, Command, Compiled, DeprecationRow, DynamicWorkflow, Error, Metrics, MoveRun, Moved, Outcome,
    Receipt, StartRun,
};
use super::culprit::is_of_one;
use super::import::ImportedRun;
use crate::clock::Micros;
use crate::ids::{Digest, RunId, RunRef, TenantId};
use crate::record::StepRecord;
use crate::record::artifact::{Artifact, LastAccess, NewArtifact};

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// A request on its way to the writer.
#[derive(Debug)]
pub(crate) struct Queued {
    /// When it was asked, for those who watch the queue.
    pub at: Instant,
    pub request: Request,
}

/// One thing asked of the writer, with where the answer goes.
#[derive(Debug)]
pub(crate) enum Request {
    Start(Box<StartRun>, Vec<NewArtifact>, Reply<Started>),
    StartDynamic(Box<(DynamicWorkflow, StartRun)>, Reply<Started>),
    Advance(Box<Prepared>, Reply<Advanced>),
    FinishCall(Box<FinishedCall>, Reply<bool>),
    Command(Box<Command>, Reply<Receipt>),
    InstallBundle(Box<BundleRow>, bool, Reply<()>),
    RemoveBundle(TenantId, String, String, Reply<bool>),
    PutComponent(TenantId, Box<Component>, Reply<()>),
    KeepCompiled(TenantId, Box<Compiled>, Reply<()>),
    DescribeComponent(TenantId, Digest, String, Reply<()>),
    PutBlob(TenantId, Arc<[u8]>, Reply<Digest>),
    ImportRun(Box<ImportedRun>, Reply<bool>),
    ImportCommand(Box<Command>, Reply<bool>),
    MoveRun(Box<MoveRun>, Reply<Moved>),
    TouchBundles(TenantId, Reply<()>),
    PutArtifact(TenantId, Box<PutArtifact>, Reply<Artifact>),
    ImportArtifact(TenantId, Box<Artifact>, Reply<bool>),
    /// Nobody waits for it: a count that is lost with the host is no harm.
    NoteAccess(Box<NoteAccess>),
    SessionMemory(TenantId, String, Reply<()>),
    Deprecate(TenantId, Box<DeprecationRow>, Reply<()>),
    Undeprecate(TenantId, String, Option<String>, Reply<bool>),
    FireDue(Micros, Reply<u64>),
    /// Done in a commit of its own.
    Chore(Chore, Reply<Done>),
    Probe(Reply<()>),
    Close(Reply<()>),
}

/// The keys of a run that was made.
#[derive(Debug, Clone)]
pub struct Started {
    pub run: RunRef,
    /// In the order of `StartRun::listeners`.
    pub listeners: Vec<RunRef>,
}

/// A component to keep.
#[derive(Debug, Clone)]
pub struct Component {
    /// SHA-256 of `bytes`.
    pub digest: Digest,
    pub bytes: Arc<[u8]>,
    /// The flow-rt core module that it imports, kept beside it; None for a component that stands alone.
    pub runtime: Option<Arc<[u8]>>,
}

/// The result of an external effect.
#[derive(Debug, Clone)]
pub struct FinishedCall {
    pub run: RunRef,
    pub effect_id: u64,
    /// The result row; the writer sets `ended_at`.
    pub row: StepRecord,
    pub outcome: Outcome,
}

/// An artifact to be stored. Its bytes are a blob already.
#[derive(Debug, Clone)]
pub struct PutArtifact {
    pub artifact: NewArtifact,
    /// The session whose memory is its run; that is made with its first artifact. None: the run is there.
    pub session_id: Option<String>,
}

/// Looks at an artifact, to be added to those there were.
#[derive(Debug)]
pub(crate) struct NoteAccess {
    pub tenant: TenantId,
    pub run_id: RunId,
    pub artifact_id: String,
    /// In the order of [`Action::ALL`](crate::record::artifact::Action::ALL).
    pub counts: [u64; 4],
    pub last: LastAccess,
}

impl NoteAccess {
    /// All looks at an artifact so far; None: nobody has looked.
    pub(crate) fn of(tenant: TenantId, artifact: &Artifact) -> Option<Self> {
        artifact.access.last.clone().map(|last| NoteAccess {
            tenant,
            run_id: artifact.run_id.clone(),
            artifact_id: artifact.artifact_id.clone(),
            counts: artifact.access.counts,
            last,
        })
    }
}

/// An [`Advance`] whose rows are text already: serialised in the caller's task, once, and not in the writer's.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub advance: Advance,
    pub rows: Vec<Arc<str>>,
    /// What the rows add to the run's.
    pub metrics: Metrics,
    /// What was taken out of the rows; the bytes are blobs already.
    pub artifacts: Vec<NewArtifact>,
}

/// Takes large values out of rows, and gives them back to be kept before the rows are.
pub(crate) async fn shrink_rows(mut rows: Vec<StepRecord>, limit: usize) -> Result<(Vec<StepRecord>, Vec<Large>), Error> {
    if !rows.iter().any(|row| is_large(row, limit)) {
        return Ok((rows, Vec::new()));
    }
    let work = move || {
        let mut large = Vec::new();
        rows.iter_mut().for_each(|row| shrink(row, limit, &mut large));
        (rows, large)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::Blobs(std::io::Error::other(e)))
}

impl Prepared {
    /// The rows are small already.
    pub(crate) fn from(mut advance: Advance, metrics: Metrics, artifacts: Vec<NewArtifact>) -> Result<Self, Error> {
        let rows = std::mem::take(&mut advance.rows)
            .iter()
            .map(|row| serde_json::to_string(row).map(Arc::from))
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Corrupt(format!("a ledger row cannot be written as JSON: {e}")))?;
        Ok(Prepared {
            advance,
            rows,
            metrics,
            artifacts,
        })
    }
}

/// An answer that waits for its commit. Called with the failure if the commit fails.
pub(crate) type Pending = Box<dyn FnOnce(Option<&Error>) + Send>;

/// Keeps an answer until the commit is durable. A caller that is gone does not matter.
pub(crate) fn pending<T: Send + 'static>(reply: Reply<T>, answer: Result<T, Error>) -> Pending {
    Box::new(move |failure| {
        let answer = match failure {
            None => answer,
            Some(error) => Err(copy(error)),
        };
        let _gone = reply.send(answer);
    })
}

/// What every caller of a failed commit is told. A runner that is deposed ends, and its callers are to ask again elsewhere.
pub(crate) fn copy(error: &Error) -> Error {
    match error {
        Error::Closed | Error::Deposed => Error::Closed,
        Error::NotStored(text) => Error::NotStored(text.clone()),
        // Rows of one run are damaged: the disk takes others all the same.
        Error::Database(_) if is_of_one(error) => Error::Corrupt(error.to_string()),
        Error::Database(_) | Error::Blobs(_) => Error::NotStored(error.to_string()),
        other => Error::Corrupt(other.to_string()),
    }
}

impl Request {
    /// The run whose driver waits for the answer.
    pub(crate) fn driven(&self) -> Option<RunRef> {
        match self {
            Request::Advance(prepared, _) => Some(prepared.advance.run),
            Request::FinishCall(call, _) => Some(call.run),
            _ => None,
        }
    }

    /// Answers with a failure that came before the request was looked at.
    pub(crate) fn refuse(self, error: &Error) {
        fn tell<T>(reply: Reply<T>, error: &Error) {
            let _gone = reply.send(Err(copy(error)));
        }
        match self {
            Request::Start(_, _, reply) | Request::StartDynamic(_, reply) => tell(reply, error),
            Request::Advance(_, reply) => tell(reply, error),
            Request::Command(_, reply) => tell(reply, error),
            Request::FinishCall(_, reply)
            | Request::RemoveBundle(_, _, _, reply)
            | Request::Undeprecate(_, _, _, reply)
            | Request::ImportRun(_, reply)
            | Request::ImportArtifact(_, _, reply)
            | Request::ImportCommand(_, reply) => tell(reply, error),
            Request::InstallBundle(_, _, reply)
            | Request::PutComponent(_, _, reply)
            | Request::KeepCompiled(_, _, reply)
            | Request::DescribeComponent(_, _, _, reply)
            | Request::Probe(reply)
            | Request::TouchBundles(_, reply)
            | Request::SessionMemory(_, _, reply)
            | Request::Deprecate(_, _, reply)
            | Request::Close(reply) => tell(reply, error),
            Request::PutArtifact(_, _, reply) => tell(reply, error),
            Request::MoveRun(_, reply) => tell(reply, error),
            Request::NoteAccess(_) => {}
            Request::PutBlob(_, _, reply) => tell(reply, error),
            Request::FireDue(_, reply) => tell(reply, error),
            Request::Chore(_, reply) => tell(reply, error),
        }
    }
}
