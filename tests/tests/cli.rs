//! The command line: each command does its job, says what is wrong, and ends with the right code.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use flowgate_tests::server::command;
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server, bundle, example};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

/// Runs a command to its end; input comes from `stdin`.
async fn run(args: &[&str], stdin: &str) -> Output {
    run_in(Path::new("."), args, stdin).await
}

async fn run_in(dir: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = command();
    child
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().expect("flowgate starts");
    let mut input = child.stdin.take().expect("a pipe");
    // It may not read it all.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let ended = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    ended.unwrap_or_else(|_| panic!("{args:?} does not end")).expect("its output")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn ended(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {}\nstderr: {}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[tokio::test]
async fn the_demo_runs_to_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = run_in(dir.path(), &["demo", "--once"], "").await;
    ended(&output, 0);
    let said = text(&output.stdout) + &text(&output.stderr);
    for word in ["http://127.0.0.1:", "completed"] {
        assert!(said.contains(word), "{said} should say {word}");
    }
}

#[tokio::test]
async fn run_prints_the_ledger_of_an_example() {
    let hello = example("hello");
    let output = run(&["run", path(&hello), "--input", r#"{"name": "Ann"}"#], "").await;
    ended(&output, 0);
    let said = text(&output.stdout);
    assert!(
        said.contains("Hello, Ann") && said.contains("answer_user") && said.contains("completed"),
        "{said}"
    );

    let bad = run(&["run", path(&hello), "--input", "{oops"], "").await;
    assert_ne!(bad.status.code(), Some(0));
    assert!(!text(&bad.stderr).is_empty());
}

#[tokio::test]
async fn run_asks_where_the_flow_asks() {
    let approval = example("approval");
    let output = run(&["run", path(&approval)], "approve\n").await;
    ended(&output, 0);
    assert!(text(&output.stdout).contains("is published"), "{}", text(&output.stdout));
    let output = run(&["run", path(&approval)], "reject\ntoo long\n").await;
    ended(&output, 0);
    assert!(text(&output.stdout).contains("too long"), "{}", text(&output.stdout));
    // Nobody answers: the command says so instead of waiting for ever.
    let output = run(&["run", path(&approval)], "").await;
    assert_ne!(output.status.code(), Some(0));
}

#[tokio::test]
async fn compile_writes_components_of_both_forms() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = example("digest").join("flows/digest.json");
    let mut sizes = Vec::new();
    for link in ["shared", "standalone"] {
        let out = dir.path().join(format!("{link}.wasm"));
        ended(&run(&["compile", path(&flow), "-o", path(&out), "--link", link], "").await, 0);
        let bytes = std::fs::read(&out).expect("the component is there");
        // Magic, version 13, layer 1: a component, not a module.
        assert_eq!(bytes[..8], *b"\0asm\x0d\0\x01\0");
        sizes.push(bytes.len());
    }
    assert!(sizes[0] < sizes[1], "the shared form carries no runtime: {sizes:?}");
    assert!(sizes[0] < 40 * 1024, "{sizes:?}");
}

#[tokio::test]
async fn compile_names_flow_node_and_pin_of_what_is_wrong() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = Flow::new("knot")
        .start(&[])
        .node("left", "concat", &["a"], &["result"], json!({}))
        .end("end", &["text"])
        .exec("start -> end")
        .wire("left.result -> left.a")
        .wire("left.result -> end.text");
    let file = dir.path().join("knot.json");
    std::fs::write(&file, flow.json().to_string()).expect("the flow is written");
    let output = run(&["compile", path(&file), "-o", path(&dir.path().join("knot.wasm"))], "").await;
    ended(&output, 1);
    let said = text(&output.stderr);
    for word in ["knot", "left", "cycle"] {
        assert!(said.contains(word), "{said} should name {word}");
    }
    assert!(!dir.path().join("knot.wasm").exists());
}

#[tokio::test]
async fn pack_makes_a_bundle_that_a_server_takes() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("approval.flow");
    ended(&run(&["pack", path(&example("approval")), "-o", path(&file)], "").await, 0);
    let server = Server::start().await;
    let installed = server
        .gateway()
        .upload_file(&std::fs::read(&file).expect("the bundle"), &[])
        .await
        .ok();
    assert_eq!(installed["bundle_ref"], "approval@1.0.0");

    // From a flow: the subflows beside it come along.
    let root = example("approval").join("flows/approve.json");
    let from_flow = dir.path().join("from-flow.flow");
    ended(&run(&["pack", path(&root), "-o", path(&from_flow)], "").await, 0);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&from_flow).expect("the bundle")).expect("a zip");
    assert!(zip.by_name("flows/notify.json").is_ok(), "the subflow is missing");
}

