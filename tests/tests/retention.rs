//! What expires while the server is killed again and again: finished trees go whole, nothing of an unfinished one does, and a run that
//! goes on keeps its newest rows, its cursors and its state.

use std::time::{Duration, Instant};

use flowgate_tests::ledger::outline;
use flowgate_tests::random::Random;
use flowgate_tests::{Bundle, Flow, Gateway, Options};
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 6;
/// Answers that the endless run gets in each life of the server.
const ANSWERS: usize = 5;
/// Runs that end in each life.
const SMALL: usize = 30;
/// How long what has expired may take to go.
const PATIENCE: Duration = Duration::from_secs(40);
/// Rows that are kept of a run that goes on.
const MAX_ROWS: u64 = 40;

fn bundle() -> Bundle {
    let small = Flow::new("small")
        .start(&[])
        .say("one", "one")
        .say("two", "two")
        .end("end", &[])
        .exec("start -> one -> two -> end");
    let held = Flow::new("held")
        .start(&[])
        .subflow("first", "small", &[])
        .subflow("second", "asks", &[])
        .end("end", &[])
        .exec("start -> first -> second -> end");
    let asks = Flow::new("asks")
        .start(&[])
        .ask("ask", "Well?", &[])
        .end("end", &[])
        .exec("start -> ask -> end");
    let items: Vec<u32> = (0..200).collect();
    let endless = Flow::new("endless")
        .start(&[])
        .node("items", "literal_array", &[], &["value"], json!({"literalValue": items}))
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .say("say", "again")
        .ask("ask", "And now?", &[])
        .end("end", &[])
        .exec("start -> each")
        .exec("each.loop -> say -> ask")
        .exec("each.done -> end")
        .wire("items.value -> each.items");
    Bundle::new("expiry", "1.0.0").flow(small).flow(held).flow(asks).flow(endless)
}

async fn start(gateway: &Gateway, flow: &str) -> String {
    gateway
        .start_with(json!({"bundle_id": "expiry", "flow_id": flow, "input_data": {}}))
        .await
}

/// The runs below one, with itself first, and the text of their ledgers.
async fn tree(gateway: &Gateway, root: &str) -> Vec<(String, String)> {
    let path = format!("/api/gateway/runs/{root}/history_bundle");
    let bundle = gateway.get(&path).await.ok();
    let ledgers = bundle["ledgers"].as_object().expect("ledgers");
    ledgers
        .iter()
        .map(|(run, ledger)| (run.clone(), ledger["items"].to_string()))
        .collect()
}

