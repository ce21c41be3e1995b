//! The store on SQLite: one connection that writes, in WAL mode.
//!
//! # When the disk fails
//!
//! A statement that fails, `COMMIT` among them, ends in a rollback; where that fails too, in a new connection. After a flush that failed nobody
//! knows what is on the disk, and asking again would not tell: the system may have forgotten what it did not write. Here that does no
//! harm. A failed commit's pages lie behind the end of the log that all connections agree on, and the next commit writes the same
//! places anew before it is flushed; nothing that was flushed before is touched. A failed checkpoint leaves the log as it is, and the next one
//! writes all of its pages again. What is left is a commit that was refused, and whose pages are found whole when the host is killed before
//! it makes another: its request then has happened, as one whose answer was lost with a connection.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::super::options::Options;
use super::super::types::{Compiled, Delivery, DeprecationRow, DynamicWorkflow, Error, Moved, Pin};
use super::connect::{connect_options, migrate};
use super::query::{self, Columns, StoredHead};
use super::{Answer, CommandRow, Counters, Found, Store, Writes, insert, moves, retention, schedules};
use crate::clock::Micros;
use crate::ids::{Digest, LedgerSeq, RunKey, RunRef, TenantId};
use crate::record::Json;

/// Of a connection that has read none yet.
const NO_VERSION: i64 = -1;

/// The write connection. Owned by the writer task.
pub(crate) struct Sqlite {
    /// Shared only where the database is in memory: then reads take it between commits. Otherwise the lock is always free.
    conn: Arc<Mutex<SqliteConnection>>,
    /// Held from `begin` to `commit` or `rollback`.
    open: Option<OwnedMutexGuard<SqliteConnection>>,
    /// SQLite's number that changes when another connection commits.
    data_version: i64,
    /// To connect anew when the connection has failed for good; None in memory, where that would lose everything.
    reconnect: Option<SqliteConnectOptions>,
    broken: bool,
}

impl Sqlite {
    pub(crate) async fn open(options: &Options) -> Answer<Self> {
        if let Some(dir) = options.path.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(dir).map_err(sqlx::Error::Io)?;
        }
        let connect = connect_options(options, false);
        let mut conn = connect.connect().await?;
        migrate(&mut conn).await?;
        Ok(Sqlite {
            conn: Arc::new(Mutex::new(conn)),
            open: None,
            data_version: NO_VERSION,
            reconnect: options.path.is_some().then_some(connect),
            broken: false,
        })
    }

    /// For reads of a database in memory.
    pub(crate) fn shared(&self) -> Arc<Mutex<SqliteConnection>> {
        Arc::clone(&self.conn)
    }

    fn conn(&mut self) -> Answer<&mut SqliteConnection> {
        self.open
            .as_deref_mut()
            .ok_or_else(|| Error::Corrupt("a query outside of a commit".to_owned()))
    }
}

fn run_refs(rows: &[sqlx::sqlite::SqliteRow]) -> Answer<Vec<RunRef>> {
    rows.iter().map(|row| Columns::of(row).at()).collect()
}

fn found(rows: &[sqlx::sqlite::SqliteRow]) -> Answer<Vec<Found>> {
    rows.iter().map(|row| query::found(&mut Columns::of(row))).collect()
}

/// The two keys that an event matches: its own and the wildcard's; the same twice for an event without wildcard.
fn two(keys: &[String]) -> (&str, &str) {
    let first = keys.first().map_or("", String::as_str);
    (first, keys.get(1).map_or(first, String::as_str))
}

impl Store for Sqlite {
    async fn begin(&mut self) -> Answer<bool> {
        let mut conn = Arc::clone(&self.conn).lock_owned().await;
        if self.broken {
            if let Some(connect) = &self.reconnect {
                *conn = connect.connect().await?;
                // The number is of one connection: that of another says nothing.
                self.data_version = NO_VERSION;
            }
            self.broken = false;
        }
        // Open from here on, whatever becomes of it: a transaction that has begun is ended by `rollback`.
        let conn = self.open.insert(conn);
        let version: i64 = sqlx::query_scalar("BEGIN IMMEDIATE; PRAGMA data_version")
            .fetch_one(&mut **conn)
            .await?;
        let foreign = version != self.data_version;
        self.data_version = version;
        Ok(foreign)
    }

    async fn commit(&mut self, writes: &mut Writes) -> Answer<()> {
        insert::commit(self.conn()?, writes).await?;
        self.open = None;
        Ok(())
    }

