//! Bundles: list, get, flow, input schema, upload, reload, delete.

use flowgate_tests::{Bundle, Flow, Options};
use hyper::Method;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{echo, question, two_doors};
use crate::identity::bare;
use crate::target::{self, Target};

const BUNDLES: &str = "/api/gateway/bundles";

#[tokio::test]
async fn a_bundle_is_uploaded_listed_shown_and_deleted() {
    let (target, checks) = (target::shared().await, Checks::of("bundles"));
    let (gateway, id) = (&target.gateway, target.name("shown"));
    let uploaded = gateway.upload_file(&question(&id, "1.0.0").zip(), &[]).await;
    let mut body = checks.ok("upload", &uploaded);
    let sha256 = body["sha256"].take();
    checks.equal("upload tells the digest", sha256.as_str().map_or(0, str::len), 64);
    let entrypoint = json!({"flow_id": "approve", "name": "approve", "description": "", "interfaces": []});
    let wanted = json!({
        "ok": true, "bundle_id": id, "bundle_version": "1.0.0", "bundle_ref": format!("{id}@1.0.0"), "sha256": null,
        "default_entrypoint": "approve", "entrypoints": [entrypoint], "gateway_reloaded": true, "gateway_reload_error": null
    });
    checks.equal("upload says", body, wanted);
    let again = gateway.upload_file(&question(&id, "1.0.0").zip(), &[]).await;
    checks.refused(
        "upload again",
        &again,
        400,
        &format!("Bundle already installed: {id}@1.0.0.flow"),
    );
    let over = gateway
        .upload_file(&question(&id, "1.0.0").zip(), &[("overwrite", "true")])
        .await;
    checks.fields(
        "upload over it",
        &checks.ok("upload over it is taken", &over),
        json!({"ok": true}),
    );
    checks.ok(
        "upload a second version",
        &gateway.upload_file(&question(&id, "1.10.0").zip(), &[]).await,
    );
    checks.ok(
        "upload a third version",
        &gateway.upload_file(&question(&id, "1.9.0").zip(), &[]).await,
    );

    let items = listed(&target, &id, "").await;
    checks.equal("list has the latest", versions(&items), json!(["1.10.0"]));
    let wanted = json!({
        "bundle_id": id, "bundle_version": "1.10.0", "bundle_ref": format!("{id}@1.10.0"), "registry_scope": "private",
        "version_channel": "published", "is_draft": false, "is_published": true, "latest_published_version": "1.10.0",
        "latest_any_version": "1.10.0", "created_at": "2026-01-08T00:00:00+00:00", "metadata": {}, "default_entrypoint": "approve",
        "entrypoints": [{
            "flow_id": "approve", "name": "approve", "description": "", "interfaces": [], "workflow_id": format!("{id}@1.10.0:approve"),
            "deprecated": false, "deprecated_at": null, "deprecated_reason": null
        }],
        "actions": {
            "can_run": true, "can_upload": true, "can_remove": true, "can_deprecate": true,
            "catalog_promote_endpoint": "/api/gateway/admin/workflow-catalog/promote"
        }
    });
    checks.equal("list item", items[0].clone(), wanted);
    let all = listed(&target, &id, "?all_versions=yes").await;
    checks.equal("list of all versions", versions(&all), json!(["1.0.0", "1.9.0", "1.10.0"]));

    let shown = checks.ok("get", &gateway.get(&format!("{BUNDLES}/{id}")).await);
    let node = |kind: &str, label: &str| json!({"type": kind, "label": label});
    let wanted = json!({
        "bundle_id": id, "bundle_version": "1.10.0", "bundle_ref": format!("{id}@1.10.0"),
        "created_at": "2026-01-08T00:00:00+00:00", "default_entrypoint": "approve",
        "entrypoints": [{
            "flow_id": "approve", "workflow_id": format!("{id}@1.10.0:approve"), "name": "approve", "description": "", "interfaces": [],
            "inputs": [{"id": "title", "label": "title", "type": "any", "default": "Report"}],
            "node_index": {"start": node("on_flow_start", "start"), "ask": node("ask_user", "ask"), "end": node("on_flow_end", "end")},
            "deprecated": false, "deprecated_at": null, "deprecated_reason": null
        }],
        "flows": ["approve"], "metadata": {}
    });
    checks.equal("get says", shown, wanted);
    let old = checks.ok(
        "get of a version",
        &gateway.get(&format!("{BUNDLES}/{id}?bundle_version=1.0.0")).await,
    );
    checks.fields("get of a version says", &old, json!({"bundle_version": "1.0.0"}));
    let old = checks.ok("get of a reference", &gateway.get(&format!("{BUNDLES}/{id}@1.0.0")).await);
    checks.fields("get of a reference says", &old, json!({"bundle_version": "1.0.0"}));
    let encoded = gateway.get(&format!("{BUNDLES}/{id}%401.0.0")).await;
    checks.ok("get of an encoded reference", &encoded);

    let removed = bare(&target, Method::DELETE, &format!("{BUNDLES}/{id}?bundle_version=1.9.0")).await;
    let wanted = json!({
        "ok": true, "bundle_ref": format!("{id}@1.9.0"), "removed": 1, "gateway_reloaded": true, "gateway_reload_error": null
    });
    checks.answers("delete a version", &removed, 200, wanted);
    let removed = bare(&target, Method::DELETE, &format!("{BUNDLES}/{id}")).await;
    let wanted = json!({"ok": true, "bundle_ref": id, "removed": 2, "gateway_reloaded": true, "gateway_reload_error": null});
    checks.answers("delete all versions", &removed, 200, wanted);
    let removed = bare(&target, Method::DELETE, &format!("{BUNDLES}/{id}@1.0.0")).await;
    checks.refused(
        "delete what is gone",
        &removed,
        404,
        &format!("Bundle '{id}@1.0.0' not found"),
    );
    checks.equal(
        "list after the delete",
        versions(&listed(&target, &id, "?all_versions=1").await),
        json!([]),
    );
}

