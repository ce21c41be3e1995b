//! Commands, and starts that are refused.

use serde_json::json;

use super::Gateway;

const START: &str = "/api/gateway/runs/start";
const COMMANDS: &str = "/api/gateway/commands";

#[tokio::test]
async fn a_start_that_names_no_flow_says_why() {
    let gateway = Gateway::new().await;
    for (body, status, detail) in [
        (
            r#"{"input_data": {}}"#,
            400,
            "flow_id is required (or provide bundle_id to start a bundle entrypoint)",
        ),
        (r#"{"bundle_id": "none", "flow_id": "x"}"#, 404, "Bundle 'none' not found"),
        (
            r#"{"bundle_id": "demo", "flow_id": "none"}"#,
            404,
            "Workflow 'demo@1.1.0:none' not found",
        ),
        (
            r#"{"flow_id": "approve"}"#,
            400,
            "Failed to start run: bundle_id is required when multiple bundles are loaded",
        ),
        (r#"{"flow_id": "old"}"#, 409, "Workflow 'demo:old' is deprecated: old"),
        (
            r#"{"bundle_id": "demo", "registry_scope": "galaxy"}"#,
            400,
            "Unsupported registry_scope: galaxy",
        ),
        (
            r#"{"bundle_id": "demo", "bundle_version": "draft.1"}"#,
            400,
            "draft bundle versions require run_lifecycle.purpose='draft_test'",
        ),
        (
            r#"{"bundle_id": "broken"}"#,
            400,
            "Failed to start run: workflow 'broken@1.0.0:approve' does not compile: flow 'approve', node 'n1', pin 'p': unknown node type 'magic'",
        ),
    ] {
        gateway.post(START, body).await.refused(status, detail);
    }
}

#[tokio::test]
async fn a_command_is_taken_once_for_each_id() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let pause = json!({"command_id": "c-1", "run_id": run, "type": "pause", "payload": {"reason": "later"}}).to_string();
    gateway
        .post(COMMANDS, &pause)
        .await
        .expect(200, r#"{"accepted":true,"duplicate":false,"seq":1}"#);
    let other = json!({"command_id": "c-1", "run_id": run, "type": "cancel"}).to_string();
    gateway
        .post(COMMANDS, &other)
        .await
        .expect(200, r#"{"accepted":false,"duplicate":true,"seq":1}"#);
    let summary = gateway.get(&format!("/api/gateway/runs/{run}")).await.json();
    assert_eq!(
        (&summary["paused"], &summary["pause_reason"]),
        (&json!(true), &json!("later"))
    );
    assert_eq!(summary["waiting"]["details"], json!({"kind": "pause"}));
    let cancel = json!({"command_id": "", "run_id": run, "type": "cancel"}).to_string();
    gateway
        .post(COMMANDS, &cancel)
        .await
        .expect(200, r#"{"accepted":true,"duplicate":false,"seq":2}"#);
    let summary = gateway.get(&format!("/api/gateway/runs/{run}")).await.json();
    assert_eq!(
        (&summary["status"], &summary["error"]),
        (&json!("cancelled"), &json!("Cancelled"))
    );
}

#[tokio::test]
async fn a_command_that_fails_is_a_row_of_the_ledger_and_of_no_consequence() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    gateway.ask(&run).await;
    let before = gateway.get(&format!("/api/gateway/runs/{run}")).await.text;
    let answer = json!({"command_id": "c-9", "run_id": run, "type": "resume",
        "payload": {"wait_key": "user:x", "payload": {"response": "yes"}}});
    gateway
        .post(COMMANDS, &answer.to_string())
        .await
        .expect(200, r#"{"accepted":true,"duplicate":false,"seq":1}"#);
    let ledger = gateway.get(&format!("/api/gateway/runs/{run}/ledger?after=2")).await.json();
    let mut row = ledger["items"][0].clone();
    for varying in ["step_id", "started_at", "ended_at"] {
        assert!(row[varying].take().is_string(), "{varying}");
    }
    assert_eq!(
        row,
        json!({"run_id": run, "step_id": null, "node_id": "ask", "status": "failed",
            "effect": {"type": "command", "payload": {"command_id": "c-9", "type": "resume", "client_id": null}, "result_key": null},
            "result": null, "error": format!("wait_key mismatch: expected 'user:{run}:ask', got 'user:x'"), "started_at": null,
            "ended_at": null, "actor_id": "gateway", "session_id": run, "attempt": 1, "idempotency_key": "command:c-9",
            "prev_hash": null, "record_hash": null, "signature": null})
    );
    assert_eq!(gateway.get(&format!("/api/gateway/runs/{run}")).await.text, before);
}

#[tokio::test]
async fn commands_that_cannot_be_are_refused() {
    let gateway = Gateway::new().await;
    for (kind, run, detail) in [
        (
            "explode",
            "r",
            "type must be one of pause|resume|cancel|emit_event|update_schedule|compact_memory",
        ),
        (
            "Pause",
            "r",
            "type must be one of pause|resume|cancel|emit_event|update_schedule|compact_memory",
        ),
        (
            "pause",
            " ",
            "Failed to append command: CommandRecord.run_id must be non-empty",
        ),
    ] {
        let body = json!({"command_id": "c", "run_id": run, "type": kind}).to_string();
        gateway.post(COMMANDS, &body).await.refused(400, detail);
    }
    // Whether the run exists is not asked here.
    for kind in ["resume", "emit_event", "update_schedule", "compact_memory"] {
        let body = json!({"command_id": kind, "run_id": "none", "type": kind}).to_string();
        assert_eq!(gateway.post(COMMANDS, &body).await.json()["accepted"], true, "{kind}");
    }
}
