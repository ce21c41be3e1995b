//! Artifacts, and the runs that own those of a session.

use super::super::rows::empty_object;
use super::super::store::Store;
use super::super::types::{Error, Metrics, Pause};
use super::import::ImportedRun;
use super::request::{NoteAccess, PutArtifact};
use super::unit::Unit;
use crate::ids::{Digest, TenantId};
use crate::record::RunStatus;
use crate::record::artifact::{Access, Artifact, NewArtifact, SESSION_MEMORY, session_memory_run};

/// The node that a session's memory stands at.
const DONE: &str = "done";

impl<S: Store> Unit<S> {
    pub(crate) async fn put_artifact(&mut self, tenant: TenantId, put: PutArtifact) -> Result<Artifact, Error> {
        let PutArtifact { artifact, session_id } = put;
        if let Some(session_id) = session_id {
            self.session_memory(tenant, &session_id).await?;
        }
        let run_id = artifact.run_id.as_str();
        if self.key_of(tenant, run_id).await?.is_none() {
            return Err(Error::UnknownRun(run_id.to_owned()));
        }
        Ok(self.add_artifact(tenant, artifact))
    }

    /// Takes in an artifact that another system has made, with the time it was made and the looks at it. False: it is there already.
    pub(crate) async fn import_artifact(&mut self, tenant: TenantId, artifact: Artifact) -> Result<bool, Error> {
        self.flush().await?;
        if self
            .store
            .has_artifact(tenant, artifact.run_id.as_str(), &artifact.artifact_id)
            .await?
        {
            return Ok(false);
        }
        self.out.writes.accesses.extend(NoteAccess::of(tenant, &artifact));
        self.out.writes.artifacts.push((tenant, artifact));
        Ok(true)
    }

    /// Adds an artifact of a run that is there.
    pub(crate) fn add_artifact(&mut self, tenant: TenantId, artifact: NewArtifact) -> Artifact {
        let artifact = Artifact {
            is: artifact,
            created_at: self.out.now,
            access: Access::default(),
        };
        self.out.writes.artifacts.push((tenant, artifact.clone()));
        artifact
    }

    /// Makes the run that owns a session's artifacts, unless it is there: one that has ended, as old as the session.
    pub(crate) async fn session_memory(&mut self, tenant: TenantId, session_id: &str) -> Result<(), Error> {
        let run_id = session_memory_run(session_id);
        if self.key_of(tenant, run_id.as_str()).await?.is_some() {
            return Ok(());
        }
        let now = self.out.now;
        let created = self
            .store
            .session_began(tenant, session_id)
            .await?
            .map_or(now, |began| began.min(now));
        let run = ImportedRun {
            tenant,
            run_id,
            workflow_id: SESSION_MEMORY.to_owned(),
            // It is no run of a flow; nothing drives it.
            component: Digest([0; 32]),
            entry: DONE.to_owned(),
            input: empty_object(),
            host_vars: empty_object(),
            session_id: Some(session_id.to_owned()),
            actor_id: None,
            parent: None,
            created,
            updated: created,
            status: RunStatus::Completed,
            node: Some(DONE.to_owned()),
            waits: Vec::new(),
            output: Some(empty_object()),
            error: None,
            pause: Pause::default(),
            pausing: false,
            rows: Vec::new(),
            metrics: Metrics::default(),
            snapshot: None,
            workflow: None,
        };
        self.import_run(run).await?;
        Ok(())
    }
}
