//! The history bundle: a run, its ledgers, its timeline and its session in one answer.

use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{asked, tree};
use crate::target;

#[tokio::test]
async fn a_history_has_the_run_its_children_and_its_session() {
    let (target, checks) = (target::shared().await, Checks::of("history"));
    let (gateway, id, session) = (&target.gateway, target.name("history"), target.name("session"));
    gateway.install(&tree(&id)).await;
    let run = gateway
        .start_with(json!({"bundle_id": id, "session_id": session, "input_data": {"x": 1}}))
        .await;
    let waiting = gateway.until_status(&run, "waiting").await;
    let child = waiting["waiting"]["details"]["sub_run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    gateway.until_status(&child, "waiting").await;
    gateway.answer(&child, "a").await.ok();
    gateway.until_status(&run, "completed").await;
    let path = format!("/api/gateway/runs/{run}/history_bundle");
    let read = async |query: &str| gateway.get(&format!("{path}{query}")).await;

    let history = checks.ok("whole", &read("").await);
    checks.fields(
        "whole: head",
        &history,
        json!({"version": 1, "root_run_id": run, "session": null}),
    );
    let said = json!({
        "run_id": run, "workflow_id": format!("{id}@1.0.0:root"), "status": "completed", "current_node": "end", "actor_id": "gateway",
        "session_id": session, "parent_run_id": null, "error": null, "waiting": null
    });
    checks.fields("whole: run", &history["run"], said);
    checks.fields("whole: input", &history["input_data"], json!({"x": 1}));
    let rows = gateway.ledger(&run).await;
    let items: Value = rows
        .iter()
        .enumerate()
        .map(|(at, row)| json!({"cursor": at + 1, "record": row}))
        .collect();
    let ledger = json!({"run_id": run, "total": rows.len(), "cursor_start": 1, "cursor_end": rows.len(), "items": items});
    checks.fields("whole: ledger", &history["ledgers"][&run], ledger);
    checks.equal("whole: the child's ledger", history["ledgers"].get(&child).is_some(), true);
    let both = rows.len() + gateway.ledger(&child).await.len();
    checks.equal("whole: timeline", history["timeline"].as_array().map_or(0, Vec::len), both);
    let first = json!({"run_id": run, "cursor": 1, "node_id": "sub", "status": "started", "effect_type": "start_subworkflow"});
    checks.fields("whole: timeline begins", &history["timeline"][0], first);

    let alone = checks.ok("alone", &read("?include_subruns=false").await);
    checks.equal(
        "alone: one ledger",
        alone["ledgers"].as_object().map_or(0, serde_json::Map::len),
        1,
    );
    let tail = checks.ok("tail", &read("?include_subruns=false&ledger_max_items=2").await);
    let last = json!({"total": rows.len(), "cursor_start": rows.len() - 1, "cursor_end": rows.len()});
    checks.fields("tail: cursors", &tail["ledgers"][&run], last);
    let full = checks.ok("full", &read("?include_subruns=false&ledger_mode=full").await);
    checks.fields(
        "full: cursors",
        &full["ledgers"][&run],
        json!({"cursor_start": 1, "cursor_end": rows.len()}),
    );
    let with = checks.ok("session", &read("?include_session=true").await);
    checks.fields("session: id", &with["session"], json!({"session_id": session}));
    checks.fields(
        "session: turn",
        &with["session"]["turns"][0],
        json!({"run_id": run, "status": "completed"}),
    );

    let mode = read("?ledger_mode=middle").await;
    checks.refused("unknown mode", &mode, 400, "ledger_mode must be 'tail' or 'full'");
    checks.equal("too many items", read("?ledger_max_items=20001").await.status, 422);
    checks.equal("too many turns", read("?session_turn_limit=501").await.status, 422);
    let unknown = gateway.get("/api/gateway/runs/none/history_bundle").await;
    checks.refused("unknown run", &unknown, 404, "Run 'none' not found");
}

#[tokio::test]
async fn a_history_of_a_waiting_run_has_the_whole_wait() {
    let (target, checks) = (target::shared().await, Checks::of("history waiting"));
    let (gateway, id) = (&target.gateway, target.name("waits"));
    let run = asked(gateway, &id).await;
    let history = checks.ok(
        "history",
        &gateway.get(&format!("/api/gateway/runs/{run}/history_bundle")).await,
    );
    let wait = json!({
        "reason": "user", "wait_key": format!("user:{run}:ask"), "until": null, "resume_to_node": "end", "result_key": "_temp.effects.ask",
        "prompt": "Publish?", "choices": ["yes", "no"], "allow_free_text": true, "details": null
    });
    checks.equal("wait", history["run"]["waiting"].clone(), wait);
    let snapshot = json!({"workflow_id": format!("{id}@1.0.0:approve"), "format": "visualflow_json"});
    checks.fields("snapshot", &history["workflow_snapshot"], snapshot);
}
