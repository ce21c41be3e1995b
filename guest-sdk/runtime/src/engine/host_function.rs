//! Function-class nodes whose function the host runs: files and artifacts (language section 5.8).
//!
//! The node asks with what its function would read of its resolved input: each pin of its type and each that the flow gave it, or
//! the type's default. What is wrong with the input itself is found here, with the reference's text, before the host is asked.
//! Where a run's files lie is the host's to know: no path of the host is ever in a payload.

use super::pins::text;
use super::{Keeps, Node, Run};
use crate::py;
use crate::value::{Dict, Map, Value};

impl Run {
    /// `cfg` has `kind`, the effect's type; `reads`, pin types by pin; `defaults`, values by pin.
    pub(super) fn host_function(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let object = |key| self.config(cfg, key).and_then(|v| v.as_dict().cloned()).unwrap_or_default();
        let (reads, defaults) = (object("reads"), object("defaults"));
        let kind = self.config(cfg, "kind").unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default();
        let input = self.slot(frame).as_dict().cloned().unwrap_or_default();
        match payload(kind, &reads, &defaults, &input) {
            Ok(payload) => {
                let next = self.program.next(node);
                self.ask(node, kind, payload, next, Map::default(), Keeps::Function)
            }
            Err(message) => self.fail_function(node, message),
        }
    }
}

fn payload(kind: &str, reads: &Dict, defaults: &Dict, input: &Dict) -> Result<Map, String> {
    let mut payload = Map::default();
    for (pin, ty) in reads.borrow().iter() {
        let given = input.get(pin);
        let value = match ty.as_str() {
            Some("workspace_file" | "workspace_folder") => {
                let path = given.as_ref().and_then(text);
                Some(path.ok_or_else(|| format!("{kind} requires a non-empty '{pin}' input."))?)
            }
            Some("artifact") => {
                let named = given.filter(is_artifact);
                Some(named.ok_or_else(|| format!("{kind} requires an artifact input."))?)
            }
            _ => given.or_else(|| defaults.get(pin).map(|v| v.deep_copy())),
        };
        if let Some(value) = value {
            payload.insert(pin.clone(), value);
        }
    }
    Ok(payload)
}

/// An artifact's id, or an object that has one.
fn is_artifact(value: &Value) -> bool {
    let named = |object: &Dict| {
        let id = ["$artifact", "artifact_id"]
            .into_iter()
            .find_map(|key| object.get(key).filter(py::truthy));
        id.as_ref().and_then(text).is_some()
    };
    value.as_dict().is_some_and(named) || text(value).is_some()
}
