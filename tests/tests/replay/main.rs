//! What is kept of runs, looked at from outside: every ledger comes out again from its history, runs go on with newer versions of their
//! flows, and a chain of hashes shows what was done to a ledger.

mod corpus;
mod graphs;
mod guests;

use flowgate_tests::guest::{Answer, Effect, asks};
use flowgate_tests::server::command;
use flowgate_tests::{Bundle, Flow, Gateway, Guest, Options, Server};
use serde_json::{Value, json};

/// Says something, asks, says something again.
fn talk(before: &str, after: &str) -> Flow {
    Flow::new("talk")
        .start(&["n"])
        .say("before", before)
        .ask("ask", "Well?", &[])
        .say("after", after)
        .end("end", &["n", "answer"])
        .exec("start -> before -> ask -> after -> end")
        .wire("start.n -> end.n")
        .wire("ask.response -> end.answer")
}

/// A root that rests, with a listener that says `word` when it hears `go`.
fn listening(word: &str) -> Flow {
    Flow::new("listening")
        .start(&[])
        .ask("rest", "Go on?", &[])
        .end("end", &[])
        .node(
            "hear",
            "on_event",
            &[],
            &["payload"],
            json!({"eventConfig": {"name": "go", "scope": "session"}}),
        )
        .say("say", word)
        .exec("start -> rest -> end")
        .exec("hear -> say")
}

fn version(version: &str, flow: Flow) -> Bundle {
    Bundle::new("up", version).flow(flow)
}

async fn start(gateway: &Gateway, version: &str, flow: &str) -> String {
    let body = json!({"bundle_id": format!("up@{version}"), "flow_id": flow, "input_data": {"n": 1}});
    let run = gateway.start_with(body).await;
    gateway.until_status(&run, "waiting").await;
    run
}

/// What was said after the answer.
async fn said(gateway: &Gateway, run: &str, node: &str) -> Vec<String> {
    let rows = gateway.ledger(run).await;
    let said = rows
        .iter()
        .filter(|row| row["node_id"] == node && row["effect"]["type"] == "answer_user" && row["status"] == "completed");
    said.map(|row| row["result"]["message"].as_str().expect("a text").to_owned())
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
#[tokio::test]
async fn chained_rows_are_verified_and_a_chain_that_has_begun_goes_on() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", talk("one", "after one"))).await;
    let plain = start(&gateway, "1", "talk").await;
    let (_, text) = server.offline(&["verify", &plain]).await;
    assert!(text.contains(&format!("unchained  {plain}")), "{text}");
    server.stop().await;

    let dir = server.into_dir();
    let mut server = Options::new().env("FLOWGATE_HASH_CHAIN", true).start_on(dir).await;
    let gateway = server.gateway();
    let chained = start(&gateway, "1", "talk").await;
    gateway.answer(&plain, "yes").await.ok();
    gateway.until_status(&plain, "completed").await;
    server.stop().await;
    let mut server = Options::new().start_on(server.into_dir()).await;
    let gateway = server.gateway();
    gateway.answer(&chained, "yes").await.ok();
    gateway.until_status(&chained, "completed").await;
    let fresh = start(&gateway, "1", "talk").await;
    let rows = gateway.ledger(&chained).await;
    assert!(rows[0]["prev_hash"].is_null());
    assert!(
        rows.windows(2)
            .all(|pair| pair[1]["prev_hash"] == pair[0]["record_hash"] && pair[1]["prev_hash"].is_string())
    );
    let (status, text) = server.offline(&["verify", "--all", "--json"]).await;
    assert!(status.success(), "{text}");
    let found = lines(&text);
    let of = |run: &str| found.iter().find(|found| found["run_id"] == run).expect("a report").clone();
    let last = rows.len();
    assert_eq!(
        of(&chained),
        json!({"run_id": chained, "verdict": "whole", "first": 1, "last": last})
    );
    // Rows from before it was switched on have no hashes: the first four.
    assert_eq!((&of(&plain)["first"], &of(&plain)["last"]), (&json!(5), &json!(last)));
    assert_eq!(of(&fresh)["verdict"], "unchained");
    server.stop_and_replay().await;
}

#[tokio::test]
async fn replay_reads_beside_a_running_server_and_says_what_it_does_not_know() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", talk("one", "after one"))).await;
    let run = start(&gateway, "1", "talk").await;
    let (status, text) = server.offline(&["replay", &run]).await;
    assert!(status.success(), "{text}");
    assert!(
        text.contains(&format!("identical   {run}  up@1:talk  2 ticks, 4 rows\n")),
        "{text}"
    );
    let (status, text) = server.offline(&["replay", "nobody"]).await;
    assert!(!status.success() && text.contains("run 'nobody' does not exist"), "{text}");
    let (status, text) = server.offline(&["replay", "--all", "--tenant", "nobody"]).await;
    assert!(!status.success() && text.contains("there is no tenant 'nobody'"), "{text}");
    let (status, text) = server.offline(&["replay"]).await;
    assert_eq!(status.code(), Some(2), "{text}");
    gateway.answer(&run, "yes").await.ok();
    gateway.until_status(&run, "completed").await;
    server.stop_and_replay().await;
    let nowhere = tempfile::tempdir().expect("a directory");
    let output = command()
        .args(["replay", "--all", "--data-dir"])
        .arg(nowhere.path())
        .output()
        .await;
    let text = String::from_utf8_lossy(&output.expect("flowgate runs").stderr).into_owned();
    assert!(text.contains("there is no database at"), "{text}");
}

#[tokio::test]
async fn what_has_expired_of_a_ledger_is_not_missed() {
    let mut server = Options::new()
        .env("FLOWGATE_HASH_CHAIN", true)
        .env("FLOWGATE_RETENTION_INTERVAL", "1s")
        .env("FLOWGATE_MAX_LEDGER_ROWS", 20)
        .start()
        .await;
    let gateway = server.gateway();
    let ask = |id| asks([Effect::new(id, "ask_user", &json!({"prompt": format!("{id}?")}))]);
    let mut answers: Vec<Answer> = (1..=30).map(ask).collect();
    answers.push(Answer::Told);
    gateway
        .install(&Bundle::new("up", "1").component("asks", Guest::new("asks", answers).component()))
        .await;
    let run = start(&gateway, "1", "asks").await;
    for id in 1..=20 {
        let prompt = format!("{id}?");
        gateway.until(&run, &prompt, |run| run["waiting"]["prompt"] == *prompt).await;
        gateway.answer(&run, "yes").await.ok();
    }
    let expired = |run: &Value| run["ledger_horizon"].as_u64() > Some(35);
    gateway.until(&run, "less of a ledger", expired).await;
    let reports = server.stop_and_replay().await;
    // The history of a flow without snapshots is kept as long as the run is.
    let report = &reports[0];
    assert_eq!(
        (&report["verdict"], &report["ticks"]),
        (&json!("identical"), &json!(21)),
        "{report}"
    );
    assert!(
        report["from_seq"].as_u64() > Some(30) && report["rows"].as_u64() > Some(10),
        "{report}"
    );
    let (status, text) = server.offline(&["verify", &run, "--json"]).await;
    let chain = &lines(&text)[0];
    assert!(status.success() && chain["verdict"] == "whole", "{text}");
    assert!(chain["first"].as_u64() > Some(30) && chain["last"] == 62, "{text}");
}
