//! Artifacts: `artifacts/refs/<id>.meta` says what they are, `artifacts/blobs/<sha256>.bin` has the bytes. Older gateways wrote
//! `artifacts/<id>.meta` and `artifacts/<id>.bin`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use super::files::{names, unreadable};
use super::{Error, Migration};
use crate::clock::Micros;
use crate::ids::{Digest, RunId};
use crate::journal;
use crate::record::artifact::{Access, Action, Artifact, Kind, LastAccess, NewArtifact, Tags, is_artifact_id};

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// A `.meta` file, as far as it says what follows from nothing else.
#[derive(Debug, Deserialize)]
struct Meta {
    artifact_id: String,
    #[serde(default)]
    blob_id: Option<String>,
    content_type: String,
    size_bytes: u64,
    created_at: String,
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    descriptor: Descriptor,
    #[serde(default)]
    access: Looks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    semantic_kind: Option<String>,
    modality: Option<String>,
    session_id: Option<String>,
    workflow_id: Option<String>,
    node_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Looks {
    metadata_access_count: u64,
    content_access_count: u64,
    preview_count: u64,
    download_count: u64,
    last_accessed_at: Option<String>,
    last_action: Option<String>,
    last_actor_id: Option<String>,
}

impl Migration<'_> {
    /// Takes in the artifacts of all runs that are there: before the runs, so that none goes on without what it has kept.
    pub(super) async fn take_artifacts(&mut self, dir: &Path) -> Result<(), Error> {
        let dir = dir.join("artifacts");
        let mut paths = names(&dir.join("refs"), ".meta")?;
        paths.extend(names(&dir, ".meta")?);
        for path in paths {
            if let Err(text) = self.take_artifact(&dir, &path).await? {
                self.report.left_out.push(format!("artifact {}: {text}", stem(&path)));
            }
        }
        Ok(())
    }

    /// The inner error says why it is left out.
    async fn take_artifact(&mut self, dir: &Path, path: &Path) -> Result<Result<(), String>, Error> {
        let text = std::fs::read(path).map_err(|e| unreadable(path, e))?;
        let meta: Meta = match serde_json::from_slice(&text) {
            Ok(meta) => meta,
            Err(error) => return Ok(Err(format!("its description cannot be read: {error}"))),
        };
        if meta.artifact_id != stem(path) || !is_artifact_id(&meta.artifact_id) {
            return Ok(Err(format!("its description is that of '{}'", meta.artifact_id)));
        }
        let Some(run_id) = meta.run_id.clone().map(RunId::from) else {
            return Ok(Err("it belongs to no run".to_owned()));
        };
        let here = self.journal.artifact(self.tenant, &run_id, &meta.artifact_id).await?;
        if here.is_some() {
            self.report.known += 1;
            return Ok(Ok(()));
        }
        if !self.names.contains(run_id.as_str()) && self.journal.run(self.tenant, &run_id).await?.is_none() {
            return Ok(Err(format!("it belongs to the run {run_id}, which is not there")));
        }
        let bytes = match meta.bytes(dir) {
            Ok(bytes) => bytes,
            Err(text) => return Ok(Err(text)),
        };
        if !self.dry_run {
            let digest = self.copy(&bytes).await?;
            if meta.blob_id.as_ref().is_some_and(|said| *said != digest.hex()) {
                return Ok(Err(format!("{} does not hold what its name says", bytes.display())));
            }
            let artifact = match meta.artifact(run_id, digest) {
                Ok(artifact) => artifact,
                Err(text) => return Ok(Err(text)),
            };
            self.journal.import_artifact(self.tenant, artifact).await?;
        }
        self.report.artifacts += 1;
        Ok(Ok(()))
    }

    async fn copy(&self, path: &Path) -> Result<Digest, Error> {
        let mut file = tokio::fs::File::open(path).await.map_err(|e| unreadable(path, e))?;
        let kept = journal::Error::Blobs;
        let mut incoming = self.journal.blobs().begin(self.tenant).await.map_err(kept)?;
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece).await.map_err(|e| unreadable(path, e))? {
                0 => break,
                read => incoming.write(&piece[..read]).await.map_err(kept)?,
            }
        }
        Ok(incoming.keep("").await.map_err(kept)?.digest)
    }
}

impl Meta {
    /// The file of the bytes, if it is there and as long as it should be.
    fn bytes(&self, dir: &Path) -> Result<PathBuf, String> {
        let path = match &self.blob_id {
            Some(blob) if Digest::parse(blob).is_none() => return Err(format!("'{blob}' is no SHA-256")),
            Some(blob) => dir.join("blobs").join(format!("{blob}.bin")),
            None => dir.join(format!("{}.bin", self.artifact_id)),
        };
        match std::fs::metadata(&path) {
            Ok(file) if file.len() == self.size_bytes => Ok(path),
            Ok(file) => Err(format!("it has {} bytes, not {}", file.len(), self.size_bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err("its bytes are not there".to_owned()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// What the description says beside the tags becomes tags, where they do not say it.
    fn artifact(self, run_id: RunId, blob: Digest) -> Result<Artifact, String> {
        let Meta {
            mut tags, descriptor, ..
        } = self;
        for (name, said) in [
            ("session_id", descriptor.session_id),
            ("workflow_id", descriptor.workflow_id),
            ("node_id", descriptor.node_id),
        ] {
            if let Some(said) = said.filter(|said| !said.is_empty()) {
                tags.entry(name.to_owned()).or_insert(said);
            }
        }
        let kind = Kind::of(&self.content_type, &tags);
        for (name, said, follows) in [
            ("semantic_kind", descriptor.semantic_kind, kind.semantic),
            ("modality", descriptor.modality, kind.modality),
        ] {
            if let Some(said) = said.filter(|said| !said.is_empty() && *said != follows) {
                tags.insert(name.to_owned(), said);
            }
        }
        Ok(Artifact {
            created_at: Micros::parse(&self.created_at).ok_or_else(|| format!("'{}' is no time", self.created_at))?,
            access: self.access.into(),
            is: NewArtifact {
                run_id,
                artifact_id: self.artifact_id,
                blob,
                size: self.size_bytes,
                content_type: self.content_type,
                tags,
            },
        })
    }
}

impl From<Looks> for Access {
    fn from(looks: Looks) -> Self {
        let at = looks.last_accessed_at.as_deref().and_then(Micros::parse);
        let action = looks.last_action.as_deref().and_then(Action::parse);
        Access {
            counts: [
                looks.metadata_access_count,
                looks.content_access_count,
                looks.preview_count,
                looks.download_count,
            ],
            last: at.zip(action).map(|(at, action)| LastAccess {
                at,
                action,
                actor_id: looks.last_actor_id,
            }),
        }
    }
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
