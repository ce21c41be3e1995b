//! Database rows as the journal's types, for the writer and for reads.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::rows::patched;
use super::super::types::{CommandKind, Delivery, Error, HostPatch, Metrics, Pause, RunRow};
use super::{Answer, CommandRow, Found, Identity, State, WaitRow, Watched};
use crate::clock::Micros;
use crate::ids::{Digest, RunId, RunKey, RunRef, TenantId};
use crate::record::{Json, RunStatus, WaitState};

pub(crate) fn raw(text: String) -> Answer<Json> {
    RawValue::from_string(text).map_err(|e| Error::Corrupt(format!("stored JSON cannot be read: {e}")))
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|e| Error::Corrupt(format!("stored JSON cannot be read: {e}")))
}

pub(crate) fn digest(bytes: &[u8]) -> Answer<Digest> {
    bytes
        .try_into()
        .map(Digest)
        .map_err(|_| Error::Corrupt("a stored digest has not 32 bytes".to_owned()))
}

pub(crate) fn status(text: &str) -> Answer<RunStatus> {
    RunStatus::parse(text).ok_or_else(|| Error::Corrupt(format!("unknown status '{text}'")))
}

/// Reads columns of a row in order.
pub(crate) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r SqliteRow) -> Self {
        Columns { row, next: 0 }
    }
    pub(crate) fn get<T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(&mut self) -> Answer<T> {
        let column = self.next;
        self.next += 1;
        Ok(self.row.try_get(column)?)
    }
    pub(crate) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }
    pub(crate) fn text(&mut self) -> Answer<Option<Arc<str>>> {
        Ok(self.get::<Option<&str>>()?.map(Arc::from))
    }
    pub(crate) fn u64(&mut self) -> Answer<u64> {
        Ok(self.get::<i64>()?.max(0) as u64)
    }
    pub(crate) fn micros(&mut self) -> Answer<Option<Micros>> {
        Ok(self.get::<Option<i64>>()?.map(Micros))
    }
    pub(crate) fn at(&mut self) -> Answer<RunRef> {
        Ok(RunRef {
            tenant: TenantId(self.get()?),
            run: RunKey(self.get()?),
        })
    }
}

macro_rules! head {
    ($which:literal) => {
        concat!(
            "SELECT r.run, r.run_id, coalesce(r.session_id, r.run_id), r.actor_id, r.parent, s.status, s.node, s.output, s.error, \
             s.updated_us, s.epoch, s.last_seq, s.notes, s.steps, s.llm_calls, s.tool_calls, s.tokens_in, s.tokens_out, s.tokens, s.last_us, \
             s.history_pos, s.inbox_end, s.inbox_consumed, s.calls, s.paused, s.pause_reason, s.paused_us, s.resumed_us, s.pausing, s.unarmed, \
             s.arming, s.watched, s.chain FROM runs r JOIN run_state s USING (tenant, run) WHERE r.tenant = ?1 AND r.run ",
            $which
        )
    };
}
const HEAD: &str = head!("= ?2");
const HEADS: &str = head!("IN (SELECT value FROM json_each(?2))");

macro_rules! open_waits {
    ($which:literal) => {
        concat!(
            "SELECT run, effect_id, ord, claimed, until_us, wait FROM waits WHERE tenant = ?1 AND run ",
            $which,
            " ORDER BY run, ord"
        )
    };
}
const OPEN_WAITS: &str = open_waits!("= ?2");
const ALL_OPEN_WAITS: &str = open_waits!("IN (SELECT value FROM json_each(?2))");

/// The columns of [`HEAD`] from `s.status` on.
fn state(c: &mut Columns<'_>) -> Answer<State> {
    Ok(State {
        status: status(c.get()?)?,
        node: c.text()?,
        output: c.text()?,
        error: c.text()?,
        updated: Micros(c.get()?),
        epoch: c.u64()?,
        last_seq: c.u64()?,
        notes: c.u64()?,
        metrics: metrics(c)?,
        last_time: Micros(c.get()?),
        history_pos: c.u64()?,
        inbox_end: c.u64()?,
        inbox_consumed: c.u64()?,
        calls: c.text()?,
        pause: pause(c)?,
        pausing: c.get()?,
        unarmed: c.get()?,
        arming: c.get()?,
        watched: match c.get::<i64>()? {
            0 => Watched::Nobody,
            1 => Watched::Parent,
            _ => Watched::Others,
        },
        chain: c.get::<Option<&[u8]>>()?.map(digest).transpose()?,
    })
}

/// The columns `effect_id, outcome` of the inbox.
pub(crate) fn delivery(c: &mut Columns<'_>) -> Answer<Delivery> {
    Ok(Delivery {
        effect_id: c.u64()?,
        outcome: parse(c.get()?)?,
    })
}

