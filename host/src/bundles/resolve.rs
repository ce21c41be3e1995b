//! What a start request means. The rules and their texts are the gateway contract's.

use std::sync::Arc;

use flowgate_compiler::bundle::workflow_id;

use super::shelf::{Flow, Installed, Shelf};
use super::split_ref;
use crate::api::workflows::{Missing, ResolveError, ResolvedFlow, Target};

impl From<Missing> for ResolveError {
    fn from(missing: Missing) -> Self {
        ResolveError::NotFound(missing.to_string())
    }
}

fn ambiguous<T>(text: impl Into<String>) -> Result<T, ResolveError> {
    Err(ResolveError::Ambiguous(text.into()))
}

/// The flow that is to be started.
pub fn resolve(shelf: &Shelf, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError> {
    let (bundle_id, own_version) = target.bundle_id.map_or((None, None), |text| {
        let (id, version) = split_ref(text);
        (Some(id).filter(|id| !id.is_empty()), version)
    });
    if let Some((a, b)) = own_version.zip(target.bundle_version)
        && a != b
    {
        return ambiguous("bundle_version conflicts with bundle_id (bundle_id already includes '@version')");
    }
    let version = target.bundle_version.or(own_version);
    match target.flow_id {
        None => {
            let bundle_id = bundle_id.ok_or(ResolveError::Nothing)?;
            let installed = shelf.version(bundle_id, version)?;
            start(shelf, installed, entrypoint(installed)?)
        }
        Some(flow_id) => match flow_id.split_once(':') {
            Some((prefix, flow)) if shelf.has(split_ref(prefix).0) => {
                let (prefix, prefix_version) = split_ref(prefix);
                if bundle_id.is_some_and(|id| id != prefix) {
                    return ambiguous("flow_id bundle prefix does not match bundle_id");
                }
                if prefix_version.zip(version).is_some_and(|(a, b)| a != b) {
                    return ambiguous("flow_id version does not match bundle_version");
                }
                start(shelf, shelf.version(prefix, prefix_version.or(version))?, flow.trim())
            }
            Some(_) if bundle_id.is_some() || version.is_some() => ambiguous(format!(
                "flow_id '{flow_id}' is already namespaced, but bundle_id/bundle_version was also provided"
            )),
            Some(_) => Err(ResolveError::NotFound(format!("Workflow '{flow_id}' not found"))),
            None => {
                let Some(bundle_id) = bundle_id.or(shelf.only()) else {
                    return ambiguous(
                        "bundle_id is required when multiple bundles are loaded (or pass flow_id as 'bundle:flow')",
                    );
                };
                start(shelf, shelf.version(bundle_id, version)?, flow_id)
            }
        },
    }
}

/// The flow that a bundle starts when none is named.
fn entrypoint(installed: &Installed) -> Result<&str, ResolveError> {
    let bundle = &installed.bundle;
    match (bundle.entrypoints.as_slice(), &bundle.default_entrypoint) {
        ([only], _) => Ok(&only.flow_id),
        (_, Some(default)) => Ok(default),
        (several, None) => ambiguous(format!(
            "Bundle '{}' has {} entrypoints; specify flow_id to select which entrypoint to start (or set manifest.default_entrypoint)",
            bundle.reference(),
            several.len()
        )),
    }
}

/// The flow that is to be started where there are no bundles.
pub fn resolve_flow(shelf: &Shelf, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError> {
    if target.bundle_id.is_some() || target.bundle_version.is_some() {
        return Err(ResolveError::NoBundles);
    }
    let Some(flow_id) = target.flow_id else {
        return Err(ResolveError::Nothing);
    };
    compiled(flow_id, shelf.flow_file(flow_id).map(|file| &file.flow))
}

fn start(shelf: &Shelf, installed: &Installed, flow_id: &str) -> Result<Arc<ResolvedFlow>, ResolveError> {
    let bundle = &installed.bundle;
    if let Some(deprecation) = shelf.deprecations().find(&bundle.bundle_id, flow_id) {
        let reason = deprecation.reason.as_ref().map_or(String::new(), |r| format!(": {r}"));
        let text = format!("Workflow '{}:{flow_id}' is deprecated{reason}", bundle.bundle_id);
        return Err(ResolveError::Deprecated(text));
    }
    let workflow_id = workflow_id(&bundle.bundle_id, &bundle.bundle_version, flow_id);
    compiled(&workflow_id, installed.flows.get(flow_id))
}

fn compiled(workflow_id: &str, flow: Option<&Flow>) -> Result<Arc<ResolvedFlow>, ResolveError> {
    match flow.map(|flow| &flow.compiled) {
        Some(Ok(flow)) => Ok(flow.clone()),
        Some(Err(diagnostics)) => Err(ResolveError::NotCompiled {
            workflow_id: workflow_id.to_owned(),
            diagnostics: diagnostics.clone(),
        }),
        None => Err(ResolveError::NotFound(format!("Workflow '{workflow_id}' not found"))),
    }
}
