//! Flows of other toolchains: the JavaScript and the Python example are built with their own tools, uploaded, and run on a server that is
//! killed at every wait.
//!
//! The tools are what the examples pin. `FLOWGATE_TEST_TOOLCHAINS` names the folder that `.ci/run` installs them in; without it they
//! are looked for in the examples' own folders. Where they are missing the tests say so and do nothing, but not in continuous
//! integration (`CI`) or where the folder is named.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flowgate_tests::{Bundle, Gateway, Server, example};
use serde_json::{Value, json};

/// A tool by its place in the folder of all tools, or in an example; none where it may be missing and is.
fn tool(installed: &str, own: &Path) -> Option<PathBuf> {
    let named = std::env::var_os("FLOWGATE_TEST_TOOLCHAINS").map(PathBuf::from);
    let needed = named.is_some() || std::env::var_os("CI").is_some();
    let path = named.map_or_else(|| own.to_owned(), |folder| folder.join(installed));
    if path.is_file() {
        return Some(path);
    }
    assert!(!needed, "{} is not installed", path.display());
    eprintln!("not tested: {} is not installed", path.display());
    None
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&said));
}

/// The bundle of an example, with this component.
fn bundle(example: &Path, component: &Path) -> Bundle {
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let manifest: Value = serde_json::from_slice(&read(&example.join("bundle/manifest.json"))).expect("a manifest");
    let mut members = Vec::new();
    for path in manifest["flows"].as_object().expect("flows").values() {
        let path = path.as_str().expect("a path");
        members.push((path.to_owned(), read(&example.join("bundle").join(path))));
    }
    for path in manifest["artifacts"].as_object().expect("artifacts").values() {
        members.push((path.as_str().expect("a path").to_owned(), read(component)));
    }
    Bundle {
        manifest,
        members,
        ..Bundle::new("", "")
    }
}

/// Uploads a bundle and waits until its component has been compiled.
async fn install(client: &Gateway, bundle: &Bundle) -> Value {
    client.install(bundle).await;
    let path = format!("/api/gateway/bundles/{}", bundle.id());
    loop {
        let shown = client.get(&path).await.ok();
        match shown["components"][0]["state"].as_str() {
            Some("installing") => tokio::time::sleep(Duration::from_millis(50)).await,
            state => {
                assert_eq!(state, Some("ready"), "{shown}");
                return shown;
            }
        }
    }
}

