//! `GET /artifacts/search` and `GET /artifacts/stats`: artifacts of all runs, of a session or of a run, by what they are.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::json;
use super::super::openapi::{BadRequest, Invalid, Refused, bodies};
use super::super::validate::Query;
use super::super::{AppState, Error, Principal};
use super::list::{Facets, Found, PAGE, Page, facets, part};
use crate::clock::Micros;
use crate::ids::RunId;
use crate::journal::ArtifactFilter;
use crate::record::artifact::Tags;

/// What both take to say which artifacts are meant.
const FILTERS: [&str; 13] = [
    "scope",
    "session_id",
    "run_id",
    "modality",
    "semantic_kind",
    "render_kind",
    "workflow_id",
    "node_id",
    "content_type",
    "created_after",
    "created_before",
    "tags",
    "query",
];

/// A filter as it was asked for.
struct Asked {
    scope: String,
    filter: ArtifactFilter,
    /// `artifact_kind` as it came.
    artifact_kind: Option<String>,
    semantic_kind: Option<String>,
}

fn owned(query: &Query, name: &'static str) -> Option<String> {
    query.word(name).map(str::to_owned)
}

impl Asked {
    fn of(query: &Query) -> Result<Self, Error> {
        let lower = |name| owned(query, name).map(|word| word.to_lowercase());
        let (session_id, run_id) = (owned(query, "session_id"), owned(query, "run_id"));
        let scope = lower("scope").unwrap_or_else(|| "all".to_owned());
        match scope.as_str() {
            "all" => {}
            "session" if session_id.is_none() => return Err(Error::bad_request("session_id is required for scope=session")),
            "run" if run_id.is_none() => return Err(Error::bad_request("run_id is required for scope=run")),
            "session" | "run" => {}
            _ => return Err(Error::bad_request("scope must be one of: all, session, run")),
        }
        let (artifact_kind, semantic_kind) = (owned(query, "artifact_kind"), lower("semantic_kind"));
        let filter = ArtifactFilter {
            semantic_kinds: kinds(artifact_kind.as_deref(), semantic_kind.as_deref()),
            render_kind: lower("render_kind"),
            modality: lower("modality"),
            workflow_id: owned(query, "workflow_id"),
            node_id: owned(query, "node_id"),
            content_type: owned(query, "content_type"),
            text: owned(query, "query"),
            tags: owned(query, "tags").map_or(Ok(Tags::new()), |text| tags(&text))?,
            created_after: time(query, "created_after")?,
            created_before: time(query, "created_before")?,
            run_id: run_id.map(RunId::from),
            session_id,
        };
        Ok(Asked {
            scope,
            filter,
            artifact_kind,
            semantic_kind,
        })
    }
}

/// Those of a comma-separated list that are not excluded by the single one; one that nothing is, if none is left.
fn kinds(list: Option<&str>, one: Option<&str>) -> Vec<String> {
    let list = list.unwrap_or_default().split(',').map(|kind| kind.trim().to_lowercase());
    let list: Vec<String> = list.filter(|kind| !kind.is_empty()).collect();
    match one {
        None => list,
        Some(one) if list.is_empty() || list.iter().any(|kind| kind == one) => vec![one.to_owned()],
        Some(_) => vec![String::new()],
    }
}

/// A JSON object, or `k=v,k:v`.
fn tags(text: &str) -> Result<Tags, Error> {
    let bad = || Error::bad_request("tags must be a JSON object or a list of k=v");
    if text.starts_with('{') {
        let object: IndexMap<String, serde_json::Value> = serde_json::from_str(text).map_err(|_| bad())?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        return Ok(object.into_iter().map(|(name, value)| (name, text(value))).collect());
    }
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let split = |pair: &str| {
        let (name, value) = pair.split_once(['=', ':']).ok_or_else(bad)?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    pairs.map(split).collect()
}

fn time(query: &Query, name: &'static str) -> Result<Option<Micros>, Error> {
    let Some(text) = query.word(name) else { return Ok(None) };
    // A `+` of the offset that was not encoded has come as a blank.
    let read = Micros::parse(text).or_else(|| Micros::parse(&text.replace(' ', "+")));
    let bad = || Error::bad_request(format!("Invalid {name}: '{text}' is not an ISO timestamp"));
    read.map(Some).ok_or_else(bad)
}

/// `<created_at>|<artifact_id>`.
fn cursor(text: &str) -> Result<(Micros, String), Error> {
    let bad = || Error::bad_request("Invalid cursor");
    let (at, id) = text.rsplit_once('|').ok_or_else(bad)?;
    let at = Micros::parse(at)
        .or_else(|| Micros::parse(&at.replace(' ', "+")))
        .ok_or_else(bad)?;
    Ok((at, id.to_owned()))
}

/// A page, and what was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = ArtifactSearchPage)]
struct Results<'a> {
    #[serde(flatten)]
    page: Page<'a>,
    scope: &'a str,
    query: Option<&'a str>,
    modality: Option<&'a str>,
    artifact_kind: Option<&'a str>,
    semantic_kind: Option<&'a str>,
    render_kind: Option<&'a str>,
    content_type: Option<&'a str>,
    order_by: &'static str,
    order: &'static str,
    #[schema(value_type = Object)]
    tags: &'a Tags,
}

