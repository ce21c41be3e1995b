//! What a tenant has installed, as one immutable value.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use flowgate_compiler::bundle::{Version, sort_versions};
use flowgate_compiler::diagnostic::Diagnostic;
use serde_json::value::RawValue;

use super::deprecations::Deprecations;
use super::flow_files::FlowFile;
use super::split_ref;
use crate::api::workflows::{Bundle, ComponentState, Listener, Missing, ResolvedFlow};
use crate::ids::Digest;
use crate::journal::DynamicWorkflow;
use crate::schedules;

/// A workflow as the runner needs it.
#[derive(Debug, Clone)]
pub struct Workflow {
    pub workflow_id: String,
    /// What the flow is called within its component.
    pub flow_id: String,
    pub component: Digest,
    /// The entry node within the component.
    pub entry: String,
    /// Started with a root run of this workflow; none for a listener.
    pub listeners: Vec<Listener>,
}

impl From<DynamicWorkflow> for Workflow {
    fn from(made: DynamicWorkflow) -> Self {
        Workflow {
            flow_id: schedules::FLOW_ID.to_owned(),
            workflow_id: made.workflow_id,
            component: made.component,
            entry: made.entry,
            listeners: Vec::new(),
        }
    }
}

/// Where an installed bundle comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Uploaded; the journal has the file.
    Journal,
    /// A `.flow` file of the flows directory.
    File(PathBuf),
    /// A bundle directory of the flows directory.
    Directory(PathBuf),
}

/// One version of a bundle, compiled.
#[derive(Debug, Clone)]
pub struct Installed {
    pub bundle: Arc<Bundle>,
    pub source: Source,
    /// Of the file, or of all members of a directory: the same digest is the same bundle.
    pub digest: Digest,
    pub flows: BTreeMap<String, Flow>,
}

#[derive(Debug, Clone)]
pub struct Flow {
    /// The document as it stands in the bundle, none when it is not JSON; of a component without one, what it says of itself.
    pub json: Option<Arc<RawValue>>,
    /// Whether the bundle has a document of it.
    pub drawn: bool,
    /// Or the compiler's errors.
    pub compiled: Result<Arc<ResolvedFlow>, Vec<Diagnostic>>,
}

impl Installed {
    /// Whether a component of it is still being compiled.
    pub fn is_installing(&self) -> bool {
        let mut components = self.bundle.components.iter();
        components.any(|component| component.state == ComponentState::Installing)
    }
}

/// Everything that is installed.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// Bundle id -> versions, the latest last. Never an empty list.
    bundles: BTreeMap<String, Vec<Arc<Installed>>>,
    /// Flows that belong to no bundle, by their id.
    flows: BTreeMap<String, Arc<FlowFile>>,
    deprecations: Deprecations,
    /// By workflow id, listeners included.
    workflows: HashMap<String, Arc<Workflow>>,
}

impl Shelf {
    /// Of two with the same id and version the first counts.
    pub fn new(installed: impl IntoIterator<Item = Arc<Installed>>, deprecations: Deprecations) -> Self {
        let mut shelf = Shelf {
            deprecations,
            ..Shelf::default()
        };
        for item in installed {
            let versions = shelf.bundles.entry(item.bundle.bundle_id.clone()).or_default();
            if versions.iter().any(|v| v.bundle.bundle_version == item.bundle.bundle_version) {
                let reference = item.bundle.reference();
                tracing::warn!(bundle = reference, source = ?item.source, "bundle is there twice; this one is left out");
                continue;
            }
            versions.push(item);
        }
        shelf.bundles.values_mut().for_each(|versions| sort(versions));
        let workflows = by_id(shelf.all().flat_map(|i| i.flows.values()));
        Shelf { workflows, ..shelf }
    }

    /// Puts a version on the shelf, in the place of the one that is there.
    pub fn add(&mut self, item: Arc<Installed>) {
        let versions = self.bundles.entry(item.bundle.bundle_id.clone()).or_default();
        let place = versions
            .iter()
            .position(|v| v.bundle.bundle_version == item.bundle.bundle_version);
        if let Some(former) = place.map(|place| versions.swap_remove(place)) {
            for gone in by_id(former.flows.values()).keys() {
                self.workflows.remove(gone);
            }
        }
        versions.push(Arc::clone(&item));
        sort(versions);
        self.workflows.extend(by_id(item.flows.values()));
    }

