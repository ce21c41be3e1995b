//! From a component's digest to a program: kept, or fetched from the journal and compiled off the async threads.

use std::sync::Arc;

use crate::ids::{Digest, TenantId};
use crate::journal::Handle;
use crate::sandbox::{Program, Sandbox, world};

pub(super) async fn program(
    journal: &Handle,
    sandbox: &Sandbox,
    tenant: TenantId,
    digest: Digest,
) -> Result<Arc<Program>, String> {
    if let Some(program) = sandbox.loaded(&digest) {
        return Ok(program);
    }
    let found = journal.component(tenant, digest).await.map_err(|e| e.to_string())?;
    let (bytes, runtime) = found.ok_or_else(|| format!("component {} is not in the journal", digest.hex()))?;
    let runtime = match runtime {
        Some(digest) if digest.hex() != sandbox.runtime_digest() => {
            journal.blob(tenant, digest).await.map_err(|e| e.to_string())?
        }
        _ => None,
    };
    let program = sandbox.prepare(digest, bytes, runtime).await;
    program.map_err(|e| e.to_string())
}

/// The flow's own entry, for a run that was started before its component had said what it is.
///
/// # Errors
/// It does not say, or it has listeners, which should have been started with the run.
pub(super) async fn entry(sandbox: &Sandbox, program: &Program) -> Result<String, String> {
    let mut instance = sandbox.instantiate(program).await.map_err(|e| e.to_string())?;
    let said = instance.describe().await.map_err(|e| format!("describe: {e}"))?;
    if said.entries.iter().any(|entry| entry.kind == world::EntryKind::Listener) {
        return Err("the flow listens for events, and was started before it was installed: start it again".to_owned());
    }
    let main = said.entries.into_iter().find(|entry| entry.kind == world::EntryKind::Main);
    main.map(|entry| entry.node)
        .ok_or_else(|| "describe: the flow has no entry".to_owned())
}
