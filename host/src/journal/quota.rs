//! What a tenant's limits are compared with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::handle::Handle;
use super::scope::tenant_sql;
use super::types::Error;
use crate::clock::Micros;
use crate::ids::{RunRef, TenantId};

/// How long the bytes that a tenant keeps are taken for those of the last look.
const LASTS: i64 = 1_000_000;

/// The bytes that tenants keep, and when they were looked up.
#[derive(Debug, Default)]
pub(crate) struct Stored(Mutex<HashMap<TenantId, (Micros, u64)>>);

impl Handle {
    /// Runs of a tenant that have not ended.
    pub async fn open_runs(&self, tenant: TenantId) -> Result<u64, Error> {
        let sql =
            tenant_sql!("SELECT coalesce(sum(runs), 0) FROM run_counts WHERE tenant = ?1 AND status IN ('running', 'waiting')");
        let open: Option<i64> = self.reads().of(tenant).await?.query(sql).value().await?;
        Ok(open.map_or(0, i64::unsigned_abs))
    }

    /// The ancestors of a run, counted up to `most`.
    pub async fn depth(&self, at: RunRef, most: u32) -> Result<u32, Error> {
        let sql = tenant_sql!(
            "WITH RECURSIVE up (parent, depth) AS (SELECT parent, 0 FROM runs WHERE tenant = ?1 AND run = ?2 UNION ALL \
             SELECT r.parent, up.depth + 1 FROM up JOIN runs r ON r.tenant = ?1 AND r.run = up.parent WHERE up.depth < ?3) \
             SELECT max(depth) FROM up"
        );
        let mut rows = self.reads().of(at.tenant).await?;
        let depth: Option<i64> = rows.query(sql).bind(at.run.0).bind(i64::from(most)).value().await?;
        Ok(depth.and_then(|depth| u32::try_from(depth).ok()).unwrap_or(0))
    }

    /// Bytes that a tenant keeps in the database and as artifacts, as of now or up to a second ago.
    pub async fn stored_bytes(&self, tenant: TenantId) -> Result<u64, Error> {
        let now = self.clock().now();
        let known = self.stored().lock().get(&tenant).copied();
        if let Some((_, bytes)) = known.filter(|(at, _)| (0..LASTS).contains(&now.0.saturating_sub(at.0))) {
            return Ok(bytes);
        }
        let sql = tenant_sql!("SELECT bytes FROM storage WHERE storage.tenant = ?1");
        let bytes: Option<i64> = self.reads().of(tenant).await?.query(sql).value().await?;
        let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        self.stored().lock().insert(tenant, (now, bytes));
        Ok(bytes)
    }
}

impl Stored {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Micros, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
