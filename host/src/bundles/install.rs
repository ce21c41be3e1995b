//! Makes an installed bundle of a package: compiles its flows one by one and names what comes out. CPU work only.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowgate_compiler::Link;
use flowgate_compiler::bundle::{is_draft, workflow_id};
use flowgate_compiler::diagnostic::{Diagnostic, Severity};

use super::guest::{self, Description, Guest};
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
    /// Flows that are components, of which is still to be learnt what they are.
    pub guests: Vec<Guest>,
    /// What those say of themselves that the journal may not know yet.
    pub descriptions: Vec<(Digest, Description)>,
    /// Those that are to be compiled once the bundle is on the shelf.
    pub waiting: Vec<Guest>,
    /// What is wrong with components. A client's upload is refused for it; a bundle that is there already is kept, as with a flow that does
    /// not compile.
    pub refused: Vec<Diagnostic>,
}

/// Compiles every flow of a package and checks its components.
pub fn prepare(package: &Package, source: Source) -> Prepared {
    let mut components = Vec::new();
    let mut diagnostics = Vec::new();
    let mut flows = BTreeMap::new();
    let (mut guests, mut refused) = (Vec::new(), Vec::new());
    for flow_id in package.flow_ids() {
        if let Some((path, bytes)) = package.component(flow_id) {
            let json = package.flow_json(flow_id);
            let drawn = json.is_some();
            let compiled = match Guest::check(flow_id, path, bytes, package.limits()) {
                Ok(guest) => {
                    guests.push(guest);
                    Err(Vec::new())
                }
                Err(wrong) => {
                    refused.push((*wrong).clone());
                    Err(vec![*wrong])
                }
            };
            let json = json.or_else(|| Some(guest::blank(flow_id)));
            flows.insert(flow_id.to_owned(), Flow { json, drawn, compiled });
            continue;
        }
        let compiled = match package.compile(flow_id, Link::Shared) {
            Ok(mut made) => {
                diagnostics.append(&mut made.warnings);
                let digest = Digest::of(&made.bytes);
                let bundle = (package.bundle_id(), package.bundle_version());
                let flow = Arc::new(resolved(bundle, flow_id, digest, &made.entry, &made.listeners));
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
                drawn: true,
                compiled,
            },
        );
    }
    diagnostics.extend(refused.iter().cloned());
    let bundle = Arc::new(package.describe(diagnostics));
    let installed = Installed {
        bundle,
        source,
        digest: package.digest(),
        flows,
    };
    Prepared {
        installed,
        components,
        guests,
        descriptions: Vec::new(),
        waiting: Vec::new(),
        refused,
    }
}

/// A flow of a bundle as it is started. `entry` and `nodes`: the nodes at which it and its listeners begin.
pub fn resolved((id, version): (&str, &str), flow_id: &str, component: Digest, entry: &str, nodes: &[String]) -> ResolvedFlow {
    let workflow_id = workflow_id(id, version, flow_id);
    ResolvedFlow {
        bundle_id: id.to_owned(),
        bundle_version: version.to_owned(),
        flow_id: flow_id.to_owned(),
        is_draft: is_draft(version),
        component,
        entry: entry.to_owned(),
        listeners: listeners(&workflow_id, nodes),
        workflow_id,
    }
}

/// The listeners of a flow, which begin at `nodes`, by their workflow ids.
pub fn listeners(workflow_id: &str, nodes: &[String]) -> Vec<Listener> {
    let listener = |node: &String| Listener {
        workflow_id: listener_id(workflow_id, node),
        entry: node.clone(),
    };
    nodes.iter().map(listener).collect()
}
