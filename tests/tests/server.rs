//! What a client of a healthy server sees: bundles, runs, ledgers, streams and commands, in the shapes of the contract.

use std::time::Duration;

use flowgate_tests::ledger::{is_timestamp, keys, outline, replace, stable};
use flowgate_tests::server::TOKEN;
use flowgate_tests::sse::{End, Frame};
use flowgate_tests::{Bundle, Flow, Options, Server, bundle, example};
use serde_json::{Value, json};

/// A greeting whose question is built by a pure node, answered by a person.
fn question() -> Bundle {
    let flow = Flow::new("demo")
        .node("n1", "on_flow_start", &[], &["who"], json!({"pinDefaults": {"who": "World"}}))
        .node(
            "n2",
            "concat",
            &["a", "b"],
            &["result"],
            json!({"pinDefaults": {"a": "Hello"}, "concatConfig": {"separator": " "}}),
        )
        .node("n3", "ask_user", &["prompt", "choices"], &["response"], json!({}))
        .end("n4", &["answer"])
        .exec("n1 -> n3 -> n4")
        .wire("n1.who -> n2.b")
        .wire("n2.result -> n3.prompt")
        .wire("n3.response -> n4.answer");
    Bundle::new("question", "1.0.0").flow(flow)
}

/// A parent that hands `n` to a child, which asks.
fn family() -> Bundle {
    let parent = Flow::new("parent")
        .start(&["n"])
        .subflow("sub", "child", &["n"])
        .end("end", &["got"])
        .exec("start -> sub -> end")
        .wire("start.n -> sub.n")
        .wire("sub.output -> end.got");
    let child = Flow::new("child")
        .start(&["n"])
        .ask("ask", "More?", &["yes", "no"])
        .end("end", &["result", "said"])
        .exec("start -> ask -> end")
        .wire("start.n -> end.result")
        .wire("ask.response -> end.said");
    Bundle::new("family", "1.0.0").flow(parent).flow(child)
}

fn nap(seconds: f64) -> Bundle {
    let flow = Flow::new("nap")
        .start(&["n"])
        .sleep("zzz", seconds)
        .end("end", &["n"])
        .exec("start -> zzz -> end")
        .wire("start.n -> end.n");
    Bundle::new("nap", "1.0.0").flow(flow)
}

const ROW: [&str; 16] = [
    "run_id",
    "step_id",
    "node_id",
    "status",
    "effect",
    "result",
    "error",
    "started_at",
    "ended_at",
    "actor_id",
    "session_id",
    "attempt",
    "idempotency_key",
    "prev_hash",
    "record_hash",
    "signature",
];

#[tokio::test]
async fn health_is_open_and_the_gateway_wants_its_token() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let stranger = gateway.with_token(None);
    assert_eq!(
        stranger.get("/api/health").await.ok(),
        json!({"status": "healthy", "service": "abstractgateway"})
    );

    let refused = stranger.get("/api/gateway/runs").await;
    refused.refused(401, "Unauthorized");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    gateway
        .with_token(Some("not-the-token"))
        .get("/api/gateway/runs")
        .await
        .refused(401, "Unauthorized");

    let listed = gateway.get("/api/gateway/runs").await;
    assert_eq!(listed.ok(), json!({"items": []}));
    assert_eq!(listed.header("x-request-id").len(), 32);
    gateway.get("/api/gateway/nothing").await.refused(404, "Not Found");
}

