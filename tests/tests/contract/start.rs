//! `POST /runs/start`: which flow is meant, what a run is given, and what is wrong with a request.

use flowgate_tests::Reply;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{echo, listener, question, two_doors};
use crate::target::{self, Target};

async fn start(target: &Target, body: Value) -> Reply {
    target.gateway.post("/api/gateway/runs/start", &body).await
}

#[tokio::test]
async fn a_flow_is_found_by_bundle_version_and_name() {
    let (target, checks) = (target::shared().await, Checks::of("start"));
    let (gateway, id, doors) = (&target.gateway, target.name("start"), target.name("doors"));
    gateway.install(&echo(&id, "1.0.0")).await;
    gateway.install(&echo(&id, "1.2.0")).await;
    gateway.install(&two_doors(&doors)).await;
    let found: &[(&str, Value, String)] = &[
        ("by bundle", json!({"bundle_id": id}), format!("{id}@1.2.0:root")),
        (
            "by reference",
            json!({"bundle_id": format!("{id}@1.0.0")}),
            format!("{id}@1.0.0:root"),
        ),
        (
            "by version",
            json!({"bundle_id": id, "bundle_version": "1.0.0"}),
            format!("{id}@1.0.0:root"),
        ),
        (
            "by bundle and flow",
            json!({"bundle_id": id, "flow_id": "root"}),
            format!("{id}@1.2.0:root"),
        ),
        (
            "by name",
            json!({"flow_id": format!("{id}:root")}),
            format!("{id}@1.2.0:root"),
        ),
        (
            "by full name",
            json!({"flow_id": format!("{id}@1.0.0:root")}),
            format!("{id}@1.0.0:root"),
        ),
        (
            "by full name and bundle",
            json!({"bundle_id": id, "bundle_version": "1.0.0", "flow_id": format!("{id}@1.0.0:root")}),
            format!("{id}@1.0.0:root"),
        ),
        (
            "one door of two",
            json!({"bundle_id": doors, "flow_id": "left"}),
            format!("{doors}@1.0.0:left"),
        ),
    ];
    for (what, body, workflow) in found {
        let started = checks.ok(what, &start(&target, body.clone()).await);
        if let Some(run) = started["run_id"].as_str() {
            checks.fields(
                &format!("{what}: the run"),
                &gateway.run(run).await,
                json!({"workflow_id": workflow}),
            );
        }
    }
    let nothing = "flow_id is required (or provide bundle_id to start a bundle entrypoint)";
    let refused: &[(&str, Value, u16, String)] = &[
        ("nothing", json!({"input_data": {}}), 400, nothing.into()),
        ("blanks", json!({"flow_id": " ", "bundle_id": ""}), 400, nothing.into()),
        (
            "unknown bundle",
            json!({"bundle_id": "none"}),
            404,
            "Bundle 'none' not found".into(),
        ),
        (
            "unknown bundle and flow",
            json!({"bundle_id": "none", "flow_id": "x"}),
            404,
            "Bundle 'none' not found".into(),
        ),
        (
            "unknown version",
            json!({"bundle_id": id, "bundle_version": "9.9.9"}),
            404,
            format!("Bundle '{id}@9.9.9' not found"),
        ),
        (
            "unknown flow",
            json!({"bundle_id": id, "flow_id": "none"}),
            404,
            format!("Workflow '{id}@1.2.0:none' not found"),
        ),
        (
            "two doors",
            json!({"bundle_id": doors}),
            400,
            format!(
                "Failed to start run: Bundle '{doors}@1.0.0' has 2 entrypoints; specify flow_id to select which entrypoint to start \
                 (or set manifest.default_entrypoint)"
            ),
        ),
        (
            "no bundle",
            json!({"flow_id": "root"}),
            400,
            "Failed to start run: bundle_id is required when multiple bundles are loaded (or pass flow_id as 'bundle:flow')"
                .into(),
        ),
        (
            "unknown scope",
            json!({"bundle_id": id, "registry_scope": "moon"}),
            400,
            "Unsupported registry_scope: moon".into(),
        ),
    ];
    for (what, body, status, detail) in refused {
        checks.refused(what, &start(&target, body.clone()).await, *status, detail);
    }
    let elsewhere = start(&target, json!({"bundle_id": doors, "flow_id": format!("{id}:root")})).await;
    checks.equal("flow of another bundle", elsewhere.status, 400);
    let versions = start(
        &target,
        json!({"bundle_id": format!("{id}@1.0.0"), "bundle_version": "1.2.0"}),
    )
    .await;
    checks.equal("two versions", versions.status, 400);
    let dynamic = start(&target, json!({"flow_id": "scheduled:none"})).await;
    checks.refused(
        "unknown dynamic workflow",
        &dynamic,
        404,
        "Workflow 'scheduled:none' not found",
    );
}

