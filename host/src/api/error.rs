//! The one error of the handlers and the answer that it becomes: always `{"detail": …}`, a text or a list of findings.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::validate::Issue;
use crate::ids::LedgerSeq;
use crate::journal;
use crate::security::{Stalled, TooLarge};

#[derive(Debug)]
pub enum Error {
    /// A status and the text of its `detail`.
    Status(StatusCode, String),
    /// 422: the request does not have the declared shape.
    Invalid(Vec<Issue>),
    /// 410: rows that were asked for have expired.
    Expired { run_id: String, horizon: LedgerSeq },
    /// 413: the body is over the cap of its path.
    TooLarge(TooLarge),
    /// 408: the body stopped coming.
    Stalled(Stalled),
    /// The journal could not answer. The client learns that, the log learns why.
    Journal(journal::Error),
}

impl Error {
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Error::Status(StatusCode::BAD_REQUEST, detail.into())
    }
    pub fn not_found(detail: impl Into<String>) -> Self {
        Error::Status(StatusCode::NOT_FOUND, detail.into())
    }
    pub fn unknown_run(run_id: &str) -> Self {
        Error::not_found(format!("Run '{run_id}' not found"))
    }
    pub fn conflict(detail: impl Into<String>) -> Self {
        Error::Status(StatusCode::CONFLICT, detail.into())
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::UnknownRun(run_id) => Error::unknown_run(&run_id),
            other => Error::Journal(other),
        }
    }
}

impl From<Issue> for Error {
    fn from(issue: Issue) -> Self {
        Error::Invalid(vec![issue])
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Error::Status(status, detail) => {
                let mut response = detail_response(status, &detail);
                if status == StatusCode::TOO_MANY_REQUESTS {
                    let soon = HeaderValue::from_static("1");
                    response.headers_mut().insert(header::RETRY_AFTER, soon);
                }
                response
            }
            Error::Expired { run_id, horizon } => {
                #[derive(serde::Serialize)]
                struct Body {
                    detail: String,
                    horizon: LedgerSeq,
                }
                let detail = format!("Ledger rows of run '{run_id}' before {horizon} have expired");
                json(StatusCode::GONE, &Body { detail, horizon })
            }
            Error::TooLarge(cap) => cap.into_response(),
            Error::Stalled(stalled) => stalled.into_response(),
            Error::Invalid(issues) => {
                #[derive(serde::Serialize)]
                struct Body {
                    detail: Vec<Issue>,
                }
                json(StatusCode::UNPROCESSABLE_ENTITY, &Body { detail: issues })
            }
            Error::Journal(journal::Error::Closed) => {
                detail_response(StatusCode::SERVICE_UNAVAILABLE, "The gateway is shutting down")
            }
            Error::Journal(error) if error.is_of_the_disk() => {
                tracing::warn!(%error, "a request was refused");
                let mut response = detail_response(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The gateway cannot store anything at the moment; try again later",
                );
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Error::Journal(error) => {
                tracing::error!(%error, "the journal could not answer a request");
                detail_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

/// `{"detail": "<text>"}`.
pub fn detail_response(status: StatusCode, detail: &str) -> Response {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        detail: &'a str,
    }
    json(status, &Body { detail })
}

/// A JSON answer with any status.
pub fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(text) => json_text(status, text),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
        }
    }
}

/// An answer whose body is JSON text already.
pub fn json_text(status: StatusCode, text: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
