//! Documents become graphs: order, roles, sources, junctions, and every refusal with its place.
#![allow(clippy::unwrap_used)]

mod scale;

use super::*;
use crate::diagnostic::Severity;
use crate::visualflow::Document;
use serde_json::{Value, json};

/// A node with the pins named in two lists; the usual execution handles are execution pins.
fn node(id: &str, ty: &str, inputs: &str, outputs: &str) -> Value {
    let pins = |list: &str| -> Vec<Value> {
        let exec = |id: &str| {
            matches!(
                id,
                "exec-in" | "exec-out" | "true" | "false" | "loop" | "done" | "completed" | "default"
            ) || id.starts_with("then:")
                || id.starts_with("case:")
        };
        let pin = |id| json!({"id": id, "type": if exec(id) { "execution" } else { "any" }});
        list.split_whitespace().map(pin).collect()
    };
    json!({"id": id, "type": ty, "data": {"inputs": pins(inputs), "outputs": pins(outputs)}})
}

fn step(id: &str) -> Value {
    node(id, "answer_user", "exec-in message", "exec-out message")
}

/// Edges as `a.out>b.in`; without an input pin they go to `exec-in`.
fn edges(list: &str) -> Vec<Value> {
    let edge = |text: &str| {
        let (from, to) = text.split_once('>').unwrap();
        let (source, source_handle) = from.split_once('.').unwrap();
        let (target, target_handle) = to.split_once('.').unwrap_or((to, "exec-in"));
        json!({"source": source, "sourceHandle": source_handle, "target": target, "targetHandle": target_handle})
    };
    list.split_whitespace().map(edge).collect()
}

fn with(mut node: Value, data: Value) -> Value {
    let Value::Object(data) = data else { panic!() };
    for (key, value) in data {
        node["data"][key] = value;
    }
    node
}

fn document(nodes: Vec<Value>, wires: &str) -> Document {
    let flow = json!({"id": "f", "name": "Flow", "nodes": nodes, "edges": edges(wires)});
    Document::parse(flow.to_string().as_bytes(), 1 << 30).unwrap()
}

fn graph(nodes: Vec<Value>, wires: &str) -> Graph {
    build(&document(nodes, wires)).unwrap()
}

fn refused(nodes: Vec<Value>, wires: &str) -> Vec<String> {
    let errors = build(&document(nodes, wires)).unwrap_err();
    assert!(errors.iter().all(|error| error.severity == Severity::Error));
    errors.iter().map(ToString::to_string).collect()
}

fn ids(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.id.as_str()).collect()
}

fn find<'g>(graph: &'g Graph, id: &str) -> &'g Node {
    graph.nodes.iter().find(|node| node.id == id).unwrap()
}

fn source<'g>(graph: &'g Graph, node: &str, pin: &str) -> Option<(&'g str, &'g str)> {
    match &find(graph, node).wires[pin] {
        Source::Node(ix, pin) => Some((graph.node(*ix).id.as_str(), pin)),
        Source::Never => None,
    }
}

fn start() -> Value {
    node("start", "on_flow_start", "", "exec-out q")
}

fn end() -> Value {
    node("end", "on_flow_end", "exec-in r", "")
}

#[test]
fn reached_exec_nodes_come_first_then_the_pure_nodes_that_are_read() {
    let graph = graph(
        vec![
            end(),
            node("unread", "add", "a b", "result"),
            node("sum", "add", "a b", "result"),
            start(),
            with(node("one", "literal_number", "", "value"), json!({"literalValue": 1})),
            step("orphan"),
            step("s"),
        ],
        "start.exec-out>s s.exec-out>end start.q>sum.a one.value>sum.b sum.result>end.r orphan.message>s.message",
    );
    assert_eq!(ids(&graph), ["end", "start", "s", "one", "sum"]);
    assert_eq!(graph.node(graph.entry).id, "start");
    assert_eq!(find(&graph, "start").routes["exec-out"], NodeIx(2));
    assert_eq!(source(&graph, "end", "r"), Some(("sum", "result")));
    assert_eq!(source(&graph, "sum", "b"), Some(("one", "value")));
    assert_eq!(source(&graph, "s", "message"), None);
    assert_eq!(find(&graph, "one").config["literalValue"].get(), "1");
    let warnings: Vec<_> = graph.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["flow 'f', node 'orphan': no entry leads to this node; it is left out"]
    );
}

