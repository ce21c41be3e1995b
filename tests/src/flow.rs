//! VisualFlow documents made in code: nodes with their pins, then edges in one line of text each.

use serde_json::{Value, json};

/// A flow in the making. Execution edges: `.exec("start -> ask -> end")`, `.exec("if.true -> say")`; data edges:
/// `.wire("ask.response -> end.answer")`.
#[derive(Debug, Clone)]
pub struct Flow {
    id: String,
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Flow {
    pub fn new(id: &str) -> Self {
        Flow {
            id: id.to_owned(),
            nodes: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// A node with everything spelled out: data pins in and out, then what else its `data` holds. The execution pins of the kind
    /// are added.
    pub fn node(mut self, id: &str, kind: &str, inputs: &[&str], outputs: &[&str], extra: Value) -> Self {
        let (exec_in, exec_out) = exec_pins(kind);
        let pins = |exec: &[&str], data: &[&str]| -> Vec<Value> {
            let exec = exec.iter().map(|id| json!({"id": id, "label": "", "type": "execution"}));
            exec.chain(data.iter().map(|id| json!({"id": id, "label": id, "type": "any"})))
                .collect()
        };
        let mut data =
            json!({"nodeType": kind, "label": id, "inputs": pins(exec_in, inputs), "outputs": pins(exec_out, outputs)});
        if let (Some(data), Value::Object(extra)) = (data.as_object_mut(), extra) {
            data.extend(extra);
        }
        let x = 200 * self.nodes.len();
        self.nodes
            .push(json!({"id": id, "type": kind, "position": {"x": x, "y": 0}, "data": data}));
        self
    }

    /// The start, with the flow's parameters.
    pub fn start(self, pins: &[&str]) -> Self {
        self.node("start", "on_flow_start", &[], pins, json!({}))
    }

    /// An end with the pins of the output.
    pub fn end(self, id: &str, pins: &[&str]) -> Self {
        self.node(id, "on_flow_end", pins, &[], json!({}))
    }

    /// `answer_user` with a fixed message (its `message` pin may be wired instead).
    pub fn say(self, id: &str, message: &str) -> Self {
        self.node(
            id,
            "answer_user",
            &["message", "level"],
            &["message", "level"],
            json!({"pinDefaults": {"message": message}}),
        )
    }

    pub fn ask(self, id: &str, prompt: &str, choices: &[&str]) -> Self {
        let defaults = json!({"pinDefaults": {"prompt": prompt, "choices": choices}});
        self.node(id, "ask_user", &["prompt", "choices"], &["response"], defaults)
    }

    pub fn sleep(self, id: &str, seconds: f64) -> Self {
        let config = json!({"pinDefaults": {"duration": seconds}, "effectConfig": {"durationType": "seconds"}});
        self.node(id, "wait_until", &["duration"], &[], config)
    }

    pub fn wait_event(self, id: &str, key: &str) -> Self {
        self.node(
            id,
            "wait_event",
            &["event_key"],
            &["event_data"],
            json!({"pinDefaults": {"event_key": key}}),
        )
    }

    pub fn subflow(self, id: &str, flow: &str, inputs: &[&str]) -> Self {
        self.node(id, "subflow", inputs, &["output"], json!({"subflowId": flow}))
    }

    /// `string_template` whose variables come from the pin `vars`.
    pub fn template(self, id: &str, template: &str) -> Self {
        self.node(
            id,
            "string_template",
            &["template", "vars"],
            &["result"],
            json!({"pinDefaults": {"template": template}}),
        )
    }

    pub fn object(self, id: &str, pins: &[&str]) -> Self {
        self.node(id, "make_object", pins, &["result"], json!({}))
    }

    /// Execution edges along a chain of nodes.
    pub fn exec(mut self, chain: &str) -> Self {
        let stops: Vec<&str> = chain.split("->").map(str::trim).collect();
        for pair in stops.windows(2) {
            let (source, handle) = pair[0].split_once('.').unwrap_or((pair[0], "exec-out"));
            let target = pair[1].split_once('.').map_or(pair[1], |(node, _)| node);
            self.edge(source, handle, target, "exec-in");
        }
        self
    }

    /// A data edge, `node.pin -> node.pin`.
    pub fn wire(mut self, edge: &str) -> Self {
        let (from, to) = edge.split_once("->").expect("an edge has an arrow");
        let (source, pin) = from.trim().split_once('.').expect("node.pin");
        let (target, handle) = to.trim().split_once('.').expect("node.pin");
        self.edge(source, pin, target, handle);
        self
    }

    pub fn json(&self) -> Value {
        json!({"id": self.id, "name": self.id, "description": "", "interfaces": [], "entryNode": self.nodes.first().map(|node| &node["id"]), "nodes": self.nodes, "edges": self.edges})
    }

    fn edge(&mut self, source: &str, handle: &str, target: &str, pin: &str) {
        let id = format!("e{}", self.edges.len() + 1);
        self.edges
            .push(json!({"id": id, "source": source, "sourceHandle": handle, "target": target, "targetHandle": pin}));
    }
}

fn exec_pins(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        "on_flow_start" | "on_event" => (&[], &["exec-out"]),
        "on_flow_end" => (&["exec-in"], &[]),
        "if" => (&["exec-in"], &["true", "false"]),
        "loop" | "while" | "for" => (&["exec-in"], &["loop", "done"]),
        "sequence" => (&["exec-in"], &["then:0", "then:1"]),
        "answer_user"
        | "ask_user"
        | "wait_until"
        | "wait_event"
        | "subflow"
        | "set_var"
        | "llm_call"
        | "emit_event"
        | "on_schedule"
        | "read_file"
        | "write_file"
        | "list_folder_files"
        | "import_workspace_file"
        | "export_artifact"
        | "read_artifact" => (&["exec-in"], &["exec-out"]),
        _ => (&[], &[]),
    }
}
