//! Whether an answer is one that the description of its path has.

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::OpenApi as _;

use super::Api;

/// Statuses of a path that is not described, or of a verb that it does not have, are anybody's.
pub fn is_described(verb: &str, path: &str, status: u16) -> bool {
    static API: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(Api::openapi()).unwrap());
    let paths = API["paths"].as_object().unwrap();
    let mut operations = paths
        .iter()
        .filter(|(template, _)| fits(template, path))
        .filter_map(|(_, verbs)| verbs.get(verb.to_lowercase()))
        .peekable();
    operations.peek().is_none() || operations.any(|operation| operation["responses"].get(status.to_string()).is_some())
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count() && template.zip(path).all(|(part, is)| part == is || part.starts_with('{'))
}

#[test]
fn an_answer_is_held_against_its_path_and_verb() {
    assert!(is_described("POST", "/api/gateway/runs/start", 507));
    assert!(!is_described("POST", "/api/gateway/runs/start", 416));
    assert!(is_described("GET", "/api/gateway/runs/r/artifacts/a/content", 416));
    assert!(!is_described("GET", "/api/gateway/runs/r/artifacts/a", 416));
    assert!(is_described("PATCH", "/api/gateway/runs/r", 405));
}