#[tokio::test]
async fn a_question_leaves_exactly_the_rows_of_the_contract() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway
        .start_with(json!({"bundle_id": "question", "input_data": {}, "session_id": "s1"}))
        .await;
    let waiting = gateway.until_status(&run, "waiting").await;
    let names = [(run.as_str(), "R")];
    assert!(is_timestamp(waiting["created_at"].as_str().unwrap_or_default()), "{waiting}");
    assert_eq!(
        replace(&waiting["waiting"], &names),
        json!({
            "reason": "user", "wait_key": "user:R:n3", "until": null, "prompt": "Hello World", "choices": [], "allow_free_text": true, "details": null
        })
    );
    let expected = json!({
        "workflow_id": "question@1.0.0:demo", "current_node": "n3", "actor_id": "gateway", "session_id": "s1", "parent_run_id": null,
        "error": null, "flow_warnings": null, "paused": false, "pause_reason": null, "paused_at": null, "resumed_at": null,
        "is_scheduled": false, "schedule": null, "run_lifecycle": null, "is_draft": false,
        "limits": {"tokens": {"estimated_used": 0, "max_tokens": 32768, "max_input_tokens": null, "pct": 0.0, "warn_tokens_pct": 80}}
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&waiting[key], value, "{key}");
    }

    let key = format!("user:{run}:n3");
    let answered = gateway
        .command("resume", &run, json!({"wait_key": key, "payload": {"response": "hi"}}))
        .await
        .ok();
    assert_eq!((&answered["accepted"], &answered["duplicate"]), (&json!(true), &json!(false)));
    assert_eq!(gateway.output(&run).await, json!({"answer": "hi", "success": true}));

    let rows = gateway.ledger(&run).await;
    for row in &rows {
        assert_eq!(keys(row), ROW);
    }
    let effect = json!({
        "type": "ask_user", "result_key": "_temp.effects.n3",
        "payload": {"type": "ask_user", "prompt": "Hello World", "choices": [], "allow_free_text": true, "resume_to_node": "n4"}
    });
    let wait = json!({"wait": {
        "reason": "user", "wait_key": "user:R:n3", "until": null, "resume_to_node": "n4", "result_key": "_temp.effects.n3",
        "prompt": "Hello World", "choices": [], "allow_free_text": true, "details": null
    }});
    let resume = json!({"type": "resume", "result_key": null, "payload": {
        "wait_reason": "user", "wait_key": "user:R:n3", "resume_to_node": "n4", "result_key": "_temp.effects.n3", "payload": {"response": "hi"}
    }});
    let status = json!({"type": "emit_event", "result_key": null, "payload": {"name": "abstract.status", "scope": "session", "payload": {"text": "completed"}}});
    let output = json!({"completed": true, "output": {"answer": "hi", "success": true}});
    let emitted = json!({"emitted": true, "name": "abstract.status", "payload": {"text": "completed"}});
    let row = |step: &str, node: &str, status: &str, effect: &Value, result: &Value, ended: Value, key: Value| {
        json!({
            "run_id": "R", "step_id": step, "node_id": node, "status": status, "effect": effect, "result": result, "error": null,
            "started_at": "T", "ended_at": ended, "actor_id": "gateway", "session_id": "s1", "attempt": 1, "idempotency_key": key,
            "prev_hash": null, "record_hash": null, "signature": null
        })
    };
    let expected = [
        row("S1", "n3", "started", &effect, &Value::Null, Value::Null, json!("K")),
        row("S1", "n3", "waiting", &effect, &wait, json!("T"), json!("K")),
        row(
            "S2",
            "n3",
            "completed",
            &resume,
            &json!({"resumed": true}),
            json!("T"),
            Value::Null,
        ),
        row("S3", "n4", "completed", &Value::Null, &output, json!("T"), Value::Null),
        row(
            "S4",
            "n4",
            "completed",
            &status,
            &emitted,
            json!("T"),
            json!("system:terminal_status:completed"),
        ),
    ];
    assert_eq!(stable(&rows, &names), expected);
    assert_eq!(rows[0]["idempotency_key"], rows[1]["idempotency_key"]);
    assert!(
        rows.windows(2)
            .all(|pair| pair[0]["started_at"].as_str() <= pair[1]["started_at"].as_str()),
        "times go back: {rows:#?}"
    );
}

