//! `GET /runs/{run_id}/history_bundle`: a run with everything that clients show of it, in one document.
//!
//! The document is written as it is read, a page of rows at a time: its size is no matter to the host. What it holds is decided when it
//! begins (`total` of each ledger), so rows that are committed meanwhile are left to the next one.

mod artifacts;
mod conversation;
mod timeline;
mod turns;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::openapi::{BadRequest, Invalid, NotFound, Refused};
use super::pieces::{Broken, Pieces, json_in_pieces};
use super::run_summary::{self, Vars};
use super::validate::{Query, null, text};
use super::{AppState, Error, PathOf, Principal, runs};
use crate::ids::{LedgerSeq, RunId, RunRef};
use crate::journal::{RunRow, SessionRoot};
use crate::record::{Json, Object, WaitState};

/// Descendants that a bundle has at most, breadth first.
const SUBRUNS: u32 = 5000;

/// A run with its subruns, their ledgers, a timeline over these, and the turns of its session.
#[derive(ToSchema)]
#[expect(dead_code, reason = "shape for the description only")]
pub struct HistoryBundle {
    version: u32,
    generated_at: String,
    root_run_id: String,
    #[schema(value_type = Object)]
    run: serde_json::Value,
    /// Which artifact holds the flow as it was when the run was started.
    #[schema(value_type = Option<Object>)]
    workflow_snapshot: Option<serde_json::Value>,
    #[schema(value_type = Object)]
    input_data: serde_json::Value,
    /// By run id: `run_id`, `total`, `cursor_start`, `cursor_end`, `items` of `{cursor, record}`, `artifacts`; `horizon`, the first row that is
    /// still there, where others have expired.
    #[schema(value_type = Object)]
    ledgers: serde_json::Value,
    #[schema(value_type = Vec<Object>)]
    timeline: serde_json::Value,
    /// `session_id` and `turns`; null unless asked for.
    #[schema(value_type = Option<Object>)]
    session: Option<serde_json::Value>,
}

/// What the client asked for.
struct Wanted {
    subruns: bool,
    /// Turns of the session; none unless asked for.
    turns: Option<u32>,
    /// Newest rows of each ledger; all of them unless limited.
    tail: Option<LedgerSeq>,
}

impl Wanted {
    fn of(uri: &axum::http::Uri) -> Result<Self, Error> {
        let mut query = Query::of(uri);
        let subruns = query.flag("include_subruns", true);
        let session = query.flag("include_session", false);
        let turns = query.int("session_turn_limit", 200, 1, 500);
        let most = query.int("ledger_max_items", 2000, 0, 20_000);
        let mode = query.word("ledger_mode").unwrap_or("tail").to_ascii_lowercase();
        query.finish()?;
        let tail = match (mode.as_str(), most) {
            ("full", _) | ("tail", 0) => None,
            ("tail", most) => Some(LedgerSeq::try_from(most).unwrap_or(0)),
            _ => return Err(Error::bad_request("ledger_mode must be 'tail' or 'full'")),
        };
        let turns = session.then(|| u32::try_from(turns).unwrap_or(200));
        Ok(Wanted { subruns, turns, tail })
    }
}

#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/history_bundle",
    tag = "runs",
    params(
        ("run_id" = String, Path),
        ("include_subruns" = Option<bool>, Query, description = "Descendants too; true"),
        ("include_session" = Option<bool>, Query, description = "The turns of its session; false"),
        ("session_turn_limit" = Option<i64>, Query, minimum = 1, maximum = 500, description = "Turns; 200"),
        ("ledger_mode" = Option<String>, Query, description = "`tail` or `full`"),
        ("ledger_max_items" = Option<i64>, Query, minimum = 0, maximum = 20000, description = "Newest rows of each ledger in mode `tail`; 2000; 0 for all"),
    ),
    responses((status = 200, body = HistoryBundle), BadRequest, NotFound, Invalid, Refused)
)]
pub async fn get(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let wanted = Wanted::of(&uri)?;
    let run = runs::find(&principal, &app, &run_id).await?;
    let mut ledgers = vec![Window::of(&run, wanted.tail)];
    if wanted.subruns {
        let below = app.journal.descendants(principal.tenant, &run.run_id, SUBRUNS).await?;
        ledgers.extend(below.iter().map(|run| Window::of(run, wanted.tail)));
    }
    let input = app.journal.input(principal.tenant, &run.run_id).await?.unwrap_or_else(null);
    let turns = match wanted.turns {
        Some(limit) => Some(turns::of(&app, &run, limit).await?),
        None => None,
    };
    let bundle = Bundle {
        app,
        run,
        input,
        ledgers,
        turns,
    };
    Ok(json_in_pieces(|pieces| bundle.write(pieces)))
}

/// What is written of one ledger: the rows from `start` to `end`, both included.
struct Window {
    run_id: RunId,
    at: RunRef,
    start: LedgerSeq,
    end: LedgerSeq,
    /// The first row that has not expired.
    horizon: LedgerSeq,
}

impl Window {
    fn of(run: &RunRow, tail: Option<LedgerSeq>) -> Self {
        let end = run.last_seq;
        Window {
            run_id: run.run_id.clone(),
            at: run.at,
            start: tail.map_or(1, |most| end.saturating_sub(most) + 1).max(run.horizon),
            end,
            horizon: run.horizon,
        }
    }
}