/// What was done in a run, as `kind status`; without the answers that came in and the host's own word of its end.
async fn done(client: &Gateway, run: &str) -> Vec<String> {
    let rows = client.ledger(run).await;
    let own = rows
        .iter()
        .filter(|row| row["effect"]["payload"]["name"] != "abstract.status");
    let own = own.filter(|row| row["effect"]["type"].is_string());
    own.map(|row| format!("{} {}", text(&row["effect"]["type"]), text(&row["status"])))
        .filter(|row| !row.starts_with("resume"))
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn killed(server: &mut Server) -> Gateway {
    server.kill().await;
    server.restart().await;
    server.gateway()
}

#[tokio::test]
async fn a_flow_in_javascript_runs_through_kills() {
    let folder = example("javascript");
    let name = "node_modules/.bin/componentize-js";
    let Some(tool) = tool(&format!("javascript/{name}"), &folder.join(name)) else {
        return;
    };
    let built = tempfile::tempdir().expect("a directory");
    let component = built.path().join("review.wasm");
    let mut build = Command::new(tool);
    build
        .current_dir(&folder)
        .args(["review.js", "--wit", "../../wit", "--world-name", "flow"]);
    run(build.args(["--disable", "http", "fetch-event", "--out"]).arg(&component));

    let mut server = Server::start().await;
    let client = server.gateway();
    let shown = install(&client, &bundle(&folder, &component)).await;
    assert_eq!(shown["entrypoints"][0]["inputs"][0]["default"], "Road map", "{shown}");

    let mut editions = Vec::new();
    for kills in [false, true] {
        let mut client = server.gateway();
        let run = client.start("review", json!({"title": "Plan", "delay": 1})).await;
        let waiting = client.until_status(&run, "waiting").await;
        assert_eq!(waiting["waiting"]["prompt"], "Publish Plan?");
        assert_eq!(waiting["current_node"], "ask_user#1");
        if kills {
            client = killed(&mut server).await;
        }
        client.answer(&run, "yes").await.ok();
        if kills {
            client
                .until(&run, "past the question", |run| run["current_node"] != "ask_user#1")
                .await;
            client = killed(&mut server).await;
        }
        let output = client.output(&run).await;
        assert_eq!(output["published"], true, "{output}");
        assert_eq!(output["waited"], true, "its clock shows the recorded times: {output}");
        assert_eq!(
            output["told"], "To everyone: Plan is out",
            "what the graph gave back: {output}"
        );
        editions.push(output["edition"].as_u64().expect("a number"));
        let done = done(&client, &run).await;
        let wanted = [
            "answer_user started",
            "answer_user completed",
            "ask_user started",
            "ask_user waiting",
            "wait_until started",
            "wait_until waiting",
            "start_subworkflow started",
            "start_subworkflow waiting",
        ];
        assert_eq!(done, wanted, "{:#?}", client.ledger(&run).await);
    }
    assert!(editions.iter().all(|edition| *edition < 1000), "{editions:?}");

    let run = server.gateway().start("review", json!({})).await;
    server.gateway().until_status(&run, "waiting").await;
    server.gateway().answer(&run, "no").await.ok();
    assert_eq!(
        server.gateway().output(&run).await,
        json!({"published": false, "title": "Road map"})
    );
    assert!(server.log().contains("reviewing Plan"), "what it prints is in the log");
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_flow_in_python_runs_through_kills() {
    let folder = example("python-component");
    let Some(tool) = tool(
        "python-component/bin/componentize-py",
        &folder.join("venv/bin/componentize-py"),
    ) else {
        return;
    };
    let built = tempfile::tempdir().expect("a directory");
    let component = built.path().join("invoice.wasm");
    let mut build = Command::new(tool);
    build.current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
    run(build
        .args([
            "--wit-path",
            "../../wit",
            "--world",
            "flow",
            "componentize",
            "invoice",
            "--output",
        ])
        .arg(&component));

    let mut server = Server::start().await;
    let client = server.gateway();
    install(&client, &bundle(&folder, &component)).await;
    let run = client.start("invoice", json!({"prices": ["19.99", "5.01", "0.105"]})).await;
    let waiting = client.until_status(&run, "waiting").await;
    assert_eq!(waiting["waiting"]["prompt"], "Send Ann an invoice of 25.11?");
    let client = killed(&mut server).await;
    client.answer(&run, "yes").await.ok();
    client
        .until(&run, "waiting for the payment", |run| run["waiting"]["reason"] == "event")
        .await;
    // The number was drawn before the question: the replayed flow has the one that it has told.
    let rows = client.ledger(&run).await;
    let said = rows.iter().find_map(|row| row["result"]["message"].as_str());
    let said = said.expect("what it said").to_owned();
    let client = killed(&mut server).await;
    client
        .command("emit_event", &run, json!({"name": "paid", "payload": {"amount": 25}}))
        .await
        .ok();
    let output = client.output(&run).await;
    assert_eq!((&output["sent"], &output["total"]), (&json!(true), &json!("25.11")));
    assert_eq!(said, format!("Invoice {}: 25.11", text(&output["number"])));
    assert!(output["paid"].to_string().contains("25"), "{output}");
    let done = done(&client, &run).await;
    let wanted = [
        "ask_user started",
        "ask_user waiting",
        "answer_user started",
        "answer_user completed",
        "wait_event started",
        "wait_event waiting",
    ];
    assert_eq!(done, wanted, "{:#?}", client.ledger(&run).await);
    server.stop_and_replay().await;
}

/// Whether a guest in Rust can be built here; the answer is an error where it must be.
fn builds_rust() -> bool {
    let needed = std::env::var_os("CI").is_some();
    let target = ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"];
    let printed = Command::new("rustc").args(target).output().expect("rustc starts").stdout;
    let installed = Path::new(String::from_utf8_lossy(&printed).trim()).is_dir();
    // Debian's compiler has the library's sources beside it.
    let debian = Command::new("/usr/bin/rustc").arg("--version").output().ok();
    let debian = debian.is_some_and(|said| {
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let version = said.split_whitespace().nth(1).unwrap_or_default().to_owned();
        Path::new(&format!("/usr/src/rustc-{version}/library")).is_dir()
    });
    assert!(
        installed || debian || !needed,
        "no compiler for wasm32-unknown-unknown is installed"
    );
    if !installed && !debian {
        eprintln!("not tested: no compiler for wasm32-unknown-unknown is installed");
    }
    installed || debian
}

#[tokio::test]
async fn a_new_guest_passes_its_test_and_runs_as_it_is_packed() {
    if !builds_rust() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let flowgate = flowgate_tests::binary::flowgate();
    let in_folder = |program: &Path| {
        let mut command = Command::new(program);
        command
            .current_dir(dir.path())
            .env("CARGO_TARGET_DIR", dir.path().join("target"));
        command
    };
    let sdk = flowgate_tests::root().join("guest-sdk");
    run(in_folder(&flowgate).args(["new", "guest", "greeter", "--sdk"]).arg(sdk));
    run(in_folder(Path::new("cargo")).args(["test", "--quiet", "--manifest-path", "greeter/Cargo.toml"]));
    run(in_folder(&flowgate).args(["pack", "greeter", "-o", "greeter.flow"]));

    let mut server = Server::start().await;
    let client = server.gateway();
    let bundle = std::fs::read(dir.path().join("greeter.flow")).expect("the bundle");
    client.upload_file(&bundle, &[]).await.ok();
    let run = client.start("greeter", json!({"name": "Ann"})).await;
    let waiting = client.until_status(&run, "waiting").await;
    assert_eq!(waiting["waiting"]["prompt"], "How are you?");
    let client = killed(&mut server).await;
    client.answer(&run, "fine").await.ok();
    let output = client.output(&run).await;
    assert_eq!(
        (&output["greeting"], &output["mood"]),
        (&json!("Hello, Ann"), &json!("fine")),
        "{output}"
    );
    server.stop_and_replay().await;
}
