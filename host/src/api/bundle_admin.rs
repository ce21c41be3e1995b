//! `POST /bundles/upload`, `POST /bundles/reload`, `DELETE /bundles/{bundle_id}`.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use flowgate_compiler::diagnostic::Diagnostic;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::broken;
use super::bundles::BundleRef;
use super::error::json;
use super::openapi::{BadRequest, Full, Invalid, NotFound, Refused, Unread, bodies};
use super::validate::{Issue, Query, null, parse_bool, text};
use super::workflows::{Component, InstallError};
use super::{AppState, Error, PathOf, Principal};

#[derive(Serialize, ToSchema)]
#[schema(as = UploadedBundle)]
struct Uploaded<'a> {
    ok: bool,
    bundle_id: &'a str,
    bundle_version: &'a str,
    bundle_ref: String,
    sha256: String,
    default_entrypoint: Option<&'a str>,
    entrypoints: Vec<UploadedEntrypoint<'a>>,
    gateway_reloaded: bool,
    gateway_reload_error: Option<String>,
    /// Flows that are components, `{flow_id, state}`: `installing`, `ready` or `failed`; not in the reference.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>)]
    components: &'a [Component],
    /// What the compiler found; not in the reference, so only when there is something.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>)]
    diagnostics: &'a [Diagnostic],
}

#[derive(Serialize, ToSchema)]
struct UploadedEntrypoint<'a> {
    flow_id: &'a str,
    name: &'a str,
    description: &'a str,
    interfaces: &'a [String],
}

/// Fields of the form: `file` (required), `overwrite` and `reload`.
struct Form {
    file: Bytes,
    overwrite: bool,
    reload: bool,
}

/// An installed bundle can be started at once; `reload` is kept for the answer that clients look at.
#[utoipa::path(
    post,
    path = "/api/gateway/bundles/upload",
    tag = "bundles",
    request_body(content = bodies::UploadForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Uploaded<'static>), BadRequest, Unread, Invalid, Full, Refused)
)]
pub async fn upload(
    principal: Principal,
    State(app): State<AppState>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, Error> {
    let form = match form {
        Ok(form) => read_form(form, app.security.max_bundle_bytes()).await?,
        Err(_) => return Err(missing_file().into()),
    };
    app.admit_bytes(&principal).await?;
    let installed = app.workflows.upload(principal.tenant, form.file, form.overwrite).await?;
    let bundle = &installed.bundle;
    let entrypoints = bundle.entrypoints.iter().map(|entrypoint| UploadedEntrypoint {
        flow_id: &entrypoint.flow_id,
        name: &entrypoint.name,
        description: &entrypoint.description,
        interfaces: &entrypoint.interfaces,
    });
    let answer = Uploaded {
        ok: true,
        bundle_id: &bundle.bundle_id,
        bundle_version: &bundle.bundle_version,
        bundle_ref: bundle.reference(),
        sha256: installed.sha256.hex(),
        default_entrypoint: bundle.default_entrypoint.as_deref(),
        entrypoints: entrypoints.collect(),
        gateway_reloaded: form.reload,
        gateway_reload_error: None,
        components: &bundle.components,
        diagnostics: &bundle.diagnostics,
    };
    Ok(json(StatusCode::OK, &answer))
}

fn missing_file() -> Issue {
    Issue::missing(vec!["body".into(), "file".into()], null())
}

async fn read_form(mut form: Multipart, max_bundle_bytes: u64) -> Result<Form, Error> {
    let (mut file, mut overwrite, mut reload) = (None, Ok(false), Ok(true));
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name().unwrap_or_default() {
            "file" => file = Some(read_file(field, max_bundle_bytes).await?),
            "overwrite" => overwrite = read_flag("overwrite", field).await?,
            "reload" => reload = read_flag("reload", field).await?,
            _ => {}
        }
    }
    match (file, overwrite, reload) {
        (Some(file), Ok(overwrite), Ok(reload)) => Ok(Form { file, overwrite, reload }),
        (file, overwrite, reload) => {
            let missing = file.is_none().then(missing_file);
            Err(Error::Invalid(
                missing.into_iter().chain(overwrite.err()).chain(reload.err()).collect(),
            ))
        }
    }
}