#[tokio::test]
async fn a_start_that_is_malformed_is_told_field_by_field() {
    let (target, checks) = (target::shared().await, Checks::of("start body"));
    let path = "/api/gateway/runs/start";
    let wrong = target
        .gateway
        .post(path, &json!({"bundle_id": 7, "input_data": [], "session_id": {}}))
        .await;
    let text = |field: &str, input: Value| json!({"type": "string_type", "loc": ["body", field], "msg": "Input should be a valid string", "input": input});
    let dict =
        json!({"type": "dict_type", "loc": ["body", "input_data"], "msg": "Input should be a valid dictionary", "input": []});
    checks.invalid(
        "types",
        &wrong,
        json!([text("bundle_id", json!(7)), dict, text("session_id", json!({}))]),
    );
    let decode = |at: u32, error: &str| json!([{"type": "json_invalid", "loc": ["body", at], "msg": "JSON decode error", "input": {}, "ctx": {"error": error}}]);
    let cases = [
        (
            "not JSON",
            "{not json",
            1,
            "Expecting property name enclosed in double quotes",
        ),
        ("no value", "nope", 0, "Expecting value"),
        ("half", r#"{"bundle_id": "#, 14, "Expecting value"),
        ("two values", "{} {}", 3, "Extra data"),
    ];
    for (what, body, at, error) in cases {
        checks.invalid(what, &target.gateway.post_text(path, body).await, decode(at, error));
    }
    let empty = target.gateway.post_text(path, "").await;
    let missing = json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]);
    checks.invalid("empty", &empty, missing);
    let list = target.gateway.post(path, &json!([])).await;
    let attributes = json!([{
        "type": "model_attributes_type", "loc": ["body"],
        "msg": "Input should be a valid dictionary or object to extract fields from", "input": []
    }]);
    checks.invalid("a list", &list, attributes);
}

#[tokio::test]
async fn a_run_is_given_its_session_its_workspace_and_its_listeners() {
    let (target, checks) = (target::shared().await, Checks::of("start effects"));
    let (gateway, id, hears) = (&target.gateway, target.name("given"), target.name("hears"));
    gateway.install(&question(&id, "1.0.0")).await;
    gateway.install(&listener(&hears, "session")).await;
    let run = gateway.start(&id, json!({"title": "Q3", "other": 1})).await;
    let summary = gateway.until_status(&run, "waiting").await;
    checks.fields(
        "without a session",
        &summary,
        json!({"session_id": run, "actor_id": "gateway", "parent_run_id": null}),
    );
    let input = checks.ok(
        "input data",
        &gateway.get(&format!("/api/gateway/runs/{run}/input_data")).await,
    );
    let wanted = json!({
        "run_id": run, "workflow_id": format!("{id}@1.0.0:approve"), "bundle_id": id, "bundle_version": "1.0.0", "flow_id": "approve",
        "pin_ids": ["title"], "input_data": {"title": "Q3"}
    });
    checks.fields("input data are those of the pins", &input, wanted);
    let folder = input["workspace"]["workspace_root"].as_str().unwrap_or_default();
    let is_own = folder
        .rsplit('/')
        .next()
        .is_some_and(|name| name.len() == 32 && folder.contains("workspaces/"));
    checks.holds("a workspace of its own", is_own, || input.to_string());

    let session = target.name("session");
    let started = start(&target, json!({"bundle_id": hears, "session_id": session})).await;
    let run = checks.ok("listener", &started)["run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    gateway.until_status(&run, "waiting").await;
    let list = gateway.get(&format!("/api/gateway/runs?session_id={session}")).await.ok();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let child = items
        .iter()
        .find(|item| item["parent_run_id"] == run.as_str())
        .cloned()
        .unwrap_or_default();
    checks.fields(
        "a listener is a child of the run",
        &child,
        json!({"session_id": session, "status": "waiting"}),
    );
    checks.equal("a run and its listener", items.len(), 2);
    let child = gateway.run(child["run_id"].as_str().unwrap_or_default()).await;
    let key = format!("evt:session:{session}:ping");
    checks.fields(
        "a listener waits for its event",
        &child["waiting"],
        json!({"reason": "event", "wait_key": key}),
    );

    let lifecycle = json!({"purpose": "trial", "source": "x".repeat(300), "odd": 1, "retention": {"mode": "ephemeral", "ttl_s": 5, "odd": 1}});
    let body = json!({"bundle_id": id, "run_lifecycle": lifecycle});
    let run = checks.ok("lifecycle", &start(&target, body).await)["run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let wanted = json!({"purpose": "trial", "source": "x".repeat(240), "retention": {"mode": "ephemeral", "ttl_s": 5}});
    let summary = gateway.run(&run).await;
    checks.fields("lifecycle is cut to what is known", &summary["run_lifecycle"], wanted);
    checks.equal(
        "lifecycle has nothing else",
        summary["run_lifecycle"].get("odd").is_none(),
        true,
    );
}

#[tokio::test]
async fn numbers_keep_their_spelling() {
    let (target, checks) = (target::shared().await, Checks::of("start numbers"));
    let (gateway, id) = (&target.gateway, target.name("numbers"));
    gateway.install(&echo(&id, "1.0.0")).await;
    let value = r#"{"z":123456789012345678901234567890,"a":3.0,"m":3,"t":"é","k":[-0.5,null,true]}"#;
    let body = format!(r#"{{"bundle_id":"{id}","input_data":{{"x":{value}}}}}"#);
    let started = gateway.post_text("/api/gateway/runs/start", body).await.ok();
    let run = started["run_id"].as_str().expect("a run id");
    gateway.until_status(run, "completed").await;
    let squeezed = |text: String| text.split_whitespace().collect::<String>();
    let ledger = squeezed(gateway.ledger_text(run).await);
    checks.holds("in the ledger", ledger.contains(value), || ledger.clone());
    let input = squeezed(gateway.get(&format!("/api/gateway/runs/{run}/input_data")).await.text());
    checks.holds("in the input data", input.contains(value), || input.clone());
}
