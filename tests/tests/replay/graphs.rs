//! Runs of graphs move by their snapshots.

use std::time::Duration;

use flowgate_tests::ledger::outline;
use flowgate_tests::random::Random;
use flowgate_tests::server::command;
use flowgate_tests::{Flow, Server};
use serde_json::{Value, json};

use super::{lines, listening, said, start, talk, version};

#[tokio::test]
async fn a_run_goes_on_with_a_newer_version_of_its_flow_where_that_fits() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", talk("one", "after one"))).await;
    let (moves, other) = (start(&gateway, "1", "talk").await, start(&gateway, "1", "talk").await);
    // What was said before the question differs, which is past; what is said after it differs, which is to come.
    gateway.install(&version("2", talk("two", "after two"))).await;
    let renamed = Flow::new("talk")
        .start(&["n"])
        .ask("question", "Well?", &[])
        .end("end", &["answer"])
        .exec("start -> question -> end")
        .wire("question.response -> end.answer");
    gateway.install(&version("3", renamed)).await;
    let another = Flow::new("talk")
        .start(&["n"])
        .wait_event("ask", "evt:global:global:x")
        .say("after", "heard")
        .end("end", &[])
        .exec("start -> ask -> after -> end");
    gateway.install(&version("4", another)).await;
    gateway
        .install(&version("5", talk("one", "after one")).with("metadata", json!({"rebuilt": true})))
        .await;

    // A server that drives its runs is not disturbed; one may look all the same.
    let (status, text) = server.offline(&["upgrade", &moves, "--to", "2"]).await;
    assert!(
        !status.success() && text.contains("another process drives the runs"),
        "{text}"
    );
    let (status, text) = server.offline(&["upgrade", "--bundle", "up@1..up@2", "--dry-run"]).await;
    assert!(status.success(), "{text}");
    assert_eq!(text.matches("can move").count(), 3, "{text}");
    assert_eq!(gateway.run(&moves).await["workflow_id"], "up@1:talk");

    server.stop().await;
    for (to, why) in [
        (
            "3",
            "the run's state does not fit up@3:talk: 'cursor' is node 'ask', which this version of the flow does not have",
        ),
        (
            "4",
            "the run stands at node 'ask', which is of type 'ask_user' in up@1:talk and of type 'wait_event' in up@4:talk",
        ),
        ("9", "Bundle 'up@9' not found"),
        ("1", "the run is at up@1:talk already"),
    ] {
        let (status, text) = server.offline(&["upgrade", &moves, "--to", to, "--json"]).await;
        let found = &lines(&text)[0];
        assert!(!status.success(), "{text}");
        assert_eq!(
            (&found["verdict"], &found["reason"]),
            (&json!("stays"), &json!(why)),
            "{text}"
        );
    }
    let (status, text) = server.offline(&["upgrade", &moves, "--to", "2", "--json"]).await;
    let moved = &lines(&text)[0];
    assert!(
        status.success() && moved["verdict"] == "moved" && moved["way"] == "snapshot",
        "{text}"
    );
    // The same source, built again, is the same component.
    let (status, text) = server.offline(&["upgrade", &other, "--to", "5"]).await;
    assert!(
        status.success() && text.contains("up@1:talk -> up@5:talk, by snapshot"),
        "{text}"
    );

    server.restart().await;
    assert_eq!(gateway.run(&moves).await["workflow_id"], "up@2:talk");
    for run in [&moves, &other] {
        gateway.answer(run, "yes").await.ok();
        gateway.until_status(run, "completed").await;
    }
    assert_eq!(said(&gateway, &moves, "before").await, ["one"]);
    assert_eq!(said(&gateway, &moves, "after").await, ["after two"]);
    assert_eq!(said(&gateway, &other, "after").await, ["after one"]);
    let rows = gateway.ledger(&moves).await;
    let row = rows
        .iter()
        .find(|row| row["effect"]["payload"]["type"] == "upgrade")
        .expect("a row tells of it");
    assert_eq!(
        (&row["effect"]["type"], &row["node_id"], &row["status"]),
        (&json!("command"), &json!("ask"), &json!("completed"))
    );
    assert_eq!(row["effect"]["payload"]["to"]["workflow_id"], "up@2:talk");
    // Both parts of its life come out again, each with the component that it was computed by.
    let reports = server.stop_and_replay().await;
    let report = reports.iter().find(|report| report["run_id"] == *moves).expect("a report");
    assert_eq!((&report["verdict"], &report["from_seq"]), (&json!("identical"), &json!(1)));
}

/// Asks once for each of two items; without a `block` it asks once. `word` is said after each answer.
fn rounds(block: Option<&str>, word: &str) -> Flow {
    let flow = Flow::new("talk")
        .start(&["n"])
        .ask("ask", "Well?", &[])
        .say("after", word)
        .end("end", &["n"]);
    let flow = flow.wire("start.n -> end.n").exec("ask -> after");
    match block {
        Some(kind) => flow
            .node("items", "literal_array", &[], &["value"], json!({"literalValue": [1, 2]}))
            .node(
                "each",
                kind,
                &["items", "condition"],
                &["item", "index"],
                json!({"pinDefaults": {"condition": true}}),
            )
            .exec("start -> each")
            .exec("each.loop -> ask")
            .exec("each.done -> end")
            .wire("items.value -> each.items"),
        None => flow.exec("start -> ask").exec("after -> end"),
    }
}

