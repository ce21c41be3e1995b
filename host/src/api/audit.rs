//! `GET /audit/tail`: the end of the audit log, for administrators: it names the clients of all tenants.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::json;
use super::openapi::{Invalid, Refused};
use super::validate::Query;
use super::{AppState, Error, Principal};

#[derive(Serialize, ToSchema)]
struct Tail {
    ok: bool,
    /// Bytes of the log that `content` is.
    bytes: usize,
    /// The log is longer; `content` may begin within a line.
    truncated: bool,
    /// One JSON object a line, the last lines of `audit_log.jsonl`.
    content: String,
}

#[utoipa::path(
    get,
    path = "/api/gateway/audit/tail",
    tag = "identity",
    params(("max_bytes" = Option<i64>, Query, minimum = 1024, maximum = 400_000, description = "80000")),
    responses((status = 200, body = Tail), Invalid, Refused)
)]
pub async fn tail(_: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let max = query.int("max_bytes", 80_000, 1024, 400_000);
    query.finish()?;
    let security = app.security.clone();
    let read = tokio::task::spawn_blocking(move || security.audit_tail(u64::try_from(max).unwrap_or(0))).await;
    let (bytes, truncated) = match read.map_err(std::io::Error::from).flatten() {
        Ok(read) => read,
        Err(error) => {
            tracing::error!(%error, "the audit log cannot be read");
            return Err(Error::Status(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error".into(),
            ));
        }
    };
    let tail = Tail {
        ok: true,
        bytes: bytes.len(),
        truncated,
        content: String::from_utf8_lossy(&bytes).into_owned(),
    };
    Ok(json(StatusCode::OK, &tail))
}
