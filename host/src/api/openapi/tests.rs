use std::collections::BTreeSet;

use utoipa::OpenApi as _;

use super::Api;

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
            assert!(answers.contains_key("200") || answers.contains_key("206"), "{verb} {path}");
            if path.starts_with("/api/gateway") {
                for status in ["401", "403", "429", "503"] {
                    assert!(answers.contains_key(status), "{verb} {path} does not say {status}");
                }
            }
        }
    }
}
