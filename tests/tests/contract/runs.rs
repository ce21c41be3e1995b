//! Reading runs: the summary, lists, input data.

use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{echo, question, tree};
use crate::target;

#[tokio::test]
async fn a_summary_has_every_field_in_every_state() {
    let (target, checks) = (target::shared().await, Checks::of("run"));
    let (gateway, id) = (&target.gateway, target.name("states"));
    gateway.install(&question(&id, "1.0.0")).await;
    let run = gateway.start(&id, json!({})).await;
    let waiting = gateway.until_status(&run, "waiting").await;
    let limits = json!({"tokens": {
        "estimated_used": 0, "max_tokens": 32768, "max_input_tokens": null, "pct": 0.0, "warn_tokens_pct": 80
    }});
    let base = |status: &str, node: &str, error: Value, wait: Value| {
        json!({
            "run_id": run, "workflow_id": format!("{id}@1.0.0:approve"), "status": status, "current_node": node,
            "created_at": "T", "updated_at": "T", "actor_id": "gateway", "session_id": run, "parent_run_id": null, "error": error,
            "flow_warnings": null, "paused": false, "pause_reason": null, "paused_at": null, "resumed_at": null, "waiting": wait,
            "is_scheduled": false, "schedule": null, "limits": limits, "run_lifecycle": null, "is_draft": false
        })
    };
    let timeless = |mut summary: Value| {
        summary["created_at"] = json!("T");
        summary["updated_at"] = json!("T");
        summary
    };
    let wait = json!({
        "reason": "user", "wait_key": format!("user:{run}:ask"), "until": null, "prompt": "Publish?", "choices": ["yes", "no"],
        "allow_free_text": true, "details": null
    });
    checks.equal("waiting", timeless(waiting), base("waiting", "ask", Value::Null, wait));
    gateway.answer(&run, "yes").await.ok();
    let done = gateway.until_status(&run, "completed").await;
    checks.equal(
        "completed",
        timeless(done),
        base("completed", "end", Value::Null, Value::Null),
    );

    let run = gateway.start(&id, json!({})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("cancel", &run, json!({})).await.ok();
    let cancelled = gateway.until_status(&run, "cancelled").await;
    let said = json!({"error": "Cancelled", "waiting": null, "current_node": "ask", "paused": false});
    checks.fields("cancelled", &cancelled, said);

    for path in ["none", "none/input_data", "none/ledger", "none/ledger/stream", "%20", "a%27b"] {
        let name = path
            .split('/')
            .next()
            .unwrap_or_default()
            .replace("%20", " ")
            .replace("%27", "'");
        let reply = gateway.get(&format!("/api/gateway/runs/{path}")).await;
        checks.refused(&format!("unknown: {path}"), &reply, 404, &format!("Run '{name}' not found"));
    }
}

#[tokio::test]
async fn a_list_has_true_values_and_its_filters() {
    let (target, checks) = (target::shared().await, Checks::of("runs"));
    let (gateway, id, ends, session) = (
        &target.gateway,
        target.name("family"),
        target.name("ends"),
        target.name("session"),
    );
    gateway.install(&tree(&id)).await;
    gateway.install(&echo(&ends, "1.0.0")).await;
    let parent = gateway.start_with(json!({"bundle_id": id, "session_id": session})).await;
    let waiting = gateway.until_status(&parent, "waiting").await;
    let child = waiting["waiting"]["details"]["sub_run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    gateway.until_status(&child, "waiting").await;
    let done = gateway
        .start_with(json!({"bundle_id": ends, "session_id": session, "input_data": {"x": 1}}))
        .await;
    gateway.until_status(&done, "completed").await;

    let list = async |query: &str| -> Vec<Value> {
        let reply = gateway.get(&format!("/api/gateway/runs?session_id={session}{query}")).await;
        reply.ok()["items"].as_array().cloned().unwrap_or_default()
    };
    let ids = |items: &[Value]| -> Value { items.iter().map(|item| item["run_id"].clone()).collect() };
    checks.equal("newest first", ids(&list("").await), json!([done, child, parent]));
    checks.equal("roots", ids(&list("&root_only=true").await), json!([done, parent]));
    checks.equal("by status", ids(&list("&status=completed").await), json!([done]));
    checks.equal(
        "by workflow",
        ids(&list(&format!("&workflow_id={id}@1.0.0:child")).await),
        json!([child]),
    );
    checks.equal("by an unknown workflow", ids(&list("&workflow_id=none").await), json!([]));
    checks.equal("limited", ids(&list("&limit=1").await), json!([done]));

    let row = list("&status=completed").await[0].clone();
    let wanted = json!({
        "run_id": done, "workflow_id": format!("{ends}@1.0.0:root"), "status": "completed", "current_node": "end",
        "created_at": row["created_at"], "updated_at": row["updated_at"], "actor_id": "gateway", "session_id": session,
        "parent_run_id": null, "error": null, "paused": false, "pause_reason": null, "paused_at": null, "resumed_at": null,
        "waiting": null, "is_scheduled": false, "schedule": null, "limits": null, "run_lifecycle": null, "is_draft": false,
        "ledger_len": 2
    });
    checks.fields("row", &row, wanted.clone());
    checks.equal(
        "row has no other field",
        row.as_object().map_or(0, serde_json::Map::len),
        wanted.as_object().map_or(0, serde_json::Map::len),
    );
    let waits = list(&format!("&workflow_id={id}@1.0.0:child")).await[0].clone();
    let wait = json!({"reason": "user", "wait_key": format!("user:{child}:ask"), "prompt": "who are you?"});
    checks.fields("row of a waiting run", &waits["waiting"], wait);
    let short = list("&include_ledger_len=false&status=completed").await[0].clone();
    checks.equal(
        "without the ledger's length",
        short.get("ledger_len").is_none_or(Value::is_null),
        true,
    );

    let bad = gateway.get("/api/gateway/runs?status=weird").await;
    checks.refused(
        "unknown status",
        &bad,
        400,
        "Invalid status (expected: running|waiting|completed|failed|cancelled)",
    );
    let bound = |kind: &str, limit: &str, msg: &str, ctx: Value| json!([{"type": kind, "loc": ["query", "limit"], "msg": msg, "input": limit, "ctx": ctx}]);
    let low = bound(
        "greater_than_equal",
        "0",
        "Input should be greater than or equal to 1",
        json!({"ge": 1}),
    );
    checks.invalid("limit too low", &gateway.get("/api/gateway/runs?limit=0").await, low);
    let high = bound(
        "less_than_equal",
        "501",
        "Input should be less than or equal to 500",
        json!({"le": 500}),
    );
    checks.invalid("limit too high", &gateway.get("/api/gateway/runs?limit=501").await, high);
    let no_number = json!([{
        "type": "int_parsing", "loc": ["query", "limit"], "msg": "Input should be a valid integer, unable to parse string as an integer",
        "input": "many"
    }]);
    checks.invalid(
        "limit is no number",
        &gateway.get("/api/gateway/runs?limit=many").await,
        no_number,
    );
    checks.ok(
        "unknown parameters are ignored",
        &gateway.get("/api/gateway/runs?limit=1&odd=1").await,
    );
}

#[tokio::test]
async fn a_paused_run_is_listed_as_paused() {
    let (target, checks) = (target::shared().await, Checks::of("runs paused"));
    let (gateway, id) = (&target.gateway, target.name("pause"));
    gateway.install(&crate::flows::nap(&id, 3600.0)).await;
    let run = gateway.start(&id, json!({})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("pause", &run, json!({"reason": "later"})).await.ok();
    gateway.until(&run, "paused", |run| run["paused"] == true).await;
    let list = gateway.get(&format!("/api/gateway/runs?session_id={run}")).await.ok();
    let row = &list["items"][0];
    checks.fields(
        "row",
        row,
        json!({"status": "waiting", "paused": true, "pause_reason": "later", "current_node": "z"}),
    );
    checks.equal("row waits", row["waiting"]["reason"].clone(), "until");
    let until = row["waiting"]["until"].as_str().unwrap_or_default();
    checks.holds("row says until when", flowgate_tests::ledger::is_timestamp(until), || {
        row.to_string()
    });
}