#[tokio::test]
async fn a_flows_directory_is_served() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("hello.flow"), bundle::pack(&example("hello"))).expect("the bundle is written");
    std::fs::write(dir.path().join("broken.flow"), b"no zip").expect("the file is written");
    let flow = Flow::new("f").start(&[]).end("end", &[]).exec("start -> end");
    let unpacked = Bundle::new("unpacked", "2.0.0").flow(flow);
    std::fs::create_dir_all(dir.path().join("unpacked/flows")).expect("a directory");
    std::fs::write(dir.path().join("unpacked/manifest.json"), unpacked.manifest.to_string()).expect("the manifest");
    std::fs::write(dir.path().join("unpacked/flows/f.json"), &unpacked.members[0].1).expect("the flow");
    let server = Options::new()
        .env("FLOWGATE_FLOWS_DIR", dir.path().display())
        .without_flows_dir()
        .start()
        .await;
    let list = server.gateway().get("/api/gateway/bundles").await.ok();
    let ids: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["bundle_ref"].clone())
        .collect();
    assert_eq!(ids, ["hello@1.0.0", "unpacked@2.0.0"], "{}", server.log());
    let run = server.gateway().start("hello", json!({})).await;
    server.gateway().until_status(&run, "completed").await;
}

#[tokio::test]
async fn a_server_without_a_token_makes_one_and_keeps_it_to_itself() {
    let mut server = Options::new().without_token().start().await;
    let file = server.data_dir().join("token");
    let token = std::fs::read_to_string(&file).expect("the token is kept");
    let token = token.trim();
    assert!(token.len() >= 32, "a weak token");
    assert_eq!(
        std::fs::metadata(&file).expect("its mode").permissions().mode() & 0o777,
        0o600
    );
    assert!(!server.log().contains(token), "the token is printed though nobody watches");
    let gateway = Gateway::new(server.address(), Some(token));
    assert_eq!(gateway.get("/api/gateway/runs").await.status, 200);
    assert_eq!(gateway.with_token(None).get("/api/gateway/runs").await.status, 401);
    server.kill().await;
    server.restart().await;
    assert_eq!(gateway.get("/api/gateway/runs").await.status, 200, "the token stays");
}

