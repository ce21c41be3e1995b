//! Whole flows made at random, with a script that answers what they ask: branches, loops, sequences, variables, waits, events, listeners,
//! subflows, effects of the outside, clock and randomness.
//!
//! The same [`Random`] makes the same case. Most flows run to an end; some fail, wait for an answer that never comes, or are cut
//! short by an error in a node, as flows of people do. What a flow does never depends on which of two runs is faster: after each
//! event that a listener may take, the root waits for an answer, and answers are given when nothing moves.

use serde_json::{Value, json};

use crate::random::Random;

/// Where a case is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `flowgate cases`: time is virtual, handlers of effects are scripted.
    Cases,
    /// A real server: time passes, nobody answers effects.
    Server,
}

/// How deep control nodes are nested.
const MAX_DEPTH: u32 = 3;
/// More effects than the runner gathers into one commit.
const LONG_LOOP: u64 = 70;
/// A value that makes the state larger than what is written at every wait.
const LARGE: usize = 300 << 10;

/// A case as `flowgate cases` reads it, without an expectation.
pub fn case(name: &str, random: &mut Random, world: World) -> Value {
    // On a server two runs that ask at once may be answered in either order.
    let with_listener = random.one_in(4) && world == World::Cases;
    let children: Vec<String> = (0..random.between(0, 2)).map(|n| format!("child{n}")).collect();
    let mut main = Maker::new("main", random, world, &children, with_listener);
    let body = main.block(0);
    main.edge("start", "exec-out", &body, "exec-in");
    if with_listener {
        main.listener();
    }
    let mut flows = serde_json::Map::new();
    flows.insert("main".to_owned(), main.flow());
    for id in &children {
        // A child calls nobody, so that every run ends.
        let mut child = Maker::new(id, random, world, &[], false);
        let body = child.block(MAX_DEPTH - 1);
        child.edge("start", "exec-out", &body, "exec-in");
        flows.insert(id.clone(), child.flow());
    }
    json!({
        "name": name, "flows": flows, "root": "main", "input": {"p": value(random), "q": value(random)},
        "listeners": with_listener, "around": {"now": "2026-11-22T10:00:00Z", "seed": random.number() >> 12},
        "script": script(random),
    })
}

/// Answers for people, mostly enough of them, and results for effects, some of them bad.
fn script(random: &mut Random) -> Vec<Value> {
    let answers = if random.one_in(8) { random.between(0, 4) } else { 40 };
    let mut script: Vec<Value> = (0..answers)
        .map(|n| json!({"resume": {"response": random.pick(&["yes", "no", "a"]), "n": n}}))
        .collect();
    for n in 0..40 {
        let call = json!([{"name": "t", "arguments": {"n": n}, "call_id": format!("c{n}")}]);
        let tool_calls = if random.one_in(3) { call } else { json!([]) };
        let model = json!({"content": format!("said {n}"), "data": null, "tool_calls": tool_calls, "usage": {"input_tokens": n},
                           "model": "m", "provider": "p", "finish_reason": "stop"});
        script.push(if random.one_in(40) {
            json!({"effect": "llm_call", "error": "the model is away"})
        } else {
            json!({"effect": "llm_call", "result": model})
        });
        let result = json!({"call_id": "c", "name": "t", "success": n % 3 != 2, "output": n, "error": null});
        script.push(json!({"effect": "tool_calls", "result": {"mode": "executed", "results": [result]}}));
    }
    script
}

/// A value as people put it into flows, awkward ones included.
fn value(random: &mut Random) -> Value {
    let values = [
        json!(0),
        json!(1),
        json!(2),
        json!(3),
        json!(2.5),
        json!(1.0),
        json!(-7),
        json!(123456789012345678901234567890_f64),
        json!("a"),
        json!("go"),
        json!(""),
        json!("ünï ☃"),
        json!("4"),
        json!(true),
        json!(false),
        json!(null),
        json!([1, 2, 3]),
        json!(["p", ["q"]]),
        json!({"k": 1, "name": "n", "deep": {"er": [1]}}),
        json!([]),
        json!({}),
    ];
    random.pick(&values).clone()
}

/// One flow in the making.
struct Maker<'a> {
    id: String,
    random: &'a mut Random,
    world: World,
    children: &'a [String],
    /// Events named `go` are heard by a listener.
    heard: bool,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    /// Sources of data: node and pin.
    pins: Vec<(String, String)>,
    /// A long loop multiplies with what is in it: there is one at most.
    long: bool,
}

