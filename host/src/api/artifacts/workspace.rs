//! Between the workspace and the artifacts: `POST /attachments/ingest`, `POST /artifacts/import` and `POST /runs/…/artifacts/…/export`.
//! Only administrators get here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::{Fields, JsonBody};
use super::super::error::json;
use super::super::files::blocking;
use super::super::openapi::{BadRequest, Conflict, Full, Invalid, NotFound, Refused, Unread, bodies};
use super::super::validate::{Issue, Loc};
use super::super::{AppState, Error, PathOf, Principal};
use super::upload::{Answer, base_name, too_large};
use super::visible;
use crate::artifacts::{Meta, Owner};
use crate::record::Object;
use crate::record::artifact::{Action, Artifact, Tags, is_content_type, modality};
use crate::workspace::{self, How, Said, family};

/// Tags that say what the gateway knows itself.
const RESERVED: [&str; 7] = ["kind", "target", "source", "path", "filename", "session_id", "sha256"];

/// A file of the workspace that becomes an artifact of a session.
struct Wanted {
    session_id: String,
    path: String,
    filename: Option<String>,
    content_type: Option<String>,
    said: Said,
    /// `attachment` or `run_input`.
    kind: &'static str,
    tags: Tags,
}

/// Keeps a file of the workspace for a session, as an attachment.
#[utoipa::path(
    post,
    path = "/api/gateway/attachments/ingest",
    tag = "artifacts",
    request_body(content = bodies::IngestBody),
    responses((status = 200, body = Answer<'static>), BadRequest, NotFound, Unread, Invalid, Full, Refused)
)]
pub async fn ingest(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let wanted = Wanted {
        session_id: fields.required_text("session_id"),
        path: fields.required_text("path"),
        filename: fields.text("filename"),
        content_type: fields.word("content_type"),
        said: said(&mut fields),
        kind: "attachment",
        tags: Tags::new(),
    };
    fields.finish()?;
    let artifact = keep(&principal, &app, wanted).await?;
    Ok(json(StatusCode::OK, &Answer::of(&artifact)))
}

/// Keeps a file of the workspace for a session, as the input of a run.
#[utoipa::path(
    post,
    path = "/api/gateway/artifacts/import",
    tag = "artifacts",
    request_body(content = bodies::ImportBody),
    responses((status = 200, body = Answer<'static>), BadRequest, NotFound, Unread, Invalid, Full, Refused)
)]
pub async fn import(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let session_id = fields.required_text("session_id");
    let path = fields.word("path");
    let source = match fields.optional_dict("source") {
        Some(source) => {
            let mut source = Fields::of(source, vec!["body".into(), "source".into()])?;
            let (kind, path) = (source.word("kind"), source.word("path"));
            fields.issues.append(&mut source.issues);
            (kind, path)
        }
        None => (None, None),
    };
    let filename = fields.text("filename");
    let content_type = fields.word("content_type");
    let pin_id = fields.word("pin_id");
    let purpose = fields.word("purpose").unwrap_or_else(|| "run_input".to_owned());
    let given = tags(&mut fields);
    let said = said(&mut fields);
    fields.finish()?;

    let kind = source.0.unwrap_or_else(|| "workspace_path".to_owned()).to_lowercase();
    let known = matches!(kind.as_str(), "workspace_path" | "path" | "workspace");
    if !known && !session_id.trim().is_empty() {
        return Err(Error::bad_request("source.kind must be 'workspace_path'"));
    }
    let mut tags = Tags::from_iter([("purpose".to_owned(), purpose)]);
    tags.extend(pin_id.map(|pin_id| ("pin_id".to_owned(), pin_id)));
    tags.extend(given);
    let wanted = Wanted {
        session_id,
        path: path.or(source.1).unwrap_or_default(),
        filename,
        content_type,
        said,
        kind: "run_input",
        tags,
    };
    let artifact = keep(&principal, &app, wanted).await?;
    Ok(json(StatusCode::OK, &Answer::without_attachment(&artifact)))
}

async fn keep(principal: &Principal, app: &AppState, wanted: Wanted) -> Result<Artifact, Error> {
    let session_id = wanted.session_id.trim().to_owned();
    if session_id.is_empty() {
        return Err(Error::bad_request("session_id is required"));
    }
    app.admit_bytes(principal).await?;
    let (workspace, most) = (app.workspace(principal), app.security.max_attachment_bytes());
    let (path, said) = (wanted.path, wanted.said);
    let file = blocking(move || {
        let scope = workspace.request(&said)?;
        let found = scope.find(&path)?;
        if found.is_ignored() {
            return Err(workspace::Error::Ignored);
        }
        let bytes = scope.read_up_to(&found, most)?;
        Ok((found.file_name().to_owned(), found.name, bytes))
    });
    let (file_name, path, bytes) = file.await?.map_err(|error| match error {
        workspace::Error::TooLarge { bytes, limit } if wanted.kind == "attachment" => too_large(bytes, limit),
        workspace::Error::TooLarge { bytes, limit } => artifact_too_large(bytes, limit),
        other => other.into(),
    })?;
    let filename = wanted.filename.as_deref().and_then(base_name).unwrap_or(file_name);
    let content_type = wanted.content_type.map(|given| given.to_lowercase());
    let content_type = content_type.unwrap_or_else(|| family::content_type(&filename));
    if !is_content_type(&content_type) {
        return Err(Error::bad_request(format!(
            "Invalid content_type: '{content_type}' is not of the form type/subtype"
        )));
    }
    let own = [
        ("kind", wanted.kind),
        ("target", "server"),
        ("source", "workspace"),
        ("path", &path),
        ("filename", &filename),
        ("session_id", &session_id),
        ("modality", modality(&content_type)),
    ];
    let mut tags: Tags = own
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    tags.extend(wanted.tags.into_iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())));
    let meta = Meta { content_type, tags };
    let put = app
        .artifacts
        .put(principal.tenant, Owner::Session(&session_id), Bytes::from(bytes), meta);
    Ok(put.await?)
}

