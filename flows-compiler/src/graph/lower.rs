//! Several execution edges into one node become a junction: `join_exec` before the node, and a `path_mux` before each of its
//! pins whose value depends on the way in.
//!
//! Owns the reading of `entryRoutes` and `inputRouteOverrides` against the edges that are really there. The document is not
//! changed; the result is its edges, rewritten, and the nodes to add.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::value::RawValue;

use super::findings::Findings;
use crate::diagnostic::{list, pairs};
use crate::visualflow::{Document, EXEC_IN, EXEC_OUT, Edge, EntryRoute, Node};

/// The document's edges after lowering, and the nodes that lowering added, in the order it made them.
pub(super) struct Lowered<'a> {
    pub(super) added: Vec<Added<'a>>,
    pub(super) edges: Vec<Cow<'a, Edge>>,
}

pub(super) struct Added<'a> {
    pub(super) id: String,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Join,
    /// With the pin's own default, where no edge stands in for it.
    Mux {
        fallback: Option<&'a RawValue>,
    },
}

pub(super) fn multi_entry<'a>(doc: &'a Document, findings: &mut Findings<'_>) -> Lowered<'a> {
    let by_id: HashMap<&str, &Node> = doc.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut entries: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, edge) in doc.edges.iter().enumerate().filter(|(_, edge)| edge.is_exec()) {
        entries.entry(&edge.target).or_default().push(at);
    }
    entries.retain(|target, edges| edges.len() > 1 && by_id.contains_key(target));

    let mut lowering = Lowering {
        doc,
        data_edges: data_edges(doc, &entries),
        by_id,
        made: HashSet::new(),
        removed: vec![false; doc.edges.len()],
        added: Vec::new(),
        edges: Vec::new(),
    };
    for (target, incoming) in entries {
        lowering.target(lowering.by_id[target], &incoming, findings);
    }

    let kept = doc
        .edges
        .iter()
        .zip(&lowering.removed)
        .filter(|(_, removed)| !**removed)
        .map(|(edge, _)| Cow::Borrowed(edge));
    let edges = kept.chain(lowering.edges.into_iter().map(Cow::Owned)).collect();
    Lowered {
        added: lowering.added,
        edges,
    }
}

/// The edges into pins of nodes that will be lowered, by (node, pin).
fn data_edges<'a>(doc: &'a Document, entries: &BTreeMap<&str, Vec<usize>>) -> HashMap<(&'a str, &'a str), Vec<usize>> {
    let mut out: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    if entries.is_empty() {
        return out;
    }
    for (at, edge) in doc.edges.iter().enumerate() {
        if !edge.is_exec() && entries.contains_key(edge.target.as_str()) {
            out.entry((&edge.target, &edge.target_handle)).or_default().push(at);
        }
    }
    out
}

struct Lowering<'a> {
    doc: &'a Document,
    by_id: HashMap<&'a str, &'a Node>,
    data_edges: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Ids of added nodes.
    made: HashSet<String>,
    removed: Vec<bool>,
    added: Vec<Added<'a>>,
    edges: Vec<Edge>,
}

impl<'a> Lowering<'a> {
    fn target(&mut self, node: &'a Node, incoming: &[usize], findings: &mut Findings<'_>) {
        let Some(routes) = routes(node, incoming.iter().map(|at| &self.doc.edges[*at]), findings) else {
            return;
        };
        let join = format!("__internal_join_exec__{}", node.id);
        if !self.reserve(&join, "join_exec", node, findings) {
            return;
        }
        self.added.push(Added {
            id: join.clone(),
            kind: Kind::Join,
        });
        for at in incoming {
            self.removed[*at] = true;
        }
        for route in &routes {
            self.edge(&route.source, &route.handle, &join, EXEC_IN);
        }
        self.edge(&join, EXEC_OUT, &node.id, EXEC_IN);

        if !self.overrides_hold(node, &routes, findings) {
            return;
        }
        let index: HashMap<&str, usize> = routes
            .iter()
            .enumerate()
            .map(|(at, route)| (route.key.as_str(), at))
            .collect();
        let mut pins: Vec<&'a String> = node.route_overrides.keys().collect();
        pins.sort();
        for pin in pins {
            self.mux(node, pin, &join, &index, findings);
        }
    }

    fn overrides_hold(&self, node: &Node, routes: &[EntryRoute], findings: &mut Findings<'_>) -> bool {
        let keys: HashSet<&str> = routes.iter().map(|route| route.key.as_str()).collect();
        let before = findings.error_count;
        for (pin, per_route) in &node.route_overrides {
            for (key, (source, _)) in per_route {
                if !keys.contains(key.as_str()) {
                    let message = format!(
                        "Node '{}' override for pin '{pin}' references unknown route '{key}'. Ensure entryRoutes is up to date.",
                        node.id
                    );
                    findings.pin_error(&node.id, pin, message);
                }
                if !self.by_id.contains_key(source.as_str()) {
                    let message = format!(
                        "Node '{}' override for pin '{pin}' references missing node '{source}'.",
                        node.id
                    );
                    findings.pin_error(&node.id, pin, message);
                }
            }
        }
        findings.error_count == before
    }

