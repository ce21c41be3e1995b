//! Flows that are measured: documents made in code, and their components.
#![allow(dead_code, clippy::unwrap_used)] // Each benchmark uses some of them; one that cannot go on ends.

use flowgate_compiler::{Link, graph, visualflow};
use serde_json::{Value, json};

/// The component of a document.
pub fn compile(document: &Value, link: Link) -> Vec<u8> {
    compile_text(&document.to_string(), link)
}

/// The same from its text, as a bundle has it.
pub fn compile_text(document: &str, link: Link) -> Vec<u8> {
    let document = visualflow::Document::parse(document.as_bytes(), 64 << 20).unwrap();
    let graph = graph::build(&document).unwrap();
    flowgate_compiler::compile(&graph, link).unwrap().bytes
}

pub fn pin(id: &str) -> Value {
    json!({"id": id, "type": "any"})
}

pub fn exec(id: &str) -> Value {
    json!({"id": id, "type": "execution"})
}

pub fn edge(from: &str, handle: &str, to: &str, pin: &str) -> Value {
    json!({"id": format!("{from}:{handle}:{to}:{pin}"), "source": from, "sourceHandle": handle, "target": to, "targetHandle": pin})
}

fn start(pins: &[&str]) -> Value {
    let outputs: Vec<Value> = std::iter::once(exec("exec-out"))
        .chain(pins.iter().map(|id| pin(id)))
        .collect();
    json!({"id": "start", "type": "on_flow_start", "data": {"outputs": outputs}})
}

fn end(pins: &[&str]) -> Value {
    let inputs: Vec<Value> = std::iter::once(exec("exec-in"))
        .chain(pins.iter().map(|id| pin(id)))
        .collect();
    json!({"id": "end", "type": "on_flow_end", "data": {"inputs": inputs}})
}

fn say(id: &str) -> Value {
    json!({"id": id, "type": "answer_user",
        "data": {"inputs": [exec("exec-in"), pin("message")], "outputs": [exec("exec-out"), pin("message")],
            "pinDefaults": {"message": "Hello World"}}})
}

fn flow(id: &str, nodes: Vec<Value>, edges: Vec<Value>) -> Value {
    json!({"id": id, "entryNode": "start", "nodes": nodes, "edges": edges})
}

/// A start and an end: what is left is what any run costs.
pub fn nothing() -> Value {
    let edges = vec![edge("start", "exec-out", "end", "exec-in")];
    flow("nothing", vec![start(&[]), end(&[])], edges)
}

/// The run of three steps: start, three messages, end.
pub fn three_messages() -> Value {
    let steps = ["start", "say1", "say2", "say3", "end"];
    let nodes = vec![start(&[]), say("say1"), say("say2"), say("say3"), end(&[])];
    let edges = steps.windows(2).map(|s| edge(s[0], "exec-out", s[1], "exec-in"));
    flow("three", nodes, edges.collect())
}

/// Waits for a person and ends with the answer.
pub fn question() -> Value {
    let ask = json!({"id": "ask", "type": "ask_user",
        "data": {"inputs": [exec("exec-in"), pin("prompt")], "outputs": [exec("exec-out"), pin("response")],
            "pinDefaults": {"prompt": "Well?"}}});
    let edges = vec![
        edge("start", "exec-out", "ask", "exec-in"),
        edge("ask", "exec-out", "end", "exec-in"),
        edge("ask", "response", "end", "answer"),
    ];
    flow("question", vec![start(&[]), ask, end(&["answer"])], edges)
}

/// A function of Python as a code node.
pub fn code(source: &str) -> Value {
    let node = json!({"id": "code", "type": "code", "data": {"inputs": [exec("exec-in")],
        "outputs": [exec("exec-out"), pin("output")], "code": source, "functionName": "transform"}});
    let edges = vec![
        edge("start", "exec-out", "code", "exec-in"),
        edge("code", "exec-out", "end", "exec-in"),
        edge("code", "output", "end", "output"),
    ];
    flow("bench", vec![start(&[]), node, end(&["output"])], edges)
}

