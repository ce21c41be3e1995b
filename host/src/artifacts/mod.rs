//! The store of artifacts: bytes as [blobs](crate::blobs), what they are as rows of the [journal](crate::journal).
//!
//! An artifact belongs to a run of a tenant, or to a session through the run that is its memory. Its bytes are on the disk before
//! its row is, and what is returned is durable.

mod snapshots;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use crate::blobs::Incoming;
use crate::blobs::{Kept, Swept};
use crate::ids::{RunId, TenantId};
use crate::journal::{self, Error, PutArtifact};
use crate::record::artifact::{Action, Artifact, LastAccess, NewArtifact, Tags, artifact_id, session_memory_run};

pub use snapshots::{Snapshot, Snapshots};

/// Blobs younger than this are left alone by a sweep, whether a row names them or not.
const SWEEP_AGE: Duration = Duration::from_secs(24 * 3600);

/// Pause before the first sweep of a host, and between two.
const SWEEP_FIRST: Duration = Duration::from_secs(120);
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The way to the artifacts; clone it freely.
#[derive(Debug, Clone)]
pub struct Store {
    journal: journal::Handle,
}

/// Whose an artifact is to be.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    /// A run that is there.
    Run(&'a RunId),
    /// A session; the run that is its memory is made with its first artifact.
    Session(&'a str),
}

impl Owner<'_> {
    pub fn run_id(self) -> RunId {
        match self {
            Owner::Run(run_id) => run_id.clone(),
            Owner::Session(session_id) => session_memory_run(session_id),
        }
    }
}

/// What is said of an artifact when it is made. The tag `sha256` is added.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    pub content_type: String,
    pub tags: Tags,
}

impl Store {
    pub fn new(journal: journal::Handle) -> Self {
        Store { journal }
    }

    /// Bytes that a tenant keeps, as of now or up to a second ago.
    pub async fn stored_bytes(&self, tenant: TenantId) -> Result<u64, Error> {
        self.journal.stored_bytes(tenant).await
    }

    /// Keeps some bytes. The same bytes of the same owner are one artifact; what is said of it last, counts.
    ///
    /// # Errors
    /// [`Error::UnknownRun`] for a run that is not there; of the disk or the database.
    pub async fn put(&self, tenant: TenantId, owner: Owner<'_>, bytes: Bytes, meta: Meta) -> Result<Artifact, Error> {
        let kept = Kept {
            artifact_id: artifact_id(owner.run_id().as_str(), &bytes),
            size: bytes.len() as u64,
            digest: self.journal.blobs().put(tenant, bytes).await?,
        };
        self.add(tenant, owner, kept, meta).await
    }

    /// Takes bytes as they come; [`keep`](Self::keep) makes an artifact of them.
    pub async fn begin(&self, tenant: TenantId) -> Result<Incoming, Error> {
        Ok(self.journal.blobs().begin(tenant).await?)
    }

    /// As [`put`](Self::put), of bytes that have come in.
    pub async fn keep(&self, owner: Owner<'_>, incoming: Incoming, meta: Meta) -> Result<Artifact, Error> {
        let tenant = incoming.tenant();
        let kept = incoming.keep(owner.run_id().as_str()).await?;
        self.add(tenant, owner, kept, meta).await
    }

    async fn add(&self, tenant: TenantId, owner: Owner<'_>, kept: Kept, mut meta: Meta) -> Result<Artifact, Error> {
        meta.tags.insert("sha256".to_owned(), kept.digest.hex());
        let artifact = NewArtifact {
            run_id: owner.run_id(),
            artifact_id: kept.artifact_id,
            blob: kept.digest,
            size: kept.size,
            content_type: meta.content_type,
            tags: meta.tags,
        };
        let session_id = match owner {
            Owner::Run(_) => None,
            Owner::Session(session_id) => Some(session_id.to_owned()),
        };
        self.journal.put_artifact(tenant, PutArtifact { artifact, session_id }).await
    }

    /// The artifact of that id of this run, else the newest of that id of any run of the tenant.
    pub async fn find(&self, tenant: TenantId, run_id: Option<&RunId>, artifact_id: &str) -> Result<Option<Artifact>, Error> {
        if let Some(run_id) = run_id
            && let Some(own) = self.journal.artifact(tenant, run_id, artifact_id).await?
        {
            return Ok(Some(own));
        }
        let mut others = self.journal.artifacts_called(tenant, artifact_id).await?.into_iter();
        Ok(others.next())
    }

    /// The bytes, to be read.
    pub async fn open(&self, tenant: TenantId, artifact: &Artifact) -> Result<tokio::fs::File, Error> {
        Ok(self.journal.blobs().open(tenant, artifact.blob).await?)
    }

    /// The first `most` bytes, or all of them.
    pub async fn read(&self, tenant: TenantId, artifact: &Artifact, most: u64) -> Result<Vec<u8>, Error> {
        Ok(self.journal.blobs().read(tenant, artifact.blob, most).await?)
    }

    /// Counts a look at an artifact, and gives it with that counted.
    pub fn note(&self, tenant: TenantId, mut artifact: Artifact, action: Action, actor_id: Option<&str>) -> Artifact {
        let access = LastAccess {
            at: self.journal.clock().now(),
            action,
            actor_id: actor_id.map(str::to_owned),
        };
        self.journal.note_access(tenant, &artifact, access.clone());
        artifact.access.note(access);
        artifact
    }

    /// Removes the bytes that no artifact names and that are older than `age`.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        let mut all = Swept::default();
        for tenant in self.journal.tenants().await? {
            let named = self.journal.named_blobs(tenant).await?;
            let swept = self.journal.blobs().sweep(tenant, named, age).await?;
            all.removed += swept.removed;
            all.bytes += swept.bytes;
        }
        Ok(all)
    }

    /// Sweeps a while after the start of the host and then every day, until the journal is closed.
    pub async fn sweep_daily(self) {
        let mut pause = SWEEP_FIRST;
        loop {
            tokio::time::sleep(pause).await;
            pause = SWEEP_EVERY;
            match self.sweep(SWEEP_AGE).await {
                Ok(swept) if swept.removed > 0 => {
                    tracing::info!(
                        files = swept.removed,
                        bytes = swept.bytes,
                        "bytes that no artifact names were removed"
                    );
                }
                Ok(_) => {}
                Err(Error::Closed) => return,
                Err(error) => tracing::warn!(%error, "bytes that no artifact names could not be looked for"),
            }
        }
    }
}
