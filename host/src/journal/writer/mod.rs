//! The writer. Skeleton: the shapes of its requests.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::handle::Handle;
use super::options::Options;
use super::types::{Advance, Advanced, BundleRow, Command, Error, Receipt, StartRun};
use crate::clock::Micros;
use crate::ids::{Digest, RunRef, TenantId};
use crate::record::StepRecord;

use super::types::Outcome;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// One thing asked of the writer.
#[derive(Debug)]
pub(crate) enum Request {
    Start(Box<StartRun>, Reply<Started>),
    Advance(Box<Prepared>, Reply<Advanced>),
    FinishCall(Box<FinishedCall>, Reply<bool>),
    Command(Box<Command>, Reply<Receipt>),
    InstallBundle(Box<BundleRow>, bool, Reply<()>),
    RemoveBundle(TenantId, String, String, Reply<bool>),
    PutComponent(TenantId, Box<Component>, Reply<()>),
    PutBlob(TenantId, Arc<[u8]>, Reply<Digest>),
    FireDue(Micros, Reply<u64>),
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
}

impl Prepared {
    pub(crate) fn from(mut advance: Advance) -> Result<Self, Error> {
        let rows = std::mem::take(&mut advance.rows)
            .iter()
            .map(|row| serde_json::to_string(row).map(Arc::from))
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Corrupt(format!("a ledger row cannot be written as JSON: {e}")))?;
        Ok(Prepared { advance, rows })
    }
}

/// The writer task.
#[derive(Debug)]
pub struct Service {
    _requests: mpsc::Receiver<Request>,
}

impl Service {
    /// Runs until the last handle is dropped or one is closed.
    pub async fn run(self) -> Result<(), Error> {
        Ok(())
    }
}

/// Opens the database, bringing its schema up to date.
pub async fn open(_options: Options) -> Result<(Handle, Service), Error> {
    Err(Error::Closed)
}
