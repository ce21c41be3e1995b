//! A run's history in one document.

use serde_json::{Value, json};

use super::{Gateway, raw};
use crate::journal::Position;

async fn bundle(gateway: &Gateway, run: &str, query: &str) -> Value {
    let answer = gateway.get(&format!("/api/gateway/runs/{run}/history_bundle{query}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/json"),
        "{}",
        answer.text
    );
    answer.json()
}

/// Completes a run with an output.
async fn end(gateway: &Gateway, run: &str, output: &str) {
    let to = Position::Completed {
        node: "end".into(),
        output: raw(output),
    };
    gateway.advance(run, &["ends"], to).await;
}

#[tokio::test]
async fn a_bundle_has_the_run_its_ledgers_and_a_timeline() {
    let gateway = Gateway::new().await;
    let body = r#"{"bundle_id": "listen", "input_data": {"title": 3.0, "_hidden": 1}, "session_id": "s"}"#;
    let run = gateway.start(body).await;
    let list = gateway.get("/api/gateway/runs?session_id=s").await.json();
    let runs = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["run_id"].as_str().unwrap());
    let listener = runs.into_iter().find(|id| *id != run).unwrap().to_owned();
    gateway.ask(&run).await;
    gateway.ask(&listener).await;
    let mut found = bundle(&gateway, &run, "").await;
    assert!(found["generated_at"].take().as_str().unwrap().ends_with("+00:00"));
    for time in ["created_at", "updated_at"] {
        assert!(found["run"][time].take().is_string());
    }
    let snapshot = found["workflow_snapshot"].take();
    assert_eq!(
        (&snapshot["workflow_id"], &snapshot["format"]),
        (&json!("listen@1.0.0:approve"), &json!("visualflow_json"))
    );
    let workspace = found["input_data"]["workspace_root"].take();
    assert!(workspace.as_str().unwrap().starts_with("workspaces/"));
    let ledger = found["ledgers"][&run].take();
    let of_listener = found["ledgers"][&listener].take();
    let timeline = found["timeline"].take();
    assert_eq!(
        found,
        json!({"version": 1, "generated_at": null, "root_run_id": run,
            "run": {"run_id": run, "workflow_id": "listen@1.0.0:approve", "status": "waiting", "current_node": "ask", "created_at": null,
                "updated_at": null, "actor_id": "gateway", "session_id": "s", "parent_run_id": null, "error": null,
                "waiting": {"reason": "user", "wait_key": format!("user:{run}:ask"), "until": null, "resume_to_node": "end",
                    "result_key": null, "prompt": "Publish?", "choices": ["yes", "no"], "allow_free_text": true, "details": null}},
            "workflow_snapshot": null, "input_data": {"title": 3.0, "workspace_root": null}, "ledgers": {&run: null, &listener: null},
            "timeline": null, "session": null})
    );
    let mut ledger = ledger;
    let artifacts = ledger["artifacts"].take();
    let artifact = &artifacts[0];
    assert_eq!(
        (
            artifacts.as_array().unwrap().len(),
            &artifact["artifact_id"],
            &artifact["tags"]["kind"],
            &artifact["access"]["access_count"]
        ),
        (1, &snapshot["artifact_id"], &json!("workflow_snapshot"), &json!(0))
    );
    assert_eq!(artifact.get("artifact_envelope_v1"), None);
    let page = gateway.get(&format!("/api/gateway/runs/{run}/ledger")).await.json();
    let items: Vec<Value> = (1..)
        .zip(page["items"].as_array().unwrap())
        .map(|(cursor, record)| json!({"cursor": cursor, "record": record}))
        .collect();
    assert_eq!(
        ledger,
        json!({"run_id": run, "total": 2, "cursor_start": 1, "cursor_end": 2, "items": items, "artifacts": null})
    );
    assert_eq!((&of_listener["run_id"], &of_listener["total"]), (&json!(listener), &json!(2)));
    let entry = json!({"run_id": run, "cursor": 1, "node_id": "n", "status": "completed", "effect_type": null, "started_at": "",
        "ended_at": "", "duration_ms": null});
    assert_eq!((timeline.as_array().unwrap().len(), &timeline[0]), (4, &entry));

    let alone = bundle(&gateway, &run, "?include_subruns=false").await;
    assert_eq!(alone["ledgers"].as_object().unwrap().keys().collect::<Vec<_>>(), [&run]);
    // JSON of flows is passed through as it is.
    let text = gateway.get(&format!("/api/gateway/runs/{run}/history_bundle")).await.text;
    assert!(text.contains(r#""n":3.0}"#) && text.contains(r#""title":3.0"#), "{text}");
}

#[tokio::test]
async fn a_tail_keeps_its_cursors_and_zero_is_all() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let empty = bundle(&gateway, &run, "").await;
    let window = |bundle: &Value| {
        let ledger = &bundle["ledgers"][&run];
        let cursors: Vec<i64> = ledger["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["cursor"].as_i64().unwrap())
            .collect();
        let ends = ["total", "cursor_start", "cursor_end"].map(|name| ledger[name].as_i64().unwrap());
        (ends, cursors, bundle["timeline"].as_array().unwrap().len())
    };
    assert_eq!(window(&empty), ([0, 1, 0], vec![], 0));
    let rows: Vec<String> = (0..100).map(|n| format!("row {n}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    gateway.advance(&run, &rows, Position::Running { node: "n".into() }).await;
    for (query, start) in [
        ("?ledger_max_items=3", 98),
        ("?ledger_max_items=100", 1),
        ("?ledger_max_items=0", 1),
        ("?ledger_max_items=3&ledger_mode=full", 1),
        ("?ledger_mode=TAIL", 1),
    ] {
        let found = bundle(&gateway, &run, query).await;
        let cursors: Vec<i64> = (start..=100).collect();
        assert_eq!(
            window(&found),
            ([100, start, 100], cursors, (101 - start) as usize),
            "{query}"
        );
    }
    let newest = bundle(&gateway, &run, "?ledger_max_items=1").await;
    assert_eq!(newest["ledgers"][&run]["items"][0]["record"]["result"]["text"], "row 99");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_plainly() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let path = format!("/api/gateway/runs/{run}/history_bundle");
    gateway
        .get("/api/gateway/runs/zz/history_bundle")
        .await
        .refused(404, "Run 'zz' not found");
    gateway
        .get(&format!("{path}?ledger_mode=head"))
        .await
        .refused(400, "ledger_mode must be 'tail' or 'full'");
    for query in [
        "ledger_max_items=-1",
        "ledger_max_items=20001",
        "session_turn_limit=0",
        "session_turn_limit=501",
        "include_session=x",
    ] {
        assert_eq!(gateway.get(&format!("{path}?{query}")).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn the_turns_of_a_session_are_what_was_asked_and_answered() {
    let gateway = Gateway::new().await;
    let start = async |input: Value| {
        let body = json!({"bundle_id": "demo", "session_id": "talk", "input_data": input});
        gateway.start(&body.to_string()).await
    };
    let first = start(json!({"prompt": " one? ", "context": {"attachments": [{"name": "a"}, 5]}})).await;
    end(&gateway, &first, r#"{"response": "one!", "meta": {"m": 3.0}}"#).await;
    let second = start(json!({"task": "two?"})).await;
    let third = start(json!({"prompt": "three?"})).await;
    let found = bundle(&gateway, &second, "?include_session=true").await;
    assert_eq!(found["session"]["session_id"], "talk");
    let turns = found["session"]["turns"].as_array().unwrap();
    let ids = |turns: &[Value]| {
        turns
            .iter()
            .map(|turn| turn["run_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(turns), [first.clone(), second.clone()], "only up to the run itself");
    let mut turn = turns[0].clone();
    for varying in ["created_at", "updated_at"] {
        assert!(turn[varying].take().is_string());
    }
    assert!(turn["stats"]["duration_ms"].take().is_u64());
    let artifacts = turn["artifacts"].take();
    assert_eq!(
        (artifacts.as_array().unwrap().len(), &artifacts[0]["run_id"]),
        (1, &json!(first))
    );
    assert_eq!(
        turn,
        json!({"run_id": first, "workflow_id": "demo@1.1.0:approve", "kind": "run", "status": "completed", "created_at": null,
            "updated_at": null, "prompt": "one?", "prompt_metadata": null, "attachments": [{"name": "a"}], "answer": "one!",
            "answer_meta": {"m": 3.0}, "stats": {"duration_ms": null, "llm_calls": 0, "tool_calls": 0,
                "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}, "tok_s": null}, "artifacts": null})
    );
    assert_eq!((&turns[1]["prompt"], &turns[1]["answer"]), (&json!("two?"), &Value::Null));
    let newest = bundle(&gateway, &third, "?include_session=true&session_turn_limit=1").await;
    assert_eq!(ids(newest["session"]["turns"].as_array().unwrap()), [third]);
    // Where there is a conversation, the other runs of the session make room for it.
    let chat = start(json!({"context": {"messages": [{"role": "user", "content": "four?"}]}})).await;
    let talk = bundle(&gateway, &chat, "?include_session=true").await;
    let turns = talk["session"]["turns"].as_array().unwrap();
    assert_eq!(
        (ids(turns), &turns[0]["kind"], &turns[0]["prompt"]),
        (vec![chat], &json!("chat"), &json!("four?"))
    );
}
