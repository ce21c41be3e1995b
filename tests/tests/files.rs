//! Files of runs and of the workspace, on a real server: flows that read and write, flows that try to get out, a server that is killed while a
//! file is being written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowgate_tests::ledger::outline;
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use serde_json::{Value, json};

/// Reads `path` and says what is in it.
fn reader(id: &str) -> Flow {
    Flow::new(id)
        .start(&["path"])
        .node("read", "read_file", &["file_path"], &["content", "file_path"], json!({}))
        .end("end", &["content", "file_path"])
        .exec("start -> read -> end")
        .wire("start.path -> read.file_path")
        .wire("read.content -> end.content")
        .wire("read.file_path -> end.file_path")
}

/// Writes `content` to `path`.
fn writer(id: &str) -> Flow {
    Flow::new(id)
        .start(&["path", "content"])
        .node(
            "write",
            "write_file",
            &["file_path", "content"],
            &["bytes", "file_path"],
            json!({}),
        )
        .end("end", &["bytes", "file_path"])
        .exec("start -> write -> end")
        .wire("start.path -> write.file_path")
        .wire("start.content -> write.content")
        .wire("write.bytes -> end.bytes")
        .wire("write.file_path -> end.file_path")
}

/// Writes a value, reads it again, and lists where it lies.
fn round_trip() -> Flow {
    Flow::new("round")
        .start(&["value"])
        .node(
            "write",
            "write_file",
            &["file_path", "content"],
            &["bytes", "file_path"],
            json!({"pinDefaults": {"file_path": "out/deep/v.json"}}),
        )
        .node(
            "read",
            "read_file",
            &["file_path"],
            &["content"],
            json!({"pinDefaults": {"file_path": "@out/deep/v.json"}}),
        )
        .node(
            "list",
            "list_folder_files",
            &["folder_path", "recursive", "include_directories"],
            &["files", "entries", "count", "truncated", "folder_path"],
            json!({"pinDefaults": {"folder_path": "out", "recursive": true, "include_directories": true}}),
        )
        .end("end", &["bytes", "content", "files", "entries", "count", "folder_path"])
        .exec("start -> write -> read -> list -> end")
        .wire("start.value -> write.content")
        .wire("write.bytes -> end.bytes")
        .wire("read.content -> end.content")
        .wire("list.files -> end.files")
        .wire("list.entries -> end.entries")
        .wire("list.count -> end.count")
        .wire("list.folder_path -> end.folder_path")
}

/// Starts `reader` as a child and hands it a workspace of the flow's choice.
fn giver() -> Flow {
    Flow::new("giver")
        .start(&["path", "workspace_root", "workspace_access_mode"])
        .subflow("sub", "read", &["path", "workspace_root", "workspace_access_mode"])
        .end("end", &["got"])
        .exec("start -> sub -> end")
        .wire("start.path -> sub.path")
        .node("root", "literal_string", &[], &["value"], json!({"literalValue": "/"}))
        .node(
            "mode",
            "literal_string",
            &[],
            &["value"],
            json!({"literalValue": "all_except_ignored"}),
        )
        .wire("root.value -> sub.workspace_root")
        .wire("mode.value -> sub.workspace_access_mode")
        .wire("sub.output -> end.got")
}

/// Writes a file, keeps it as an artifact, and puts that into another file.
fn carrier() -> Flow {
    Flow::new("carry")
        .start(&["content"])
        .node(
            "write",
            "write_file",
            &["file_path", "content"],
            &["bytes"],
            json!({"pinDefaults": {"file_path": "in/a.md"}}),
        )
        .node(
            "import",
            "import_workspace_file",
            &["file_path", "modality"],
            &[
                "artifact",
                "artifact_ref",
                "artifact_id",
                "content_type",
                "size_bytes",
                "source_path",
            ],
            json!({"pinDefaults": {"file_path": "in/a.md", "modality": "text"}}),
        )
        .node(
            "export",
            "export_artifact",
            &["artifact", "file_path"],
            &["artifact_id", "file_path", "bytes", "sha256", "content_type"],
            json!({"pinDefaults": {"file_path": "out/b.md"}}),
        )
        .end(
            "end",
            &["artifact", "source_path", "file_path", "bytes", "sha256", "content_type"],
        )
        .exec("start -> write -> import -> export -> end")
        .wire("start.content -> write.content")
        .wire("import.artifact_ref -> export.artifact")
        .wire("import.artifact -> end.artifact")
        .wire("import.source_path -> end.source_path")
        .wire("export.file_path -> end.file_path")
        .wire("export.bytes -> end.bytes")
        .wire("export.sha256 -> end.sha256")
        .wire("export.content_type -> end.content_type")
}