#[tokio::test]
async fn bundles_are_listed_shown_and_installed_once() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let file = bundle::pack(&example("approval"));
    let installed = gateway.upload_file(&file, &[]).await.ok();
    assert_eq!(installed["bundle_ref"], "approval@1.0.0");
    assert_eq!(installed["default_entrypoint"], "approve");
    assert_eq!(
        (
            &installed["ok"],
            &installed["gateway_reloaded"],
            &installed["gateway_reload_error"]
        ),
        (&json!(true), &json!(true), &Value::Null)
    );
    assert_eq!(installed["sha256"].as_str().map(str::len), Some(64));
    gateway
        .upload_file(&file, &[])
        .await
        .refused(400, "Bundle already installed: approval@1.0.0.flow");
    assert_eq!(gateway.upload_file(&file, &[("overwrite", "true")]).await.ok()["ok"], true);

    let list = gateway.get("/api/gateway/bundles").await.ok();
    assert_eq!(list["default_bundle_id"], "approval");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["items"][0]["entrypoints"][0]["workflow_id"], "approval@1.0.0:approve");

    let shown = gateway.get("/api/gateway/bundles/approval@1.0.0").await.ok();
    assert_eq!(shown["flows"], json!(["approve", "notify"]));
    let inputs = &shown["entrypoints"][0]["inputs"];
    assert_eq!(
        inputs[0],
        json!({"id": "title", "label": "Title", "type": "string", "default": "Quarterly report"})
    );
    assert_eq!(shown["entrypoints"][0]["node_index"]["ask"]["label"], "Ask for a decision");

    let flow = gateway.get("/api/gateway/bundles/approval/flows/notify").await.ok();
    assert_eq!(flow["workflow_id"], "approval@1.0.0:notify");
    assert_eq!(flow["flow"]["id"], "notify");
    let schema = gateway
        .get("/api/gateway/bundles/approval/flows/approve/input_schema")
        .await
        .ok();
    assert_eq!(schema["input_data_schema"]["properties"]["title"]["type"], "string");

    gateway
        .get("/api/gateway/bundles/none")
        .await
        .refused(404, "Bundle 'none' not found");
    gateway
        .get("/api/gateway/bundles/approval/flows/none")
        .await
        .refused(404, "Flow 'none' not found in bundle 'approval@1.0.0'");
}

#[tokio::test]
async fn every_example_runs_to_its_end() {
    let server = Server::start().await;
    let gateway = server.gateway();
    for name in ["hello", "approval", "digest", "reminder"] {
        gateway.upload_file(&bundle::pack(&example(name)), &[]).await.ok();
    }
    let hello = gateway.start("hello", json!({"name": "Ann"})).await;
    let reminder = gateway.start("reminder", json!({"ticket": "t-1"})).await;
    let digest = gateway.start("digest", json!({})).await;
    let approve = gateway.start("approval", json!({})).await;
    let reject = gateway.start("approval", json!({"title": "Plan", "author": "Kim"})).await;

    assert_eq!(
        gateway.output(&hello).await,
        json!({"greeting": "Hello, Ann", "success": true})
    );
    assert_eq!(gateway.ledger(&hello).await.len(), 8);
    let bar = json!({"summary": {"kept": 3.0, "total": 5, "bar": "★★★☆☆"}, "bar": "★★★☆☆", "success": true});
    assert_eq!(gateway.output(&digest).await, bar);

    let asked = gateway.until_status(&approve, "waiting").await;
    assert_eq!(asked["waiting"]["prompt"], "May “Quarterly report” by Robin be published?");
    assert_eq!(asked["waiting"]["choices"], json!(["approve", "reject"]));
    assert_eq!(asked["waiting"]["allow_free_text"], false);
    gateway.answer(&approve, "approve").await.ok();
    let notice = "To Robin: “Quarterly report” is published.";
    assert_eq!(
        gateway.output(&approve).await,
        json!({"decision": "approve", "notice": notice, "success": true})
    );

    gateway.until_status(&reject, "waiting").await;
    gateway.answer(&reject, "reject").await.ok();
    gateway
        .until(&reject, "asking why", |run| {
            run["current_node"] == "ask_reason" && run["status"] == "waiting"
        })
        .await;
    gateway.answer(&reject, "too long").await.ok();
    assert_eq!(
        gateway.output(&reject).await,
        json!({"decision": "reject", "reason": "too long", "success": true})
    );

    let event = gateway
        .until(&reminder, "waiting for its event", |run| run["waiting"]["reason"] == "event")
        .await;
    assert_eq!(event["waiting"]["wait_key"], "evt:global:global:reminder.t-1");
    gateway
        .command(
            "emit_event",
            &reminder,
            json!({"name": "reminder.t-1", "scope": "global", "payload": {"by": "Ann"}}),
        )
        .await
        .ok();
    let output = gateway.output(&reminder).await;
    assert_eq!(
        (&output["delivered"], &output["seen_by"]),
        (&json!("Reminder: Stand up and stretch"), &json!("Ann"))
    );
}

