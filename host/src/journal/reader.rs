//! Reads: what clients and drivers are told, from committed rows only.

use std::ops::DerefMut;
use std::sync::Arc;

use serde_json::value::RawValue;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::handle::Handle;
use super::scope::{Scoped, TenantSql, tenant_sql};
use super::store::query::{self, Columns, LISTED_ROW, RUN_ROW};
use super::types::{Delivery, Error, InstalledBundle, LedgerPage, LiveRun, OpenCall, RunFilter, RunRow};
use crate::ids::{Digest, LedgerSeq, RunId, RunKey, RunRef, TenantId};
use crate::record::{COMMAND, Json, RunStatus};

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandState {
    /// Stored, not applied yet.
    Pending,
    Applied,
    /// Refused; the text says why.
    Failed(String),
}

/// Bytes of the rows of a ledger page, however many rows were asked for.
pub const PAGE_BYTES: usize = 8 << 20;

const FROM: &str =
    " FROM runs r JOIN run_state s USING (tenant, run) LEFT JOIN runs p ON p.tenant = r.tenant AND p.run = r.parent ";

impl Handle {
    /// A run by its name outside.
    pub async fn run(&self, tenant: TenantId, run_id: &RunId) -> Result<Option<RunRow>, Error> {
        let sql = format!("{RUN_ROW}{FROM}WHERE r.tenant = ?1 AND r.run_id = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let row = rows.query(TenantSql::composed(sql)?).bind(run_id.as_str()).one().await?;
        row.map(|row| query::run_row(&mut Columns::of(&row))).transpose()
    }

    /// Where a run is, without reading it when it was started here a moment ago.
    pub async fn locate(&self, tenant: TenantId, run_id: &RunId) -> Result<Option<RunRef>, Error> {
        match self.fresh().find(tenant, run_id) {
            Some(at) => Ok(Some(at)),
            None => {
                let sql = tenant_sql!("SELECT run FROM runs WHERE tenant = ?1 AND run_id = ?2");
                let run: Option<i64> = self
                    .reads()
                    .of(tenant)
                    .await?
                    .query(sql)
                    .bind(run_id.as_str())
                    .value()
                    .await?;
                Ok(run.map(|run| RunRef {
                    tenant,
                    run: RunKey(run),
                }))
            }
        }
    }

    /// The start input as it was stored: a JSON object.
    pub async fn input(&self, tenant: TenantId, run_id: &RunId) -> Result<Option<Json>, Error> {
        let sql = tenant_sql!("SELECT input FROM runs WHERE tenant = ?1 AND run_id = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let text: Option<String> = rows.query(sql).bind(run_id.as_str()).value().await?;
        text.map(query::raw).transpose()
    }

    /// Everything a driver needs, as of one commit.
    pub async fn load(&self, at: RunRef) -> Result<Option<LiveRun>, Error> {
        if let Some(fresh) = self.fresh().take(at) {
            return Ok(Some(fresh));
        }
        let mut rows = self.reads().of(at.tenant).await?;
        let Some((live, more)) = load_row(&mut rows, at).await? else {
            return Ok(None);
        };
        if !more {
            return Ok(Some(live));
        }
        // More than one row is needed: they must belong together.
        load_whole(&mut rows.at_one_commit().await?, at).await
    }

    /// What a run has been told of and its flow has not: the outcomes after the first `consumed`, in order.
    pub async fn inbox(&self, at: RunRef, consumed: u64) -> Result<Vec<Delivery>, Error> {
        inbox_after(&mut self.reads().of(at.tenant).await?, at, consumed).await
    }

    /// All history of a run, in order: one JSON text a tick. What a replay reads.
    pub async fn history(&self, at: RunRef) -> Result<Vec<String>, Error> {
        history_after(&mut self.reads().of(at.tenant).await?, at, 0).await
    }

    /// Runs, newest `updated_at` first, without their outputs.
    pub async fn runs(&self, tenant: TenantId, filter: RunFilter) -> Result<Vec<RunRow>, Error> {
        let mut sql = format!("{LISTED_ROW}{FROM}WHERE s.tenant = ?1");
        for (wanted, clause) in [
            (filter.status.is_some(), " AND s.status = ?2"),
            (filter.workflow_id.is_some(), " AND r.workflow_id = ?3"),
            (
                filter.session_id.is_some(),
                " AND s.run IN (SELECT run FROM runs WHERE tenant = ?1 AND session_id = ?4 \
                  UNION ALL SELECT run FROM runs WHERE tenant = ?1 AND run_id = ?4 AND session_id IS NULL)",
            ),
            (filter.root_only, " AND r.parent IS NULL"),
            (filter.hide_internal, r" AND r.workflow_id NOT LIKE '\_\_%' ESCAPE '\'"),
            (filter.hide_drafts, " AND r.draft = 0"),
        ] {
            if wanted {
                sql.push_str(clause);
            }
        }
        // A session's few runs are found by its index and sorted; others come in order from theirs (`+` keeps an index out of it).
        let by_session = if filter.session_id.is_some() { "+" } else { "" };
        sql.push_str(&format!(" ORDER BY {by_session}s.updated_us DESC, s.run DESC LIMIT ?5"));
        let mut rows = self.reads().of(tenant).await?;
        let query = rows
            .query(TenantSql::composed(sql)?)
            .bind(filter.status.map(RunStatus::as_str))
            .bind(filter.workflow_id)
            .bind(filter.session_id)
            .bind(filter.limit);
        let found = query.all().await?;
        found.iter().map(|row| query::run_row(&mut Columns::of(row))).collect()
    }

    /// Rows after a cursor: `limit` rows or 8 MiB at most, but one row at least if there is one. An unknown run has none. None, too, where the
    /// first of them [has expired](LedgerPage::has_expired).
    pub async fn ledger(&self, tenant: TenantId, run_id: &RunId, after: LedgerSeq, limit: u32) -> Result<LedgerPage, Error> {
        self.ledger_within(tenant, run_id, (after, limit), PAGE_BYTES).await
    }

    /// As [`ledger`](Self::ledger), with another bound in bytes.
    pub async fn ledger_within(
        &self,
        tenant: TenantId,
        run_id: &RunId,
        (after, limit): (LedgerSeq, u32),
        bytes: usize,
    ) -> Result<LedgerPage, Error> {
        let sql = tenant_sql!(
            "SELECT s.horizon, l.record FROM runs r JOIN run_state s USING (tenant, run) LEFT JOIN ledger l ON l.tenant = r.tenant \
             AND l.run = r.run AND l.seq > ?3 WHERE r.tenant = ?1 AND r.run_id = ?2 ORDER BY l.seq LIMIT ?4"
        );
        let mut rows = self.reads().of(tenant).await?;
        let query = rows.query(sql).bind(run_id.as_str()).bind(seq(after)).bind(limit);
        let (mut rows, mut left, mut horizon): (Vec<Arc<str>>, _, _) = (Vec::new(), bytes, 1);
        let take = |row: &SqliteRow| -> Result<bool, Error> {
            let mut c = Columns::of(row);
            horizon = c.u64()?;
            let Some(text) = c.get::<Option<&str>>()?.filter(|_| after.saturating_add(1) >= horizon) else {
                return Ok(false);
            };
            let fits = text.len() <= left || rows.is_empty();
            if fits {
                left = left.saturating_sub(text.len());
                rows.push(text.into());
            }
            Ok(fits)
        };
        query.each(take).await?;
        let next_after = (after + rows.len() as u64).max(horizon - 1);
        Ok(LedgerPage {
            rows,
            next_after,
            horizon,
        })
    }

    /// The newest row of a run that is its own: not one that says why a command came to nothing.
    pub async fn last_own_row(&self, at: RunRef) -> Result<Option<Arc<str>>, Error> {
        let sql = tenant_sql!(
            "SELECT record FROM ledger WHERE tenant = ?1 AND run = ?2 AND record ->> '$.effect.type' IS NOT ?3 ORDER BY seq DESC LIMIT 1"
        );
        let mut rows = self.reads().of(at.tenant).await?;
        let row: Option<String> = rows.query(sql).bind(at.run.0).bind(COMMAND).value().await?;
        Ok(row.map(Arc::from))
    }

    /// Number of rows of a run; None for an unknown run.
    pub async fn ledger_len(&self, tenant: TenantId, run_id: &RunId) -> Result<Option<LedgerSeq>, Error> {
        let sql = tenant_sql!(
            "SELECT s.last_seq FROM runs r JOIN run_state s USING (tenant, run) WHERE r.tenant = ?1 AND r.run_id = ?2"
        );
        let mut rows = self.reads().of(tenant).await?;
        let len: Option<i64> = rows.query(sql).bind(run_id.as_str()).value().await?;
        Ok(len.map(|n| n.max(0) as u64))
    }

    /// Every run that wants a driver: what the runner starts with.
    pub async fn runnable(&self) -> Result<Vec<RunRef>, Error> {
        let sql = "SELECT s.tenant, s.run FROM tenants t JOIN run_state s ON s.tenant = t.tenant AND s.status = 'running' \
                   WHERE s.unarmed = 0 ORDER BY s.updated_us";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        rows.iter().map(|row| Columns::of(row).at()).collect()
    }

    /// Direct children, oldest first, without their outputs.
    pub async fn children(&self, tenant: TenantId, run_id: &RunId) -> Result<Vec<RunRow>, Error> {
        self.below(tenant, run_id, 1, u32::MAX).await
    }

    /// The descendants of a run, breadth first, `limit` at most, without the run itself and without their outputs.
    pub async fn descendants(&self, tenant: TenantId, run_id: &RunId, limit: u32) -> Result<Vec<RunRow>, Error> {
        self.below(tenant, run_id, i64::MAX, limit).await
    }

    async fn below(&self, tenant: TenantId, run_id: &RunId, deepest: i64, limit: u32) -> Result<Vec<RunRow>, Error> {
        let sql = format!(
            "WITH RECURSIVE family (run, depth) AS (SELECT run, 0 FROM runs WHERE tenant = ?1 AND run_id = ?2 UNION \
             SELECT c.run, f.depth + 1 FROM family f JOIN runs c ON c.tenant = ?1 AND c.parent = f.run WHERE f.depth < ?3) \
             {LISTED_ROW} FROM family f JOIN runs r ON r.tenant = ?1 AND r.run = f.run JOIN run_state s USING (tenant, run) \
             LEFT JOIN runs p ON p.tenant = r.tenant AND p.run = r.parent WHERE f.depth > 0 ORDER BY f.depth, r.run LIMIT ?4"
        );
        let mut rows = self.reads().of(tenant).await?;
        let query = rows
            .query(TenantSql::composed(sql)?)
            .bind(run_id.as_str())
            .bind(deepest)
            .bind(limit);
        let found = query.all().await?;
        found.iter().map(|row| query::run_row(&mut Columns::of(row))).collect()
    }

    /// The installed bundles.
    pub async fn bundles(&self, tenant: TenantId) -> Result<Vec<InstalledBundle>, Error> {
        let sql = tenant_sql!(
            "SELECT bundle_id, bundle_version, digest FROM bundles WHERE tenant = ?1 ORDER BY bundle_id, installed_us, bundle_version"
        );
        let found = self.reads().of(tenant).await?.query(sql).all().await?;
        found
            .iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(InstalledBundle {
                    bundle_id: c.get()?,
                    bundle_version: c.get()?,
                    digest: query::digest(c.get()?)?,
                })
            })
            .collect()
    }

