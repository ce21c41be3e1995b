//! `GET /api/health`, `GET /ping`, `GET /me`: is anybody there, and who am I.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::json;
use super::openapi::Refused;
use super::{AppState, Error, Principal};

const SERVICE: &str = "abstractgateway";

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
    service: &'static str,
}

#[utoipa::path(
    get,
    path = "/api/health",
    tag = "identity",
    security(()),
    responses((status = 200, body = Health))
)]
pub async fn health() -> Response {
    json(
        StatusCode::OK,
        &Health {
            status: "healthy",
            service: SERVICE,
        },
    )
}

#[derive(Serialize, ToSchema)]
struct Ping {
    ok: bool,
    status: &'static str,
    service: &'static str,
    time: String,
}

#[utoipa::path(
    get,
    path = "/api/gateway/ping",
    tag = "identity",
    responses((status = 200, body = Ping), Refused)
)]
pub async fn ping(_: Principal, State(app): State<AppState>) -> Response {
    let time = app.journal.clock().now().iso();
    json(
        StatusCode::OK,
        &Ping {
            ok: true,
            status: "healthy",
            service: SERVICE,
            time,
        },
    )
}

#[derive(Serialize, ToSchema)]
struct Me<'a> {
    ok: bool,
    principal: Whoami<'a>,
    auth: Auth,
    routing: Routing,
}

#[derive(Serialize, ToSchema)]
struct Whoami<'a> {
    user_id: &'a str,
    tenant_id: &'a str,
    roles: &'a [String],
    scopes: &'a [String],
    token_fingerprint: &'a str,
    runtime_id: &'a str,
    source: &'static str,
    admin: bool,
}

#[derive(Serialize, ToSchema)]
struct Auth {
    mode: &'static str,
    user_auth_enabled: bool,
}

#[derive(Serialize, ToSchema)]
struct Routing {
    mode: &'static str,
    one_user_one_runtime: bool,
}

#[utoipa::path(
    get,
    path = "/api/gateway/me",
    tag = "identity",
    responses((status = 200, body = Me), Refused)
)]
pub async fn me(principal: Principal) -> Result<Response, Error> {
    if !principal.authenticated {
        return Err(Error::Status(
            StatusCode::UNAUTHORIZED,
            "Gateway principal unavailable".into(),
        ));
    }
    let whoami = Whoami {
        user_id: &principal.user,
        tenant_id: &principal.tenant_name,
        roles: &principal.roles,
        scopes: &principal.scopes,
        token_fingerprint: &principal.token_fingerprint,
        runtime_id: &principal.user,
        source: "legacy-token",
        admin: principal.is_admin(),
    };
    let auth = Auth {
        mode: "legacy-token",
        user_auth_enabled: false,
    };
    let routing = Routing {
        mode: "single-user",
        one_user_one_runtime: false,
    };
    Ok(json(
        StatusCode::OK,
        &Me {
            ok: true,
            principal: whoami,
            auth,
            routing,
        },
    ))
}
