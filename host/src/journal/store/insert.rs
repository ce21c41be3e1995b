//! Multi-row statements: a commit of many requests costs few statements, and few texts are prepared.
//!
//! sqlx hands each statement to the connection's own thread, which costs more than a small row does. So rows of all requests of a commit
//! are written together, cut into batches of a few [sizes](SIZES) whose texts stay in the statement cache. What one run alone has changed is
//! written as one text of several statements, `COMMIT` included.

use std::sync::{Arc, LazyLock};

use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::super::types::Error;
use super::{CommandEnd, CommandRow, Counted, NewRun, StateRow, WaitRow, Writes};
use crate::clock::Micros;
use crate::ids::{RunRef, TenantId};
use crate::journal::rows::json;
use crate::journal::writer::NoteAccess;
use crate::record::RunStatus;
use crate::record::artifact::{Artifact, NewArtifact};

/// Rows of a batch, the largest first: any number up to 16, then steps of half as much again. Most commits of a loaded host need two
/// batches of a table.
const SIZES: [usize; 22] = [128, 96, 64, 48, 32, 24, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

/// The texts of one statement for each size.
struct Batch([Arc<str>; SIZES.len()]);

impl Batch {
    /// `head` (`INSERT INTO t (a, b) VALUES`), one group of `columns` binds for each row, `tail`.
    fn new(head: &str, columns: usize, tail: &str) -> Self {
        let group = format!("({})", vec!["?"; columns].join(", "));
        Batch(SIZES.map(|size| format!("{head} {} {tail}", vec![group.as_str(); size].join(", ")).into()))
    }

    async fn run<T>(
        &self,
        out: &mut Statements<'_>,
        rows: &mut Vec<T>,
        bind: impl Fn(&mut SqliteArguments, T) -> Result<(), BoxDynError>,
    ) -> Result<(), Error> {
        let mut left = rows.len();
        let mut rows = rows.drain(..);
        for (size, sql) in SIZES.iter().zip(&self.0) {
            while left >= *size {
                out.add(sql, |args| rows.by_ref().take(*size).try_for_each(|row| bind(args, row)))
                    .await?;
                left -= size;
            }
        }
        Ok(())
    }
}

/// Where the statements of a commit go: to the connection one by one, or into one text.
struct Statements<'a> {
    conn: &'a mut SqliteConnection,
    joined: Option<(String, SqliteArguments)>,
}

impl Statements<'_> {
    async fn add(
        &mut self,
        sql: &Arc<str>,
        bind: impl FnOnce(&mut SqliteArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), Error> {
        if let Some((text, args)) = &mut self.joined {
            text.push_str(sql);
            text.push(';');
            return Ok(bind(args).map_err(sqlx::Error::Encode)?);
        }
        let mut args = SqliteArguments::default();
        bind(&mut args).map_err(sqlx::Error::Encode)?;
        self.execute(Arc::clone(sql), args).await
    }

    async fn execute(&mut self, sql: Arc<str>, args: SqliteArguments) -> Result<(), Error> {
        sqlx::query_with(AssertSqlSafe(sql), args).execute(&mut *self.conn).await?;
        Ok(())
    }
}

/// Binds `$value`s in order.
macro_rules! bind {
    ($args:ident; $($value:expr),+ $(,)?) => {{ $( $args.add($value)?; )+ Ok(()) }};
}

fn micros(at: Option<Micros>) -> Option<i64> {
    at.map(|at| at.0)
}

/// A count that the answers of models make up may be anything; a length always fits.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

static RUNS: LazyLock<Batch> = LazyLock::new(|| {
    let columns = "tenant, run, run_id, workflow_id, component, entry, input, host_vars, session_id, actor_id, parent, listener, created_us";
    Batch::new(&format!("INSERT INTO runs ({columns}) VALUES"), 13, "")
});

const STATE_COLUMNS: [&str; 31] = [
    "tenant",
    "run",
    "status",
    "node",
    "waiting",
    "output",
    "error",
    "updated_us",
    "epoch",
    "last_seq",
    "notes",
    "steps",
    "llm_calls",
    "tool_calls",
    "tokens_in",
    "tokens_out",
    "tokens",
    "last_us",
    "history_pos",
    "inbox_end",
    "inbox_consumed",
    "calls",
    "paused",
    "pausing",
    "pause_reason",
    "paused_us",
    "resumed_us",
    "unarmed",
    "arming",
    "watched",
    "chain",
];