/// A loop around one node: a small code node, or a variable set.
pub fn repeated(times: usize, code: bool) -> Value {
    let body = if code {
        json!({"id": "body", "type": "code", "data": {"inputs": [exec("exec-in"), pin("i")], "outputs": [exec("exec-out"), pin("output")],
            "codeBody": "return i", "functionName": "transform"}})
    } else {
        json!({"id": "body", "type": "set_var", "data": {"inputs": [exec("exec-in"), pin("name"), pin("value")],
            "outputs": [exec("exec-out"), pin("value")], "pinDefaults": {"name": "v"}}})
    };
    let loops = json!({"id": "for", "type": "for", "data": {"inputs": [exec("exec-in"), pin("start"), pin("end"), pin("step")],
        "outputs": [exec("loop"), exec("done"), pin("i"), pin("index")], "pinDefaults": {"start": 0, "end": times, "step": 1}}});
    let edges = vec![
        edge("start", "exec-out", "for", "exec-in"),
        edge("for", "loop", "body", "exec-in"),
        edge("for", "i", "body", if code { "i" } else { "value" }),
        edge("for", "done", "end", "exec-in"),
    ];
    flow("bench", vec![start(&[]), loops, body, end(&["output"])], edges)
}

/// Ten exec nodes and ten data nodes: variables, text, sums, an answer at each of four stations. `name` makes flows differ that are
/// otherwise alike.
pub fn twenty_nodes(name: &str) -> Value {
    stations(name, 4)
}

/// As many nodes in the same manner: four a station.
pub fn stations(name: &str, stations: usize) -> Value {
    let mut nodes = vec![start(&["name", "n"])];
    let mut edges = vec![
        edge("start", "exec-out", "answer0", "exec-in"),
        edge("start", "n", "less", "a"),
        edge("less", "result", "choose", "condition"),
        edge("choose", "true", "end", "exec-in"),
        edge("text0", "result", "end", "answer"),
    ];
    for i in 0..stations {
        let (text, sum, answer, var) = (format!("text{i}"), format!("sum{i}"), format!("answer{i}"), format!("var{i}"));
        nodes.push(
            json!({"id": text, "type": "concat", "data": {"inputs": [pin("a"), pin("b")], "outputs": [pin("result")],
            "pinDefaults": {"a": "Hello"}}}),
        );
        nodes.push(
            json!({"id": sum, "type": "add", "data": {"inputs": [pin("a"), pin("b")], "outputs": [pin("result")],
            "pinDefaults": {"b": i}}}),
        );
        nodes.push(json!({"id": answer, "type": "answer_user",
            "data": {"inputs": [exec("exec-in"), pin("message")], "outputs": [exec("exec-out"), pin("message")]}}));
        nodes.push(
            json!({"id": var, "type": "set_var", "data": {"inputs": [exec("exec-in"), pin("name"), pin("value")],
            "outputs": [exec("exec-out"), pin("value")], "pinDefaults": {"name": format!("v{i}")}}}),
        );
        let next = match i + 1 < stations {
            true => format!("answer{}", i + 1),
            false => "choose".to_owned(),
        };
        edges.extend([
            edge("start", "name", &text, "b"),
            edge("start", "n", &sum, "a"),
            edge(&text, "result", &answer, "message"),
            edge(&sum, "result", &var, "value"),
            edge(&answer, "exec-out", &var, "exec-in"),
            edge(&var, "exec-out", &next, "exec-in"),
        ]);
    }
    nodes.push(
        json!({"id": "less", "type": "compare", "data": {"inputs": [pin("a"), pin("op"), pin("b")],
        "outputs": [pin("result")], "pinDefaults": {"op": "<", "b": 10}}}),
    );
    nodes.push(
        json!({"id": "choose", "type": "if", "data": {"inputs": [exec("exec-in"), pin("condition")],
        "outputs": [exec("true"), exec("false")]}}),
    );
    nodes.push(end(&["answer"]));
    flow(name, nodes, edges)
}