#[test]
fn roles_follow_the_declared_pins_and_without_any_the_type() {
    let bare = |id: &str, ty: &str| json!({"id": id, "type": ty});
    let is_exec = |node: Value| {
        let id = node["id"].as_str().unwrap().to_owned();
        let doc = document(vec![start(), node], &format!("start.exec-out>{id}"));
        build(&doc).is_ok_and(|graph| graph.nodes.iter().any(|node| node.id == id))
    };
    for ty in [
        "literal_json",
        "get_var",
        "break_object",
        "tool_parameters",
        "add",
        "path_mux",
        "add_message",
    ] {
        assert!(!is_exec(bare("n", ty)), "{ty}");
    }
    for ty in [
        "set_var",
        "if",
        "make_array",
        "array_concat",
        "provider_models",
        "answer_user",
    ] {
        assert!(is_exec(bare("n", ty)), "{ty}");
    }
    assert!(is_exec(node("n", "add", "exec-in a b", "exec-out result")));
    assert!(
        !is_exec(node("n", "literal_json", "exec-in", "exec-out value")),
        "a literal never runs"
    );
}

#[test]
fn the_entry_is_named_or_the_first_node_that_nothing_leads_to() {
    let entry = |entry: Value, nodes: Vec<Value>, wires: &str| {
        let flow = json!({"id": "f", "entryNode": entry, "nodes": nodes, "edges": edges(wires)});
        let graph = build(&Document::parse(flow.to_string().as_bytes(), 1 << 20).unwrap()).unwrap();
        graph.node(graph.entry).id.clone()
    };
    let nodes = || vec![node("p", "add", "a b", "result"), step("b"), step("a")];
    assert_eq!(entry(json!(" b "), nodes(), "a.exec-out>b"), "b");
    assert_eq!(entry(json!("p"), nodes(), "a.exec-out>b"), "a");
    assert_eq!(entry(json!(null), nodes(), "a.exec-out>b"), "a");
    assert_eq!(entry(json!(7), nodes(), "a.exec-out>b b.exec-out>a"), "b");
    let note = json!({"id": "note", "type": "comment"});
    assert_eq!(entry(json!(null), vec![note, step("b")], ""), "b");
}

#[test]
fn every_on_event_node_is_an_entry_of_its_own() {
    let graph = graph(
        vec![
            node("e2", "on_event", "", "exec-out payload"),
            start(),
            step("a"),
            node("e1", "on_event", "", "exec-out payload"),
            step("b"),
        ],
        "start.exec-out>a e1.exec-out>b e2.exec-out>b",
    );
    let listeners: Vec<_> = graph.listeners.iter().map(|ix| graph.node(*ix).id.as_str()).collect();
    assert_eq!(listeners, ["e2", "e1"]);
    assert_eq!(
        graph.node(graph.entry).id,
        "e2",
        "no entryNode: the first node that nothing leads to"
    );
    assert_eq!(ids(&graph), ["e2", "e1", "b", "__internal_join_exec__b"]);
}

#[test]
fn several_ways_in_become_a_junction() {
    let target = with(
        node("t", "answer_user", "exec-in message level", "exec-out"),
        json!({
            "pinDefaults": {"level": "warn", "message": "unused"},
            "entryRoutes": [{"sourceNodeId": "s", "sourceHandle": "exec-out", "key": "again"}, {"sourceNodeId": "start"}],
            "inputRouteOverrides": {
                "message": {"again": {"sourceNodeId": "s", "sourceHandle": "message"}},
                "level": {"start::exec-out": {"source": "start", "handle": "q"}}
            }
        }),
    );
    let graph = graph(
        vec![start(), target, step("s")],
        "start.exec-out>t t.exec-out>s s.exec-out>t start.q>t.message",
    );
    assert_eq!(
        ids(&graph),
        [
            "start",
            "t",
            "s",
            "__internal_join_exec__t",
            "__internal_path_mux__t__level",
            "__internal_path_mux__t__message"
        ]
    );
    let join = find(&graph, "__internal_join_exec__t");
    let way = |source: &str| (source.to_owned(), "exec-out".to_owned());
    assert_eq!(join.joins, [way("s"), way("start")]);
    assert_eq!(join.routes["exec-out"], NodeIx(1));
    assert_eq!(find(&graph, "s").routes["exec-out"], NodeIx(3));
    let message = "__internal_path_mux__t__message";
    assert_eq!(source(&graph, "t", "message"), Some((message, "out")));
    assert_eq!(source(&graph, message, "select"), Some(("__internal_join_exec__t", "which")));
    assert_eq!(source(&graph, message, "in0"), Some(("s", "message")));
    assert_eq!(source(&graph, message, "fallback"), Some(("start", "q")));
    assert!(find(&graph, message).defaults.is_empty());
    let level = find(&graph, "__internal_path_mux__t__level");
    assert_eq!(level.defaults["fallback"].get(), "\"warn\"");
    assert_eq!(source(&graph, "__internal_path_mux__t__level", "in1"), Some(("start", "q")));
    assert_eq!((level.role, join.role), (Role::Pure, Role::Exec));
}

