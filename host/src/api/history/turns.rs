//! The turns of a session: what was asked and answered by its runs, oldest first.

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::artifacts::item::Metadata;
use super::super::pieces::{Broken, Pieces};
use super::super::validate::null;
use super::super::{AppState, Error};
use super::conversation::{self, Answer};
use super::{SUBRUNS, artifacts};
use crate::ids::TenantId;
use crate::journal::{RunRow, SessionRoot, TreeSum};
use crate::record::Json;

/// Rows from the end of a ledger in which an answer is looked for.
const LOOKED_AT: usize = 2000;

#[derive(Serialize)]
struct Turn<'a> {
    run_id: &'a str,
    workflow_id: &'a str,
    /// `chat`, `scheduled` or `run`.
    kind: &'static str,
    status: &'static str,
    created_at: String,
    updated_at: String,
    prompt: Option<String>,
    prompt_metadata: Option<Json>,
    attachments: Vec<&'a RawValue>,
    answer: Option<String>,
    answer_meta: Option<Json>,
    stats: Stats,
    /// Of the run and its descendants.
    artifacts: Vec<Metadata<'a>>,
}

/// Over the run and its descendants.
#[derive(Serialize)]
struct Stats {
    /// From the start to when one of them last moved.
    duration_ms: u64,
    llm_calls: u64,
    tool_calls: u64,
    usage: Usage,
    /// Tokens a second; null without tokens.
    tok_s: Option<f64>,
}

#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// The runs of a run's session up to itself, oldest first: the newest `limit` of those that carry a conversation, or of all where none does.
pub(super) async fn of(app: &AppState, run: &RunRow, limit: u32) -> Result<Vec<SessionRoot>, Error> {
    let Some(session_id) = &run.session_id else {
        return Ok(Vec::new());
    };
    // More than the limit: schedules and other runs may have to make room for conversations.
    let window = limit.saturating_mul(3).max(limit + 8);
    let journal = &app.journal;
    let mut roots = journal
        .session_roots(run.at.tenant, session_id, run.created_at, window)
        .await?;
    let is_chat = |root: &SessionRoot| root.kind() == "chat";
    if roots.iter().any(is_chat) {
        roots.retain(is_chat);
    }
    roots.truncate(limit as usize);
    roots.reverse();
    Ok(roots)
}

/// Writes a turn for each of the runs, one at a time.
pub(super) async fn write(app: &AppState, out: &mut Pieces, tenant: TenantId, roots: &[SessionRoot]) -> Result<(), Broken> {
    let mut first = true;
    for root in roots {
        let run_id = &root.run_id;
        // It may have been purged since.
        let Some(run) = app.journal.run(tenant, run_id).await? else {
            continue;
        };
        let input = app.journal.input(tenant, run_id).await?.unwrap_or_else(null);
        let sum = app.journal.tree_sum(run.at).await?;
        let prompt = conversation::prompt(&input);
        let answer = answer(app, &run).await?;
        let below = app.journal.descendants(tenant, run_id, SUBRUNS).await?;
        let mut family = vec![run_id.clone()];
        family.extend(below.into_iter().map(|run| run.run_id));
        let artifacts = artifacts::of(app, tenant, &family).await?;
        let turn = Turn {
            run_id: run_id.as_str(),
            workflow_id: &run.workflow_id,
            kind: root.kind(),
            status: run.status.as_str(),
            created_at: run.created_at.iso(),
            updated_at: run.updated_at.iso(),
            prompt: prompt.text,
            prompt_metadata: prompt.metadata,
            attachments: conversation::attachments(&input),
            answer: answer.text,
            answer_meta: answer.meta,
            stats: Stats::of(&run, &sum),
            artifacts: artifacts::shown(&artifacts),
        };
        if !std::mem::take(&mut first) {
            out.put(",").await?;
        }
        out.value(&turn).await?;
    }
    Ok(())
}

/// What a run answered: in its output, else in the newest of its rows that says something.
async fn answer(app: &AppState, run: &RunRow) -> Result<Answer, Broken> {
    if let Some(answer) = run.output.as_deref().and_then(conversation::answer_of_output) {
        return Ok(answer);
    }
    let mut before = run.last_seq + 1;
    let mut looked_at = 0;
    while before > 1 && looked_at < LOOKED_AT {
        let rows = app.journal.rows_before(run.at, before).await?;
        if rows.is_empty() {
            break;
        }
        if let Some(answer) = rows.iter().find_map(|row| conversation::answer_of_row(row)) {
            return Ok(answer);
        }
        looked_at += rows.len();
        before -= rows.len() as u64;
    }
    Ok(Answer::default())
}

impl Stats {
    fn of(run: &RunRow, sum: &TreeSum) -> Self {
        let metrics = &sum.metrics;
        let micros = sum.updated_at.0.saturating_sub(run.created_at.0).max(0) as u64;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let tok_s = (metrics.tokens > 0 && micros > 0).then(|| metrics.tokens as f64 / (micros as f64 / 1e6));
        Stats {
            duration_ms: micros / 1000,
            llm_calls: metrics.llm_calls,
            tool_calls: metrics.tool_calls,
            usage: Usage {
                input_tokens: metrics.tokens_in,
                output_tokens: metrics.tokens_out,
                total_tokens: metrics.tokens,
            },
            tok_s,
        }
    }
}