fn artifact_too_large(bytes: u64, limit: u64) -> Error {
    let detail = format!("Artifact too large ({bytes} bytes > {limit} bytes)");
    Error::Status(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// The folders that a body names.
fn said(fields: &mut Fields<'_>) -> Said {
    Said::of_texts(
        fields.text("workspace_root"),
        fields.text("workspace_access_mode"),
        fields.text("workspace_allowed_paths"),
        fields.text("workspace_ignored_paths"),
    )
}

/// An object of texts, trimmed, blank ones dropped.
fn tags(fields: &mut Fields<'_>) -> Tags {
    let mut tags = Tags::new();
    let object = fields.optional_dict("tags").and_then(Object::of);
    for (name, value) in object.iter().flat_map(|object| &object.0) {
        match serde_json::from_str::<String>(value.get()) {
            Ok(text) if name.trim().is_empty() || text.trim().is_empty() => {}
            Ok(text) => {
                tags.insert(name.trim().to_owned(), text.trim().to_owned());
            }
            Err(_) => {
                let loc = vec!["body".into(), "tags".into(), Loc::Name(name.to_string().into())];
                fields.issues.push(Issue::not_a_string(loc, (*value).to_owned()));
            }
        }
    }
    tags
}

#[derive(Serialize, ToSchema)]
#[schema(as = Exported)]
pub struct Exported<'a> {
    ok: bool,
    artifact_id: &'a str,
    run_id: &'a str,
    path: String,
    bytes_written: u64,
    content_type: &'a str,
    sha256: String,
}

/// Writes an artifact's bytes into the workspace.
#[utoipa::path(
    post,
    path = "/api/gateway/runs/{run_id}/artifacts/{artifact_id}/export",
    tag = "artifacts",
    params(("run_id" = String, Path), ("artifact_id" = String, Path)),
    request_body(content = bodies::ExportBody),
    responses((status = 200, body = Exported<'static>), BadRequest, NotFound, Conflict, Unread, Invalid, Full, Refused)
)]
pub async fn export(
    principal: Principal,
    State(app): State<AppState>,
    PathOf((run_id, artifact_id)): PathOf<(String, String)>,
    body: JsonBody,
) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let path = fields.word("path");
    let path = path.or_else(|| fields.word("destination"));
    let overwrite = fields.flag("overwrite", false);
    let make_folders = fields.flag("create_parent_dirs", false);
    let said = said(&mut fields);
    fields.finish()?;

    let artifact = visible(&principal, &app, &run_id, &artifact_id).await?;
    let workspace = app.workspace(&principal);
    let limit = workspace.limits().write_bytes;
    if artifact.size > limit {
        return Err(artifact_too_large(artifact.size, limit));
    }
    let bytes = app.artifacts.read(principal.tenant, &artifact, limit).await?;
    let written = bytes.len() as u64;
    // What is written is held against everything that is kept.
    app.artifacts.stored_bytes(principal.tenant).await?;
    let put = blocking(move || {
        let scope = workspace.request(&said)?;
        let found = scope.find(&path.unwrap_or_default())?;
        if found.is_ignored() {
            return Err(workspace::Error::Ignored);
        }
        let key = uuid::Uuid::new_v4().simple().to_string();
        let how = How {
            key: &key,
            make_folders,
            overwrite,
        };
        scope.write(found, &bytes, how)
    });
    let path = put.await?.map_err(|error| match error {
        workspace::Error::NotAFile => Error::bad_request("Destination path is not a file"),
        workspace::Error::NotFound | workspace::Error::NotAFolder => Error::bad_request("Destination parent is not a directory"),
        other => other.into(),
    })?;
    let artifact = app
        .artifacts
        .note(principal.tenant, artifact, Action::Download, Some(super::ACTOR));
    let exported = Exported {
        ok: true,
        artifact_id: &artifact.artifact_id,
        run_id: &run_id,
        path,
        bytes_written: written,
        content_type: &artifact.content_type,
        sha256: artifact.blob.hex(),
    };
    Ok(json(StatusCode::OK, &exported))
}