#[tokio::test]
async fn a_public_address_needs_a_strong_token() {
    let dir = tempfile::tempdir().expect("a directory");
    let serve = async |token: Option<&str>| {
        let mut child = command();
        child
            .args(["serve", "--host", "0.0.0.0", "--port", "0", "--data-dir"])
            .arg(dir.path());
        if let Some(token) = token {
            child.env("FLOWGATE_AUTH_TOKEN", token);
        }
        let ended = tokio::time::timeout(Duration::from_secs(20), child.output()).await;
        ended.expect("it refuses at once").expect("its output")
    };
    for (token, word) in [(None, "token"), (Some("changeme"), "weak auth token")] {
        let output = serve(token).await;
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn settings_come_from_flags_then_environment_then_aliases_then_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("settings.toml");
    let flag = path(&file).to_owned();
    std::fs::write(&file, "[security]\nmax_body_bytes = 1000\n").expect("the file is written");
    let limit = async |options: Options| -> String {
        let server = options.start().await;
        let body = json!({"input_data": {"n": "x".repeat(5000)}});
        server.gateway().post("/api/gateway/runs/start", &body).await.detail()
    };
    let from_file = || Options::new().arg("--config").arg(&flag);
    assert!(limit(from_file()).await.ends_with("> 1000 bytes)"));
    assert!(
        limit(from_file().env("ABSTRACTGATEWAY_MAX_BODY_BYTES", 2000))
            .await
            .ends_with("> 2000 bytes)")
    );
    let both = from_file()
        .env("ABSTRACTGATEWAY_MAX_BODY_BYTES", 2000)
        .env("FLOWGATE_MAX_BODY_BYTES", 3000);
    assert!(limit(both).await.ends_with("> 3000 bytes)"));

    std::fs::write(&file, "[security]\nmax_boddy_bytes = 1\n").expect("the file is written");
    let output = run(
        &["serve", "--data-dir", path(dir.path()), "--port", "0", "--config", &flag],
        "",
    )
    .await;
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("max_boddy_bytes"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn cases_go_through_the_real_path() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = Flow::new("f")
        .start(&["who"])
        .ask("ask", "Who?", &[])
        .end("end", &["who"])
        .exec("start -> ask -> end")
        .wire("ask.response -> end.who");
    let case = json!({"name": "one", "flows": {"f": flow.json()}, "root": "f", "input": {}, "script": [{"resume": {"response": "Ann"}}]});
    let file = dir.path().join("cases.jsonl");
    std::fs::write(&file, format!("{case}\n")).expect("the case is written");
    let output = run(&["cases", path(&file)], "").await;
    ended(&output, 0);
    let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(line["name"], "one");
    assert_eq!(
        (&line["got"]["status"], &line["got"]["output"]),
        (&json!("completed"), &json!({"who": "Ann", "success": true}))
    );
    assert_eq!(line["got"]["ledger"].as_array().map(Vec::len), Some(5), "{line}");
}

#[tokio::test]
async fn wrong_usage_ends_with_two() {
    for args in [&["frobnicate"][..], &["compile"], &["serve", "--port", "many"]] {
        ended(&run(args, "").await, 2);
    }
    let help = run(&["--help"], "").await;
    ended(&help, 0);
    for command in ["serve", "runner", "compile", "pack", "run", "demo", "cases"] {
        assert!(text(&help.stdout).contains(command), "--help does not name {command}");
    }
}

/// Into the data directory of a server that runs.
#[tokio::test]
async fn migrate_brings_runs_in_that_go_on() {
    let examples = flowgate_tests::root().join("examples/approval");
    let server = Options::new()
        .env("FLOWGATE_FLOWS_DIR", path(&examples))
        .without_flows_dir()
        .start()
        .await;
    let (from, data) = (flowgate_tests::root().join("tests/reference"), server.data_dir());
    let args = [
        "migrate",
        "--from",
        path(&from),
        "--data-dir",
        path(&data),
        "--flows-dir",
        path(&examples),
    ];
    let output = run(&args, "").await;
    let said = text(&output.stdout);
    assert!(said.contains("5 ended, 6 go on here"), "{said}{}", text(&output.stderr));
    assert!(said.contains("3 artifacts and 1 deprecations taken in"), "{said}");
    // Twice is as once.
    let said = text(&run(&args, "").await.stdout);
    assert!(said.contains("0 runs taken in"), "{said}");

    let gateway = server.gateway();
    let run_id = "944ce7a9-5ec1-40e7-9e91-9fe4b60c289a";
    let waiting = gateway.run(run_id).await;
    assert_eq!(
        (&waiting["status"], &waiting["current_node"]),
        (&json!("waiting"), &json!("ask"))
    );
    gateway.answer(run_id, "approve").await;
    gateway.until_status(run_id, "completed").await;
    let rows = gateway.ledger(run_id).await;
    let at = |node: &str, status: &str| rows.iter().any(|row| row["node_id"] == node && row["status"] == status);
    assert!(at("ask", "waiting") && at("confirm", "completed") && at("tell_author", "waiting"));
    for schedule in [
        "a94f99ad-0235-44bd-9d10-85138d4526a3",
        "bacefe13-29f6-4f9f-ab54-ca125feed1cc",
        "2d159a83-7af0-47be-ac44-68f7f9123293",
    ] {
        schedule_goes_on(&gateway, schedule).await;
    }
    let later = "1e429a74-6115-4b23-af9a-cc6ff13a020a";
    gateway.command("cancel", later, json!({})).await.ok();
    gateway.until_status(later, "cancelled").await;

    let metadata = gateway
        .get("/api/gateway/runs/session_memory_s1/artifacts/8363344679b41d7c2212437af953890c")
        .await
        .ok();
    assert_eq!(metadata["tags"]["filename"], "hostname", "{metadata}");
}

/// A schedule that was taken in: its executions end, a new interval moves its wait and makes another execution, and a cancel ends it.
async fn schedule_goes_on(gateway: &Gateway, schedule: &str) {
    let executions = async || -> Vec<Value> {
        let listed = gateway.get("/api/gateway/runs?limit=500").await.ok();
        let mut runs = listed["items"].as_array().unwrap().clone();
        runs.retain(|run| run["parent_run_id"] == schedule);
        runs
    };
    let first = executions().await;
    assert_eq!(first.len(), 1);
    let child = first[0]["run_id"].as_str().unwrap();
    if first[0]["status"] == "waiting" {
        gateway.answer(child, "approve").await;
        gateway.until_status(child, "completed").await;
    }
    let waits = |run: &Value| run["status"] == "waiting" && run["current_node"] == "wait_interval";
    gateway.until(schedule, "waits for its next execution", waits).await;
    gateway
        .command("update_schedule", schedule, json!({"interval": "20ms"}))
        .await
        .ok();
    for _ in 0..1000 {
        if executions().await.len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(executions().await.len() > 1, "{schedule} is not executed again");
    gateway.command("cancel", schedule, json!({})).await.ok();
    let ended = |run: &Value| run["status"] == "cancelled" || run["status"] == "completed";
    gateway.until(schedule, "has ended", ended).await;
}
