//! Reads that find what has expired: a page at a time, so that no snapshot of the database is held for long.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::super::handle::Handle;
use super::super::scope::{TenantSql, tenant_sql};
use super::super::store::query::Columns;
use super::super::store::retention::UNUSED_MEMORY;
use super::super::types::Error;
use super::AT_ONCE;
use crate::clock::Micros;
use crate::ids::{LedgerSeq, RunKey, TenantId};
use crate::record::RunStatus;
use crate::record::artifact::SESSION_MEMORY;

/// Runs that are looked at together.
pub(super) const PAGE: usize = 256;

/// A place in the order in which runs of a status moved last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub updated: Micros,
    pub run: RunKey,
}

impl Default for Mark {
    /// Before all runs.
    fn default() -> Self {
        Mark {
            updated: Micros(i64::MIN),
            run: RunKey(0),
        }
    }
}

/// Which rows a run has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub at: Mark,
    pub created: Micros,
    pub last_seq: LedgerSeq,
    pub horizon: LedgerSeq,
}

fn list(runs: &[RunKey]) -> String {
    let keys: Vec<String> = runs.iter().map(|run| run.0.to_string()).collect();
    format!("[{}]", keys.join(","))
}

fn run_keys(rows: &[SqliteRow]) -> Result<Vec<RunKey>, Error> {
    rows.iter().map(|row| Ok(RunKey(row.try_get(0)?))).collect()
}

fn mark(c: &mut Columns<'_>) -> Result<Mark, Error> {
    Ok(Mark {
        updated: Micros(c.get()?),
        run: RunKey(c.get()?),
    })
}

impl Handle {
    /// Runs of a status that moved last after `mark` and before `before`, in that order.
    pub(super) async fn ended(
        &self,
        tenant: TenantId,
        status: RunStatus,
        (after, before): (Mark, Micros),
    ) -> Result<Vec<Mark>, Error> {
        let sql = tenant_sql!(
            "SELECT s.updated_us, s.run FROM run_state s WHERE s.tenant = ?1 AND s.status = ?2 AND (s.updated_us, s.run) > (?3, ?4) \
             AND s.updated_us < ?5 ORDER BY s.updated_us, s.run LIMIT ?6"
        );
        let mut rows = self.reads().of(tenant).await?;
        let query = rows.query(sql).bind(status.as_str()).bind(after.updated.0).bind(after.run.0);
        let found = query.bind(before.0).bind(PAGE as i64).all().await?;
        found.iter().map(|row| mark(&mut Columns::of(row))).collect()
    }

    /// The roots of the trees of `runs` that have ended before `before`, the newest first. A run that a schedule started is the root of a
    /// tree of its own, and in that of the schedule.
    pub(super) async fn tops(&self, tenant: TenantId, runs: &[RunKey], before: Micros) -> Result<Vec<RunKey>, Error> {
        let sql = tenant_sql!(
            "WITH RECURSIVE up (run, parent) AS (SELECT b.run, b.parent FROM runs b WHERE b.tenant = ?1 AND b.run IN \
             (SELECT value FROM json_each(?2)) UNION SELECT a.run, a.parent FROM up u JOIN runs a ON a.tenant = ?1 AND a.run = u.parent) \
             SELECT u.run FROM up u CROSS JOIN runs r ON r.tenant = ?1 AND r.run = u.run CROSS JOIN run_state s ON s.tenant = ?1 AND s.run = u.run \
             LEFT JOIN runs p ON p.tenant = ?1 AND p.run = u.parent WHERE (p.run IS NULL OR p.workflow_id LIKE 'scheduled:%') \
             AND s.status IN ('completed', 'failed', 'cancelled') AND s.updated_us < ?3 AND r.workflow_id <> ?4 ORDER BY u.run DESC"
        );
        let mut rows = self.reads().of(tenant).await?;
        let found = rows
            .query(sql)
            .bind(list(runs))
            .bind(before.0)
            .bind(SESSION_MEMORY)
            .all()
            .await?;
        run_keys(&found)
    }

    /// The runs below `tops`, themselves included, of those whose runs have all ended before `before`: each once, children before their
    /// parents, with how many rows it has.
    pub(super) async fn expired_families(
        &self,
        tenant: TenantId,
        tops: &[RunKey],
        before: Micros,
    ) -> Result<Vec<(RunKey, u64)>, Error> {
        if tops.is_empty() {
            return Ok(Vec::new());
        }
        let sql = tenant_sql!(
            "WITH RECURSIVE family (top, run, depth) AS (SELECT value, value, 0 FROM json_each(?2) UNION ALL \
             SELECT f.top, c.run, f.depth + 1 FROM family f JOIN runs c ON c.tenant = ?1 AND c.parent = f.run) \
             SELECT f.top, f.run, s.status IN ('completed', 'failed', 'cancelled') AND s.updated_us < ?3, \
             s.last_seq - s.horizon + s.history_pos - s.history_horizon + 2 FROM family f CROSS JOIN run_state s ON s.tenant = ?1 AND s.run = f.run \
             ORDER BY f.top DESC, f.depth DESC, f.run"
        );
        let mut rows = self.reads().of(tenant).await?;
        let found = rows.query(sql).bind(list(tops)).bind(before.0).all().await?;
        let mut members = Vec::with_capacity(found.len());
        let mut alive = HashSet::new();
        for row in &found {
            let mut c = Columns::of(row);
            let (top, run, expired): (i64, i64, bool) = (c.get()?, c.get()?, c.get()?);
            if !expired {
                alive.insert(top);
            }
            members.push((top, RunKey(run), c.u64()?));
        }
        let mut seen = HashSet::new();
        let doomed = members
            .into_iter()
            .filter(|(top, run, _)| !alive.contains(top) && seen.insert(*run));
        Ok(doomed.map(|(_, run, rows)| (run, rows)).collect())
    }