pub(crate) fn metrics(c: &mut Columns<'_>) -> Answer<Metrics> {
    Ok(Metrics {
        steps: c.u64()?,
        llm_calls: c.u64()?,
        tool_calls: c.u64()?,
        tokens_in: c.u64()?,
        tokens_out: c.u64()?,
        tokens: c.u64()?,
    })
}

fn pause(c: &mut Columns<'_>) -> Answer<Pause> {
    Ok(Pause {
        paused: c.get()?,
        reason: c.get()?,
        paused_at: c.micros()?,
        resumed_at: c.micros()?,
    })
}

/// What the writer must know of a run before it moves it.
pub(crate) struct StoredHead {
    pub run: RunKey,
    pub id: Identity,
    pub state: State,
    pub waits: Vec<WaitRow>,
}

/// A row of [`HEAD`].
fn stored_head(row: &SqliteRow) -> Answer<StoredHead> {
    let mut c = Columns::of(row);
    Ok(StoredHead {
        run: RunKey(c.get()?),
        id: Identity {
            run_id: c.get::<&str>()?.into(),
            session_id: c.get::<&str>()?.into(),
            actor_id: c.text()?,
            parent: c.get::<Option<i64>>()?.map(RunKey),
        },
        state: state(&mut c)?,
        waits: Vec::new(),
    })
}

/// A row of [`OPEN_WAITS`].
fn open_wait(c: &mut Columns<'_>) -> Answer<WaitRow> {
    Ok(WaitRow {
        effect_id: c.u64()?,
        ord: c.get()?,
        claimed: c.get()?,
        until: c.micros()?,
        wait: parse(c.get()?)?,
    })
}

pub(crate) async fn head(conn: &mut SqliteConnection, at: RunRef) -> Answer<Option<StoredHead>> {
    let query = sqlx::query(HEAD).bind(at.tenant.0).bind(at.run.0);
    let Some(row) = query.fetch_optional(&mut *conn).await? else {
        return Ok(None);
    };
    let mut head = stored_head(&row)?;
    if !head.state.status.is_terminal() {
        let query = sqlx::query(OPEN_WAITS).bind(at.tenant.0).bind(at.run.0);
        for row in query.fetch_all(&mut *conn).await? {
            let mut c = Columns::of(&row);
            c.skip(1);
            head.waits.push(open_wait(&mut c)?);
        }
    }
    Ok(Some(head))
}

/// Those of the runs that are there and can be read: what is wrong with another is said when it is asked for alone.
pub(crate) async fn heads(conn: &mut SqliteConnection, tenant: TenantId, runs: &[RunKey]) -> Answer<Vec<StoredHead>> {
    let keys: Vec<i64> = runs.iter().map(|run| run.0).collect();
    let keys = list(&keys)?;
    let rows = sqlx::query(HEADS).bind(tenant.0).bind(&keys).fetch_all(&mut *conn).await?;
    let mut heads: HashMap<RunKey, StoredHead> = rows
        .iter()
        .filter_map(|row| stored_head(row).ok())
        .map(|head| (head.run, head))
        .collect();
    for row in sqlx::query(ALL_OPEN_WAITS)
        .bind(tenant.0)
        .bind(&keys)
        .fetch_all(&mut *conn)
        .await?
    {
        let mut c = Columns::of(&row);
        let run = RunKey(c.get()?);
        match (heads.get_mut(&run), open_wait(&mut c)) {
            (Some(head), Ok(wait)) => head.waits.push(wait),
            (Some(_), Err(_)) => drop(heads.remove(&run)),
            (None, _) => {}
        }
    }
    Ok(heads.into_values().collect())
}

/// Rows of `tenant, run, effect_id, ord, claimed`.
pub(crate) fn found(c: &mut Columns<'_>) -> Answer<Found> {
    Ok(Found {
        at: c.at()?,
        effect_id: c.u64()?,
        ord: c.get()?,
        claimed: c.get()?,
    })
}

/// Rows of `tenant, command_id, seq, run_id, kind, payload, ts, client_id, horizon`.
pub(crate) fn command(row: &SqliteRow) -> Answer<CommandRow> {
    let mut c = Columns::of(row);
    Ok(CommandRow {
        tenant: TenantId(c.get()?),
        command_id: c.get()?,
        seq: c.u64()?,
        run_id: c.get()?,
        kind: {
            let text: &str = c.get()?;
            CommandKind::parse(text).ok_or_else(|| Error::Corrupt(format!("unknown command type '{text}'")))?
        },
        payload: c.get::<&str>()?.into(),
        ts: c.get()?,
        client_id: c.get()?,
        horizon: RunKey(c.get()?),
        end: None,
    })
}

