//! Refuses an execution edge that leaves the body of a `loop` or `for` backwards: the loop would begin with its first item again
//! each time, and the run would never end. A `while` asks its condition whenever it is reached, so an edge may lead back out of
//! its body, if it leaves no other. (The reference's later versions refuse that too; flows that were drawn before rely on it.)
//!
//! Finds such an edge as editors do: a depth-first walk from the entry, children in the order of the source's output pins; an
//! edge to a node still on the walk's path closes a circle, and it leaves a body when a loop node on that part of the path is
//! being left through `loop`. Looks at the document as drawn, before several entries become a junction.

use std::collections::HashMap;

use super::findings::Findings;
use crate::visualflow::{Document, EXEC_OUT, Edge, Node};

const BODY: &str = "loop";

pub(super) fn check(doc: &Document, findings: &mut Findings<'_>) {
    let by_id: HashMap<&str, usize> = doc
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (node.id.as_str(), at))
        .collect();
    let mut walk = Walk {
        doc,
        children: children(doc, &by_id),
        place: vec![Place::Unseen; doc.nodes.len()],
        path: Vec::new(),
        bodies: Vec::new(),
    };
    let entry = doc.entry.as_deref().and_then(|id| by_id.get(id).copied());
    for root in entry.into_iter().chain(0..doc.nodes.len()) {
        // Only the last of several nodes with one id is part of the graph.
        if walk.place[root] == Place::Unseen && by_id.get(doc.nodes[root].id.as_str()) == Some(&root) {
            walk.from(root, findings);
        }
    }
}

/// Each node's outgoing execution edges as (edge, target), in pin order.
fn children<'a>(doc: &'a Document, by_id: &HashMap<&str, usize>) -> Vec<Vec<(&'a Edge, usize)>> {
    let mut out: Vec<Vec<(&Edge, usize)>> = vec![Vec::new(); doc.nodes.len()];
    for edge in doc.edges.iter().filter(|edge| edge.is_exec()) {
        if let (Some(&from), Some(&to)) = (by_id.get(edge.source.as_str()), by_id.get(edge.target.as_str())) {
            out[from].push((edge, to));
        }
    }
    for (node, edges) in doc.nodes.iter().zip(&mut out).filter(|(_, edges)| edges.len() > 1) {
        let mut order: HashMap<&str, usize> = HashMap::new();
        for (at, pin) in node.outputs.iter().enumerate() {
            order.entry(&pin.id).or_insert(at);
        }
        let pin = |edge: &Edge| order.get(edge.source_handle.as_str()).copied().unwrap_or(usize::MAX);
        edges.sort_by(|(a, _), (b, _)| (pin(a), &a.target).cmp(&(pin(b), &b.target)));
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Unseen,
    /// Its position on the path.
    OnPath(usize),
    Done,
}

struct Walk<'a> {
    doc: &'a Document,
    children: Vec<Vec<(&'a Edge, usize)>>,
    place: Vec<Place>,
    /// (node, how many of its edges have been taken).
    path: Vec<(usize, usize)>,
    /// Positions on the path of the loop nodes that are being left through `loop`, rising.
    bodies: Vec<usize>,
}

impl Walk<'_> {
    fn from(&mut self, root: usize, findings: &mut Findings<'_>) {
        self.enter(root);
        while let Some(top) = self.path.len().checked_sub(1) {
            let (node, taken) = self.path[top];
            self.bodies.pop_if(|at| *at == top);
            let Some(&(edge, target)) = self.children[node].get(taken) else {
                self.path.pop();
                self.place[node] = Place::Done;
                continue;
            };
            self.path[top].1 += 1;
            if edge.source_handle == BODY && matches!(self.doc.nodes[node].ty.as_str(), "loop" | "for" | "while") {
                self.bodies.push(top);
            }
            match self.place[target] {
                Place::Unseen => self.enter(target),
                Place::OnPath(at) => {
                    let left = &self.bodies[self.bodies.partition_point(|body| *body < at)..];
                    if let Some(&left) = left.first().filter(|_| !self.asks_again(left, node, target)) {
                        let inner = &self.doc.nodes[self.path[left].0];
                        let message = message(edge, inner, &self.doc.nodes[node], &self.doc.nodes[target]);
                        findings.pin_error(&edge.source, &edge.source_handle, message);
                    }
                }
                Place::Done => {}
            }
        }
    }

    /// Whether an edge from `node` to `target` leaves the body of one `while` only, with something of it behind it.
    fn asks_again(&self, left: &[usize], node: usize, target: usize) -> bool {
        match left {
            [one] => self.doc.nodes[self.path[*one].0].ty == "while" && node != target,
            _ => false,
        }
    }

    fn enter(&mut self, node: usize) {
        self.place[node] = Place::OnPath(self.path.len());
        self.path.push((node, 0));
    }
}

fn message(edge: &Edge, inner: &Node, source: &Node, target: &Node) -> String {
    let handle = if edge.source_handle.is_empty() {
        EXEC_OUT
    } else {
        &edge.source_handle
    };
    format!(
        "Wire {}.{handle} -> {} goes back out of {}'s loop body: the run would never end. A path inside a loop body can only \
         repeat within the body; to repeat the whole loop, wire the loop-back after the loop's done.",
        source.title(),
        target.title(),
        inner.title()
    )
}