#[tokio::test]
async fn a_run_inside_a_block_moves_only_where_the_block_still_is() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    let versions = [
        ("1", Some("loop"), "old"),
        ("2", None, "new"),
        ("3", Some("while"), "new"),
        ("4", Some("loop"), "new"),
    ];
    gateway.install(&version("1", rounds(versions[0].1, versions[0].2))).await;
    let run = start(&gateway, "1", "talk").await;
    gateway.answer(&run, "yes").await.ok();
    while said(&gateway, &run, "after").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gateway.until_status(&run, "waiting").await;
    for (number, block, word) in &versions[1..] {
        gateway.install(&version(number, rounds(*block, word))).await;
    }
    server.stop().await;
    for (to, why) in [
        ("2", "the run is inside node 'each', which up@2:talk does not have"),
        (
            "3",
            "the run is inside node 'each', which is of type 'loop' in up@1:talk and of type 'while' in up@3:talk",
        ),
    ] {
        let (status, text) = server.offline(&["upgrade", &run, "--to", to, "--json"]).await;
        assert!(!status.success() && lines(&text)[0]["reason"] == why, "{text}");
    }
    let (status, text) = server.offline(&["upgrade", &run, "--json"]).await;
    assert!(
        status.success() && lines(&text)[0]["to"] == "up@4:talk",
        "the latest version is meant: {text}"
    );
    server.restart().await;
    gateway.answer(&run, "yes").await.ok();
    gateway.until_status(&run, "completed").await;
    assert_eq!(said(&gateway, &run, "after").await, ["old", "new"]);
    server.stop_and_replay().await;
}

#[tokio::test]
async fn listeners_move_with_their_bundle() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", listening("old"))).await;
    let root = start(&gateway, "1", "listening").await;
    let runs = gateway
        .get(&format!("/api/gateway/runs?session_id={root}&limit=10"))
        .await
        .ok();
    let listener = runs["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|run| run["parent_run_id"] == *root);
    let listener = listener
        .expect("a listener")
        .get("run_id")
        .and_then(Value::as_str)
        .expect("an id")
        .to_owned();
    gateway.until_status(&listener, "waiting").await;
    let hear = async |n: u64| {
        gateway
            .command("emit_event", &root, json!({"name": "go", "payload": {"n": n}}))
            .await
            .ok();
        let heard = |rows: &[String]| rows.len() as u64 >= n;
        for _ in 0..1000 {
            let rows = said(&gateway, &listener, "say").await;
            if heard(&rows) {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing was heard of event {n}");
    };
    assert_eq!(hear(1).await, ["old"]);
    gateway.install(&version("2", listening("new"))).await;
    gateway.until_status(&listener, "waiting").await;
    server.stop().await;
    let (status, text) = server.offline(&["upgrade", "--bundle", "up@1..up@2"]).await;
    assert!(status.success() && text.contains("2 of 2 runs moved"), "{text}");
    server.restart().await;
    assert_eq!(hear(2).await, ["old", "new"]);
    server.stop_and_replay().await;
}

#[tokio::test]
async fn an_upgrade_that_is_killed_leaves_each_run_moved_or_not() {
    const RUNS: usize = 25;
    let mut random = Random::seeded();
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", talk("one", "after one"))).await;
    gateway.install(&version("2", talk("two", "after two"))).await;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(start(&gateway, "1", "talk").await);
    }
    server.stop().await;
    // Some time while it opens, tries and moves; the more of them, the more of this.
    for _ in 0..3 {
        let mut upgrade = command();
        upgrade
            .args(["upgrade", "--bundle", "up@1..up@2", "--data-dir"])
            .arg(server.data_dir());
        upgrade
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut upgrade = upgrade.spawn().expect("flowgate starts");
        tokio::time::sleep(Duration::from_millis(random.between(20, 600))).await;
        let _it_may_be_done = upgrade.kill().await;
    }
    server.restart().await;
    let mut moved = 0;
    for run in &runs {
        let rows = gateway.ledger(run).await;
        let told = rows
            .iter()
            .filter(|row| row["effect"]["payload"]["type"] == "upgrade")
            .count();
        let workflow = gateway.run(run).await["workflow_id"].clone();
        assert_eq!(workflow, format!("up@{}:talk", told + 1), "{run}: {:?}", outline(&rows));
        moved += told;
    }
    eprintln!("{moved} of {RUNS} runs had moved when the upgrade was killed");
    server.stop().await;
    let (_, text) = server.offline(&["upgrade", "--bundle", "up@1..up@2"]).await;
    let left = RUNS - moved;
    assert!(text.contains(&format!("{left} of {left} runs moved")), "{text}");
    server.restart().await;
    for run in &runs {
        gateway.answer(run, "yes").await.ok();
        gateway.until_status(run, "completed").await;
        assert_eq!(said(&gateway, run, "after").await, ["after two"]);
    }
    server.stop_and_replay().await;
}
