//! Flows written in Rust: the guests among the examples, as the components that are committed beside their sources.
//!
//! Their own tests run them natively; here the host runs what was built of them.

use flowgate_tests::{Flow, cases, root};
use serde_json::{Value, json};

fn component(name: &str) -> Value {
    let file = root().join("examples/guests").join(name).join(format!("{name}.wasm"));
    json!(file.to_str().expect("UTF-8"))
}

fn drawing(guest: &str, flow: &str) -> Value {
    let file = root()
        .join("examples/guests")
        .join(guest)
        .join("flows")
        .join(format!("{flow}.json"));
    serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON")
}

/// The flow `approve` in Rust or drawn, under the same script.
fn approve(drawn: bool, script: Value) -> Value {
    let mut case = json!({
        "name": "approve", "root": "approve", "input": {"prompt": "Invite everybody"}, "script": script,
        "around": {"now": "2026-01-08T00:00:00+00:00", "seed": 1},
    });
    match drawn {
        true => case["flows"] = json!({"approve": drawing("approve", "approve-graph")}),
        false => case["components"] = json!({"approve": component("approve")}),
    }
    case
}

#[tokio::test]
async fn a_graph_and_its_rust_twin_leave_the_same_ledger() {
    let llm = json!({"effect": "llm_call", "result": {"content": "Dear all"}});
    let answer = |text: &str| json!({"resume": {"response": text}});
    for (script, status) in [
        (json!([llm, answer("yes")]), "completed"),
        (json!([llm, answer("no")]), "completed"),
        (json!([{"effect": "llm_call", "error": "no such model"}]), "failed"),
    ] {
        let both = [approve(false, script.clone()), approve(true, script)];
        let got = cases::run(&both, &[]).await;
        let (rust, drawn) = (&got[0]["got"], &got[1]["got"]);
        assert_eq!(rust["status"], status, "{rust:#}");
        assert_eq!(rust, drawn);
    }
}

#[tokio::test]
async fn a_guest_comes_out_the_same_when_its_host_dies_at_every_commit() {
    let vote = |choice: &str| json!({"resume": {"response": choice}});
    let ballot = json!({
        "name": "ballot", "root": "ballot", "components": {"ballot": component("ballot")},
        "input": {"question": "Which colour?", "choices": ["red", "blue"]},
        "script": [vote("red"), vote("green"), vote("blue"), vote("red"), vote("close")],
    });
    // One is restored from its own snapshot, the other is replayed from its start.
    let llm = json!({"effect": "llm_call", "result": {"content": "Dear all"}});
    let approve = approve(false, json!([llm, {"resume": {"response": "yes"}}]));
    for (case, output) in [
        (ballot, json!({"winner": "red", "votes": {"blue": 1, "red": 2}})),
        (approve, json!({"success": true, "draft": "Dear all", "answer": "yes"})),
    ] {
        for pattern in ["1", "2", "3"] {
            let got = cases::run(std::slice::from_ref(&case), &["--kill-at-every-commit", pattern]).await;
            assert!(got[0]["kills"].as_u64() >= Some(4), "{got:?}");
            assert_eq!(got[0]["got"]["output"], output, "{got:?}");
            assert_eq!(got[0]["killed"]["output"], output, "{got:?}");
        }
    }
}

#[tokio::test]
async fn a_graph_calls_a_guest_and_a_guest_calls_graphs() {
    let root = Flow::new("editor")
        .start(&["prompt"])
        .subflow("call", "approve", &["prompt"])
        .end("end", &["child"])
        .exec("start -> call -> end")
        .wire("start.prompt -> call.prompt")
        .wire("call.output -> end.child");
    let case = json!({
        "name": "editor", "root": "editor", "flows": {"editor": root.json()}, "components": {"approve": component("approve")},
        "input": {"prompt": "Invite everybody"},
        "script": [
            {"effect": "llm_call", "result": {"content": "Dear all"}},
            {"resume": {"response": "no"}},
        ],
    });
    // The guest asks the graphs that lie beside it for their prices: one child run for each supplier.
    let tender = json!({
        "name": "tender", "root": "tender", "components": {"tender": component("tender")}, "flows": {"quote": drawing("tender", "quote")},
        "input": {"article": "chairs", "suppliers": ["Ann", "Bob"]},
        "script": [{"resume": {"response": "12.5"}}, {"resume": {"response": "11"}}],
    });
    for pattern in ["1", "2"] {
        let both = [case.clone(), tender.clone()];
        let got = cases::run(&both, &["--kill-at-every-commit", pattern]).await;
        for (got, output) in got.iter().zip([
            json!({"success": true, "draft": "Dear all", "answer": "no"}),
            json!({"success": true, "supplier": "Bob", "offers": {"Ann": 12.5, "Bob": 11.0}}),
        ]) {
            let own = |outcome: &Value| match outcome["output"]["child"].is_null() {
                true => outcome["output"].clone(),
                false => outcome["output"]["child"].clone(),
            };
            assert_eq!(own(&got["got"]), output, "{got:#}");
            assert_eq!(own(&got["killed"]), output, "{got:#}");
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_component_fails_the_run_with_its_message_and_place() {
    let case = json!({
        "name": "tender", "root": "tender", "components": {"tender": component("tender")},
        "input": {"article": "chairs", "suppliers": ["Ann"], "minutes": 0},
    });
    let got = cases::run(&[case], &[]).await;
    assert_eq!(got[0]["got"]["status"], "error", "{got:?}");
    let error = got[0]["got"]["error"].as_str().expect("an error");
    assert!(error.starts_with("offers need time, at "), "{error}");
    assert!(error.contains("src/lib.rs:"), "{error}");
}
