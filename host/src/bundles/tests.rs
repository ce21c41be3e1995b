//! What is installed, which version counts, and what a start request means.

#![allow(clippy::unwrap_used, clippy::panic)]

mod deprecations;
mod flow_files;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use flowgate_compiler::bundle::Limits;
use serde_json::{Value, json};

use super::shelf::Source;
use super::{Options, Registry, listener_id, pack};
use crate::api::workflows::{InstallError, Missing, ResolveError, Target, Workflows as _};
use crate::ids::TenantId;
use crate::journal::{self, Compiled};

const T: TenantId = TenantId::LOCAL;

async fn registry(options: Options) -> Registry {
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    Registry::open(journal, options).await.unwrap()
}

fn node(id: &str, ty: &str, outputs: &[&str], more: Value) -> Value {
    let pin = |id: &&str| json!({ "id": id, "label": id, "type": if id.contains("exec") { "execution" } else { "any" } });
    let inputs = json!([{ "id": "exec-in", "label": "", "type": "execution" }]);
    let inputs = if ty.starts_with("on_") { json!([]) } else { inputs };
    let mut data = json!({ "nodeType": ty, "label": ty, "inputs": inputs });
    data["outputs"] = Value::Array(outputs.iter().map(pin).collect());
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    json!({ "id": id, "type": ty, "position": { "x": 0, "y": 0 }, "data": data })
}

fn edge(from: &str, to: &str) -> Value {
    json!({ "id": format!("{from}-{to}"), "source": from, "sourceHandle": "exec-out", "target": to, "targetHandle": "exec-in" })
}

/// start -> end
fn plain(id: &str) -> Value {
    let nodes = [
        node("start", "on_flow_start", &["exec-out"], json!({})),
        node("end", "on_flow_end", &[], json!({})),
    ];
    json!({ "id": id, "name": id, "nodes": nodes, "edges": [edge("start", "end")], "entryNode": "start" })
}

/// start -> a subflow `child` -> end
fn parent(id: &str, child: &str) -> Value {
    let mut flow = plain(id);
    let nodes = flow["nodes"].as_array_mut().unwrap();
    nodes.push(node("call", "subflow", &["exec-out"], json!({ "subflowId": child })));
    flow["edges"] = json!([edge("start", "call"), edge("call", "end")]);
    flow
}

/// A node of a type that nobody knows.
fn broken(id: &str) -> Value {
    let mut flow = plain(id);
    flow["nodes"]
        .as_array_mut()
        .unwrap()
        .push(node("odd", "frobnicate", &["exec-out"], json!({})));
    flow["edges"] = json!([edge("start", "odd"), edge("odd", "end")]);
    flow
}

fn manifest(id: &str, version: &str, entrypoints: &[&str], flows: &[Value]) -> Value {
    let entry = |flow: &&str| json!({ "flow_id": flow, "name": flow, "description": "", "interfaces": [] });
    let paths = flows
        .iter()
        .map(|f| f["id"].as_str().unwrap())
        .map(|id| (id.to_owned(), json!(format!("flows/{id}.json"))));
    json!({
        "bundle_format_version": "1", "bundle_id": id, "bundle_version": version, "created_at": "2026-01-08T00:00:00+00:00",
        "entrypoints": entrypoints.iter().map(entry).collect::<Vec<_>>(),
        "flows": Value::Object(paths.collect()), "artifacts": {}, "assets": {}, "metadata": {},
    })
}

fn file(id: &str, version: &str, entrypoints: &[&str], flows: &[Value]) -> Bytes {
    let texts = flows
        .iter()
        .map(|f| (format!("flows/{}.json", f["id"].as_str().unwrap()), f.to_string()));
    let texts = texts.collect::<Vec<_>>();
    let members = texts
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect::<Vec<_>>();
    pack(&manifest(id, version, entrypoints, flows).to_string(), &members)
        .unwrap()
        .into()
}

async fn upload(registry: &Registry, id: &str, version: &str, flows: &[Value]) -> Result<(), InstallError> {
    let first = flows[0]["id"].as_str().unwrap();
    registry
        .upload(T, file(id, version, &[first], flows), false)
        .await
        .map(|_| ())
}

fn target<'a>(bundle_id: &'a str, version: &'a str, flow_id: &'a str) -> Target<'a> {
    let given = |text: &'a str| Some(text).filter(|t| !t.is_empty());
    Target {
        bundle_id: given(bundle_id),
        bundle_version: given(version),
        flow_id: given(flow_id),
    }
}

