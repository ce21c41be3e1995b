//! `GET /runs/{run_id}/artifacts/{artifact_id}/content`: the bytes, whole or in parts.
//!
//! What clients have stored is shown to browsers on the gateway's own origin, so it is never more than data there: its type is not to be
//! guessed, it is sandboxed, and what could act as a page is not shown but saved.

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::super::openapi::{BadRequest, NotFound, Refused};
use super::super::validate::Query;
use super::super::{AppState, Error, PathOf, Principal};
use super::item::segment;
use super::{ACTOR, visible};
use crate::record::artifact::{Action, Artifact, essence};

/// The bytes of an artifact.
///
/// `Range` is understood. The bytes of an id never change: `ETag` is their SHA-256, and `If-None-Match` and `If-Range` with it hold for ever.
#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/artifacts/{artifact_id}/content",
    tag = "artifacts",
    params(
        ("run_id" = String, Path),
        ("artifact_id" = String, Path),
        ("access" = Option<String>, Query, description = "`content`, `preview` or `download`: what to count it as; a download is saved, not shown"),
        ("access_action" = Option<String>, Query, description = "As `access`"),
        ("Range" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header),
        ("If-Range" = Option<String>, Header),
    ),
    responses(
        (status = 200, content_type = "*/*", body = String, description = "All of it"),
        (status = 206, content_type = "*/*", body = String, description = "The part that was asked for"),
        (status = 304, description = "The client has it"),
        (status = 416, description = "There is no such part"),
        BadRequest, NotFound, Refused
    )
)]
pub async fn get(
    principal: Principal,
    State(app): State<AppState>,
    PathOf((run_id, artifact_id)): PathOf<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let query = Query::of(&uri);
    let action = query.word("access").or_else(|| query.word("access_action"));
    let action = action
        .and_then(|word| Action::parse(&word.to_lowercase()))
        .unwrap_or(Action::Content);
    let artifact = visible(&principal, &app, &run_id, &artifact_id).await?;
    let etag = format!("\"{}\"", artifact.blob.hex());
    let mut response = if is_known(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let path = app.journal.blobs().path(principal.tenant, artifact.blob);
        let served = serve(ServeFile::new(path), &headers, &etag).await?;
        if served.status() == StatusCode::NOT_FOUND {
            tracing::error!(
                artifact = artifact.artifact_id,
                blob = artifact.blob.hex(),
                "the bytes of an artifact are gone"
            );
            let gone = format!("The bytes of artifact '{artifact_id}' are gone");
            return Err(Error::Status(StatusCode::INTERNAL_SERVER_ERROR, gone));
        }
        app.artifacts.note(principal.tenant, artifact.clone(), action, Some(ACTOR));
        served
    };
    describe(response.headers_mut(), &artifact, &etag, action)?;
    Ok(response)
}

/// Whether the client has the bytes already.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    tags.flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

/// The file, or the part of it that is asked for. Of the conditions only the range is left to the server of files: it would go by the
/// file's time, which says nothing here.
async fn serve(file: ServeFile, headers: &HeaderMap, etag: &str) -> Result<Response, Error> {
    let mut request = Request::new(Body::empty());
    let same = headers
        .get(header::IF_RANGE)
        .is_none_or(|wanted| wanted.as_bytes() == etag.as_bytes());
    if let Some(range) = headers.get(header::RANGE).filter(|_| same) {
        request.headers_mut().insert(header::RANGE, range.clone());
    }
    match file.oneshot(request).await {
        Ok(response) => Ok(response.map(Body::new)),
        Err(never) => match never {},
    }
}

fn describe(headers: &mut HeaderMap, artifact: &Artifact, etag: &str, action: Action) -> Result<(), Error> {
    let value = |text: &str| {
        let bad = |_| Error::Status(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error".to_owned());
        HeaderValue::from_str(text).map_err(bad)
    };
    headers.remove(header::LAST_MODIFIED);
    headers.insert(header::ETAG, value(etag)?);
    let given = value(&content_type(&artifact.content_type));
    headers.insert(
        header::CONTENT_TYPE,
        given.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition(artifact, action))?);
    for (name, text) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(text));
    }
    Ok(())
}

/// Text is told to be UTF-8 unless it says otherwise.
fn content_type(stored: &str) -> String {
    let is_text = essence(stored).starts_with("text/");
    if is_text && !stored.to_lowercase().contains("charset") {
        return format!("{stored}; charset=utf-8");
    }
    stored.to_owned()
}

/// Whether a browser may treat the type as a page, with scripts or links of its own.
fn is_active(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.contains("html") || essence.contains("xml") || essence.contains("svg") || essence.contains("script")
}

fn disposition(artifact: &Artifact, action: Action) -> String {
    let saved = action == Action::Download || is_active(&artifact.content_type);
    let way = if saved { "attachment" } else { "inline" };
    let name = artifact.filename().unwrap_or(&artifact.artifact_id);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ' | '(' | ')');
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if ascii == name {
        return format!("{way}; filename=\"{ascii}\"");
    }
    format!("{way}; filename=\"{ascii}\"; filename*=UTF-8''{}", segment(name))
}
