//! The document after lowering, indexed: nodes by position, edges by the positions they join.
//!
//! Owns which nodes are executed and which are only read ([`Role`]); decides nothing about what is reached.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::Role;
use super::lower::{Kind, Lowered};
use crate::catalogue::{self, NodeType};
use crate::visualflow::{self, Document, Edge};

pub(super) struct Draft<'a> {
    pub(super) nodes: Vec<DraftNode<'a>>,
    by_id: HashMap<&'a str, usize>,
    /// In document order, those that lowering added last.
    pub(super) edges: Vec<Link<'a>>,
}

pub(super) struct DraftNode<'a> {
    pub(super) id: &'a str,
    /// As the document says it.
    pub(super) ty_name: &'a str,
    pub(super) ty: Option<&'static NodeType>,
    pub(super) role: Role,
    /// None for the nodes that lowering adds.
    pub(super) drawn: Option<&'a visualflow::Node>,
    /// The default of a `path_mux`'s `fallback`.
    pub(super) fallback: Option<&'a RawValue>,
    /// Another node has the same id.
    pub(super) repeated: bool,
    /// An edge begins or ends here.
    pub(super) connected: bool,
}

/// An edge and the nodes it joins, where they exist.
pub(super) struct Link<'a> {
    pub(super) edge: &'a Edge,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(doc: &'a Document, lowered: &'a Lowered<'a>) -> Self {
        let drawn = doc.nodes.iter().map(drawn);
        let added = lowered.added.iter().map(|added| match added.kind {
            Kind::Join => internal(&added.id, "join_exec", Role::Exec, None),
            Kind::Mux { fallback } => internal(&added.id, "path_mux", Role::Pure, fallback),
        });
        let mut draft = Self {
            nodes: drawn.chain(added).collect(),
            by_id: HashMap::new(),
            edges: Vec::new(),
        };

        for at in 0..draft.nodes.len() {
            // The last of several nodes with one id stands for it, and it is executed if one of them is.
            if let Some(before) = draft.by_id.insert(draft.nodes[at].id, at) {
                draft.nodes[at].repeated = true;
                if draft.nodes[before].role == Role::Exec {
                    draft.nodes[at].role = Role::Exec;
                }
            }
        }
        for edge in &lowered.edges {
            let edge: &'a Edge = Cow::as_ref(edge);
            let (from, to) = (draft.find(&edge.source), draft.find(&edge.target));
            for end in from.into_iter().chain(to) {
                draft.nodes[end].connected = true;
            }
            draft.edges.push(Link { edge, from, to });
        }
        draft
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The positions that stand for their id, in document order.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|at| self.find(self.nodes[*at].id) == Some(*at))
    }

    pub(super) fn is_exec(&self, at: usize) -> bool {
        self.nodes[at].role == Role::Exec
    }
}

fn drawn(node: &visualflow::Node) -> DraftNode<'_> {
    let ty = catalogue::lookup(&node.ty);
    DraftNode {
        id: &node.id,
        ty_name: &node.ty,
        ty,
        role: role(node, ty),
        drawn: Some(node),
        fallback: None,
        repeated: false,
        connected: false,
    }
}

fn internal<'a>(id: &'a str, ty: &'a str, role: Role, fallback: Option<&'a RawValue>) -> DraftNode<'a> {
    DraftNode {
        id,
        ty_name: ty,
        ty: catalogue::lookup(ty),
        role,
        drawn: None,
        fallback,
        repeated: false,
        connected: true,
    }
}

/// The language's section 3, rule 4.
fn role(node: &visualflow::Node, ty: Option<&NodeType>) -> Role {
    let exec = match ty {
        Some(ty) if ty.is_literal() => false,
        Some(ty) if ty.name == "join_exec" => true,
        _ if node.declares_pins => node.declares_execution,
        Some(ty) => !ty.pure_without_pins,
        None => true,
    };
    if exec { Role::Exec } else { Role::Pure }
}
