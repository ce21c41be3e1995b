//! From a component's digest to a program: kept, or fetched from the journal and compiled off the async threads.

use std::sync::Arc;

use super::Context;
use crate::ids::{Digest, TenantId};
use crate::sandbox::Program;

pub(super) async fn program(context: &Context, tenant: TenantId, digest: Digest) -> Result<Arc<Program>, String> {
    if let Some(program) = context.sandbox.loaded(&digest) {
        return Ok(program);
    }
    let found = context.journal.component(tenant, digest).await.map_err(|e| e.to_string())?;
    let (bytes, runtime) = found.ok_or_else(|| format!("component {} is not in the journal", digest.hex()))?;
    let runtime = match runtime {
        Some(digest) if digest.hex() != context.sandbox.runtime_digest() => {
            context.journal.blob(tenant, digest).await.map_err(|e| e.to_string())?
        }
        _ => None,
    };
    let sandbox = context.sandbox.clone();
    let loaded = tokio::task::spawn_blocking(move || sandbox.load(digest, &bytes, runtime.as_deref())).await;
    loaded.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
}
