//! Flows without bundles.

use std::time::Duration;

use super::*;
use crate::bundles::Source as Workflows;

async fn open(dir: &Path) -> Registry {
    registry(Options {
        source: Workflows::VisualFlow,
        flows_dir: Some(dir.to_owned()),
        ..Options::default()
    })
    .await
}

fn named(flow_id: &str) -> Target<'_> {
    target("", "", flow_id)
}

#[tokio::test]
async fn a_directory_of_flows_is_served_without_bundles() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.json", &parent("caller", "child").to_string());
    write("b.json", &plain("child").to_string());
    let mut unnamed = plain("x");
    unnamed["id"] = json!("");
    write("by-name.json", &unnamed.to_string());
    write("odd.json", &broken("odd").to_string());
    write("twin.json", &plain("child").to_string());
    write("half.json", r#"{"id": "#);
    write("list.json", "[]");
    write("notes.txt", "");
    let registry = open(dir.path()).await;
    let ids: Vec<_> = registry.shelf(T).flow_files().map(|file| file.flow_id.clone()).collect();
    assert_eq!(ids, ["by-name", "caller", "child", "odd"]);
    assert!(!registry.serves_bundles() && registry.bundles(T).is_empty());

    let flow = registry.resolve(T, named("caller")).unwrap();
    assert_eq!((flow.workflow_id.as_str(), flow.entry.as_str()), ("caller", "start"));
    assert!(registry.find_workflow(T, "child").await.is_some(), "as the caller names it");
    let document: Value = serde_json::from_str(registry.flow_file(T, "child").unwrap().get()).unwrap();
    assert_eq!(document["id"], "child");
    for (asked, text) in [
        (
            named(""),
            "flow_id is required (or provide bundle_id to start a bundle entrypoint)",
        ),
        (named("none"), "Workflow 'none' not found"),
        (named("odd"), "workflow 'odd' does not compile"),
        (
            target("demo", "", "child"),
            "Bundle workflow source is not enabled on this gateway",
        ),
        (
            target("", "1.0.0", "child"),
            "Bundle workflow source is not enabled on this gateway",
        ),
    ] {
        assert_eq!(registry.resolve(T, asked).unwrap_err().to_string(), text);
    }
    assert!(registry.resolve(T, named("caller")).is_ok() && registry.shelf(TenantId(2)).flow_files().next().is_none());
}

#[tokio::test]
async fn a_changed_file_is_taken_in_when_something_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.json");
    std::fs::write(dir.path().join("same.json"), plain("same").to_string()).unwrap();
    let registry = open(dir.path()).await;
    let same = registry.shelf(T).flow_file("same").unwrap().clone();
    std::fs::write(&file, plain("first").to_string()).unwrap();
    tokio::time::sleep(Duration::from_millis(260)).await;
    assert!(registry.find_workflow(T, "first").await.is_some());
    std::fs::write(&file, plain("another").to_string()).unwrap();
    tokio::time::sleep(Duration::from_millis(260)).await;
    registry.refresh(T).await;
    assert!(registry.resolve(T, named("another")).is_ok() && registry.resolve(T, named("first")).is_err());
    std::fs::remove_file(&file).unwrap();
    tokio::time::sleep(Duration::from_millis(260)).await;
    registry.refresh(T).await;
    assert!(registry.resolve(T, named("another")).is_err());
    assert!(
        Arc::ptr_eq(&same, registry.shelf(T).flow_file("same").unwrap()),
        "nothing is compiled twice"
    );
}
