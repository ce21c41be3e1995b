//! What a random flow does: statements, blocks of them, and what listens beside it.

use serde_json::{Value, json};

use super::maker::{Maker, Open};
use super::{MAX_DEPTH, World, value};

/// More effects than the runner gathers into one commit.
const LONG_LOOP: u64 = 70;
/// A value that makes the state larger than what is written at every wait.
const LARGE: usize = 300 << 10;

impl Maker<'_> {
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
    pub(super) fn block(&mut self, depth: u32) -> String {
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
    pub(super) fn listener(&mut self) {
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
