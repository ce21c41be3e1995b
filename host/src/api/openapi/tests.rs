use std::collections::BTreeSet;

use utoipa::OpenApi as _;

use super::Api;
use super::page::markdown;

/// The paths that the router serves, as its source spells them, and those that are described: the same.
#[test]
fn every_route_is_described() {
    let routes = regex::Regex::new(r#"\.route\(\s*"([^"]+)""#).unwrap();
    let source = include_str!("../routes.rs");
    let served: BTreeSet<String> = routes
        .captures_iter(source)
        .map(|found| match &found[1] {
            whole if whole.starts_with("/api/") => whole.to_owned(),
            inner => format!("/api/gateway{inner}"),
        })
        .collect();
    let described: BTreeSet<String> = Api::openapi().paths.paths.keys().cloned().collect();
    assert!(served.len() > 15, "the routes are no longer where this test looks");
    assert_eq!(served, described);
}

#[test]
fn every_guarded_path_says_how_it_is_refused() {
    let api = serde_json::to_value(Api::openapi()).unwrap();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            let says = ["200", "206", "501"].iter().any(|status| answers.contains_key(*status));
            assert!(says, "{verb} {path}");
            if path.starts_with("/api/gateway") {
                let mut refused = vec!["401", "403", "429", "500", "503"];
                if operation.get("requestBody").is_some() {
                    refused.extend(["408", "413"]);
                }
                for status in refused {
                    assert!(answers.contains_key(status), "{verb} {path} does not say {status}");
                }
            }
        }
    }
}

/// Writes the page anew with `FLOWGATE_UPDATE_DOCS=1`.
#[test]
fn the_reference_page_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/api.md is out of date: write it with FLOWGATE_UPDATE_DOCS=1 cargo test --workspace --lib openapi"
    );
}
