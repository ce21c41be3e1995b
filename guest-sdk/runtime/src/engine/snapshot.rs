//! The durable state of a run as JSON that a person can read.
//!
//! ```json
//! {"format": 1, "flow": "<flow id>", "cursor": "<node id>", "vars": {…}, "beside": {"<node>": {…}}, "ordinals": {"<node>": 1},
//!  "next_effect": 3, "pending": {"id": 3, "node": "<node id>", "next": "<node id>" | null, "waits": true,
//!  "absorbs": false, "keeps": "effect" | "function" | "_temp.<path>"} | null}
//! ```
//!
//! Everything is keyed by the flow's own names, so a newer version of the flow can take it over as long as the nodes named by
//! `cursor`, `pending` and the control stack still exist.

use super::{Keeps, Node, Pending, Run};
use crate::json;
use crate::value::{Dict, Map, Value};

const FORMAT: i64 = 1;

/// Largest number of an effect that is taken over: what is counted on from there can be written again.
const MAX_COUNT: i64 = 1 << 53;

impl Run {
    /// The state as JSON text. None when it cannot be written (the host then replays the run's history).
    pub fn snapshot(&self) -> Option<String> {
        if !self.started {
            return None;
        }
        let name = |node: Node| Value::Str(self.program.id(node));
        let pending = self.pending.as_ref().map(|p| {
            Value::dict(Map::from_iter([
                ("id".into(), Value::Int(p.id as i64)),
                ("node".into(), name(p.node)),
                ("next".into(), p.next.map(name).unwrap_or_default()),
                ("waits".into(), Value::Bool(p.waits)),
                ("absorbs".into(), Value::Bool(p.absorbs)),
                ("keeps".into(), keeps(&p.keeps)),
            ]))
        });
        let state = Value::dict(Map::from_iter([
            ("format".into(), Value::Int(FORMAT)),
            ("flow".into(), Value::Str(self.program.flow_id())),
            ("cursor".into(), name(self.cursor)),
            ("vars".into(), Value::Dict(self.vars.clone())),
            ("beside".into(), Value::Dict(self.beside.clone())),
            ("ordinals".into(), Value::Dict(self.ordinals.clone())),
            ("next_effect".into(), Value::Int(self.next_effect as i64)),
            ("pending".into(), pending.unwrap_or_default()),
        ]));
        json::to_string(&state).ok()
    }

    /// Takes over a state; the run has not started before.
    pub fn restore(&mut self, text: &str) -> Result<(), String> {
        let state = match json::parse(text) {
            Ok(Value::Dict(state)) => state,
            Ok(_) => return Err("the snapshot is not a JSON object".to_owned()),
            Err(e) => return Err(format!("the snapshot is not JSON: {e}")),
        };
        match state.get("format") {
            Some(Value::Int(FORMAT)) => {}
            other => {
                return Err(format!(
                    "snapshot format {other:?} is not known; this runtime reads format {FORMAT}"
                ));
            }
        }
        let flow = state.get("flow").unwrap_or_default();
        if flow.as_str() != Some(&*self.program.flow_id()) {
            return Err(format!("the snapshot is of flow {flow:?}"));
        }
        let cursor = self.known_node(state.get("cursor"), "cursor")?;
        let pending = match state.get("pending") {
            Some(Value::Dict(p)) => Some(Pending {
                id: natural(p.get("id"), "pending.id")?,
                node: self.known_node(p.get("node"), "pending.node")?,
                next: match p.get("next") {
                    None | Some(Value::Null) => None,
                    next => Some(self.known_node(next, "pending.next")?),
                },
                waits: matches!(p.get("waits"), Some(Value::Bool(true))),
                absorbs: matches!(p.get("absorbs"), Some(Value::Bool(true))),
                keeps: match p.get("keeps") {
                    Some(Value::Str(path)) if path.starts_with("_temp.") => Keeps::Step(path),
                    Some(Value::Str(word)) if &*word == "function" => Keeps::Function,
                    _ => Keeps::Effect,
                },
            }),
            None | Some(Value::Null) => None,
            Some(_) => return Err("'pending' is neither an object nor null".to_owned()),
        };
        self.next_effect = natural(state.get("next_effect"), "next_effect")?;
        self.vars = object(&state, "vars")?;
        self.beside = object(&state, "beside")?;
        self.ordinals = object(&state, "ordinals")?;
        self.cursor = cursor;
        self.pending = pending;
        self.started = true;
        self.ended = false;
        // A state that was written may hold no such number, but what it computes next may.
        self.non_finite = false;
        self.bind();
        Ok(())
    }

    fn known_node(&self, value: Option<Value>, what: &str) -> Result<Node, String> {
        let id = value
            .as_ref()
            .and_then(Value::as_str)
            .ok_or_else(|| format!("'{what}' is not a node id"))?;
        self.program
            .find(id)
            .ok_or_else(|| format!("'{what}' is node '{id}', which this version of the flow does not have"))
    }
}

fn keeps(keeps: &Keeps) -> Value {
    match keeps {
        Keeps::Effect => Value::str("effect"),
        Keeps::Function => Value::str("function"),
        Keeps::Step(path) => Value::Str(path.clone()),
    }
}

fn object(state: &Dict, key: &str) -> Result<Dict, String> {
    match state.get(key) {
        Some(Value::Dict(d)) => Ok(d),
        _ => Err(format!("'{key}' is not an object")),
    }
}

fn natural(value: Option<Value>, what: &str) -> Result<u64, String> {
    match value {
        Some(Value::Int(n)) if (0..=MAX_COUNT).contains(&n) => Ok(n as u64),
        _ => Err(format!("'{what}' is not a natural number up to {MAX_COUNT}")),
    }
}