    async fn rollback(&mut self) {
        // What is read at the beginning of a commit that failed is forgotten with it: the next one is to read it again.
        self.data_version = NO_VERSION;
        if let Some(mut conn) = self.open.take()
            && let Err(error) = sqlx::query("ROLLBACK").execute(&mut *conn).await
        {
            // SQLite may have rolled back by itself already; whatever it was, a fresh connection is certain.
            tracing::warn!(%error, "a commit could not be rolled back; connecting anew");
            self.broken = true;
        }
    }

    async fn apply(&mut self, writes: &mut Writes) -> Answer<()> {
        insert::apply(self.conn()?, writes).await
    }

    async fn counters(&mut self) -> Answer<Counters> {
        let sql = "SELECT (SELECT coalesce(max(run), 0) FROM (SELECT (SELECT max(run) FROM runs r WHERE r.tenant = t.tenant) AS run \
                   FROM tenants t)), (SELECT coalesce(max(seq), 0) FROM commands), (SELECT coalesce(max(delivery), 0) FROM deliveries)";
        let row = sqlx::query(sql).fetch_one(self.conn()?).await?;
        let mut c = Columns::of(&row);
        Ok(Counters {
            run: c.get()?,
            command: c.get()?,
            delivery: c.get()?,
        })
    }

    async fn last_ord(&mut self) -> Answer<i64> {
        Ok(sqlx::query_scalar("SELECT coalesce(max(ord), 0) FROM waits")
            .fetch_one(self.conn()?)
            .await?)
    }

    async fn existing(&mut self, tenant: TenantId, ids: Vec<Arc<str>>) -> Answer<HashSet<Arc<str>>> {
        let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let found = query::keys_of(self.conn()?, tenant, &ids).await?;
        Ok(found.into_iter().map(|(id, _)| id).collect())
    }

    async fn keys_of(&mut self, tenant: TenantId, ids: &[&str]) -> Answer<Vec<(Arc<str>, RunKey)>> {
        query::keys_of(self.conn()?, tenant, ids).await
    }

    async fn key_of(&mut self, tenant: TenantId, run_id: &str) -> Answer<Option<RunKey>> {
        let sql = "SELECT run FROM runs WHERE tenant = ?1 AND run_id = ?2";
        let key: Option<i64> = sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(run_id)
            .fetch_optional(self.conn()?)
            .await?;
        Ok(key.map(RunKey))
    }

    async fn head(&mut self, at: RunRef) -> Answer<Option<StoredHead>> {
        query::head(self.conn()?, at).await
    }

    async fn heads(&mut self, tenant: TenantId, runs: &[RunKey]) -> Answer<Vec<StoredHead>> {
        query::heads(self.conn()?, tenant, runs).await
    }

    async fn family(&mut self, root: RunRef) -> Answer<Vec<RunRef>> {
        let sql = "WITH RECURSIVE family (run, depth) AS (VALUES (?2, 0) UNION \
                   SELECT r.run, f.depth + 1 FROM family f JOIN runs r ON r.tenant = ?1 AND r.parent = f.run) \
                   SELECT ?1, run FROM family ORDER BY depth, run";
        let rows = sqlx::query(sql)
            .bind(root.tenant.0)
            .bind(root.run.0)
            .fetch_all(self.conn()?)
            .await?;
        run_refs(&rows)
    }

    async fn root_of(&mut self, at: RunRef) -> Answer<Option<(RunRef, Json)>> {
        schedules::root_of(self.conn()?, at).await
    }

    async fn started_after(&mut self, after: i64) -> Answer<Vec<RunRef>> {
        let sql = "SELECT s.tenant, s.run FROM tenants t JOIN run_state s ON s.tenant = t.tenant AND s.run > ?1 \
                   WHERE s.status = 'running' AND s.unarmed = 0 ORDER BY s.run";
        run_refs(&sqlx::query(sql).bind(after).fetch_all(self.conn()?).await?)
    }