async fn listed(target: &Target, id: &str, query: &str) -> Vec<Value> {
    let list = target.gateway.get(&format!("{BUNDLES}{query}")).await.ok();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().filter(|item| item["bundle_id"] == id).collect()
}

fn versions(items: &[Value]) -> Value {
    items.iter().map(|item| item["bundle_version"].clone()).collect()
}

#[tokio::test]
async fn a_bundle_that_is_not_there_is_told_by_what_is_missing() {
    let (target, checks) = (target::shared().await, Checks::of("bundle refs"));
    let (gateway, id) = (&target.gateway, target.name("refs"));
    gateway.install(&echo(&id, "1.0.0")).await;
    let cases: &[(&str, String, u16, String)] = &[
        ("unknown bundle", "none".into(), 404, "Bundle 'none' not found".into()),
        (
            "unknown version",
            format!("{id}@9"),
            404,
            format!("Bundle '{id}@9' not found"),
        ),
        (
            "unknown version apart",
            format!("{id}?bundle_version=9"),
            404,
            format!("Bundle '{id}@9' not found"),
        ),
        (
            "two versions",
            format!("{id}@1.0.0?bundle_version=2.0.0"),
            400,
            "bundle_version conflicts with bundle_id (bundle_id already includes '@version')".into(),
        ),
        ("no id", "@1.0.0".into(), 400, "bundle_id is required".into()),
        ("blank id", "%20".into(), 400, "bundle_id is required".into()),
        (
            "flow of an unknown bundle",
            "none/flows/root".into(),
            404,
            "Bundle 'none' not found".into(),
        ),
        (
            "unknown flow",
            format!("{id}/flows/none"),
            404,
            format!("Flow 'none' not found in bundle '{id}@1.0.0'"),
        ),
        ("blank flow", format!("{id}/flows/%20"), 400, "flow_id is required".into()),
        (
            "flow of another bundle",
            format!("{id}/flows/other:root"),
            400,
            "flow_id bundle prefix does not match bundle_id".into(),
        ),
        (
            "flow of another version",
            format!("{id}@1.0.0/flows/{id}@2.0.0:root"),
            400,
            "flow_id version does not match bundle_id".into(),
        ),
        (
            "flow of another version apart",
            format!("{id}/flows/{id}@2.0.0:root?bundle_version=1.0.0"),
            400,
            "flow_id version does not match bundle_version".into(),
        ),
        (
            "two versions of a flow",
            format!("{id}@2.0.0/flows/root?bundle_version=1.0.0"),
            400,
            "bundle_id version does not match bundle_version".into(),
        ),
        (
            "flow without a name",
            format!("{id}/flows/{id}:"),
            400,
            "Invalid flow_id".into(),
        ),
    ];
    for (what, path, status, detail) in cases {
        checks.refused(what, &gateway.get(&format!("{BUNDLES}/{path}")).await, *status, detail);
        // The schema has the rules of the flow.
        if let Some((before, query)) = path.contains("/flows/").then(|| path.split_once('?').unwrap_or((path, ""))) {
            let reply = gateway.get(&format!("{BUNDLES}/{before}/input_schema?{query}")).await;
            checks.refused(&format!("{what}: schema"), &reply, *status, detail);
        }
    }
    let conflict = bare(&target, Method::DELETE, &format!("{BUNDLES}/{id}@1.0.0?bundle_version=2.0.0")).await;
    checks.refused(
        "delete of two versions",
        &conflict,
        400,
        "bundle_id version does not match bundle_version",
    );
    let gone = bare(&target, Method::DELETE, &format!("{BUNDLES}/none")).await;
    checks.refused("delete of nothing", &gone, 404, "Bundle 'none' not found");
    let flag = gateway.get(&format!("{BUNDLES}?all_versions=maybe")).await;
    let issue = json!([{
        "type": "bool_parsing", "loc": ["query", "all_versions"],
        "msg": "Input should be a valid boolean, unable to interpret input", "input": "maybe"
    }]);
    checks.invalid("a flag that is none", &flag, issue);
}

