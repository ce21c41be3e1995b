//! What survives: timers that come due while the server is down, everything that a client reads, and one runner for each run. What a
//! server under load owes its clients when it is killed is in `crash`.

use std::time::Duration;

use flowgate_tests::crash::{Kind, bundle};
use flowgate_tests::ledger::outline;
use flowgate_tests::{Server, server};
use serde_json::json;

#[tokio::test]
async fn a_timer_that_was_due_while_the_server_was_down_fires_at_its_start() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let run = gateway
        .start_with(json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 1}}))
        .await;
    gateway.until_status(&run, "waiting").await;
    server.kill().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.restart().await;
    assert_eq!(gateway.output(&run).await, json!({"n": 1, "success": true}));
    assert_eq!(outline(&gateway.ledger(&run).await), Kind::Nap.rows().expect("rows"));
    server.stop_and_replay().await;
}

#[tokio::test]
async fn what_was_committed_reads_the_same_after_a_stop_and_after_a_kill() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let start = async |flow: &str| {
        gateway
            .start_with(json!({"bundle_id": "load", "flow_id": flow, "input_data": {"n": 1}}))
            .await
    };
    let (done, asking, paused) = (start("tree").await, start("ask").await, start("gate").await);
    gateway.until_status(&done, "completed").await;
    gateway.until_status(&asking, "waiting").await;
    gateway.until_status(&paused, "waiting").await;
    gateway.command("pause", &paused, json!({"reason": "night"})).await.ok();
    gateway.until(&paused, "paused", |run| run["paused"] == true).await;
    let everything = async || {
        let mut all = vec![gateway.get("/api/gateway/bundles?all_versions=true").await.text()];
        for run in [&done, &asking, &paused] {
            all.push(gateway.get(&format!("/api/gateway/runs/{run}")).await.text());
            all.push(gateway.ledger_text(run).await);
        }
        all
    };
    let before = everything().await;
    let status = server.stop().await;
    assert!(status.success(), "SIGTERM ends with {status}\n{}", server.log());
    server.restart().await;
    assert_eq!(everything().await, before);
    server.kill().await;
    server.restart().await;
    assert_eq!(everything().await, before);

    gateway.answer(&asking, "late").await.ok();
    assert_eq!(gateway.output(&asking).await["answer"], "late");
    gateway.command("resume", &paused, json!({})).await.ok();
    gateway.until(&paused, "no longer paused", |run| run["paused"] == false).await;
    gateway
        .command(
            "emit_event",
            &paused,
            json!({"name": "gate-1", "scope": "global", "payload": {}}),
        )
        .await
        .ok();
    gateway.until_status(&paused, "completed").await;
    assert_eq!(outline(&gateway.ledger(&paused).await), Kind::Gate.rows().expect("rows"));
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data_directory_is_refused_or_waits() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let mut second = server::command();
    second
        .args(["serve", "--host", "127.0.0.1", "--port", "0", "--data-dir"])
        .arg(server.data_dir());
    second
        .env("FLOWGATE_AUTH_TOKEN", server::TOKEN)
        .stderr(std::process::Stdio::piped());
    let mut second = second.spawn().expect("the second server starts");
    let _ = tokio::time::timeout(Duration::from_secs(2), second.wait()).await;
    // Whatever it does, one runner drives each run: every row is there once.
    let run = gateway
        .start_with(json!({"bundle_id": "load", "flow_id": "talk", "input_data": {"n": 1}}))
        .await;
    gateway.until_status(&run, "completed").await;
    assert_eq!(outline(&gateway.ledger(&run).await), Kind::Talk.rows().expect("rows"));
    let _ = second.kill().await;
}
