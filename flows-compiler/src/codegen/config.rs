//! What a node's runtime function is told of it, fixed when the flow is compiled: one JSON constant a node.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::lower::{Context, json_text};
use crate::catalogue::Lower;
use crate::graph::{Graph, Node, NodeIx, Source};
use crate::visualflow::json;

impl Context<'_> {
    /// A node's static configuration as a constant: its data pins and the `data` keys that its type reads.
    pub(super) fn config(&mut self, ix: NodeIx, node: &Node) -> u32 {
        let names = |pins: &[crate::graph::Pin]| pins.iter().map(|p| json_text(&p.id)).collect::<Vec<_>>().join(",");
        let mut text = format!("{{\"pins\":[{}],\"outputs\":[{}]", names(&node.inputs), names(&node.outputs));
        let keys = match node.ty.lower {
            // A program's text is not needed once it is compiled.
            Lower::Code => &[],
            _ => node.ty.config,
        };
        for key in keys {
            if let Some(raw) = node.config.get(*key) {
                text.push_str(&format!(",{}:{}", json_text(key), raw.get()));
            }
        }
        if let Some(unit) = self.units.get(&ix) {
            text.push_str(&format!(",\"unit\":{unit}"));
        }
        match node.ty.name {
            _ if node.ty.lower == Lower::HostFunction => text.push_str(&host_function(node)),
            "set_var" => {
                let ty = node.inputs.iter().find(|p| p.id == "value").map_or("", |p| p.ty.as_str());
                text.push_str(&format!(",\"value_type\":{}", json_text(ty)));
            }
            "sequence" | "parallel" => {
                let mut then: Vec<&str> = branch_handles(node);
                then.sort_by_key(|h| {
                    h.strip_prefix("then:")
                        .and_then(|n| n.trim().parse::<i64>().ok())
                        .unwrap_or(1_000_000_000)
                });
                let then: Vec<String> = then.into_iter().map(json_text).collect();
                text.push_str(&format!(",\"then\":[{}]", then.join(",")));
            }
            "subflow" => {
                let id = ["subflowId", "flowId", "workflowId", "workflow_id"]
                    .into_iter()
                    .find_map(|key| {
                        let raw = node.config.get(key)?.get();
                        (!matches!(raw, "null" | "\"\"" | "false" | "0")).then_some(raw)
                    });
                text.push_str(&format!(",\"workflow\":{}", id.unwrap_or("null")));
            }
            "llm_call" | "model_residency" | "agent" => {
                let read: Vec<String> = self
                    .read
                    .get(node.id.as_str())
                    .into_iter()
                    .flatten()
                    .map(|pin| json_text(pin))
                    .collect();
                text.push_str(&format!(",\"read\":[{}]", read.join(",")));
                if node.ty.name == "agent" {
                    let workflow = agent_workflow(&self.graph.workflow_id, node);
                    text.push_str(&format!(",\"workflow\":{}", json_text(&workflow)));
                }
            }
            "join_exec" => {
                let routes: Vec<String> = node
                    .joins
                    .iter()
                    .map(|(s, h)| format!("[{},{}]", json_text(s), json_text(h)))
                    .collect();
                text.push_str(&format!(",\"routes\":[{}]", routes.join(",")));
            }
            _ => {}
        }
        text.push('}');
        self.tables.json(text)
    }
}

/// The workflow that an agent node's child runs: the one that the host named, else the one of this node.
fn agent_workflow(workflow_id: &str, node: &Node) -> String {
    let config = node
        .config
        .get("agentConfig")
        .and_then(|raw| json::object(raw))
        .unwrap_or_default();
    let named = json::filled(config.get("_react_workflow_id"));
    named.unwrap_or_else(|| crate::bundle::agent_id(workflow_id, &node.id))
}

/// What a function of the host reads: the pins of its type and those that the flow gives it, and its type's defaults.
fn host_function(node: &Node) -> String {
    let declared = node.inputs.iter().map(|pin| pin.id.as_str());
    let given = declared
        .chain(node.wires.keys().map(String::as_str))
        .chain(node.defaults.keys().map(String::as_str));
    let mut reads: IndexMap<&str, &str> = node.ty.data_inputs().map(|pin| (pin.id, pin.ty)).collect();
    for pin in given {
        reads.entry(pin).or_insert("any");
    }
    let reads: Vec<String> = reads
        .iter()
        .map(|(pin, ty)| format!("{}:{}", json_text(pin), json_text(ty)))
        .collect();
    let defaults: Vec<String> = node
        .ty
        .data_inputs()
        .filter_map(|pin| Some(format!("{}:{}", json_text(pin.id), pin.default?)))
        .collect();
    let kind = json_text(node.ty.name);
    format!(
        ",\"kind\":{kind},\"reads\":{{{}}},\"defaults\":{{{}}}",
        reads.join(","),
        defaults.join(",")
    )
}

/// The `then:N` outputs of a sequence or parallel: as declared, else as wired.
fn branch_handles(node: &Node) -> Vec<&str> {
    let declared: Vec<&str> = node
        .exec_outputs
        .iter()
        .map(String::as_str)
        .filter(|h| h.starts_with("then:"))
        .collect();
    if declared.is_empty() {
        node.routes
            .keys()
            .map(String::as_str)
            .filter(|h| h.starts_with("then:"))
            .collect()
    } else {
        declared
    }
}

/// Pins that effect nodes show only when a wire reads them, by node.
pub(super) fn read_pins(graph: &Graph) -> HashMap<&str, BTreeSet<&str>> {
    let mut read: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for source in graph.nodes.iter().flat_map(|node| node.wires.values()) {
        let Source::Node(from, pin) = source else { continue };
        let from = graph.node(*from);
        let latent: &[&str] = match from.ty.name {
            "agent" => &["result"],
            "llm_call" => &["result", "raw", "gen_time", "ttft_ms"],
            "model_residency" => &["runtime", "loaded_new", "unloaded"],
            _ => continue,
        };
        if latent.contains(&pin.as_str()) {
            read.entry(&from.id).or_default().insert(pin);
        }
    }
    read
}
