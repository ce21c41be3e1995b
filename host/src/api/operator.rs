//! For operators, outside of the gateway's contract: `/metrics`, `/healthz` and `/readyz`.
//!
//! The two health pages need no token and say nothing but whether: their reasons are fixed words, the log has the details. `/metrics`
//! passes the guard like a read, unless `security.open_metrics` opens it.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;

use super::error::json;
use super::routes::only;
use super::{AppState, Error};
use crate::journal::Runs;
use crate::telemetry::metrics::{Moment, render};

/// The text format that Prometheus reads.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub fn router() -> Router<AppState> {
    Router::new()
        .route("/healthz", only(get(healthz), "GET"))
        .route("/readyz", only(get(readyz), "GET"))
        .route("/metrics", only(get(metrics), "GET"))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The process lives and answers.
async fn healthz() -> Response {
    json(StatusCode::OK, &Health { status: "ok" })
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    /// `here`, `elsewhere` or `nowhere`: whether this process drives the runs that it takes, another one does, or none at the moment.
    runs: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a client asks for now becomes durable.
async fn readyz(State(app): State<AppState>) -> Response {
    let runs = match app.journal.runs_are_driven() {
        Runs::Here => "here",
        Runs::Elsewhere => "elsewhere",
        Runs::Nowhere => "nowhere",
    };
    let (code, status, reason) = match app.journal.check().await {
        Ok(()) => (StatusCode::OK, "ready", None),
        Err(unwell) => (StatusCode::SERVICE_UNAVAILABLE, "not ready", Some(unwell.to_string())),
    };
    json(code, &Readiness { status, runs, reason })
}

async fn metrics(State(app): State<AppState>) -> Result<Response, Error> {
    let journal = &app.journal;
    let runs = journal.runs_are_driven();
    let moment = Moment {
        queue_depth: journal.queue_depth(),
        queue_age: journal.queue_age(),
        runs: journal.run_counts().await?,
        database: journal.file_sizes(),
        drives: runs == Runs::Here,
        driven: runs != Runs::Nowhere,
    };
    let mut response = Response::new(render(&moment).into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROMETHEUS));
    Ok(response)
}
