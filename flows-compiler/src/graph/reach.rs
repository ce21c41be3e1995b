//! Where a run begins, and which execution nodes it can come to.

use super::draft::Draft;
use super::findings::Findings;
use crate::visualflow::Document;

/// The execution nodes that stay.
pub(super) struct Reached {
    pub(super) entry: usize,
    /// The `on_event` nodes.
    pub(super) listeners: Vec<usize>,
    /// By position: reached from the entry or from a listener.
    pub(super) kept: Vec<bool>,
    /// By position: the execution edges that leave it for another execution node, in document order.
    pub(super) out: Vec<Vec<usize>>,
}

/// Follows the execution edges; `None` when the flow has no execution node.
pub(super) fn reach(doc: &Document, draft: &Draft<'_>, findings: &mut Findings<'_>) -> Option<Reached> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); draft.nodes.len()];
    let mut entered = vec![false; draft.nodes.len()];
    for (at, link) in draft.edges.iter().enumerate().filter(|(_, link)| link.edge.is_exec()) {
        if let Some(to) = link.to {
            entered[to] = true;
        }
        if let (Some(from), Some(to)) = (link.from, link.to)
            && draft.is_exec(from)
            && draft.is_exec(to)
        {
            out[from].push(at);
        }
    }

    let Some(entry) = entry(doc, draft, &entered) else {
        findings.flow_error("Invalid flow: Flow must have an entry node");
        return None;
    };
    if let Some(wanted) = doc.entry.as_deref().filter(|id| *id != draft.nodes[entry].id) {
        let message = format!("entryNode '{wanted}' is not an execution node of this flow; runs begin here instead");
        findings.warning(draft.nodes[entry].id, message);
    }

    let listeners: Vec<usize> = draft
        .positions()
        .filter(|at| draft.is_exec(*at) && draft.nodes[*at].ty_name == "on_event")
        .collect();
    let mut kept = vec![false; draft.nodes.len()];
    let mut next: Vec<usize> = listeners.iter().copied().chain([entry]).collect();
    while let Some(at) = next.pop() {
        if !std::mem::replace(&mut kept[at], true) {
            next.extend(out[at].iter().filter_map(|edge| draft.edges[*edge].to));
        }
    }
    Some(Reached {
        entry,
        listeners,
        kept,
        out,
    })
}

/// `entryNode` if it is executed; else the first execution node without an incoming edge; else the first one. A node of an
/// unknown type that nothing is wired to is an author's note, not an entry.
fn entry(doc: &Document, draft: &Draft<'_>, entered: &[bool]) -> Option<usize> {
    let named = doc
        .entry
        .as_deref()
        .and_then(|id| draft.find(id))
        .filter(|at| draft.is_exec(*at));
    let candidates = || {
        draft.positions().filter(|at| {
            let node = &draft.nodes[*at];
            draft.is_exec(*at) && (node.ty.is_some() || node.connected)
        })
    };
    named
        .or_else(|| candidates().find(|at| !entered[*at]))
        .or_else(|| candidates().next())
}
