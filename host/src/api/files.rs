//! `GET /workspace/policy` and `GET /files/…`: the files of the workspace, for clients that offer them to people and models.
//!
//! Files are named relative to the workspace, in answers and in their texts; no answer has a path of this machine.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::json;
use super::openapi::{BadRequest, Invalid, NotFound, Refused, TooLarge, bodies};
use super::validate::Query;
use super::{AppState, Error, Principal};
use crate::workspace::{self, Found, Hit, Listing, Mode, Said, Scope, Skim, Want, family};

#[derive(Serialize, ToSchema)]
#[schema(as = WorkspacePolicyAnswer)]
struct Answer<'a> {
    ok: bool,
    policy: Policy<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WorkspacePolicy)]
struct Policy<'a> {
    target: &'static str,
    mounts: Vec<Mount<'a>>,
    max_attachment_bytes: u64,
    client_workspace_scope_overrides: bool,
    allowed_access_modes: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WorkspaceMount)]
struct Mount<'a> {
    name: &'a str,
}

#[utoipa::path(
    get,
    path = "/api/gateway/workspace/policy",
    tag = "files",
    responses((status = 200, body = Answer<'static>), Refused)
)]
pub async fn policy(principal: Principal, State(app): State<AppState>) -> Response {
    let workspace = app.workspace(&principal);
    let mut modes = vec![Mode::WorkspaceOnly.as_str(), Mode::WorkspaceOrAllowed.as_str()];
    if workspace.follows_clients() {
        modes.push(Mode::AllExceptIgnored.as_str());
    }
    let policy = Policy {
        target: "server",
        mounts: workspace.mounts().map(|name| Mount { name }).collect(),
        max_attachment_bytes: app.security.max_attachment_bytes(),
        client_workspace_scope_overrides: workspace.follows_clients(),
        allowed_access_modes: modes,
    };
    json(StatusCode::OK, &Answer { ok: true, policy })
}

/// Folders as a client names them. They count only where the policy says `client_workspace_scope_overrides`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `said` reads")]
struct Words {
    workspace_root: Option<String>,
    /// `workspace_only`, `workspace_or_allowed` or `all_except_ignored`.
    workspace_access_mode: Option<String>,
    /// Lines, or a JSON list in a text.
    workspace_allowed_paths: Option<String>,
    /// Lines, or a JSON list in a text.
    workspace_ignored_paths: Option<String>,
}

#[utoipa::path(
    get,
    path = "/api/gateway/files/list",
    tag = "files",
    params(
        ("path" = Option<String>, Query, description = "Blank: the workspace and its mounts"),
        ("recursive" = Option<bool>, Query),
        ("include_directories" = Option<bool>, Query, description = "True"),
        ("family" = Option<String>, Query, description = "any, image, video, audio, document, text, code, json, archive, other"),
        ("extensions" = Option<String>, Query, description = "By commas or lines, without dots"),
        ("query" = Option<String>, Query, description = "A part of the path"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 5000, description = "200"),
        ("max_depth" = Option<i64>, Query, minimum = 0, maximum = 50, description = "Levels of folders; 0 is no limit"),
        Words,
    ),
    responses((status = 200, body = Listing), BadRequest, NotFound, Invalid, Refused)
)]
pub async fn list(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let folder = query.text("path").unwrap_or_default().to_owned();
    let want = Want {
        recursive: query.flag("recursive", false),
        folders: query.flag("include_directories", true),
        family: query.word("family").unwrap_or("any").to_lowercase(),
        extensions: family::extensions(query.text("extensions").unwrap_or_default()),
        query: query.word("query").unwrap_or_default().to_lowercase(),
        limit: count(query.int("limit", 200, 1, 5000)),
        max_depth: count(query.int("max_depth", 0, 0, 50)),
        named_folder: false,
    };
    let said = said(&query);
    query.finish()?;
    let workspace = app.workspace(&principal);
    let listing: Result<Listing, _> = blocking(move || workspace.request(&said)?.list(&folder, &want)).await?;
    let listing = listing.map_err(|error| match error {
        workspace::Error::NotFound => Error::not_found("Folder not found"),
        other => other.into(),
    })?;
    Ok(json(StatusCode::OK, &listing))
}