    fn mux(&mut self, node: &'a Node, pin: &'a str, join: &str, index: &HashMap<&str, usize>, findings: &mut Findings<'_>) {
        let mux = format!("__internal_path_mux__{}__{pin}", node.id);
        if !self.reserve(&mux, "path_mux", node, findings) {
            return;
        }
        let base = self.data_edges.get(&(node.id.as_str(), pin)).cloned().unwrap_or_default();
        if base.len() > 1 {
            let message = format!(
                "Node '{}' has multiple incoming data edges to pin '{pin}'. Use inputRouteOverrides (per-entry overrides) instead \
                 of multi-wiring.",
                node.id
            );
            findings.pin_error(&node.id, pin, message);
        }
        let mut fallback = None;
        match base.first() {
            Some(&at) => {
                let edge = &self.doc.edges[at];
                self.removed[at] = true;
                self.edge(&edge.source, &edge.source_handle, &mux, "fallback");
            }
            None => fallback = node.defaults.get(pin).map(|value| &**value),
        }
        self.added.push(Added {
            id: mux.clone(),
            kind: Kind::Mux { fallback },
        });
        self.edge(join, "which", &mux, "select");
        for (key, (source, handle)) in &node.route_overrides[pin] {
            let arm = format!("in{}", index[key.as_str()]);
            self.edge(source, handle, &mux, &arm);
        }
        self.edge(&mux, "out", &node.id, pin);
    }

    /// Takes an id for an added node; two of them, or a drawn one, must not share it.
    fn reserve(&mut self, id: &str, kind: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
        let free = !self.by_id.contains_key(id) && self.made.insert(id.to_owned());
        if !free {
            findings.error(&node.id, format!("Internal {kind} id collision: '{id}' already exists"));
        }
        free
    }

    fn edge(&mut self, source: &str, source_handle: &str, target: &str, target_handle: &str) {
        self.edges.push(Edge {
            source: source.to_owned(),
            source_handle: source_handle.to_owned(),
            target: target.to_owned(),
            target_handle: target_handle.to_owned(),
            limited: false,
        });
    }
}

/// The ways into a node, in order; `None` when they do not fit its edges.
fn routes<'e>(node: &Node, incoming: impl Iterator<Item = &'e Edge>, findings: &mut Findings<'_>) -> Option<Vec<EntryRoute>> {
    let edges: Vec<(&str, &str)> = incoming
        .map(|edge| (edge.source.as_str(), edge.source_handle.as_str()))
        .collect();
    let mut routes = node.entry_routes.clone();
    if routes.is_empty() {
        routes.extend(edges.iter().map(|&(source, handle)| EntryRoute {
            key: format!("{source}::{handle}"),
            source: source.to_owned(),
            handle: handle.to_owned(),
        }));
    }

    let before = findings.error_count;
    let mut keys = HashSet::new();
    let repeated: Vec<&str> = routes
        .iter()
        .map(|route| route.key.as_str())
        .filter(|key| !keys.insert(*key))
        .collect();
    if !repeated.is_empty() {
        findings.error(
            &node.id,
            format!("Node '{}' has duplicate entryRoutes keys: {}", node.id, list(repeated)),
        );
    }

    let mut seen = HashSet::new();
    let mut told = HashSet::new();
    let ambiguous: Vec<_> = edges
        .iter()
        .copied()
        .filter(|pair| !seen.insert(*pair) && told.insert(*pair))
        .collect();
    if !ambiguous.is_empty() {
        let message = format!(
            "Node '{}' has duplicate incoming exec edges (ambiguous routes): {}. Ensure each exec entry is unique by (source node \
             id, source handle).",
            node.id,
            pairs(ambiguous)
        );
        findings.error(&node.id, message);
    }

    let wanted: HashSet<(&str, &str)> = routes
        .iter()
        .map(|route| (route.source.as_str(), route.handle.as_str()))
        .collect();
    let pair = |route: &'_ EntryRoute| (route.source.clone(), route.handle.clone());
    let missing: Vec<(String, String)> = routes
        .iter()
        .filter(|route| !seen.contains(&(route.source.as_str(), route.handle.as_str())))
        .map(pair)
        .collect();
    let extra: Vec<_> = edges.iter().copied().filter(|pair| !wanted.contains(pair)).collect();
    if !missing.is_empty() || !extra.is_empty() {
        let message = format!(
            "Node '{}' entryRoutes mismatch with incoming exec edges. missing={} extra={}. Reconnect the exec wires or resave the \
             flow.",
            node.id,
            pairs(missing.iter().map(|(source, handle)| (source.as_str(), handle.as_str()))),
            pairs(extra)
        );
        findings.error(&node.id, message);
    }
    (findings.error_count == before).then_some(routes)
}
