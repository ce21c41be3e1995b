//! What is asked of the writer, and how it answers.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::super::types::{
    Advance, Advanced, BundleRow, Command, DeprecationRow, DynamicWorkflow, Error, Metrics, Outcome, Receipt, StartRun,
};
use super::import::ImportedRun;
use crate::clock::Micros;
use crate::ids::{Digest, RunRef, TenantId};
use crate::record::StepRecord;

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
    Start(Box<StartRun>, Reply<Started>),
    StartDynamic(Box<(DynamicWorkflow, StartRun)>, Reply<Started>),
    Advance(Box<Prepared>, Reply<Advanced>),
    FinishCall(Box<FinishedCall>, Reply<bool>),
    Command(Box<Command>, Reply<Receipt>),
    InstallBundle(Box<BundleRow>, bool, Reply<()>),
    RemoveBundle(TenantId, String, String, Reply<bool>),
    PutComponent(TenantId, Box<Component>, Reply<()>),
    PutBlob(TenantId, Arc<[u8]>, Reply<Digest>),
    ImportRun(Box<ImportedRun>, Reply<bool>),
    ImportCommand(Box<Command>, Reply<bool>),
    TouchBundles(TenantId, Reply<()>),
    Deprecate(TenantId, Box<DeprecationRow>, Reply<()>),
    Undeprecate(TenantId, String, Option<String>, Reply<bool>),
    FireDue(Micros, Reply<u64>),
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

/// An [`Advance`] whose rows are text already: serialised in the caller's task, once, and not in the writer's.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub advance: Advance,
    pub rows: Vec<Arc<str>>,
    /// What the rows add to the run's.
    pub metrics: Metrics,
}

impl Prepared {
    pub(crate) fn from(mut advance: Advance) -> Result<Self, Error> {
        let rows = std::mem::take(&mut advance.rows);
        let metrics = rows.iter().map(Metrics::of).sum();
        let rows = rows
            .iter()
            .map(|row| serde_json::to_string(row).map(Arc::from))
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Corrupt(format!("a ledger row cannot be written as JSON: {e}")))?;
        Ok(Prepared { advance, rows, metrics })
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

/// sqlx errors cannot be cloned; every caller of a failed commit gets its text.
pub(crate) fn copy(error: &Error) -> Error {
    match error {
        Error::Closed => Error::Closed,
        Error::Database(inner) => Error::Database(sqlx::Error::Protocol(inner.to_string())),
        other => Error::Corrupt(other.to_string()),
    }
}

impl Request {
    /// The run whose driver waits for the answer.
    pub(crate) fn driven(&self) -> Option<RunRef> {
        match self {
            Request::Advance(prepared, _) => Some(prepared.advance.run),
            _ => None,
        }
    }

    /// Answers with a failure that came before the request was looked at.
    pub(crate) fn refuse(self, error: &Error) {
        fn tell<T>(reply: Reply<T>, error: &Error) {
            let _gone = reply.send(Err(copy(error)));
        }
        match self {
            Request::Start(_, reply) | Request::StartDynamic(_, reply) => tell(reply, error),
            Request::Advance(_, reply) => tell(reply, error),
            Request::Command(_, reply) => tell(reply, error),
            Request::FinishCall(_, reply)
            | Request::RemoveBundle(_, _, _, reply)
            | Request::Undeprecate(_, _, _, reply)
            | Request::ImportRun(_, reply)
            | Request::ImportCommand(_, reply) => tell(reply, error),
            Request::InstallBundle(_, _, reply)
            | Request::PutComponent(_, _, reply)
            | Request::Probe(reply)
            | Request::TouchBundles(_, reply)
            | Request::Deprecate(_, _, reply)
            | Request::Close(reply) => tell(reply, error),
            Request::PutBlob(_, _, reply) => tell(reply, error),
            Request::FireDue(_, reply) => tell(reply, error),
        }
    }
}
