//! The wrapper of a schedule, drawn as a VisualFlow document.
//!
//! ```text
//! once      start ─► wait_start ─► run_target ─► end
//! counted   start ─► repeat ─┬ index 0 ─► wait_start ────┬─► run_target
//!                     │      └ later ───► wait_interval ─┘
//!                     └ done ─► end
//! forever   start ─► wait_start ─► run_target ─► wait_interval ─► run_target …
//! ```
//!
//! The names of these nodes are known to clients. Where executions do not share the session of the schedule, `set_child_sid` before
//! `run_target` gives each of them one of its own: the workflow id, and the execution's index or time.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{INTERVAL_VARIABLE, Plan, Rhythm, Start, WAIT_INTERVAL};
use crate::record::Json;

/// What a wrapper runs, and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct Wrapped<'a> {
    /// `scheduled:<uuid4>`.
    pub workflow_id: &'a str,
    /// The workflow that is executed.
    pub target: &'a str,
    /// Whether executions belong to the session of the schedule.
    pub share_context: bool,
}

/// What tells the sessions of executions apart.
#[derive(Clone, Copy)]
enum Suffix {
    Zero,
    /// Of the node `repeat`.
    Index,
    Time,
}

/// The document. The input of its run has the target's input as `vars` and, if sessions are not shared, the workflow id as
/// `session_prefix`. The interval is read from the run's [`INTERVAL_VARIABLE`] and is the drawn one if that is missing.
pub fn document(wrapped: Wrapped<'_>, plan: &Plan) -> Json {
    let mut drawing = Drawing::default();
    drawing.node(
        (0, 0),
        "start",
        "on_flow_start",
        "On Flow Start",
        &[],
        &["vars:object", "session_prefix:string"],
    );
    let first = match &plan.start {
        Start::Now => "0s",
        Start::At(text) => text,
    };
    match &plan.rhythm {
        Rhythm::Once => {
            drawing.wait((1, 0), "wait_start", "Wait (start)", first);
            drawing.exec("start", "wait_start");
            let entry = drawing.execution(wrapped, Suffix::Zero);
            drawing.exec("wait_start", entry);
            drawing.end();
            drawing.exec("run_target", "end");
        }
        Rhythm::Counted { interval, count } => {
            drawing.node(
                (1, 0),
                "repeat",
                "for",
                "Repeat",
                &["start:number", "end:number", "step:number"],
                &["index:number"],
            );
            drawing.defaults(json!({"start": 0, "end": count, "step": 1}));
            drawing.node(
                (2, -1),
                "is_first",
                "compare",
                "Compare",
                &["a:number", "b:number", "op:string"],
                &["result:boolean"],
            );
            drawing.defaults(json!({"b": 0, "op": "=="}));
            drawing.node((2, 0), "pick_wait", "if", "If", &["condition:boolean"], &[]);
            drawing.wait((3, -1), "wait_start", "Wait (start)", first);
            drawing.interval((3, 1), interval);
            drawing.exec("start", "repeat");
            drawing.wire("repeat.loop", "pick_wait.exec-in");
            drawing.wire("repeat.index", "is_first.a");
            drawing.wire("is_first.result", "pick_wait.condition");
            drawing.wire("pick_wait.true", "wait_start.exec-in");
            drawing.wire("pick_wait.false", "wait_interval.exec-in");
            let entry = drawing.execution(wrapped, Suffix::Index);
            drawing.exec("wait_start", entry);
            drawing.exec(WAIT_INTERVAL, entry);
            drawing.end();
            drawing.wire("repeat.done", "end.exec-in");
        }
        Rhythm::Forever { interval } => {
            drawing.wait((1, 0), "wait_start", "Wait (start)", first);
            drawing.interval((1, 1), interval);
            drawing.exec("start", "wait_start");
            let entry = drawing.execution(wrapped, Suffix::Time);
            drawing.exec("wait_start", entry);
            drawing.exec("run_target", WAIT_INTERVAL);
            drawing.exec(WAIT_INTERVAL, entry);
        }
    }
    raw(&json!({
        "id": wrapped.workflow_id, "name": "scheduled", "nodes": drawing.nodes, "edges": drawing.edges, "entryNode": "start",
    }))
}

/// A wrapper's document with another interval in its `wait_interval` node; the document itself if it has none.
pub fn with_interval(document: &RawValue, interval: &str) -> Json {
    let Ok(mut flow) = serde_json::from_str::<Value>(document.get()) else {
        return document.to_owned();
    };
    let nodes = flow.get_mut("nodes").and_then(Value::as_array_mut);
    let wait = nodes.and_then(|nodes| nodes.iter_mut().find(|node| node["id"] == WAIT_INTERVAL));
    match wait.and_then(|wait| wait.pointer_mut("/data/eventConfig/schedule")) {
        Some(schedule) => *schedule = interval.into(),
        None => return document.to_owned(),
    }
    raw(&flow)
}