#[tokio::test]
async fn a_stream_carries_every_row_once_and_ends_with_done() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;

    // Opened while the run waits: what is there comes at once, the rest as it happens.
    let live = gateway.stream(&run, "?after=0", None).await.expect("the stream opens");
    assert_eq!(live.headers["content-type"], "text/event-stream; charset=utf-8");
    gateway.until_status(&run, "waiting").await;
    let reading = tokio::spawn(live.to_end());
    gateway.answer(&run, "hi").await.ok();
    let (records, done) = reading.await.expect("the stream is read");
    assert_eq!(done, json!({"run_id": run, "cursor": 5, "status": "terminal"}));
    assert_eq!(records, gateway.ledger(&run).await);

    let stream = gateway.stream(&run, "?after=3", None).await.expect("the stream opens");
    assert_eq!(stream.to_end().await.0, records[3..]);
    // A browser that reconnects says what it had; the greater of the two counts.
    let stream = gateway.stream(&run, "?after=0", Some(4)).await.expect("the stream opens");
    assert_eq!(stream.to_end().await.0, records[4..]);
    let stream = gateway.stream(&run, "?after=4", Some(2)).await.expect("the stream opens");
    assert_eq!(stream.to_end().await.0, records[4..]);
    let stream = gateway.stream(&run, "?after=99", None).await.expect("the stream opens");
    assert_eq!(
        stream.to_end().await,
        (vec![], json!({"run_id": run, "cursor": 99, "status": "terminal"}))
    );

    let refused = gateway.stream("none", "", None).await.expect_err("there is no such run");
    refused.refused(404, "Run 'none' not found");
}

#[tokio::test]
async fn a_stream_of_a_waiting_run_stays_open_and_breathes() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    let mut stream = gateway
        .stream(&run, "?after=2&heartbeat_s=0.2", None)
        .await
        .expect("the stream opens");
    for _ in 0..3 {
        assert_eq!(
            stream.frame(Duration::from_secs(10)).await,
            Ok(Frame::Comment("keep-alive".to_owned()))
        );
    }
    gateway
        .stream(&run, "?heartbeat_s=0.01", None)
        .await
        .map(|_| ())
        .expect_err("too quick a heartbeat");
    // A run that is cancelled ends its stream.
    gateway.command("cancel", &run, json!({})).await.ok();
    let mut last = None;
    let end = loop {
        match stream.event(Duration::from_secs(5)).await {
            Ok((_, event, _)) => last = Some(event),
            Err(end) => break end,
        }
    };
    assert_eq!((end, last.as_deref()), (End::Closed, Some("done")));
}