struct Bundle {
    app: AppState,
    run: RunRow,
    input: Json,
    ledgers: Vec<Window>,
    turns: Option<Vec<SessionRoot>>,
}

#[derive(Serialize)]
struct Head<'a> {
    version: u32,
    generated_at: String,
    root_run_id: &'a str,
    run: Root<'a>,
    workflow_snapshot: Option<&'a RawValue>,
    input_data: IndexMap<&'a str, &'a RawValue>,
}

#[derive(Serialize)]
struct Root<'a> {
    #[serde(flatten)]
    head: run_summary::Head<'a>,
    waiting: Option<&'a WaitState>,
}

impl Bundle {
    async fn write(self, mut out: Pieces) -> Result<Pieces, Broken> {
        self.head(&mut out).await?;
        out.put(",\"ledgers\":{").await?;
        for (at, window) in self.ledgers.iter().enumerate() {
            if at > 0 {
                out.put(",").await?;
            }
            self.ledger(&mut out, window).await?;
        }
        out.put("},\"timeline\":[").await?;
        let mut first = true;
        for window in &self.ledgers {
            timeline::write(&self.app, &mut out, window, &mut first).await?;
        }
        out.put("],\"session\":").await?;
        match (&self.turns, &self.run.session_id) {
            (Some(turns), Some(session_id)) => {
                out.put("{\"session_id\":").await?;
                out.value(session_id).await?;
                out.put(",\"turns\":[").await?;
                turns::write(&self.app, &mut out, self.run.at.tenant, turns).await?;
                out.put("]}}").await?;
            }
            _ => out.put("null}").await?,
        }
        Ok(out)
    }

    /// Everything before the ledgers, its brace left open.
    async fn head(&self, out: &mut Pieces) -> Result<(), Broken> {
        let run = &self.run;
        let input = Object::of(&self.input).unwrap_or(Object(IndexMap::new()));
        let host = Object::of(&run.host_vars).unwrap_or(Object(IndexMap::new()));
        let shown = input.0.iter().chain(&host.0).filter(|(key, _)| !key.starts_with('_'));
        let head = Head {
            version: 1,
            generated_at: self.app.journal.clock().now().iso(),
            root_run_id: run.run_id.as_str(),
            run: Root {
                head: run_summary::head(run),
                waiting: run.waiting.as_ref(),
            },
            workflow_snapshot: snapshot(run),
            input_data: shown.map(|(key, value)| (key.as_ref(), *value)).collect(),
        };
        let text = serde_json::to_string(&head)?;
        out.put(text.strip_suffix('}').unwrap_or(&text)).await
    }

    async fn ledger(&self, out: &mut Pieces, window: &Window) -> Result<(), Broken> {
        let Window {
            run_id,
            start,
            end,
            horizon,
            ..
        } = window;
        let name = text(run_id.as_str());
        let horizon = match horizon {
            1 => String::new(),
            horizon => format!("\"horizon\":{horizon},"),
        };
        out.put(&format!(
            "{name}:{{\"run_id\":{name},\"total\":{end},{horizon}\"cursor_start\":{start},\"cursor_end\":{end},\"items\":["
        ))
        .await?;
        let mut rows = Rows::of(&self.app, window);
        while let Some(page) = rows.next().await? {
            for (cursor, row) in page {
                let comma = if cursor == *start { "" } else { "," };
                out.put(&format!("{comma}{{\"cursor\":{cursor},\"record\":")).await?;
                out.put(&row).await?;
                out.put("}").await?;
            }
        }
        out.put("],\"artifacts\":").await?;
        let own = artifacts::of(&self.app, self.run.at.tenant, std::slice::from_ref(run_id)).await?;
        out.value(&artifacts::shown(&own)).await?;
        out.put("}").await
    }
}

/// `_runtime.workflow_snapshot`, if it names an artifact.
fn snapshot(run: &RunRow) -> Option<&RawValue> {
    let runtime = Object::of(Vars::of(run).get("_runtime")?)?;
    let snapshot = runtime.get("workflow_snapshot")?;
    Object::of(snapshot)?.get("artifact_id")?;
    Some(snapshot)
}

/// The rows of a window, a page at a time.
struct Rows<'a> {
    app: &'a AppState,
    window: &'a Window,
    /// Rows read so far, those before the window included.
    cursor: LedgerSeq,
}

impl<'a> Rows<'a> {
    fn of(app: &'a AppState, window: &'a Window) -> Self {
        Rows {
            app,
            window,
            cursor: window.start - 1,
        }
    }

    /// Rows with their cursors; None after the last.
    async fn next(&mut self) -> Result<Option<Vec<(LedgerSeq, std::sync::Arc<str>)>>, Broken> {
        let left = self.window.end.saturating_sub(self.cursor);
        if left == 0 {
            return Ok(None);
        }
        let rows = self.app.journal.next_rows(self.window.at, self.cursor).await?;
        if rows.is_empty() {
            let gone = crate::journal::Error::UnknownRun(self.window.run_id.to_string());
            return Err(Broken::Journal(gone));
        }
        let page: Vec<_> = (self.cursor + 1..)
            .zip(rows)
            .take(usize::try_from(left).unwrap_or(usize::MAX))
            .collect();
        self.cursor += page.len() as u64;
        Ok(Some(page))
    }
}
