//! Deprecation: what is on its way out is hidden and not started any more.

use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{echo, two_doors};
use crate::target::{self, Target};

async fn say(target: &Target, path: &str, body: Value) -> flowgate_tests::Reply {
    target.gateway.post(&format!("/api/gateway/bundles/{path}"), &body).await
}

async fn entrypoints(target: &Target, id: &str, query: &str) -> Value {
    let list = target.gateway.get(&format!("/api/gateway/bundles{query}")).await.ok();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let item = items.into_iter().find(|item| item["bundle_id"] == id).unwrap_or_default();
    item["entrypoints"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| entry["flow_id"].clone())
        .collect()
}

#[tokio::test]
async fn what_is_deprecated_is_hidden_and_not_started() {
    let (target, checks) = (target::shared().await, Checks::of("deprecate"));
    let (gateway, id) = (&target.gateway, target.name("old"));
    gateway.install(&two_doors(&id)).await;
    let one = say(
        &target,
        &format!("{id}/deprecate"),
        json!({"flow_id": "left", "reason": "use right"}),
    )
    .await;
    let mut body = checks.ok("one flow", &one);
    let at = body["deprecated_at"].take();
    checks.holds("says since when", at.as_str().is_some_and(|at| at.len() >= 20), || {
        at.to_string()
    });
    let wanted = json!({"ok": true, "bundle_id": id, "flow_id": "left", "deprecated_at": null, "reason": "use right"});
    checks.equal("one flow: answer", body, wanted);
    checks.equal("hidden", entrypoints(&target, &id, "").await, json!(["right"]));
    let all = entrypoints(&target, &id, "?include_deprecated=true").await;
    checks.equal("shown when asked for", all, json!(["left", "right"]));
    let shown = gateway.get(&format!("/api/gateway/bundles/{id}")).await.ok();
    let wanted = json!({"deprecated": true, "deprecated_at": at, "deprecated_reason": "use right"});
    checks.fields("get tells of it", &shown["entrypoints"][0], wanted);

    let start = async |flow: &str| {
        gateway
            .post("/api/gateway/runs/start", &json!({"bundle_id": id, "flow_id": flow}))
            .await
    };
    let text = format!("Workflow '{id}:left' is deprecated: use right");
    checks.refused("not started", &start("left").await, 409, &text);
    let scheduled = gateway
        .post("/api/gateway/runs/schedule", &json!({"bundle_id": id, "flow_id": "left"}))
        .await;
    checks.refused("not scheduled", &scheduled, 409, &text);
    checks.ok("its neighbour is started", &start("right").await);

    let whole = say(&target, &format!("{id}/deprecate"), json!({})).await;
    checks.fields(
        "all flows",
        &checks.ok("all flows are taken", &whole),
        json!({"ok": true, "flow_id": "*"}),
    );
    checks.equal("the bundle is hidden", entrypoints(&target, &id, "").await, json!([]));
    checks.refused(
        "none is started",
        &start("right").await,
        409,
        &format!("Workflow '{id}:right' is deprecated"),
    );
    checks.refused("its own reason wins", &start("left").await, 409, &text);
    let back = say(&target, &format!("{id}/undeprecate"), json!({})).await;
    let wanted = json!({"ok": true, "bundle_id": id, "flow_id": "*", "removed": true});
    checks.answers("all flows back", &back, 200, wanted);
    checks.equal("but for the one", entrypoints(&target, &id, "").await, json!(["right"]));
    let back = say(&target, &format!("{id}/undeprecate"), json!({"flow_id": "left"})).await;
    let wanted = json!({"ok": true, "bundle_id": id, "flow_id": "left", "removed": true});
    checks.answers("one flow back", &back, 200, wanted);
    checks.ok("and started", &start("left").await);
    let again = say(&target, &format!("{id}/undeprecate"), json!({"flow_id": "left"})).await;
    checks.fields("nothing to take back", &checks.ok("again", &again), json!({"removed": false}));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deprecated() {
    let (target, checks) = (target::shared().await, Checks::of("deprecate refused"));
    let id = target.name("there");
    target.gateway.install(&echo(&id, "1.0.0")).await;
    for verb in ["deprecate", "undeprecate"] {
        let unknown = say(&target, &format!("none/{verb}"), json!({})).await;
        if verb == "deprecate" {
            checks.refused("unknown bundle", &unknown, 404, "Bundle 'none' not found");
            let unknown = say(&target, &format!("{id}/{verb}"), json!({"flow_id": "none"})).await;
            checks.refused("unknown flow", &unknown, 404, &format!("Entrypoint '{id}:none' not found"));
        }
        let empty = target
            .gateway
            .post_text(&format!("/api/gateway/bundles/{id}/{verb}"), "")
            .await;
        let missing = json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]);
        checks.invalid(&format!("{verb} without a body"), &empty, missing);
    }
}