#[tokio::test]
async fn ledger_pages_and_batches_follow_the_cursor() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
    let run = gateway.start("hello", json!({})).await;
    gateway.until_status(&run, "completed").await;
    let rows = gateway.ledger(&run).await;
    let page = gateway
        .get(&format!("/api/gateway/runs/{run}/ledger?after=2&limit=3"))
        .await
        .ok();
    assert_eq!(page, json!({"items": rows[2..5], "next_after": 5}));
    let page = gateway.get(&format!("/api/gateway/runs/{run}/ledger?after=99")).await.ok();
    assert_eq!(page, json!({"items": [], "next_after": 99}));
    gateway
        .get("/api/gateway/runs/none/ledger")
        .await
        .refused(404, "Run 'none' not found");

    let bad = gateway.get(&format!("/api/gateway/runs/{run}/ledger?limit=0")).await;
    assert_eq!(bad.status, 422);
    assert_eq!(bad.json()["detail"][0]["type"], "greater_than_equal");

    let batch = json!({"limit": 2, "runs": [{"run_id": run, "after": 6}, {"run_id": "none"}]});
    let batch = gateway.post("/api/gateway/runs/ledger/batch", &batch).await.ok();
    assert_eq!(batch["runs"], json!({&run: {"items": rows[6..8], "next_after": 8}}));
}

#[tokio::test]
async fn a_child_wakes_its_parent() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&family()).await;
    let parent = gateway.start("family", json!({"n": 7})).await;
    let waiting = gateway.until_status(&parent, "waiting").await;
    let child = waiting["waiting"]["details"]["sub_run_id"]
        .as_str()
        .expect("the child is named")
        .to_owned();
    let names = [(parent.as_str(), "P"), (child.as_str(), "C")];
    let details = json!({"sub_run_id": "C", "sub_workflow_id": "family@1.0.0:child", "async": true, "include_traces": false});
    let wait = replace(&waiting["waiting"], &names);
    assert_eq!(
        (&wait["reason"], &wait["wait_key"], &wait["details"]),
        (&json!("subworkflow"), &json!("subworkflow:C"), &details)
    );

    let summary = gateway.until_status(&child, "waiting").await;
    assert_eq!(
        (&summary["parent_run_id"], &summary["session_id"]),
        (&json!(parent), &json!(parent))
    );
    gateway.answer(&child, "yes").await.ok();
    assert_eq!(
        gateway.output(&child).await,
        json!({"result": 7, "said": "yes", "success": true})
    );
    assert_eq!(gateway.output(&parent).await, json!({"got": 7, "success": true}));
    let rows = gateway.ledger(&parent).await;
    let expected = [
        "sub started start_subworkflow",
        "sub waiting start_subworkflow",
        "sub completed resume",
        "end completed -",
        "end completed emit_event",
    ];
    assert_eq!(outline(&rows), expected);
    let payload = json!({"sub_run_id": "C", "output": {"result": 7, "said": "yes", "success": true}});
    assert_eq!(replace(&rows[2]["effect"]["payload"]["payload"], &names), payload);
}

#[tokio::test]
async fn cancel_takes_the_whole_family() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&family()).await;
    let parent = gateway.start("family", json!({"n": 1})).await;
    let waiting = gateway.until_status(&parent, "waiting").await;
    let child = waiting["waiting"]["details"]["sub_run_id"]
        .as_str()
        .expect("the child is named")
        .to_owned();
    gateway.until_status(&child, "waiting").await;
    gateway.command("cancel", &parent, json!({"reason": "enough"})).await.ok();
    let cancelled = gateway.until_status(&parent, "cancelled").await;
    assert_eq!((&cancelled["error"], &cancelled["waiting"]), (&json!("enough"), &Value::Null));
    gateway.until_status(&child, "cancelled").await;
    let rows = gateway.ledger(&parent).await;
    let expected = [
        "sub started start_subworkflow",
        "sub waiting start_subworkflow",
        "sub completed emit_event",
    ];
    assert_eq!(outline(&rows), expected);
    assert_eq!(rows[2]["idempotency_key"], "system:terminal_status:cancelled");
    assert_eq!(
        rows[2]["result"],
        json!({"emitted": true, "name": "abstract.status", "payload": {"text": "cancelled"}})
    );
}

