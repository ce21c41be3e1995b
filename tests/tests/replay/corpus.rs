//! Data directories of released versions; `tests/ledgers/README.md` says what is in them.

use std::io::{Cursor, Read as _};
use std::path::Path;
use std::time::Duration;

use flowgate_tests::guest::{Answer, Effect, asks, more};
use flowgate_tests::server::command;
use flowgate_tests::{Bundle, Flow, Guest, Options, root};
use serde_json::{Value, json};

use super::{lines, listening, start, talk, version};

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