/// Puts an artifact into a file.
fn taker() -> Flow {
    Flow::new("take")
        .start(&["artifact", "path"])
        .node("export", "export_artifact", &["artifact", "file_path"], &["bytes"], json!({}))
        .end("end", &["bytes"])
        .exec("start -> export -> end")
        .wire("start.artifact -> export.artifact")
        .wire("start.path -> export.file_path")
        .wire("export.bytes -> end.bytes")
}

fn bundle() -> Bundle {
    Bundle::new("files", "1.0.0")
        .flow(round_trip())
        .flow(reader("read"))
        .flow(writer("write"))
        .flow(giver())
        .flow(carrier())
        .flow(taker())
}

async fn start(gateway: &Gateway, flow: &str, input: Value) -> String {
    gateway
        .start_with(json!({"bundle_id": "files", "flow_id": flow, "input_data": input}))
        .await
}

async fn run(gateway: &Gateway, flow: &str, input: Value) -> Value {
    let run = start(gateway, flow, input).await;
    gateway.output(&run).await
}

/// Where the files of a run are.
async fn folder(server: &Server, run: &str) -> PathBuf {
    let input = server
        .gateway()
        .get(&format!("/api/gateway/runs/{run}/input_data"))
        .await
        .ok();
    let root = input["workspace"]["workspace_root"].as_str().expect("a workspace");
    assert!(root.starts_with("workspaces/"), "{root}");
    server.data_dir().join(root)
}

#[tokio::test]
async fn a_flow_writes_reads_and_lists_in_a_folder_of_its_own() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let run_id = start(&gateway, "round", json!({"value": {"n": [1, 2.0, "é"]}})).await;
    let output = gateway.output(&run_id).await;
    let text = "{\n  \"n\": [\n    1,\n    2.0,\n    \"é\"\n  ]\n}\n";
    assert_eq!(
        output,
        json!({
            "bytes": text.len(), "content": {"n": [1, 2.0, "é"]}, "files": ["out/deep/v.json"], "count": 1, "folder_path": "out", "success": true,
            "entries": [
                {"path": "out/deep", "name": "deep", "kind": "folder", "family": "folder"},
                {"path": "out/deep/v.json", "name": "v.json", "kind": "file", "family": "json", "size_bytes": text.len()},
            ],
        })
    );
    let folder = folder(&server, &run_id).await;
    assert_eq!(
        std::fs::read_to_string(folder.join("out/deep/v.json")).expect("the file"),
        text
    );
    // What an untrusted flow touched is in the ledger, and where it lies on this machine is not.
    let rows = gateway.ledger(&run_id).await;
    assert_eq!(
        outline(&rows)[..4],
        [
            "write started write_file",
            "write completed write_file",
            "read started read_file",
            "read completed read_file"
        ]
    );
    let data_dir = server.data_dir();
    assert!(
        !gateway
            .ledger_text(&run_id)
            .await
            .contains(data_dir.to_str().expect("a path"))
    );
    // Another run has another folder.
    let other = run(&gateway, "read", json!({"path": "out/deep/v.json"})).await;
    assert_eq!(
        other,
        json!({"error": "File not found: out/deep/v.json", "success": false, "node": "read"})
    );
    server.stop_and_replay().await;
}

