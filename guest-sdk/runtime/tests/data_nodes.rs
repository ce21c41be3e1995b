//! Every data node against what the reference runtime answered.
//!
//! A case is a flow of a start node, one data node `n` and an end node. The node is evaluated alone: its inputs are read
//! from the run's input through the edges and from its defaults, its outputs are compared with what the end node
//! received. `FLOWGATE_CASES` names a folder with a larger `data-nodes.jsonl` than the one kept here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // A test fails by panicking.

use std::path::Path;

use flow_rt::builtins::{self, Cx, Vars, World};
use flow_rt::json;
use flow_rt::value::{Dict, Map, Value};

#[test]
fn data_nodes_answer_as_the_reference_does() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let more = std::env::var_os("FLOWGATE_CASES");
    for folder in [Some(kept.as_os_str()), more.as_deref()].into_iter().flatten() {
        let file = Path::new(folder).join("data-nodes.jsonl");
        let cases = std::fs::read_to_string(&file).unwrap();
        let differing: Vec<String> = cases.lines().filter_map(differs).collect();
        let count = cases.lines().count();
        assert!(
            differing.is_empty(),
            "{} of {count} cases in {} differ:\n{}",
            differing.len(),
            file.display(),
            differing.join("\n")
        );
        assert!(count > 0, "{} is empty", file.display());
        println!("{count} cases of {} agree", file.display());
    }
}

/// What is wrong with the answer to a case.
fn differs(line: &str) -> Option<String> {
    let case = json::parse(line).unwrap();
    let nodes = at(&case, "flows.f.nodes");
    let nodes = nodes.as_list().unwrap().borrow();
    let node = nodes.iter().find(|node| at(node, "id").as_str() == Some("n")).unwrap();
    let expected = at(&case, "expect.output");
    let answer = evaluate(&case, node);
    let name = at(&case, "name");
    let name = name.as_str().unwrap().to_owned();
    let failed = matches!(at(&expected, "success"), Value::Bool(false)) && !at(&expected, "error").is_null();
    let answer = match answer {
        Err(_) if failed => return None,
        Err(error) => return Some(format!("{name}: error {} for {}", error.0, shown(&expected))),
        Ok(answer) if failed => return Some(format!("{name}: {} for {}", shown(&answer), shown(&expected))),
        Ok(answer) => answer,
    };
    for edge in edges(&case) {
        if at(&edge, "source").as_str() != Some("n") {
            continue;
        }
        let source = at(&edge, "sourceHandle");
        let source = source.as_str().unwrap();
        let target = at(&edge, "targetHandle");
        let target = target.as_str().unwrap();
        let got = pin(&answer, source).unwrap_or_default();
        let want = expected.as_dict().and_then(|output| output.get(target)).unwrap_or_default();
        if !same(&got, &want) {
            return Some(format!("{name}: {source} is {} for {}", shown(&got), shown(&want)));
        }
    }
    None
}

fn evaluate(case: &Value, node: &Value) -> builtins::Result {
    let kind = at(node, "type");
    let kind = kind.as_str().unwrap();
    let builtin = builtins::find(kind).unwrap_or_else(|| panic!("no builtin for {kind}"));
    let input = at(case, "input");
    let input = input.as_dict().unwrap();
    let mut args = Map::default();
    let mut wired = Vec::new();
    for edge in edges(case) {
        if at(&edge, "target").as_str() == Some("n") {
            let pin = at(&edge, "targetHandle").as_str_rc().unwrap();
            wired.push(pin.clone());
            if let Some(value) = input.get(at(&edge, "sourceHandle").as_str().unwrap()) {
                args.insert(pin, value);
            }
        }
    }
    if let Value::Dict(defaults) = at(node, "data.pinDefaults") {
        for (pin, value) in defaults.borrow().iter() {
            if !wired.contains(pin) {
                args.insert(pin.clone(), value.deep_copy());
            }
        }
    }
    let data = at(node, "data");
    let mut cfg = data.as_dict().unwrap().borrow().clone();
    cfg.insert("pins".into(), declared(&data, "inputs"));
    cfg.insert("outputs".into(), declared(&data, "outputs"));
    let vars = Vars {
        own: input,
        host: &Dict::default(),
    };
    let mut world = World::default();
    builtin(&mut Cx {
        args: &args,
        cfg: &Value::dict(cfg),
        vars: &vars,
        world: &mut world,
    })
}

/// The data pins that a node declares.
fn declared(data: &Value, side: &str) -> Value {
    let pins = at(data, side);
    let pins = pins.as_list().unwrap().borrow();
    let data_pins = pins.iter().filter(|pin| at(pin, "type").as_str() != Some("execution"));
    Value::list(data_pins.map(|pin| at(pin, "id")).collect())
}

/// An output pin: the member of an object, else `result` and `output` are the whole.
fn pin(output: &Value, pin: &str) -> Option<Value> {
    let member = output.as_dict().and_then(|output| output.get(pin));
    member.or_else(|| matches!(pin, "result" | "output").then(|| output.clone()))
}

fn edges(case: &Value) -> Vec<Value> {
    at(case, "flows.f.edges").as_list().unwrap().borrow().clone()
}

fn at(value: &Value, path: &str) -> Value {
    flow_rt::py::path::get(value, path).unwrap_or_default()
}

/// Equal with the same types: 3 is not 3.0. The order of keys does not matter.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Big(a), Value::Big(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            let (a, b) = (a.borrow(), b.borrow());
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Dict(a), Value::Dict(b)) => {
            let (a, b) = (a.borrow(), b.borrow());
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

fn shown(value: &Value) -> String {
    flow_rt::py::repr(value).unwrap()
}
