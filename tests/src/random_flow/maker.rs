//! A flow in the making: nodes with their pins, edges, values. It knows no statement.

use serde_json::{Value, json};

use super::{World, value};
use crate::random::Random;

/// One flow in the making.
pub(super) struct Maker<'a> {
    pub(super) id: String,
    pub(super) random: &'a mut Random,
    pub(super) world: World,
    pub(super) children: &'a [String],
    /// Events named `go` are heard by a listener.
    pub(super) heard: bool,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    /// Sources of data: node and pin.
    pub(super) pins: Vec<(String, String)>,
    /// A long loop multiplies with what is in it: there is one at most.
    pub(super) long: bool,
}

/// An execution pin that nothing follows yet.
pub(super) type Open = (String, String);

impl<'a> Maker<'a> {
    pub(super) fn new(id: &str, random: &'a mut Random, world: World, children: &'a [String], heard: bool) -> Self {
        let mut maker = Maker {
            id: id.to_owned(),
            random,
            world,
            children,
            heard,
            nodes: Vec::new(),
            edges: Vec::new(),
            pins: Vec::new(),
            long: false,
        };
        maker.push("start", "on_flow_start", &[], &["p", "q"], &[], &["exec-out"], json!({}));
        maker
    }

    pub(super) fn flow(self) -> Value {
        json!({"id": self.id, "name": self.id, "entryNode": "start", "nodes": self.nodes, "edges": self.edges})
    }

    #[allow(clippy::too_many_arguments)] // Pins of four kinds; each caller names few.
    pub(super) fn push(
        &mut self,
        id: &str,
        kind: &str,
        inputs: &[&str],
        outputs: &[&str],
        exec_in: &[&str],
        exec_out: &[&str],
        data: Value,
    ) -> String {
        let pins = |exec: &[&str], data: &[&str]| -> Vec<Value> {
            let exec = exec.iter().map(|id| json!({"id": id, "type": "execution"}));
            exec.chain(data.iter().map(|id| json!({"id": id, "type": "any"}))).collect()
        };
        let mut fields = json!({"inputs": pins(exec_in, inputs), "outputs": pins(exec_out, outputs)});
        if let (Some(fields), Value::Object(data)) = (fields.as_object_mut(), data) {
            fields.extend(data);
        }
        self.nodes
            .push(json!({"id": id, "type": kind, "position": {"x": 0, "y": 0}, "data": fields}));
        self.pins.extend(outputs.iter().map(|pin| (id.to_owned(), (*pin).to_owned())));
        id.to_owned()
    }

    pub(super) fn fresh(&self, kind: &str) -> String {
        format!("{kind}_{}", self.nodes.len())
    }

    /// A node on the way of execution; `exec-out` follows it.
    pub(super) fn step(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &["exec-in"], &["exec-out"], data)
    }

    /// A control node.
    pub(super) fn control(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], exec_out: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &["exec-in"], exec_out, data)
    }

    pub(super) fn data(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &[], &[], data)
    }

    pub(super) fn edge(&mut self, source: &str, handle: &str, target: &str, pin: &str) {
        let id = format!("e{}", self.edges.len());
        self.edges
            .push(json!({"id": id, "source": source, "sourceHandle": handle, "target": target, "targetHandle": pin}));
    }

    pub(super) fn default(&mut self, node: &str, pin: &str, value: Value) {
        let place = self.nodes.iter_mut().find(|n| n["id"] == node).expect("the node was made");
        place["data"]["pinDefaults"][pin] = value;
    }

    /// Wires a pin from something earlier, or gives it a value.
    pub(super) fn feed(&mut self, node: &str, pin: &str) {
        let own: Vec<_> = self.pins.iter().filter(|(source, _)| source != node).cloned().collect();
        if !own.is_empty() && self.random.between(0, 9) < 6 {
            let (source, handle) = self.random.pick(&own).clone();
            self.edge(&source, &handle, node, pin);
        } else {
            let value = value(self.random);
            self.default(node, pin, value);
        }
    }
}
