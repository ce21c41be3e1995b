//! The resolved input of a node: the bus beneath, wires and defaults above (language section 4.3).

use super::{Node, Run};
use crate::value::{Dict, Map, Value};

impl Run {
    /// Takes `count` slots for a function of generated code.
    pub(super) fn frame(&mut self, count: u32) -> u32 {
        let base = self.slots.len();
        self.slots.resize(base + count as usize, Value::Null);
        base as u32
    }

    pub(super) fn unframe(&mut self, base: u32) {
        self.slots.truncate(base as usize);
    }

    /// Starts the input of a function-class node: the previous node's output, or all variables before there is one.
    pub(super) fn input_function(&mut self, frame: u32, node: Node) {
        let ambient = match self.program.input_key(node) {
            Some(key) => self.vars.get(&key).or_else(|| self.host_vars.get(&key)).unwrap_or_default(),
            None => match self.vars.get("_last_output") {
                Some(bus) => bus,
                None => Value::Dict(self.all_vars(self.program.has(node, super::program::flag::END))),
            },
        };
        self.begin_input(frame, ambient);
    }

    /// Starts the input of any other exec node: the bus, or nothing.
    pub(super) fn input_bus(&mut self, frame: u32) {
        let ambient = self.vars.get("_last_output").unwrap_or_else(|| Value::Dict(Dict::default()));
        self.begin_input(frame, ambient);
    }

    /// Starts the input of a data node: nothing.
    pub(super) fn input_empty(&mut self, frame: u32) {
        self.begin_input(frame, Value::Null);
    }

    fn begin_input(&mut self, frame: u32, ambient: Value) {
        let resolved = match &ambient {
            Value::Dict(d) => d.shallow_copy(),
            _ => Dict::default(),
        };
        self.set_slot(frame, Value::Dict(resolved));
        self.set_slot(frame + 1, ambient);
    }

    /// The variables as one object: the host's beneath, the flow's above. `public`: without the reserved names.
    pub(super) fn all_vars(&self, public: bool) -> Dict {
        let mut all: Map = self.host_vars.borrow().clone();
        for (key, value) in self.vars.borrow().iter() {
            all.insert(key.clone(), value.clone());
        }
        if public {
            all.retain(|key, _| !key.starts_with('_'));
        }
        Dict::new(all)
    }

    pub(super) fn put(&mut self, frame: u32, key: u32, source: u32) {
        let (key, value) = (self.program.text(key), self.slot(source));
        if let Value::Dict(input) = self.slot(frame) {
            input.borrow_mut().insert(key, value);
        }
    }

    /// Sets an unwired pin's default. `over` says whether it wins over a value that the bus carries under the same name.
    pub(super) fn put_default(&mut self, frame: u32, key: u32, constant: u32, over: bool) {
        let key = self.program.text(key);
        if let Value::Dict(input) = self.slot(frame)
            && (over || !input.borrow().contains_key(&key))
        {
            let value = self.program.constant(constant).deep_copy();
            input.borrow_mut().insert(key, value);
        }
    }

    /// Ends the input of an exec node: with nothing resolved it sees the bus itself, whatever it is.
    pub(super) fn settle(&mut self, frame: u32) {
        let empty = matches!(self.slot(frame), Value::Dict(d) if d.borrow().is_empty());
        if empty {
            let ambient = self.slot(frame + 1);
            self.set_slot(frame, ambient);
        }
    }

    /// Replaces the record in `slot` by what its pin `pin` shows: a key of an object, or the whole for `result` and `output`.
    pub(super) fn pick(&mut self, slot: u32, pin: u32) -> bool {
        let (record, pin) = (self.slot(slot), self.program.text(pin));
        if let Value::Dict(d) = &record
            && let Some(value) = d.get(&pin)
        {
            self.set_slot(slot, value);
            return true;
        }
        matches!(&*pin, "result" | "output")
    }

    /// The recorded output of an exec node.
    pub(super) fn out(&mut self, slot: u32, id: u32) -> bool {
        let id = self.program.text(id);
        match self.node_outputs.get(&id) {
            Some(output) => {
                self.set_slot(slot, output);
                true
            }
            None => false,
        }
    }
}
