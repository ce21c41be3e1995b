//! Events and schedules on a real server: listeners that are started with their root hear what flows emit and what clients send, and
//! timers really wait. A server that is killed in between changes nothing of it.

use std::time::{Duration, Instant};

use flowgate_tests::{Bundle, Flow, Gateway, Server};
use serde_json::{Value, json};

/// A root that emits `go` and asks, and a listener that says what it heard.
fn bundle() -> Bundle {
    let flow = Flow::new("root")
        .start(&["n"])
        .node(
            "emit",
            "emit_event",
            &["name", "payload"],
            &["delivered"],
            json!({"pinDefaults": {"name": "go"}}),
        )
        .ask("rest", "Go on?", &[])
        .end("end", &["delivered"])
        .node(
            "hear",
            "on_event",
            &[],
            &["payload"],
            json!({"eventConfig": {"name": "go", "scope": "session"}}),
        )
        .node(
            "text",
            "stringify_json",
            &["value", "mode"],
            &["result"],
            json!({"pinDefaults": {"mode": "minified"}}),
        )
        .say("say", "")
        .exec("start -> emit -> rest -> end")
        .exec("hear -> say")
        .wire("start.n -> emit.payload")
        .wire("emit.delivered -> end.delivered")
        .wire("hear.payload -> text.value")
        .wire("text.result -> say.message");
    let tick = Flow::new("tick")
        .node(
            "every",
            "on_schedule",
            &["schedule"],
            &[],
            json!({"pinDefaults": {"schedule": "150ms"}}),
        )
        .node(
            "read",
            "get_var",
            &["name"],
            &["value"],
            json!({"pinDefaults": {"name": "n"}}),
        )
        .node(
            "count",
            "coalesce",
            &["a", "b"],
            &["result"],
            json!({"pinDefaults": {"b": 0}}),
        )
        .node("more", "add", &["a", "b"], &["result"], json!({"pinDefaults": {"b": 1}}))
        .node(
            "keep",
            "set_var",
            &["name", "value"],
            &[],
            json!({"pinDefaults": {"name": "n"}}),
        )
        .node(
            "enough",
            "compare",
            &["a", "op", "b"],
            &["result"],
            json!({"pinDefaults": {"op": ">=", "b": 4}}),
        )
        .node("if", "if", &["condition"], &[], json!({}))
        .say("say", "tick")
        .end("end", &["n"])
        .exec("every -> keep -> if")
        .exec("if.true -> end")
        .exec("if.false -> say")
        .wire("read.value -> count.a")
        .wire("count.result -> more.a")
        .wire("more.result -> keep.value")
        .wire("read.value -> enough.a")
        .wire("enough.result -> if.condition")
        .wire("read.value -> end.n");
    Bundle::new("events", "1.0.0").flow(flow).flow(tick)
}

async fn start(gateway: &Gateway, flow: &str, input: Value) -> String {
    let body = json!({"bundle_id": "events", "flow_id": flow, "input_data": input});
    gateway.start_with(body).await
}

/// What the listener of a root has said so far, once it has said `count` things.
async fn said(gateway: &Gateway, listener: &str, count: usize) -> Vec<String> {
    let messages = |rows: &[Value]| -> Vec<String> {
        let said = rows
            .iter()
            .filter(|row| row["node_id"] == "say" && row["status"] == "completed");
        said.map(|row| row["result"]["message"].as_str().expect("a text").to_owned())
            .collect()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let heard = messages(&gateway.ledger(listener).await);
        if heard.len() >= count {
            return heard;
        }
        assert!(Instant::now() < deadline, "the listener said only {heard:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_listener_hears_flows_and_clients_also_after_a_kill() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let root = start(&gateway, "root", json!({"n": {"by": "a node"}})).await;
    let runs = gateway
        .get(&format!("/api/gateway/runs?session_id={root}&limit=10"))
        .await
        .ok();
    let items = runs["items"].as_array().expect("items").iter();
    let mut listener = items
        .filter(|run| run["parent_run_id"] == *root)
        .map(|run| run["run_id"].as_str().expect("an id"));
    let listener = listener.next().expect("a listener was started").to_owned();
    assert_eq!(said(&gateway, &listener, 1).await, [r#"{"by":"a node"}"#]);
    let send = async |n: u64| {
        gateway
            .command("emit_event", &root, json!({"name": "go", "payload": {"n": n}}))
            .await
            .ok()
    };
    send(1).await;
    assert_eq!(said(&gateway, &listener, 2).await[1..], [r#"{"n":1}"#]);
    // What was acknowledged is heard, whenever the server dies.
    for n in 2..6 {
        gateway.until_status(&listener, "waiting").await;
        send(n).await;
        server.kill().await;
        server.restart().await;
    }
    let expected: Vec<String> = (1..6).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    assert_eq!(said(&gateway, &listener, 6).await[1..], expected);
    gateway.answer(&root, "yes").await.ok();
    assert_eq!(gateway.output(&root).await, json!({"delivered": 1, "success": true}));
    // The root's end is not its listener's.
    send(6).await;
    assert_eq!(said(&gateway, &listener, 7).await[6..], [r#"{"n":6}"#]);
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_schedule_waits_its_time_and_comes_back_also_after_a_kill() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let began = Instant::now();
    let run = start(&gateway, "tick", json!({})).await;
    gateway
        .until(&run, "waiting", |run| run["waiting"]["reason"] == "until")
        .await;
    server.kill().await;
    server.restart().await;
    let output = gateway.output(&run).await;
    assert!(
        began.elapsed() >= Duration::from_millis(600),
        "four times 150 ms took {:?}",
        began.elapsed()
    );
    assert_eq!(output["n"], 4.0);
    let rows = gateway.ledger(&run).await;
    let times: Vec<&str> = rows
        .iter()
        .filter(|row| row["status"] == "waiting")
        .filter_map(|row| row["result"]["wait"]["until"].as_str())
        .collect();
    assert_eq!(times.len(), 4, "{rows:#?}");
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert_eq!(
        rows.iter()
            .filter(|row| row["node_id"] == "say" && row["status"] == "completed")
            .count(),
        3
    );
    server.stop_and_replay().await;
}