#[derive(Serialize, ToSchema)]
#[schema(as = FoundFiles)]
struct Hits {
    items: Vec<Hit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Names that begin with the text come first, then names that have it, then other paths.
#[utoipa::path(
    get,
    path = "/api/gateway/files/search",
    tag = "files",
    params(
        ("query" = String, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "20"),
        Words,
    ),
    responses((status = 200, body = Hits), Invalid, Refused)
)]
pub async fn search(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let text = query.required("query");
    let limit = count(query.int("limit", 20, 1, 200));
    let said = said(&query);
    query.finish()?;
    let workspace = app.workspace(&principal);
    let found = blocking(move || workspace.search(&said, &text, limit)).await?;
    let (items, error) = match found {
        Ok(items) => (items, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok(json(StatusCode::OK, &Hits { items, error }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = FileContent)]
struct Content {
    path: String,
    content: String,
}

/// The lines with their numbers. What cannot be read is answered with a sentence that begins with `Error: ` or `Refused: `.
#[utoipa::path(
    get,
    path = "/api/gateway/files/read",
    tag = "files",
    params(
        ("path" = String, Query),
        ("start_line" = inline(Option<bodies::AtLeast<1>>), Query),
        ("end_line" = inline(Option<bodies::AtLeast<1>>), Query),
        Words,
    ),
    responses((status = 200, body = Content), BadRequest, NotFound, TooLarge, Invalid, Refused)
)]
pub async fn read(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let path = query.required("path");
    let start = count(query.int("start_line", 1, 1, i64::MAX));
    let end = query
        .text("end_line")
        .is_some()
        .then(|| count(query.int("end_line", 1, 1, i64::MAX)));
    let said = said(&query);
    query.finish()?;
    let workspace = app.workspace(&principal);
    shown(move || {
        let scope = workspace.request(&said)?;
        let found = scope.find(&path)?;
        let name = name(&found);
        let content = match text(&scope, &found) {
            Ok(text) => workspace::read_lines(&name, text, start, end),
            Err(Unread::Ignored) => format!("Error: File '{name}' is ignored by .abstractignore policy"),
            Err(Unread::Missing) => format!("Error: File '{name}' does not exist"),
            Err(Unread::NoFile) => format!("Error: '{name}' is not a file"),
            Err(Unread::Binary) => format!("Error: Cannot read '{name}' - file appears to be binary"),
            Err(Unread::Other(why)) => format!("Error: Cannot read '{name}': {why}"),
        };
        Ok(Content { path: name, content })
    })
    .await
}

/// A sample of the lines.
#[utoipa::path(
    get,
    path = "/api/gateway/files/skim",
    tag = "files",
    params(
        ("path" = String, Query),
        ("target_percent" = Option<f64>, Query, minimum = 1, maximum = 25, description = "8"),
        ("head_lines" = Option<i64>, Query, minimum = 0, maximum = 500, description = "25"),
        ("tail_lines" = Option<i64>, Query, minimum = 0, maximum = 500, description = "25"),
        Words,
    ),
    responses((status = 200, body = Content), BadRequest, NotFound, TooLarge, Invalid, Refused)
)]
pub async fn skim(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let path = query.required("path");
    let wanted = Skim {
        percent: query.float_from("target_percent", 8.0, 1.0, 25.0),
        head: count(query.int("head_lines", 25, 0, 500)),
        tail: count(query.int("tail_lines", 25, 0, 500)),
    };
    let said = said(&query);
    query.finish()?;
    let workspace = app.workspace(&principal);
    shown(move || {
        let scope = workspace.request(&said)?;
        let found = scope.find(&path)?;
        let name = name(&found);
        let failed = |why: &str| format!("File: {name}\n\nError: {why}");
        let content = match text(&scope, &found) {
            Ok(text) => workspace::skim(&name, text, wanted),
            Err(Unread::Ignored) => failed("File is ignored by .abstractignore policy"),
            Err(Unread::Missing) => failed("File does not exist"),
            Err(Unread::NoFile) => failed("Path is not a file"),
            Err(Unread::Binary) => failed("File appears to be binary (cannot decode as UTF-8)"),
            Err(Unread::Other(why)) => failed(&why),
        };
        Ok(Content { path: name, content })
    })
    .await
}

/// Why a file's text is not shown. The contract answers these with 200 and a sentence in place of the text.
enum Unread {
    Ignored,
    Missing,
    NoFile,
    Binary,
    Other(String),
}

fn text(scope: &Scope, found: &Found) -> Result<String, Unread> {
    if found.is_ignored() {
        return Err(Unread::Ignored);
    }
    let bytes = scope.read(found).map_err(|error| match error {
        workspace::Error::NotFound => Unread::Missing,
        workspace::Error::NotAFile => Unread::NoFile,
        other => Unread::Other(other.to_string()),
    })?;
    String::from_utf8(bytes).map_err(|_| Unread::Binary)
}

fn name(found: &Found) -> String {
    if found.name.is_empty() {
        ".".to_owned()
    } else {
        found.name.clone()
    }
}

async fn shown(work: impl FnOnce() -> Result<Content, workspace::Error> + Send + 'static) -> Result<Response, Error> {
    Ok(json(StatusCode::OK, &blocking(work).await??))
}

/// Does what waits for the disk where no other request waits for it.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "work on files ended badly");
        Error::Status(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error".into())
    })
}

fn said(query: &Query) -> Said {
    let text = |name| query.text(name).map(str::to_owned);
    Said::of_texts(
        text("workspace_root"),
        text("workspace_access_mode"),
        text("workspace_allowed_paths"),
        text("workspace_ignored_paths"),
    )
}

/// A number that has been checked not to be negative.
fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

impl From<workspace::Error> for Error {
    fn from(error: workspace::Error) -> Self {
        use workspace::Error as E;
        let status = match &error {
            E::Required | E::Invalid | E::InvalidAbsolute | E::NotAFile | E::NotAFolder => StatusCode::BAD_REQUEST,
            E::Outside | E::Escapes | E::Blocked | E::Ignored => StatusCode::FORBIDDEN,
            E::NotFound | E::NoParent | E::NoWorkspace(_) => StatusCode::NOT_FOUND,
            E::Exists => StatusCode::CONFLICT,
            E::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            E::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            E::Io(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Error::Status(status, error.to_string())
    }
}
