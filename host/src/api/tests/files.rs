//! The workspace's files over HTTP.

use std::fs;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::{Gateway, TOKEN};
use crate::security::Settings;
use crate::workspace::Options;

fn settings() -> Settings {
    Settings {
        tokens: vec![TOKEN.into()],
        ..Settings::default()
    }
}

/// A gateway whose workspace has a few files; the directory is gone with the second part.
async fn site(settings: Settings, change: impl FnOnce(&mut Options)) -> (Gateway, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("files/notes/a.txt", &b"first line\n"[..]),
        ("files/dist/x.txt", b"built"),
        ("files/binary.bin", b"\xff\xfe"),
        ("lib/m.md", b"# M"),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let mut options = Options {
        dir: dir.path().join("files"),
        mounts: format!("lib={}", dir.path().join("lib").display()),
        data_dir: dir.path().join("data"),
        index_ttl: std::time::Duration::from_secs(30),
        index_max_files: 1000,
        ..Options::default()
    };
    change(&mut options);
    (Gateway::over(settings, options).await, dir)
}

async fn usual() -> (Gateway, tempfile::TempDir) {
    site(settings(), |_| {}).await
}

const FILES: &str = "/api/gateway/files";

#[tokio::test]
async fn the_policy_names_mounts_and_no_path_of_this_machine() {
    let (gateway, _dir) = usual().await;
    gateway.get("/api/gateway/workspace/policy").await.expect(
        200,
        concat!(
            r#"{"ok":true,"policy":{"target":"server","mounts":[{"name":"lib"}],"max_attachment_bytes":26214400,"#,
            r#""client_workspace_scope_overrides":false,"allowed_access_modes":["workspace_only","workspace_or_allowed"]}}"#
        ),
    );
    let (gateway, _dir) = site(settings(), |options| options.client_scope = true).await;
    let policy = &gateway.get("/api/gateway/workspace/policy").await.json()["policy"];
    assert_eq!(policy["client_workspace_scope_overrides"], true);
    assert_eq!(policy["allowed_access_modes"][2], "all_except_ignored");
}

#[tokio::test]
async fn files_are_read_with_numbers_and_what_cannot_be_read_is_said_in_their_place() {
    let (gateway, dir) = usual().await;
    let read = async |query: &str| gateway.get(&format!("{FILES}/read?path={query}")).await;
    read("notes/a.txt").await.expect(
        200,
        r#"{"path":"notes/a.txt","content":"File: notes/a.txt (1 lines)\n\n1: first line"}"#,
    );
    let absolute = dir.path().join("files/notes/a.txt");
    assert_eq!(read(absolute.to_str().unwrap()).await.json()["path"], "notes/a.txt");
    for (path, content) in [
        ("none.txt", "Error: File 'none.txt' does not exist"),
        ("notes", "Error: 'notes' is not a file"),
        ("dist/x.txt", "Error: File 'dist/x.txt' is ignored by .abstractignore policy"),
        ("binary.bin", "Error: Cannot read 'binary.bin' - file appears to be binary"),
        (
            "notes/a.txt&start_line=2",
            "Error: Start line 2 exceeds file length (1 lines)",
        ),
    ] {
        assert_eq!(read(path).await.json()["content"], content, "{path}");
    }
    read("../../etc/passwd").await.refused(403, "path escapes workspace root");
    read("/etc/passwd").await.refused(403, "path is outside workspace roots");
    read("%20").await.refused(400, "path is required");
    read("a%00b").await.refused(400, "invalid path");
    read("C:%5Cx").await.refused(400, "invalid absolute path");
    let missing = r#"{"detail":[{"type":"missing","loc":["query","path"],"msg":"Field required","input":null}]}"#;
    gateway.get(&format!("{FILES}/read")).await.expect(422, missing);
    assert_eq!(read("notes/a.txt&start_line=0").await.status, 422);
    assert_eq!(read("notes/a.txt&end_line=x").await.status, 422);
}

