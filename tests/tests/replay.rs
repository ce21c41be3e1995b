//! What is kept of runs, looked at from outside: every ledger comes out again from its history, runs go on with newer versions of their
//! flows, and a chain of hashes shows what was done to a ledger.

use std::io::{Cursor, Read as _};
use std::path::Path;
use std::time::Duration;

use flowgate_tests::guest::{Answer, Effect, asks, more};
use flowgate_tests::ledger::outline;
use flowgate_tests::random::Random;
use flowgate_tests::server::command;
use flowgate_tests::{Bundle, Flow, Gateway, Guest, Options, Server, root};
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

/// What `tests/ledgers/README.md` says of the data directories there.
#[tokio::test]
async fn the_ledgers_of_every_release_come_out_again() {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(root().join("tests/ledgers")).expect("the corpus is there") {
        let file = entry.expect("an entry").path().join("data.zip");
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let dir = tempfile::tempdir().expect("a directory");
        unpack(&bytes, dir.path());
        let of = async |what: &str| {
            let output = command()
                .args([what, "--all", "--json", "--data-dir"])
                .arg(dir.path())
                .output()
                .await;
            lines(&String::from_utf8(output.expect("flowgate runs").stdout).expect("UTF-8"))
        };
        let reports = of("replay").await;
        let bad: Vec<&Value> = reports.iter().filter(|report| report["verdict"] != "identical").collect();
        assert!(bad.is_empty() && reports.len() >= 5, "{}: {bad:#?}", file.display());
        let chains = of("verify").await;
        let bad: Vec<&Value> = chains.iter().filter(|chain| chain["verdict"] != "whole").collect();
        assert!(
            bad.is_empty() && chains.len() == reports.len(),
            "{}: {bad:#?}",
            file.display()
        );
        looked_at += 1;
    }
    assert!(looked_at > 0, "no data directory of any release");
}

fn unpack(bytes: &[u8], to: &Path) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).expect("a member");
        let mut content = Vec::new();
        member.read_to_end(&mut content).expect("its content");
        let name = member.name().expect("a name").into_owned();
        std::fs::write(to.join(name), content).expect("a file");
    }
}

/// Makes the data directory of this version for the corpus: `cargo test --workspace --test replay -- --ignored`.
#[tokio::test]
#[ignore = "writes into tests/ledgers"]
async fn a_data_directory_for_the_corpus() {
    let mut server = Options::new().env("FLOWGATE_HASH_CHAIN", true).start().await;
    let gateway = server.gateway();
    gateway.install(&version("1", talk("one", "after one"))).await;
    gateway.install(&version("2", talk("two", "after two"))).await;
    let child = Flow::new("child")
        .start(&["n"])
        .say("say", "from below")
        .sleep("sleep", 0.05)
        .end("end", &["n"])
        .exec("start -> say -> sleep -> end")
        .wire("start.n -> end.n");
    let tree = Flow::new("tree")
        .start(&["n"])
        .subflow("sub", "child", &["n"])
        .end("end", &["n"])
        .exec("start -> sub -> end")
        .wire("start.n -> sub.n")
        .wire("sub.output -> end.n");
    let broken = Flow::new("broken")
        .start(&["n"])
        .node(
            "read",
            "read_file",
            &["file_path"],
            &["content"],
            json!({"pinDefaults": {"file_path": "nothing.txt"}}),
        )
        .end("end", &["content"])
        .exec("start -> read -> end")
        .wire("read.content -> end.content");
    let several = asks([
        Effect::new(1, "answer_user", &json!({"message": "hello"})),
        Effect::new(2, "ask_user", &json!({"prompt": "First?"})),
        Effect::new(3, "ask_user", &json!({"prompt": "Second?"})),
        Effect::new(4, "emit_event", &json!({"name": "nobody", "payload": {}})),
        Effect::new(
            5,
            "start_subworkflow",
            &json!({"workflow_id": "more@1:child", "vars": {"n": 1}, "wait": false, "async": true}),
        ),
    ]);
    let parting = Answer::Blocked(vec![Effect::new(6, "ask_user", &json!({"prompt": "Sure?"}))], vec![3]);
    // Three outcomes are known at once, the fourth is the first answer, the fifth the last.
    let answers = vec![several, more(), more(), more(), parting, Answer::Told];
    let bundle = Bundle::new("more", "1")
        .component("several", Guest::new("several", answers).component())
        .flow(tree)
        .flow(child)
        .flow(listening("heard"))
        .flow(broken);
    gateway.install(&bundle).await;
    let (moves, cancelled) = (start(&gateway, "1", "talk").await, start(&gateway, "1", "talk").await);
    gateway.command("cancel", &cancelled, json!({})).await.ok();
    gateway.command("resume", &cancelled, json!({"payload": {}})).await.ok();
    for flow in ["tree", "broken"] {
        let run = gateway
            .start_with(json!({"bundle_id": "more", "flow_id": flow, "input_data": {"n": 3.0}}))
            .await;
        gateway
            .until(&run, "the end", |run| {
                run["status"] == "completed" || run["status"] == "failed"
            })
            .await;
    }
    let several = gateway.start_with(json!({"bundle_id": "more", "flow_id": "several"})).await;
    for prompt in ["First?", "Sure?"] {
        gateway
            .until(&several, prompt, |run| run["waiting"]["prompt"] == prompt)
            .await;
        gateway.answer(&several, "yes").await.ok();
    }
    gateway.until_status(&several, "completed").await;
    let listens = gateway.start_with(json!({"bundle_id": "more", "flow_id": "listening"})).await;
    gateway.until_status(&listens, "waiting").await;
    gateway
        .command("emit_event", &listens, json!({"name": "go", "payload": {}}))
        .await
        .ok();
    server.kill().await;
    server.restart().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.stop().await;
    let (status, text) = server.offline(&["upgrade", &moves, "--to", "2"]).await;
    assert!(status.success(), "{text}");
    server.restart().await;
    gateway.answer(&moves, "yes").await.ok();
    gateway.until_status(&moves, "completed").await;
    let reports = server.stop_and_replay().await;
    assert!(reports.len() >= 7, "{reports:#?}");
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("copy");
    let (status, text) = server.offline(&["backup", copy.to_str().expect("UTF-8")]).await;
    assert!(status.success(), "{text}");
    let database = std::fs::read(copy.join("flowgate.sqlite3")).expect("the database");
    let members = [("flowgate.sqlite3".to_owned(), database)];
    let zip = flowgate_tests::bundle::archive(&members, zip::CompressionMethod::Deflated);
    let to = root().join("tests/ledgers").join(version_of_host().await);
    std::fs::create_dir_all(&to).expect("the directory of the version");
    std::fs::write(to.join("data.zip"), zip).expect("the data directory is kept");
}

async fn version_of_host() -> String {
    let output = command().arg("--version").output().await.expect("flowgate runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_whitespace().last().expect("a version").to_owned()
}
