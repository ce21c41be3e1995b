//! `POST /attachments/upload`: a file of a client becomes an artifact of its session. The bytes go to the disk as they come.

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::broken;
use super::super::error::json;
use super::super::openapi::{BadRequest, Full, Invalid, Refused, Unread, bodies};
use super::super::validate::{Issue, null};
use super::super::{AppState, Error, Principal};
use super::item::Metadata;
use crate::artifacts::{Incoming, Meta, Owner};
use crate::record::artifact::{Artifact, Reference, is_content_type, modality};

/// Longest text field, in bytes.
const MAX_TEXT: usize = 8 << 10;

/// An artifact that was brought in.
#[derive(Serialize, ToSchema)]
#[schema(as = BroughtIn)]
pub struct Answer<'a> {
    ok: bool,
    run_id: &'a str,
    #[schema(value_type = Object)]
    artifact: Reference<'a>,
    metadata: Metadata<'a>,
    /// The same as `artifact`, under the older name that attachments have.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<Reference<'a>>,
}

impl<'a> Answer<'a> {
    pub fn of(artifact: &'a Artifact) -> Self {
        Answer {
            ok: true,
            run_id: artifact.run_id.as_str(),
            artifact: artifact.reference(),
            metadata: Metadata::of(artifact),
            attachment: Some(artifact.reference()),
        }
    }

    /// Of what is no attachment.
    pub fn without_attachment(artifact: &'a Artifact) -> Self {
        Answer {
            attachment: None,
            ..Answer::of(artifact)
        }
    }
}

/// Fields of the form.
#[derive(Default)]
struct Form {
    session_id: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    source_path: Option<String>,
    file: Option<Part>,
}

/// The file, with what the client's form says of it by itself.
struct Part {
    bytes: Incoming,
    filename: Option<String>,
    content_type: Option<String>,
}

/// Keeps a file for a session.
#[utoipa::path(
    post,
    path = "/api/gateway/attachments/upload",
    tag = "artifacts",
    request_body(content = bodies::AttachmentForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Answer<'static>), BadRequest, Unread, Invalid, Full, Refused)
)]
pub async fn upload(
    principal: Principal,
    State(app): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Error> {
    let mut form = match form {
        Ok(form) => read(form, &app, &principal).await?,
        Err(_) => Form::default(),
    };
    let has_file = form.file.is_some();
    let (Some(session_id), Some(part)) = (&form.session_id, form.file.take()) else {
        let missing = |name: &'static str| Issue::missing(vec!["body".into(), name.into()], null());
        let session = form.session_id.is_none().then(|| missing("session_id"));
        let file = (!has_file).then(|| missing("file"));
        return Err(Error::Invalid(session.into_iter().chain(file).collect()));
    };
    let session_id = session_id.trim();
    if session_id.is_empty() {
        return Err(Error::bad_request("session_id is required"));
    }
    let filename = form.filename.as_deref().or(part.filename.as_deref()).and_then(base_name);
    let filename = filename.unwrap_or_else(|| "upload".to_owned());
    let guessed = || mime_guess::from_path(&filename).first_raw().map(str::to_owned);
    let content_type = [form.content_type, part.content_type]
        .into_iter()
        .flatten()
        .map(|given| given.trim().to_owned())
        .find(|given| !given.is_empty())
        .or_else(guessed)
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    if !is_content_type(&content_type) {
        return Err(Error::bad_request(format!(
            "Invalid content_type: '{content_type}' is not of the form type/subtype"
        )));
    }
    let source_path = form
        .source_path
        .map(|path| path.trim().to_owned())
        .filter(|path| !path.is_empty());
    let source_path = source_path.unwrap_or_else(|| format!("client:{filename}"));
    let tags = [
        ("kind", "attachment"),
        ("target", "client"),
        ("source", "upload"),
        ("path", &source_path),
        ("filename", &filename),
        ("session_id", session_id),
        ("modality", modality(&content_type)),
    ];
    let tags = tags
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let meta = Meta { content_type, tags };
    app.admit_bytes(&principal).await?;
    let artifact = app.artifacts.keep(Owner::Session(session_id), part.bytes, meta).await?;
    Ok(json(StatusCode::OK, &Answer::of(&artifact)))
}

async fn read(mut multipart: Multipart, app: &AppState, principal: &Principal) -> Result<Form, Error> {
    let mut form = Form::default();
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        match field.name().unwrap_or_default() {
            "session_id" => form.session_id = Some(text("session_id", field).await?),
            "filename" => form.filename = Some(text("filename", field).await?),
            "content_type" => form.content_type = Some(text("content_type", field).await?),
            "source_path" => form.source_path = Some(text("source_path", field).await?),
            "file" => form.file = Some(file(field, app, principal).await?),
            _ => {}
        }
    }
    Ok(form)
}

/// The file's bytes on the disk; one that is too large is read to its end, so that the answer can name its size.
async fn file(mut field: Field<'_>, app: &AppState, principal: &Principal) -> Result<Part, Error> {
    let max = app.security.max_attachment_bytes();
    let (filename, content_type) = (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
    let mut bytes = app.artifacts.begin(principal.tenant).await?;
    let mut size = 0u64;
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        size += chunk.len() as u64;
        if size <= max {
            bytes.write(&chunk).await.map_err(crate::journal::Error::Blobs)?;
        }
    }
    if size > max {
        return Err(too_large(size, max));
    }
    Ok(Part {
        bytes,
        filename,
        content_type,
    })
}

/// What is said of an attachment that is over its cap.
pub fn too_large(size: u64, max: u64) -> Error {
    let detail = format!("Attachment too large ({size} bytes > {max} bytes)");
    Error::Status(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

async fn text(name: &str, mut field: Field<'_>) -> Result<String, Error> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_TEXT {
            return Err(Error::bad_request(format!("{name} is longer than {MAX_TEXT} bytes")));
        }
    }
    String::from_utf8(text).map_err(|_| Error::bad_request(format!("{name} is not UTF-8")))
}

/// The last part of a path of any system, without what no file is called by.
pub fn base_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

fn unreadable(error: MultipartError) -> Error {
    broken(&error)
}
