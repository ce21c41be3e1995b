//! What a tenant's limits are compared with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::handle::Handle;
use super::scope::tenant_sql;
use super::types::Error;
use crate::clock::Micros;
use crate::ids::{RunRef, TenantId};

/// How long the bytes that a tenant keeps are taken for those of the last look.
const LASTS: i64 = 1_000_000;

/// The bytes that tenants keep. A clone is the same.
#[derive(Debug, Default, Clone)]
pub struct Stored(Arc<Mutex<HashMap<TenantId, Kept>>>);

#[derive(Debug, Default, Clone, Copy)]
struct Kept {
    /// In the database and as artifacts, as of `looked`.
    rows: u64,
    looked: Option<Micros>,
    /// In files, which whoever writes them counts.
    files: u64,
}

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

    /// Bytes that a tenant keeps in the database and as artifacts, as of now or up to a second ago, and as files.
    pub async fn stored_bytes(&self, tenant: TenantId) -> Result<u64, Error> {
        let now = self.clock().now();
        let known = self.stored().of(tenant);
        let fresh = |at: Micros| (0..LASTS).contains(&now.0.saturating_sub(at.0));
        if known.looked.is_some_and(fresh) {
            return Ok(known.rows.saturating_add(known.files));
        }
        let sql = tenant_sql!("SELECT bytes FROM storage WHERE storage.tenant = ?1");
        let bytes: Option<i64> = self.reads().of(tenant).await?.query(sql).value().await?;
        let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok(self.stored().with(tenant, |kept| {
            (kept.rows, kept.looked) = (bytes, Some(now));
            bytes.saturating_add(kept.files)
        }))
    }
}

impl Stored {
    fn with<T>(&self, tenant: TenantId, look: impl FnOnce(&mut Kept) -> T) -> T {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(tenants.entry(tenant).or_default())
    }

    fn of(&self, tenant: TenantId) -> Kept {
        self.with(tenant, |kept| *kept)
    }

    /// The tenant's files have been measured.
    pub fn files_are(&self, tenant: TenantId, bytes: u64) {
        self.with(tenant, |kept| kept.files = bytes);
    }

    /// A file of `old` bytes is to have `new` ones. What is not larger than before is never refused.
    ///
    /// # Errors
    /// With it the tenant would keep more than `limit` (0: as much as the disk takes): what it keeps now.
    pub fn replace_file(&self, tenant: TenantId, (old, new): (u64, u64), limit: u64) -> Result<(), u64> {
        self.with(tenant, |kept| {
            let now = kept.rows.saturating_add(kept.files);
            if limit > 0 && new > old && now.saturating_add(new - old) > limit {
                return Err(now);
            }
            kept.files = kept.files.saturating_sub(old).saturating_add(new);
            Ok(())
        })
    }
}