    async fn unarmed(&mut self, tenant: TenantId, session: Option<&str>, horizon: RunKey) -> Answer<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM run_state s JOIN runs r USING (tenant, run) WHERE s.tenant = ?1 AND s.unarmed > 0 \
                   AND s.run <= ?3 AND (?2 IS NULL OR coalesce(r.session_id, r.run_id) = ?2))";
        Ok(sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(session)
            .bind(horizon.0)
            .fetch_one(self.conn()?)
            .await?)
    }

    async fn inbox_after(&mut self, at: RunRef, consumed: u64) -> Answer<Vec<Delivery>> {
        let sql = "SELECT effect_id, outcome FROM inbox WHERE tenant = ?1 AND run = ?2 AND pos > ?3 ORDER BY pos";
        let rows = sqlx::query(sql)
            .bind(at.tenant.0)
            .bind(at.run.0)
            .bind(consumed as i64)
            .fetch_all(self.conn()?)
            .await?;
        rows.iter().map(|row| query::delivery(&mut Columns::of(row))).collect()
    }

    async fn listeners(
        &mut self,
        tenant: TenantId,
        keys: &[String],
        without: Option<RunRef>,
        limit: u32,
    ) -> Answer<Vec<(Found, Arc<str>)>> {
        let (key, wildcard) = two(keys);
        let sql = "SELECT w.tenant, w.run, w.effect_id, w.ord, w.claimed, r.run_id FROM waits w JOIN runs r USING (tenant, run) \
                   WHERE w.tenant = ?1 AND w.wait_key IN (?2, ?3) AND w.reason = 'event' AND w.armed = 1 AND w.claimed IS NULL \
                   AND NOT (w.tenant = ?4 AND w.run = ?5) ORDER BY w.ord LIMIT ?6";
        let rows = sqlx::query(sql)
            .bind(tenant.0)
            .bind(key)
            .bind(wildcard)
            .bind(without.map_or(-1, |r| r.tenant.0))
            .bind(without.map_or(-1, |r| r.run.0))
            .bind(limit)
            .fetch_all(self.conn()?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((query::found(&mut c)?, c.get::<&str>()?.into()))
            })
            .collect()
    }

    async fn event_names(&mut self, tenant: TenantId, prefix: &str, limit: u32) -> Answer<Vec<String>> {
        // The last character there is ends the range of keys that begin with the prefix.
        let sql = "SELECT substr(wait_key, length(?2) + 1) FROM waits WHERE tenant = ?1 AND wait_key > ?2 AND wait_key < ?2 || char(1114111) \
                   AND reason = 'event' AND armed = 1 ORDER BY ord DESC LIMIT ?3";
        Ok(sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(prefix)
            .bind(limit)
            .fetch_all(self.conn()?)
            .await?)
    }

    async fn claim(&mut self, tenant: TenantId, waits: &[(RunRef, u64)], delivery: i64) -> Answer<()> {
        let list: Vec<(i64, u64)> = waits.iter().map(|(at, effect_id)| (at.run.0, *effect_id)).collect();
        let list = serde_json::to_string(&list).map_err(|e| Error::Corrupt(format!("waits to claim: {e}")))?;
        let sql = "UPDATE waits SET claimed = ?3 WHERE (tenant, run, effect_id) IN \
                   (SELECT ?1, value ->> 0, value ->> 1 FROM json_each(?2))";
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(list)
            .bind(delivery)
            .execute(self.conn()?)
            .await?;
        Ok(())
    }

    async fn claimed(&mut self, limit: u32) -> Answer<Vec<Found>> {
        let sql = "SELECT tenant, run, effect_id, ord, claimed FROM waits WHERE claimed IS NOT NULL AND armed = 1 \
                   ORDER BY claimed, ord LIMIT ?1";
        found(&sqlx::query(sql).bind(limit).fetch_all(self.conn()?).await?)
    }

    async fn envelope(&mut self, tenant: TenantId, delivery: i64) -> Answer<Option<Arc<str>>> {
        let sql = "SELECT envelope FROM deliveries WHERE tenant = ?1 AND delivery = ?2";
        let text: Option<String> = sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(delivery)
            .fetch_optional(self.conn()?)
            .await?;
        Ok(text.map(Arc::from))
    }

    async fn drop_deliveries(&mut self) -> Answer<()> {
        let sql = "DELETE FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM waits w WHERE w.claimed = deliveries.delivery)";
        sqlx::query(sql).execute(self.conn()?).await?;
        Ok(())
    }

    async fn watchers(&mut self, tenant: TenantId, key: &str) -> Answer<Vec<Found>> {
        let sql = "SELECT tenant, run, effect_id, ord, claimed FROM waits WHERE tenant = ?1 AND wait_key = ?2 \
                   AND reason = 'subworkflow' AND armed = 1 ORDER BY ord";
        found(&sqlx::query(sql).bind(tenant.0).bind(key).fetch_all(self.conn()?).await?)
    }

    async fn due(&mut self, now: Micros, limit: u32) -> Answer<Vec<Found>> {
        let sql = "SELECT tenant, run, effect_id, ord, claimed FROM waits WHERE until_us IS NOT NULL AND armed = 1 AND until_us <= ?1 \
                   ORDER BY until_us, ord LIMIT ?2";
        found(&sqlx::query(sql).bind(now.0).bind(limit).fetch_all(self.conn()?).await?)
    }

    async fn next_due(&mut self) -> Answer<Option<Micros>> {
        let sql = "SELECT min(until_us) FROM waits WHERE until_us IS NOT NULL AND armed = 1";
        let next: Option<i64> = sqlx::query_scalar(sql).fetch_one(self.conn()?).await?;
        Ok(next.map(Micros))
    }

    async fn command_seqs(&mut self, tenant: TenantId, ids: &[&str]) -> Answer<Vec<(Arc<str>, u64)>> {
        query::command_seqs(self.conn()?, tenant, ids).await
    }

    async fn command_seq(&mut self, tenant: TenantId, command_id: &str) -> Answer<Option<u64>> {
        let sql = "SELECT seq FROM commands WHERE tenant = ?1 AND command_id = ?2";
        let seq: Option<i64> = sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(command_id)
            .fetch_optional(self.conn()?)
            .await?;
        Ok(seq.map(|s| s.max(0) as u64))
    }

    async fn pending_commands(&mut self, after: u64, limit: u32) -> Answer<Vec<CommandRow>> {
        let sql = "SELECT tenant, command_id, seq, run_id, kind, payload, ts, client_id, horizon FROM commands \
                   WHERE state = 'pending' AND seq > ?1 ORDER BY seq LIMIT ?2";
        let rows = sqlx::query(sql)
            .bind(after as i64)
            .bind(limit)
            .fetch_all(self.conn()?)
            .await?;
        rows.iter().map(query::command).collect()
    }

    async fn session_began(&mut self, tenant: TenantId, session: &str) -> Answer<Option<Micros>> {
        query::session_began(self.conn()?, tenant, session).await
    }

    async fn put_blob(&mut self, tenant: TenantId, digest: Digest, bytes: Arc<[u8]>) -> Answer<()> {
        // Most are there, and large: the runtime comes with every component.
        let known = "SELECT EXISTS (SELECT 1 FROM blobs WHERE tenant = ?1 AND digest = ?2)";
        let known = sqlx::query_scalar(known).bind(tenant.0).bind(digest.0.to_vec());
        if known.fetch_one(self.conn()?).await? {
            return Ok(());
        }
        let sql = "INSERT INTO blobs (tenant, digest, bytes) VALUES (?1, ?2, ?3)";
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(digest.0.to_vec())
            .bind(bytes)
            .execute(self.conn()?)
            .await?;
        Ok(())
    }

    async fn put_compiled(&mut self, tenant: TenantId, compiled: &Compiled) -> Answer<()> {
        let sql = "INSERT INTO compiled (tenant, digest, build, outcome) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT DO UPDATE SET build = excluded.build, outcome = excluded.outcome";
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(compiled.bundle.0.to_vec())
            .bind(&compiled.build)
            .bind(&compiled.outcome)
            .execute(self.conn()?)
            .await?;
        Ok(())
    }

    async fn put_description(&mut self, tenant: TenantId, digest: Digest, description: String) -> Answer<()> {
        let sql = "INSERT INTO descriptions (tenant, digest, description) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET description = excluded.description";
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(digest.0.to_vec())
            .bind(description)
            .execute(self.conn()?)
            .await?;
        Ok(())
    }

    async fn put_component(&mut self, tenant: TenantId, digest: Digest, runtime: Option<Digest>) -> Answer<()> {
        let sql = "INSERT INTO components (tenant, digest, runtime) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let runtime = runtime.map(|r| r.0.to_vec());
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(digest.0.to_vec())
            .bind(runtime)
            .execute(self.conn()?)
            .await?;
        Ok(())
    }

    async fn put_bundle(
        &mut self,
        tenant: TenantId,
        (id, version): (&str, &str),
        digest: Digest,
        at: Micros,
        replace: bool,
    ) -> Answer<bool> {
        let sql = if replace {
            "INSERT INTO bundles (tenant, bundle_id, bundle_version, digest, installed_us) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET digest = excluded.digest, installed_us = excluded.installed_us"
        } else {
            "INSERT INTO bundles (tenant, bundle_id, bundle_version, digest, installed_us) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING"
        };
        let done = sqlx::query(sql)
            .bind(tenant.0)
            .bind(id)
            .bind(version)
            .bind(digest.0.to_vec())
            .bind(at.0)
            .execute(self.conn()?)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn remove_bundle(&mut self, tenant: TenantId, (id, version): (&str, &str)) -> Answer<bool> {
        let sql = "DELETE FROM compiled WHERE tenant = ?1 AND digest = \
                   (SELECT digest FROM bundles WHERE tenant = ?1 AND bundle_id = ?2 AND bundle_version = ?3)";
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(id)
            .bind(version)
            .execute(self.conn()?)
            .await?;
        let sql = "DELETE FROM bundles WHERE tenant = ?1 AND bundle_id = ?2 AND bundle_version = ?3";
        let done = sqlx::query(sql)
            .bind(tenant.0)
            .bind(id)
            .bind(version)
            .execute(self.conn()?)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn touch_bundles(&mut self, tenant: TenantId) -> Answer<()> {
        let sql = "INSERT INTO bundle_changes (tenant, changes) VALUES (?1, 1) ON CONFLICT (tenant) DO UPDATE SET changes = changes + 1";
        sqlx::query(sql).bind(tenant.0).execute(self.conn()?).await?;
        Ok(())
    }

    async fn take_over(&mut self) -> Answer<i64> {
        let sql = "INSERT INTO runner (one, term) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET term = term + 1 RETURNING term";
        Ok(sqlx::query_scalar(sql).fetch_one(self.conn()?).await?)
    }

    async fn term(&mut self) -> Answer<i64> {
        Ok(sqlx::query_scalar("SELECT term FROM runner").fetch_one(self.conn()?).await?)
    }

    async fn probe(&mut self, now: Micros) -> Answer<()> {
        let sql = "INSERT INTO probe (one, at_us) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET at_us = excluded.at_us";
        sqlx::query(sql).bind(now.0).execute(self.conn()?).await?;
        Ok(())
    }

    async fn pin_of(&mut self, at: RunRef) -> Answer<Pin> {
        moves::pin_of(self.conn()?, at).await
    }

    async fn move_run(&mut self, at: RunRef, moved: &Moved, keeps_state: bool) -> Answer<()> {
        moves::move_run(self.conn()?, at, moved, keeps_state).await
    }

    async fn put_host_patch(&mut self, at: RunRef, patch: &RawValue) -> Answer<()> {
        schedules::put_host_patch(self.conn()?, at, patch).await
    }

    async fn has_component(&mut self, tenant: TenantId, digest: Digest) -> Answer<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM components WHERE tenant = ?1 AND digest = ?2)";
        let query = sqlx::query_scalar(sql).bind(tenant.0).bind(digest.0.to_vec());
        Ok(query.fetch_one(self.conn()?).await?)
    }

    async fn put_dynamic_workflow(&mut self, workflow: &DynamicWorkflow, at: Micros) -> Answer<()> {
        schedules::put_dynamic_workflow(self.conn()?, workflow, at).await
    }

    async fn put_deprecation(&mut self, tenant: TenantId, row: &DeprecationRow) -> Answer<()> {
        schedules::put_deprecation(self.conn()?, tenant, row).await
    }

    async fn remove_deprecation(&mut self, tenant: TenantId, bundle_id: &str, flow_id: Option<&str>) -> Answer<bool> {
        schedules::remove_deprecation(self.conn()?, tenant, (bundle_id, flow_id)).await
    }

    async fn has_artifact(&mut self, tenant: TenantId, run_id: &str, artifact_id: &str) -> Answer<bool> {
        query::has_artifact(self.conn()?, tenant, (run_id, artifact_id)).await
    }

    async fn remove_runs(&mut self, tenant: TenantId, runs: &[RunKey], bounds: (Micros, RunKey)) -> Answer<(Vec<RunKey>, u64)> {
        retention::remove_runs(self.conn()?, tenant, runs, bounds).await
    }

    async fn trim(&mut self, at: RunRef, how: (LedgerSeq, bool), limit: u64) -> Answer<(u64, bool)> {
        retention::trim(self.conn()?, at, how, limit).await
    }

    async fn forget_commands(&mut self, tenant: TenantId, bounds: (Micros, i64), limit: u64) -> Answer<u64> {
        retention::forget_commands(self.conn()?, tenant, bounds, limit).await
    }

    async fn vacuum(&mut self, pages: u64) -> Answer<u64> {
        retention::vacuum(self.conn()?, pages).await
    }

    async fn restart_log(&mut self) -> Answer<()> {
        retention::restart_log(&mut *Arc::clone(&self.conn).lock_owned().await).await
    }

    async fn checkpoint(&mut self) -> Answer<()> {
        let mut conn = Arc::clone(&self.conn).lock_owned().await;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *conn).await?;
        Ok(())
    }
}