#[test]
fn routes_that_do_not_fit_the_edges_are_refused() {
    let t = |data: Value| with(step("t"), data);
    let wires = "start.exec-out>t t.exec-out>s s.exec-out>t";
    let case = |data: Value, wires: &str| refused(vec![start(), t(data), step("s")], wires);
    let route = |source: &str, key: &str| json!({"source": source, "key": key});

    assert_eq!(
        case(json!({"entryRoutes": [route("s", "k"), route("start", "k")]}), wires),
        ["flow 'f', node 't': Node 't' has duplicate entryRoutes keys: ['k']"]
    );
    assert_eq!(
        case(json!({"entryRoutes": [route("s", "k"), route("x", "l")]}), wires),
        [
            "flow 'f', node 't': Node 't' entryRoutes mismatch with incoming exec edges. missing=[('x', 'exec-out')] \
          extra=[('start', 'exec-out')]. Reconnect the exec wires or resave the flow."
        ]
    );
    assert_eq!(
        case(json!({}), "start.exec-out>t start.exec-out>t"),
        [
            "flow 'f', node 't': Node 't' has duplicate entryRoutes keys: ['start::exec-out']",
            "flow 'f', node 't': Node 't' has duplicate incoming exec edges (ambiguous routes): [('start', 'exec-out')]. Ensure \
             each exec entry is unique by (source node id, source handle).",
            "flow 'f', node 'start', pin 'exec-out': Node 'start' has multiple outgoing edges. Branching is not yet supported."
        ]
    );
    assert_eq!(
        case(
            json!({"inputRouteOverrides": {"message": {"k": {"source": "gone", "handle": "v"}}}}),
            wires
        ),
        [
            "flow 'f', node 't', pin 'message': Node 't' override for pin 'message' references unknown route 'k'. Ensure \
             entryRoutes is up to date.",
            "flow 'f', node 't', pin 'message': Node 't' override for pin 'message' references missing node 'gone'."
        ]
    );
    let taken = node("__internal_join_exec__t", "answer_user", "exec-in", "exec-out");
    assert_eq!(
        refused(vec![start(), t(json!({})), step("s"), taken], wires),
        ["flow 'f', node 't': Internal join_exec id collision: '__internal_join_exec__t' already exists"]
    );
}

