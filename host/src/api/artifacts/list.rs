//! `GET /runs/{run_id}/artifacts` and `GET /sessions/{session_id}/artifacts`, and the page that all lists of artifacts are.

use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::json;
use super::super::openapi::{BadRequest, Invalid, NotFound, Refused, bodies};
use super::super::validate::Query;
use super::super::{AppState, Error, PathOf, Principal, runs};
use super::item::Item;
use crate::ids::{RunId, TenantId};
use crate::journal::{ArtifactFilter, ArtifactPage, ArtifactPart, ArtifactStats, Facet};
use crate::record::artifact::is_session_memory;

/// Items of a page that names no limit.
pub const PAGE: u32 = 500;
const MAX_PAGE: i64 = 10_000;

/// A part of the artifacts there are.
#[derive(Serialize, ToSchema)]
#[schema(as = ArtifactPage)]
pub struct Page<'a> {
    pub items: Vec<Item<'a>>,
    /// All of them, those beyond this page too.
    pub total: u64,
    pub offset: u64,
    pub limit: u32,
    pub has_more: bool,
    /// The cursor that was asked for.
    pub cursor: Option<String>,
    /// Asks for what follows this page.
    pub next_cursor: Option<String>,
    #[schema(value_type = Object)]
    pub facets: Facets<'a>,
    /// Empty unless they were asked for.
    #[schema(value_type = Object)]
    pub stats: IndexMap<&'static str, Figure<'a>>,
    pub warnings: Vec<String>,
}

/// How often each value of a column occurs.
pub type Facets<'a> = IndexMap<&'static str, IndexMap<&'a str, u64>>;

/// One of the figures of a page.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Figure<'a> {
    Text(&'static str),
    Count(u64),
    Facets(Facets<'a>),
}

/// Figures as they are shown; what has no value counts as `(none)`.
pub fn facets(facets: &[Facet]) -> Facets<'_> {
    facets
        .iter()
        .map(|facet| {
            let values = facet.values.iter();
            let values = values.map(|(value, count)| (if value.is_empty() { "(none)" } else { value.as_str() }, *count));
            (facet.name, values.collect())
        })
        .collect()
}

/// The `limit` and `offset` of a query; a limit that is not positive is the usual one.
pub fn part(query: &mut Query) -> ArtifactPart {
    let limit = query.int("limit", i64::from(PAGE), -1, MAX_PAGE);
    let offset = query.int("offset", 0, 0, i64::MAX);
    ArtifactPart {
        oldest_first: false,
        offset: u64::try_from(offset).unwrap_or(0),
        limit: u32::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(PAGE),
        after: None,
    }
}

/// What a page is made of.
pub struct Found {
    part: ArtifactPart,
    page: ArtifactPage,
    total: u64,
    stats: Option<ArtifactStats>,
}

impl Found {
    pub async fn read(
        app: &AppState,
        tenant: TenantId,
        filter: &ArtifactFilter,
        part: ArtifactPart,
        with_stats: bool,
    ) -> Result<Self, Error> {
        let page = app.journal.artifacts(tenant, filter, &part).await?;
        let stats = match with_stats {
            true => Some(app.journal.artifact_stats(tenant, filter).await?),
            false => None,
        };
        let total = match &stats {
            Some(stats) => stats.total,
            None => app.journal.artifact_totals(tenant, filter).await?.0,
        };
        Ok(Found {
            part,
            page,
            total,
            stats,
        })
    }

    pub fn shown(&self) -> Page<'_> {
        let last = self.page.items.last().filter(|_| self.page.more);
        let figures = self.stats.as_ref().map(|stats| {
            IndexMap::from([
                ("source", Figure::Text("artifact_catalog")),
                ("total", Figure::Count(stats.total)),
                ("total_bytes", Figure::Count(stats.bytes)),
                ("facets", Figure::Facets(facets(&stats.facets))),
            ])
        });
        Page {
            items: self.page.items.iter().map(Item::of).collect(),
            total: self.total,
            offset: self.part.offset,
            limit: self.part.limit,
            has_more: self.page.more,
            cursor: self.part.after.as_ref().map(|(at, id)| format!("{}|{id}", at.iso())),
            next_cursor: last.map(|last| format!("{}|{}", last.created_at.iso(), last.artifact_id)),
            facets: self.stats.as_ref().map(|stats| facets(&stats.facets)).unwrap_or_default(),
            stats: figures.unwrap_or_default(),
            warnings: Vec::new(),
        }
    }
}

async fn page(principal: &Principal, app: &AppState, uri: &Uri, filter: ArtifactFilter) -> Result<Response, Error> {
    let mut query = Query::of(uri);
    let part = part(&mut query);
    query.finish()?;
    let found = Found::read(app, principal.tenant, &filter, part, false).await?;
    Ok(json(StatusCode::OK, &found.shown()))
}

/// The artifacts of a run, newest first.
#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/artifacts",
    tag = "artifacts",
    params(
        ("run_id" = String, Path),
        bodies::ArtifactPart,
    ),
    responses((status = 200, body = Page<'static>), NotFound, Invalid, Refused)
)]
pub async fn of_run(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let run_id = RunId::from(run_id);
    // The memory of a session that has none yet is empty.
    if !is_session_memory(run_id.as_str()) {
        runs::locate(&principal, &app, &run_id).await?;
    }
    let filter = ArtifactFilter {
        run_id: Some(run_id),
        ..ArtifactFilter::default()
    };
    page(&principal, &app, &uri, filter).await
}

/// The artifacts of a session, newest first.
#[utoipa::path(
    get,
    path = "/api/gateway/sessions/{session_id}/artifacts",
    tag = "artifacts",
    params(
        ("session_id" = String, Path),
        bodies::ArtifactPart,
    ),
    responses((status = 200, body = Page<'static>), BadRequest, Invalid, Refused)
)]
pub async fn of_session(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(session_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let session_id = session_id.trim();
    if session_id.is_empty() {
        return Err(Error::bad_request("session_id is required"));
    }
    let filter = ArtifactFilter {
        session_id: Some(session_id.to_owned()),
        ..ArtifactFilter::default()
    };
    page(&principal, &app, &uri, filter).await
}
