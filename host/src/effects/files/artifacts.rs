//! `import_workspace_file` and `export_artifact`: the way between a run's workspace and the artifacts.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;

use super::write::put;
use super::{Files, blocking};
use crate::artifacts::{Meta, Owner, Store};
use crate::effects::payload::Fields;
use crate::effects::read_artifact::named;
use crate::effects::{Call, Handler};
use crate::record::Json;
use crate::record::artifact::{FlowReference, Tags};
use crate::workspace::{Workspaces, family};

/// Both kinds, with what they work on.
#[derive(Clone)]
pub(super) struct Artifacts {
    pub workspaces: Workspaces,
    pub store: Store,
}

pub(super) struct Import(pub Artifacts);

impl Handler for Import {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let with = self.0.clone();
        async move { import(with, call).await }.boxed()
    }
}

pub(super) struct Export(pub Artifacts);

impl Handler for Export {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let with = self.0.clone();
        async move { export(with, call).await }.boxed()
    }
}

/// A file as it was read.
struct File {
    name: String,
    file_name: String,
    bytes: Vec<u8>,
}

async fn import(with: Artifacts, call: Call) -> Result<Json, String> {
    let call = Arc::new(call);
    let (workspaces, reading) = (with.workspaces, call.clone());
    let file = blocking(move || {
        let files = Files::of(&workspaces, &reading)?;
        let (path, found) = files.find("file_path")?;
        let bytes = files.read(&path, &found)?;
        Ok(File {
            file_name: found.file_name().to_owned(),
            name: found.name,
            bytes,
        })
    })
    .await?;
    let fields = Fields::of(&call.payload);
    let given = fields.name("content_type").map(|given| given.to_lowercase());
    let content_type = given.unwrap_or_else(|| family::content_type(&file.file_name));
    let mut tags = Tags::new();
    for (name, text) in [
        ("kind", "run_input"),
        ("target", "server"),
        ("source", "workspace"),
        ("path", &file.name),
        ("filename", &file.file_name),
        ("modality", &fields.name("modality").unwrap_or_default()),
        ("session_id", call.session_id.as_deref().unwrap_or_default()),
    ] {
        if !text.is_empty() {
            tags.insert(name.to_owned(), text.to_owned());
        }
    }
    let meta = Meta { content_type, tags };
    let put = with.store.put(call.tenant, Owner::Run(&call.run_id), file.bytes.into(), meta);
    let artifact = put.await.map_err(|error| format!("import_workspace_file: {error}"))?;
    let reference = artifact.flow_reference();
    json(&Imported {
        artifact: &reference,
        artifact_ref: &reference,
        artifact_id: &artifact.artifact_id,
        content_type: &artifact.content_type,
        size_bytes: artifact.size,
        source_path: &file.name,
    })
}

#[derive(Serialize)]
struct Imported<'a> {
    artifact: &'a FlowReference<'a>,
    artifact_ref: &'a FlowReference<'a>,
    artifact_id: &'a str,
    content_type: &'a str,
    size_bytes: u64,
    source_path: &'a str,
}

async fn export(with: Artifacts, call: Call) -> Result<Json, String> {
    let artifact = named(&with.store, &call).await?;
    let limit = with.workspaces.of(call.tenant).limits().write_bytes;
    if artifact.size > limit {
        let (id, size) = (&artifact.artifact_id, artifact.size);
        return Err(format!(
            "Cannot write artifact {id}: it is too large ({size} bytes > {limit} bytes)"
        ));
    }
    let bytes = with.store.read(call.tenant, &artifact, limit).await;
    let bytes = bytes.map_err(|error| format!("export_artifact: {error}"))?;
    let length = bytes.len();
    let kept = with.store.stored_bytes(call.tenant).await;
    kept.map_err(|error| format!("export_artifact: {error}"))?;
    let file_path = blocking(move || {
        let files = Files::of(&with.workspaces, &call)?;
        let (path, found) = files.find("file_path")?;
        put(&files, found, &path, &bytes)
    })
    .await?;
    json(&Exported {
        artifact_id: &artifact.artifact_id,
        file_path,
        bytes: length,
        sha256: artifact.blob.hex(),
        content_type: &artifact.content_type,
    })
}

#[derive(Serialize)]
struct Exported<'a> {
    artifact_id: &'a str,
    file_path: String,
    bytes: usize,
    sha256: String,
    content_type: &'a str,
}

fn json<T: Serialize>(value: &T) -> Result<Json, String> {
    serde_json::value::to_raw_value(value).map_err(|error| error.to_string())
}