/// The file's bytes; one that is too large is read to its end, so that the answer can name its size.
async fn read_file(mut field: Field<'_>, max_bytes: u64) -> Result<Bytes, Error> {
    let mut file = Vec::new();
    let mut size = 0u64;
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        size += chunk.len() as u64;
        if size <= max_bytes {
            file.extend_from_slice(&chunk);
        } else {
            file = Vec::new();
        }
    }
    if size > max_bytes {
        let detail = format!("Bundle too large ({size} bytes > {max_bytes} bytes)");
        return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(file.into())
}

async fn read_flag(name: &'static str, field: Field<'_>) -> Result<Result<bool, Issue>, Error> {
    let value = field.text().await.map_err(unreadable)?;
    Ok(parse_bool(value.trim()).ok_or_else(|| Issue::bool_parsing(vec!["body".into(), name.into()], text(&value))))
}

fn unreadable(error: MultipartError) -> Error {
    broken(&error)
}

impl From<InstallError> for Error {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Invalid(_) | InstallError::Exists(_) => Error::bad_request(error.to_string()),
            InstallError::Failed(why) => {
                tracing::error!(why, "a bundle could not be installed");
                let detail = "Failed installing bundle: the gateway cannot store it at the moment; try again later";
                Error::Status(StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
            }
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReloadedBundles)]
struct Reloaded {
    ok: bool,
    bundle_ids: Vec<String>,
    count: usize,
}

#[utoipa::path(
    post,
    path = "/api/gateway/bundles/reload",
    tag = "bundles",
    responses((status = 200, body = Reloaded), BadRequest, Refused)
)]
pub async fn reload(principal: Principal, State(app): State<AppState>) -> Result<Response, Error> {
    let bundle_ids = app
        .workflows
        .reload(principal.tenant)
        .await
        .map_err(|text| Error::Status(StatusCode::INTERNAL_SERVER_ERROR, format!("Failed to reload bundles: {text}")))?;
    Ok(json(
        StatusCode::OK,
        &Reloaded {
            ok: true,
            count: bundle_ids.len(),
            bundle_ids,
        },
    ))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RemovedBundle)]
struct Removed {
    ok: bool,
    bundle_ref: String,
    removed: u64,
    gateway_reloaded: bool,
    gateway_reload_error: Option<String>,
}

#[utoipa::path(
    delete,
    path = "/api/gateway/bundles/{bundle_id}",
    tag = "bundles",
    params(
        ("bundle_id" = String, Path, description = "`bundle` or `bundle@version`"),
        ("bundle_version" = Option<String>, Query, description = "Left out: the latest"),
        ("reload" = Option<bool>, Query, description = "Kept for older clients"),
    ),
    responses((status = 200, body = Removed), BadRequest, NotFound, Invalid, Refused)
)]
pub async fn remove(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(bundle_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    remove_bundle(&principal, &app, &bundle_id, &uri).await
}

/// A bundle may be named as a verb is.
pub async fn remove_upload(
    principal: Principal,
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    remove_bundle(&principal, &app, "upload", &uri).await
}

pub async fn remove_reload(
    principal: Principal,
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    remove_bundle(&principal, &app, "reload", &uri).await
}

async fn remove_bundle(principal: &Principal, app: &AppState, bundle_id: &str, uri: &Uri) -> Result<Response, Error> {
    let mut query = Query::of(uri);
    let reload = query.flag("reload", true);
    let version = query.word("bundle_version").map(str::to_owned);
    query.finish()?;
    let wanted = BundleRef::parse(
        bundle_id,
        version.as_deref(),
        "bundle_id version does not match bundle_version",
    )?;
    let bundle_ref = match wanted.version {
        Some(version) => format!("{}@{version}", wanted.bundle_id),
        None => wanted.bundle_id.to_owned(),
    };
    let removed = app.workflows.remove(principal.tenant, wanted.bundle_id, wanted.version).await;
    let removed = removed.map_err(|text| Error::bad_request(format!("Failed to remove bundle: {text}")))?;
    if removed == 0 {
        return Err(Error::not_found(format!("Bundle '{bundle_ref}' not found")));
    }
    Ok(json(
        StatusCode::OK,
        &Removed {
            ok: true,
            bundle_ref,
            removed,
            gateway_reloaded: reload,
            gateway_reload_error: None,
        },
    ))
}
