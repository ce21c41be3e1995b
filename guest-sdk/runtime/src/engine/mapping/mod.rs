//! What an effect node's pins show of its result (language sections 5.10 and 5.13).
//!
//! Outputs of effects are a function of the stored result; nothing is cached.

mod agent;
mod media;
mod memory;
mod model;
mod tools;

use std::rc::Rc;

use super::Run;
use crate::value::{Dict, Map, Value};

impl Run {
    /// The output record of effect node `id` of type `kind` into `slot`. False while it has not been asked for.
    pub(super) fn out_effect(&mut self, slot: u32, id: u32, kind: u32, cfg: u32) -> bool {
        let id = self.program.text(id);
        let (raw, beside) = (self.effects.get(&id), self.beside.get(&id));
        if raw.is_none() && beside.is_none() {
            return false;
        }
        let kind = self.program.text(kind);
        let mut record = match beside {
            Some(Value::Dict(beside)) => beside.borrow().clone(),
            _ => Map::default(),
        };
        // An effect whose result is null leaves what the node showed before it.
        if let Some(raw) = raw {
            self.map(&id, &kind, &raw, cfg, &mut record);
        }
        self.set_slot(slot, Value::dict(record));
        true
    }

    /// Copies a node's main result to its `outputKey`, which the reference repeats before every later node.
    pub(super) fn apply_output_key(&mut self, id: u32, kind: u32, key: u32, cfg: u32) {
        let (id, kind, key) = (self.program.text(id), self.program.text(kind), self.program.text(key));
        let Some(raw) = self.effects.get(&id) else { return };
        let main = self.map(&id, &kind, &raw, cfg, &mut Map::default());
        if !main.is_null() {
            super::variables::set_nested(&self.vars, &key, main);
        }
    }

    /// Adds to `record` what node `id` of type `kind` shows of `raw`; gives the main value.
    fn map(&self, id: &str, kind: &str, raw: &Value, cfg: u32, record: &mut Map) -> Value {
        let object = raw.as_dict();
        let get = |key: &str| object.and_then(|o| o.get(key)).unwrap_or_default();
        match kind {
            "ask_user" => {
                merge(record, object);
                get("response")
            }
            "answer_user" => match object {
                Some(_) => {
                    merge(record, object);
                    get("message")
                }
                None => keep(record, "message", raw.clone()),
            },
            "wait_event" => keep(record, "event_data", raw.clone()),
            "on_event" => {
                record.insert("event".into(), raw.clone());
                if object.is_some() {
                    for pin in ["payload", "event_id", "name"] {
                        record.insert(pin.into(), get(pin));
                    }
                }
                raw.clone()
            }
            "on_schedule" => {
                merge(record, object);
                let time = match object {
                    Some(_) => Some(get("timestamp"))
                        .filter(|t| !t.is_null())
                        .unwrap_or_else(|| get("scheduled_for")),
                    None => raw.clone(),
                };
                record.insert("timestamp".into(), time.clone());
                record.insert("recurrent".into(), Value::Bool(false));
                if time.is_null() { raw.clone() } else { time }
            }
            "agent" => agent::map(id, raw, &self.agent_bucket(id), &self.config_list(cfg, "read"), record),
            "subflow" => self.map_subflow(raw, object, cfg, record),
            "llm_call" => object.map_or(Value::Null, |o| model::llm_call(o, &self.config_list(cfg, "read"), record)),
            "model_residency" => model::residency(raw, &self.config_list(cfg, "read"), record),
            "listen_voice" => media::heard(raw, record),
            "transcribe_audio" => object.map_or(Value::Null, |o| media::transcript(o, record)),
            _ if let Some(made) = media::made(kind) => object.map_or(Value::Null, |o| media::map(o, kind, made, record)),
            "tool_calls" => object.map_or(Value::Null, |o| tools::all(o, record)),
            "call_tool" => object.map_or(Value::Null, |o| tools::one(o, record)),
            memory if memory.starts_with("memory_") => memory::map(memory, raw, record),
            // `wait_until`, `emit_event`
            _ => {
                match object {
                    Some(_) => merge(record, object),
                    None => drop(record.insert("result".into(), raw.clone())),
                }
                raw.clone()
            }
        }
    }

    fn map_subflow(&self, raw: &Value, object: Option<&Dict>, cfg: u32, record: &mut Map) -> Value {
        let Some(object) = object else {
            return keep(record, "output", raw.clone());
        };
        record.insert("sub_run_id".into(), object.get("sub_run_id").unwrap_or_default());
        let output = object.get("output").unwrap_or_default();
        let result = match &output {
            Value::Dict(child) => {
                record.insert("child_output".into(), output.clone());
                child.get("result").unwrap_or_else(|| output.clone())
            }
            other => other.clone(),
        };
        record.insert("output".into(), result.clone());
        let pins: Vec<Rc<str>> = self.config_list(cfg, "outputs");
        match &result {
            Value::Dict(fields) => {
                for pin in pins.iter().filter(|p| &***p != "output") {
                    record.insert(pin.clone(), fields.get(pin).unwrap_or_default());
                }
            }
            scalar => {
                if let [pin] = pins.as_slice() {
                    record.insert(pin.clone(), scalar.clone());
                }
            }
        }
        result
    }
}

fn merge(record: &mut Map, object: Option<&Dict>) {
    if let Some(object) = object {
        for (key, value) in object.borrow().iter() {
            record.insert(key.clone(), value.clone());
        }
    }
}

fn keep(record: &mut Map, pin: &str, value: Value) -> Value {
    record.insert(pin.into(), value.clone());
    value
}
