//! The flow's data: constants and node records, in the layout that the runtime reads (`flow-rt`, `engine/program.rs`).

use std::collections::HashMap;

use serde_json::json;

use crate::catalogue::Lower;
use crate::graph::{Graph, Node, NodeIx, Role};
use crate::visualflow::json;

const NONE: u32 = u32::MAX;
const HEADER: usize = 28;
const FLAG_END: u32 = 1;
const FLAG_ABSORBS: u32 = 2;

/// What a constant is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Constant {
    Json(String),
    Text(String),
}

/// Constants by their index, and the order of exec nodes.
#[derive(Debug, Default)]
pub struct Tables {
    constants: Vec<Constant>,
    known: HashMap<Constant, u32>,
    /// Index in the node table of every exec node.
    places: HashMap<NodeIx, u32>,
    order: Vec<NodeIx>,
}

impl Tables {
    pub fn new(graph: &Graph) -> Self {
        let all = (0..graph.nodes.len() as u32).map(NodeIx);
        let order: Vec<NodeIx> = all.filter(|ix| graph.node(*ix).role == Role::Exec).collect();
        let places = order.iter().enumerate().map(|(place, ix)| (*ix, place as u32)).collect();
        Tables {
            constants: Vec::new(),
            known: HashMap::new(),
            places,
            order,
        }
    }

    /// Exec nodes in the order of their functions.
    pub fn order(&self) -> Vec<NodeIx> {
        self.order.clone()
    }

    /// The place of an exec node in the node table.
    pub fn place(&self, ix: NodeIx) -> u32 {
        self.places.get(&ix).copied().unwrap_or(NONE)
    }

    pub fn json(&mut self, text: impl Into<String>) -> u32 {
        self.intern(Constant::Json(text.into()))
    }

    pub fn text(&mut self, text: impl Into<String>) -> u32 {
        self.intern(Constant::Text(text.into()))
    }

    fn intern(&mut self, constant: Constant) -> u32 {
        if let Some(index) = self.known.get(&constant) {
            return *index;
        }
        let index = self.constants.len() as u32;
        self.constants.push(constant.clone());
        self.known.insert(constant, index);
        index
    }

    /// The finished bytes.
    pub fn finish(mut self, graph: &Graph, runtime_digest: &str) -> Vec<u8> {
        let description = self.json(description(graph, runtime_digest));
        let flow = self.text(&graph.id);
        let records: Vec<Record> = self.order().into_iter().map(|ix| self.record(graph.node(ix))).collect();

        let mut out = vec![0u8; HEADER];
        let mut spans = Vec::with_capacity(self.constants.len());
        for constant in &self.constants {
            let (text, kind) = match constant {
                Constant::Json(text) => (text, 0),
                Constant::Text(text) => (text, 1),
            };
            spans.push([out.len() as u32, text.len() as u32, kind]);
            out.extend_from_slice(text.as_bytes());
        }
        let mut routes_at = Vec::with_capacity(records.len());
        for record in &records {
            routes_at.push(out.len() as u32);
            record
                .routes
                .iter()
                .for_each(|(handle, node)| words(&mut out, &[*handle, *node]));
        }
        let constants_at = out.len() as u32;
        spans.iter().for_each(|span| words(&mut out, span));
        let nodes_at = out.len() as u32;
        for (record, routes) in records.iter().zip(routes_at) {
            let count = record.routes.len() as u32;
            words(
                &mut out,
                &[
                    record.id,
                    record.flags,
                    record.next,
                    record.output_key,
                    record.input_key,
                    count,
                    routes,
                ],
            );
        }
        let mut header = Vec::with_capacity(HEADER);
        let magic = u32::from_le_bytes(*b"FLW1");
        words(
            &mut header,
            &[
                magic,
                spans.len() as u32,
                constants_at,
                records.len() as u32,
                nodes_at,
                description,
                flow,
            ],
        );
        out[..HEADER].copy_from_slice(&header);
        out
    }

    fn record(&mut self, node: &Node) -> Record {
        let id = self.text(&node.id);
        // One plain way out is the next node; anything else is looked up by its handle.
        let single = match node.routes.get_index(0) {
            Some((handle, target)) if node.routes.len() == 1 && handle == "exec-out" => Some(*target),
            _ => None,
        };
        let routes = match single {
            Some(_) => Vec::new(),
            None => node.routes.iter().map(|(handle, target)| (handle.clone(), *target)).collect(),
        };
        let key = |tables: &mut Self, name: &str| match node.config.get(name).map(|raw| serde_json::from_str::<String>(raw.get()))
        {
            Some(Ok(key)) if !key.trim().is_empty() => tables.text(key.trim()),
            _ => NONE,
        };
        Record {
            id,
            flags: flags(node),
            next: single.map_or(NONE, |target| self.place(target)),
            output_key: key(self, "outputKey"),
            // Only function nodes read a variable of their choice.
            input_key: if matches!(
                node.ty.lower,
                Lower::Builtin | Lower::Function | Lower::HostFunction | Lower::Code
            ) {
                key(self, "inputKey")
            } else {
                NONE
            },
            routes: routes
                .into_iter()
                .map(|(handle, target)| (self.text(handle), self.place(target)))
                .collect(),
        }
    }
}

fn flags(node: &Node) -> u32 {
    let config = node
        .config
        .get("effectConfig")
        .and_then(|raw| json::object(raw))
        .unwrap_or_default();
    let is_on = |key: &str| config.get(key).is_some_and(|value| json::is_truthy(value));
    let absorbs = node.ty.lower == Lower::Effect && (is_on("continueOnError") || is_on("continue_on_error"));
    let end = if node.ty.name == "on_flow_end" { FLAG_END } else { 0 };
    end | if absorbs { FLAG_ABSORBS } else { 0 }
}

struct Record {
    id: u32,
    flags: u32,
    next: u32,
    output_key: u32,
    input_key: u32,
    routes: Vec<(u32, u32)>,
}

/// What the component says of itself.
fn description(graph: &Graph, runtime_digest: &str) -> String {
    let main = json!({"node": graph.node(graph.entry).id, "kind": "main"});
    let listeners = graph
        .listeners
        .iter()
        .map(|ix| json!({"node": graph.node(*ix).id, "kind": "listener"}));
    let entries: Vec<_> = std::iter::once(main).chain(listeners).collect();
    let start = graph.node(graph.entry);
    let pins: Vec<_> = match start.ty.name {
        "on_flow_start" => start
            .outputs
            .iter()
            .map(|pin| json!({"id": pin.id, "type": pin.ty}))
            .collect(),
        _ => Vec::new(),
    };
    let index: serde_json::Map<_, _> = graph
        .nodes
        .iter()
        .map(|n| (n.id.clone(), json!({"type": n.ty.name})))
        .collect();
    json!({"id": graph.id, "runtime": runtime_digest, "entries": entries, "start_pins": pins, "node_index": index}).to_string()
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}
