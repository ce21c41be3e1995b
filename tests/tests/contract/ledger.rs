//! The ledger: pages, batches, and the form of its rows.

use flowgate_tests::ledger::outline;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{asked, tree};
use crate::target;

#[tokio::test]
async fn a_ledger_is_read_page_by_page() {
    let (target, checks) = (target::shared().await, Checks::of("ledger"));
    let (gateway, id) = (&target.gateway, target.name("pages"));
    let run = asked(gateway, &id).await;
    gateway.answer(&run, "yes").await.ok();
    gateway.until_status(&run, "completed").await;
    let rows = gateway.ledger(&run).await;
    let wanted = [
        "ask started ask_user",
        "ask waiting ask_user",
        "ask completed resume",
        "end completed -",
        "end completed emit_event",
    ];
    checks.equal("rows", outline(&rows), json!(wanted));
    let marker = json!({
        "effect": {"type": "emit_event", "payload": {"name": "abstract.status", "scope": "session", "payload": {"text": "completed"}}, "result_key": null},
        "result": {"emitted": true, "name": "abstract.status", "payload": {"text": "completed"}},
        "idempotency_key": "system:terminal_status:completed"
    });
    checks.fields("the last row marks the end", &rows[4], marker);

    let path = format!("/api/gateway/runs/{run}/ledger");
    let page = async |query: &str| gateway.get(&format!("{path}{query}")).await;
    checks.answers(
        "from the start",
        &page("").await,
        200,
        json!({"items": rows, "next_after": 5}),
    );
    checks.answers(
        "a page",
        &page("?after=1&limit=2").await,
        200,
        json!({"items": rows[1..3], "next_after": 3}),
    );
    checks.answers(
        "at the end",
        &page("?after=5").await,
        200,
        json!({"items": [], "next_after": 5}),
    );
    checks.answers(
        "beyond the end",
        &page("?after=99").await,
        200,
        json!({"items": [], "next_after": 99}),
    );
    let ge = |field: &str, input: &str, least: i64| {
        let msg = format!("Input should be greater than or equal to {least}");
        json!([{"type": "greater_than_equal", "loc": ["query", field], "msg": msg, "input": input, "ctx": {"ge": least}}])
    };
    checks.invalid("limit too low", &page("?limit=0").await, ge("limit", "0", 1));
    checks.invalid("after too low", &page("?after=-1").await, ge("after", "-1", 0));
    let le = json!([{
        "type": "less_than_equal", "loc": ["query", "limit"], "msg": "Input should be less than or equal to 2000", "input": "2001",
        "ctx": {"le": 2000}
    }]);
    checks.invalid("limit too high", &page("?limit=2001").await, le);
    checks.refused(
        "unknown run",
        &gateway.get("/api/gateway/runs/none/ledger").await,
        404,
        "Run 'none' not found",
    );
}

#[tokio::test]
async fn a_batch_reads_several_ledgers() {
    let (target, checks) = (target::shared().await, Checks::of("ledger batch"));
    let (gateway, id) = (&target.gateway, target.name("batch"));
    gateway.install(&tree(&id)).await;
    let parent = gateway.start(&id, json!({"x": 1})).await;
    let waiting = gateway.until_status(&parent, "waiting").await;
    let child = waiting["waiting"]["details"]["sub_run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    gateway.until_status(&child, "waiting").await;
    let (ours, theirs) = (gateway.ledger(&parent).await, gateway.ledger(&child).await);
    let path = "/api/gateway/runs/ledger/batch";
    let body =
        json!({"limit": 1, "runs": [{"run_id": parent, "after": 1}, {"run_id": child}, {"run_id": "none"}, {"run_id": ""}]});
    let page = |rows: &[Value], next: u32| json!({"items": rows, "next_after": next});
    let wanted = json!({"runs": {&parent: page(&ours[1..2], 2), &child: page(&theirs[..1], 1)}});
    checks.answers("each from its cursor", &gateway.post(path, &body).await, 200, wanted);
    checks.answers(
        "of nothing",
        &gateway.post(path, &json!({"runs": []})).await,
        200,
        json!({"runs": {}}),
    );
    let wrong = gateway.post(path, &json!({"limit": 0, "runs": [{"after": -1}]})).await;
    let wanted = json!([
        {"type": "missing", "loc": ["body", "runs", 0, "run_id"], "msg": "Field required", "input": {"after": -1}},
        {"type": "greater_than_equal", "loc": ["body", "runs", 0, "after"], "msg": "Input should be greater than or equal to 0", "input": -1, "ctx": {"ge": 0}},
        {"type": "greater_than_equal", "loc": ["body", "limit"], "msg": "Input should be greater than or equal to 1", "input": 0, "ctx": {"ge": 1}}
    ]);
    checks.invalid("what is wrong", &wrong, wanted);
    let list = gateway.post(path, &json!({"runs": "x"})).await;
    let wanted = json!([{"type": "list_type", "loc": ["body", "runs"], "msg": "Input should be a valid list", "input": "x"}]);
    checks.invalid("no list", &list, wanted);

    let row = &ours[1];
    let details =
        json!({"sub_run_id": child, "sub_workflow_id": format!("{id}@1.0.0:child"), "async": true, "include_traces": false});
    checks.equal("a row names the child", row["result"]["wait"]["details"].clone(), details);
    checks.equal(
        "a child's key",
        row["result"]["wait"]["wait_key"].clone(),
        format!("subworkflow:{child}"),
    );
}
