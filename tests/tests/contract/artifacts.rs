//! Attachments and artifacts: upload, ingest, import, export, lists, search, content.

use flowgate_tests::{Gateway, Reply, random};
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::checks::Checks;
use crate::flows::echo;
use crate::target;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Uploads a file under these fields.
async fn attach(gateway: &Gateway, fields: &[(&str, &str)], file: Option<(&str, &str, &[u8])>) -> Reply {
    let boundary = random::unique();
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((name, kind, bytes)) = file {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {kind}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let request = gateway
        .request(Method::POST, "/api/gateway/attachments/upload")
        .header("content-type", format!("multipart/form-data; boundary={boundary}"));
    gateway
        .send(request.body(body.into()).expect("a request"))
        .await
        .expect("an answer")
}

#[tokio::test]
async fn an_attachment_is_kept_by_its_content() {
    let (target, checks) = (target::shared().await, Checks::of("attachments"));
    let (gateway, session) = (&target.gateway, target.name("session"));
    let bytes = format!("hello {session}").into_bytes();
    let (owner, sha256) = (format!("session_memory_{session}"), hex(&bytes));
    let id = hex(&[owner.as_bytes(), b"\0", &bytes].concat())[..32].to_owned();
    let uploaded = attach(gateway, &[("session_id", &session)], Some(("note.txt", "text/plain", &bytes))).await;
    let body = checks.ok("upload", &uploaded);
    checks.fields("upload: the session's run", &body, json!({"ok": true, "run_id": owner}));
    let artifact = json!({
        "$artifact": id, "artifact_id": id, "content_type": "text/plain", "modality": "text", "run_id": owner, "filename": "note.txt",
        "source_path": "client:note.txt", "sha256": sha256, "target": "client"
    });
    checks.equal("upload: artifact", body["artifact"].clone(), artifact.clone());
    checks.equal("upload: attachment", body["attachment"].clone(), artifact);
    let tags = json!({
        "kind": "attachment", "target": "client", "source": "upload", "path": "client:note.txt", "filename": "note.txt",
        "session_id": session, "sha256": sha256, "modality": "text"
    });
    let wanted = json!({
        "artifact_id": id, "blob_id": sha256, "content_type": "text/plain", "size_bytes": bytes.len(), "run_id": owner, "tags": tags
    });
    checks.fields("upload: metadata", &body["metadata"], wanted.clone());
    let again = attach(gateway, &[("session_id", &session)], Some(("note.txt", "text/plain", &bytes))).await;
    checks.equal(
        "the same bytes are the same artifact",
        checks.ok("upload again", &again)["artifact"]["$artifact"].clone(),
        id.as_str(),
    );

    let path = format!("/api/gateway/runs/{owner}/artifacts/{id}");
    checks.fields("metadata", &checks.ok("metadata is read", &gateway.get(&path).await), wanted);
    let content = gateway.get(&format!("{path}/content")).await;
    checks.equal(
        "content",
        json!([content.status, content.text()]),
        json!([200, String::from_utf8_lossy(&bytes)]),
    );
    checks.header("content: type", &content, "content-type", "text/plain; charset=utf-8");
    let run = checks.ok(
        "the session's run is one",
        &gateway.get(&format!("/api/gateway/runs/{owner}")).await,
    );
    let said = json!({
        "workflow_id": "__session_memory__", "status": "completed", "current_node": "done", "actor_id": null, "session_id": session
    });
    checks.fields("the session's run", &run, said);

    for list in [
        format!("/api/gateway/runs/{owner}/artifacts"),
        format!("/api/gateway/sessions/{session}/artifacts"),
        format!("/api/gateway/artifacts/search?scope=session&session_id={session}"),
        format!("/api/gateway/artifacts/search?scope=run&run_id={owner}&content_type=text/*&query=note"),
    ] {
        let label = list.replace(&session, "S");
        let page = checks.ok(&label, &gateway.get(&list).await);
        checks.fields(
            &format!("{label}: page"),
            &page,
            json!({"total": 1, "offset": 0, "limit": 500, "has_more": false}),
        );
        let item =
            json!({"artifact_id": id, "run_id": owner, "filename": "note.txt", "semantic_kind": "text", "modality": "text"});
        checks.fields(&format!("{label}: item"), &page["items"][0], item);
    }
    let none = format!("/api/gateway/artifacts/search?scope=session&session_id={session}&content_type=image/*");
    checks.fields(
        "search in vain",
        &checks.ok("search for images", &gateway.get(&none).await),
        json!({"items": [], "total": 0}),
    );
    let stats = checks.ok("stats", &gateway.get("/api/gateway/artifacts/stats").await);
    checks.fields(
        "stats say",
        &stats,
        json!({"ok": true, "scope": "all", "default_page_size": 500}),
    );

    let named = attach(
        gateway,
        &[
            ("session_id", &session),
            ("filename", "data.csv"),
            ("content_type", "text/csv"),
        ],
        Some(("x.bin", "application/octet-stream", b"a,b")),
    )
    .await;
    let said = json!({"filename": "data.csv", "content_type": "text/csv", "source_path": "client:data.csv"});
    checks.fields("name and type as said", &checks.ok("named", &named)["artifact"], said);
    let odd = "with space/ä";
    let uploaded = attach(gateway, &[("session_id", odd)], Some(("n.txt", "text/plain", b"x"))).await;
    let owner = format!("session_memory_sha_{}", &hex(odd.as_bytes())[..32]);
    checks.equal(
        "a session of any name",
        checks.ok("odd session", &uploaded)["run_id"].clone(),
        owner,
    );
}

#[tokio::test]
async fn what_is_no_attachment_is_refused() {
    let (target, checks) = (target::shared().await, Checks::of("attachments refused"));
    let (gateway, session) = (&target.gateway, target.name("session"));
    let blank = attach(gateway, &[("session_id", " ")], Some(("n.txt", "text/plain", b"x"))).await;
    checks.refused("blank session", &blank, 400, "session_id is required");
    let missing = |field: &str| json!({"type": "missing", "loc": ["body", field], "msg": "Field required", "input": null});
    let none = attach(gateway, &[("session_id", &session)], None).await;
    checks.invalid("no file", &none, json!([missing("file")]));
    let unknown = gateway
        .get(&format!("/api/gateway/runs/session_memory_{session}/artifacts/none"))
        .await;
    checks.refused("unknown artifact", &unknown, 404, "Artifact 'none' not found");
    let unknown = gateway
        .get(&format!("/api/gateway/runs/session_memory_{session}/artifacts/none/content"))
        .await;
    checks.refused("content of an unknown artifact", &unknown, 404, "Artifact 'none' not found");
    let unsafe_id = gateway
        .get(&format!("/api/gateway/runs/session_memory_{session}/artifacts/a.b"))
        .await;
    let says = unsafe_id.status == 400 && unsafe_id.detail().starts_with("Invalid artifact id: ");
    checks.holds("unsafe artifact", says, || {
        format!("{} {}", unsafe_id.status, unsafe_id.text())
    });
    let run = gateway.get("/api/gateway/runs/none/artifacts").await;
    checks.refused("artifacts of an unknown run", &run, 404, "Run 'none' not found");
    let fresh = gateway
        .get(&format!("/api/gateway/runs/session_memory_{session}/artifacts"))
        .await;
    checks.fields(
        "a session's run is made when it is asked for",
        &checks.ok("of a new session", &fresh),
        json!({"items": [], "total": 0}),
    );

    let ingest = async |body: Value| gateway.post("/api/gateway/attachments/ingest", &body).await;
    let out = ingest(json!({"session_id": session, "path": "../../etc/passwd"})).await;
    checks.refused("ingest from outside", &out, 403, "path escapes workspace root");
    let gone = ingest(json!({"session_id": session, "path": "none.txt"})).await;
    checks.refused("ingest of what is not there", &gone, 404, "File not found");
    let folder = ingest(json!({"session_id": session, "path": "notes"})).await;
    checks.refused("ingest of a folder", &folder, 400, "Path is not a file");
    let blank = ingest(json!({"session_id": " ", "path": "notes/a.txt"})).await;
    checks.refused("ingest without a session", &blank, 400, "session_id is required");
}

#[tokio::test]
async fn a_file_goes_in_and_an_artifact_out() {
    let Some(server) = target::own(target::with_files()).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("import and export"));
    let body = json!({"session_id": "s", "path": "notes/a.txt"});
    let ingested = checks.ok("ingest", &gateway.post("/api/gateway/attachments/ingest", &body).await);
    let said = json!({"filename": "a.txt", "source_path": "notes/a.txt", "target": "server", "content_type": "text/plain"});
    checks.fields("ingest: attachment", &ingested["attachment"], said);
    let tags = json!({"kind": "attachment", "source": "workspace", "target": "server", "path": "notes/a.txt"});
    checks.fields("ingest: tags", &ingested["metadata"]["tags"], tags);
    let imported = checks.ok("import", &gateway.post("/api/gateway/artifacts/import", &body).await);
    checks.fields("import: answer", &imported, json!({"ok": true, "run_id": "session_memory_s"}));
    let source = json!({"session_id": "s", "source": {"kind": "workspace_path", "path": "notes/a.txt"}});
    checks.ok(
        "import by source",
        &gateway.post("/api/gateway/artifacts/import", &source).await,
    );

    let id = ingested["attachment"]["$artifact"].as_str().unwrap_or_default();
    let path = format!("/api/gateway/runs/session_memory_s/artifacts/{id}/export");
    let exported = gateway.post(&path, &json!({"path": "out.txt"})).await;
    let said =
        json!({"ok": true, "artifact_id": id, "run_id": "session_memory_s", "bytes_written": 11, "sha256": hex(b"first line\n")});
    checks.fields("export", &checks.ok("export is done", &exported), said);
    checks.equal(
        "export: file",
        std::fs::read_to_string(server.workspace().join("out.txt")).unwrap_or_default(),
        "first line\n",
    );
    let again = gateway.post(&path, &json!({"path": "out.txt"})).await;
    checks.refused(
        "export over it",
        &again,
        409,
        "Destination already exists; set overwrite=true to replace it",
    );
    checks.ok(
        "export over it on purpose",
        &gateway.post(&path, &json!({"path": "out.txt", "overwrite": true})).await,
    );
    let out = gateway.post(&path, &json!({"path": "../out.txt"})).await;
    checks.refused("export out", &out, 403, "path escapes workspace root");
}