static STATES: LazyLock<Batch> = LazyLock::new(|| {
    let sets: Vec<String> = STATE_COLUMNS.iter().skip(2).map(|c| format!("{c} = excluded.{c}")).collect();
    Batch::new(
        &format!("INSERT INTO run_state ({}) VALUES", STATE_COLUMNS.join(", ")),
        STATE_COLUMNS.len(),
        &format!("ON CONFLICT (tenant, run) DO UPDATE SET {}", sets.join(", ")),
    )
});

static LEDGER: LazyLock<Batch> = LazyLock::new(|| Batch::new("INSERT INTO ledger (tenant, run, seq, record) VALUES", 4, ""));
static HISTORY: LazyLock<Batch> = LazyLock::new(|| Batch::new("INSERT INTO history (tenant, run, pos, ticks) VALUES", 4, ""));
static SNAPSHOTS: LazyLock<Batch> = LazyLock::new(|| {
    let tail = "ON CONFLICT (tenant, run) DO UPDATE SET pos = excluded.pos, state = excluded.state";
    Batch::new("INSERT INTO snapshots (tenant, run, pos, state) VALUES", 4, tail)
});
static INBOX: LazyLock<Batch> =
    LazyLock::new(|| Batch::new("INSERT INTO inbox (tenant, run, pos, effect_id, outcome) VALUES", 5, ""));
static WAITS: LazyLock<Batch> = LazyLock::new(|| {
    let columns = "tenant, run, effect_id, ord, reason, wait_key, until_us, armed, claimed, wait";
    Batch::new(&format!("INSERT OR REPLACE INTO waits ({columns}) VALUES"), 10, "")
});
static COMMANDS: LazyLock<Batch> = LazyLock::new(|| {
    let columns = "tenant, command_id, seq, run_id, kind, payload, ts, client_id, horizon, state, reason, applied_us";
    Batch::new(&format!("INSERT INTO commands ({columns}) VALUES"), 12, "")
});
static ARTIFACTS: LazyLock<Batch> = LazyLock::new(|| {
    let columns = "tenant, run_id, artifact_id, digest, size, content_type, tags, semantic_kind, render_kind, modality, session_id, \
                   workflow_id, node_id, created_us";
    let tail = "ON CONFLICT DO UPDATE SET content_type = excluded.content_type, tags = excluded.tags, \
                semantic_kind = excluded.semantic_kind, render_kind = excluded.render_kind, modality = excluded.modality, \
                session_id = excluded.session_id, workflow_id = excluded.workflow_id, node_id = excluded.node_id, \
                created_us = excluded.created_us";
    Batch::new(&format!("INSERT INTO artifacts ({columns}) VALUES"), 14, tail)
});
static ACCESSES: LazyLock<Batch> = LazyLock::new(|| {
    let columns = "tenant, run_id, artifact_id, metadata, content, preview, download, last_us, last_action, last_actor";
    let tail = "ON CONFLICT DO UPDATE SET metadata = metadata + excluded.metadata, content = content + excluded.content, \
                preview = preview + excluded.preview, download = download + excluded.download, last_us = excluded.last_us, \
                last_action = excluded.last_action, last_actor = excluded.last_actor";
    Batch::new(&format!("INSERT INTO artifact_access ({columns}) VALUES"), 10, tail)
});
static STORAGE: LazyLock<Batch> = LazyLock::new(|| {
    let tail = "ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes";
    Batch::new("INSERT INTO storage (tenant, bytes) VALUES", 2, tail)
});
static COUNTS: LazyLock<Batch> = LazyLock::new(|| {
    let tail = "ON CONFLICT (tenant, status) DO UPDATE SET runs = runs + excluded.runs";
    Batch::new("INSERT INTO run_counts (tenant, status, runs) VALUES", 3, tail)
});
static DELIVERIES: LazyLock<Batch> =
    LazyLock::new(|| Batch::new("INSERT INTO deliveries (tenant, delivery, envelope) VALUES", 3, ""));
/// Deletions name their rows as a list of values; SQLite walks the list and finds each by the primary key.
static CONSUMED: LazyLock<Batch> = LazyLock::new(|| {
    Batch::new(
        "WITH done (tenant, run, pos) AS (VALUES",
        3,
        ") DELETE FROM inbox WHERE (tenant, run, pos) IN (SELECT d.tenant, d.run, i.pos FROM done d \
         JOIN inbox i ON i.tenant = d.tenant AND i.run = d.run AND i.pos <= d.pos)",
    )
});
static WAITS_GONE: LazyLock<Batch> =
    LazyLock::new(|| Batch::new("DELETE FROM waits WHERE (tenant, run, effect_id) IN (VALUES", 3, ")"));

