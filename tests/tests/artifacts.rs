//! Artifacts over a socket and over deaths of the server: what was acknowledged is there, with its bytes.

use flowgate_tests::{Bundle, Flow, Options, Server};
use serde_json::{Value, json};

/// Reads an artifact and ends with what it is told.
fn reader() -> Bundle {
    let flow = Flow::new("reader")
        .start(&["file"])
        .node(
            "read",
            "read_artifact",
            &["artifact"],
            &["json", "text", "filename", "artifact_ref"],
            json!({}),
        )
        .end("end", &["json", "text", "filename", "artifact_ref"])
        .exec("start -> read -> end")
        .wire("start.file -> read.artifact")
        .wire("read.json -> end.json")
        .wire("read.text -> end.text")
        .wire("read.filename -> end.filename")
        .wire("read.artifact_ref -> end.artifact_ref");
    Bundle::new("reader", "1.0.0").flow(flow)
}

/// Says a text, gives it to a child and ends with what the child gives back.
fn echo() -> Bundle {
    let parent = Flow::new("echo")
        .start(&["text"])
        .say("say", "")
        .subflow("sub", "child", &["text"])
        .end("end", &["got"])
        .exec("start -> say -> sub -> end")
        .wire("start.text -> say.message")
        .wire("start.text -> sub.text")
        .wire("sub.output -> end.got");
    let child = Flow::new("child")
        .start(&["text"])
        .end("end", &["result"])
        .exec("start -> end")
        .wire("start.text -> end.result");
    Bundle::new("echo", "1.0.0").flow(parent).flow(child)
}

fn content_path(reference: &Value) -> String {
    let (run, id) = (&reference["run_id"], &reference["artifact_id"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    format!("/api/gateway/runs/{}/artifacts/{}/content", text(run), text(id))
}

#[tokio::test]
async fn an_acknowledged_upload_survives_a_kill_with_its_bytes() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    let mut kept: Vec<(Value, Vec<u8>)> = Vec::new();
    for round in 0..4u32 {
        // Small, and larger than any buffer on the way; not text.
        for size in [3, 300_000] {
            let bytes: Vec<u8> = (0..size)
                .map(|n: u32| (n.wrapping_mul(31) >> (n % 7)) as u8 ^ round as u8)
                .collect();
            let answer = gateway.attach("s", &format!("{round}-{size}.bin"), &bytes).await.ok();
            kept.push((answer["artifact"].clone(), bytes));
        }
        server.kill().await;
        server.restart().await;
        for (reference, bytes) in &kept {
            let reply = gateway.get(&content_path(reference)).await;
            assert_eq!((reply.status, reply.body.len()), (200, bytes.len()));
            assert!(reply.body == bytes[..], "other bytes of {reference}");
        }
        let list = gateway.get("/api/gateway/sessions/s/artifacts").await.ok();
        assert_eq!(list["total"], kept.len());
    }
    // The same bytes are one file and one artifact.
    let blobs = || files(&server.data_dir().join("artifacts"));
    let before = blobs();
    let again = gateway.attach("s", "again.bin", &kept[0].1).await.ok();
    assert_eq!(again["artifact"]["artifact_id"], kept[0].0["artifact_id"]);
    let elsewhere = gateway.attach("t", "again.bin", &kept[0].1).await.ok();
    assert_ne!(elsewhere["artifact"]["artifact_id"], kept[0].0["artifact_id"]);
    assert_eq!(blobs(), before);
}

/// How many files there are under a directory.
fn files(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn a_flow_reads_the_artifact_that_it_is_started_with() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&reader()).await;
    let bytes = br#"{"n": 3.0, "big": 123456789012345678901234567890}"#;
    let attached = gateway.attach("s", "data.json", bytes).await.ok();
    let reference = &attached["artifact"];
    let start = async |file: Value| {
        let body = json!({"bundle_id": "reader", "session_id": "s", "input_data": {"file": file}});
        gateway.start_with(body).await
    };
    for file in [reference.clone(), reference["artifact_id"].clone()] {
        let run = start(file).await;
        gateway.until_status(&run, "completed").await;
        let rows = gateway.ledger_text(&run).await;
        assert!(rows.contains(r#""big": 123456789012345678901234567890"#), "{rows}");
        let output = gateway.output(&run).await;
        assert_eq!(output["text"], std::str::from_utf8(bytes).expect("text"));
        assert_eq!(
            (&output["json"]["n"], &output["filename"]),
            (&json!(3.0), &json!("data.json"))
        );
        assert_eq!(output["artifact_ref"]["size_bytes"], bytes.len());
    }
    let run = start(json!("nothing-of-that-name")).await;
    // What a node of a function cannot do ends the run with its error.
    let output = gateway.output(&run).await.to_string();
    assert!(output.contains("Artifact not found: nothing-of-that-name"), "{output}");
}

#[tokio::test]
async fn a_large_value_is_apart_from_the_ledger_and_whole_in_the_flow() {
    let mut server = Options::new().env("ABSTRACTRUNTIME_MAX_INLINE_BYTES", 1000).start().await;
    let gateway = server.gateway();
    gateway.install(&echo()).await;
    let text = "a line of text \u{e4}\n".repeat(500);
    let run = gateway.start("echo", json!({"text": text})).await;
    gateway.until_status(&run, "completed").await;
    let check = async || {
        let rows = gateway.ledger(&run).await;
        let shown = gateway.ledger_text(&run).await;
        assert!(!shown.contains("a line of text"), "{shown}");
        let said = rows
            .iter()
            .find(|row| row["node_id"] == "say" && row["status"] == "completed")
            .expect("a row of the answer");
        let output = &rows[rows.len() - 2]["result"]["output"]["got"];
        for place in [&said["effect"]["payload"]["message"], &said["result"]["message"], output] {
            let id = place["$artifact"].as_str().unwrap_or_else(|| panic!("no reference: {place}"));
            let path = format!("/api/gateway/runs/{run}/artifacts/{id}/content");
            assert_eq!(gateway.get(&path).await.text(), text);
        }
    };
    check().await;
    server.kill().await;
    server.restart().await;
    check().await;
    let page = gateway.get(&format!("/api/gateway/runs/{run}/artifacts")).await.ok();
    let kinds: Vec<&Value> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item["tags"]["kind"])
        .collect();
    assert!(
        kinds.contains(&&json!("workflow_snapshot")) && kinds.contains(&&json!("text")),
        "{page}"
    );
    server.stop_and_replay().await;
}
