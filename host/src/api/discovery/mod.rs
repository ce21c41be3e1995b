//! `GET /discovery/…` and `GET /semantics`: what this host can do, for clients that offer it to people.
//!
//! This host has no models, no tools and no registry of semantics, and says so; what it does have is in [`contracts`].

mod contracts;

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json as document};
use utoipa::ToSchema;

use super::error::json;
use super::openapi::{Invalid, Refused};
use super::validate::{Issue, Query, null};
use super::{AppState, Error, PathOf, Principal};

/// What a list of models would need.
const NO_MODELS: &str = "This host has no model providers";

/// The items are of the clients' own shapes; there are none.
#[derive(Serialize, ToSchema)]
struct Tools {
    #[schema(value_type = Vec<Object>)]
    items: [(); 0],
    /// How the calls of models to tools are carried out.
    tool_mode: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Providers {
    #[schema(value_type = Vec<Object>)]
    items: [(); 0],
    default_provider: Option<&'static str>,
    default_model: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct Models<'a> {
    provider: &'a str,
    #[schema(value_type = Vec<String>)]
    models: [(); 0],
    error: &'static str,
}

#[derive(Serialize, ToSchema)]
struct ModelCapabilities<'a> {
    model: &'a str,
    #[schema(value_type = Object)]
    capabilities: Value,
    error: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Capabilities {
    #[schema(value_type = Object)]
    capabilities: Value,
}

#[utoipa::path(
    get,
    path = "/api/gateway/discovery/tools",
    tag = "discovery",
    responses((status = 200, body = Tools), Refused)
)]
pub async fn tools(_: Principal) -> Response {
    let tools = Tools {
        items: [],
        tool_mode: "none",
    };
    json(StatusCode::OK, &tools)
}

#[utoipa::path(
    get,
    path = "/api/gateway/discovery/providers",
    tag = "discovery",
    params(("include_models" = Option<bool>, Query)),
    responses((status = 200, body = Providers), Invalid, Refused)
)]
pub async fn providers(_: Principal, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    query.flag("include_models", false);
    query.finish()?;
    let providers = Providers {
        items: [],
        default_provider: None,
        default_model: None,
    };
    Ok(json(StatusCode::OK, &providers))
}

#[utoipa::path(
    get,
    path = "/api/gateway/discovery/providers/{provider_name}/models",
    tag = "discovery",
    params(("provider_name" = String, Path)),
    responses((status = 200, body = Models<'static>), Refused)
)]
pub async fn models(_: Principal, PathOf(provider): PathOf<String>) -> Response {
    let models = Models {
        provider: &provider,
        models: [],
        error: NO_MODELS,
    };
    json(StatusCode::OK, &models)
}

#[utoipa::path(
    get,
    path = "/api/gateway/discovery/models/capabilities",
    tag = "discovery",
    params(("model_name" = String, Query)),
    responses((status = 200, body = ModelCapabilities<'static>), Invalid, Refused)
)]
pub async fn model_capabilities(_: Principal, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let query = Query::of(&uri);
    let Some(model) = query.text("model_name") else {
        return Err(Issue::missing(vec!["query".into(), "model_name".into()], null()).into());
    };
    let capabilities = ModelCapabilities {
        model,
        capabilities: document!({}),
        error: NO_MODELS,
    };
    Ok(json(StatusCode::OK, &capabilities))
}

#[utoipa::path(
    get,
    path = "/api/gateway/discovery/capabilities",
    tag = "discovery",
    responses((status = 200, body = Capabilities), Refused)
)]
pub async fn capabilities(_: Principal, State(app): State<AppState>) -> Response {
    let absent = |what: &str| document!({"installed": false, "error": format!("This host has no {what}")});
    let capabilities = document!({
        "flowgate": {"installed": true, "version": env!("CARGO_PKG_VERSION")},
        // Flows are compiled and run; drawing them is done elsewhere.
        "visualflow": {"installed": true, "version": env!("CARGO_PKG_VERSION"), "authoring": false},
        "tools": {"installed": false, "count": 0},
        "voice": absent("voice"),
        "vision_fallback": absent("vision model"),
        "media": absent("media models"),
        "multimodal": absent("media models"),
        "contracts": contracts::contracts(contracts::Served::here(), app.security.max_attachment_bytes()),
    });
    json(StatusCode::OK, &Capabilities { capabilities })
}

#[utoipa::path(
    get,
    path = "/api/gateway/semantics",
    tag = "discovery",
    responses((status = 501, description = "This host has no registry of semantics"), Refused)
)]
pub async fn semantics(_: Principal) -> Error {
    Error::Status(
        StatusCode::NOT_IMPLEMENTED,
        "Semantics registry is unavailable. This host has none.".into(),
    )
}
