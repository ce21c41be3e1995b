//! Flows that come as components: taken or refused with the reason, installed behind the upload's answer, run like any flow.

use std::time::Duration;

use flowgate_tests::guest::{Answer, Effect, asks, wrap};
use flowgate_tests::{Bundle, Flow, Guest, Options, Server};
use serde_json::{Value, json};

fn say(id: u64, message: &str) -> Effect {
    Effect::new(id, "answer_user", &json!({"message": message}))
}

fn ask(id: u64, prompt: &str) -> Effect {
    Effect::new(id, "ask_user", &json!({"prompt": prompt}))
}

/// Says something, asks, and ends with what it was told.
fn asks_once(id: &str) -> Guest {
    Guest::new(id, vec![asks([say(1, "hello")]), asks([ask(2, "Publish?")]), Answer::Told])
}

async fn detail(server: &Server, bundle: &str) -> Value {
    server.gateway().get(&format!("/api/gateway/bundles/{bundle}")).await.ok()
}

#[tokio::test]
async fn a_component_is_installed_shown_and_run_like_a_flow() {
    let server = Server::start().await;
    let client = server.gateway();
    for (name, guest) in [("plain", asks_once("asks")), ("kept", asks_once("asks").with_snapshots())] {
        let uploaded = client
            .install(&Bundle::new(name, "1.0.0").component("asks", guest.component()))
            .await;
        assert_eq!(uploaded["components"], json!([{"flow_id": "asks", "state": "ready"}]));
        let shown = detail(&server, name).await;
        assert_eq!(shown["flows"], json!(["asks"]));
        let entry = &shown["entrypoints"][0];
        assert_eq!(
            entry["inputs"][0],
            json!({"id": "prompt", "label": "Prompt", "type": "string"})
        );
        assert_eq!(entry["inputs"][1]["default"], "kind");
        assert_eq!(entry["node_index"]["ask_user#1"]["label"], "Ask");
        let path = format!("/api/gateway/bundles/{name}/flows/asks");
        assert_eq!(client.get(&path).await.ok()["flow"]["entryNode"], "start");
        let schema = client.get(&format!("{path}/input_schema")).await.ok();
        assert_eq!(schema["input_data_schema"]["required"], json!(["prompt"]));

        let run = client.start(name, json!({"prompt": "p"})).await;
        let waiting = client.until_status(&run, "waiting").await;
        assert_eq!(waiting["waiting"]["prompt"], "Publish?");
        assert_eq!(waiting["current_node"], "ask_user#2");
        client.answer(&run, "yes").await.ok();
        let told = client.output(&run).await;
        assert_eq!(told[0][2]["message"], "hello");
        assert_eq!(told[1], json!([2, "completed", {"response": "yes"}]));
    }
}