#[tokio::test]
async fn an_upload_can_be_started_and_the_latest_version_counts() {
    let registry = registry(Options::default()).await;
    for version in ["1.9.0", "1.10.0", "draft.3"] {
        upload(&registry, "demo", version, &[plain("main")]).await.unwrap();
    }
    let flow = registry.resolve(T, target("demo", "", "")).unwrap();
    assert_eq!(
        (flow.workflow_id.as_str(), flow.entry.as_str()),
        ("demo@1.10.0:main", "start")
    );
    let workflow = registry.workflow(T, "demo:main").unwrap();
    assert_eq!(
        (workflow.workflow_id.as_str(), workflow.component),
        ("demo@1.10.0:main", flow.component)
    );
    assert!(registry.resolve(T, target("demo@draft.3", "", "main")).unwrap().is_draft);
    let versions = registry
        .bundles(T)
        .iter()
        .map(|b| b.bundle_version.clone())
        .collect::<Vec<_>>();
    assert_eq!(versions, ["draft.3", "1.9.0", "1.10.0"]);
    assert!(
        registry.workflow(TenantId(2), "demo:main").is_none(),
        "another tenant has none of it"
    );

    let again = upload(&registry, "demo", "1.9.0", &[plain("main")]).await.unwrap_err();
    assert_eq!(again.to_string(), "Bundle already installed: demo@1.9.0.flow");
    let other = file("demo", "1.9.0", &["other"], &[plain("other")]);
    registry.upload(T, other, true).await.unwrap();
    assert!(registry.workflow(T, "demo@1.9.0:other").is_some() && registry.workflow(T, "demo@1.9.0:main").is_none());

    assert_eq!(registry.remove(T, "demo", Some("1.10.0")).await, Ok(1));
    assert_eq!(registry.bundle(T, "demo", None).unwrap().bundle_version, "1.9.0");
    assert_eq!(
        registry.bundle(T, "demo", Some("7")).unwrap_err(),
        Missing::Version("demo".into(), "7".into())
    );
    assert_eq!(registry.remove(T, "demo", None).await, Ok(2));
    assert_eq!(
        registry.bundle(T, "demo", None).unwrap_err().to_string(),
        "Bundle 'demo' not found"
    );
    assert_eq!(registry.remove(T, "demo", None).await, Ok(0));
}

