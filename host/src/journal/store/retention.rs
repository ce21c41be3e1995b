//! What expires: runs with everything that is theirs, the oldest rows of a ledger, ids of commands; and the space that they leave.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::types::Error;
use super::Answer;
use super::query::Columns;
use crate::clock::Micros;
use crate::ids::{Digest, LedgerSeq, RunKey, RunRef, TenantId};
use crate::schedules::MARK;

/// Bytes of ledger rows that one step takes; one row at least.
const STEP_BYTES: u64 = 8 << 20;

// `CROSS JOIN` and `+` have SQLite find a few rows by their keys, and not look for them by their times.

/// That nothing uses the memory of a session (run `r` of tenant `?1`) any more: the session has no runs, and no artifact as young as `?3`.
pub(crate) const UNUSED_MEMORY: &str = "NOT EXISTS (SELECT 1 FROM runs o WHERE o.tenant = ?1 AND o.session_id = r.session_id AND o.run <> r.run) \
    AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.tenant = ?1 AND o.run_id = r.session_id) \
    AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.tenant = ?1 AND a.run_id = r.run_id AND +a.created_us >= ?3)";

/// Every table with rows of a run.
const OF_RUNS: [&str; 9] = [
    "DELETE FROM ledger WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM history WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM snapshots WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM inbox WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM waits WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM moves WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM host_patches WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM run_state WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
    "DELETE FROM runs WHERE tenant = ?1 AND run IN (SELECT value FROM json_each(?2))",
];

/// Those that know a run by its name.
const OF_NAMES: [&str; 2] = [
    "DELETE FROM artifacts WHERE tenant = ?1 AND run_id IN (SELECT value FROM json_each(?2))",
    "DELETE FROM artifact_access WHERE tenant = ?1 AND run_id IN (SELECT value FROM json_each(?2))",
];

/// A run that has ended.
struct Ended {
    run: RunKey,
    run_id: String,
    workflow_id: String,
}

fn keys(runs: impl Iterator<Item = RunKey>) -> String {
    let keys: Vec<String> = runs.map(|run| run.0.to_string()).collect();
    format!("[{}]", keys.join(","))
}

fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> Answer<String> {
    let texts: Vec<&str> = texts.collect();
    serde_json::to_string(&texts).map_err(|e| Error::Corrupt(format!("names: {e}")))
}

/// Removes those of `runs` that have ended before `before`, have no descendants but among them, and that nobody waits for; and `newest`
/// never, so that its number is not given out again. Returns which, and how many rows they had.
pub(crate) async fn remove_runs(
    conn: &mut SqliteConnection,
    tenant: TenantId,
    runs: &[RunKey],
    (before, newest): (Micros, RunKey),
) -> Answer<(Vec<RunKey>, u64)> {
    let mut gone = ended(conn, tenant, runs, (before, newest)).await?;
    // A run whose child stays stays, and so on upwards.
    loop {
        let list = keys(gone.iter().map(|run| run.run));
        let sql = "SELECT c.parent FROM runs c WHERE c.tenant = ?1 AND c.parent IN (SELECT value FROM json_each(?2)) \
                   AND c.run NOT IN (SELECT value FROM json_each(?2))";
        let parents: Vec<i64> = sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(&list)
            .fetch_all(&mut *conn)
            .await?;
        if parents.is_empty() {
            break;
        }
        gone.retain(|run| !parents.contains(&run.run.0));
    }
    if gone.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let list = keys(gone.iter().map(|run| run.run));
    let names = texts(gone.iter().map(|run| &*run.run_id))?;
    let mut rows = 0;
    for (sql, list) in OF_RUNS
        .into_iter()
        .map(|sql| (sql, &list))
        .chain(OF_NAMES.map(|sql| (sql, &names)))
    {
        let done = sqlx::query(sql).bind(tenant.0).bind(list).execute(&mut *conn).await?;
        rows += done.rows_affected();
    }
    // The wrapper of a schedule goes with the last run of it.
    let wrappers = gone
        .iter()
        .map(|run| &*run.workflow_id)
        .filter(|id| id.starts_with("scheduled:"));
    let wrappers = texts(wrappers)?;
    if wrappers != "[]" {
        let sql = "DELETE FROM dynamic_workflows WHERE tenant = ?1 AND workflow_id IN (SELECT value FROM json_each(?2)) \
                   AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.tenant = ?1 AND o.workflow_id = dynamic_workflows.workflow_id) \
                   RETURNING component";
        let components: Vec<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(tenant.0)
            .bind(wrappers)
            .fetch_all(&mut *conn)
            .await?;
        rows += components.len() as u64;
        rows += remove_components(conn, tenant, components).await?;
    }
    Ok((gone.into_iter().map(|run| run.run).collect(), rows))
}