    /// Runs that are memories of sessions, after `from`.
    pub(super) async fn session_memories(&self, tenant: TenantId, from: RunKey) -> Result<Vec<RunKey>, Error> {
        let sql = tenant_sql!("SELECT run FROM runs WHERE tenant = ?1 AND workflow_id = ?2 AND run > ?3 ORDER BY run LIMIT ?4");
        let mut rows = self.reads().of(tenant).await?;
        let query = rows.query(sql).bind(SESSION_MEMORY).bind(from.0).bind(PAGE as i64);
        run_keys(&query.all().await?)
    }

    /// Those of them that nothing uses any more.
    pub(super) async fn unused_memories(
        &self,
        tenant: TenantId,
        memories: &[RunKey],
        before: Micros,
    ) -> Result<Vec<RunKey>, Error> {
        if memories.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT r.run FROM json_each(?2) e CROSS JOIN runs r ON r.tenant = ?1 AND r.run = e.value \
             CROSS JOIN run_state s ON s.tenant = ?1 AND s.run = r.run WHERE s.updated_us < ?3 AND {UNUSED_MEMORY}"
        );
        let mut rows = self.reads().of(tenant).await?;
        let query = rows.query(TenantSql::composed(sql)?).bind(list(memories)).bind(before.0);
        run_keys(&query.all().await?)
    }

    /// Runs of a status that moved last after `mark`, in that order, and which rows they have.
    pub(super) async fn extents(&self, tenant: TenantId, status: RunStatus, after: Mark) -> Result<Vec<Extent>, Error> {
        let sql = tenant_sql!(
            "SELECT s.updated_us, s.run, r.created_us, s.last_seq, s.horizon FROM run_state s JOIN runs r USING (tenant, run) \
             WHERE s.tenant = ?1 AND s.status = ?2 AND (s.updated_us, s.run) > (?3, ?4) ORDER BY s.updated_us, s.run LIMIT ?5"
        );
        let mut rows = self.reads().of(tenant).await?;
        let query = rows.query(sql).bind(status.as_str()).bind(after.updated.0).bind(after.run.0);
        let found = query.bind(PAGE as i64).all().await?;
        let extent = |row| {
            let mut c = Columns::of(row);
            Ok(Extent {
                at: mark(&mut c)?,
                created: Micros(c.get()?),
                last_seq: c.u64()?,
                horizon: c.u64()?,
            })
        };
        found.iter().map(extent).collect()
    }

    /// The first row of a run that is not from before `before`; as far as a chore goes, and whether it would have gone on.
    pub(super) async fn young(&self, tenant: TenantId, run: &Extent, before: Micros) -> Result<(LedgerSeq, bool), Error> {
        let sql =
            tenant_sql!("SELECT seq, record ->> '$.started_at' FROM ledger WHERE tenant = ?1 AND run = ?2 ORDER BY seq LIMIT ?3");
        let mut rows = self.reads().of(tenant).await?;
        let query = rows
            .query(sql)
            .bind(run.at.run.0)
            .bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        let (mut first, mut found) = (run.horizon, 0);
        let look = |row: &SqliteRow| -> Result<bool, Error> {
            let mut c = Columns::of(row);
            let (seq, started) = (c.u64()?, c.get::<Option<&str>>()?.and_then(Micros::parse));
            let old = started.is_some_and(|at| at < before);
            if old {
                (first, found) = (seq + 1, found + 1);
            }
            Ok(old)
        };
        query.each(look).await?;
        Ok((first, found == AT_ONCE))
    }

    /// Whether there are commands that were applied or refused before `before`: more than one, since the last of all stays.
    pub(super) async fn has_old_commands(&self, tenant: TenantId, before: Micros) -> Result<bool, Error> {
        let sql = tenant_sql!("SELECT 1 FROM commands WHERE tenant = ?1 AND applied_us IS NOT NULL AND applied_us < ?2 LIMIT 2");
        let mut rows = self.reads().of(tenant).await?;
        Ok(rows.query(sql).bind(before.0).all().await?.len() > 1)
    }

    /// Pages of the database that are free, and all of them.
    pub(super) async fn pages(&self) -> Result<(u64, u64), Error> {
        let sql = "SELECT f.freelist_count, p.page_count FROM pragma_freelist_count f, pragma_page_count p";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        let Some(row) = rows.first() else { return Ok((0, 0)) };
        let mut c = Columns::of(row);
        Ok((c.u64()?, c.u64()?))
    }
}
