//! Reads. Skeleton: every answer is `Closed` for now.

use std::sync::Arc;

use super::handle::Handle;
use super::types::{BundleRow, Error, LedgerPage, LiveRun, RunFilter, RunRow};
use crate::ids::{Digest, LedgerSeq, RunId, RunRef, TenantId};
use crate::record::Json;

/// Where reads go: read-only connections of their own, or the writer's between its commits.
#[derive(Debug)]
pub(crate) struct Reads;

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandState {
    /// Stored, not applied yet.
    Pending,
    Applied,
    /// Refused; the text says why.
    Failed(String),
}

impl Handle {
    /// A run by its name outside.
    pub async fn run(&self, _tenant: TenantId, _run_id: &RunId) -> Result<Option<RunRow>, Error> {
        Err(Error::Closed)
    }
    /// The start input as it was stored: a JSON object.
    pub async fn input(&self, _tenant: TenantId, _run_id: &RunId) -> Result<Option<Json>, Error> {
        Err(Error::Closed)
    }
    /// Everything a driver needs.
    pub async fn load(&self, _run: RunRef) -> Result<Option<LiveRun>, Error> {
        Err(Error::Closed)
    }
    /// Runs, newest `updated_at` first.
    pub async fn runs(&self, _tenant: TenantId, _filter: RunFilter) -> Result<Vec<RunRow>, Error> {
        Err(Error::Closed)
    }
    /// Rows after a cursor. An unknown run has none.
    pub async fn ledger(&self, _tenant: TenantId, _run_id: &RunId, _after: LedgerSeq, _limit: u32) -> Result<LedgerPage, Error> {
        Err(Error::Closed)
    }
    /// Number of rows of a run; None for an unknown run.
    pub async fn ledger_len(&self, _tenant: TenantId, _run_id: &RunId) -> Result<Option<LedgerSeq>, Error> {
        Err(Error::Closed)
    }
    /// Every run that wants a driver: what the runner starts with.
    pub async fn runnable(&self) -> Result<Vec<RunRef>, Error> {
        Err(Error::Closed)
    }
    /// Direct children, oldest first.
    pub async fn children(&self, _tenant: TenantId, _run_id: &RunId) -> Result<Vec<RunRow>, Error> {
        Err(Error::Closed)
    }
    /// All descendants, breadth first, without the run itself.
    pub async fn descendants(&self, _tenant: TenantId, _run_id: &RunId) -> Result<Vec<RunRow>, Error> {
        Err(Error::Closed)
    }
    /// The installed bundles with their files.
    pub async fn bundles(&self, _tenant: TenantId) -> Result<Vec<BundleRow>, Error> {
        Err(Error::Closed)
    }
    /// A component's bytes and the digest of the runtime it is linked with.
    pub async fn component(&self, _tenant: TenantId, _digest: Digest) -> Result<Option<(Arc<[u8]>, Option<Digest>)>, Error> {
        Err(Error::Closed)
    }
    /// Bytes by their content.
    pub async fn blob(&self, _tenant: TenantId, _digest: Digest) -> Result<Option<Arc<[u8]>>, Error> {
        Err(Error::Closed)
    }
    /// What became of a command; None for an unknown id.
    pub async fn command_state(&self, _tenant: TenantId, _command_id: &str) -> Result<Option<CommandState>, Error> {
        Err(Error::Closed)
    }
}