#[tokio::test]
async fn what_is_no_flow_is_refused_with_the_reason() {
    let server = Server::start().await;
    let client = server.gateway();
    let component = asks_once("asks").component();
    let module = |text: &str| wat::parse_str(text).expect("WebAssembly text");
    let cases: Vec<(Bundle, &str)> = vec![
        (
            Bundle::new("b", "1").component("asks", b"not wasm".to_vec()),
            "flow 'asks': component 'components/asks.wasm': the component is not valid WebAssembly: not a WebAssembly component",
        ),
        (Bundle::new("b", "1").component("asks", module("(module)")), "a core module, not a component"),
        (
            Bundle::new("b", "1").component("asks", module("(component)")),
            "does not export 'flowgate:flow/workflow@0.1.0'",
        ),
        (
            Bundle::new("b", "1").component(
                "asks",
                module(r#"(component (import "my:db/query@0.2.0" (instance)) (instance $i) (export "flowgate:flow/workflow@0.1.0" (instance $i)))"#),
            ),
            "has no function 'describe'",
        ),
        (
            Bundle::new("b", "1").component("asks", with_import(&component)),
            "the component imports 'my:db/query@0.2.0'; a flow may import nothing or WASI 0.2",
        ),
        (
            Bundle::new("b", "1").component("other", component.clone()),
            "it is the flow 'asks', but the manifest's artifacts call it 'other'",
        ),
        (
            Bundle::new("b", "1").component("asks", vec![0; 5 << 20]),
            "not a WebAssembly component",
        ),
        (
            Bundle::new("b", "1")
                .component("asks", component.clone())
                .with("artifacts", json!({"asks": "components/gone.wasm"})),
            "Bundle file not found: components/gone.wasm",
        ),
        (
            Bundle::new("b", "1")
                .component("asks", component.clone())
                .with("artifacts", json!({"asks": "../asks.wasm"})),
            "manifest.artifacts entry 'asks' has unsafe path '../asks.wasm'",
        ),
        (
            Bundle::new("b", "1").component("asks", wrap(&module("(module)"))),
            "not valid WebAssembly",
        ),
    ];
    for (bundle, why) in cases {
        let reply = client.upload_file(&bundle.zip(), &[]).await;
        assert_eq!(reply.status, 400, "{why}: {}", reply.text());
        assert!(reply.detail().contains(why), "{}, wanted {why}", reply.detail());
    }
    let none = client.get("/api/gateway/bundles").await.ok();
    assert_eq!(none["items"], json!([]), "nothing of it is installed");
    // What old bundles have there is nobody's business.
    let old = Bundle::new("old", "1")
        .flow(Flow::new("f").start(&[]).end("end", &[]).exec("start -> end"))
        .with("artifacts", json!({"f": "compiled/f.json"}));
    client.install(&old).await;
    let run = client.start("old", json!({})).await;
    client.until_status(&run, "completed").await;
}

/// The component within one that imports something no host has.
fn with_import(component: &[u8]) -> Vec<u8> {
    let name = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let (import, world) = (name("my:db/query@0.2.0"), name("flowgate:flow/workflow@0.1.0"));
    let sections: [(u8, Vec<u8>); 6] = [
        // An empty instance type, and an import that has it.
        (7, vec![1, 0x42, 0]),
        (10, [&[1, 0], &*import, &[5, 0]].concat()),
        // The component, an instance of it, and what that exports.
        (4, component.to_vec()),
        (5, vec![1, 0, 0, 0]),
        (6, [&[1, 5, 0, 1], &*world].concat()),
        (11, [&[1, 0], &*world, &[5, 2, 0]].concat()),
    ];
    let mut out = component[..8].to_vec();
    for (id, content) in sections {
        out.push(id);
        let mut left = content.len();
        while left >= 0x80 {
            out.push((left as u8 & 0x7f) | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
        out.extend(content);
    }
    out
}

#[tokio::test]
async fn a_large_component_is_installed_behind_the_answer_and_its_runs_wait_for_it() {
    let mut server = Options::new().start().await;
    let client = server.gateway();
    let guest = asks_once("asks").padded(1 << 20);
    let bundle = Bundle::new("large", "1.0.0").component("asks", guest.component());
    let uploaded = client.install(&bundle).await;
    assert_eq!(uploaded["components"], json!([{"flow_id": "asks", "state": "installing"}]));
    let run = client.start("large", json!({})).await;
    client.until_status(&run, "waiting").await;
    loop {
        let shown = detail(&server, "large").await;
        match shown["components"][0]["state"].as_str() {
            Some("installing") => tokio::time::sleep(Duration::from_millis(20)).await,
            state => {
                assert_eq!(state, Some("ready"), "{shown}");
                assert_eq!(shown["entrypoints"][0]["inputs"][0]["id"], "prompt");
                break;
            }
        }
    }
    // What it says of itself is kept.
    server.kill().await;
    server.restart().await;
    let client = server.gateway();
    let shown = detail(&server, "large").await;
    assert_eq!(shown["components"], json!([{"flow_id": "asks", "state": "ready"}]));
    client.answer(&run, "yes").await.ok();
    client.until_status(&run, "completed").await;

    // Known components are refused at once, others when they are compiled.
    let wrong = Bundle::new("wrong", "1.0.0").component("other", guest.component());
    let refused = client.upload_file(&wrong.zip(), &[]).await;
    assert!(refused.detail().contains("it is the flow 'asks'"), "{}", refused.detail());
    let unknown = asks_once("asks").padded(2 << 20);
    let wrong = Bundle::new("wrong", "1.0.0").component("other", unknown.component());
    client.install(&wrong).await;
    loop {
        let shown = detail(&server, "wrong").await;
        match shown["components"][0]["state"].as_str() {
            Some("installing") => tokio::time::sleep(Duration::from_millis(20)).await,
            state => {
                assert_eq!(state, Some("failed"), "{shown}");
                let why = shown["diagnostics"][0]["message"].as_str().expect("a text");
                assert!(why.contains("it is the flow 'asks'"), "{why}");
                break;
            }
        }
    }
    let refused = client
        .post("/api/gateway/runs/start", &json!({"bundle_id": "wrong", "input_data": {}}))
        .await;
    assert!(refused.detail().contains("it is the flow 'asks'"), "{}", refused.detail());
}

#[tokio::test]
async fn a_graph_calls_a_component_and_a_component_a_graph() {
    let server = Server::start().await;
    let client = server.gateway();
    let outer = Flow::new("outer")
        .start(&[])
        .subflow("call", "inner", &[])
        .end("end", &["got"])
        .exec("start -> call -> end")
        .wire("call.output -> end.got");
    let leaf = Flow::new("leaf")
        .start(&["n"])
        .end("end", &["n"])
        .exec("start -> end")
        .wire("start.n -> end.n");
    let child = json!({"workflow_id": "both@1.0.0:leaf", "vars": {"n": 3.0}, "async": true, "wait": true});
    let inner = Guest::new(
        "inner",
        vec![asks([Effect::new(1, "start_subworkflow", &child)]), Answer::Told],
    );
    let bundle = Bundle::new("both", "1.0.0")
        .flow(outer)
        .flow(leaf)
        .component("inner", inner.component());
    client.install(&bundle).await;
    let run = client.start("both", json!({})).await;
    let output = client.output(&run).await;
    let told = &output["got"];
    assert_eq!((&told[0][0], &told[0][1]), (&json!(1), &json!("completed")), "{output}");
    assert_eq!(told[0][2]["output"]["n"].to_string(), "3.0", "{output}");
}