#[tokio::test]
async fn a_flow_shows_its_document_and_its_schema() {
    let (target, checks) = (target::shared().await, Checks::of("flow"));
    let (gateway, id) = (&target.gateway, target.name("schema"));
    let pins = json!({"outputs": [
        {"id": "exec-out", "label": "", "type": "execution"},
        {"id": "title", "label": "Title", "type": "string"},
        {"id": "count", "label": "count", "type": "integer"},
        {"id": "share", "label": "share", "type": "float"},
        {"id": "on", "label": "on", "type": "bool"},
        {"id": "items", "label": "items", "type": "list"},
        {"id": "data", "label": "data", "type": "json"},
        {"id": "file", "label": "file", "type": "artifact_image"},
        {"id": "who", "label": "who", "type": "provider"},
        {"id": "range", "label": "range", "type": "number", "schema": {"type": "number", "minimum": 0}}
    ], "pinDefaults": {"title": "Report", "count": 2}});
    let flow = Flow::new("root")
        .node("start", "on_flow_start", &[], &[], pins)
        .end("end", &[])
        .exec("start -> end");
    gateway.install(&Bundle::new(&id, "1.0.0").flow(flow)).await;
    let named = json!({
        "bundle_id": id, "bundle_version": "1.0.0", "bundle_ref": format!("{id}@1.0.0"), "flow_id": "root",
        "workflow_id": format!("{id}@1.0.0:root")
    });
    for path in [
        format!("{id}/flows/root"),
        format!("{id}@1.0.0/flows/root"),
        format!("{id}/flows/{id}:root"),
        format!("{id}/flows/{id}@1.0.0:root?bundle_version=1.0.0"),
    ] {
        let label = path.replace(&id, "B");
        let shown = checks.ok(&label, &gateway.get(&format!("{BUNDLES}/{path}")).await);
        checks.fields(&format!("{label} says"), &shown, named.clone());
        checks.fields(
            &format!("{label} has the document"),
            &shown["flow"],
            json!({"id": "root", "entryNode": "start"}),
        );
    }

    let schema = checks.ok(
        "schema",
        &gateway.get(&format!("{BUNDLES}/{id}/flows/root/input_schema")).await,
    );
    checks.fields("schema says", &schema, named);
    checks.fields(
        "schema version and defaults",
        &schema,
        json!({"version": 1, "defaults": {"title": "Report", "count": 2}}),
    );
    let wanted = json!({
        "type": "object", "additionalProperties": true,
        "properties": {
            "title": {"type": "string", "x-abstract-type": "string", "title": "Title", "default": "Report"},
            "count": {"type": "integer", "x-abstract-type": "integer", "default": 2},
            "share": {"type": "number", "x-abstract-type": "float"},
            "on": {"type": "boolean", "x-abstract-type": "bool"},
            "items": {"type": "array", "x-abstract-type": "list"},
            "data": {"type": "object", "x-abstract-type": "json"},
            "file": schema["input_data_schema"]["properties"]["file"],
            "who": {"type": "string", "x-abstract-type": "provider"},
            "range": {"type": "number", "minimum": 0, "x-abstract-type": "number"}
        },
        "required": ["share", "on", "items", "data", "file", "who", "range"]
    });
    checks.equal("schema of the input", schema["input_data_schema"].clone(), wanted);
    let file = &schema["input_data_schema"]["properties"]["file"];
    checks.fields(
        "schema of an artifact",
        file,
        json!({"type": "object", "required": ["$artifact"], "x-abstract-type": "artifact_image"}),
    );
    let input = json!({
        "id": "title", "label": "Title", "type": "string", "default": "Report", "required": false,
        "schema": {"type": "string", "x-abstract-type": "string", "title": "Title", "default": "Report"}
    });
    checks.equal("schema of a pin", schema["inputs"][0].clone(), input);
    checks.equal(
        "schema of a pin without default",
        schema["inputs"][2]["required"].clone(),
        true,
    );
}

