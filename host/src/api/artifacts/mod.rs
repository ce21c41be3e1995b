//! Artifacts over HTTP: what there is ([`list`], [`search`]), what one is, its bytes ([`content`]), bringing one in ([`upload`]),
//! and what goes between them and the workspace ([`workspace`]).
//!
//! Under a run's path a client sees the artifacts of that run and those of its session: of the session's memory, and those tagged
//! with it.

pub mod content;
pub mod item;
pub mod list;
pub mod refs;
pub mod search;
pub mod upload;
pub mod workspace;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::json;
use super::openapi::{BadRequest, NotFound, Refused};
use super::{AppState, Error, PathOf, Principal, runs};
use crate::ids::{RunId, TenantId};
use crate::record::artifact::{Action, Artifact, is_artifact_id, is_session_memory, session_memory_run, session_of};
use item::Metadata;

/// Who is said to look at artifacts.
const ACTOR: &str = "gateway";

/// Makes the memory of a session if `run_id` names one of a session that has runs: it is shown as if it had always been there. False: it
/// names none.
pub async fn remember(app: &AppState, tenant: TenantId, run_id: &str) -> Result<bool, Error> {
    let Some(session_id) = session_of(run_id) else {
        return Ok(false);
    };
    if app.journal.session_began(tenant, session_id).await?.is_none() {
        return Ok(false);
    }
    app.journal.make_session_memory(tenant, session_id).await?;
    Ok(true)
}

/// The artifact that a run's path names.
async fn visible(principal: &Principal, app: &AppState, run_id: &str, artifact_id: &str) -> Result<Artifact, Error> {
    if !is_artifact_id(artifact_id) {
        return Err(Error::bad_request(format!(
            "Invalid artifact id: Invalid artifact_id '{artifact_id}': must contain only alphanumeric characters, hyphens, and underscores"
        )));
    }
    let tenant = principal.tenant;
    if let Some(own) = app.journal.artifact(tenant, &RunId::from(run_id), artifact_id).await? {
        return Ok(own);
    }
    let session_id = match session_of(run_id) {
        Some(session_id) => Some(session_id.to_owned()),
        None if is_session_memory(run_id) => None,
        None => runs::find(principal, app, run_id).await?.session_id,
    };
    let others = app.journal.artifacts_called(tenant, artifact_id).await?;
    if others.is_empty() {
        return Err(Error::not_found(format!("Artifact '{artifact_id}' not found")));
    }
    let of_session = others
        .into_iter()
        .find(|artifact| session_id.as_deref().is_some_and(|session| is_of(artifact, session)));
    of_session.ok_or_else(|| Error::not_found("artifact not found"))
}

/// Whether an artifact belongs to a session.
fn is_of(artifact: &Artifact, session_id: &str) -> bool {
    artifact.tag("session_id") == Some(session_id) || artifact.run_id == session_memory_run(session_id)
}

/// What an artifact is.
#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/artifacts/{artifact_id}",
    tag = "artifacts",
    params(
        ("run_id" = String, Path),
        ("artifact_id" = String, Path),
    ),
    responses((status = 200, body = Metadata<'static>), BadRequest, NotFound, Refused)
)]
pub async fn get(
    principal: Principal,
    State(app): State<AppState>,
    PathOf((run_id, artifact_id)): PathOf<(String, String)>,
) -> Result<Response, Error> {
    let artifact = visible(&principal, &app, &run_id, &artifact_id).await?;
    let artifact = app.artifacts.note(principal.tenant, artifact, Action::Metadata, Some(ACTOR));
    Ok(json(StatusCode::OK, &Metadata::with_envelope(&artifact)))
}