/// Removes those of these components that no schedule has any more. One that was made before wrappers were marked stays: a bundle may have it.
async fn remove_components(conn: &mut SqliteConnection, tenant: TenantId, mut components: Vec<Vec<u8>>) -> Answer<u64> {
    components.sort_unstable();
    components.dedup();
    let mut rows = 0;
    for digest in components {
        let sql = "DELETE FROM components WHERE tenant = ?1 AND digest = ?2 \
                   AND NOT EXISTS (SELECT 1 FROM dynamic_workflows d WHERE d.tenant = ?1 AND d.component = ?2) \
                   AND EXISTS (SELECT 1 FROM blobs b WHERE b.tenant = ?1 AND b.digest = ?2 AND substr(b.bytes, -length(?3)) = ?3)";
        let gone = sqlx::query(sql)
            .bind(tenant.0)
            .bind(&digest)
            .bind(MARK)
            .execute(&mut *conn)
            .await?;
        if gone.rows_affected() > 0 {
            let sql = "DELETE FROM blobs WHERE tenant = ?1 AND digest = ?2";
            let bytes = sqlx::query(sql).bind(tenant.0).bind(&digest).execute(&mut *conn).await?;
            rows += gone.rows_affected() + bytes.rows_affected();
        }
    }
    Ok(rows)
}

async fn ended(
    conn: &mut SqliteConnection,
    tenant: TenantId,
    runs: &[RunKey],
    (before, newest): (Micros, RunKey),
) -> Answer<Vec<Ended>> {
    // A paused run may wait for one that has ended: it is told when it is resumed.
    let sql = format!(
        "SELECT s.run, r.run_id, r.workflow_id FROM json_each(?2) e CROSS JOIN run_state s ON s.tenant = ?1 AND s.run = e.value \
         CROSS JOIN runs r ON r.tenant = ?1 AND r.run = s.run WHERE s.status IN ('completed', 'failed', 'cancelled') \
         AND s.updated_us < ?3 AND s.run < ?4 AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.tenant = ?1 AND w.wait_key = 'subworkflow:' || r.run_id) \
         AND (r.workflow_id <> '__session_memory__' OR ({UNUSED_MEMORY}))"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(keys(runs.iter().copied()))
        .bind(before.0)
        .bind(newest.0)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Ended {
                run: RunKey(c.get()?),
                run_id: c.get()?,
                workflow_id: c.get()?,
            })
        })
        .collect()
}

/// Where a run's rows begin and end.
struct Extent {
    ended: bool,
    last_seq: LedgerSeq,
    horizon: LedgerSeq,
    history_pos: u64,
    history_horizon: u64,
    /// History up to this row is in the snapshot.
    snapshot: u64,
}

/// Removes ledger rows of a run below `below`, the oldest first and `limit` at most, and as much history. `whole`: the run is about to go
/// if it has ended; otherwise its newest row stays, and so does all history that brings it back. Returns how many rows went, and whether more could.
pub(crate) async fn trim(
    conn: &mut SqliteConnection,
    at: RunRef,
    (below, whole): (LedgerSeq, bool),
    limit: u64,
) -> Answer<(u64, bool)> {
    let run = extent(conn, at).await?.filter(|run| run.ended || !whole);
    let Some(run) = run else { return Ok((0, false)) };
    let end = if whole { run.last_seq + 1 } else { run.last_seq };
    let wanted = below.min(end);
    let (horizon, last) = step(conn, at, (run.horizon, wanted.min(run.horizon + limit))).await?;
    let gone = sqlx::query("DELETE FROM ledger WHERE tenant = ?1 AND run = ?2 AND seq < ?3")
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(number(horizon))
        .execute(&mut *conn)
        .await?
        .rows_affected();
    // A ledger that has lost rows cannot be computed again from the start, so the history of what the snapshot holds is of no use.
    let needless = match (whole, horizon > 1) {
        (true, _) => run.history_pos + 1,
        (false, true) => run.snapshot + 1,
        (false, false) => 1,
    };
    let history = needless.min(run.history_horizon + limit).max(run.history_horizon);
    let forgotten = match history > run.history_horizon {
        false => 0,
        true => sqlx::query("DELETE FROM history WHERE tenant = ?1 AND run = ?2 AND pos < ?3")
            .bind(at.tenant.0)
            .bind(at.run.0)
            .bind(number(history))
            .execute(&mut *conn)
            .await?
            .rows_affected(),
    };
    if let Some(last) = &last {
        drop_large(conn, at, last.started).await?;
    }
    let hash = last.and_then(|last| last.hash).map(|hash| hash.0.to_vec());
    let sql = "UPDATE run_state SET horizon = ?3, history_horizon = ?4, horizon_hash = coalesce(?5, horizon_hash) \
               WHERE tenant = ?1 AND run = ?2";
    sqlx::query(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(number(horizon))
        .bind(number(history))
        .bind(hash)
        .execute(&mut *conn)
        .await?;
    Ok((gone + forgotten, horizon < wanted || history < needless))
}

async fn extent(conn: &mut SqliteConnection, at: RunRef) -> Answer<Option<Extent>> {
    let sql = "SELECT s.status IN ('completed', 'failed', 'cancelled'), s.last_seq, s.horizon, s.history_pos, s.history_horizon, coalesce((SELECT n.pos FROM snapshots n \
               WHERE n.tenant = s.tenant AND n.run = s.run), 0) FROM run_state s WHERE s.tenant = ?1 AND s.run = ?2";
    let row = sqlx::query(sql).bind(at.tenant.0).bind(at.run.0).fetch_optional(conn).await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok(Extent {
            ended: c.get()?,
            last_seq: c.u64()?,
            horizon: c.u64()?,
            history_pos: c.u64()?,
            history_horizon: c.u64()?,
            snapshot: c.u64()?,
        })
    })
    .transpose()
}

