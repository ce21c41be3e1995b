//! Scheduled runs: what a request must say, what becomes of it, how it is changed.

use flowgate_tests::Reply;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{echo, question};
use crate::target::{self, Target};

async fn schedule(target: &Target, body: Value) -> Reply {
    target.gateway.post("/api/gateway/runs/schedule", &body).await
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_refused() {
    let (target, checks) = (target::shared().await, Checks::of("schedule refused"));
    let id = target.name("refused");
    target.gateway.install(&echo(&id, "1.0.0")).await;
    let with = |fields: Value| {
        let mut body = json!({"bundle_id": id, "flow_id": "root"});
        if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
            body.extend(fields);
        }
        body
    };
    let cases: &[(&str, Value, u16, String)] = &[
        (
            "blank ids",
            with(json!({"bundle_id": " "})),
            400,
            "bundle_id and flow_id are required".into(),
        ),
        (
            "no count",
            with(json!({"repeat_count": 0})),
            400,
            "repeat_count must be >= 1".into(),
        ),
        (
            "a count without an interval",
            with(json!({"repeat_count": 2})),
            400,
            "repeat_count > 1 requires interval".into(),
        ),
        (
            "both ends",
            with(json!({"interval": "1h", "repeat_count": 2, "repeat_until": "2030-01-01T00:00:00Z"})),
            400,
            "repeat_until cannot be combined with repeat_count".into(),
        ),
        (
            "an end without an interval",
            with(json!({"repeat_until": "2030-01-01T00:00:00Z"})),
            400,
            "repeat_until requires interval".into(),
        ),
        (
            "an end before the start",
            with(json!({"interval": "1h", "start_at": "2030-01-02T00:00:00Z", "repeat_until": "2030-01-01T00:00:00Z"})),
            400,
            "repeat_until must be >= start_at".into(),
        ),
        (
            "too many until the end",
            with(json!({"interval": "1s", "start_at": "2030-01-01T00:00:00Z", "repeat_until": "2031-01-01T00:00:00Z"})),
            400,
            "repeat_until implies too many executions (max 10000)".into(),
        ),
        (
            "too many",
            with(json!({"interval": "1s", "repeat_count": 10_001})),
            400,
            "Failed to build schedule wrapper: repeat_count is too large (max 10000)".into(),
        ),
        (
            "unknown bundle",
            with(json!({"bundle_id": "none"})),
            404,
            "Bundle 'none' has no versions loaded".into(),
        ),
        (
            "unknown version",
            with(json!({"bundle_version": "9.0.0"})),
            404,
            format!("Target workflow '{id}@9.0.0:root' not found"),
        ),
        (
            "unknown flow",
            with(json!({"flow_id": "none"})),
            404,
            format!("Target workflow '{id}@1.0.0:none' not found"),
        ),
        (
            "flow of another bundle",
            with(json!({"flow_id": "other:root"})),
            400,
            "flow_id bundle prefix does not match bundle_id".into(),
        ),
    ];
    for (what, body, status, detail) in cases {
        checks.refused(what, &schedule(&target, body.clone()).await, *status, detail);
    }
    for (what, body, start) in [
        (
            "an end that is no time",
            with(json!({"interval": "1h", "repeat_until": "soon"})),
            "Invalid repeat_until: ",
        ),
        (
            "a start that is no time",
            with(json!({"interval": "1h", "start_at": "soon", "repeat_until": "2030-01-01T00:00:00Z"})),
            "Invalid start_at: ",
        ),
        (
            "an interval that is none",
            with(json!({"interval": "often", "repeat_until": "2030-01-01T00:00:00Z"})),
            "Invalid interval: ",
        ),
    ] {
        let reply = schedule(&target, body).await;
        let says = reply.status == 400 && reply.detail().starts_with(start);
        checks.holds(what, says, || format!("{} {}", reply.status, reply.text()));
    }
    let missing =
        |field: &str, input: Value| json!({"type": "missing", "loc": ["body", field], "msg": "Field required", "input": input});
    let reply = schedule(&target, json!({})).await;
    checks.invalid(
        "nothing",
        &reply,
        json!([missing("bundle_id", json!({})), missing("flow_id", json!({}))]),
    );
}

