//! The routes of bundles.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Gateway, fake, request};
use crate::ids::Digest;

fn refs(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["bundle_ref"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_shows_the_latest_published_version_of_each_bundle() {
    let gateway = Gateway::new().await;
    let list = gateway.get("/api/gateway/bundles").await;
    assert_eq!(refs(&list), ["broken@1.0.0", "demo@1.1.0", "listen@1.0.0"]);
    assert_eq!(list.json()["default_bundle_id"], Value::Null);
    assert_eq!(
        list.json()["items"][1],
        json!({"bundle_id": "demo", "bundle_version": "1.1.0", "bundle_ref": "demo@1.1.0", "registry_scope": "private",
            "version_channel": "published", "is_draft": false, "is_published": true, "latest_published_version": "1.1.0",
            "latest_any_version": "draft.1", "created_at": "2026-01-08T00:00:00+00:00", "metadata": {}, "default_entrypoint": "approve",
            "entrypoints": [{"flow_id": "approve", "name": "main", "description": "d", "interfaces": [],
                "workflow_id": "demo@1.1.0:approve", "deprecated": false, "deprecated_at": null, "deprecated_reason": null}],
            "actions": {"can_run": true, "can_upload": true, "can_remove": true, "can_deprecate": true,
                "catalog_promote_endpoint": "/api/gateway/admin/workflow-catalog/promote"}})
    );
    let all = gateway.get("/api/gateway/bundles?all_versions=true&include_drafts=1").await;
    assert_eq!(
        refs(&all),
        ["broken@1.0.0", "demo@1.0.0", "demo@1.1.0", "demo@draft.1", "listen@1.0.0"]
    );
    gateway.bundles.only("demo");
    assert_eq!(gateway.get("/api/gateway/bundles").await.json()["default_bundle_id"], "demo");
}

#[tokio::test]
async fn a_bundle_shows_its_start_pins_and_nodes() {
    let gateway = Gateway::new().await;
    let inputs = json!([{"id": "title", "label": "title", "type": "any", "default": "Report"}, {"id": "size", "label": "Size", "type": "int"}]);
    let wanted = json!({"bundle_id": "demo", "bundle_version": "1.0.0", "bundle_ref": "demo@1.0.0",
        "created_at": "2026-01-08T00:00:00+00:00", "default_entrypoint": "approve",
        "entrypoints": [{"flow_id": "approve", "workflow_id": "demo@1.0.0:approve", "name": "main", "description": "d", "interfaces": [],
            "inputs": inputs, "node_index": {"start": {"type": "on_flow_start", "label": "Begin", "headerColor": "#fff"},
                "ask": {"type": "ask_user", "label": "ask_user"}},
            "deprecated": false, "deprecated_at": null, "deprecated_reason": null}],
        "flows": ["approve"], "metadata": {}});
    assert_eq!(gateway.get("/api/gateway/bundles/demo@1.0.0").await.json(), wanted);
    assert_eq!(
        gateway.get("/api/gateway/bundles/demo?bundle_version=1.0.0").await.json(),
        wanted
    );
    let broken = gateway.get("/api/gateway/bundles/broken").await.json();
    assert_eq!(broken["diagnostics"][0]["node"], "n1");
}

#[tokio::test]
async fn a_flow_is_found_by_bundle_version_and_id() {
    let gateway = Gateway::new().await;
    let flow = gateway.get("/api/gateway/bundles/demo/flows/approve").await;
    let text = format!(
        r#"{{"bundle_id":"demo","bundle_version":"1.1.0","bundle_ref":"demo@1.1.0","flow_id":"approve","workflow_id":"demo@1.1.0:approve","flow":{}}}"#,
        fake::FLOW
    );
    flow.expect(200, &text);
    for same in [
        "/bundles/demo/flows/demo:approve",
        "/bundles/demo@1.1.0/flows/demo%401.1.0%3Aapprove",
    ] {
        gateway.get(&format!("/api/gateway{same}")).await.expect(200, &text);
    }
    let schema = gateway
        .get("/api/gateway/bundles/demo/flows/approve/input_schema")
        .await
        .json();
    assert_eq!(schema["version"], 1);
    assert_eq!(schema["defaults"], json!({"title": "Report"}));
    assert_eq!(
        schema["inputs"][0],
        json!({"id": "title", "label": "title", "type": "any", "default": "Report", "required": false,
            "schema": {"x-abstract-type": "any", "default": "Report"}})
    );
    assert_eq!(
        schema["input_data_schema"],
        json!({"type": "object", "additionalProperties": true, "required": ["size"], "properties": {
            "title": {"x-abstract-type": "any", "default": "Report"},
            "size": {"type": "integer", "x-abstract-type": "int", "title": "Size"}}})
    );
}

#[tokio::test]
async fn every_error_of_naming_a_bundle_or_flow_has_its_text() {
    let gateway = Gateway::new().await;
    let cases = [
        ("/bundles/none", 404, "Bundle 'none' not found"),
        ("/bundles/demo@9", 404, "Bundle 'demo@9' not found"),
        ("/bundles/%20", 400, "bundle_id is required"),
        (
            "/bundles/demo@1.0.0?bundle_version=1.1.0",
            400,
            "bundle_version conflicts with bundle_id (bundle_id already includes '@version')",
        ),
        ("/bundles/upload", 404, "Bundle 'upload' not found"),
        (
            "/bundles/demo/flows/none",
            404,
            "Flow 'none' not found in bundle 'demo@1.1.0'",
        ),
        ("/bundles/demo/flows/%20", 400, "flow_id is required"),
        (
            "/bundles/demo/flows/listen:approve",
            400,
            "flow_id bundle prefix does not match bundle_id",
        ),
        (
            "/bundles/demo@1.0.0/flows/demo@1.1.0:approve",
            400,
            "flow_id version does not match bundle_id",
        ),
        (
            "/bundles/demo/flows/demo@1.1.0:approve?bundle_version=1.0.0",
            400,
            "flow_id version does not match bundle_version",
        ),
        (
            "/bundles/demo@1.0.0/flows/approve?bundle_version=1.1.0",
            400,
            "bundle_id version does not match bundle_version",
        ),
        ("/bundles/demo/flows/demo:", 400, "Invalid flow_id"),
    ];
    for (path, status, detail) in cases {
        gateway.get(&format!("/api/gateway{path}")).await.refused(status, detail);
    }
}

fn form(fields: &[(&str, &str)]) -> axum::http::Request<Body> {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"b.flow\"" } else { "" };
        body += &format!("------b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    body += "------b--\r\n";
    request(Method::POST, "/api/gateway/bundles/upload")
        .header("content-type", "multipart/form-data; boundary=----b")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn an_upload_answers_what_was_installed() {
    let gateway = Gateway::new().await;
    let answer = gateway.send(form(&[("file", "bytes")])).await;
    let sha256 = Digest::of(b"bytes").hex();
    answer.expect(
        200,
        &format!(
            concat!(
                r#"{{"ok":true,"bundle_id":"demo","bundle_version":"1.0.0","bundle_ref":"demo@1.0.0","sha256":"{}","default_entrypoint":"approve","#,
                r#""entrypoints":[{{"flow_id":"approve","name":"main","description":"d","interfaces":[]}}],"gateway_reloaded":true,"gateway_reload_error":null}}"#
            ),
            sha256
        ),
    );
    gateway
        .send(form(&[("file", "again")]))
        .await
        .refused(400, "Bundle already installed: demo@1.0.0.flow");
    gateway
        .send(form(&[("file", "no zip")]))
        .await
        .refused(400, "Failed installing bundle: File is not a zip file");
    gateway.send(form(&[("file", "no disk")])).await.refused(
        503,
        "Failed installing bundle: the gateway cannot store it at the moment; try again later",
    );
    let replaced = gateway
        .send(form(&[("overwrite", "on"), ("file", "again"), ("reload", "false")]))
        .await;
    assert_eq!(
        (replaced.status.as_u16(), &replaced.json()["gateway_reloaded"]),
        (200, &json!(false))
    );
    let missing = gateway.send(form(&[("overwrite", "perhaps")])).await;
    assert_eq!(missing.status, 422);
    assert_eq!(
        missing.json()["detail"][0],
        json!({"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": null})
    );
    assert_eq!(missing.json()["detail"][1]["loc"], json!(["body", "overwrite"]));
    let no_form = gateway.post("/api/gateway/bundles/upload", "{}").await;
    assert_eq!(
        (no_form.status.as_u16(), &no_form.json()["detail"][0]["type"]),
        (422, &json!("missing"))
    );
}

#[tokio::test]
async fn a_file_over_the_bundle_cap_is_refused_with_its_size() {
    let settings = crate::security::Settings {
        tokens: vec![super::TOKEN.into()],
        max_bundle_bytes: 8,
        ..Default::default()
    };
    let gateway = Gateway::with(settings).await;
    gateway
        .send(form(&[("file", "0123456789")]))
        .await
        .refused(413, "Bundle too large (10 bytes > 8 bytes)");
    assert!(gateway.bundles.uploads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bundles_are_removed_by_version_or_all_at_once() {
    let gateway = Gateway::new().await;
    let delete = |path: &'static str| gateway.call(Method::DELETE, path, "");
    delete("/api/gateway/bundles/demo?bundle_version=1.0.0").await.expect(
        200,
        r#"{"ok":true,"bundle_ref":"demo@1.0.0","removed":1,"gateway_reloaded":true,"gateway_reload_error":null}"#,
    );
    delete("/api/gateway/bundles/demo@1.0.0")
        .await
        .refused(404, "Bundle 'demo@1.0.0' not found");
    delete("/api/gateway/bundles/demo@1.0.0?bundle_version=2")
        .await
        .refused(400, "bundle_id version does not match bundle_version");
    let rest = delete("/api/gateway/bundles/demo?reload=0").await.json();
    assert_eq!(
        rest,
        json!({"ok": true, "bundle_ref": "demo", "removed": 2, "gateway_reloaded": false, "gateway_reload_error": null})
    );
    delete("/api/gateway/bundles/none")
        .await
        .refused(404, "Bundle 'none' not found");
    gateway
        .post("/api/gateway/bundles/reload", "")
        .await
        .expect(200, r#"{"ok":true,"bundle_ids":["broken","listen"],"count":2}"#);
}