/// The last row that a step takes.
struct Last {
    started: Option<Micros>,
    /// Its place in the chain, if rows are chained.
    hash: Option<Digest>,
}

/// How far of `from..to` one step goes, by the size of the rows, and the last row before that.
async fn step(conn: &mut SqliteConnection, at: RunRef, (from, to): (LedgerSeq, LedgerSeq)) -> Answer<(LedgerSeq, Option<Last>)> {
    if to <= from {
        return Ok((from, None));
    }
    let sql = "SELECT octet_length(record) FROM ledger WHERE tenant = ?1 AND run = ?2 AND seq >= ?3 AND seq < ?4 ORDER BY seq";
    let sizes: Vec<i64> = sqlx::query_scalar(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(number(from))
        .bind(number(to))
        .fetch_all(&mut *conn)
        .await?;
    let mut left = STEP_BYTES;
    let fitting = sizes.iter().skip(1).take_while(|size| {
        let fits = size.unsigned_abs() <= left;
        left = left.saturating_sub(size.unsigned_abs());
        fits
    });
    let to = from + 1 + fitting.count() as u64;
    let sql =
        "SELECT record ->> '$.started_at', record ->> '$.record_hash' FROM ledger WHERE tenant = ?1 AND run = ?2 AND seq = ?3";
    let row = sqlx::query(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(number(to - 1))
        .fetch_optional(conn)
        .await?;
    let last = row.map(|row| {
        let mut c = Columns::of(&row);
        Ok::<_, Error>(Last {
            started: c.get::<Option<&str>>()?.and_then(Micros::parse),
            hash: c.get::<Option<&str>>()?.and_then(Digest::parse),
        })
    });
    Ok((to, last.transpose()?))
}

/// Forgets the artifacts that were made of large values of rows which are gone: those from before the last of these rows.
async fn drop_large(conn: &mut SqliteConnection, at: RunRef, before: Option<Micros>) -> Answer<()> {
    let Some(before) = before else { return Ok(()) };
    let sql = "DELETE FROM artifacts WHERE tenant = ?1 AND run_id = (SELECT r.run_id FROM runs r WHERE r.tenant = ?1 AND r.run = ?2) \
               AND +created_us < ?3 AND tags ->> '$.source' IN ('ledger_effect_offload', 'ledger_result_offload')";
    sqlx::query(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(before.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets commands that were applied or refused before `before`, `limit` at most, and the one with the newest number never. Returns how
/// many.
pub(crate) async fn forget_commands(
    conn: &mut SqliteConnection,
    tenant: TenantId,
    (before, newest): (Micros, i64),
    limit: u64,
) -> Answer<u64> {
    let sql = "DELETE FROM commands WHERE tenant = ?1 AND command_id IN (SELECT c.command_id FROM commands c WHERE c.tenant = ?1 \
               AND c.applied_us IS NOT NULL AND c.applied_us < ?2 AND c.seq < ?3 ORDER BY c.applied_us LIMIT ?4)";
    let done = sqlx::query(sql)
        .bind(tenant.0)
        .bind(before.0)
        .bind(newest)
        .bind(number(limit))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Gives free pages back to the file system, `pages` at most. Returns how many.
pub(crate) async fn vacuum(conn: &mut SqliteConnection, pages: u64) -> Answer<u64> {
    let free = "SELECT freelist_count FROM pragma_freelist_count";
    let before: i64 = sqlx::query_scalar(free).fetch_one(&mut *conn).await?;
    let sql = AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"));
    // One step frees one page, so all of them have to be made.
    sqlx::query(sql).fetch_all(&mut *conn).await?;
    let after: i64 = sqlx::query_scalar(free).fetch_one(&mut *conn).await?;
    Ok(before.saturating_sub(after).unsigned_abs())
}

/// Has the log begin again at its start, unless a reader keeps it from that for a tenth of a second.
pub(crate) async fn restart_log(conn: &mut SqliteConnection) -> Answer<()> {
    sqlx::query("PRAGMA busy_timeout = 100").execute(&mut *conn).await?;
    let done = sqlx::query("PRAGMA wal_checkpoint(RESTART)").execute(&mut *conn).await;
    sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *conn).await?;
    done?;
    Ok(())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
