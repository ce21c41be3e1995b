//! Runs of flows without snapshots move when another component asks for the same.

use std::time::Duration;

use flowgate_tests::guest::{Answer, Effect, asks};
use flowgate_tests::{Bundle, Guest, Server, root};
use serde_json::{Value, json};

use super::{lines, start};

#[tokio::test]
async fn a_flow_without_snapshots_goes_on_with_one_that_asks_for_the_same() {
    let say = |message: &str| asks([Effect::new(1, "answer_user", &json!({"message": message}))]);
    let ask_only = || vec![Effect::new(2, "ask_user", &json!({"prompt": "Publish?"}))];
    let ask = || asks(ask_only());
    let guest = |version: &str, hello: &str, end: Answer| {
        let guest = Guest::new("asks", vec![say(hello), ask(), end]);
        Bundle::new("up", version).component("asks", guest.component())
    };
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&guest("1", "hello", Answer::Told)).await;
    let run = start(&gateway, "1", "asks").await;
    gateway
        .install(&guest("2", "hello", Answer::Output(r#"{"new":true}"#.to_owned())))
        .await;
    gateway.install(&guest("3", "good day", Answer::Told)).await;
    // It asks for the same, and no longer wants to know.
    let careless = Guest::new("asks", vec![say("hello"), Answer::Blocked(ask_only(), vec![2]), Answer::Told]);
    gateway
        .install(&Bundle::new("up", "4").component("asks", careless.component()))
        .await;
    let hasty = Guest::new("asks", vec![say("hello"), Answer::Told]);
    gateway
        .install(&Bundle::new("up", "5").component("asks", hasty.component()))
        .await;
    server.stop().await;
    for (to, why) in [
        (
            "4",
            "up@4:asks no longer wants the outcome of effect 2, which the run waits for",
        ),
        (
            "5",
            "history row 1, tick 2: the flow ends at node 'end', but it went on when it was recorded",
        ),
    ] {
        let (status, text) = server.offline(&["upgrade", &run, "--to", to, "--json"]).await;
        assert!(!status.success() && lines(&text)[0]["reason"] == why, "{text}");
    }
    let (status, text) = server.offline(&["upgrade", &run, "--to", "3", "--json"]).await;
    let stays = &lines(&text)[0];
    let why = "history row 1, tick 1: up@3:asks asks for something else than the run did";
    assert!(!status.success() && stays["reason"] == why, "{text}");
    let sides = &stays["difference"];
    assert_eq!(sides["recorded"]["row"]["effect"]["payload"]["message"], "hello");
    assert_eq!(sides["replayed"][0]["payload"]["message"], "good day");
    let (status, text) = server.offline(&["upgrade", &run, "--to", "2", "--json"]).await;
    assert!(status.success() && lines(&text)[0]["way"] == "replay", "{text}");
    server.restart().await;
    gateway.answer(&run, "yes").await.ok();
    assert_eq!(gateway.output(&run).await["new"], true);
    server.stop_and_replay().await;
}

/// A section that means nothing: the same program with another digest, as another build of one source may have it.
fn rebuilt(component: &[u8]) -> Vec<u8> {
    let name = b"built";
    let mut bytes = component.to_vec();
    bytes.extend([0, 1 + name.len() as u8 + 4, name.len() as u8]);
    bytes.extend(name);
    bytes.extend(b"anew");
    bytes
}

#[tokio::test]
async fn a_recorded_run_of_a_rust_flow_goes_on_with_a_rebuild_of_its_source() {
    let guest = root().join("examples/guests/tender");
    let component = std::fs::read(guest.join("tender.wasm")).expect("the component is there");
    let quote = std::fs::read(guest.join("flows/quote.json")).expect("the graph is there");
    let tender = |version: &str, component: Vec<u8>| {
        Bundle::new("up", version)
            .component("tender", component)
            .document("quote", quote.clone())
    };
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&tender("1", component.clone())).await;
    gateway.install(&tender("2", component.clone())).await;
    gateway.install(&tender("3", rebuilt(&component))).await;
    let input = json!({"article": "chairs", "suppliers": ["Ann", "Bob", "Cy"]});
    let run = gateway
        .start_with(json!({"bundle_id": "up@1", "flow_id": "tender", "input_data": input}))
        .await;
    gateway.until_status(&run, "waiting").await;
    let asked = async |supplier: &str| {
        for _ in 0..1000 {
            let runs = gateway.get("/api/gateway/runs?status=waiting&limit=50").await.ok();
            let runs = runs["items"].as_array().expect("items");
            let asks = |run: &&Value| {
                run["waiting"]["prompt"]
                    .as_str()
                    .is_some_and(|prompt| prompt.contains(supplier))
            };
            if let Some(found) = runs.iter().find(|run| run["parent_run_id"].is_string() && asks(run)) {
                return found["run_id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody asks {supplier}");
    };
    // One answer is told before the first move, one between two moves, one after them.
    for (supplier, price, to) in [("Ann", "12.5", Some("2")), ("Bob", "11", Some("3")), ("Cy", "13", None)] {
        let child = asked(supplier).await;
        gateway.answer(&child, price).await.ok();
        gateway.until_status(&child, "completed").await;
        let Some(to) = to else { break };
        gateway.until_status(&run, "waiting").await;
        server.stop().await;
        let (status, text) = server.offline(&["upgrade", &run, "--to", to, "--json"]).await;
        let moved = &lines(&text)[0];
        assert!(status.success() && moved["way"] == "replay", "{text}");
        server.restart().await;
    }
    let output = gateway.output(&run).await;
    assert_eq!(output["supplier"], "Bob", "{output}");
    assert_eq!(output["offers"], json!({"Ann": 12.5, "Bob": 11.0, "Cy": 13.0}));
    let reports = server.stop_and_replay().await;
    let report = reports.iter().find(|report| report["run_id"] == *run).expect("a report");
    assert_eq!(report["workflow_id"], "up@3:tender");
}