#[tokio::test]
async fn a_paused_timer_does_not_fire_until_the_run_is_resumed() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&nap(0.4)).await;
    let run = gateway.start("nap", json!({"n": 1})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("pause", &run, json!({"reason": "later"})).await.ok();
    let paused = gateway.until(&run, "paused", |run| run["paused"] == true).await;
    assert_eq!(
        (&paused["status"], &paused["pause_reason"]),
        (&json!("waiting"), &json!("later"))
    );
    assert_eq!(paused["waiting"]["reason"], "until");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(gateway.run(&run).await["status"], "waiting");

    gateway.command("resume", &run, json!({})).await.ok();
    let done = gateway.until_status(&run, "completed").await;
    assert_eq!(
        (&done["paused"], done["paused_at"].is_string(), done["resumed_at"].is_string()),
        (&json!(false), true, true)
    );
    assert_eq!(
        outline(&gateway.ledger(&run).await),
        [
            "zzz started wait_until",
            "zzz waiting wait_until",
            "end completed -",
            "end completed emit_event"
        ]
    );
}

#[tokio::test]
async fn a_question_cannot_be_paused_away() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("pause", &run, json!({"reason": "look"})).await.ok();
    gateway.answer(&run, "hi").await.ok();
    assert_eq!(gateway.output(&run).await["answer"], "hi");
}

#[tokio::test]
async fn a_command_counts_once() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    let first = gateway
        .command_as("c-1", "resume", &run, json!({"payload": {"response": "yes"}}))
        .await
        .ok();
    let again = gateway
        .command_as("c-1", "resume", &run, json!({"payload": {"response": "no"}}))
        .await
        .ok();
    assert_eq!(first, json!({"accepted": true, "duplicate": false, "seq": first["seq"]}));
    assert_eq!(again, json!({"accepted": false, "duplicate": true, "seq": first["seq"]}));
    assert_eq!(gateway.output(&run).await["answer"], "yes");
}

#[tokio::test]
async fn an_event_reaches_who_waits_for_its_key() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let flow = Flow::new("gate")
        .start(&[])
        .wait_event("w", "evt:global:global:go")
        .end("end", &["data"])
        .exec("start -> w -> end")
        .wire("w.event_data -> end.data");
    gateway.install(&Bundle::new("gate", "1.0.0").flow(flow)).await;
    let runs = [gateway.start("gate", json!({})).await, gateway.start("gate", json!({})).await];
    for run in &runs {
        gateway.until_status(run, "waiting").await;
    }
    gateway
        .command("emit_event", &runs[0], json!({"name": "stop", "scope": "global"}))
        .await
        .ok();
    gateway
        .command(
            "emit_event",
            &runs[0],
            json!({"name": "go", "scope": "global", "payload": {"n": 1}}),
        )
        .await
        .ok();
    for run in &runs {
        let data = gateway.output(run).await["data"].clone();
        assert_eq!(
            (&data["name"], &data["scope"], &data["payload"]),
            (&json!("go"), &json!("global"), &json!({"n": 1}))
        );
        assert_eq!(data["emitter"], json!({"source": "external", "client_id": "tests"}));
    }
}

#[tokio::test]
async fn numbers_and_key_order_survive_the_whole_path() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let flow = Flow::new("echo")
        .start(&["v"])
        .end("end", &["v"])
        .exec("start -> end")
        .wire("start.v -> end.v");
    gateway.install(&Bundle::new("echo", "1.0.0").flow(flow)).await;
    let value = r#"{"z":123456789012345678901234567890,"a":3.0,"m":3,"e":1e+16,"t":"é","k":[-0.5,null,true,9007199254740993]}"#;
    let body = format!(r#"{{"bundle_id":"echo","input_data":{{"v":{value}}}}}"#);
    let started = gateway.post_text("/api/gateway/runs/start", body).await.ok();
    let run = started["run_id"].as_str().expect("a run id");
    gateway.until_status(run, "completed").await;
    let ledger: String = gateway.ledger_text(run).await.split_whitespace().collect();
    assert!(ledger.contains(value), "{ledger}");
    let stored: String = gateway
        .get(&format!("/api/gateway/runs/{run}/input_data"))
        .await
        .text()
        .split_whitespace()
        .collect();
    assert!(stored.contains(value), "{stored}");
}