fn bind_run(a: &mut SqliteArguments, r: NewRun) -> Result<(), BoxDynError> {
    bind!(a; r.at.tenant.0, r.at.run.0, r.run_id, r.workflow_id, r.component.0.to_vec(), r.entry, r.input, r.host_vars,
        r.session_id, r.actor_id, r.parent.map(|p| p.0), r.listener, r.created.0)
}

fn bind_state(a: &mut SqliteArguments, row: StateRow) -> Result<(), BoxDynError> {
    let StateRow {
        at, state: s, waiting, ..
    } = row;
    bind!(a; at.tenant.0, at.run.0, s.status.as_str(), s.node, waiting, s.output, s.error, s.updated.0, s.epoch as i64,
        s.last_seq as i64, s.notes as i64, s.metrics.steps as i64, s.metrics.llm_calls as i64, s.metrics.tool_calls as i64,
        number(s.metrics.tokens_in), number(s.metrics.tokens_out), number(s.metrics.tokens), s.last_time.0, s.history_pos as i64, s.inbox_end as i64, s.inbox_consumed as i64, s.calls,
        s.pause.paused, s.pausing, s.pause.reason, micros(s.pause.paused_at), micros(s.pause.resumed_at), s.unarmed,
        s.arming, s.watched as i64, s.chain.map(|hash| hash.0.to_vec()))
}

fn bind_wait(a: &mut SqliteArguments, (at, w, armed): (RunRef, WaitRow, bool)) -> Result<(), BoxDynError> {
    let text = json(&w.wait).get().to_owned();
    bind!(a; at.tenant.0, at.run.0, w.effect_id as i64, w.ord, w.wait.reason.as_str(), w.wait.wait_key, micros(w.until), armed,
        w.claimed, text)
}

fn bind_artifact(a: &mut SqliteArguments, (tenant, artifact): (TenantId, Artifact)) -> Result<(), BoxDynError> {
    let kind = artifact.kind();
    let tag = |name| artifact.tag(name).map(str::to_owned);
    let (session_id, workflow_id, node_id) = (tag("session_id"), tag("workflow_id"), tag("node_id"));
    let tags = json(&artifact.tags).get().to_owned();
    let run_id = artifact.run_id.as_str().to_owned();
    let NewArtifact {
        artifact_id,
        blob,
        size,
        content_type,
        ..
    } = artifact.is;
    bind!(a; tenant.0, run_id, artifact_id, blob.0.to_vec(), size as i64, content_type, tags, kind.semantic, kind.render, kind.modality,
        session_id, workflow_id, node_id, artifact.created_at.0)
}

fn bind_access(a: &mut SqliteArguments, note: NoteAccess) -> Result<(), BoxDynError> {
    let [metadata, content, preview, download] = note.counts.map(number);
    bind!(a; note.tenant.0, note.run_id.as_str().to_owned(), note.artifact_id, metadata, content, preview, download, note.last.at.0,
        note.last.action.as_str(), note.last.actor_id)
}

fn command_state(end: Option<&CommandEnd>) -> &'static str {
    match end {
        None => "pending",
        Some(CommandEnd { failure: None, .. }) => "applied",
        Some(CommandEnd { failure: Some(_), .. }) => "failed",
    }
}

fn bind_command(a: &mut SqliteArguments, c: CommandRow) -> Result<(), BoxDynError> {
    let state = command_state(c.end.as_ref());
    let (reason, applied) = c.end.map_or((None, None), |end| (end.failure, Some(end.at)));
    bind!(a; c.tenant.0, c.command_id, c.seq as i64, c.run_id, c.kind.as_str(), c.payload, c.ts, c.client_id, c.horizon.0, state,
        reason, micros(applied))
}

static COMMAND_END: LazyLock<Arc<str>> =
    LazyLock::new(|| "UPDATE commands SET state = ?, reason = ?, applied_us = ? WHERE tenant = ? AND command_id = ?".into());

/// Sums by key, of few keys.
struct Sums<K>(Vec<(K, i64)>);

impl<K: PartialEq> Sums<K> {
    fn add(&mut self, key: K, count: i64) {
        match self.0.iter_mut().find(|(of, _)| *of == key) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => self.0.push((key, count)),
        }
    }
}

/// How many more runs of each status there are from now on.
fn moved(writes: &Writes) -> Vec<((TenantId, RunStatus), i64)> {
    let mut sums = Sums(Vec::new());
    for row in &writes.states {
        let was = row.before.map(|before| before.status);
        if was != Some(row.state.status) {
            sums.add((row.at.tenant, row.state.status), 1);
            was.into_iter().for_each(|status| sums.add((row.at.tenant, status), -1));
        }
    }
    sums.0.retain(|(_, sum)| *sum != 0);
    sums.0
}