/// Columns of a [`RunRow`], from `runs r`, `run_state s` and the parent `p`; the output, which may be large, is what `$output` says.
macro_rules! run_columns {
    ($output:literal) => {
        concat!(
            "SELECT r.tenant, r.run, r.run_id, r.workflow_id, r.component, r.entry, s.status, s.node, ",
            // A single open wait is shown as it is.
            "coalesce(s.waiting, (SELECT w.wait FROM waits w WHERE w.tenant = s.tenant AND w.run = s.run)), ",
            $output,
            ", s.error, r.created_us, s.updated_us, r.actor_id, coalesce(r.session_id, r.run_id), p.run_id, s.paused, s.pause_reason, \
            s.paused_us, s.resumed_us, r.host_vars, s.epoch, s.last_seq, s.last_seq - s.notes, s.last_us, \
            s.steps, s.llm_calls, s.tool_calls, s.tokens_in, s.tokens_out, s.tokens, \
            s.horizon, (SELECT h.patch FROM host_patches h WHERE h.tenant = r.tenant AND h.run = r.run)"
        )
    };
}
pub(crate) const RUN_ROW: &str = run_columns!("s.output");
/// The same for lists, which leave the output out.
pub(crate) const LISTED_ROW: &str = run_columns!("NULL");

pub(crate) fn run_row(c: &mut Columns<'_>) -> Answer<RunRow> {
    let mut run = run_as_started(c)?;
    let patch: Option<String> = c.get()?;
    if let Some(patch) = patch {
        let patch = raw(patch)?;
        let now = patched(&run.host_vars, &patch);
        let started = std::mem::replace(&mut run.host_vars, now);
        run.host_patch = Some(Box::new(HostPatch { started, patch }));
    }
    Ok(run)
}

/// All columns but the patch.
fn run_as_started(c: &mut Columns<'_>) -> Answer<RunRow> {
    Ok(RunRow {
        at: c.at()?,
        run_id: RunId::from(c.get::<&str>()?),
        workflow_id: c.get()?,
        component: digest(c.get()?)?,
        entry: c.get()?,
        status: status(c.get()?)?,
        current_node: c.get()?,
        waiting: c.get::<Option<&str>>()?.map(parse::<WaitState>).transpose()?,
        output: c.get::<Option<String>>()?.map(raw).transpose()?,
        error: c.get()?,
        created_at: Micros(c.get()?),
        updated_at: Micros(c.get()?),
        actor_id: c.get()?,
        session_id: c.get()?,
        parent_run_id: c.get::<Option<&str>>()?.map(RunId::from),
        paused: pause(c)?,
        host_vars: raw(c.get()?)?,
        epoch: c.u64()?,
        last_seq: c.u64()?,
        own_seq: c.u64()?,
        last_time: Micros(c.get()?),
        metrics: metrics(c)?,
        horizon: c.u64()?,
        host_patch: None,
    })
}

/// When the first run of a session was made. A run that names no session is one of its own, and has no other artifacts' owner.
pub(crate) async fn session_began(conn: &mut SqliteConnection, tenant: TenantId, session: &str) -> Answer<Option<Micros>> {
    let sql = "SELECT min(created_us) FROM runs WHERE tenant = ?1 AND session_id = ?2";
    let began: Option<i64> = sqlx::query_scalar(sql).bind(tenant.0).bind(session).fetch_one(conn).await?;
    Ok(began.map(Micros))
}

pub(crate) async fn has_artifact(
    conn: &mut SqliteConnection,
    tenant: TenantId,
    (run_id, artifact_id): (&str, &str),
) -> Answer<bool> {
    let sql = "SELECT 1 FROM artifacts WHERE tenant = ?1 AND run_id = ?2 AND artifact_id = ?3";
    let found = sqlx::query(sql).bind(tenant.0).bind(run_id).bind(artifact_id);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Names as a JSON list, each once.
fn list<T: Ord + Copy + serde::Serialize>(values: &[T]) -> Answer<String> {
    let values: BTreeSet<T> = values.iter().copied().collect();
    serde_json::to_string(&values).map_err(|e| Error::Corrupt(format!("a list of values: {e}")))
}

/// Those of the names that are of runs, with their keys.
pub(crate) async fn keys_of(conn: &mut SqliteConnection, tenant: TenantId, ids: &[&str]) -> Answer<Vec<(Arc<str>, RunKey)>> {
    let sql = "SELECT run_id, run FROM runs WHERE tenant = ?1 AND run_id IN (SELECT value FROM json_each(?2))";
    let query = sqlx::query_as::<_, (String, i64)>(sql).bind(tenant.0).bind(list(ids)?);
    let rows = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id, run)| (id.into(), RunKey(run))).collect())
}

/// Those of the ids that are of commands, with their sequence numbers.
pub(crate) async fn command_seqs(conn: &mut SqliteConnection, tenant: TenantId, ids: &[&str]) -> Answer<Vec<(Arc<str>, u64)>> {
    let sql = "SELECT command_id, seq FROM commands WHERE tenant = ?1 AND command_id IN (SELECT value FROM json_each(?2))";
    let query = sqlx::query_as::<_, (String, i64)>(sql).bind(tenant.0).bind(list(ids)?);
    let rows = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id, seq)| (id.into(), seq as u64)).collect())
}