/// A wrapper that AbstractGateway has drawn, with its nodes and edges as they are; its `wait_interval` node is given what tells it how long
/// to wait. It runs what the second value names. None: the document is no wrapper.
pub fn adopted(document: &RawValue) -> Option<(Json, String)> {
    let mut flow: Value = serde_json::from_str(document.get()).ok()?;
    let mut part = |name| Some(std::mem::take(flow.get_mut(name)?.as_array_mut()?));
    let mut drawing = Drawing {
        nodes: part("nodes")?,
        edges: part("edges")?,
    };
    let target = drawing.find("run_target")?.pointer("/data/subflowId")?.as_str()?.to_owned();
    if let Some(wait) = drawing.find(WAIT_INTERVAL) {
        let inputs = wait.pointer_mut("/data/inputs")?.as_array_mut()?;
        inputs.push(json!({"id": "schedule", "label": "schedule", "type": "string"}));
        drawing.interval_source((2, 2));
    }
    flow["nodes"] = drawing.nodes.into();
    flow["edges"] = drawing.edges.into();
    Some((raw(&flow), target))
}

fn raw(value: &Value) -> Json {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A document being drawn.
#[derive(Default)]
struct Drawing {
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Drawing {
    /// A node in a column and row, with its data pins as `name:type`; the execution pins follow from its type.
    fn node(&mut self, at: (i32, i32), id: &str, kind: &str, label: &str, inputs: &[&str], outputs: &[&str]) {
        let (exec_in, exec_out): (&[&str], &[&str]) = match kind {
            "on_flow_start" => (&[], &["exec-out"]),
            "on_flow_end" => (&["exec-in"], &[]),
            "for" => (&["exec-in"], &["loop", "done"]),
            "if" => (&["exec-in"], &["true", "false"]),
            "on_schedule" | "set_var" | "subflow" => (&["exec-in"], &["exec-out"]),
            _ => (&[], &[]),
        };
        let pins = |exec: &[&str], data: &[&str]| -> Vec<Value> {
            let exec = exec.iter().map(|id| json!({"id": id, "label": "", "type": "execution"}));
            let data = data.iter().map(|pin| {
                let (id, kind) = pin.split_once(':').unwrap_or((pin, "any"));
                json!({"id": id, "label": id, "type": kind})
            });
            exec.chain(data).collect()
        };
        self.nodes.push(json!({
            "id": id, "type": kind, "position": {"x": 220 * at.0, "y": 110 * at.1},
            "data": {"nodeType": kind, "label": label, "inputs": pins(exec_in, inputs), "outputs": pins(exec_out, outputs)},
        }));
    }

    /// A member of the last node's data.
    fn set(&mut self, key: &str, value: Value) {
        if let Some(node) = self.nodes.last_mut() {
            node["data"][key] = value;
        }
    }

    /// What the inputs of the last node are when nothing feeds them.
    fn defaults(&mut self, pins: Value) {
        self.set("pinDefaults", pins);
    }

    fn wait(&mut self, at: (i32, i32), id: &str, label: &str, schedule: &str) {
        let inputs: &[&str] = if id == WAIT_INTERVAL { &["schedule:string"] } else { &[] };
        self.node(at, id, "on_schedule", label, inputs, &[]);
        self.set("eventConfig", json!({"schedule": schedule, "recurrent": false}));
    }

    /// The wait between executions, with what tells it how long.
    fn interval(&mut self, at: (i32, i32), interval: &str) {
        self.wait(at, WAIT_INTERVAL, "Wait (interval)", interval);
        self.interval_source((at.0 - 1, at.1 + 1));
    }

    /// What tells the node [`WAIT_INTERVAL`] how long.
    fn interval_source(&mut self, at: (i32, i32)) {
        self.node(at, "interval", "get_var", "Interval", &["name:string"], &["value:any"]);
        self.defaults(json!({"name": INTERVAL_VARIABLE}));
        self.wire("interval.value", "wait_interval.schedule");
    }

    /// One execution of the target. Gives the node that it begins with.
    fn execution(&mut self, wrapped: Wrapped<'_>, suffix: Suffix) -> &'static str {
        self.node(
            (5, 0),
            "run_target",
            "subflow",
            "Run workflow",
            &["vars:object", "child_session_id:string"],
            &[],
        );
        self.set("subflowId", wrapped.target.into());
        self.wire("start.vars", "run_target.vars");
        if wrapped.share_context {
            return "run_target";
        }
        let concat = |drawing: &mut Drawing, at, id| {
            drawing.node(at, id, "concat", "Concat", &["a:string", "b:string"], &["result:string"]);
        };
        concat(self, (3, 2), "prefix_colon");
        self.defaults(json!({"b": ":"}));
        concat(self, (4, 2), "child_sid");
        match suffix {
            Suffix::Zero => self.defaults(json!({"b": "0"})),
            Suffix::Index => {
                self.node(
                    (3, 3),
                    "idx_str",
                    "stringify_json",
                    "Stringify",
                    &["value:any"],
                    &["result:string"],
                );
                self.defaults(json!({"mode": "minified"}));
                self.wire("repeat.index", "idx_str.value");
                self.wire("idx_str.result", "child_sid.b");
            }
            Suffix::Time => {
                self.node((3, 3), "now", "system_datetime", "Now", &[], &["iso:string"]);
                self.wire("now.iso", "child_sid.b");
            }
        }
        self.node(
            (4, 0),
            "set_child_sid",
            "set_var",
            "Set Variable",
            &["name:string", "value:string"],
            &["value:string"],
        );
        self.defaults(json!({"name": "child_session_id"}));
        self.wire("start.session_prefix", "prefix_colon.a");
        self.wire("prefix_colon.result", "child_sid.a");
        self.wire("child_sid.result", "set_child_sid.value");
        self.wire("set_child_sid.value", "run_target.child_session_id");
        self.exec("set_child_sid", "run_target");
        "set_child_sid"
    }

    fn find(&mut self, id: &str) -> Option<&mut Value> {
        self.nodes.iter_mut().find(|node| node["id"] == id)
    }

    fn end(&mut self) {
        self.node((6, 0), "end", "on_flow_end", "On Flow End", &[], &[]);
    }

    fn exec(&mut self, from: &str, to: &str) {
        self.edge((from, "exec-out"), (to, "exec-in"));
    }

    /// An edge between two pins, each `node.pin`.
    fn wire(&mut self, from: &str, to: &str) {
        if let (Some(from), Some(to)) = (from.split_once('.'), to.split_once('.')) {
            self.edge(from, to);
        }
    }

    fn edge(&mut self, from: (&str, &str), to: (&str, &str)) {
        let id = format!("e{}", self.edges.len() + 1);
        self.edges
            .push(json!({"id": id, "source": from.0, "sourceHandle": from.1, "target": to.0, "targetHandle": to.1}));
    }
}

#[cfg(test)]
mod tests {
    use flowgate_compiler::visualflow::Document;
    use flowgate_compiler::{Link, graph};

    use super::*;
    use crate::schedules::Asked;

    fn draw(interval: Option<&str>, count: Option<i64>, share_context: bool) -> Json {
        let asked = Asked {
            interval: interval.map(str::to_owned),
            repeat_count: count,
            ..Asked::default()
        };
        let plan = Plan::of(asked, crate::clock::Micros(0)).unwrap();
        let wrapped = Wrapped {
            workflow_id: "scheduled:1",
            target: "nap@1.0.0:root",
            share_context,
        };
        document(wrapped, &plan)
    }

    #[test]
    fn every_wrapper_compiles_and_has_the_nodes_that_clients_know() {
        for (interval, count, share, known) in [
            (None, None, true, "start wait_start run_target end"),
            (None, None, false, "start wait_start run_target end set_child_sid"),
            (Some("1s"), Some(3), true, "start wait_start wait_interval run_target end"),
            (
                Some("1s"),
                Some(3),
                false,
                "start wait_start wait_interval run_target end set_child_sid",
            ),
            (Some("1s"), None, true, "start wait_start wait_interval run_target"),
            (
                Some("1s"),
                None,
                false,
                "start wait_start wait_interval run_target set_child_sid",
            ),
        ] {
            let drawn = draw(interval, count, share);
            let parsed = Document::parse(drawn.get().as_bytes(), usize::MAX).unwrap();
            assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
            let graph = graph::build(&parsed).unwrap_or_else(|errors| panic!("{interval:?} {count:?}: {errors:?}"));
            assert!(graph.warnings.is_empty(), "{:?}", graph.warnings);
            flowgate_compiler::compile(&graph, Link::Shared).unwrap();
            let flow: Value = serde_json::from_str(drawn.get()).unwrap();
            let ids: Vec<_> = flow["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n["id"].as_str().unwrap())
                .collect();
            for id in known.split(' ') {
                assert!(ids.contains(&id), "{id} in {ids:?}");
            }
        }
    }

    #[test]
    fn another_interval_changes_the_waiting_node_only() {
        let (before, after) = (draw(Some("1s"), None, true), draw(Some("20ms"), None, true));
        let shown: Value = serde_json::from_str(with_interval(&before, "20ms").get()).unwrap();
        assert_eq!(shown, serde_json::from_str::<Value>(after.get()).unwrap());
        let once = draw(None, None, true);
        assert_eq!(with_interval(&once, "20ms").get(), once.get());
    }
}