#[tokio::test]
async fn files_are_skimmed() {
    let (gateway, _dir) = usual().await;
    let skim = async |query: &str| gateway.get(&format!("{FILES}/skim?path={query}")).await;
    let shown = r#"{"path":"notes/a.txt","content":"File: notes/a.txt (1 lines) - skim 1 lines (target 8.0%)\n\n1: first line"}"#;
    skim("notes/a.txt").await.expect(200, shown);
    let error = r#"{"path":"none","content":"File: none\n\nError: File does not exist"}"#;
    skim("none").await.expect(200, error);
    let bound = skim("a&target_percent=0.5").await;
    assert_eq!(bound.status, 422);
    assert!(
        bound.text.contains(r#""type":"greater_than_equal""#) && bound.text.contains(r#""ctx":{"ge":1.0}"#),
        "{}",
        bound.text
    );
    assert_eq!(skim("a&target_percent=26").await.status, 422);
    assert_eq!(skim("a&head_lines=501").await.status, 422);
}

#[tokio::test]
async fn folders_are_listed_and_files_are_found() {
    let (gateway, _dir) = usual().await;
    let list = async |query: &str| gateway.get(&format!("{FILES}/list{query}")).await;
    list("").await.expect(
        200,
        concat!(
            r#"{"folder_path":"","items":[{"path":"notes","name":"notes","kind":"folder","family":"folder"},"#,
            r#"{"path":"binary.bin","name":"binary.bin","kind":"file","family":"other","size_bytes":2},"#,
            r#"{"path":"lib","name":"lib","kind":"folder","family":"folder","mount":"lib"}],"truncated":false}"#
        ),
    );
    list("?path=notes&family=text").await.expect(
        200,
        r#"{"folder_path":"notes","items":[{"path":"notes/a.txt","name":"a.txt","kind":"file","family":"text","size_bytes":11}],"truncated":false}"#,
    );
    list("?path=none").await.refused(404, "Folder not found");
    list("?path=notes/a.txt").await.refused(400, "Path is not a folder");
    list("?path=dist")
        .await
        .refused(403, "Path is ignored by .abstractignore policy");
    assert_eq!(
        list("?limit=0&max_depth=51").await.json()["detail"].as_array().unwrap().len(),
        2
    );

    let search = async |query: &str| gateway.get(&format!("{FILES}/search{query}")).await;
    search("?query=a.t")
        .await
        .expect(200, r#"{"items":[{"path":"notes/a.txt","size_bytes":11}]}"#);
    search("?query=M.MD")
        .await
        .expect(200, r#"{"items":[{"path":"lib/m.md","mount":"lib","size_bytes":3}]}"#);
    search("?query=%20").await.expect(200, r#"{"items":[]}"#);
    assert_eq!(search("").await.status, 422);
    assert_eq!(search("?query=a&limit=201").await.status, 422);
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_said() {
    let (gateway, dir) = usual().await;
    fs::remove_dir_all(dir.path().join("files")).unwrap();
    let text = "the workspace directory cannot be opened";
    gateway.get(&format!("{FILES}/read?path=a")).await.refused(404, text);
    let answer = format!(r#"{{"items":[],"error":"{text}"}}"#);
    gateway.get(&format!("{FILES}/search?query=a")).await.expect(200, &answer);
}

#[tokio::test]
async fn a_client_s_own_folders_count_only_where_the_operator_says_so() {
    let (gateway, _dir) = usual().await;
    let path = format!("{FILES}/read?path=a.txt&workspace_root=notes");
    assert!(gateway.get(&path).await.text.contains("does not exist"));
    let (gateway, _dir) = site(settings(), |options| options.client_scope = true).await;
    assert!(gateway.get(&path).await.text.contains("1: first line"));
    let blocked = format!("{path}&workspace_ignored_paths=a.txt");
    gateway
        .get(&blocked)
        .await
        .refused(403, "path is blocked by workspace_ignored_paths");
}

#[tokio::test]
async fn files_are_an_administrator_s() {
    let open = Settings {
        protect_read: false,
        ..settings()
    };
    let (gateway, _dir) = site(open, |_| {}).await;
    let bare = |path: &str| Request::builder().method(Method::GET).uri(path).body(Body::empty()).unwrap();
    let refused = concat!(
        r#"{"detail":"Admin principal required","reason_code":"admin_required","required_role":"admin","#,
        r#""resource_class":"workspace","action":"read"}"#
    );
    let path = format!("{FILES}/read?path=notes/a.txt");
    gateway.send(bare(&path)).await.expect(403, refused);
    assert_eq!(gateway.send(bare("/api/gateway/workspace/policy")).await.status, 200);
    assert_eq!(gateway.get(&path).await.status, 200);
}

const INGEST: &str = "/api/gateway/attachments/ingest";
const IMPORT: &str = "/api/gateway/artifacts/import";

#[tokio::test]
async fn a_file_of_the_workspace_becomes_an_attachment_of_a_session() {
    let (gateway, _dir) = usual().await;
    let ingest = async |body: serde_json::Value| gateway.post(INGEST, &body.to_string()).await;
    let answer = ingest(json!({"session_id": "sess-1", "path": "@notes/a.txt"})).await.json();
    let id = crate::record::artifact::artifact_id("session_memory_sess-1", b"first line\n");
    let sha256 = crate::ids::Digest::of(b"first line\n").hex();
    assert_eq!(
        answer["attachment"],
        json!({"$artifact": id, "artifact_id": id, "content_type": "text/plain", "modality": "text", "run_id": "session_memory_sess-1",
            "filename": "a.txt", "source_path": "notes/a.txt", "sha256": sha256, "target": "server"})
    );
    assert_eq!(
        (&answer["artifact"], &answer["run_id"]),
        (&answer["attachment"], &json!("session_memory_sess-1"))
    );
    assert_eq!(
        answer["metadata"]["tags"],
        json!({"kind": "attachment", "target": "server", "source": "workspace", "path": "notes/a.txt", "filename": "a.txt",
            "session_id": "sess-1", "modality": "text", "sha256": sha256})
    );
    let content = format!("/api/gateway/runs/session_memory_sess-1/artifacts/{id}/content");
    assert_eq!(gateway.get(&content).await.text, "first line\n");
    let named = ingest(json!({"session_id": "s", "path": "notes/a.txt", "filename": "x/b.bin", "content_type": "Text/X"})).await;
    let named = named.json();
    assert_eq!(
        (&named["artifact"]["filename"], &named["artifact"]["content_type"]),
        (&json!("b.bin"), &json!("text/x"))
    );

    for (body, status, detail) in [
        (json!({"session_id": " ", "path": "x"}), 400, "session_id is required"),
        (json!({"session_id": "s", "path": " "}), 400, "path is required"),
        (json!({"session_id": "s", "path": "none"}), 404, "File not found"),
        (json!({"session_id": "s", "path": "notes"}), 400, "Path is not a file"),
        (
            json!({"session_id": "s", "path": "dist/x.txt"}),
            403,
            "Path is ignored by .abstractignore policy",
        ),
        (json!({"session_id": "s", "path": "../x"}), 403, "path escapes workspace root"),
        (
            json!({"session_id": "s", "path": "/etc/passwd"}),
            403,
            "path is outside workspace roots",
        ),
        (
            json!({"session_id": "s", "path": "notes/a.txt", "content_type": "a\r\nb"}),
            400,
            "Invalid content_type: 'a\r\nb' is not of the form type/subtype",
        ),
    ] {
        ingest(body).await.refused(status, detail);
    }
    assert_eq!(ingest(json!({"path": 5})).await.json()["detail"].as_array().unwrap().len(), 2);
    let small = Settings {
        max_attachment_bytes: 10,
        ..settings()
    };
    let (gateway, _dir) = site(small, |_| {}).await;
    let body = json!({"session_id": "s", "path": "notes/a.txt"}).to_string();
    gateway
        .post(INGEST, &body)
        .await
        .refused(413, "Attachment too large (11 bytes > 10 bytes)");
    gateway
        .post(IMPORT, &body)
        .await
        .refused(413, "Artifact too large (11 bytes > 10 bytes)");
}

#[tokio::test]
async fn a_file_of_the_workspace_becomes_the_input_of_a_run() {
    let (gateway, _dir) = usual().await;
    let import = async |body: serde_json::Value| gateway.post(IMPORT, &body.to_string()).await;
    let answer = import(json!({
        "session_id": "s", "source": {"kind": "Path", "path": "lib/m.md"}, "pin_id": "doc", "tags": {"a": " b ", "blank": " ", "kind": "mine"},
    }))
    .await
    .json();
    assert_eq!(answer.get("attachment"), None);
    let tags = &answer["metadata"]["tags"];
    for (name, value) in [
        ("kind", "run_input"),
        ("purpose", "run_input"),
        ("pin_id", "doc"),
        ("a", "b"),
        ("path", "lib/m.md"),
        ("source", "workspace"),
    ] {
        assert_eq!(tags[name], value, "{name} in {tags}");
    }
    assert_eq!(tags.get("blank"), None);
    import(json!({"session_id": "s", "source": {"kind": "url", "path": "x"}}))
        .await
        .refused(400, "source.kind must be 'workspace_path'");
    import(json!({"session_id": "s"})).await.refused(400, "path is required");
    let findings = import(json!({"session_id": "s", "path": "x", "tags": {"n": 5}, "source": {"kind": 1}})).await;
    let findings = findings.json()["detail"].clone();
    assert_eq!(findings[0]["loc"], json!(["body", "source", "kind"]), "{findings}");
    assert_eq!(findings[1]["loc"], json!(["body", "tags", "n"]), "{findings}");
}

#[tokio::test]
async fn an_artifact_is_written_into_the_workspace() {
    let (gateway, dir) = usual().await;
    let body = json!({"session_id": "s", "path": "notes/a.txt"}).to_string();
    let id = gateway.post(INGEST, &body).await.json()["artifact"]["artifact_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/gateway/runs/session_memory_s/artifacts/{id}/export");
    let export = async |body: serde_json::Value| gateway.post(&path, &body.to_string()).await;
    let answer = export(json!({"path": "lib/copy.txt"})).await;
    let sha256 = crate::ids::Digest::of(b"first line\n").hex();
    assert_eq!(
        answer.json(),
        json!({"ok": true, "artifact_id": id, "run_id": "session_memory_s", "path": "lib/copy.txt", "bytes_written": 11,
            "content_type": "text/plain", "sha256": sha256})
    );
    assert_eq!(fs::read_to_string(dir.path().join("lib/copy.txt")).unwrap(), "first line\n");
    let exists = "Destination already exists; set overwrite=true to replace it";
    export(json!({"destination": "lib/copy.txt"})).await.refused(409, exists);
    assert_eq!(
        export(json!({"destination": "lib/copy.txt", "overwrite": true})).await.status,
        200
    );
    export(json!({"path": "a/b/c.txt"}))
        .await
        .refused(404, "Destination parent directory does not exist");
    assert_eq!(
        export(json!({"path": "a/b/c.txt", "create_parent_dirs": true})).await.status,
        200
    );
    assert!(dir.path().join("files/a/b/c.txt").is_file());
    for (path, status, detail) in [
        ("", 400, "path is required"),
        ("notes", 400, "Destination path is not a file"),
        ("notes/a.txt/x", 400, "Destination parent is not a directory"),
        ("dist/y.txt", 403, "Path is ignored by .abstractignore policy"),
        (".abstractignore", 403, "Path is ignored by .abstractignore policy"),
        ("../y.txt", 403, "path escapes workspace root"),
        ("/tmp/y.txt", 403, "path is outside workspace roots"),
    ] {
        export(json!({"path": path, "overwrite": true})).await.refused(status, detail);
    }
    let other = format!("/api/gateway/runs/session_memory_other/artifacts/{id}/export");
    gateway
        .post(&other, r#"{"path": "x"}"#)
        .await
        .refused(404, "artifact not found");
    let none = "/api/gateway/runs/session_memory_s/artifacts/none/export";
    gateway
        .post(none, r#"{"path": "x"}"#)
        .await
        .refused(404, "Artifact 'none' not found");
}

#[tokio::test]
async fn bringing_files_in_and_out_is_an_administrator_s() {
    let open = Settings {
        protect_write: false,
        ..settings()
    };
    let (gateway, _dir) = site(open, |_| {}).await;
    for path in [INGEST, IMPORT, "/api/gateway/runs/r/artifacts/a/export"] {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .body(Body::from("{}"))
            .unwrap();
        let refused = gateway.send(request).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["action"]),
            (403, &json!("write")),
            "{path}"
        );
    }
}
