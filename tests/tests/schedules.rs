//! Schedules on a real server: they run as often as they were asked to, change their rhythm while they wait, end when they are cancelled,
//! and go on after a kill. And the second source of workflows, a directory of flows.

use std::time::Duration;

use flowgate_tests::ledger::outline;
use flowgate_tests::server::{TOKEN, command};
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use serde_json::{Value, json};

/// `count` says its number and ends; `nap` sleeps a little first.
fn bundle() -> Bundle {
    let say = Flow::new("count")
        .start(&["n"])
        .say("say", "here")
        .end("end", &["n"])
        .exec("start -> say -> end")
        .wire("start.n -> end.n");
    let nap = Flow::new("nap")
        .start(&["n"])
        .sleep("sleep", 0.02)
        .end("end", &["n"])
        .exec("start -> sleep -> end")
        .wire("start.n -> end.n");
    Bundle::new("work", "1.0.0").flow(say).flow(nap)
}

async fn serve() -> (Server, Gateway) {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    (server, gateway)
}

async fn schedule(gateway: &Gateway, flow: &str, how: Value) -> String {
    let mut body = json!({"bundle_id": "work", "flow_id": flow, "input_data": {"n": 7}});
    body.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
    let answer = gateway.post("/api/gateway/runs/schedule", &body).await.ok();
    answer["run_id"].as_str().unwrap().to_owned()
}

/// The executions of a schedule so far, oldest first.
async fn executions(gateway: &Gateway, parent: &str) -> Vec<Value> {
    let listed = gateway.get("/api/gateway/runs?limit=500").await.ok();
    let mut runs: Vec<Value> = listed["items"].as_array().unwrap().clone();
    runs.retain(|run| run["parent_run_id"] == parent);
    runs.sort_by_key(|run| run["created_at"].as_str().unwrap().to_owned());
    runs
}