#[tokio::test]
async fn a_single_shot_runs_its_target_once() {
    let (target, checks) = (target::shared().await, Checks::of("schedule once"));
    let (gateway, id, session) = (&target.gateway, target.name("once"), target.name("session"));
    gateway.install(&echo(&id, "1.0.0")).await;
    let body = json!({"bundle_id": id, "flow_id": "root", "input_data": {"x": 5}, "session_id": session, "start_at": "now"});
    let started = checks.ok("scheduled", &schedule(&target, body).await);
    let run = started["run_id"].as_str().expect("a run id").to_owned();
    let done = gateway.until_status(&run, "completed").await;
    let workflow = done["workflow_id"].as_str().unwrap_or_default().to_owned();
    checks.holds(
        "the wrapper has a name of its own",
        workflow.starts_with("scheduled:"),
        || workflow.clone(),
    );
    let said = json!({
        "kind": "scheduled_run", "interval": null, "repeat_count": null, "repeat_until": null, "start_at": null, "share_context": true,
        "target_workflow_id": format!("{id}@1.0.0:root"), "target_bundle_ref": format!("{id}@1.0.0"), "target_flow_id": "root"
    });
    checks.fields("the run tells its schedule", &done["schedule"], said);
    checks.fields(
        "the run is scheduled",
        &done,
        json!({"is_scheduled": true, "session_id": session}),
    );

    let list = gateway.get(&format!("/api/gateway/runs?session_id={session}")).await.ok();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let children: Vec<&Value> = items.iter().filter(|item| item["parent_run_id"] == run.as_str()).collect();
    checks.equal("one child", children.len(), 1);
    let child = children
        .first()
        .and_then(|child| child["run_id"].as_str())
        .unwrap_or_default();
    checks.fields(
        "the child",
        &gateway.run(child).await,
        json!({"workflow_id": format!("{id}@1.0.0:root"), "session_id": session}),
    );
    checks.equal(
        "the child has the input",
        gateway.output(child).await,
        json!({"x": 5, "success": true}),
    );

    let input = checks.ok(
        "input data",
        &gateway.get(&format!("/api/gateway/runs/{run}/input_data")).await,
    );
    let wanted =
        json!({"workflow_id": workflow, "bundle_id": id, "bundle_version": "1.0.0", "flow_id": "root", "input_data": {"x": 5}});
    checks.fields("input data are the target's", &input, wanted);
    let shown = checks.ok("flow", &gateway.get(&format!("/api/gateway/workflows/{workflow}/flow")).await);
    checks.fields(
        "the wrapper is shown",
        &shown,
        json!({"workflow_id": workflow, "source": "dynamic"}),
    );
    let nodes: Vec<&str> = shown["flow"]["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| node["id"].as_str())
        .collect();
    for name in ["start", "wait_start", "run_target", "end"] {
        checks.holds(&format!("node {name}"), nodes.contains(&name), || nodes.join(" "));
    }
    let encoded = workflow.replace(':', "%3A");
    checks.ok(
        "an encoded name",
        &gateway.get(&format!("/api/gateway/workflows/{encoded}/flow")).await,
    );
}

#[tokio::test]
async fn a_counted_schedule_repeats_and_can_be_changed() {
    let (target, checks) = (target::shared().await, Checks::of("schedule counted"));
    let (gateway, id) = (&target.gateway, target.name("counted"));
    gateway.install(&question(&id, "1.0.0")).await;
    let body = json!({"bundle_id": id, "flow_id": "approve", "interval": "1h", "repeat_count": 2, "share_context": false});
    let run = checks.ok("scheduled", &schedule(&target, body).await)["run_id"]
        .as_str()
        .expect("a run id")
        .to_owned();
    let child_of = async |run: &str| -> String {
        let waiting = gateway
            .until(run, "waiting for its child", |run| run["waiting"]["reason"] == "subworkflow")
            .await;
        waiting["waiting"]["details"]["sub_run_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let first = child_of(&run).await;
    gateway.until_status(&first, "waiting").await;
    let own = gateway.run(&first).await["session_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    checks.holds(
        "a session of its own",
        own.starts_with("scheduled:") && own.ends_with(": 0"),
        || own.clone(),
    );
    gateway.answer(&first, "yes").await.ok();
    let between = gateway
        .until(&run, "between two runs", |run| run["waiting"]["reason"] == "until")
        .await;
    checks.fields(
        "it waits for the interval",
        &between,
        json!({"current_node": "wait_interval", "status": "waiting"}),
    );
    gateway
        .command("update_schedule", &run, json!({"interval": "10ms"}))
        .await
        .ok();
    gateway
        .until(&run, "at its second child", |run| {
            run["waiting"]["reason"] == "subworkflow" && run["waiting"]["details"]["sub_run_id"] != first.as_str()
        })
        .await;
    let second = child_of(&run).await;
    gateway.until_status(&second, "waiting").await;
    gateway.answer(&second, "yes").await.ok();
    let done = gateway.until_status(&run, "completed").await;
    checks.fields(
        "the change is told",
        &done["schedule"],
        json!({"interval": "10ms", "repeat_count": 2}),
    );
    checks.holds("and when it was made", done["schedule"]["updated_at"].is_string(), || {
        done["schedule"].to_string()
    });
}
