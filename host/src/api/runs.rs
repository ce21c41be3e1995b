//! `GET /runs/{run_id}` and `GET /runs`.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::bundles::BundleRef;
use super::error::json;
use super::openapi::{BadRequest, Invalid, NotFound, Refused, bodies};
use super::run_summary::{ListRow, Summary};
use super::validate::Query;
use super::{AppState, Error, PathOf, Principal, artifacts};
use crate::ids::{RunId, RunRef};
use crate::journal::{RunFilter, RunRow};
use crate::record::RunStatus;

/// The run that a path names, or 404.
pub async fn find(principal: &Principal, app: &AppState, run_id: &str) -> Result<RunRow, Error> {
    let name = RunId::from(run_id);
    let mut found = app.journal.run(principal.tenant, &name).await?;
    if found.is_none() && artifacts::remember(app, principal.tenant, run_id).await? {
        found = app.journal.run(principal.tenant, &name).await?;
    }
    found.ok_or_else(|| Error::unknown_run(run_id))
}

/// Where the run that a path names is, or 404.
pub async fn locate(principal: &Principal, app: &AppState, run_id: &RunId) -> Result<RunRef, Error> {
    match app.journal.locate(principal.tenant, run_id).await? {
        Some(at) => Ok(at),
        None => Ok(find(principal, app, run_id.as_str()).await?.at),
    }
}

#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}",
    tag = "runs",
    params(
        ("run_id" = String, Path),
    ),
    responses((status = 200, body = Summary<'static>), NotFound, Refused)
)]
pub async fn get(principal: Principal, State(app): State<AppState>, PathOf(run_id): PathOf<String>) -> Result<Response, Error> {
    summary(&principal, &app, &run_id).await
}

async fn summary(principal: &Principal, app: &AppState, run_id: &str) -> Result<Response, Error> {
    let run = find(principal, app, run_id).await?;
    Ok(json(
        StatusCode::OK,
        &Summary::of(&run, warnings(principal, app, &run.workflow_id)),
    ))
}

/// What the compiler has to say of a run's flow; none for a flow that is not installed any more and for one without findings.
fn warnings(principal: &Principal, app: &AppState, workflow_id: &str) -> Option<Vec<String>> {
    let (bundle, flow_id) = bundle_flow(workflow_id)?;
    let bundle = app
        .workflows
        .bundle(principal.tenant, bundle.bundle_id, bundle.version)
        .ok()?;
    let of_flow = bundle.diagnostics.iter().filter(|finding| finding.flow == flow_id);
    let texts: Vec<String> = of_flow.map(ToString::to_string).collect();
    (!texts.is_empty()).then_some(texts)
}

/// The bundle and the flow of `bundle@version:flow`; other workflows have none.
pub fn bundle_flow(workflow_id: &str) -> Option<(BundleRef<'_>, &str)> {
    let (prefix, flow_id) = workflow_id.split_once(':')?;
    let bundle = BundleRef::split(prefix);
    (bundle.version.is_some() && !bundle.bundle_id.is_empty()).then_some((bundle, flow_id))
}

/// A run may be named as a verb is.
pub async fn get_start(principal: Principal, State(app): State<AppState>) -> Result<Response, Error> {
    summary(&principal, &app, "start").await
}

/// Newest first by `updated_at`.
#[derive(Serialize, ToSchema)]
#[schema(as = RunList)]
struct List<'a> {
    items: Vec<ListRow<'a>>,
}

#[utoipa::path(
    get,
    path = "/api/gateway/runs",
    tag = "runs",
    params(
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 500, description = "50"),
        ("status" = Option<bodies::Status>, Query),
        ("workflow_id" = Option<String>, Query, description = "Exactly this one"),
        ("session_id" = Option<String>, Query),
        ("root_only" = Option<bool>, Query, description = "No children and listeners"),
        ("include_ledger_len" = Option<bool>, Query, description = "Yes unless said otherwise"),
        ("include_metrics" = Option<bool>, Query, description = "Counts of steps, calls and tokens"),
        ("include_drafts" = Option<bool>, Query, description = "Draft tests too"),
    ),
    responses((status = 200, body = List<'static>), BadRequest, Invalid, Refused)
)]
pub async fn list(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let limit = query.int("limit", 50, 1, 500);
    let root_only = query.flag("root_only", false);
    let include_ledger_len = query.flag("include_ledger_len", true);
    let include_metrics = query.flag("include_metrics", false);
    let include_drafts = query.flag("include_drafts", false);
    let owned = |word: Option<&str>| word.map(str::to_owned);
    let status = owned(query.word("status"));
    let workflow_id = owned(query.word("workflow_id"));
    let session_id = owned(query.word("session_id"));
    query.finish()?;

    let status = match status {
        Some(word) => Some(
            RunStatus::parse(&word)
                .ok_or_else(|| Error::bad_request("Invalid status (expected: running|waiting|completed|failed|cancelled)"))?,
        ),
        None => None,
    };
    let filter = RunFilter {
        status,
        hide_internal: workflow_id.is_none(),
        workflow_id,
        session_id,
        root_only,
        hide_drafts: !include_drafts,
        limit: u32::try_from(limit).unwrap_or(500),
    };
    let runs = app.journal.runs(principal.tenant, filter).await?;
    let items = runs.iter().map(|run| ListRow::of(run, include_metrics, include_ledger_len));
    Ok(json(StatusCode::OK, &List { items: items.collect() }))
}