#[test]
fn execution_edges_must_be_told_apart() {
    let case = |node: Value, handles: &str| {
        let mut nodes = vec![start(), node];
        let mut wires = "start.exec-out>n".to_owned();
        for (at, handle) in handles.split_whitespace().enumerate() {
            nodes.push(step(&format!("s{at}")));
            wires += &format!(" n.{handle}>s{at}");
        }
        match build(&document(nodes, &wires)) {
            Ok(_) => String::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    };
    let n = |ty: &str, outputs: &str| node("n", ty, "exec-in", outputs);
    let several = "Node 'n' has multiple outgoing edges. Branching is not yet supported.";
    let control = |handles: &str, first: &str| {
        format!("flow 'f', node 'n', pin '{first}': Control node 'n' has unsupported execution outputs: [{handles}]")
    };
    for (node, handles, expected) in [
        (n("if", "true false"), "true false", String::new()),
        (n("if", "true false"), "exec-out", String::new()),
        (n("switch", "default case:1 case:2"), "case:2 default case:1", String::new()),
        (n("sequence", "then:0 then:1"), "then:1 then:0", String::new()),
        (n("parallel", "then:0"), "then:0 completed", String::new()),
        (n("loop", "loop done"), "done", String::new()),
        (
            n("if", "true"),
            "true true",
            format!("flow 'f', node 'n', pin 'true': {several}"),
        ),
        (n("if", "true"), "true default", format!("flow 'f', node 'n': {several}")),
        (
            n("if", "true"),
            "true exec-out",
            format!("flow 'f', node 'n', pin 'exec-out': {several}"),
        ),
        (
            n("answer_user", "exec-out"),
            "out2",
            "flow 'f', node 'n', pin 'out2': Node 'n' has unsupported branching output 'out2'. Branching is not yet supported."
                .to_owned(),
        ),
        (
            n("sequence", "then:0 then:x"),
            "then:0 then:1 completed",
            control("'then:1', 'completed'", "then:1"),
        ),
        (n("sequence", "exec-out"), "exec-out", control("'exec-out'", "exec-out")),
        (n("for", "loop done"), "loop exec-out", control("'exec-out'", "exec-out")),
        (n("while", "loop done"), "then:0", control("'then:0'", "then:0")),
        (
            n("join_exec", ""),
            "",
            "flow 'f', node 'n': Join Exec node 'n' must have an outgoing exec edge.".to_owned(),
        ),
    ] {
        assert_eq!(case(node, handles), expected, "{handles}");
    }
}

#[test]
fn a_pin_takes_one_data_edge() {
    assert_eq!(
        refused(vec![start(), end()], "start.exec-out>end start.q>end.r start.exec-in>end.r"),
        [
            "flow 'f', node 'end', pin 'r': Multiple data edges target the same input pin. Target 'end.r' is already wired from \
          'start.q' and cannot also be wired from 'start.exec-in'. Use multi-entry route overrides for per-execution-path values \
          instead of wiring duplicate data inputs."
        ]
    );
}

#[test]
fn pure_nodes_that_need_themselves_are_refused_and_circles_through_exec_nodes_are_not() {
    let add = |id: &str| node(id, "add", "a b", "result");
    assert_eq!(
        refused(
            vec![start(), end(), add("x"), add("y"), add("z")],
            "start.exec-out>end x.result>end.r x.result>y.a y.result>x.a z.result>z.a"
        ),
        ["flow 'f', node 'y', pin 'a': Data edge cycle detected at 'x'"]
    );
    graph(
        vec![start(), step("s"), add("x")],
        "start.exec-out>s s.message>x.a x.result>s.message",
    );
}

#[test]
fn all_errors_are_collected_and_only_nodes_that_matter_are_judged() {
    let errors = refused(
        vec![
            start(),
            with(
                node("c", "code", "exec-in", "exec-out"),
                json!({"codeBody": "return exec('x')"}),
            ),
            node("u", "publish_event", "exec-in", "exec-out"),
            node("lost", "publish_event", "exec-in", "exec-out"),
            node("deaf", "teleport", "a", "b"),
        ],
        "start.exec-out>c c.exec-out>u lost.exec-out>lost",
    );
    assert_eq!(
        errors,
        [
            "flow 'f', node 'u': unknown VisualFlow node type 'publish_event': this version has no such node (the flow may have \
             been made for a newer one)",
            "flow 'f', node 'c', codeBody, line 1, column 8: 'exec' is not allowed\n    return exec('x')\n           ^^^^\n    \
             hint: write the code into the node",
        ]
    );
    let chain = json!({"id": "f", "nodes": [
        start(),
        node("a.b", "subflow", "exec-in x", "exec-out"),
        with(step("s"), json!({"pinExpressions": {"message": "vars.x", "level": " "}})),
        node("p", "agent", "prompt", "response"),
        node("q", "if", "condition", "branch"),
        step("s"),
    ], "edges": [
        {"source": "start", "sourceHandle": "exec-out", "target": "a.b", "targetHandle": "exec-in"},
        {"source": "a.b", "sourceHandle": "exec-out", "target": "s", "targetHandle": "exec-in", "data": {"loopLimit": {"max": 3}}},
        {"source": "p", "sourceHandle": "response", "target": "s", "targetHandle": "message"},
        {"source": "q", "sourceHandle": "branch", "target": "s", "targetHandle": "level"},
    ]});
    let errors = build(&Document::parse(chain.to_string().as_bytes(), 1 << 20).unwrap()).unwrap_err();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "flow 'f', node 's': Node 's' already exists in flow 'f'",
            "flow 'f', node 'a.b', pin 'exec-out': loop limits on edges are not compiled by this version",
            "flow 'f', node 'a.b': Node id 'a.b' contains '.', which separates the parts of a variable's path; rename the node",
            "flow 'f', node 'a.b': Subflow node names no flow: set subflowId",
            "flow 'f', node 'p': node type 'agent' declares no execution pins, so it never runs and has no value to read; give it \
             execution pins",
            "flow 'f', node 'q': node type 'if' declares no execution pins, so it never runs and has no value to read; give it \
             execution pins",
        ]
    );
    assert_eq!(
        refused(vec![node("p", "add", "a", "result")], ""),
        ["flow 'f': Invalid flow: Flow must have an entry node"]
    );
}