#[tokio::test]
async fn an_upload_that_is_no_bundle_is_refused() {
    let (target, checks) = (target::shared().await, Checks::of("upload"));
    let gateway = &target.gateway;
    let no_zip = gateway.upload_file(b"this is not a zip", &[]).await;
    checks.refused("no zip", &no_zip, 400, "Failed installing bundle: File is not a zip file");
    let no_form = gateway.post("/api/gateway/bundles/upload", &json!({})).await;
    let missing = json!([{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": null}]);
    checks.invalid("no form", &no_form, missing);
    let id = target.name("flags");
    let flag = gateway
        .upload_file(&echo(&id, "1.0.0").zip(), &[("overwrite", "maybe")])
        .await;
    let issue = json!([{
        "type": "bool_parsing", "loc": ["body", "overwrite"],
        "msg": "Input should be a valid boolean, unable to interpret input", "input": "maybe"
    }]);
    checks.invalid("a flag that is none", &flag, issue);
    let unsafe_id = gateway.upload_file(&echo("a/b", "1.0.0").zip(), &[]).await;
    checks.equal("an unsafe id", unsafe_id.status, 400);
    let unsafe_version = gateway.upload_file(&echo(&id, "1/0").zip(), &[]).await;
    checks.equal("an unsafe version", unsafe_version.status, 400);
    let odd = Flow::new("root")
        .start(&[])
        .node("what", "no_such_node", &[], &[], json!({}))
        .end("end", &[])
        .exec("start -> end");
    let odd = gateway.upload_file(&Bundle::new(&id, "2.0.0").flow(odd).zip(), &[]).await;
    checks.ok("an unknown node does not matter", &odd);
    let quiet = gateway.upload_file(&echo(&id, "3.0.0").zip(), &[("reload", "false")]).await;
    let said = json!({"gateway_reloaded": false, "gateway_reload_error": null});
    checks.fields("without a reload", &checks.ok("without a reload it is taken", &quiet), said);
}

#[tokio::test]
async fn a_draft_shows_only_when_asked_for() {
    let (target, checks) = (target::shared().await, Checks::of("drafts"));
    let (gateway, id) = (&target.gateway, target.name("draft"));
    gateway.install(&echo(&id, "1.0.0")).await;
    gateway.install(&echo(&id, "draft.2")).await;
    let shown = listed(&target, &id, "").await;
    checks.equal("list", versions(&shown), json!(["1.0.0"]));
    checks.fields(
        "list tells of the draft",
        &shown[0],
        json!({"latest_published_version": "1.0.0", "latest_any_version": "draft.2"}),
    );
    checks.equal(
        "list of all versions",
        versions(&listed(&target, &id, "?all_versions=true").await),
        json!(["1.0.0"]),
    );
    let all = listed(&target, &id, "?all_versions=true&include_drafts=true").await;
    let mut names: Vec<String> = all
        .iter()
        .map(|item| item["bundle_version"].as_str().unwrap_or_default().into())
        .collect();
    names.sort_unstable();
    checks.equal("list with drafts", names, json!(["1.0.0", "draft.2"]));
    let draft = all
        .iter()
        .find(|item| item["bundle_version"] == "draft.2")
        .cloned()
        .unwrap_or_default();
    let said = json!({"version_channel": "draft", "is_draft": true, "is_published": false});
    checks.fields("list says of a draft", &draft, said);
    let latest = checks.ok("get", &gateway.get(&format!("{BUNDLES}/{id}")).await);
    checks.fields("get prefers what is published", &latest, json!({"bundle_version": "1.0.0"}));
    let body = json!({"bundle_id": id, "bundle_version": "draft.2", "input_data": {"x": 1}});
    let refused = gateway.post("/api/gateway/runs/start", &body).await;
    let text = "draft bundle versions require run_lifecycle.purpose='draft_test'";
    checks.refused("start without saying so", &refused, 400, text);
    let mut body = body;
    body["run_lifecycle"] = json!({"purpose": "draft_test"});
    checks.ok("start of a test", &gateway.post("/api/gateway/runs/start", &body).await);
}

#[tokio::test]
async fn the_only_bundle_is_the_default() {
    let Some(server) = target::own(Options::new()).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("default bundle"));
    let list = gateway.get(BUNDLES).await;
    checks.answers(
        "nothing installed",
        &list,
        200,
        json!({"items": [], "default_bundle_id": null}),
    );
    let start = async |body: Value| gateway.post("/api/gateway/runs/start", &body).await;
    gateway.install(&echo("one", "1.0.0")).await;
    let list = checks.ok("list", &gateway.get(BUNDLES).await);
    checks.fields("one installed", &list, json!({"default_bundle_id": "one"}));
    checks.ok(
        "a flow needs no bundle",
        &start(json!({"flow_id": "root", "input_data": {"x": 1}})).await,
    );
    let reloaded = gateway.post("/api/gateway/bundles/reload", &json!({})).await;
    checks.answers(
        "reload",
        &reloaded,
        200,
        json!({"ok": true, "bundle_ids": ["one"], "count": 1}),
    );
    gateway.install(&two_doors("two")).await;
    let list = checks.ok("list of two", &gateway.get(BUNDLES).await);
    checks.fields("two installed", &list, json!({"default_bundle_id": null}));
    let ambiguous = start(json!({"flow_id": "root"})).await;
    let text = "Failed to start run: bundle_id is required when multiple bundles are loaded (or pass flow_id as 'bundle:flow')";
    checks.refused("a flow needs its bundle", &ambiguous, 400, text);
}