/// The artifacts that are meant, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/api/gateway/artifacts/search",
    tag = "artifacts",
    params(
        bodies::ArtifactFilters,
        bodies::ArtifactPart,
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("order_by" = Option<String>, Query, description = "`created_at`"),
        ("order" = Option<String>, Query, description = "`desc` or `asc`"),
        ("include_stats" = Option<bool>, Query, description = "Counts by value over all that is meant"),
    ),
    responses((status = 200, body = Results<'static>), BadRequest, Invalid, Refused)
)]
pub async fn search(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let mut part = part(&mut query);
    let include_stats = query.flag("include_stats", false);
    // There is no page without a limit here; the word is known all the same.
    query.flag("debug_unlimited", false);
    let asked = Asked::of(&query);
    let (order_by, order) = (owned(&query, "order_by"), owned(&query, "order"));
    let after = owned(&query, "cursor");
    query.finish()?;
    let asked = asked?;
    if order_by.is_some_and(|by| by != "created_at") {
        return Err(Error::bad_request("order_by must be created_at"));
    }
    part.oldest_first = match order.as_deref().map(str::to_lowercase).as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(Error::bad_request("order must be asc or desc")),
    };
    part.after = after.as_deref().map(cursor).transpose()?;
    let order = if part.oldest_first { "asc" } else { "desc" };
    let found = Found::read(&app, principal.tenant, &asked.filter, part, include_stats).await?;
    let filter = &asked.filter;
    let results = Results {
        page: found.shown(),
        scope: &asked.scope,
        query: filter.text.as_deref(),
        modality: filter.modality.as_deref(),
        artifact_kind: asked.artifact_kind.as_deref(),
        semantic_kind: asked.semantic_kind.as_deref(),
        render_kind: filter.render_kind.as_deref(),
        content_type: filter.content_type.as_deref(),
        order_by: "created_at",
        order,
        tags: &filter.tags,
    };
    Ok(json(StatusCode::OK, &results))
}

/// Figures over the artifacts that are meant.
#[derive(Serialize, ToSchema)]
#[schema(as = ArtifactStats)]
struct Stats<'a> {
    ok: bool,
    scope: &'a str,
    total: u64,
    total_bytes: u64,
    /// Those that were given.
    #[schema(value_type = Object)]
    filters: IndexMap<&'static str, String>,
    #[schema(value_type = Object)]
    facets: Facets<'a>,
    supported_filters: [&'static str; 13],
    default_page_size: u32,
}

/// Counts of the artifacts that are meant, by value of what they are.
#[utoipa::path(
    get,
    path = "/api/gateway/artifacts/stats",
    tag = "artifacts",
    params(bodies::ArtifactFilters),
    responses((status = 200, body = Stats<'static>), BadRequest, Refused)
)]
pub async fn stats(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let query = Query::of(&uri);
    let asked = Asked::of(&query)?;
    let given = FILTERS.iter().filter(|name| **name != "scope");
    let filters = given.filter_map(|name| Some((*name, owned(&query, name)?))).collect();
    let found = app.journal.artifact_stats(principal.tenant, &asked.filter).await?;
    let stats = Stats {
        ok: true,
        scope: &asked.scope,
        total: found.total,
        total_bytes: found.bytes,
        filters,
        facets: facets(&found.facets),
        supported_filters: FILTERS,
        default_page_size: PAGE,
    };
    Ok(json(StatusCode::OK, &stats))
}