#[tokio::test]
async fn a_start_request_means_one_flow_or_says_why_not() {
    let registry = registry(Options::default()).await;
    upload(&registry, "solo", "1.0.0", &[plain("main"), plain("side")])
        .await
        .unwrap();
    let meant = |bundle: &str, version: &str, flow: &str| match registry.resolve(T, target(bundle, version, flow)) {
        Ok(flow) => flow.workflow_id.clone(),
        Err(ResolveError::Nothing) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(meant("", "", ""), "nothing");
    assert_eq!(meant("", "", "side"), "solo@1.0.0:side");
    let two = file("two", "1.0.0", &["a", "b"], &[plain("a"), plain("b")]);
    registry.upload(T, two, false).await.unwrap();
    for (bundle, version, flow, expected) in [
        ("solo", "", "", "solo@1.0.0:main"),
        ("solo@1.0.0", "", "side", "solo@1.0.0:side"),
        ("solo@1.0.0", "1.0.0", "", "solo@1.0.0:main"),
        ("", "", "solo:side", "solo@1.0.0:side"),
        ("solo", "", "solo@1.0.0: side", "solo@1.0.0:side"),
        (
            "solo@1.0.0",
            "2.0.0",
            "",
            "bundle_version conflicts with bundle_id (bundle_id already includes '@version')",
        ),
        ("two", "", "solo:side", "flow_id bundle prefix does not match bundle_id"),
        (
            "solo",
            "1.0.0",
            "solo@2:side",
            "flow_id version does not match bundle_version",
        ),
        (
            "",
            "",
            "side",
            "bundle_id is required when multiple bundles are loaded (or pass flow_id as 'bundle:flow')",
        ),
        ("none", "", "x", "Bundle 'none' not found"),
        ("solo", "9", "x", "Bundle 'solo@9' not found"),
        ("solo", "", "none", "Workflow 'solo@1.0.0:none' not found"),
        ("", "", "scheduled:7", "Workflow 'scheduled:7' not found"),
        (
            "solo",
            "",
            "scheduled:7",
            "flow_id 'scheduled:7' is already namespaced, but bundle_id/bundle_version was also provided",
        ),
        (
            "two",
            "",
            "",
            "Bundle 'two@1.0.0' has 2 entrypoints; specify flow_id to select which entrypoint to start (or set manifest.default_entrypoint)",
        ),
    ] {
        assert_eq!(meant(bundle, version, flow), expected, "{bundle} {version} {flow}");
    }
}

#[tokio::test]
async fn a_flow_that_does_not_compile_keeps_only_itself_from_starting() {
    let registry = registry(Options::default()).await;
    upload(&registry, "mixed", "1.0.0", &[plain("good"), broken("bad")])
        .await
        .unwrap();
    let bundle = registry.bundle(T, "mixed", None).unwrap();
    assert_eq!(bundle.flows, ["bad", "good"]);
    let named = bundle
        .diagnostics
        .iter()
        .any(|d| d.flow == "bad" && d.node.as_deref() == Some("odd"));
    assert!(named, "{:?}", bundle.diagnostics);
    assert!(registry.resolve(T, target("mixed", "", "good")).is_ok());
    match registry.resolve(T, target("mixed", "", "bad")) {
        Err(ResolveError::NotCompiled {
            workflow_id,
            diagnostics,
        }) => {
            assert_eq!(workflow_id, "mixed@1.0.0:bad");
            assert!(diagnostics[0].to_string().contains("frobnicate"), "{diagnostics:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(registry.workflow(T, "mixed:bad").is_none());
    assert!(
        registry.flow(T, "mixed", "1.0.0", "bad").is_some(),
        "its document can be read all the same"
    );
}

#[tokio::test]
async fn components_are_in_the_journal_and_subflows_have_their_full_name() {
    let registry = registry(Options::default()).await;
    let flows = [parent("main", "child"), parent("far", "other@1.0.0:child"), plain("child")];
    upload(&registry, "tree", "1.0.0", &flows).await.unwrap();
    for (flow, named) in [("main", "tree@1.0.0:child"), ("far", "other@1.0.0:child")] {
        let component = registry.resolve(T, target("tree", "", flow)).unwrap().component;
        let (bytes, runtime) = registry.journal().component(T, component).await.unwrap().unwrap();
        assert!(runtime.is_some(), "the runtime it links to is kept with it");
        let found = bytes.windows(named.len()).any(|window| window == named.as_bytes());
        assert!(found, "{flow} should start {named}");
    }
}

#[tokio::test]
async fn each_on_event_node_is_a_listener_workflow() {
    let registry = registry(Options::default()).await;
    let mut flow = plain("root");
    let event = json!({ "eventConfig": { "name": "ping", "scope": "session" } });
    flow["nodes"]
        .as_array_mut()
        .unwrap()
        .push(node("ev.x", "on_event", &["exec-out"], event.clone()));
    assert_eq!(
        listener_id("listen@1.0.0:root", "ev"),
        "visual_event_listener_listen_1_0_0_root_ev"
    );
    assert_eq!(listener_id("b@1:f", "ü x"), "visual_event_listener_b_1_f__x");
    flow["nodes"][2]["id"] = json!("ev");
    flow["nodes"]
        .as_array_mut()
        .unwrap()
        .push(node("said", "answer_user", &["exec-out"], json!({})));
    flow["edges"].as_array_mut().unwrap().push(edge("ev", "said"));
    upload(&registry, "listen", "1.0.0", &[flow]).await.unwrap();
    let flow = registry.resolve(T, target("listen", "", "")).unwrap();
    assert_eq!(flow.listeners.len(), 1);
    let id = "visual_event_listener_listen_1_0_0_root_ev";
    assert_eq!(
        (flow.listeners[0].workflow_id.as_str(), flow.listeners[0].entry.as_str()),
        (id, "ev")
    );
    let listener = registry.workflow(T, id).unwrap();
    assert_eq!((listener.entry.as_str(), listener.component), ("ev", flow.component));
    assert!(listener.listeners.is_empty());
}

#[tokio::test]
async fn bad_files_are_refused_and_leave_what_is_there() {
    let registry = registry(Options::default()).await;
    upload(&registry, "keep", "1.0.0", &[plain("main")]).await.unwrap();
    let escape = {
        let mut manifest = manifest("x", "1.0.0", &["f"], &[plain("f")]);
        manifest["flows"]["f"] = json!("../f.json");
        pack(&manifest.to_string(), &[]).unwrap()
    };
    for (bytes, text) in [
        (b"no zip".to_vec(), "Failed installing bundle: File is not a zip file"),
        (escape, "unsafe path '../f.json'"),
        (file("bad id", "1", &["f"], &[plain("f")]).to_vec(), "suggested: 'bad-id'"),
    ] {
        let error = registry.upload(T, bytes.into(), false).await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(registry.reload(T).await, Ok(vec!["keep".to_owned()]));
}

fn write_dir(dir: &Path, id: &str, version: &str, flow: &Value) {
    std::fs::create_dir_all(dir.join("flows")).unwrap();
    let flows = std::slice::from_ref(flow);
    let name = flow["id"].as_str().unwrap();
    std::fs::write(dir.join("manifest.json"), manifest(id, version, &[name], flows).to_string()).unwrap();
    std::fs::write(dir.join(format!("flows/{name}.json")), flow.to_string()).unwrap();
}

#[tokio::test]
async fn the_flows_directory_is_read_at_start_and_on_reload() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("a.flow"), file("packed", "1.0.0", &["f"], &[plain("f")])).unwrap();
    std::fs::write(at("broken.flow"), b"no zip").unwrap();
    std::fs::write(at("notes.txt"), b"").unwrap();
    write_dir(&at("unpacked"), "unpacked", "2.0.0", &plain("g"));
    let options = Options {
        flows_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let registry = registry(options).await;
    assert!(registry.workflow(T, "packed@1.0.0:f").is_some() && registry.workflow(T, "unpacked:g").is_some());

    // An upload wins over a file of the same name and version; what has not changed is the same object.
    let before = registry.shelf(T);
    upload(&registry, "new", "1.0.0", &[plain("f")]).await.unwrap();
    std::fs::write(at("b.flow"), file("late", "1.0.0", &["f"], &[plain("f")])).unwrap();
    assert_eq!(registry.reload(T).await.unwrap(), ["late", "new", "packed", "unpacked"]);
    let after = registry.shelf(T);
    let of = |shelf: &super::shelf::Shelf| shelf.version("packed", None).unwrap().clone();
    assert!(Arc::ptr_eq(&of(&before), &of(&after)), "nothing is compiled twice");

    // Removing takes the file; a directory is its owner's business.
    assert_eq!(registry.remove(T, "packed", None).await, Ok(1));
    assert!(!at("a.flow").exists());
    assert!(
        registry
            .remove(T, "unpacked", None)
            .await
            .unwrap_err()
            .contains("remove that and reload")
    );
    std::fs::remove_dir_all(at("unpacked")).unwrap();
    assert_eq!(registry.reload(T).await.unwrap(), ["late", "new"]);
    assert_eq!(registry.shelf(T).version("new", None).unwrap().source, Source::Journal);
}

#[tokio::test]
async fn a_registry_that_follows_sees_what_another_process_installs() {
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let installing = Registry::open(journal.clone(), Options::default()).await.unwrap();
    let following = Registry::open(
        journal,
        Options {
            follow: true,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    upload(&installing, "late", "1.0.0", &[plain("f")]).await.unwrap();
    assert!(following.workflow(T, "late:f").is_none());
    assert!(following.find_workflow(T, "late:f").await.is_some());
}

#[tokio::test]
async fn what_any_tenant_installs_is_followed() {
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let open = async || Registry::open(journal.clone(), Options::default()).await.unwrap();
    let (installing, following) = (open().await, open().await);
    let theirs = TenantId(2);
    installing
        .upload(theirs, file("their", "1.0.0", &["f"], &[plain("f")]), false)
        .await
        .unwrap();
    assert!(following.workflow(theirs, "their:f").is_none());
    following.catch_up().await.unwrap();
    for registry in [following, open().await] {
        assert!(registry.workflow(theirs, "their:f").is_some());
        assert!(registry.workflow(T, "their:f").is_none());
    }
}

#[tokio::test]
async fn a_bundle_is_compiled_once_by_a_build_of_the_host() {
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let open = async |nodes| {
        let limits = Limits {
            nodes,
            ..Limits::default()
        };
        let options = Options {
            limits,
            ..Options::default()
        };
        Registry::open(journal.clone(), options).await.unwrap()
    };
    let shown = |registry: &Registry| format!("{:?}", registry.shelf(T).all().collect::<Vec<_>>());
    let first = open(100).await;
    upload(&first, "demo", "1.0.0", &[parent("main", "child"), plain("child")])
        .await
        .unwrap();
    upload(&first, "odd", "1.0.0", &[broken("odd")]).await.unwrap();
    let digest = |id| first.shelf(T).version(id, None).unwrap().digest;
    let limits = Limits {
        nodes: 100,
        ..Limits::default()
    };
    let build = super::kept::build(&limits);
    let kept = async |id| journal.compiled(T, &build, &[digest(id)]).await.unwrap().pop();
    assert_eq!(kept("odd").await, None, "what is wrong with it is to be said again");

    let again = open(100).await;
    assert_eq!(shown(&again), shown(&first));
    assert_eq!(
        again.workflow(T, "demo:main").unwrap().component,
        first.workflow(T, "demo:main").unwrap().component
    );

    // What is kept is what is on the shelf, until another host or other limits compile it.
    let (bundle, text) = kept("demo").await.unwrap();
    let outcome = text.replace(r#""entry":"start""#, r#""entry":"kept""#);
    assert_ne!(outcome, text);
    let build = build.clone();
    journal.keep_compiled(T, Compiled { bundle, build, outcome }).await.unwrap();
    let entry = |registry: &Registry| registry.resolve(T, target("demo", "", "main")).unwrap().entry.clone();
    assert_eq!(entry(&open(100).await), "kept");
    assert_eq!(entry(&open(99).await), "start");
    assert_eq!(
        entry(&open(100).await),
        "start",
        "another build's is replaced, and this one compiles again"
    );
}
