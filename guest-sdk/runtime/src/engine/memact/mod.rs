//! `memact_compose`: findings of the knowledge graph as the current context of the run's active memory (language section 5.12).
//!
//! The active memory is `_runtime.active_memory` of the flow's own variables; what the host has there stands beneath. The node
//! asks for nothing: it rewrites the entries that carry its marker and shows the memory as a model would be told it.

mod memory;
mod packets;

use self::memory::Memory;
use super::pins::{text, whole};
use super::{Node, Run, child};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Stands before every entry that comes from the graph, unless the node has a marker of its own.
const MARKER: &str = "KG:";
/// How many of the entries `trace` lists.
const TRACED: usize = 50;

impl Run {
    pub(super) fn memact_compose(&mut self, node: Node, frame: u32) -> i32 {
        let input = self.slot(frame).as_dict().cloned().unwrap_or_default();
        let first = |keys: &[&str]| keys.iter().find_map(|key| input.get(key).filter(|v| !v.is_null()));
        let output = match first(&["kg_result", "raw", "result"]) {
            Some(Value::Dict(found)) => {
                let marker = word(input.get("marker")).unwrap_or_else(|| MARKER.to_owned());
                // Even an empty `stimulus` hides `query_text`.
                let stimulus = first(&["stimulus", "query_text"]);
                let most = whole(&input.get("max_items").unwrap_or_default());
                let most = most.and_then(|n| match n {
                    Value::Int(n) => usize::try_from(n).ok().filter(|n| *n > 0),
                    _ => None,
                });
                self.compose(&found, word(stimulus).unwrap_or_default(), &marker, most)
            }
            _ => refused(),
        };
        if let Err(message) = self.check_finite(&Value::Dict(Dict::new(output.clone()))) {
            return self.fail(message);
        }
        self.set_output(node, Value::dict(output.clone()));
        self.vars.set("_last_output", Value::dict(output.clone()));
        match self.program.next(node) {
            Some(next) => next as i32,
            None => self.complete(Value::dict(output)),
        }
    }

    fn compose(&mut self, found: &Dict, stimulus: String, marker: &str, most: Option<usize>) -> Map {
        let runtime = child(&self.vars, "_runtime");
        if runtime.get("active_memory").is_none()
            && let Some(inherited) = self.runtime_setting("active_memory")
        {
            runtime.set("active_memory", inherited.deep_copy());
        }
        let memory = Memory::of(&runtime, &mut self.world);
        let removed: Vec<Value> = memory.marked(marker);

        let (mut packets, source) = packets::of(found);
        packets.truncate(most.unwrap_or(usize::MAX));
        let (mut added, mut selected) = (Vec::new(), Vec::new());
        for packet in &packets {
            let Some(statement) = packets::statement(packet) else {
                continue;
            };
            added.push(Value::str(packets::line(packet, &statement, marker)));
            if selected.len() < TRACED {
                let mut shown = map([("statement", Value::str(statement))]);
                for key in ["span_id", "observed_at", "retrieval_score"] {
                    shown.insert(key.into(), packet.get(key).unwrap_or_default());
                }
                selected.push(Value::dict(shown));
            }
        }
        let applied = memory.change_context(&added, &removed, &mut self.world);
        let preview = [
            ("removed", Value::Int(removed.len() as i64)),
            ("added", Value::Int(added.len() as i64)),
        ];
        let delta = record([(
            "current_context",
            record([("added", Value::list(added)), ("removed", Value::list(removed))]),
        )]);
        let mut graph = map([(
            "ok",
            found.get("ok").map(|ok| Value::Bool(py::truthy(&ok))).unwrap_or_default(),
        )]);
        for key in ["count", "packed_count", "estimated_tokens", "dropped", "effort", "warnings"] {
            graph.insert(key.into(), found.get(key).unwrap_or_default());
        }
        let trace = record([
            ("stimulus", Value::str(stimulus)),
            ("marker", Value::str(marker)),
            ("packet_source", Value::str(source)),
            ("kg", Value::dict(graph)),
            ("delta_preview", record(preview)),
            ("selected", Value::list(selected)),
            ("applied", applied),
        ]);
        map([
            ("ok", Value::Bool(true)),
            ("delta", delta),
            ("trace", trace),
            ("active_memory", memory.object()),
            ("memact_system_prompt", Value::str(memory.system_prompt())),
            ("memact_blocks", memory.blocks()),
        ])
    }
}

fn refused() -> Map {
    let error = "memact_compose requires a dict kg_result (connect memory_kg_query.raw or output)";
    let empty = || Value::dict(Map::default());
    map([
        ("ok", Value::Bool(false)),
        ("error", Value::str(error)),
        ("delta", empty()),
        ("trace", empty()),
        ("active_memory", empty()),
        ("memact_system_prompt", Value::str("")),
        ("memact_blocks", Value::list(Vec::new())),
    ])
}

/// A value's text without space around it; none for what counts as unset.
fn word(value: Option<Value>) -> Option<String> {
    let shown = py::str(&value.filter(py::truthy)?).ok()?;
    let shown = text(&Value::Str(shown))?;
    shown.as_str().map(str::to_owned)
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

fn record<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::dict(map(entries))
}