    /// A shelf of flows without bundles. Of two with the same id the first counts.
    pub fn of_flows(files: impl IntoIterator<Item = Arc<FlowFile>>) -> Self {
        let mut flows: BTreeMap<String, Arc<FlowFile>> = BTreeMap::new();
        for file in files {
            match flows.entry(file.flow_id.clone()) {
                Entry::Vacant(free) => drop(free.insert(file)),
                Entry::Occupied(taken) => {
                    let (path, first) = (file.path.display(), taken.get().path.display());
                    tracing::warn!(%path, flow = file.flow_id, %first, "flow is there twice; this file is left out");
                }
            }
        }
        let workflows = by_id(flows.values().map(|file| &file.flow));
        Shelf {
            flows,
            workflows,
            ..Shelf::default()
        }
    }

    /// The same shelf with other deprecations.
    pub fn with_deprecations(&self, deprecations: Deprecations) -> Self {
        Shelf {
            deprecations,
            ..self.clone()
        }
    }

    pub fn deprecations(&self) -> &Deprecations {
        &self.deprecations
    }

    /// A bundle as clients see it.
    pub fn described(&self, installed: &Installed) -> Arc<Bundle> {
        self.deprecations.marked(&installed.bundle)
    }

    /// The flows that belong to no bundle.
    pub fn flow_files(&self) -> impl Iterator<Item = &Arc<FlowFile>> {
        self.flows.values()
    }

    pub fn flow_file(&self, flow_id: &str) -> Option<&Arc<FlowFile>> {
        self.flows.get(flow_id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Installed>> {
        self.bundles.values().flatten()
    }

    /// The installed bundle ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.bundles.keys()
    }

    pub fn has(&self, bundle_id: &str) -> bool {
        self.bundles.contains_key(bundle_id)
    }

    /// The bundle that is meant when none is named: the only one.
    pub fn only(&self) -> Option<&str> {
        let mut ids = self.bundles.keys();
        let first = ids.next()?;
        ids.next().is_none().then_some(first)
    }

    /// One version, or the latest.
    pub fn version(&self, bundle_id: &str, version: Option<&str>) -> Result<&Arc<Installed>, Missing> {
        let missing = || Missing::Bundle(bundle_id.to_owned());
        let versions = self.bundles.get(bundle_id).ok_or_else(missing)?;
        match version {
            None => versions.last().ok_or_else(missing),
            Some(version) => {
                let found = versions.iter().find(|v| v.bundle.bundle_version == version);
                found.ok_or_else(|| Missing::Version(bundle_id.to_owned(), version.to_owned()))
            }
        }
    }

    /// By its full id, by `bundle:flow` (the latest version) or by a listener's id.
    pub fn workflow(&self, workflow_id: &str) -> Option<&Arc<Workflow>> {
        if let Some(found) = self.workflows.get(workflow_id) {
            return Some(found);
        }
        let (bundle, flow) = workflow_id.split_once(':')?;
        let (bundle_id, version) = split_ref(bundle);
        let installed = self.version(bundle_id, version).ok()?;
        let flow = installed.flows.get(flow.trim())?.compiled.as_ref().ok()?;
        self.workflows.get(&flow.workflow_id)
    }
}

fn sort(versions: &mut [Arc<Installed>]) {
    sort_versions(versions, |v| Version {
        version: &v.bundle.bundle_version,
        created_at: &v.bundle.created_at,
    });
}

/// What can be started of some flows, listeners included.
fn by_id<'a>(flows: impl Iterator<Item = &'a Flow>) -> HashMap<String, Arc<Workflow>> {
    let compiled = flows.filter_map(|flow| flow.compiled.as_ref().ok());
    let workflows = compiled.flat_map(|flow| workflows_of(flow));
    workflows.map(|w| (w.workflow_id.clone(), Arc::new(w))).collect()
}

fn workflows_of(flow: &ResolvedFlow) -> impl Iterator<Item = Workflow> {
    let listener = |listener: &Listener| Workflow {
        workflow_id: listener.workflow_id.clone(),
        flow_id: flow.flow_id.clone(),
        component: flow.component,
        entry: listener.entry.clone(),
        listeners: Vec::new(),
    };
    let own = Workflow {
        workflow_id: flow.workflow_id.clone(),
        flow_id: flow.flow_id.clone(),
        component: flow.component,
        entry: flow.entry.clone(),
        listeners: flow.listeners.clone(),
    };
    std::iter::once(own).chain(flow.listeners.iter().map(listener))
}
