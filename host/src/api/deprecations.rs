//! `POST /bundles/{bundle_id}/deprecate` and `…/undeprecate`: flows that are not to be started any more, and back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::JsonBody;
use super::error::json;
use super::openapi::{BadRequest, Invalid, NotFound, Refused, Unread, bodies};
use super::workflows::DeprecateError;
use super::{AppState, Error, PathOf, Principal};

/// What stands for every flow of a bundle.
const ALL: &str = "*";

#[derive(Serialize, ToSchema)]
struct Deprecated<'a> {
    ok: bool,
    bundle_id: &'a str,
    flow_id: &'a str,
    deprecated_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[utoipa::path(
    post,
    path = "/api/gateway/bundles/{bundle_id}/deprecate",
    tag = "bundles",
    params(("bundle_id" = String, Path, description = "Without a version: all of them are meant")),
    request_body(content = bodies::DeprecateBody),
    responses((status = 200, body = Deprecated<'static>), BadRequest, NotFound, Unread, Invalid, Refused)
)]
pub async fn deprecate(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(bundle_id): PathOf<String>,
    body: JsonBody,
) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let flow_id = fields.word("flow_id").filter(|id| id != ALL);
    let reason = fields.word("reason");
    fields.finish()?;
    let bundle_id = bundle_id.trim();
    let said = app
        .workflows
        .deprecate(principal.tenant, bundle_id, flow_id.as_deref(), reason.as_deref());
    let said = said.await?;
    let answer = Deprecated {
        ok: true,
        bundle_id,
        flow_id: flow_id.as_deref().unwrap_or(ALL),
        deprecated_at: &said.at,
        reason: said.reason.as_deref(),
    };
    Ok(json(StatusCode::OK, &answer))
}

#[derive(Serialize, ToSchema)]
struct Undeprecated<'a> {
    ok: bool,
    bundle_id: &'a str,
    flow_id: &'a str,
    removed: bool,
}

#[utoipa::path(
    post,
    path = "/api/gateway/bundles/{bundle_id}/undeprecate",
    tag = "bundles",
    params(("bundle_id" = String, Path, description = "Without a version: all of them are meant")),
    request_body(content = bodies::UndeprecateBody),
    responses((status = 200, body = Undeprecated<'static>), BadRequest, Unread, Invalid, Refused)
)]
pub async fn undeprecate(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(bundle_id): PathOf<String>,
    body: JsonBody,
) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let flow_id = fields.word("flow_id").filter(|id| id != ALL);
    fields.finish()?;
    let bundle_id = bundle_id.trim();
    let removed = app
        .workflows
        .undeprecate(principal.tenant, bundle_id, flow_id.as_deref())
        .await?;
    let answer = Undeprecated {
        ok: true,
        bundle_id,
        flow_id: flow_id.as_deref().unwrap_or(ALL),
        removed,
    };
    Ok(json(StatusCode::OK, &answer))
}

impl From<DeprecateError> for Error {
    fn from(error: DeprecateError) -> Self {
        match error {
            DeprecateError::NotFound(text) => Error::not_found(text),
            DeprecateError::Journal(error) => error.into(),
        }
    }
}