/// Bytes that each tenant keeps from now on, of the tables that no trigger of the migration `storage` looks at.
fn added(writes: &Writes) -> Vec<(TenantId, i64)> {
    let mut sums = Sums(Vec::new());
    let mut add = |tenant: TenantId, bytes: usize| sums.add(tenant, number(bytes as u64));
    for run in &writes.runs {
        add(run.at.tenant, run.input.len() + run.host_vars.len());
    }
    for (at, _, row) in &writes.ledger {
        add(at.tenant, row.len());
    }
    for (at, _, ticks) in &writes.history {
        add(at.tenant, ticks.len());
    }
    for command in &writes.commands {
        add(command.tenant, command.payload.len());
    }
    for row in &writes.states {
        let before = row.before.map_or(0, |before| before.output);
        let output = Counted::of(&row.state).output;
        sums.add(row.at.tenant, number(output as u64) - number(before as u64));
    }
    sums.0.retain(|(_, sum)| *sum != 0);
    sums.0
}

/// Writes everything that was gathered and leaves `writes` empty.
pub(crate) async fn apply(conn: &mut SqliteConnection, writes: &mut Writes) -> Result<(), Error> {
    write(&mut Statements { conn, joined: None }, writes).await
}

/// The same and `COMMIT`, in one text of statements.
pub(crate) async fn commit(conn: &mut SqliteConnection, writes: &mut Writes) -> Result<(), Error> {
    let joined = Some(Default::default());
    let mut out = Statements { conn, joined };
    write(&mut out, writes).await?;
    let (mut text, args) = out.joined.take().unwrap_or_default();
    text.push_str("COMMIT");
    out.execute(text.into(), args).await
}

async fn write(out: &mut Statements<'_>, writes: &mut Writes) -> Result<(), Error> {
    let mut sums = added(writes);
    STORAGE
        .run(out, &mut sums, |a, (tenant, bytes)| bind!(a; tenant.0, bytes))
        .await?;
    COUNTS
        .run(
            out,
            &mut moved(writes),
            |a, ((tenant, status), runs)| bind!(a; tenant.0, status.as_str(), runs),
        )
        .await?;
    RUNS.run(out, &mut writes.runs, bind_run).await?;
    STATES.run(out, &mut writes.states, bind_state).await?;
    LEDGER
        .run(
            out,
            &mut writes.ledger,
            |a, (at, seq, row)| bind!(a; at.tenant.0, at.run.0, seq as i64, row),
        )
        .await?;
    HISTORY
        .run(
            out,
            &mut writes.history,
            |a, (at, pos, ticks)| bind!(a; at.tenant.0, at.run.0, pos as i64, ticks),
        )
        .await?;
    SNAPSHOTS
        .run(
            out,
            &mut writes.snapshots,
            |a, (at, pos, state)| bind!(a; at.tenant.0, at.run.0, pos as i64, state),
        )
        .await?;
    INBOX
        .run(
            out,
            &mut writes.inbox,
            |a, (at, pos, effect, outcome)| bind!(a; at.tenant.0, at.run.0, pos as i64, effect as i64, outcome),
        )
        .await?;
    CONSUMED
        .run(
            out,
            &mut writes.consumed,
            |a, (at, pos)| bind!(a; at.tenant.0, at.run.0, pos as i64),
        )
        .await?;
    WAITS_GONE
        .run(
            out,
            &mut writes.waits_gone,
            |a, (at, effect)| bind!(a; at.tenant.0, at.run.0, effect as i64),
        )
        .await?;
    WAITS.run(out, &mut writes.waits, bind_wait).await?;
    DELIVERIES
        .run(
            out,
            &mut writes.deliveries,
            |a, (tenant, delivery, envelope)| bind!(a; tenant.0, delivery, envelope),
        )
        .await?;
    ARTIFACTS.run(out, &mut writes.artifacts, bind_artifact).await?;
    ACCESSES.run(out, &mut writes.accesses, bind_access).await?;
    COMMANDS.run(out, &mut writes.commands, bind_command).await?;
    for (tenant, id, end) in writes.command_ends.drain(..) {
        out.add(
            &COMMAND_END,
            |a| bind!(a; command_state(Some(&end)), end.failure, end.at.0, tenant.0, id),
        )
        .await?;
    }
    Ok(())
}
