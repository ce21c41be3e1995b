//! What is deprecated is shown so and not started, and what runs goes on.

use super::*;
use crate::api::workflows::DeprecateError;

#[tokio::test]
async fn a_deprecated_flow_is_not_started_and_its_own_word_wins() {
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let registry = Registry::open(journal.clone(), Options::default()).await.unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let file = file(
            "demo",
            version,
            &["main", "side"],
            &[plain("main"), plain("side"), plain("inner")],
        );
        registry.upload(T, file, false).await.unwrap();
    }
    let said = |registry: &Registry, version: &str, flow: &str| {
        let refusal = registry.resolve(T, target("demo", version, flow)).err();
        refusal.map(|refusal| refusal.to_string())
    };
    registry.deprecate(T, "demo", Some("main"), Some("use side")).await.unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let text = "Workflow 'demo:main' is deprecated: use side";
        assert_eq!(said(&registry, version, "main").as_deref(), Some(text));
        assert_eq!(said(&registry, version, "side"), None);
    }
    registry.deprecate(T, "demo", None, None).await.unwrap();
    // As another process, or the next one, sees it; an upload forgets nothing.
    let registry = Registry::open(journal, Options::default()).await.unwrap();
    registry
        .upload(T, file("demo", "1.2.0", &["main"], &[plain("main")]), false)
        .await
        .unwrap();
    assert_eq!(
        said(&registry, "", "main").as_deref(),
        Some("Workflow 'demo:main' is deprecated: use side")
    );
    assert_eq!(
        said(&registry, "1.1.0", "side").as_deref(),
        Some("Workflow 'demo:side' is deprecated")
    );
    assert_eq!(
        said(&registry, "1.1.0", "inner").as_deref(),
        Some("Workflow 'demo:inner' is deprecated")
    );
    let marks = |registry: &Registry| {
        let bundle = registry.bundle(T, "demo", Some("1.0.0")).unwrap();
        let marks = bundle
            .entrypoints
            .iter()
            .map(|e| e.deprecated.as_ref().map(|d| d.reason.clone()));
        marks.collect::<Vec<_>>()
    };
    assert_eq!(marks(&registry), [Some(Some("use side".to_owned())), Some(None)]);
    // A run that starts it as a child still finds it.
    assert!(registry.find_workflow(T, "demo@1.0.0:main").await.is_some());

    assert!(registry.undeprecate(T, "demo", None).await.unwrap());
    assert!(!registry.undeprecate(T, "demo", None).await.unwrap());
    assert_eq!(marks(&registry), [Some(Some("use side".to_owned())), None]);
    for (bundle, flow, text) in [
        ("none", None, "Bundle 'none' not found"),
        ("demo", Some("inner"), "Entrypoint 'demo:inner' not found"),
        // The latest version counts.
        ("demo", Some("side"), "Entrypoint 'demo:side' not found"),
    ] {
        match registry.deprecate(T, bundle, flow, None).await {
            Err(DeprecateError::NotFound(said)) => assert_eq!(said, text),
            other => panic!("{other:?}"),
        }
    }
}
