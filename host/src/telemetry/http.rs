//! Watches HTTP requests from outside: counts and times them, and gives what they log their id.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::{metrics, traces};

/// The middleware. The guard within adds `request_id` and `tenant` to the span when it knows them.
pub async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let method = request.method().clone();
    let span = if traces::is_on() {
        tracing::info_span!(
            target: traces::TARGET,
            "request",
            otel.name = format!("{method} {}", route.unwrap_or_default()),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = %method,
            http.route = route,
            http.response.status_code = Empty,
            request_id = Empty,
            tenant = Empty,
        )
    } else {
        tracing::info_span!("request", request_id = Empty, tenant = Empty)
    };
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::request(route, &method, status, began.elapsed());
    response
}
