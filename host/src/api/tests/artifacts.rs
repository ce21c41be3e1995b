use std::collections::HashMap;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::super::{Admission, Starts};
use super::{Answer, Gateway, TOKEN, request};
use crate::ids::Digest;
use crate::security::Settings;
use crate::workspace;

/// A form for an attachment; a field named `file:NAME` is a file of that name.
fn form(fields: &[(&str, &str)]) -> Request<Body> {
    let mut body = String::new();
    for (name, value) in fields {
        let (name, file) = name.split_once(':').unwrap_or((name, ""));
        let file = if file.is_empty() {
            String::new()
        } else {
            format!("; filename=\"{file}\"\r\nContent-Type: text/plain")
        };
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    body += "--b--\r\n";
    request(Method::POST, "/api/gateway/attachments/upload")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .unwrap()
}

impl Gateway {
    /// Uploads a file and answers the artifact's id.
    async fn attach(&self, session: &str, name: &str, content_type: &str, bytes: &str) -> String {
        let file = format!("file:{name}");
        let fields = [("session_id", session), ("content_type", content_type), (&file, bytes)];
        let answer = self.send(form(&fields)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["artifact"]["artifact_id"].as_str().unwrap().to_owned()
    }

    /// Looks are counted behind the answers: what is asked of the journal now is answered after them.
    async fn settle(&self) {
        let done = self.journal.make_session_memory(crate::ids::TenantId::LOCAL, "nobody").await;
        done.unwrap();
    }

    async fn content(&self, id: &str, headers: &[(&str, &str)]) -> Answer {
        let path = format!("/api/gateway/runs/session_memory_s/artifacts/{id}/content");
        let mut request = request(Method::GET, &path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn an_attachment_is_told_as_the_reference_tells_it() {
    let gateway = Gateway::new().await;
    // The order of the fields is the client's.
    let answer = gateway
        .send(form(&[("file:note.txt", "hello attachment"), ("session_id", " sess-1 ")]))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let id = "10414e96ba2fdf6c4433e0e20280a624";
    let sha256 = Digest::of(b"hello attachment").hex();
    let reference = json!({"$artifact": id, "artifact_id": id, "content_type": "text/plain", "modality": "text",
        "run_id": "session_memory_sess-1", "filename": "note.txt", "source_path": "client:note.txt", "sha256": sha256, "target": "client"});
    assert_eq!(
        (&body["ok"], &body["run_id"]),
        (&json!(true), &json!("session_memory_sess-1"))
    );
    assert_eq!((&body["artifact"], &body["attachment"]), (&reference, &reference));
    let tags = json!({"kind": "attachment", "target": "client", "source": "upload", "path": "client:note.txt",
        "filename": "note.txt", "session_id": "sess-1", "sha256": sha256, "modality": "text"});
    let metadata = &body["metadata"];
    assert_eq!((&metadata["tags"], &metadata["blob_id"]), (&tags, &json!(sha256)));
    assert_eq!(
        metadata["descriptor"],
        json!({"schema": "abstractruntime.artifact_descriptor.v1", "schema_version": 1, "semantic_kind": "text", "render_kind": "text",
            "modality": "text", "task": "", "classification_source": "runtime_tags", "session_id": "sess-1", "workflow_id": null,
            "node_id": null, "step_id": null, "effect_id": null, "turn_id": null, "ledger_cursor": null, "parent_run_id": null,
            "actor_id": null, "producer": {}, "provenance": {"run_id": "session_memory_sess-1", "source": "upload"}, "generation": {},
            "media": {}, "source_refs": [], "links": {}, "security": {}, "actions": {}})
    );
    let run = gateway.get("/api/gateway/runs/session_memory_sess-1").await.json();
    assert_eq!(
        (&run["workflow_id"], &run["status"], &run["current_node"], &run["actor_id"]),
        (
            &json!("__session_memory__"),
            &json!("completed"),
            &json!("done"),
            &Value::Null
        )
    );
    let path = format!("/api/gateway/runs/session_memory_sess-1/artifacts/{id}");
    let one = gateway.get(&path).await.json();
    assert_eq!(one["access"]["metadata_access_count"], 1);
    assert_eq!(one["artifact_envelope_v1"]["title"], "note.txt");
    gateway.settle().await;
    let items = gateway.get("/api/gateway/sessions/sess-1/artifacts").await.json();
    let item = &items["items"][0];
    assert_eq!(
        (&items["total"], &items["limit"], &items["has_more"]),
        (&json!(1), &json!(500), &json!(false))
    );
    assert_eq!((&item["ref"], &item["links"]["detail"]), (&reference, &json!(path)));
    assert_eq!(item["access"]["actions"], json!({"metadata": 1}));
    assert_eq!(item["artifact_envelope_v1"]["actions"]["open_provider_trace"], false);
    assert_eq!(
        (&items["facets"], &items["stats"], &items["cursor"]),
        (&json!({}), &json!({}), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said() {
    let settings = crate::security::Settings {
        tokens: vec![super::TOKEN.into()],
        max_attachment_bytes: 8,
        ..Default::default()
    };
    let gateway = Gateway::with(settings).await;
    let missing = gateway.send(form(&[("filename", "x")])).await;
    assert_eq!(missing.status, 422);
    let locations: Vec<Value> = missing.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["loc"].clone())
        .collect();
    assert_eq!(locations, [json!(["body", "session_id"]), json!(["body", "file"])]);
    let no_form = gateway.post("/api/gateway/attachments/upload", "{}").await;
    assert_eq!(no_form.status, 422);
    gateway
        .send(form(&[("session_id", "  "), ("file:a", "x")]))
        .await
        .refused(400, "session_id is required");
    gateway
        .send(form(&[("session_id", "s"), ("file:a", "0123456789")]))
        .await
        .refused(413, "Attachment too large (10 bytes > 8 bytes)");
    gateway
        .send(form(&[("session_id", "s"), ("content_type", "nonsense"), ("file:a", "x")]))
        .await
        .refused(400, "Invalid content_type: 'nonsense' is not of the form type/subtype");
    let long = "x".repeat(9000);
    gateway
        .send(form(&[("session_id", &long), ("file:a", "x")]))
        .await
        .refused(400, "session_id is longer than 8192 bytes");
    let named = gateway
        .send(form(&[
            ("session_id", "s"),
            ("filename", "C:\\dir\\..\\a\tb.md"),
            ("file:ignored", "x"),
        ]))
        .await;
    assert_eq!(named.json()["artifact"]["filename"], "ab.md");
    let total = gateway.get("/api/gateway/artifacts/stats").await.json()["total"].clone();
    assert_eq!(total, 1);
}

#[tokio::test]
async fn content_comes_whole_in_parts_and_only_when_it_is_new() {
    let gateway = Gateway::new().await;
    let id = gateway.attach("s", "note.txt", "text/plain", "hello attachment").await;
    let whole = gateway.content(&id, &[]).await.expect(200, "hello attachment");
    let etag = format!("\"{}\"", Digest::of(b"hello attachment").hex());
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "16"),
        ("accept-ranges", "bytes"),
        ("etag", &etag),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("content-disposition", "inline; filename=\"note.txt\""),
        ("last-modified", ""),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    let part = gateway.content(&id, &[("range", "bytes=6-9")]).await.expect(206, "atta");
    assert_eq!(part.header("content-range"), "bytes 6-9/16");
    gateway.content(&id, &[("range", "bytes=-4")]).await.expect(206, "ment");
    gateway
        .content(&id, &[("range", "bytes=6-9"), ("if-range", &etag)])
        .await
        .expect(206, "atta");
    gateway
        .content(&id, &[("range", "bytes=6-9"), ("if-range", "\"other\"")])
        .await
        .expect(200, "hello attachment");
    let beyond = gateway.content(&id, &[("range", "bytes=99-")]).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), "bytes */16");
    let known = gateway
        .content(&id, &[("if-none-match", &format!("\"x\", W/{etag}"))])
        .await
        .expect(304, "");
    assert_eq!(known.header("etag"), etag);
    gateway
        .content(
            &id,
            &[
                ("if-none-match", "\"x\""),
                ("if-modified-since", "Sat, 01 Jan 2050 00:00:00 GMT"),
            ],
        )
        .await
        .expect(200, "hello attachment");
}

#[tokio::test]
async fn what_could_act_as_a_page_is_saved_and_not_shown() {
    let gateway = Gateway::new().await;
    let cases = [
        ("a.html", "text/html", "attachment; filename=\"a.html\""),
        ("a.svg", "image/svg+xml", "attachment; filename=\"a.svg\""),
        ("a.js", "application/javascript", "attachment; filename=\"a.js\""),
        ("a.png", "image/png", "inline; filename=\"a.png\""),
        (
            "\u{e4}\"b.txt",
            "text/plain",
            "inline; filename=\"__b.txt\"; filename*=UTF-8''%C3%A4%22b.txt",
        ),
    ];
    for (name, content_type, wanted) in cases {
        let fields = [
            ("session_id", "s"),
            ("content_type", content_type),
            ("filename", name),
            ("file:x", name),
        ];
        let answer = gateway.send(form(&fields)).await.json();
        let id = answer["artifact"]["artifact_id"].as_str().unwrap().to_owned();
        assert_eq!(gateway.content(&id, &[]).await.header("content-disposition"), wanted);
        let path = format!("/api/gateway/runs/session_memory_s/artifacts/{id}/content?access=download");
        let saved = gateway.get(&path).await;
        assert!(saved.header("content-disposition").starts_with("attachment; "), "{name}");
    }
    let id = gateway.attach("s", "n.txt", "text/plain", "counted").await;
    for access in ["?access=preview", "?access_action=download", "", "?access=unknown"] {
        let path = format!("/api/gateway/runs/session_memory_s/artifacts/{id}/content{access}");
        assert_eq!(gateway.get(&path).await.status, 200);
    }
    gateway.settle().await;
    let one = gateway
        .get(&format!("/api/gateway/runs/session_memory_s/artifacts/{id}"))
        .await
        .json();
    assert_eq!(
        one["access"]["actions"],
        json!({"metadata": 1, "content": 2, "preview": 1, "download": 1})
    );
    assert_eq!(
        (&one["access"]["access_count"], &one["access"]["last_action"]),
        (&json!(5), &json!("metadata"))
    );
}

#[tokio::test]
async fn a_run_shows_its_own_artifacts_and_those_of_its_session() {
    let gateway = Gateway::new().await;
    let own = gateway.start(r#"{"bundle_id":"demo","session_id":"s"}"#).await;
    let other = gateway.start(r#"{"bundle_id":"demo","session_id":"t"}"#).await;
    let id = gateway.attach("s", "note.txt", "text/plain", "x").await;
    for path in ["", "/content"] {
        let of = |run: &str| format!("/api/gateway/runs/{run}/artifacts/{id}{path}");
        assert_eq!(gateway.get(&of(&own)).await.status, 200);
        gateway.get(&of(&other)).await.refused(404, "artifact not found");
        gateway.get(&of("none")).await.refused(404, "Run 'none' not found");
        let unknown = format!("/api/gateway/runs/{own}/artifacts/none{path}");
        gateway.get(&unknown).await.refused(404, "Artifact 'none' not found");
        let bad = format!("/api/gateway/runs/{own}/artifacts/a.b{path}");
        gateway.get(&bad).await.refused(
            400,
            "Invalid artifact id: Invalid artifact_id 'a.b': must contain only alphanumeric characters, hyphens, and underscores",
        );
    }
    gateway
        .get("/api/gateway/runs/none/artifacts")
        .await
        .refused(404, "Run 'none' not found");
    let memory = gateway.get("/api/gateway/runs/session_memory_none/artifacts").await.json();
    assert_eq!(memory["total"], 0);
}

#[tokio::test]
async fn a_session_s_memory_is_there_from_the_first_look() {
    let gateway = Gateway::new().await;
    gateway
        .get("/api/gateway/runs/session_memory_s")
        .await
        .refused(404, "Run 'session_memory_s' not found");
    let run = gateway.start(r#"{"bundle_id":"demo","session_id":"s"}"#).await;
    let created = gateway.get(&format!("/api/gateway/runs/{run}")).await.json()["created_at"].clone();
    gateway
        .get("/api/gateway/runs/session_memory_s/ledger")
        .await
        .expect(200, r#"{"items":[],"next_after":0}"#);
    let memory = gateway.get("/api/gateway/runs/session_memory_s").await.json();
    assert_eq!((&memory["status"], &memory["created_at"]), (&json!("completed"), &created));
}

#[tokio::test]
async fn a_start_leaves_a_snapshot_of_its_workflow() {
    let gateway = Gateway::new().await;
    let run = gateway
        .start(r#"{"bundle_id":"demo","input_data":{"_runtime":{"workflow_snapshot":"mine"}}}"#)
        .await;
    let page = gateway.get(&format!("/api/gateway/runs/{run}/artifacts")).await.json();
    let item = &page["items"][0];
    let flow = super::fake::FLOW;
    let sha256 = Digest::of(flow.as_bytes()).hex();
    let id = crate::record::artifact::artifact_id(&run, flow.as_bytes());
    assert_eq!(page["total"], 1);
    assert_eq!(
        item["tags"],
        json!({"format": "visualflow_json", "kind": "workflow_snapshot", "sha256": sha256, "workflow_id": "demo@1.1.0:approve"})
    );
    assert_eq!(
        (
            &item["artifact_id"],
            &item["semantic_kind"],
            &item["title"],
            &item["session_id"]
        ),
        (
            &json!(id),
            &json!("workflow_snapshot"),
            &json!(format!("Workflow Snapshot {}", &id[..12])),
            &Value::Null
        )
    );
    gateway
        .get(&format!("/api/gateway/runs/{run}/artifacts/{id}/content"))
        .await
        .expect(200, flow);
    let vars: Value = serde_json::from_str(gateway.run(&run).await.host_vars.get()).unwrap();
    let named = &vars["_runtime"]["workflow_snapshot"];
    assert_eq!(
        (
            &named["artifact_id"],
            &named["sha256"],
            &named["format"],
            &named["workflow_id"]
        ),
        (
            &json!(id),
            &json!(sha256),
            &json!("visualflow_json"),
            &json!("demo@1.1.0:approve")
        )
    );
}

#[tokio::test]
async fn artifacts_are_searched_and_counted() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id":"demo","session_id":"s"}"#).await;
    for (session, name, content_type) in [
        ("s", "a.txt", "text/plain"),
        ("s", "b.png", "image/png"),
        ("t", "c.txt", "text/plain"),
    ] {
        gateway.attach(session, name, content_type, name).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let answer = gateway.get(&format!("/api/gateway/artifacts/search?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let body = answer.json();
        let items = body["items"].as_array().unwrap();
        let mut names: Vec<_> = items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    for (query, wanted) in [
        ("scope=session&session_id=s", vec!["a.txt", "b.png"]),
        ("scope=run&run_id=session_memory_t", vec!["c.txt"]),
        ("modality=IMAGE", vec!["b.png"]),
        ("artifact_kind=text,image", vec!["a.txt", "b.png", "c.txt"]),
        ("artifact_kind=text,image&semantic_kind=image", vec!["b.png"]),
        ("artifact_kind=text&semantic_kind=image", vec![]),
        ("content_type=image/*", vec!["b.png"]),
        ("query=C.TXT", vec!["c.txt"]),
        ("tags=filename=a.txt,kind:attachment", vec!["a.txt"]),
        ("tags=%7B%22filename%22:%22b.png%22%7D", vec!["b.png"]),
        ("tags=none=x", vec![]),
        ("created_before=2020-01-01T00:00:00+00:00", vec![]),
        ("created_after=2020-01-01&semantic_kind=text", vec!["a.txt", "c.txt"]),
    ] {
        assert_eq!(names(query).await, wanted, "{query}");
    }
    let first = gateway
        .get("/api/gateway/artifacts/search?limit=3&include_stats=true")
        .await
        .json();
    assert_eq!(
        (&first["total"], &first["has_more"], &first["order"]),
        (&json!(4), &json!(true), &json!("desc"))
    );
    assert_eq!(first["stats"]["facets"]["semantic_kind"]["workflow_snapshot"], 1);
    let cursor = first["next_cursor"].as_str().unwrap().replace('+', "%2B").replace('|', "%7C");
    let rest = gateway
        .get(&format!("/api/gateway/artifacts/search?limit=3&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (&rest["total"], &rest["has_more"], &rest["next_cursor"]),
        (&json!(4), &json!(false), &Value::Null)
    );
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["run_id"], json!(run));
    for (query, detail) in [
        ("scope=nobody", "scope must be one of: all, session, run"),
        ("scope=session", "session_id is required for scope=session"),
        ("scope=run", "run_id is required for scope=run"),
        ("order=up", "order must be asc or desc"),
        ("order_by=size", "order_by must be created_at"),
        ("cursor=x", "Invalid cursor"),
        ("tags=x", "tags must be a JSON object or a list of k=v"),
        ("created_after=x", "Invalid created_after: 'x' is not an ISO timestamp"),
    ] {
        let path = format!("/api/gateway/artifacts/search?{query}");
        gateway.get(&path).await.refused(400, detail);
    }
    assert_eq!(gateway.get("/api/gateway/artifacts/search?limit=10001").await.status, 422);
    let stats = gateway.get("/api/gateway/artifacts/stats?session_id=s").await.json();
    assert_eq!(
        (&stats["ok"], &stats["total"], &stats["total_bytes"]),
        (&json!(true), &json!(2), &json!(10))
    );
    assert_eq!(stats["filters"], json!({"session_id": "s"}));
    assert_eq!(stats["facets"]["node_id"], json!({"(none)": 2}));
    assert_eq!(stats["default_page_size"], 500);
}

#[tokio::test]
async fn references_of_an_input_are_checked_before_the_start() {
    let gateway = Gateway::new().await;
    let id = gateway.attach("s", "note.txt", "text/plain", "x").await;
    let start = async |session: Option<&str>, input: Value| {
        let mut body = json!({"bundle_id": "demo", "input_data": input});
        if let Some(session) = session {
            body["session_id"] = json!(session);
        }
        gateway.post("/api/gateway/runs/start", &body.to_string()).await
    };
    let plain = json!({"a": [{"$artifact": id}]});
    let named = json!({"a": [{"$artifact": id, "run_id": "session_memory_s"}]});
    assert_eq!(start(Some("s"), plain.clone()).await.status, 200);
    assert_eq!(start(Some("t"), named.clone()).await.status, 200);
    assert_eq!(start(None, named).await.status, 200);
    start(Some("t"), plain.clone())
        .await
        .refused(404, "Artifact ref at $.a[0] is not visible to session");
    start(None, plain)
        .await
        .refused(400, "Artifact ref at $.a[0] requires run_id or a run session_id");
    start(Some("s"), json!({"b": {"artifact_id": id, "run_id": "other"}}))
        .await
        .refused(400, "Artifact ref at $.b has mismatched run_id");
    start(Some("s"), json!({"b": {"artifact_id": "../x"}}))
        .await
        .refused(404, "Artifact '../x' not found");
    // An escape does not hide a reference.
    let hidden = r#"{"bundle_id":"demo","input_data":{"\u0024artifac\u0074":"none"}}"#;
    gateway
        .post("/api/gateway/runs/start", hidden)
        .await
        .refused(404, "Artifact 'none' not found");
    let lifted = gateway.start(r#"{"bundle_id":"demo","input_data":{"media":["u"]}}"#).await;
    let input = gateway
        .journal
        .input(crate::ids::TenantId::LOCAL, &lifted.as_str().into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(input.get(), r#"{"media":["u"],"context":{"attachments":["u"]}}"#);
}

#[tokio::test]
async fn a_tenant_that_keeps_too_much_brings_in_nothing_more() {
    let limits = Starts {
        max_storage_bytes: 1,
        ..Starts::default()
    };
    let settings = Settings {
        tokens: vec![TOKEN.into()],
        ..Settings::default()
    };
    let workspace = workspace::Options {
        data_dir: "data".into(),
        ..workspace::Options::default()
    };
    let gateway = Gateway::admitting(Admission::new(limits, HashMap::new()), settings, workspace).await;
    gateway.settle().await;
    let attached = gateway.send(form(&[("file:a.txt", "a"), ("session_id", "s")])).await;
    assert_eq!(attached.status, 507, "{}", attached.text);
    for (path, body) in [
        ("runs/start", r#"{"bundle_id": "demo"}"#),
        (
            "runs/schedule",
            r#"{"bundle_id": "demo", "flow_id": "approve", "interval": "1h"}"#,
        ),
        ("attachments/ingest", r#"{"session_id": "s", "path": "a.txt"}"#),
        (
            "artifacts/import",
            r#"{"session_id": "s", "source": {"kind": "workspace_path", "path": "a.txt"}}"#,
        ),
    ] {
        let answer = gateway.post(&format!("/api/gateway/{path}"), body).await;
        assert_eq!(answer.status, 507, "{path}: {}", answer.text);
        assert!(answer.text.contains("storage limit: ") && answer.text.contains("limits.max_storage_bytes"));
    }
}
