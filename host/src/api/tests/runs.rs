//! Starting, reading and listing runs, and their ledgers.

use serde_json::{Value, json};

use super::Gateway;

#[tokio::test]
async fn a_waiting_run_is_summarised_as_clients_know_it() {
    let gateway = Gateway::new().await;
    let run = gateway
        .start(r#"{"bundle_id": "demo", "input_data": {"title": "Q3"}, "session_id": "sess-1"}"#)
        .await;
    gateway.ask(&run).await;
    let mut summary = gateway.get(&format!("/api/gateway/runs/{run}")).await.json();
    for time in ["created_at", "updated_at"] {
        assert!(summary[time].take().as_str().unwrap().ends_with("+00:00"));
    }
    assert_eq!(
        summary,
        json!({"run_id": run, "workflow_id": "demo@1.1.0:approve", "status": "waiting", "current_node": "ask", "created_at": null,
            "updated_at": null, "actor_id": "gateway", "session_id": "sess-1", "parent_run_id": null, "error": null,
            "flow_warnings": null, "paused": false, "pause_reason": null, "paused_at": null, "resumed_at": null,
            "waiting": {"reason": "user", "wait_key": format!("user:{run}:ask"), "until": null, "prompt": "Publish?",
                "choices": ["yes", "no"], "allow_free_text": true, "details": null},
            "is_scheduled": false, "schedule": null,
            "limits": {"tokens": {"estimated_used": 0, "max_tokens": 32768, "max_input_tokens": null, "pct": 0.0, "warn_tokens_pct": 80}},
            "run_lifecycle": null, "is_draft": false})
    );
    gateway
        .get("/api/gateway/runs/none")
        .await
        .refused(404, "Run 'none' not found");
}

#[tokio::test]
async fn a_run_without_a_session_is_its_own_and_listeners_share_it() {
    let gateway = Gateway::new().await;
    let root = gateway
        .start(r#"{"bundle_id": "listen", "input_data": {"x": 1, "_runtime": {"a": 1}}}"#)
        .await;
    assert_eq!(gateway.run(&root).await.session_id.as_deref(), Some(root.as_str()));
    let summary = gateway.get(&format!("/api/gateway/runs/{root}")).await.json();
    assert_eq!(
        summary["flow_warnings"],
        json!(["flow 'approve', node 'n2': nobody reads this"])
    );
    let list = gateway.get(&format!("/api/gateway/runs?session_id={root}")).await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let listener = items.iter().find(|item| item["run_id"] != root.as_str()).unwrap();
    assert_eq!(listener["workflow_id"], "visual_event_listener_listen_ev");
    assert_eq!(
        (&listener["parent_run_id"], &listener["actor_id"]),
        (&json!(root), &json!("gateway"))
    );
    let listener = gateway.run(listener["run_id"].as_str().unwrap()).await;
    assert!(
        listener
            .host_vars
            .get()
            .starts_with(r#"{"_runtime":{"a":1},"_limits":{"max_iterations":20,"#),
        "{}",
        listener.host_vars
    );
    let roots = gateway.get("/api/gateway/runs?root_only=true").await.json();
    assert_eq!(roots["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_show_what_is_so() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let draft_start = r#"{"bundle_id": "demo", "bundle_version": "draft.1", "run_lifecycle": {"purpose": "draft_test"}}"#;
    let draft = gateway.start(draft_start).await;
    gateway.ask(&run).await;
    let list = gateway.get("/api/gateway/runs?include_metrics=true").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "drafts are hidden");
    let row = &items[0];
    assert_eq!(
        (&row["waiting"]["reason"], &row["current_node"], &row["ledger_len"]),
        (&json!("user"), &json!("ask"), &json!(2))
    );
    let metrics = ["steps", "llm_calls", "tool_calls", "tokens_total"].map(|name| row[name].as_u64().unwrap());
    assert_eq!((&row["limits"], metrics), (&Value::Null, [2, 0, 0, 0]));
    assert_eq!(row.get("flow_warnings"), None);

    let all = gateway
        .get("/api/gateway/runs?include_drafts=true&include_ledger_len=false&status=running")
        .await
        .json();
    let item = &all["items"][0];
    assert_eq!(
        (&item["run_id"], &item["is_draft"], item.get("ledger_len")),
        (&json!(draft), &json!(true), None)
    );
    assert_eq!(item["run_lifecycle"], json!({"purpose": "draft_test"}));
    // Drafts are left out by the query: they do not use up the limit.
    gateway.start(draft_start).await;
    let first = gateway.get("/api/gateway/runs?limit=1").await.json();
    assert_eq!(
        (&first["items"][0]["run_id"], first["items"][0].get("steps")),
        (&json!(run), None)
    );
    let none = gateway.get("/api/gateway/runs?workflow_id=other").await;
    none.expect(200, r#"{"items":[]}"#);
}

#[tokio::test]
async fn input_data_is_what_the_flow_asked_for_unchanged() {
    let gateway = Gateway::new().await;
    let body = r#"{"bundle_id": "demo", "input_data": {"title": 123456789012345678901234567890, "size": 3.0, "other": 1, "workspace_root": "/etc"}}"#;
    let run = gateway.start(body).await;
    let answer = gateway.get(&format!("/api/gateway/runs/{run}/input_data")).await;
    let workspace = answer.json()["workspace"]["workspace_root"].as_str().unwrap().to_owned();
    let (folder, name) = workspace.rsplit_once('/').unwrap();
    assert_eq!((folder, name.len()), ("workspaces", 32));
    answer.expect(
        200,
        &format!(
            concat!(
                r#"{{"run_id":"{}","workflow_id":"demo@1.1.0:approve","bundle_id":"demo","bundle_version":"1.1.0","flow_id":"approve","#,
                r#""pin_ids":["title","size"],"input_data":{{"title":123456789012345678901234567890,"size":3.0}},"workspace":{{"workspace_root":"{}"}}}}"#
            ),
            run, workspace
        ),
    );
    gateway
        .get("/api/gateway/runs/none/input_data")
        .await
        .refused(404, "Run 'none' not found");
}

fn texts(items: &Value) -> Vec<&str> {
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["result"]["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_ledger_is_read_in_pages_of_rows_as_they_were_committed() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    gateway.ask(&run).await;
    let ledger = format!("/api/gateway/runs/{run}/ledger");
    let all = gateway.get(&ledger).await;
    assert!(all.text.contains("\"n\":3.0"), "{}", all.text);
    assert_eq!(
        (texts(&all.json()["items"]), &all.json()["next_after"]),
        (vec!["asks", "waits"], &json!(2))
    );
    let first = gateway.get(&format!("{ledger}?limit=1")).await.json();
    assert_eq!((texts(&first["items"]), &first["next_after"]), (vec!["asks"], &json!(1)));
    gateway
        .get(&format!("{ledger}?after=99"))
        .await
        .expect(200, r#"{"items":[],"next_after":99}"#);
    gateway
        .get("/api/gateway/runs/none/ledger")
        .await
        .refused(404, "Run 'none' not found");
}

#[tokio::test]
async fn a_batch_reads_many_ledgers_and_leaves_out_unknown_runs() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let empty = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    gateway.ask(&run).await;
    let body = json!({"limit": 2, "runs": [{"run_id": run, "after": 1}, {"run_id": "none"}, {"run_id": ""}, {"run_id": empty}]});
    let answer = gateway.post("/api/gateway/runs/ledger/batch", &body.to_string()).await.json();
    let runs = answer["runs"].as_object().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(
        (texts(&runs[&run]["items"]), &runs[&run]["next_after"]),
        (vec!["waits"], &json!(2))
    );
    assert_eq!(runs[&empty], json!({"items": [], "next_after": 0}));
    gateway
        .post("/api/gateway/runs/ledger/batch", "{}")
        .await
        .expect(200, r#"{"runs":{}}"#);
}
