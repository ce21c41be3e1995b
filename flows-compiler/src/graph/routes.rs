//! Execution edges out of a node: the handles it has, and whether they can be told apart.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::draft::{Draft, DraftNode};
use super::findings::Findings;
use super::reach::Reached;
use crate::catalogue::Lower;
use crate::diagnostic::list;
use crate::visualflow::EXEC_OUT;

/// By position: exec handle -> target, in document order; empty for nodes that are not kept.
pub(super) type Routes<'a> = Vec<IndexMap<&'a str, usize>>;

pub(super) fn routes<'a>(draft: &Draft<'a>, reached: &Reached, findings: &mut Findings<'_>) -> Routes<'a> {
    let mut routes: Routes<'a> = vec![IndexMap::new(); draft.nodes.len()];
    for at in draft.positions().filter(|at| reached.kept[*at]) {
        let node = &draft.nodes[at];
        let edges: Vec<(&str, usize)> = reached.out[at]
            .iter()
            .filter_map(|edge| Some((draft.edges[*edge].edge.source_handle.as_str(), draft.edges[*edge].to?)))
            .collect();
        check(node, &edges, findings);
        routes[at].extend(edges);
    }
    routes
}

fn check(node: &DraftNode<'_>, edges: &[(&str, usize)], findings: &mut Findings<'_>) {
    let handles = || edges.iter().map(|(handle, _)| *handle);
    match node.ty.map(|ty| ty.lower) {
        Some(Lower::Control) => control(node, handles(), findings),
        Some(Lower::Join) if !handles().any(|handle| handle == EXEC_OUT) => {
            findings.error(
                node.id,
                format!("Join Exec node '{}' must have an outgoing exec edge.", node.id),
            );
        }
        _ if edges.len() > 1 => several(node, handles(), findings),
        _ => {
            for handle in handles().filter(|handle| *handle != EXEC_OUT && !is_branch(handle)) {
                let message = format!(
                    "Node '{}' has unsupported branching output '{handle}'. Branching is not yet supported.",
                    node.id
                );
                findings.pin_error(node.id, handle, message);
            }
        }
    }
}

fn is_branch(handle: &str) -> bool {
    matches!(handle, "true" | "false") || is_case(handle)
}

fn is_case(handle: &str) -> bool {
    handle == "default" || handle.starts_with("case:")
}

/// A scheduler node leaves through the handles of its kind only; those of a sequence are the ones it declares.
fn control<'h>(node: &DraftNode<'_>, handles: impl Iterator<Item = &'h str>, findings: &mut Findings<'_>) {
    let declared: HashSet<&str> = match node.ty_name {
        "sequence" | "parallel" => {
            let pins = node.drawn.map(|drawn| drawn.outputs.as_slice()).unwrap_or_default();
            let then = pins.iter().filter(|pin| pin.is_execution() && pin.id.starts_with("then:"));
            let completed = (node.ty_name == "parallel").then_some("completed");
            then.map(|pin| pin.id.as_str()).chain(completed).collect()
        }
        _ => ["loop", "done"].into(),
    };
    let mut seen = HashSet::new();
    let mut unknown = Vec::new();
    for handle in handles {
        if !declared.contains(handle) {
            unknown.push(handle);
        } else if !seen.insert(handle) {
            findings.pin_warning(
                node.id,
                handle,
                "several execution edges leave by this output; the last one counts",
            );
        }
    }
    if let Some(first) = unknown.first() {
        let message = format!(
            "Control node '{}' has unsupported execution outputs: {}",
            node.id,
            list(unknown.iter().copied())
        );
        findings.pin_error(node.id, first, message);
    }
}

/// Several edges leave the node: all of them the branches of an `if`, or all of them cases.
fn several<'h>(node: &DraftNode<'_>, handles: impl Iterator<Item = &'h str> + Clone, findings: &mut Findings<'_>) {
    let mut seen = HashSet::new();
    let repeated = handles.clone().find(|handle| !seen.insert(*handle));
    let told_apart = handles.clone().all(|handle| matches!(handle, "true" | "false")) || handles.clone().all(is_case);
    if repeated.is_none() && told_apart {
        return;
    }
    let message = format!(
        "Node '{}' has multiple outgoing edges. Branching is not yet supported.",
        node.id
    );
    let culprit = repeated.or_else(|| handles.clone().find(|handle| !is_branch(handle)));
    match culprit {
        Some(handle) => findings.pin_error(node.id, handle, message),
        None => findings.error(node.id, message),
    }
}
