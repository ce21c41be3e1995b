//! Scheduling: what is refused, and what a schedule is made of. Deprecations, as far as they are answers.

use serde_json::{Value, json};

use super::Gateway;
use crate::ids::TenantId;

const SCHEDULE: &str = "/api/gateway/runs/schedule";

async fn schedule(gateway: &Gateway, more: Value) -> String {
    let mut body = json!({"bundle_id": "demo", "flow_id": "approve"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = gateway.post(SCHEDULE, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["run_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_schedule_that_cannot_be_says_why() {
    let gateway = Gateway::new().await;
    for (body, status, detail) in [
        (
            json!({"bundle_id": " ", "flow_id": "x"}),
            400,
            "bundle_id and flow_id are required",
        ),
        (
            json!({"bundle_id": "none", "flow_id": "x"}),
            404,
            "Bundle 'none' has no versions loaded",
        ),
        (
            json!({"bundle_id": "demo@9", "flow_id": "x"}),
            404,
            "Target workflow 'demo@9:x' not found",
        ),
        (
            json!({"bundle_id": "demo", "flow_id": "x"}),
            404,
            "Target workflow 'demo@1.1.0:x' not found",
        ),
        (json!({"bundle_id": "demo", "flow_id": "demo:"}), 400, "Invalid flow_id"),
        (
            json!({"bundle_id": "demo", "flow_id": "other:approve"}),
            400,
            "flow_id bundle prefix does not match bundle_id",
        ),
        (
            json!({"bundle_id": "demo@1.0.0", "flow_id": "approve", "bundle_version": "1.1.0"}),
            400,
            "bundle_id version does not match bundle_version",
        ),
        (
            json!({"bundle_id": "demo", "flow_id": "demo@1.0.0:approve", "bundle_version": "1.1.0"}),
            400,
            "flow_id version does not match bundle_version",
        ),
        (
            json!({"bundle_id": "demo", "flow_id": "approve", "repeat_count": 0}),
            400,
            "repeat_count must be >= 1",
        ),
        (
            json!({"bundle_id": "demo", "flow_id": "approve", "registry_scope": "galaxy"}),
            400,
            "Unsupported registry_scope: galaxy",
        ),
        (
            json!({"bundle_id": "demo@draft.1", "flow_id": "approve"}),
            400,
            "draft bundle versions require run_lifecycle.purpose='draft_test'",
        ),
        (
            json!({"bundle_id": "broken", "flow_id": "approve"}),
            400,
            "Failed to start scheduled run: workflow 'broken@1.0.0:approve' does not compile: flow 'approve', node 'n1', pin 'p': unknown node type 'magic'",
        ),
    ] {
        gateway.post(SCHEDULE, &body.to_string()).await.refused(status, detail);
    }
    let invalid = gateway
        .post(SCHEDULE, r#"{"bundle_id": "demo", "repeat_count": "x", "share_context": 5}"#)
        .await;
    assert_eq!(invalid.status, 422);
    let findings: Vec<_> = invalid.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["loc"][1].clone())
        .collect();
    assert_eq!(findings, ["flow_id", "repeat_count", "share_context"]);
}

#[tokio::test]
async fn a_schedule_is_a_run_that_shows_its_target() {
    let gateway = Gateway::new().await;
    let input = json!({"title": "T", "size": 3, "other": true, "_meta": {"schedule": {"kind": "mine"}}, "prompt": "Hi",
        "_runtime": {"thinking": "high"}, "workspace_ignored_paths": ["x"]});
    let asked = json!({"input_data": input, "interval": "1h", "repeat_count": 2, "share_context": false, "session_id": "sess"});
    let id = schedule(&gateway, asked).await;
    let run = gateway.get(&format!("/api/gateway/runs/{id}")).await.json();
    let workflow_id = run["workflow_id"].as_str().unwrap().to_owned();
    assert!(workflow_id.starts_with("scheduled:"), "{workflow_id}");
    assert_eq!(
        (&run["is_scheduled"], &run["session_id"], &run["actor_id"]),
        (&json!(true), &json!("sess"), &json!("gateway"))
    );
    let mut about = run["schedule"].clone();
    assert!(about["created_at"].take().is_string());
    assert_eq!(
        about,
        json!({"kind": "scheduled_run", "interval": "1h", "repeat_count": 2, "repeat_until": null, "start_at": null, "share_context": false,
            "target_workflow_id": "demo@1.1.0:approve", "target_bundle_ref": "demo@1.1.0", "target_flow_id": "approve",
            "created_at": null, "updated_at": null})
    );
    let listed = gateway.get("/api/gateway/runs").await.json();
    assert_eq!(listed["items"][0]["schedule"]["interval"], "1h");

    let input = gateway.get(&format!("/api/gateway/runs/{id}/input_data")).await.json();
    assert_eq!(
        (
            &input["workflow_id"],
            &input["bundle_id"],
            &input["bundle_version"],
            &input["flow_id"]
        ),
        (&json!(workflow_id), &json!("demo"), &json!("1.1.0"), &json!("approve"))
    );
    assert_eq!(
        (&input["pin_ids"], &input["input_data"]),
        (&json!(["title", "size"]), &json!({"title": "T", "size": 3}))
    );

    // What the wrapper is started with: the executions' input without what is the host's or inherited.
    let stored = gateway
        .journal
        .input(TenantId::LOCAL, &crate::ids::RunId::from(id.as_str()))
        .await
        .unwrap()
        .unwrap();
    let stored: Value = serde_json::from_str(stored.get()).unwrap();
    let vars = json!({"title": "T", "size": 3, "other": true, "prompt": "Hi", "_runtime": {"thinking": "high"}});
    assert_eq!(stored, json!({"vars": vars, "session_prefix": workflow_id, "prompt": "Hi"}));

    for path in [workflow_id.clone(), workflow_id.replace(':', "%3A")] {
        let flow = gateway.get(&format!("/api/gateway/workflows/{path}/flow")).await.json();
        assert_eq!(
            (&flow["workflow_id"], &flow["source"]),
            (&json!(workflow_id), &json!("dynamic"))
        );
        assert_eq!(flow["flow"]["id"], json!(workflow_id));
    }
}

#[tokio::test]
async fn the_drawing_of_a_schedule_shows_its_interval_of_now() {
    let gateway = Gateway::new().await;
    let id = schedule(&gateway, json!({"interval": "1h"})).await;
    let workflow_id = gateway.get(&format!("/api/gateway/runs/{id}")).await.json()["workflow_id"].clone();
    let interval = || async {
        let flow = gateway
            .get(&format!("/api/gateway/workflows/{}/flow", workflow_id.as_str().unwrap()))
            .await
            .json();
        let nodes = flow["flow"]["nodes"].as_array().unwrap().clone();
        let wait = nodes.into_iter().find(|node| node["id"] == "wait_interval").unwrap();
        assert_eq!(wait["data"]["eventConfig"]["recurrent"], false);
        wait["data"]["eventConfig"]["schedule"].clone()
    };
    assert_eq!(interval().await, "1h");
    let update = json!({"command_id": "u", "run_id": id, "type": "update_schedule", "payload": {"interval": "2h"}});
    gateway.post("/api/gateway/commands", &update.to_string()).await;
    assert_eq!(interval().await, "2h");
    let run = gateway.get(&format!("/api/gateway/runs/{id}")).await.json();
    assert_eq!(run["schedule"]["interval"], "2h");
    assert!(run["schedule"]["updated_at"].is_string());
}

#[tokio::test]
async fn the_drawing_of_any_workflow_is_found_by_its_id() {
    let gateway = Gateway::new().await;
    let by_bundle = gateway.get("/api/gateway/bundles/demo@1.0.0/flows/approve").await;
    for path in ["demo@1.0.0:approve", "demo%401.0.0%3Aapprove"] {
        let by_id = gateway.get(&format!("/api/gateway/workflows/{path}/flow")).await;
        assert_eq!((by_id.status, &by_id.text), (by_bundle.status, &by_bundle.text));
    }
    for path in ["none", "none:approve", "demo:", "scheduled:0"] {
        let answer = gateway.get(&format!("/api/gateway/workflows/{path}/flow")).await;
        answer.refused(404, &format!("Workflow '{path}' not found"));
    }
}

#[tokio::test]
async fn a_deprecation_is_answered_as_it_was_said() {
    let gateway = Gateway::new().await;
    let bundle = "/api/gateway/bundles/demo";
    for (body, answer) in [
        (
            r#"{"flow_id": " approve ", "reason": "old"}"#,
            r#"{"ok":true,"bundle_id":"demo","flow_id":"approve","deprecated_at":"2026-01-08T00:00:00.000000+00:00","reason":"old"}"#,
        ),
        (
            "{}",
            r#"{"ok":true,"bundle_id":"demo","flow_id":"*","deprecated_at":"2026-01-08T00:00:00.000000+00:00"}"#,
        ),
    ] {
        gateway.post(&format!("{bundle}/deprecate"), body).await.expect(200, answer);
    }
    gateway
        .post(&format!("{bundle}/undeprecate"), r#"{"flow_id": "*"}"#)
        .await
        .expect(200, r#"{"ok":true,"bundle_id":"demo","flow_id":"*","removed":true}"#);
    gateway
        .post("/api/gateway/bundles/none/deprecate", "{}")
        .await
        .refused(404, "Bundle 'none' not found");
    assert_eq!(gateway.post(&format!("{bundle}/deprecate"), "").await.status, 422);
}
