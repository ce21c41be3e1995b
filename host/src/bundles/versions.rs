//! The same workflow in another version of its bundle.

use std::sync::Arc;

use flowgate_compiler::bundle::workflow_id;

use super::shelf::{Shelf, Workflow};
use super::{Registry, listener_id, split_ref};
use crate::ids::TenantId;

/// What a workflow id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub bundle_id: String,
    pub version: String,
    pub flow_id: String,
    /// The node at which a listener of the flow begins.
    pub listener: Option<String>,
}

impl Registry {
    /// The version of the bundle that a workflow is of; it need not be installed any more. A listener's id does not say: `from`, a bundle
    /// and its version, is looked through beside what is installed. None: it is of no bundle that is known.
    pub fn origin(&self, tenant: TenantId, workflow: &str, from: Option<(&str, &str)>) -> Option<Origin> {
        if let Some((reference, flow_id)) = workflow.split_once(':') {
            let (bundle_id, version) = split_ref(reference);
            return Some(Origin {
                bundle_id: bundle_id.to_owned(),
                version: version?.to_owned(),
                flow_id: flow_id.to_owned(),
                listener: None,
            });
        }
        let shelf = self.shelf(tenant);
        shelf.all().find_map(|installed| {
            let bundle = &installed.bundle;
            let versions = [
                Some(bundle.bundle_version.as_str()),
                from.filter(|(id, _)| *id == bundle.bundle_id).map(|(_, version)| version),
            ];
            let named = |version: &str| {
                installed.flows.keys().find_map(|flow_id| {
                    let id = workflow_id(&bundle.bundle_id, version, flow_id);
                    let node = nodes(&shelf, &bundle.bundle_id, flow_id).find(|node| listener_id(&id, node) == workflow)?;
                    Some(Origin {
                        bundle_id: bundle.bundle_id.clone(),
                        version: version.to_owned(),
                        flow_id: flow_id.clone(),
                        listener: Some(node),
                    })
                })
            };
            versions.into_iter().flatten().find_map(named)
        })
    }

    /// The workflow of `origin` in another version of its bundle (None: the latest); the error says what is missing.
    pub fn in_version(&self, tenant: TenantId, origin: &Origin, version: Option<&str>) -> Result<Arc<Workflow>, String> {
        let shelf = self.shelf(tenant);
        let installed = shelf.version(&origin.bundle_id, version).map_err(|e| e.to_string())?;
        let bundle = &installed.bundle;
        let id = workflow_id(&bundle.bundle_id, &bundle.bundle_version, &origin.flow_id);
        let Some(flow) = shelf.workflow(&id) else {
            let why = match installed.flows.contains_key(&origin.flow_id) {
                true => "which does not compile",
                false => "which does not exist",
            };
            return Err(format!("the run would go on with '{id}', {why}"));
        };
        match &origin.listener {
            None => Ok(flow.clone()),
            Some(node) => {
                let missing = || format!("'{id}' has no listener that begins at node '{node}'");
                shelf.workflow(&listener_id(&id, node)).cloned().ok_or_else(missing)
            }
        }
    }
}

/// Where listeners of a flow begin, in all versions.
fn nodes<'a>(shelf: &'a Shelf, bundle_id: &'a str, flow_id: &'a str) -> impl Iterator<Item = String> + 'a {
    let versions = shelf.all().filter(move |installed| installed.bundle.bundle_id == bundle_id);
    let flows =
        versions.filter_map(move |installed| shelf.workflow(&workflow_id(bundle_id, &installed.bundle.bundle_version, flow_id)));
    flows.flat_map(|flow| flow.listeners.iter().map(|listener| listener.entry.clone()))
}