    /// What these bundles came to when this build compiled them; those that it has not are left out.
    pub async fn compiled(&self, tenant: TenantId, build: &str, bundles: &[Digest]) -> Result<Vec<(Digest, String)>, Error> {
        let sql = tenant_sql!(
            "SELECT digest, outcome FROM compiled WHERE tenant = ?1 AND digest IN (SELECT unhex(value) FROM json_each(?2)) AND build = ?3"
        );
        let list: Vec<String> = bundles.iter().map(Digest::hex).collect();
        let list = serde_json::to_string(&list).map_err(|e| Error::Corrupt(format!("digests of bundles: {e}")))?;
        let mut rows = self.reads().of(tenant).await?;
        let found = rows.query(sql).bind(list).bind(build).all().await?;
        found
            .iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((query::digest(c.get()?)?, c.get()?))
            })
            .collect()
    }

    /// A number for each tenant that has ever installed something: it grows with every change of that, by whatever process.
    pub async fn bundle_changes(&self) -> Result<Vec<(TenantId, u64)>, Error> {
        let sql = "SELECT tenant, changes FROM bundle_changes";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((TenantId(c.get()?), c.u64()?))
            })
            .collect()
    }

    /// A component's bytes and the digest of the runtime it is linked with (a [`blob`](Self::blob)).
    pub async fn component(&self, tenant: TenantId, digest: Digest) -> Result<Option<(Arc<[u8]>, Option<Digest>)>, Error> {
        let sql = tenant_sql!(
            "SELECT f.bytes, c.runtime FROM components c JOIN blobs f USING (tenant, digest) WHERE c.tenant = ?1 AND c.digest = ?2"
        );
        let mut rows = self.reads().of(tenant).await?;
        let row = rows.query(sql).bind(digest.0.to_vec()).one().await?;
        row.map(|row| {
            let mut c = Columns::of(&row);
            Ok((
                c.get::<&[u8]>()?.into(),
                c.get::<Option<&[u8]>>()?.map(query::digest).transpose()?,
            ))
        })
        .transpose()
    }

    /// What a component says of itself, as it was kept.
    pub async fn description(&self, tenant: TenantId, digest: Digest) -> Result<Option<Json>, Error> {
        let sql = tenant_sql!("SELECT description FROM descriptions WHERE tenant = ?1 AND digest = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let text: Option<String> = rows.query(sql).bind(digest.0.to_vec()).value().await?;
        text.map(query::raw).transpose()
    }

    /// Bytes by their content.
    pub async fn blob(&self, tenant: TenantId, digest: Digest) -> Result<Option<Arc<[u8]>>, Error> {
        let sql = tenant_sql!("SELECT bytes FROM blobs WHERE tenant = ?1 AND digest = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let bytes: Option<Vec<u8>> = rows.query(sql).bind(digest.0.to_vec()).value().await?;
        Ok(bytes.map(Arc::from))
    }

    /// What became of a command; None for an unknown id.
    pub async fn command_state(&self, tenant: TenantId, command_id: &str) -> Result<Option<CommandState>, Error> {
        let sql = tenant_sql!("SELECT state, reason FROM commands WHERE tenant = ?1 AND command_id = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let row = rows.query(sql).bind(command_id).one().await?;
        row.map(|row| {
            let reason: Option<String> = row.try_get(1)?;
            Ok(match row.try_get::<&str, _>(0)? {
                "pending" => CommandState::Pending,
                "applied" => CommandState::Applied,
                _ => CommandState::Failed(reason.unwrap_or_default()),
            })
        })
        .transpose()
    }
}

/// A cursor as SQLite takes it; one beyond every row stays beyond.
fn seq(after: LedgerSeq) -> i64 {
    i64::try_from(after).unwrap_or(i64::MAX)
}

/// The run and its input, and whether there is more to load.
pub(super) async fn load_row<C: DerefMut<Target = SqliteConnection>>(
    rows: &mut Scoped<C>,
    at: RunRef,
) -> Result<Option<(LiveRun, bool)>, Error> {
    const MORE: &str = ", r.input, s.calls, (SELECT json_group_array(w.effect_id) FROM waits w WHERE w.tenant = r.tenant AND w.run = r.run), \
                         (SELECT m.from_workflow FROM moves m WHERE m.tenant = r.tenant AND m.run = r.run ORDER BY m.seq LIMIT 1), \
                         s.inbox_consumed, s.inbox_end, s.history_pos";
    let sql = format!("{RUN_ROW}{MORE}{FROM}WHERE r.tenant = ?1 AND r.run = ?2");
    let Some(row) = rows.query(TenantSql::composed(sql)?).bind(at.run.0).one().await? else {
        return Ok(None);
    };
    let mut c = Columns::of(&row);
    let live = LiveRun {
        row: query::run_row(&mut c)?,
        input: query::raw(c.get()?)?,
        snapshot: None,
        ticks: Vec::new(),
        inbox: Vec::new(),
        calls: c
            .get::<Option<&str>>()?
            .map(query::parse::<Vec<OpenCall>>)
            .transpose()?
            .unwrap_or_default(),
        waits: query::parse(c.get()?)?,
        moved_from: c.get()?,
        inbox_consumed: c.u64()?,
    };
    let more = c.u64()? > live.inbox_consumed || c.u64()? > 0;
    Ok(Some((live, more)))
}

async fn load_whole<C: DerefMut<Target = SqliteConnection>>(rows: &mut Scoped<C>, at: RunRef) -> Result<Option<LiveRun>, Error> {
    let Some((mut live, _)) = load_row(rows, at).await? else {
        return Ok(None);
    };
    load_rest(rows, at, &mut live).await?;
    Ok(Some(live))
}

/// Snapshot, history after it, and the inbox.
async fn load_rest<C: DerefMut<Target = SqliteConnection>>(
    rows: &mut Scoped<C>,
    at: RunRef,
    live: &mut LiveRun,
) -> Result<(), Error> {
    let sql = tenant_sql!("SELECT pos, state FROM snapshots WHERE tenant = ?1 AND run = ?2");
    let mut from = 0;
    if let Some(row) = rows.query(sql).bind(at.run.0).one().await? {
        from = row.try_get(0)?;
        live.snapshot = Some(row.try_get(1)?);
    }
    live.ticks = history_after(rows, at, from).await?;
    live.inbox = inbox_after(rows, at, live.inbox_consumed).await?;
    Ok(())
}

async fn inbox_after<C: DerefMut<Target = SqliteConnection>>(
    rows: &mut Scoped<C>,
    at: RunRef,
    consumed: u64,
) -> Result<Vec<Delivery>, Error> {
    let sql = tenant_sql!("SELECT effect_id, outcome FROM inbox WHERE tenant = ?1 AND run = ?2 AND pos > ?3 ORDER BY pos");
    let found = rows.query(sql).bind(at.run.0).bind(seq(consumed)).all().await?;
    found.iter().map(|row| query::delivery(&mut Columns::of(row))).collect()
}

async fn history_after<C: DerefMut<Target = SqliteConnection>>(
    rows: &mut Scoped<C>,
    at: RunRef,
    from: i64,
) -> Result<Vec<String>, Error> {
    let sql = tenant_sql!("SELECT ticks FROM history WHERE tenant = ?1 AND run = ?2 AND pos > ?3 ORDER BY pos");
    let mut all = Vec::new();
    for row in rows.query(sql).bind(at.run.0).bind(from).all().await? {
        let ticks: Vec<Box<RawValue>> = query::parse(row.try_get(0)?)?;
        all.extend(ticks.into_iter().map(|t| String::from(Box::<str>::from(t))));
    }
    Ok(all)
}
