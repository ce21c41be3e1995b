//! A bundle as it was read: its manifest and its flows' documents. What is allowed in it is the compiler's to say.

use std::path::Path;
use std::sync::Arc;

use flowgate_compiler::Link;
use flowgate_compiler::bundle::{self, Limits};
use flowgate_compiler::diagnostic::Diagnostic;
use serde_json::value::RawValue;

use super::compile::{Made, compile};
use crate::api::workflows::{Bundle, Entrypoint};
use crate::ids::Digest;

/// A readable bundle.
#[derive(Debug)]
pub struct Package {
    bundle: bundle::Bundle,
    digest: Digest,
    limits: Limits,
}

impl Package {
    /// Reads a `.flow` file. The error is for people.
    pub fn from_file(bytes: Arc<[u8]>, limits: &Limits) -> Result<Self, String> {
        let digest = Digest::of(&bytes);
        let bundle = bundle::Bundle::from_zip(bytes, limits).map_err(|e| e.to_string())?;
        Ok(Package {
            bundle,
            digest,
            limits: *limits,
        })
    }

    /// Reads a bundle directory.
    pub fn from_dir(path: &Path, limits: &Limits) -> Result<Self, String> {
        let bundle = bundle::Bundle::from_dir(path, limits).map_err(|e| e.to_string())?;
        let digest = Digest::parse(&bundle.digest).ok_or_else(|| format!("'{}' is no digest", bundle.digest))?;
        Ok(Package {
            bundle,
            digest,
            limits: *limits,
        })
    }

    /// How large its flows may be.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether its names may be installed; the error names a spelling that may.
    pub fn check_ids(&self) -> Result<(), String> {
        bundle::check_install_ids(&self.bundle.manifest).map_err(|e| e.to_string())
    }

    pub fn bundle_id(&self) -> &str {
        &self.bundle.manifest.bundle_id
    }

    pub fn bundle_version(&self) -> &str {
        &self.bundle.manifest.bundle_version
    }

    /// Of the file, or of all members of a directory.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The ids of its flows: those that are drawn, then those that are components only.
    pub fn flow_ids(&self) -> impl Iterator<Item = &str> {
        let bundle = &self.bundle;
        let others = bundle.components.keys().filter(|id| !bundle.flows.contains_key(*id));
        bundle.flows.keys().chain(others).map(String::as_str)
    }

    /// The component that is the flow; none for a flow that is compiled from its document. With it, its path in the bundle.
    pub fn component(&self, flow_id: &str) -> Option<(&str, &[u8])> {
        let bytes = self.bundle.components.get(flow_id)?;
        let mut named = self.bundle.manifest.components();
        let (_, path) = named.find(|(id, _)| *id == flow_id)?;
        Some((path, bytes))
    }

    /// The document of a flow; none when it is not JSON.
    pub fn flow_json(&self, flow_id: &str) -> Option<Arc<RawValue>> {
        let bytes = self.bundle.flows.get(flow_id)?;
        serde_json::from_slice::<Box<RawValue>>(bytes).ok().map(Arc::from)
    }

    /// Compiles one of its flows. Subflows of the same bundle are named by their full workflow id.
    pub fn compile(&self, flow_id: &str, link: Link) -> Result<Made, Vec<Diagnostic>> {
        let missing = || {
            let text = match self.bundle.components.contains_key(flow_id) {
                true => "the flow is a component already",
                false => "the bundle has no such flow",
            };
            vec![Diagnostic::error(flow_id, text)]
        };
        let bytes = self.bundle.flows.get(flow_id).ok_or_else(missing)?;
        let (id, version) = (self.bundle_id(), self.bundle_version());
        let own = |other: &str| {
            let bundle = &self.bundle;
            let known = bundle.flows.contains_key(other) || bundle.components.contains_key(other);
            known.then(|| bundle::workflow_id(id, version, other))
        };
        compile(flow_id, bytes, &self.limits, &own, link)
    }

    /// The flow that is meant when none is named: the only entrypoint, or the default one.
    pub fn default_flow(&self) -> Option<&str> {
        match self.bundle.manifest.entrypoints.as_slice() {
            [only] => Some(&only.flow_id),
            _ => self.bundle.manifest.default_entrypoint.as_deref(),
        }
    }

    /// What clients see of it.
    pub fn describe(&self, diagnostics: Vec<Diagnostic>) -> Bundle {
        let manifest = &self.bundle.manifest;
        let mut flows = self.flow_ids().map(str::to_owned).collect::<Vec<_>>();
        flows.sort();
        let entrypoints = manifest.entrypoints.iter().map(|e| Entrypoint {
            flow_id: e.flow_id.clone(),
            name: e.name.clone().unwrap_or_default(),
            description: e.description.clone(),
            interfaces: e.interfaces.clone(),
            deprecated: None,
        });
        Bundle {
            bundle_id: manifest.bundle_id.clone(),
            bundle_version: manifest.bundle_version.clone(),
            created_at: manifest.created_at.clone(),
            is_draft: bundle::is_draft(&manifest.bundle_version),
            default_entrypoint: manifest.default_entrypoint.clone(),
            entrypoints: entrypoints.collect(),
            flows,
            metadata: Arc::from(manifest.metadata.clone()),
            components: Vec::new(),
            diagnostics,
        }
    }
}
