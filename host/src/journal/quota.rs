//! What a tenant's limits are compared with.

use super::handle::Handle;
use super::scope::tenant_sql;
use super::types::Error;
use crate::ids::{RunRef, TenantId};

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
}
