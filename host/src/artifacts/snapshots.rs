//! Snapshots of workflows: each run that a client starts has the document of its flow as an artifact.
//!
//! The bytes are one blob for all runs of a flow, written with the first of them; a start only adds a row to its own commit.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Micros;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, Error};
use crate::record::Json;
use crate::record::artifact::{NewArtifact, Tags, WORKFLOW_SNAPSHOT, artifact_id};

const FORMAT: &str = "visualflow_json";

/// Documents whose blobs are known to be there.
const KNOWN: u64 = 1024;
/// A blob that was not needed for so long is looked for again.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// Makes snapshots; clone it freely.
#[derive(Debug, Clone)]
pub struct Snapshots {
    journal: journal::Handle,
    /// By the document's address; the document is kept, so that the address is its own.
    known: Cache<(TenantId, usize), (Arc<RawValue>, Digest)>,
}

/// A snapshot for a run that is to be started.
#[derive(Debug)]
pub struct Snapshot {
    pub artifact: NewArtifact,
    /// How the run's variables refer to it: `{"workflow_id", "format", "sha256", "artifact_id", "created_at"}`.
    pub reference: Json,
}

impl Snapshots {
    pub fn new(journal: journal::Handle) -> Self {
        let known = Cache::builder().max_capacity(KNOWN).time_to_live(KNOWN_FOR).build();
        Snapshots { journal, known }
    }

    /// The snapshot of `document` for this run.
    pub async fn of(
        &self,
        tenant: TenantId,
        (run_id, workflow_id): (&RunId, &str),
        document: &Arc<RawValue>,
    ) -> Result<Snapshot, Error> {
        let blob = self.blob(tenant, document).await?;
        let bytes = document.get().as_bytes();
        let (sha256, id) = (blob.hex(), artifact_id(run_id.as_str(), bytes));
        #[derive(Serialize)]
        struct Reference<'a> {
            workflow_id: &'a str,
            format: &'a str,
            sha256: &'a str,
            artifact_id: &'a str,
            created_at: String,
        }
        let reference = Reference {
            workflow_id,
            format: FORMAT,
            sha256: &sha256,
            artifact_id: &id,
            created_at: Micros::iso(self.journal.clock().now()),
        };
        let reference = to_raw_value(&reference).map_err(|e| Error::Corrupt(e.to_string()))?;
        let tags = [
            ("kind", WORKFLOW_SNAPSHOT),
            ("workflow_id", workflow_id),
            ("format", FORMAT),
            ("sha256", &sha256),
        ];
        let artifact = NewArtifact {
            run_id: run_id.clone(),
            blob,
            size: bytes.len() as u64,
            content_type: "application/json".to_owned(),
            tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Tags>(),
            artifact_id: id,
        };
        Ok(Snapshot { artifact, reference })
    }

    async fn blob(&self, tenant: TenantId, document: &Arc<RawValue>) -> Result<Digest, Error> {
        let key = (tenant, Arc::as_ptr(document).cast::<u8>() as usize);
        if let Some((_, digest)) = self.known.get(&key) {
            return Ok(digest);
        }
        let bytes = Bytes::copy_from_slice(document.get().as_bytes());
        let digest = self.journal.blobs().put(tenant, bytes).await?;
        self.known.insert(key, (Arc::clone(document), digest));
        Ok(digest)
    }
}