#[tokio::test]
async fn a_part_of_the_content_can_be_asked_for() {
    let (target, checks) = (target::shared().await, Checks::of("content"));
    let (gateway, session) = (&target.gateway, target.name("session"));
    let uploaded = attach(
        gateway,
        &[("session_id", &session)],
        Some(("page.html", "text/html", b"<b>0123456789</b>")),
    )
    .await;
    let id = checks.ok("upload", &uploaded)["artifact"]["$artifact"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("/api/gateway/runs/session_memory_{session}/artifacts/{id}/content");
    let request = gateway.request(Method::GET, &path).header("range", "bytes=3-5");
    let part = gateway
        .send(request.body(Default::default()).expect("a request"))
        .await
        .expect("an answer");
    checks.equal(
        "a range",
        json!([part.status, part.text(), part.header("content-range")]),
        json!([206, "012", "bytes 3-5/17"]),
    );
    let request = gateway.request(Method::GET, &path).header("range", "bytes=99-");
    let beyond = gateway
        .send(request.body(Default::default()).expect("a request"))
        .await
        .expect("an answer");
    checks.equal("a range beyond the end", beyond.status, 416);
    let whole = gateway.get(&path).await;
    checks.header("no guessing", &whole, "x-content-type-options", "nosniff");
    let harmless = whole.header("content-disposition").starts_with("attachment")
        || whole.header("content-security-policy").contains("sandbox");
    checks.holds("a page is not shown as one of ours", harmless, || {
        format!("{:?}", whole.headers)
    });
}

#[tokio::test]
async fn a_run_keeps_a_snapshot_of_its_flow() {
    let (target, checks) = (target::shared().await, Checks::of("snapshot"));
    let (gateway, id) = (&target.gateway, target.name("snapshot"));
    gateway.install(&echo(&id, "1.0.0")).await;
    let run = gateway.start(&id, json!({"x": 1})).await;
    gateway.until_status(&run, "completed").await;
    let page = checks.ok("artifacts", &gateway.get(&format!("/api/gateway/runs/{run}/artifacts")).await);
    let workflow = format!("{id}@1.0.0:root");
    let wanted = json!({"run_id": run, "content_type": "application/json", "semantic_kind": "workflow_snapshot"});
    checks.fields("snapshot", &page["items"][0], wanted);
    let tags = json!({"kind": "workflow_snapshot", "format": "visualflow_json", "workflow_id": workflow});
    checks.fields("snapshot: tags", &page["items"][0]["tags"], tags);
}
