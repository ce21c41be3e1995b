//! Data edges: which pin is fed by which, and which pure nodes are read at all.

use indexmap::IndexMap;

use super::draft::Draft;
use super::findings::Findings;

/// By position of the target: pin -> position of the edge that feeds it, in document order.
pub(super) type Wires<'a> = Vec<IndexMap<&'a str, usize>>;

/// The data edges; a pin takes one.
pub(super) fn wires<'a>(draft: &Draft<'a>, findings: &mut Findings<'_>) -> Wires<'a> {
    let mut wires: Wires<'a> = vec![IndexMap::new(); draft.nodes.len()];
    for (at, link) in draft.edges.iter().enumerate().filter(|(_, link)| link.edge.is_data()) {
        let Some(to) = link.to else { continue };
        // A literal's value is in the document; nothing can be fed to it.
        if draft.nodes[to].ty.is_some_and(|ty| ty.is_literal()) {
            continue;
        }
        let edge = link.edge;
        match wires[to].get(edge.target_handle.as_str()) {
            None => drop(wires[to].insert(&edge.target_handle, at)),
            Some(first) => {
                let first = draft.edges[*first].edge;
                let message = format!(
                    "Multiple data edges target the same input pin. Target '{}.{}' is already wired from '{}.{}' and cannot also \
                     be wired from '{}.{}'. Use multi-entry route overrides for per-execution-path values instead of wiring \
                     duplicate data inputs.",
                    edge.target, edge.target_handle, first.source, first.source_handle, edge.source, edge.source_handle
                );
                findings.pin_error(&edge.target, &edge.target_handle, message);
            }
        }
    }
    wires
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unread,
    Open,
    Done,
}

/// The pure nodes that these execution nodes read, directly or through others, each after all that it reads itself. A pure
/// node that needs its own value is refused.
pub(super) fn pure_order(
    draft: &Draft<'_>,
    wires: &Wires<'_>,
    readers: impl Iterator<Item = usize>,
    findings: &mut Findings<'_>,
) -> Vec<usize> {
    let mut marks = vec![Mark::Unread; draft.nodes.len()];
    let mut order = Vec::new();
    let mut path: Vec<(usize, usize)> = Vec::new();
    for reader in readers {
        path.push((reader, 0));
        while let Some((at, read)) = path.last_mut() {
            let (at, next) = (*at, wires[*at].get_index(*read).map(|(pin, edge)| (*pin, *edge)));
            *read += 1;
            let Some((pin, edge)) = next else {
                path.pop();
                if at != reader {
                    marks[at] = Mark::Done;
                    order.push(at);
                }
                continue;
            };
            let Some(source) = draft.edges[edge].from.filter(|source| !draft.is_exec(*source)) else {
                continue;
            };
            match marks[source] {
                Mark::Unread => {
                    marks[source] = Mark::Open;
                    path.push((source, 0));
                }
                Mark::Open => {
                    let message = format!("Data edge cycle detected at '{}'", draft.nodes[source].id);
                    findings.pin_error(draft.nodes[at].id, pin, message);
                }
                Mark::Done => {}
            }
        }
    }
    order
}
