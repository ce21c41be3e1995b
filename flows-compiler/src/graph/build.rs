//! Document to [`Graph`]: the order of the steps, and the putting together.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::draft::Draft;
use super::findings::Findings;
use super::routes::Routes;
use super::wires::Wires;
use super::{Graph, Node, NodeIx, Pin, Source};
use super::{checks, code, loop_back, lower, reach, routes, wires};
use crate::catalogue::{Lower, NodeType};
use crate::diagnostic::Diagnostic;
use crate::python::mir;
use crate::visualflow::{self, Document};

/// Makes the graph of a document, or says everything that is wrong with it.
///
/// Work grows with the size of the document and nothing recurses with its depth.
pub fn build(doc: &Document) -> Result<Graph, Vec<Diagnostic>> {
    build_with(doc, RefusedCode::Diagnose)
}

/// What becomes of Python that the compiler refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedCode {
    /// The flow does not compile.
    Diagnose,
    /// The node fails with the refusal when the flow reaches it, as in the reference: for comparisons with it.
    FailAtRun,
}

/// As [`build`], with a choice of what refused Python becomes.
pub fn build_with(doc: &Document, refused: RefusedCode) -> Result<Graph, Vec<Diagnostic>> {
    let mut findings = Findings::new(&doc.id);
    checks::names(doc, &mut findings);
    if findings.error_count > 0 {
        return Err(findings.errors);
    }
    loop_back::check(doc, &mut findings);
    let lowered = lower::multi_entry(doc, &mut findings);
    let draft = Draft::new(doc, &lowered);
    checks::repeated(&draft, &mut findings);
    let wires = wires::wires(&draft, &mut findings);
    let Some(reached) = reach::reach(doc, &draft, &mut findings) else {
        return Err(findings.errors);
    };
    let routes = routes::routes(&draft, &reached, &mut findings);
    checks::edges(doc, &draft, &reached, &mut findings);
    checks::unreached(&draft, &reached, &mut findings);

    let mut order: Vec<usize> = draft.positions().filter(|at| reached.kept[*at]).collect();
    let pure = wires::pure_order(&draft, &wires, order.iter().copied(), &mut findings);
    order.extend(pure);
    let types: Vec<_> = order
        .iter()
        .map(|at| checks::node(&draft.nodes[*at], &mut findings))
        .collect();
    let mut programs: Vec<_> = order
        .iter()
        .map(|at| code::compile(&draft.nodes[*at], refused, &mut findings))
        .collect();
    if findings.error_count > 0 {
        return Err(findings.errors);
    }

    let mut places = vec![None; draft.nodes.len()];
    for (ix, at) in (0..).zip(&order) {
        places[*at] = Some(NodeIx(ix));
    }
    let assembly = Assembly {
        draft: &draft,
        wires: &wires,
        routes: &routes,
        places: &places,
    };
    let mut nodes: Vec<Node> = order
        .iter()
        .zip(types)
        .zip(&mut programs)
        .filter_map(|((at, ty), program)| Some(assembly.node(*at, ty?, program.take())))
        .collect();
    assembly.joins(&mut nodes);
    let mut warnings = doc.warnings.clone();
    warnings.extend(findings.warnings);
    Ok(Graph {
        id: doc.id.clone(),
        workflow_id: doc.id.clone(),
        name: doc.name.clone(),
        nodes,
        // The entry and the listeners are kept, so they have a place.
        entry: places[reached.entry].unwrap_or(NodeIx(0)),
        listeners: reached.listeners.iter().filter_map(|at| places[*at]).collect(),
        warnings,
    })
}

struct Assembly<'a> {
    draft: &'a Draft<'a>,
    wires: &'a Wires<'a>,
    routes: &'a Routes<'a>,
    /// By position in the draft.
    places: &'a [Option<NodeIx>],
}

impl Assembly<'_> {
    fn node(&self, at: usize, ty: &'static NodeType, code: Option<Box<mir::Module>>) -> Node {
        let node = &self.draft.nodes[at];
        let fallback = node.fallback.map(|value| ("fallback".to_owned(), value.to_owned()));
        let drawn = node.drawn;
        Node {
            id: node.id.to_owned(),
            ty,
            role: node.role,
            inputs: drawn.map(|drawn| data_pins(&drawn.inputs)).unwrap_or_default(),
            outputs: drawn.map(|drawn| data_pins(&drawn.outputs)).unwrap_or_default(),
            exec_outputs: drawn.map(|drawn| exec_pins(&drawn.outputs)).unwrap_or_default(),
            defaults: drawn
                .map(|drawn| drawn.defaults.clone())
                .unwrap_or_else(|| fallback.into_iter().collect()),
            config: drawn.map(|drawn| drawn.config.clone()).unwrap_or_else(internal_config),
            wires: self.wires[at]
                .iter()
                .map(|(pin, edge)| ((*pin).to_owned(), self.source(*edge)))
                .collect(),
            routes: self.routes[at]
                .iter()
                .filter_map(|(handle, target)| Some(((*handle).to_owned(), self.places[*target]?)))
                .collect(),
            joins: Vec::new(),
            code,
        }
    }

    fn source(&self, edge: usize) -> Source {
        let link = &self.draft.edges[edge];
        match link.from.and_then(|from| self.places[from]) {
            Some(place) => Source::Node(place, link.edge.source_handle.clone()),
            None => Source::Never,
        }
    }

    /// Tells each junction its ways in.
    fn joins(&self, nodes: &mut [Node]) {
        for link in self.draft.edges.iter().filter(|link| link.edge.is_exec()) {
            let Some(place) = link.to.and_then(|to| self.places[to]) else {
                continue;
            };
            let node = &mut nodes[place.0 as usize];
            if node.ty.lower == Lower::Join {
                node.joins.push((link.edge.source.clone(), link.edge.source_handle.clone()));
            }
        }
    }
}

fn data_pins(pins: &[visualflow::Pin]) -> Vec<Pin> {
    pins.iter()
        .filter(|pin| !pin.is_execution())
        .map(|pin| Pin {
            id: pin.id.clone(),
            ty: pin.ty.clone(),
        })
        .collect()
}

fn exec_pins(pins: &[visualflow::Pin]) -> Vec<String> {
    pins.iter()
        .filter(|pin| pin.is_execution())
        .map(|pin| pin.id.clone())
        .collect()
}

fn internal_config() -> IndexMap<String, Box<RawValue>> {
    [("_internal".to_owned(), RawValue::TRUE.to_owned())].into()
}