#[test]
fn an_edge_out_of_a_loop_body_backwards_is_refused_unless_a_condition_is_asked_again() {
    let nodes = || {
        let labelled = with(
            node("each", "loop", "exec-in items", "loop done"),
            json!({"label": " Each item "}),
        );
        vec![
            start(),
            step("before"),
            labelled,
            node("inner", "while", "exec-in", "loop done"),
            step("body"),
            step("after"),
        ]
    };
    let base = "start.exec-out>before before.exec-out>each each.loop>inner inner.loop>body each.done>after";
    let message = |source: &str, handle: &str, target: &str| {
        format!(
            "flow 'f', node '{source}', pin '{handle}': Wire {source}.{handle} -> {target} goes back out of Each item's loop body: \
             the run would never end. A path inside a loop body can only repeat within the body; to repeat the whole loop, wire \
             the loop-back after the loop's done."
        )
    };
    assert_eq!(
        refused(nodes(), &format!("{base} body.exec-out>before")),
        [message("body", "exec-out", "before")]
    );
    assert_eq!(
        refused(nodes(), &format!("{base} inner.done>each")),
        [message("inner", "done", "Each item")]
    );
    let while_first = "start.exec-out>before before.exec-out>inner inner.loop>body inner.done>after";
    graph(nodes(), &format!("{while_first} body.exec-out>before"));
    graph(nodes(), &format!("{base} body.exec-out>inner"));
    assert_eq!(refused(nodes(), &format!("{base} inner.loop>inner")).len(), 1);
    graph(nodes(), &format!("{base} after.exec-out>before"));
    graph(nodes(), base);
}

#[test]
fn subflow_ids_of_the_own_bundle_are_qualified() {
    let sub = |id: &str, data: Value| with(node(id, "subflow", "exec-in", "exec-out"), data);
    let mut graph = graph(
        vec![
            start(),
            sub("a", json!({"subflowId": " child "})),
            sub("b", json!({"flowId": "other@1:x", "workflow_id": "child"})),
            with(step("c"), json!({"subflowId": "child"})),
        ],
        "start.exec-out>a a.exec-out>b b.exec-out>c",
    );
    assert_eq!(graph.subflows(), ["child", "other@1:x"]);
    qualify_subflows(&mut graph, &|id| (id == "child").then(|| format!("b@1:{id}")));
    assert_eq!(graph.subflows(), ["b@1:child", "other@1:x"]);
    assert_eq!(find(&graph, "b").config["workflow_id"].get(), "\"b@1:child\"");
    assert_eq!(find(&graph, "c").config["subflowId"].get(), "\"child\"");
}

#[test]
fn a_nodes_python_is_compiled_and_what_is_wrong_is_shown_in_its_line() {
    let code = |data| with(node("c", "code", "exec-in my_pin", "exec-out output"), data);
    let compiled = graph(vec![start(), code(json!({"codeBody": "return my_pin"}))], "start.exec-out>c");
    let unit = find(&compiled, "c").code.as_ref().unwrap();
    assert_eq!((unit.entry.as_str(), unit.functions.len()), ("transform", 2));
    assert!(find(&compiled, "start").code.is_none());

    let wrong = code(json!({"codeBody": "x = 1\nreturn eval(my_pin)", "code": "def transform(_input): return 1"}));
    assert_eq!(
        refused(vec![start(), wrong], "start.exec-out>c"),
        [
            "flow 'f', node 'c', codeBody, line 2, column 8: 'eval' is not allowed\n    return eval(my_pin)\n           ^^^^\n    hint: compute \
          the value with ordinary code; to read data use json.loads"
        ]
    );

    let stale = code(json!({"codeBody": "return other", "code": "def transform(_input): return 1"}));
    let warnings = graph(vec![start(), stale], "start.exec-out>c").warnings;
    assert_eq!(warnings[0].node.as_deref(), Some("c"));
    assert_eq!(warnings[0].code.as_ref().unwrap().column, 8);
    // A node that nothing leads to is not looked at.
    graph(vec![start(), code(json!({"codeBody": "import os"}))], "");
}