/// An execution pin that nothing follows yet.
type Open = (String, String);

impl<'a> Maker<'a> {
    fn new(id: &str, random: &'a mut Random, world: World, children: &'a [String], heard: bool) -> Self {
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

    fn flow(self) -> Value {
        json!({"id": self.id, "name": self.id, "entryNode": "start", "nodes": self.nodes, "edges": self.edges})
    }

    #[allow(clippy::too_many_arguments)] // Pins of four kinds; each caller names few.
    fn push(
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

    fn fresh(&self, kind: &str) -> String {
        format!("{kind}_{}", self.nodes.len())
    }

    /// A node on the way of execution; `exec-out` follows it.
    fn step(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &["exec-in"], &["exec-out"], data)
    }

    /// A control node.
    fn control(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], exec_out: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &["exec-in"], exec_out, data)
    }

    fn data(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], data: Value) -> String {
        self.push(&self.fresh(kind), kind, inputs, outputs, &[], &[], data)
    }

    fn edge(&mut self, source: &str, handle: &str, target: &str, pin: &str) {
        let id = format!("e{}", self.edges.len());
        self.edges
            .push(json!({"id": id, "source": source, "sourceHandle": handle, "target": target, "targetHandle": pin}));
    }

    fn default(&mut self, node: &str, pin: &str, value: Value) {
        let place = self.nodes.iter_mut().find(|n| n["id"] == node).expect("the node was made");
        place["data"]["pinDefaults"][pin] = value;
    }

    /// Wires a pin from something earlier, or gives it a value.
    fn feed(&mut self, node: &str, pin: &str) {
        let own: Vec<_> = self.pins.iter().filter(|(source, _)| source != node).cloned().collect();
        if !own.is_empty() && self.random.between(0, 9) < 6 {
            let (source, handle) = self.random.pick(&own).clone();
            self.edge(&source, &handle, node, pin);
        } else {
            let value = value(self.random);
            self.default(node, pin, value);
        }
    }

    fn variable(&mut self) -> Value {
        json!(*self.random.pick(&["x", "y", "acc", "ctx.count"]))
    }

    /// A data node that later nodes may read.
    fn some_data(&mut self) {
        // The last two read randomness, which only cases fix.
        let kinds: [(&str, &[&str], &[&str]); 17] = [
            ("add", &["a", "b"], &["result"]),
            ("concat", &["a", "b"], &["result"]),
            ("compare", &["a", "b"], &["result"]),
            ("not", &["value"], &["result"]),
            ("coalesce", &["a", "b"], &["result"]),
            ("stringify_json", &["value"], &["result"]),
            ("array_append", &["array", "item"], &["result"]),
            ("array_length", &["array"], &["result"]),
            ("make_object", &["k", "v"], &["result"]),
            ("make_array", &["a", "b"], &["result"]),
            ("merge", &["a", "b"], &["result"]),
            ("get", &["object", "default"], &["value"]),
            ("set", &["object", "value"], &["result"]),
            ("get_var", &[], &["value"]),
            ("get_context", &[], &["task", "messages"]),
            ("get_random_element", &["array"], &["result", "found"]),
            ("random_int", &[], &["result"]),
        ];
        let known = if self.world == World::Cases {
            kinds.len()
        } else {
            kinds.len() - 2
        };
        let (kind, inputs, outputs) = *self.random.pick(&kinds[..known]);
        let mut declared = inputs.to_vec();
        let fixed = match kind {
            "get" | "set" => Some(("key", json!(*self.random.pick(&["k", "deep.er", "name"])))),
            "get_var" => Some(("name", self.variable())),
            "random_int" => Some(("max", json!(1_000_000))),
            _ => None,
        };
        declared.extend(fixed.as_ref().map(|(pin, _)| *pin));
        let node = self.data(kind, &declared, outputs, json!({}));
        for pin in inputs {
            self.feed(&node, pin);
        }
        if let Some((pin, value)) = fixed {
            self.default(&node, pin, value);
        }
    }

    /// A few statements one after another; gives the first.
    fn block(&mut self, depth: u32) -> String {
        let (first, mut open) = self.statement(depth);
        for _ in 0..self.random.between(0, if depth == 0 { 6 } else { 2 }) {
            if open.is_empty() {
                break;
            }
            let (next, then) = self.statement(depth);
            // Ways that are left open end their branch; several that go on meet at the next node.
            if open.len() > 1 && self.random.one_in(2) {
                open.truncate(1);
            }
            for (node, handle) in open {
                self.edge(&node, &handle, &next, "exec-in");
            }
            open = then;
        }
        if !open.is_empty() && self.random.between(0, 99) < if depth == 0 { 90 } else { 6 } {
            let pins: Vec<&str> = ["r", "s", "t"][..self.random.between(0, 3) as usize].to_vec();
            let end = self.push(&self.fresh("end"), "on_flow_end", &pins, &[], &["exec-in"], &[], json!({}));
            for pin in pins {
                self.feed(&end, pin);
            }
            for (node, handle) in open {
                self.edge(&node, &handle, &end, "exec-in");
            }
        }
        first
    }

    /// One statement: its first node and the ways out of it.
    fn statement(&mut self, depth: u32) -> (String, Vec<Open>) {
        for _ in 0..self.random.between(0, 2) {
            self.some_data();
        }
        let roll = self.random.between(0, 99);
        match roll {
            0..18 => self.plain(),
            18..30 => self.writes(),
            30..34 if depth < MAX_DEPTH => self.shares(depth),
            34..52 => self.waits(),
            52..60 => self.emits(),
            60..68 => self.calls(),
            68..76 if !self.children.is_empty() => self.subflow(),
            76..84 if depth < MAX_DEPTH => self.branches(depth),
            84..96 if depth < MAX_DEPTH => self.repeats(depth),
            96.. if depth < MAX_DEPTH => self.sequences(depth),
            _ => self.plain(),
        }
    }

    fn single(&self, node: String) -> (String, Vec<Open>) {
        let open = vec![(node.clone(), "exec-out".to_owned())];
        (node, open)
    }

    fn plain(&mut self) -> (String, Vec<Open>) {
        let node = self.step("answer_user", &["message"], &["message"], json!({}));
        self.feed(&node, "message");
        self.single(node)
    }

    fn writes(&mut self) -> (String, Vec<Open>) {
        let node = match self.random.between(0, 9) {
            0..5 => {
                let node = self.step("set_var", &["name", "value"], &["value"], json!({}));
                let name = self.variable();
                self.default(&node, "name", name);
                self.feed(&node, "value");
                node
            }
            5 => {
                let node = self.step("set_vars", &["updates"], &["updates"], json!({}));
                let updates = json!({"x": value(self.random), "acc": value(self.random)});
                self.default(&node, "updates", updates);
                node
            }
            6 => {
                let node = self.step("set_var_property", &["name", "key", "value"], &["value"], json!({}));
                self.default(&node, "name", json!("obj"));
                self.default(&node, "key", json!("a.b"));
                self.feed(&node, "value");
                node
            }
            7 if self.random.one_in(2) => {
                // Too large to be written at every wait: history stands in for the state.
                let node = self.step("set_var", &["name", "value"], &[], json!({}));
                self.default(&node, "name", json!("large"));
                self.default(&node, "value", json!("ab".repeat(LARGE / 2)));
                node
            }
            _ => {
                let node = self.step("add_message", &["role", "content"], &["message"], json!({}));
                self.feed(&node, "content");
                node
            }
        };
        self.single(node)
    }

    /// Two variables share what is in them. `set` changes it in place for both, until the state has been written and read again: a kill must
    /// not decide when that is.
    fn shares(&mut self, depth: u32) -> (String, Vec<Open>) {
        let write = |maker: &mut Self, name: &str| {
            let node = maker.step("set_var", &["name", "value"], &["value"], json!({}));
            maker.default(&node, "name", json!(name));
            node
        };
        let read = |maker: &mut Self, name: &str| {
            let node = maker.data("get_var", &["name"], &["value"], json!({}));
            maker.default(&node, "name", json!(name));
            node
        };
        let first = write(self, "x");
        self.default(&first, "value", json!({"deep": {"er": [1]}, "k": 0}));
        let (x, second) = (read(self, "x"), write(self, "y"));
        self.edge(&x, "value", &second, "value");
        let (between, open) = self.statement(depth + 1);
        let changed = self.data("set", &["object", "key", "value"], &["result"], json!({}));
        self.edge(&x, "value", &changed, "object");
        self.default(&changed, "key", json!("deep.er"));
        let number = self.random.between(2, 99);
        self.default(&changed, "value", json!(number));
        let (change, show) = (
            self.step("answer_user", &["message"], &[], json!({})),
            self.step("answer_user", &["message"], &[], json!({})),
        );
        self.edge(&changed, "result", &change, "message");
        let y = read(self, "y");
        self.edge(&y, "value", &show, "message");
        self.edge(&first, "exec-out", &second, "exec-in");
        self.edge(&second, "exec-out", &between, "exec-in");
        for (node, handle) in open {
            self.edge(&node, &handle, &change, "exec-in");
        }
        self.edge(&change, "exec-out", &show, "exec-in");
        let open = vec![(show, "exec-out".to_owned())];
        (first, open)
    }

    fn waits(&mut self) -> (String, Vec<Open>) {
        let node = match self.random.between(0, 5) {
            0..3 => self.ask(),
            3 => {
                let node = self.step("wait_event", &["event_key"], &["event_data"], json!({}));
                let key = json!(format!("{}:{node}", self.id));
                self.default(&node, "event_key", key);
                node
            }
            _ => {
                let node = self.step(
                    "wait_until",
                    &["duration"],
                    &[],
                    json!({"effectConfig": {"durationType": "seconds"}}),
                );
                let fraction = self.random.between(1, 999_999) as f64 / 1e6;
                let seconds = match self.world {
                    World::Cases if self.random.one_in(4) => 0.0,
                    World::Cases => fraction * 1000.0,
                    World::Server => fraction / 10.0,
                };
                self.default(&node, "duration", json!(seconds));
                node
            }
        };
        self.single(node)
    }

    fn ask(&mut self) -> String {
        let node = self.step("ask_user", &["prompt"], &["response"], json!({}));
        let prompt = json!(format!("{node}?"));
        if self.random.one_in(12) {
            // An empty prompt fails the run.
            self.feed(&node, "prompt");
        } else {
            self.default(&node, "prompt", prompt);
        }
        node
    }

    fn emits(&mut self) -> (String, Vec<Open>) {
        let node = self.step("emit_event", &["name", "payload"], &["delivered"], json!({}));
        let name = if self.heard { json!("go") } else { json!("nobody") };
        self.default(&node, "name", name);
        self.feed(&node, "payload");
        if !self.heard {
            return self.single(node);
        }
        let rest = self.ask();
        self.edge(&node, "exec-out", &rest, "exec-in");
        let open = vec![(rest, "exec-out".to_owned())];
        (node, open)
    }

    fn calls(&mut self) -> (String, Vec<Open>) {
        if self.world == World::Server {
            return self.plain();
        }
        let node = if self.random.one_in(2) {
            let node = self.step("llm_call", &["prompt", "system"], &["response", "tool_calls"], json!({}));
            self.feed(&node, "prompt");
            node
        } else {
            let node = self.step("tool_calls", &["tool_calls"], &["results", "success"], json!({}));
            let call = json!([{"name": "t", "arguments": {"from": node}, "call_id": "c"}]);
            self.default(&node, "tool_calls", call);
            node
        };
        self.single(node)
    }

    fn subflow(&mut self) -> (String, Vec<Open>) {
        let child = self.random.pick(self.children).clone();
        let node = self.step("subflow", &["p", "q"], &["output", "r"], json!({"subflowId": child}));
        self.feed(&node, "p");
        self.feed(&node, "q");
        self.single(node)
    }

    fn branches(&mut self, depth: u32) -> (String, Vec<Open>) {
        let (node, handles) = if self.random.one_in(3) {
            let cases = json!({"cases": [{"id": "a", "value": "a"}, {"id": "b", "value": "yes"}]});
            let handles = ["case:a", "case:b", "default"];
            let node = self.control("switch", &["value"], &[], &handles, json!({"switchConfig": cases}));
            self.feed(&node, "value");
            (node, handles.to_vec())
        } else {
            let node = self.control("if", &["condition"], &[], &["true", "false"], json!({}));
            self.feed(&node, "condition");
            (node, vec!["true", "false"])
        };
        let mut open = Vec::new();
        for handle in handles {
            if self.random.between(0, 4) == 0 {
                open.push((node.clone(), handle.to_owned()));
                continue;
            }
            let (first, then) = self.statement(depth + 1);
            self.edge(&node, handle, &first, "exec-in");
            open.extend(then);
        }
        (node, open)
    }

    fn repeats(&mut self, depth: u32) -> (String, Vec<Open>) {
        let node = match self.random.between(0, 3) {
            0 => {
                let node = self.control(
                    "for",
                    &["start", "end", "step"],
                    &["i", "index"],
                    &["loop", "done"],
                    json!({}),
                );
                let (end, step) = (self.random.between(0, 5), *self.random.pick(&[1.0, 1.0, 2.0, 0.5, -1.0]));
                self.default(&node, "start", json!(0));
                self.default(&node, "end", json!(end));
                self.default(&node, "step", json!(step));
                node
            }
            1 => return self.counts(depth),
            _ => {
                let node = self.control("loop", &["items"], &["item", "index"], &["loop", "done"], json!({}));
                if !self.long && self.random.one_in(5) {
                    self.long = true;
                    let items: Vec<u64> = (0..LONG_LOOP).collect();
                    self.default(&node, "items", json!(items));
                    // Mostly nothing in it waits, so that batches fill up.
                    if !self.random.one_in(4) {
                        let (body, open) = self.plain();
                        self.edge(&node, "loop", &body, "exec-in");
                        let (next, _) = self.writes();
                        for (from, handle) in open {
                            self.edge(&from, &handle, &next, "exec-in");
                        }
                        let open = vec![(node.clone(), "done".to_owned())];
                        return (node, open);
                    }
                } else if self.random.one_in(3) {
                    self.feed(&node, "items");
                } else {
                    self.default(&node, "items", json!(["u", {"k": "v"}, 3]));
                }
                node
            }
        };
        if !self.random.one_in(10) {
            let body = self.block(depth + 1);
            self.edge(&node, "loop", &body, "exec-in");
        }
        let open = vec![(node.clone(), "done".to_owned())];
        (node, open)
    }

    /// A `while` that counts a variable up.
    fn counts(&mut self, depth: u32) -> (String, Vec<Open>) {
        let node = self.control("while", &["condition"], &["index"], &["loop", "done"], json!({}));
        let name = json!(format!("n_{node}"));
        let read = self.data("get_var", &["name"], &["value"], json!({}));
        self.default(&read, "name", name.clone());
        let count = self.data("coalesce", &["a", "b"], &["result"], json!({}));
        self.edge(&read, "value", &count, "a");
        self.default(&count, "b", json!(0));
        let less = self.data("compare", &["a", "op", "b"], &["result"], json!({}));
        self.edge(&count, "result", &less, "a");
        self.default(&less, "op", json!("<"));
        let limit = self.random.between(0, 3);
        self.default(&less, "b", json!(limit));
        self.edge(&less, "result", &node, "condition");
        let more = self.data("add", &["a", "b"], &["result"], json!({}));
        self.edge(&count, "result", &more, "a");
        self.default(&more, "b", json!(1));
        let write = self.step("set_var", &["name", "value"], &[], json!({}));
        self.default(&write, "name", name);
        self.edge(&more, "result", &write, "value");
        self.edge(&node, "loop", &write, "exec-in");
        let body = self.block(depth + 1);
        self.edge(&write, "exec-out", &body, "exec-in");
        let open = vec![(node.clone(), "done".to_owned())];
        (node, open)
    }

    fn sequences(&mut self, depth: u32) -> (String, Vec<Open>) {
        let parallel = self.random.one_in(2);
        let (kind, handles): (&str, &[&str]) = if parallel {
            ("parallel", &["then:0", "then:1", "completed"])
        } else {
            ("sequence", &["then:0", "then:1", "then:2"])
        };
        let node = self.control(kind, &[], &[], handles, json!({}));
        for handle in handles.iter().filter(|handle| handle.starts_with("then:")) {
            if !self.random.one_in(6) {
                let body = self.block(depth + 1);
                self.edge(&node, handle, &body, "exec-in");
            }
        }
        let open = if parallel {
            vec![(node.clone(), "completed".to_owned())]
        } else {
            Vec::new()
        };
        (node, open)
    }

    /// What hears `go`: it notes what it heard, and says or asks something.
    fn listener(&mut self) {
        // A listener is a run of its own: it sees nothing of what the root has computed.
        let seen = std::mem::take(&mut self.pins);
        let data = json!({"eventConfig": {"name": "go", "scope": "session"}});
        self.push("hear", "on_event", &[], &["event", "payload"], &[], &["exec-out"], data);
        self.heard = false;
        let body = self.block(MAX_DEPTH);
        self.edge("hear", "exec-out", &body, "exec-in");
        self.pins = seen;
    }
}
