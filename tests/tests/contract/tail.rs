//! The audit log's tail.

use serde_json::json;

use crate::checks::Checks;
use crate::target;

#[tokio::test]
async fn the_audit_logs_tail_can_be_read() {
    let (target, checks) = (target::shared().await, Checks::of("audit tail"));
    let gateway = &target.gateway;
    gateway
        .post(
            "/api/gateway/commands",
            &json!({"command_id": "", "run_id": "r", "type": "pause"}),
        )
        .await
        .ok();
    let tail = checks.ok("tail", &gateway.get("/api/gateway/audit/tail?max_bytes=1024").await);
    let content = tail["content"].as_str().unwrap_or_default();
    checks.fields("tail says", &tail, json!({"ok": true, "bytes": content.len()}));
    let mut lines = content.lines().rev().take(1);
    let is_json = lines.all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    checks.holds("tail ends with a whole line", !content.is_empty() && is_json, || {
        tail.to_string()
    });
    let low = json!([{
        "type": "greater_than_equal", "loc": ["query", "max_bytes"], "msg": "Input should be greater than or equal to 1024",
        "input": "1023", "ctx": {"ge": 1024}
    }]);
    checks.invalid(
        "too little",
        &gateway.get("/api/gateway/audit/tail?max_bytes=1023").await,
        low,
    );
    checks.equal(
        "too much",
        gateway.get("/api/gateway/audit/tail?max_bytes=400001").await.status,
        422,
    );
}