#[tokio::test]
async fn no_flow_reaches_the_database_another_run_or_this_machine() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let neighbour = start(&gateway, "write", json!({"path": "x.txt", "content": "theirs"})).await;
    gateway.output(&neighbour).await;
    let neighbour = folder(&server, &neighbour).await.join("x.txt");
    let database = server.data_dir().join("flowgate.sqlite3");
    assert!(neighbour.is_file() && database.is_file());
    let before = std::fs::metadata(&database).expect("the database").len();
    let name = neighbour
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str())
        .expect("a name");
    for path in [
        database.to_str().expect("a path"),
        neighbour.to_str().expect("a path"),
        "/etc/passwd",
        "/proc/self/environ",
        "//etc/passwd",
        "../../flowgate.sqlite3",
        "./../../flowgate.sqlite3",
        r"..\..\flowgate.sqlite3",
        "a/../../../flowgate.sqlite3",
        &format!("../{name}/x.txt"),
        "@../../token",
        "~/.ssh/id_rsa",
        r"C:\Windows\win.ini",
        &"d/".repeat(5000),
        &"n".repeat(300),
        ".abstractignore\0",
    ] {
        for flow in ["read", "write"] {
            let input =
                json!({"path": path, "content": "x", "workspace_root": "/", "workspace_access_mode": "all_except_ignored"});
            let output = run(&gateway, flow, input).await;
            let error = output["error"]
                .as_str()
                .unwrap_or_else(|| panic!("{flow} {path} came through: {output}"));
            assert!(
                error.starts_with(&format!("{flow}_file path rejected by workspace policy: ")),
                "{path}: {error}"
            );
            assert_eq!(output["success"], false);
        }
    }
    assert_eq!(std::fs::read_to_string(&neighbour).expect("the neighbour's file"), "theirs");
    assert!(std::fs::metadata(&database).expect("the database").len() >= before);
    assert!(
        std::fs::read(&database)
            .expect("the database")
            .starts_with(b"SQLite format 3\0")
    );
    // A flow starts a child and says where that is to work: it works where its parent does.
    let given = run(&gateway, "giver", json!({"path": "/etc/hostname"})).await;
    let error = given["got"]["error"].as_str().unwrap_or_else(|| panic!("{given}"));
    assert_eq!(
        error,
        "read_file path rejected by workspace policy: path is outside workspace roots"
    );
}

#[tokio::test]
async fn a_flow_makes_artifacts_of_files_and_files_of_artifacts() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let in_session = async |flow: &str, session: &str, input: Value| {
        let body = json!({"bundle_id": "files", "flow_id": flow, "session_id": session, "input_data": input});
        let run_id = gateway.start_with(body).await;
        (gateway.output(&run_id).await, run_id)
    };
    let (output, run_id) = in_session("carry", "one", json!({"content": "# kept\n"})).await;
    let id = output["artifact"]["artifact_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{output}"))
        .to_owned();
    assert_eq!(
        output,
        json!({
            "artifact": {"$artifact": id, "artifact_id": id, "run_id": run_id, "content_type": "text/markdown", "modality": "text",
                "filename": "a.md", "source_path": "in/a.md", "size_bytes": 7},
            "source_path": "in/a.md", "file_path": "out/b.md", "bytes": 7, "content_type": "text/markdown", "success": true,
            "sha256": "b49f1c77ffcc6474723e0c25aea5ee3887520144731e9de3da827671c260238a",
        })
    );
    let folder = folder(&server, &run_id).await;
    assert_eq!(
        std::fs::read_to_string(folder.join("out/b.md")).expect("the file"),
        "# kept\n"
    );
    // Other runs of the tenant have it, and it can be put nowhere but into the workspace.
    for named in [json!(id), json!({"$artifact": id, "run_id": run_id})] {
        let (taken, other) = in_session("take", "one", json!({"artifact": named, "path": "c.md"})).await;
        assert_eq!(taken, json!({"bytes": 7, "success": true}));
        assert_ne!(other, run_id);
        let (elsewhere, _) = in_session("take", "two", json!({"artifact": named, "path": "c.md"})).await;
        assert_eq!(elsewhere["bytes"], 7);
    }
    let (unknown, _) = in_session("take", "one", json!({"artifact": "none", "path": "c.md"})).await;
    assert_eq!(unknown["error"], "Artifact not found: none");
    for path in ["../../../flowgate.sqlite3", "/etc/cron.d/x", "../token"] {
        let (refused, _) = in_session("take", "one", json!({"artifact": id, "path": path})).await;
        let error = refused["error"].as_str().unwrap_or_else(|| panic!("{refused}"));
        assert!(
            error.starts_with("export_artifact path rejected by workspace policy: "),
            "{error}"
        );
    }
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_run_works_where_the_client_says_as_far_as_the_operator_allows() {
    let files = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(files.path().join("docs")).expect("docs");
    std::fs::write(files.path().join("docs/a.txt"), "the operator's").expect("a file");
    std::fs::write(files.path().join("top.txt"), "top").expect("a file");
    let server = Options::new()
        .env("ABSTRACTGATEWAY_WORKSPACE_DIR", files.path().display())
        .start()
        .await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    for root in [json!("docs"), json!(files.path().join("docs"))] {
        let output = run(&gateway, "read", json!({"path": "a.txt", "workspace_root": root})).await;
        assert_eq!(
            output,
            json!({"content": "the operator's", "file_path": "a.txt", "success": true})
        );
        let above = run(&gateway, "read", json!({"path": "../top.txt", "workspace_root": root})).await;
        assert_eq!(
            above["error"],
            "read_file path rejected by workspace policy: path escapes workspace root"
        );
    }
    let child = run(&gateway, "giver", json!({"path": "a.txt", "workspace_root": "docs"})).await;
    assert_eq!(
        child["got"]["content"], "the operator's",
        "a child works where its parent does: {child}"
    );
    run(
        &gateway,
        "write",
        json!({"path": "new/b.txt", "content": "b", "workspace_root": "docs"}),
    )
    .await;
    let read = gateway.get("/api/gateway/files/read?path=docs/new/b.txt").await.ok();
    assert_eq!(
        read,
        json!({"path": "docs/new/b.txt", "content": "File: docs/new/b.txt (1 lines)\n\n1: b"})
    );
    // Elsewhere the run gets a folder of its own.
    let elsewhere = run(&gateway, "read", json!({"path": "hostname", "workspace_root": "/etc"})).await;
    assert_eq!(elsewhere["error"], "File not found: hostname");
}

