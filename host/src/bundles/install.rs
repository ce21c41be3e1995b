//! Makes an installed bundle of a package: compiles its flows one by one and names what comes out. CPU work only.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowgate_compiler::Link;
use flowgate_compiler::bundle::{is_draft, workflow_id};
use flowgate_compiler::diagnostic::Severity;

use super::compile::Made;
use super::listener_id;
use super::package::Package;
use super::shelf::{Flow, Installed, Source};
use crate::api::workflows::{Listener, ResolvedFlow};
use crate::ids::Digest;
use crate::journal::Component;

/// A bundle ready to be put on the shelf, and the components that the journal must have before that.
#[derive(Debug)]
pub struct Prepared {
    pub installed: Installed,
    pub components: Vec<Component>,
}

/// Compiles every flow of a package.
pub fn prepare(package: &Package, source: Source) -> Prepared {
    let mut components = Vec::new();
    let mut diagnostics = Vec::new();
    let mut flows = BTreeMap::new();
    for flow_id in package.flow_ids() {
        let compiled = match package.compile(flow_id, Link::Shared) {
            Ok(mut made) => {
                diagnostics.append(&mut made.warnings);
                let digest = Digest::of(&made.bytes);
                let flow = Arc::new(resolved(package, flow_id, digest, &made));
                components.push(Component {
                    digest,
                    bytes: made.bytes.into(),
                    runtime: made.runtime,
                });
                Ok(flow)
            }
            Err(found) => {
                diagnostics.extend(found.iter().cloned());
                Err(found.into_iter().filter(|d| d.severity == Severity::Error).collect())
            }
        };
        flows.insert(
            flow_id.to_owned(),
            Flow {
                json: package.flow_json(flow_id),
                compiled,
            },
        );
    }
    let bundle = Arc::new(package.describe(diagnostics));
    let installed = Installed {
        bundle,
        source,
        digest: package.digest(),
        flows,
    };
    Prepared { installed, components }
}

fn resolved(package: &Package, flow_id: &str, component: Digest, made: &Made) -> ResolvedFlow {
    let (id, version) = (package.bundle_id(), package.bundle_version());
    let workflow_id = workflow_id(id, version, flow_id);
    ResolvedFlow {
        bundle_id: id.to_owned(),
        bundle_version: version.to_owned(),
        flow_id: flow_id.to_owned(),
        is_draft: is_draft(version),
        component,
        entry: made.entry.clone(),
        listeners: listeners(&workflow_id, made),
        workflow_id,
    }
}

/// The listeners of a flow by their workflow ids.
pub fn listeners(workflow_id: &str, made: &Made) -> Vec<Listener> {
    let listener = |node: &String| Listener {
        workflow_id: listener_id(workflow_id, node),
        entry: node.clone(),
    };
    made.listeners.iter().map(listener).collect()
}
