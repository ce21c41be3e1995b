//! The other source of workflows: a directory of VisualFlow documents that are served without bundles. A flow is known by its own id.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use flowgate_compiler::Link;
use flowgate_compiler::bundle::Limits;
use flowgate_compiler::diagnostic::{Diagnostic, Severity};
use serde_json::value::RawValue;

use super::compile::compile;
use super::install::listeners;
use super::registry::{FLOWS_EVERY, Registry, Source as Kind, blocking};
use super::shelf::{Flow, Shelf};
use crate::api::workflows::ResolvedFlow;
use crate::ids::{Digest, TenantId};
use crate::journal::{self, Component};

/// A flow of the directory, compiled.
#[derive(Debug)]
pub struct FlowFile {
    pub path: PathBuf,
    /// Of the file: the same digest is the same flow.
    digest: Digest,
    /// What the document calls itself, else the file's name without its ending.
    pub flow_id: String,
    pub flow: Flow,
}

/// What is seen of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    path: PathBuf,
    changed: Option<SystemTime>,
    len: u64,
}

/// The `*.json` files of a directory, sorted by name. A directory that does not exist has none.
fn scan(dir: &Path) -> io::Result<Vec<Seen>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", dir.display()))),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        // A file that goes while the directory is read is not there.
        if let Some(about) = is_json
            .then(|| std::fs::metadata(&path).ok())
            .flatten()
            .filter(std::fs::Metadata::is_file)
        {
            files.push(Seen {
                path,
                changed: about.modified().ok(),
                len: about.len(),
            });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A file ready for the shelf, and the component that the journal must have before that.
struct Prepared {
    file: FlowFile,
    component: Option<Component>,
    diagnostics: Vec<Diagnostic>,
}

/// Reads and compiles a file. The error says why it is no flow; a flow that does not compile keeps its diagnostics.
fn prepare(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Prepared, String> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(default)]
        id: Option<String>,
    }
    let json: Box<RawValue> = serde_json::from_slice(bytes).map_err(|e| format!("it is not JSON: {e}"))?;
    if !json.get().starts_with('{') {
        return Err("it is no VisualFlow document: not an object".to_owned());
    }
    let named: Named = serde_json::from_str(json.get()).map_err(|e| format!("it is no VisualFlow document: {e}"))?;
    let stem = || {
        path.file_stem()
            .map_or_else(Default::default, |s| s.to_string_lossy().into_owned())
    };
    let flow_id = named
        .id
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .unwrap_or_else(stem);
    let (compiled, component, diagnostics) = match compile(&flow_id, bytes, limits, &|_| None, Link::Shared) {
        Ok(mut made) => {
            let digest = Digest::of(&made.bytes);
            let warnings = std::mem::take(&mut made.warnings);
            let flow = ResolvedFlow {
                workflow_id: flow_id.clone(),
                bundle_id: String::new(),
                bundle_version: String::new(),
                flow_id: flow_id.clone(),
                is_draft: false,
                component: digest,
                entry: made.entry.clone(),
                listeners: listeners(&flow_id, &made.listeners),
            };
            let component = Component {
                digest,
                bytes: made.bytes.into(),
                runtime: made.runtime,
            };
            (Ok(Arc::new(flow)), Some(component), warnings)
        }
        Err(found) => {
            let errors = found.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
            (Err(errors), None, found)
        }
    };
    let flow = Flow {
        json: Some(json.into()),
        drawn: true,
        compiled,
    };
    let file = FlowFile {
        path: path.to_owned(),
        digest: Digest::of(bytes),
        flow_id,
        flow,
    };
    Ok(Prepared {
        file,
        component,
        diagnostics,
    })
}

impl Registry {
    /// Takes in what has changed in the directory of flows since it was last looked at, at most every [`FLOWS_EVERY`]. Nothing to do where
    /// workflows come in bundles.
    pub(super) async fn look_at_flows(&self, tenant: TenantId) {
        if self.options.source != Kind::VisualFlow {
            return;
        }
        let mut change = self.changing.lock().await;
        if change.read_at.is_some_and(|at| at.elapsed() < FLOWS_EVERY) {
            return;
        }
        let read = self.read_flows(tenant, &mut change.seen).await;
        change.read_at = Some(Instant::now());
        if let Err(error) = read {
            tracing::warn!(%error, "the flows cannot be read");
        }
    }

    /// Reads the directory again if its files are not those that were `seen`.
    pub(super) async fn read_flows(&self, tenant: TenantId, seen: &mut Option<Vec<Seen>>) -> Result<(), journal::Error> {
        let Some(dir) = self.options.flows_dir.clone().filter(|_| tenant == TenantId::LOCAL) else {
            return Ok(());
        };
        let found = match blocking(move || scan(&dir))
            .await
            .and_then(|found| found.map_err(|e| e.to_string()))
        {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error, "the flows directory cannot be read");
                return Ok(());
            }
        };
        if seen.as_ref() == Some(&found) {
            return Ok(());
        }
        let shelf = self.shelf(tenant);
        let known: HashMap<_, _> = shelf.flow_files().map(|file| (file.path.clone(), file.clone())).collect();
        let mut files = Vec::new();
        for Seen { path, .. } in &found {
            let (at, limits, known) = (path.clone(), self.options.limits, known.get(path).cloned());
            let prepared = blocking(move || {
                let bytes = std::fs::read(&at).map_err(|e| e.to_string())?;
                match known.filter(|known| known.digest == Digest::of(&bytes)) {
                    Some(known) => Ok(Err(known)),
                    None => prepare(&at, &bytes, &limits).map(Ok),
                }
            });
            match prepared.await.and_then(|prepared| prepared) {
                Ok(Err(known)) => files.push(known),
                Ok(Ok(new)) => {
                    for diagnostic in &new.diagnostics {
                        tracing::warn!(path = %path.display(), "{diagnostic}");
                    }
                    if let Some(component) = new.component {
                        self.journal().put_component(tenant, component).await?;
                    }
                    files.push(Arc::new(new.file));
                }
                Err(error) => tracing::warn!(path = %path.display(), error, "flow cannot be read and is skipped"),
            }
        }
        self.put_shelf(tenant, Shelf::of_flows(files));
        *seen = Some(found);
        Ok(())
    }
}