#[tokio::test]
async fn the_same_effect_in_a_loop_happens_every_time() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let flow = Flow::new("again")
        .start(&["items"])
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .say("say", "again")
        .end("end", &["total"])
        .exec("start -> each")
        .exec("each.loop -> say")
        .exec("each.done -> end")
        .wire("start.items -> each.items")
        .wire("each.total -> end.total");
    gateway.install(&Bundle::new("again", "1.0.0").flow(flow)).await;
    // More rows than one commit takes.
    let items: Vec<u32> = (0..150).collect();
    let run = gateway.start("again", json!({"items": items})).await;
    assert_eq!(gateway.output(&run).await, json!({"total": 150, "success": true}));
    let rows = gateway.ledger(&run).await;
    assert_eq!(rows.len(), 302);
    let mut keys: Vec<&str> = rows[..300].iter().filter_map(|row| row["idempotency_key"].as_str()).collect();
    keys.dedup();
    assert_eq!(keys.len(), 150, "each passage has its own key");
}

#[tokio::test]
async fn runs_are_listed_by_state_session_and_family() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&family()).await;
    gateway.install(&nap(0.0)).await;
    let parent = gateway
        .start_with(json!({"bundle_id": "family", "input_data": {"n": 1}, "session_id": "fam"}))
        .await;
    let done = gateway.start("nap", json!({"n": 2})).await;
    gateway.until_status(&parent, "waiting").await;
    gateway.until_status(&done, "completed").await;
    let ids = async |query: &str| -> Vec<String> {
        let list = gateway.get(&format!("/api/gateway/runs{query}")).await.ok();
        let items = list["items"].as_array().expect("items").iter();
        items
            .map(|item| item["run_id"].as_str().expect("a run id").to_owned())
            .collect()
    };
    assert_eq!(ids("?session_id=fam").await.len(), 2);
    assert_eq!(ids("?session_id=fam&root_only=true").await, [parent.as_str()]);
    assert_eq!(ids("?status=completed").await, [done.as_str()]);
    assert_eq!(ids("?workflow_id=nap@1.0.0:nap").await, [done.as_str()]);
    assert_eq!(ids("?limit=1").await.len(), 1);
    let list = gateway.get("/api/gateway/runs?status=completed").await.ok();
    assert_eq!(list["items"][0]["ledger_len"], json!(gateway.ledger(&done).await.len()));
    let session = gateway.run(&done).await["session_id"].clone();
    assert_eq!(session, json!(done), "a run without a session is its own");
    gateway
        .get("/api/gateway/runs?status=weird")
        .await
        .refused(400, "Invalid status (expected: running|waiting|completed|failed|cancelled)");
}

#[tokio::test]
async fn a_runner_in_its_own_process_drives_what_the_api_took() {
    let api = Options::new().arg("--no-runner").start().await;
    let gateway = api.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(gateway.run(&run).await["status"], "running", "nobody drives it yet");

    let mut runner = flowgate_tests::server::command();
    let mut runner = runner
        .arg("runner")
        .arg("--data-dir")
        .arg(api.data_dir())
        .env("FLOWGATE_AUTH_TOKEN", TOKEN)
        .spawn()
        .expect("the runner starts");
    gateway.until_status(&run, "waiting").await;
    gateway.answer(&run, "hi").await.ok();
    assert_eq!(gateway.output(&run).await["answer"], "hi");
    runner.kill().await.expect("the runner can be killed");
}
