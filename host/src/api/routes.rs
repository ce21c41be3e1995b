//! Which path goes where, and what answers when none does.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::workflows::NO_BUNDLES;
use super::{
    AppState, artifacts, audit, bundle_admin, bundle_flows, bundles, commands, deprecations, detail_response, discovery, files,
    history, identity, input_data, ledger, openapi, operator, runs, schedule, start, stream, workflow_flow,
};
use crate::security::{cors, guard};
use crate::telemetry::http::observe;

/// The whole API behind its security layers.
pub fn router(state: AppState) -> Router {
    let routes = Router::new()
        .route("/api/health", only(get(identity::health), "GET"))
        .nest("/api/gateway", gateway())
        .merge(openapi::router())
        .merge(operator::router())
        .layer(middleware::from_fn_with_state(state.clone(), only_bundles));
    guarded(routes, state)
}

/// The pages for operators alone, behind the same layers: for a process that takes no requests.
pub fn operator_router(state: AppState) -> Router {
    guarded(operator::router(), state)
}

fn guarded(routes: Router<AppState>, state: AppState) -> Router {
    let security = state.security.clone();
    routes
        .fallback(not_found)
        .with_state(state)
        .layer(CatchPanicLayer::custom(|_| {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
        }))
        .layer(middleware::from_fn_with_state(security, guard::guard))
        .layer(middleware::from_fn(observe))
        .layer(middleware::from_fn(cors::decorate))
}

fn gateway() -> Router<AppState> {
    // A fixed segment wins over a parameter. Where the parameter's path has other verbs, they are repeated, so that a run or a
    // bundle may have any name.
    Router::new()
        .route("/ping", only(get(identity::ping), "GET"))
        .route("/me", only(get(identity::me), "GET"))
        .route("/bundles", only(get(bundles::list), "GET"))
        .route(
            "/bundles/upload",
            only(
                post(bundle_admin::upload)
                    .get(bundles::get_upload)
                    .delete(bundle_admin::remove_upload),
                "POST",
            )
            .layer(DefaultBodyLimit::disable()),
        )
        .route(
            "/bundles/reload",
            only(
                post(bundle_admin::reload)
                    .get(bundles::get_reload)
                    .delete(bundle_admin::remove_reload),
                "POST",
            ),
        )
        .route(
            "/bundles/{bundle_id}",
            only(get(bundles::get).delete(bundle_admin::remove), "DELETE, GET"),
        )
        .route("/bundles/{bundle_id}/deprecate", only(post(deprecations::deprecate), "POST"))
        .route(
            "/bundles/{bundle_id}/undeprecate",
            only(post(deprecations::undeprecate), "POST"),
        )
        .route("/workflows/{workflow_id}/flow", only(get(workflow_flow::get), "GET"))
        .route("/bundles/{bundle_id}/flows/{flow_id}", only(get(bundle_flows::flow), "GET"))
        .route(
            "/bundles/{bundle_id}/flows/{flow_id}/input_schema",
            only(get(bundle_flows::input_schema), "GET"),
        )
        .route("/runs", only(get(runs::list), "GET"))
        .route("/runs/start", only(post(start::start).get(runs::get_start), "POST"))
        .route(
            "/runs/schedule",
            only(post(schedule::schedule).get(runs::get_schedule), "POST"),
        )
        .route("/runs/{run_id}", only(get(runs::get), "GET"))
        .route("/runs/{run_id}/history_bundle", only(get(history::get), "GET"))
        .route("/runs/{run_id}/input_data", only(get(input_data::get), "GET"))
        .route("/runs/{run_id}/ledger", only(get(ledger::page), "GET"))
        .route("/runs/{run_id}/ledger/stream", only(get(stream::follow), "GET"))
        .route("/runs/ledger/batch", only(post(ledger::batch), "POST"))
        .route("/commands", only(post(commands::submit), "POST"))
        .route("/discovery/tools", only(get(discovery::tools), "GET"))
        .route("/discovery/providers", only(get(discovery::providers), "GET"))
        .route(
            "/discovery/providers/{provider_name}/models",
            only(get(discovery::models), "GET"),
        )
        .route(
            "/discovery/models/capabilities",
            only(get(discovery::model_capabilities), "GET"),
        )
        .route("/discovery/capabilities", only(get(discovery::capabilities), "GET"))
        .route("/semantics", only(get(discovery::semantics), "GET"))
        .route("/workspace/policy", only(get(files::policy), "GET"))
        .route("/files/list", only(get(files::list), "GET"))
        .route("/files/search", only(get(files::search), "GET"))
        .route("/files/read", only(get(files::read), "GET"))
        .route("/files/skim", only(get(files::skim), "GET"))
        .route("/audit/tail", only(get(audit::tail), "GET"))
        .route(
            "/attachments/upload",
            only(post(artifacts::upload::upload), "POST").layer(DefaultBodyLimit::disable()),
        )
        .route("/attachments/ingest", only(post(artifacts::workspace::ingest), "POST"))
        .route("/artifacts/import", only(post(artifacts::workspace::import), "POST"))
        .route(
            "/runs/{run_id}/artifacts/{artifact_id}/export",
            only(post(artifacts::workspace::export), "POST"),
        )
        .route("/artifacts/search", only(get(artifacts::search::search), "GET"))
        .route("/artifacts/stats", only(get(artifacts::search::stats), "GET"))
        .route(
            "/sessions/{session_id}/artifacts",
            only(get(artifacts::list::of_session), "GET"),
        )
        .route("/runs/{run_id}/artifacts", only(get(artifacts::list::of_run), "GET"))
        .route("/runs/{run_id}/artifacts/{artifact_id}", only(get(artifacts::get), "GET"))
        .route(
            "/runs/{run_id}/artifacts/{artifact_id}/content",
            only(get(artifacts::content::get), "GET"),
        )
}

/// Refuses everything about bundles where workflows do not come in bundles.
async fn only_bundles(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let about_bundles = request
        .uri()
        .path()
        .strip_prefix("/api/gateway/bundles")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if about_bundles && !app.workflows.serves_bundles() {
        return detail_response(StatusCode::BAD_REQUEST, NO_BUNDLES);
    }
    next.run(request).await
}

/// No verb but the given ones, HEAD and OPTIONS included; `allow` names them to the client.
pub(super) fn only(methods: MethodRouter<AppState>, allow: &'static str) -> MethodRouter<AppState> {
    let refuse = move || std::future::ready(method_not_allowed(allow));
    // As a verb of its own: what a layer answers for it is not given an `allow` by the router.
    methods.head(refuse).options(refuse).fallback(refuse)
}

fn method_not_allowed(allow: &'static str) -> Response {
    let mut response = detail_response(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

async fn not_found() -> Response {
    detail_response(StatusCode::NOT_FOUND, "Not Found")
}
