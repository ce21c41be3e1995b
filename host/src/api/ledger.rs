//! `GET /runs/{run_id}/ledger` and `POST /runs/ledger/batch`. Rows are JSON text as they were committed and are put into the
//! answer as they are.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use indexmap::IndexMap;

use super::body::{Fields, JsonBody};
use super::error::json_text;
use super::openapi::{BadRequest, Expired, Invalid, NotFound, Refused, Unread, bodies};
use super::validate::{Query, text};
use super::{AppState, Error, PathOf, Principal, artifacts};
use crate::ids::{LedgerSeq, RunId};
use crate::journal::{LedgerPage, PAGE_BYTES};

const LIMIT: i64 = 200;
const MAX_LIMIT: i64 = 2000;

#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/ledger",
    tag = "ledger",
    params(
        ("run_id" = String, Path),
        ("after" = inline(Option<bodies::AtLeast<0>>), Query, description = "Rows already read"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 2000, description = "200; a page also ends after 8 MiB of rows"),
    ),
    responses((status = 200, body = bodies::LedgerPage), NotFound, Expired, Invalid, Refused)
)]
pub async fn page(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let after = query.int("after", 0, 0, i64::MAX);
    let limit = query.int("limit", LIMIT, 1, MAX_LIMIT);
    query.finish()?;
    match read(&principal, &app, &run_id, (after, limit), PAGE_BYTES).await? {
        Some(page) if page.has_expired(cursor(after)) => Err(Error::Expired {
            run_id,
            horizon: page.horizon,
        }),
        Some(page) => Ok(json_text(StatusCode::OK, page_text(String::new(), &page, None))),
        None => Err(Error::unknown_run(&run_id)),
    }
}

/// `limit` is per run; runs that do not exist are left out. The page of a run whose rows after the cursor have expired is empty, names the
/// first that is still there as `horizon` and the cursor before it as `next_after`. When the answer has 8 MiB of rows, each further run has one row.
#[utoipa::path(
    post,
    path = "/api/gateway/runs/ledger/batch",
    tag = "ledger",
    request_body(content = bodies::BatchBody),
    responses((status = 200, body = bodies::Batch), BadRequest, Unread, Invalid, Refused)
)]
pub async fn batch(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let mut wanted: IndexMap<String, i64> = IndexMap::new();
    for (at, item) in fields.list("runs").into_iter().enumerate() {
        match Fields::of(item, vec!["body".into(), "runs".into(), at.into()]) {
            Ok(mut item) => {
                let run_id = item.required_text("run_id");
                let after = item.int("after", 0, 0, i64::MAX);
                wanted.insert(run_id.trim().to_owned(), after);
                fields.issues.append(&mut item.issues);
            }
            Err(issue) => fields.issues.push(issue),
        }
    }
    let limit = fields.int("limit", LIMIT, 1, MAX_LIMIT);
    fields.finish()?;

    let mut answer = String::from("{\"runs\":{");
    let (mut first, mut bytes) = (true, PAGE_BYTES);
    for (run_id, after) in wanted.iter().filter(|(run_id, _)| !run_id.is_empty()) {
        let Some(page) = read(&principal, &app, run_id, (*after, limit), bytes).await? else {
            continue;
        };
        bytes = bytes.saturating_sub(page.rows.iter().map(|row| row.len()).sum());
        if !std::mem::take(&mut first) {
            answer.push(',');
        }
        answer.push_str(text(run_id).get());
        answer.push(':');
        let horizon = page.has_expired(cursor(*after)).then_some(page.horizon);
        answer = page_text(answer, &page, horizon);
    }
    answer.push_str("}}");
    Ok(json_text(StatusCode::OK, answer))
}

/// `None` for a run that does not exist.
async fn read(
    principal: &Principal,
    app: &AppState,
    run_id: &str,
    (after, limit): (i64, i64),
    bytes: usize,
) -> Result<Option<LedgerPage>, Error> {
    let run_id = RunId::from(run_id);
    let part = (cursor(after), u32::try_from(limit).unwrap_or(1));
    let page = app.journal.ledger_within(principal.tenant, &run_id, part, bytes).await?;
    let unknown = page.rows.is_empty() && app.journal.ledger_len(principal.tenant, &run_id).await?.is_none();
    if unknown && !artifacts::remember(app, principal.tenant, run_id.as_str()).await? {
        return Ok(None);
    }
    Ok(Some(page))
}

fn cursor(after: i64) -> LedgerSeq {
    LedgerSeq::try_from(after).unwrap_or(0)
}

fn page_text(mut out: String, page: &LedgerPage, horizon: Option<LedgerSeq>) -> String {
    out.reserve(page.rows.iter().map(|row| row.len() + 1).sum::<usize>() + 48);
    out.push_str("{\"items\":[");
    for (at, row) in page.rows.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(row);
    }
    out.push_str("],\"next_after\":");
    out.push_str(&page.next_after.to_string());
    if let Some(horizon) = horizon {
        out.push_str(&format!(",\"horizon\":{horizon}"));
    }
    out.push('}');
    out
}