async fn until_gone(gateway: &Gateway, runs: &[String]) {
    let deadline = Instant::now() + PATIENCE;
    for run in runs {
        let path = format!("/api/gateway/runs/{run}");
        while gateway.get(&path).await.status != 404 {
            assert!(Instant::now() < deadline, "{run} does not expire: {}", gateway.run(run).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(gateway.get(&format!("{path}/ledger")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finished_trees_expire_and_nothing_else_however_often_the_server_is_killed() {
    let mut random = Random::seeded();
    let mut server = Options::new()
        .env("FLOWGATE_FINISHED_AFTER", "1s")
        .env("FLOWGATE_RETENTION_INTERVAL", "1s")
        .env("FLOWGATE_MAX_LEDGER_ROWS", MAX_ROWS)
        .start()
        .await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let endless = start(&gateway, "endless").await;
    gateway.until_status(&endless, "waiting").await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let root = start(&gateway, "held").await;
        let waits = |run: &Value| run["status"] == "waiting";
        // The first child has ended, the second asks.
        let deadline = Instant::now() + PATIENCE;
        let runs = loop {
            let runs = tree(&gateway, &root).await;
            if runs.len() == 3 && waits(&gateway.run(&runs[2].0).await) && waits(&gateway.run(&root).await) {
                break tree(&gateway, &root).await;
            }
            assert!(Instant::now() < deadline, "{runs:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(gateway.run(&runs[1].0).await["status"], "completed");
        held.push(runs);
    }

    let (mut small, mut answers) = (Vec::new(), 0);
    for _ in 0..KILLS {
        for _ in 0..SMALL {
            small.push(start(&gateway, "small").await);
        }
        for _ in 0..ANSWERS {
            gateway.answer(&endless, "on").await.ok();
            gateway.until_status(&endless, "waiting").await;
            answers += 1;
        }
        // What has ended in the lives before expires now, and somewhere in that the server dies.
        tokio::time::sleep(Duration::from_millis(random.between(300, 1500))).await;
        server.kill().await;
        server.restart().await;
    }
    // The newest run of all never goes.
    let newest = start(&gateway, "asks").await;
    gateway.until_status(&newest, "waiting").await;
    until_gone(&gateway, &small).await;

    for runs in &held {
        assert_eq!(&tree(&gateway, &runs[0].0).await, runs, "of an unfinished tree nothing goes");
    }
    goes_on(&gateway, &endless, answers).await;
    let list = gateway.get("/api/gateway/runs?limit=500").await.ok();
    let left = list["items"].as_array().expect("items").len();
    assert_eq!(left, 2 + 3 * held.len(), "{list:#}");

    for runs in &held {
        gateway.answer(&runs[2].0, "done").await.ok();
        gateway
            .until(&runs[0].0, "completed", |run| run["status"] == "completed")
            .await;
    }
    let held: Vec<String> = held.into_iter().flatten().map(|(run, _)| run).collect();
    until_gone(&gateway, &held).await;
    let metrics = gateway.get("/metrics").await.text();
    let removed = metrics
        .lines()
        .find_map(|line| line.strip_prefix("flowgate_expired_runs_total "));
    let removed: usize = removed.and_then(|count| count.parse().ok()).expect("a counter");
    assert!(removed >= held.len(), "{removed}");
    server.stop_and_replay().await;
}

/// The endless run has the newest rows of all that it has ever written, numbered from the first, and goes on.
async fn goes_on(gateway: &Gateway, run: &str, answers: usize) {
    // Two rows say something, two ask, one has the answer; it asks once more.
    let total = 5 * answers as u64 + 4;
    let deadline = Instant::now() + PATIENCE;
    let horizon = loop {
        let summary = gateway.run(run).await;
        let horizon = summary["ledger_horizon"].as_u64().unwrap_or(1);
        if total + 1 - horizon <= MAX_ROWS + MAX_ROWS / 10 {
            break horizon;
        }
        assert!(Instant::now() < deadline, "its ledger stays long: {summary}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let path = format!("/api/gateway/runs/{run}/ledger?limit=2000&after=");
    let gone = gateway.get(&format!("{path}0")).await;
    assert_eq!(gone.status, 410, "{}", gone.text());
    assert_eq!(gone.json()["horizon"], horizon);
    let page = gateway.get(&format!("{path}{}", horizon - 1)).await.ok();
    assert_eq!(page["next_after"], total);
    let rows = page["items"].as_array().expect("items");
    assert_eq!(rows.len() as u64, total + 1 - horizon);
    let whole: Vec<String> = (0..answers)
        .flat_map(|_| ITERATION)
        .chain(ITERATION.into_iter().take(4))
        .map(str::to_owned)
        .collect();
    assert_eq!(outline(rows), whole[horizon as usize - 1..]);

    let refused = gateway.stream(run, "", Some(1)).await.expect_err("it has expired");
    assert_eq!((refused.status, &refused.json()["horizon"]), (410, &json!(horizon)));
    let stream = gateway.stream(run, "", Some(horizon - 1)).await;
    let mut stream = stream.unwrap_or_else(|refused| panic!("{}", refused.text()));
    let (cursor, event, data) = stream.event(PATIENCE).await.expect("an event");
    assert_eq!((cursor, event.as_str(), &data["record"]), (Some(horizon), "step", &rows[0]));

    gateway.answer(run, "still there?").await.ok();
    gateway.until_status(run, "waiting").await;
    let page = gateway.get(&format!("{path}{total}")).await.ok();
    assert_eq!(page["next_after"], total + 5);
}

/// The rows of one round of the endless run, from what it says to the answer.
const ITERATION: [&str; 5] = [
    "say started answer_user",
    "say completed answer_user",
    "ask started ask_user",
    "ask waiting ask_user",
    "ask completed resume",
];