#[tokio::test]
async fn without_settings_the_workspace_is_an_empty_folder_of_the_data_directory() {
    let server = Server::start().await;
    let listed = server.gateway().get("/api/gateway/files/list").await.ok();
    assert_eq!(listed, json!({"folder_path": "", "items": [], "truncated": false}));
    assert!(server.data_dir().join("workspace").is_dir());
    let refused = server.gateway().with_token(None).get("/api/gateway/files/list").await;
    refused.refused(401, "Unauthorized");
}

/// How often a kill may come too early or too late.
const ATTEMPTS: usize = 12;

#[tokio::test]
async fn a_file_whose_writing_was_killed_is_whole_after_the_restart_and_nothing_is_left_beside_it() {
    let content = "0123456789abcdef".repeat(256 << 10);
    let big = Flow::new("big")
        .start(&[])
        .node(
            "write",
            "write_file",
            &["file_path", "content"],
            &["bytes", "file_path"],
            json!({"pinDefaults": {"file_path": "big.txt", "content": content}}),
        )
        .end("end", &["bytes"])
        .exec("start -> write -> end")
        .wire("write.bytes -> end.bytes");
    let mut server = Options::new().env("FLOWGATE_MAX_COMPILED_BYTES", "8MiB").start().await;
    server.gateway().install(&Bundle::new("files", "1.0.0").flow(big)).await;
    let mut cut_off = false;
    for _ in 0..ATTEMPTS {
        let gateway = server.gateway();
        let run_id = start(&gateway, "big", json!({})).await;
        let folder = folder(&server, &run_id).await;
        let begun = seen(&folder).await;
        server.kill().await;
        let half = temporary(&folder);
        let whole = folder.join("big.txt");
        assert!(
            !whole.exists() || std::fs::read(&whole).expect("the file") == content.as_bytes(),
            "half a file is in its place"
        );
        server.restart().await;
        let output = server.gateway().output(&run_id).await;
        assert_eq!(output, json!({"bytes": content.len(), "success": true}));
        assert_eq!(std::fs::read(&whole).expect("the file"), content.as_bytes());
        assert_eq!(temporary(&folder), None, "what was cut off is left behind");
        if begun && half.is_some() {
            let rows = server.gateway().ledger(&run_id).await;
            assert_eq!(
                outline(&rows)[..3],
                [
                    "write started write_file",
                    "write started write_file",
                    "write completed write_file"
                ]
            );
            assert_eq!((&rows[0]["attempt"], &rows[1]["attempt"]), (&json!(1), &json!(2)));
            assert_eq!(rows[0]["idempotency_key"], rows[1]["idempotency_key"]);
            cut_off = true;
            break;
        }
    }
    assert!(cut_off, "no kill of {ATTEMPTS} hit a write");
}

/// Waits until something is being written in a folder.
async fn seen(folder: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if temporary(folder).is_some() {
            return true;
        }
        if folder.join("big.txt").exists() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    panic!("nothing is written in {}", folder.display());
}

/// A file that is being written, or was.
fn temporary(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.path()));
    names.find(|path| path.extension().is_some_and(|extension| extension == "tmp"))
}