/// Waits until there are this many finished executions, and gives them.
async fn finished(gateway: &Gateway, parent: &str, least: usize) -> Vec<Value> {
    for _ in 0..2000 {
        let mut runs = executions(gateway, parent).await;
        runs.retain(|run| run["status"] == "completed");
        if runs.len() >= least {
            return runs;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no {least} executions: {:#?}", gateway.ledger(parent).await);
}

/// Waits until the schedule waits for its time, at this node.
async fn waiting_at(gateway: &Gateway, parent: &str, node: &str) -> Value {
    gateway
        .until(parent, node, |run| {
            run["waiting"]["reason"] == "until" && run["current_node"] == node
        })
        .await
}

#[tokio::test]
async fn a_counted_schedule_runs_its_target_so_often() {
    let (mut server, gateway) = serve().await;
    let how = json!({"interval": "20ms", "repeat_count": 3, "share_context": false, "session_id": "mine"});
    let run = schedule(&gateway, "count", how).await;
    gateway.output(&run).await;
    let rows = outline(&gateway.ledger(&run).await);
    let mut wanted = Vec::new();
    for round in 0..3 {
        wanted.extend(match round {
            0 => ["wait_start started wait_until", "wait_start completed wait_until"],
            _ => ["wait_interval started wait_until", "wait_interval waiting wait_until"],
        });
        wanted.extend([
            "run_target started start_subworkflow",
            "run_target waiting start_subworkflow",
            "run_target completed resume",
        ]);
    }
    wanted.extend(["end completed -", "end completed emit_event"]);
    assert_eq!(rows, wanted);
    let done = executions(&gateway, &run).await;
    let id = gateway.run(&run).await["workflow_id"].as_str().unwrap().to_owned();
    let sessions: Vec<_> = done
        .iter()
        .map(|run| run["session_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sessions, [0, 1, 2].map(|n| format!("{id} : {n}")));
    assert!(
        done.iter()
            .all(|run| run["workflow_id"] == "work@1.0.0:count" && run["actor_id"] == "gateway")
    );
    let child = done[0]["run_id"].as_str().unwrap();
    assert_eq!(gateway.output(child).await, json!({"n": 7, "success": true}));
    let input = gateway.get(&format!("/api/gateway/runs/{run}/input_data")).await.ok();
    assert_eq!((&input["flow_id"], &input["input_data"]), (&json!("count"), &json!({"n": 7})));
    server.stop_and_replay().await;
}

#[tokio::test]
async fn one_execution_at_its_time_in_the_schedule_s_session() {
    let (_server, gateway) = serve().await;
    let run = schedule(&gateway, "nap", json!({"start_at": "30ms", "session_id": "mine"})).await;
    gateway.output(&run).await;
    let rows = outline(&gateway.ledger(&run).await);
    assert_eq!(rows[..2], ["wait_start started wait_until", "wait_start waiting wait_until"]);
    let done = executions(&gateway, &run).await;
    assert_eq!((done.len(), &done[0]["session_id"]), (1, &json!("mine")));
    // One whose time has been runs at once, and a single one without a shared session has its own.
    let past = json!({"start_at": "2020-01-01T00:00:00Z", "share_context": false, "interval": "1h", "repeat_count": 1});
    let run = schedule(&gateway, "count", past).await;
    gateway.output(&run).await;
    let id = gateway.run(&run).await["workflow_id"].clone();
    assert_eq!(
        executions(&gateway, &run).await[0]["session_id"],
        json!(format!("{} : 0", id.as_str().unwrap()))
    );
}

#[tokio::test]
async fn an_end_in_time_counts_the_executions() {
    let (_server, gateway) = serve().await;
    let how = json!({"interval": "1d", "start_at": "2026-01-01T00:00:00Z", "repeat_until": "2026-01-01T12:00:00Z"});
    let run = schedule(&gateway, "count", how).await;
    gateway.output(&run).await;
    let about = gateway.run(&run).await["schedule"].clone();
    assert_eq!(
        (&about["repeat_count"], &about["repeat_until"]),
        (&json!(1), &json!("2026-01-01T12:00:00Z"))
    );
    assert_eq!(executions(&gateway, &run).await.len(), 1);
}

#[tokio::test]
async fn a_schedule_without_end_goes_on_through_kills_until_it_is_cancelled() {
    let (mut server, gateway) = serve().await;
    let run = schedule(&gateway, "nap", json!({"interval": "20ms", "share_context": false})).await;
    for round in 1..4 {
        finished(&gateway, &run, 2 * round).await;
        server.kill().await;
        server.restart().await;
    }
    let done = finished(&gateway, &run, 8).await;
    let sessions: std::collections::BTreeSet<_> = done.iter().map(|run| run["session_id"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), done.len(), "each execution has a session of its own");
    let workflow_id = gateway.run(&run).await["workflow_id"].as_str().unwrap().to_owned();
    let flow = gateway.get(&format!("/api/gateway/workflows/{workflow_id}/flow")).await.ok();
    assert_eq!(
        (&flow["source"], &flow["flow"]["id"]),
        (&json!("dynamic"), &json!(workflow_id))
    );
    // A deprecation stops no schedule that runs, but every new one.
    gateway
        .post("/api/gateway/bundles/work/deprecate", &json!({"reason": "enough"}))
        .await
        .ok();
    finished(&gateway, &run, done.len() + 2).await;
    let body = json!({"bundle_id": "work", "flow_id": "nap"});
    for path in ["runs/schedule", "runs/start"] {
        let refused = gateway.post(&format!("/api/gateway/{path}"), &body).await;
        refused.refused(409, "Workflow 'work:nap' is deprecated: enough");
    }
    gateway.command("cancel", &run, json!({"reason": "stop"})).await.ok();
    gateway.until_status(&run, "cancelled").await;
    let ended = executions(&gateway, &run).await;
    assert!(
        ended
            .iter()
            .all(|run| run["status"] != "running" && run["status"] != "waiting"),
        "{ended:#?}"
    );
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(executions(&gateway, &run).await.len(), ended.len());
    // Each execution left what it always leaves, whatever happened between: no step is there twice.
    let rows = gateway.ledger(&run).await;
    let steps: Vec<_> = rows
        .iter()
        .map(|row| (row["step_id"].clone(), row["status"].clone()))
        .collect();
    let starts = rows
        .iter()
        .filter(|row| row["node_id"] == "run_target" && row["status"] == "started")
        .count();
    assert_eq!(starts, ended.len());
    assert!(
        steps.iter().enumerate().all(|(at, step)| !steps[..at].contains(step)),
        "{steps:#?}"
    );
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_new_interval_holds_from_now_on_also_after_a_kill() {
    let (mut server, gateway) = serve().await;
    let run = schedule(&gateway, "count", json!({"interval": "1h"})).await;
    let first = finished(&gateway, &run, 1).await;
    waiting_at(&gateway, &run, "wait_interval").await;
    // Sent to an execution, meant for the schedule.
    let child = first[0]["run_id"].as_str().unwrap();
    gateway
        .command("update_schedule", child, json!({"interval": "20ms"}))
        .await
        .ok();
    finished(&gateway, &run, 3).await;
    server.kill().await;
    server.restart().await;
    let before = executions(&gateway, &run).await.len();
    finished(&gateway, &run, before + 2).await;
    gateway.command("update_schedule", &run, json!({"interval": "2h"})).await.ok();
    let about = gateway
        .until(&run, "updated", |run| run["schedule"]["interval"] == "2h")
        .await;
    assert!(about["schedule"]["updated_at"].is_string());
    waiting_at(&gateway, &run, "wait_interval").await;
    server.kill().await;
    server.restart().await;
    let summary = waiting_at(&gateway, &run, "wait_interval").await;
    let (until, now) = (
        summary["waiting"]["until"].as_str().unwrap(),
        summary["updated_at"].as_str().unwrap(),
    );
    assert!(until > now && until[..13] != now[..13], "{until} is hours after {now}");
    let workflow_id = summary["workflow_id"].as_str().unwrap();
    let flow = gateway.get(&format!("/api/gateway/workflows/{workflow_id}/flow")).await.ok();
    let nodes = flow["flow"]["nodes"].as_array().unwrap();
    let wait = nodes.iter().find(|node| node["id"] == "wait_interval").unwrap();
    assert_eq!(wait["data"]["eventConfig"]["schedule"], "2h");

    // A resume that answers nothing makes it fire at once.
    let before = executions(&gateway, &run).await.len();
    gateway.command("resume", &run, json!({})).await.ok();
    finished(&gateway, &run, before + 1).await;
    assert_eq!(waiting_at(&gateway, &run, "wait_interval").await["status"], "waiting");
    server.stop_and_replay().await;
}

#[tokio::test]
async fn an_execution_that_fails_does_not_end_its_schedule() {
    let (_server, gateway) = serve().await;
    let bad = Flow::new("bad")
        .start(&[])
        .node(
            "wait",
            "on_schedule",
            &["schedule"],
            &[],
            json!({"pinDefaults": {"schedule": "never"}}),
        )
        .end("end", &[])
        .exec("start -> wait -> end");
    gateway.install(&Bundle::new("bad", "1.0.0").flow(bad)).await;
    let body = json!({"bundle_id": "bad", "flow_id": "bad", "interval": "20ms", "repeat_count": 2});
    let run = gateway.post("/api/gateway/runs/schedule", &body).await.ok();
    let run = run["run_id"].as_str().unwrap();
    gateway.until_status(run, "completed").await;
    let ends: Vec<_> = executions(&gateway, run)
        .await
        .iter()
        .map(|run| run["status"].clone())
        .collect();
    assert_eq!(ends, ["failed", "failed"]);
}

#[tokio::test]
async fn a_runner_of_its_own_drives_schedules_that_the_api_makes() {
    let api = Options::new().arg("--no-runner").start().await;
    let gateway = api.gateway();
    gateway.install(&bundle()).await;
    let mut runner = command();
    let runner = runner
        .arg("runner")
        .arg("--data-dir")
        .arg(api.data_dir())
        .env("FLOWGATE_AUTH_TOKEN", TOKEN);
    let mut runner = runner.spawn().expect("the runner starts");
    let run = schedule(&gateway, "count", json!({"interval": "20ms"})).await;
    finished(&gateway, &run, 2).await;
    gateway.command("update_schedule", &run, json!({"interval": "1h"})).await.ok();
    gateway
        .until(&run, "updated", |run| run["schedule"]["interval"] == "1h")
        .await;
    // A schedule may be started again by the id of its workflow.
    let workflow_id = gateway.run(&run).await["workflow_id"].clone();
    let again = gateway
        .start_with(json!({"flow_id": workflow_id, "input_data": {"vars": {"n": 8}}}))
        .await;
    finished(&gateway, &again, 1).await;
    runner.kill().await.expect("the runner can be killed");
}

#[tokio::test]
async fn a_directory_of_flows_is_served_without_bundles() {
    let flows = tempfile::tempdir().unwrap();
    let write = |flow: &Flow| {
        let document = flow.json();
        let name = format!("{}.json", document["id"].as_str().unwrap());
        std::fs::write(flows.path().join(name), document.to_string()).unwrap();
    };
    let leaf = |text: &str| {
        Flow::new("leaf")
            .start(&[])
            .say("say", text)
            .end("end", &[])
            .exec("start -> say -> end")
    };
    let tree = Flow::new("tree")
        .start(&["n"])
        .subflow("sub", "leaf", &[])
        .end("end", &["n"])
        .exec("start -> sub -> end")
        .wire("start.n -> end.n");
    write(&tree);
    write(&leaf("one"));
    std::fs::write(flows.path().join("bad.json"), "{").unwrap();
    let server = Options::new()
        .without_flows_dir()
        .env("FLOWGATE_FLOWS_DIR", flows.path().display())
        .env("ABSTRACTGATEWAY_WORKFLOW_SOURCE", "visualflow")
        .start()
        .await;
    let gateway = server.gateway();
    let no_bundles = "Bundle workflow source is not enabled on this gateway";
    for path in ["bundles", "bundles/x", "bundles/x/flows/y"] {
        gateway.get(&format!("/api/gateway/{path}")).await.refused(400, no_bundles);
    }
    for path in ["bundles/reload", "bundles/x/deprecate"] {
        gateway
            .post(&format!("/api/gateway/{path}"), &json!({}))
            .await
            .refused(400, no_bundles);
    }
    for body in [json!({"bundle_id": "x"}), json!({"bundle_id": "x", "flow_id": "tree"})] {
        gateway.post("/api/gateway/runs/start", &body).await.refused(400, no_bundles);
    }
    let schedule = json!({"bundle_id": "x", "flow_id": "tree"});
    gateway
        .post("/api/gateway/runs/schedule", &schedule)
        .await
        .refused(400, no_bundles);
    assert!(server.log().contains("bad.json"), "{}", server.log());

    let start = || gateway.start_with(json!({"flow_id": "tree", "input_data": {"n": 1}}));
    let said = |run: String| {
        let gateway = gateway.clone();
        async move {
            assert_eq!(gateway.output(&run).await, json!({"n": 1, "success": true}));
            let child = executions(&gateway, &run).await[0]["run_id"].as_str().unwrap().to_owned();
            let rows = gateway.ledger(&child).await;
            rows[0]["effect"]["payload"]["message"].clone()
        }
    };
    assert_eq!(said(start().await).await, "one");
    let flow = gateway.get("/api/gateway/workflows/leaf/flow").await.ok();
    assert_eq!((&flow["source"], &flow["flow"]["id"]), (&json!("visualflow"), &json!("leaf")));
    write(&leaf("and another"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(said(start().await).await, "and another");
    let unknown = gateway.post("/api/gateway/runs/start", &json!({"flow_id": "none"})).await;
    unknown.refused(404, "Workflow 'none' not found");
}
