//! What must hold of every node that stays, beside its edges: its type is known and compiled, its id can be stored.

use super::Role;
use super::draft::{Draft, DraftNode};
use super::findings::Findings;
use super::reach::Reached;
use crate::catalogue::{Lower, NodeType};
use crate::diagnostic::quoted;
use crate::visualflow::{Document, MAX_NAME, json};

/// Names that messages repeat must not be too long. Comes before every other check; its own messages repeat none of them.
pub(super) fn names(doc: &Document, findings: &mut Findings<'_>) {
    let too_long = |name: &String| name.len() > MAX_NAME;
    for (at, node) in doc.nodes.iter().enumerate() {
        let pins = node.inputs.iter().chain(&node.outputs).map(|pin| &pin.id);
        let routes = node
            .entry_routes
            .iter()
            .flat_map(|route| [&route.key, &route.source, &route.handle]);
        let overrides = node.route_overrides.iter().flat_map(|(pin, routes)| {
            let sources = routes.iter().flat_map(|(key, (source, handle))| [key, source, handle]);
            std::iter::once(pin).chain(sources)
        });
        if [&node.id, &node.ty]
            .into_iter()
            .chain(pins)
            .chain(routes)
            .chain(overrides)
            .any(too_long)
        {
            findings.flow_error(format!(
                "nodes[{at}]: an id, type, pin or route is longer than {MAX_NAME} bytes"
            ));
        }
    }
    for (at, edge) in doc.edges.iter().enumerate() {
        if [&edge.source, &edge.source_handle, &edge.target, &edge.target_handle]
            .into_iter()
            .any(too_long)
        {
            findings.flow_error(format!("edges[{at}]: an id or pin is longer than {MAX_NAME} bytes"));
        }
    }
}

/// Checks one node that is executed or read; its type if it has one.
pub(super) fn node(node: &DraftNode<'_>, findings: &mut Findings<'_>) -> Option<&'static NodeType> {
    identity(node, findings);
    expressions(node, findings);
    let Some(ty) = node.ty else {
        let message = format!(
            "unknown VisualFlow node type {}: this version has no such node (the flow may have been made for a newer one)",
            quoted(node.ty_name)
        );
        findings.error(node.id, message);
        return None;
    };
    match (ty.lower, node.role) {
        (Lower::Literal | Lower::Builtin | Lower::Code, _) | (_, Role::Exec) => {}
        (_, Role::Pure) => {
            let message = format!(
                "node type '{}' declares no execution pins, so it never runs and has no value to read; give it execution pins",
                ty.name
            );
            findings.error(node.id, message);
        }
    }
    if ty.lower == Lower::Subflow && node.drawn.is_some_and(|drawn| drawn.subflow().is_none()) {
        findings.error(node.id, "Subflow node names no flow: set subflowId");
    }
    Some(ty)
}

fn identity(node: &DraftNode<'_>, findings: &mut Findings<'_>) {
    if node.drawn.is_some() && node.id.contains('.') {
        let message = format!(
            "Node id '{}' contains '.', which separates the parts of a variable's path; rename the node",
            node.id
        );
        findings.error(node.id, message);
    }
    if node.repeated && node.role == Role::Pure {
        findings.warning(node.id, "several nodes have this id; the last one counts");
    }
}

/// Newer editors put Python expressions on pins; a run without them would take another way than its author drew.
fn expressions(node: &DraftNode<'_>, findings: &mut Findings<'_>) {
    let object = node
        .drawn
        .and_then(|drawn| drawn.config.get("pinExpressions"))
        .and_then(|value| json::object(value));
    for (pin, value) in object.unwrap_or_default() {
        if json::filled(Some(&value)).is_some() && pin.len() <= MAX_NAME {
            findings.pin_error(node.id, &pin, "Python pin expressions are not compiled by this version");
        }
    }
}

/// An id that several nodes share, one of them executed, names no step of a run.
pub(super) fn repeated(draft: &Draft<'_>, findings: &mut Findings<'_>) {
    for at in draft.positions().filter(|at| draft.is_exec(*at)) {
        let node = &draft.nodes[at];
        if node.repeated && (node.ty.is_some() || node.connected) {
            let message = format!("Node '{}' already exists in flow '{}'", node.id, findings.flow);
            findings.error(node.id, message);
        }
    }
}

/// Edges out of kept nodes that lead nowhere, or that say something this version does not do.
pub(super) fn edges(doc: &Document, draft: &Draft<'_>, reached: &Reached, findings: &mut Findings<'_>) {
    for edge in doc.edges.iter().filter(|edge| edge.is_exec()) {
        if !draft.find(&edge.source).is_some_and(|from| reached.kept[from]) {
            continue;
        }
        // Newer editors can limit how often an edge is taken; a run without the limit might never end.
        if edge.limited {
            findings.pin_error(
                &edge.source,
                &edge.source_handle,
                "loop limits on edges are not compiled by this version",
            );
        }
        let problem = match draft.find(&edge.target) {
            None => "leads to no node",
            Some(to) if !draft.is_exec(to) => "leads to a node without execution pins",
            Some(_) => continue,
        };
        let message = format!("the edge to '{}' {problem} and is ignored", edge.target);
        findings.pin_warning(&edge.source, &edge.source_handle, message);
    }
}

/// Execution nodes that no entry leads to are left out.
pub(super) fn unreached(draft: &Draft<'_>, reached: &Reached, findings: &mut Findings<'_>) {
    for at in draft.positions().filter(|at| draft.is_exec(*at) && !reached.kept[*at]) {
        let node = &draft.nodes[at];
        if node.drawn.is_some() {
            findings.warning(node.id, "no entry leads to this node; it is left out");
        }
    }
}
