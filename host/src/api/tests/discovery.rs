//! What the gateway says of itself, held against what it does.

use axum::http::Method;
use serde_json::{Value, json};

use super::Gateway;

const DISCOVERY: &str = "/api/gateway/discovery";

/// Every object of a document that names an endpoint.
fn endpoints<'a>(document: &'a Value, found: &mut Vec<&'a Value>) {
    match document {
        Value::Object(members) => {
            if members.contains_key("endpoint") {
                found.push(document);
            }
            members.values().for_each(|member| endpoints(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| endpoints(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_said_to_be_available_answers_and_nothing_else_does() {
    let gateway = Gateway::new().await;
    let contracts = gateway.get(&format!("{DISCOVERY}/capabilities")).await.json()["capabilities"]["contracts"].take();
    let mut found = Vec::new();
    endpoints(&contracts, &mut found);
    assert!(found.len() > 60, "{}", found.len());
    for endpoint in found {
        let path = endpoint["endpoint"].as_str().unwrap().replace(['{', '}'], "");
        let method: Method = endpoint["method"].as_str().unwrap().parse().unwrap();
        // A stream does not end by itself; an unknown run's does.
        let answer = gateway.call(method, &path, "").await;
        let nowhere = answer.status == 405 || (answer.status == 404 && answer.text == r#"{"detail":"Not Found"}"#);
        assert_eq!(
            endpoint["available"], !nowhere,
            "{endpoint}: {} {}",
            answer.status, answer.text
        );
    }
    for path in contracts["common"]["discovery"].as_object().unwrap().values() {
        let path = path.as_str().unwrap();
        assert_ne!(gateway.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn clients_find_the_contracts_that_they_gate_on() {
    let gateway = Gateway::new().await;
    let capabilities = gateway.get(&format!("{DISCOVERY}/capabilities")).await.json()["capabilities"].take();
    let contracts = &capabilities["contracts"];
    assert_eq!(contracts["version"], 1);
    for (group, name) in [
        ("runs", "start"),
        ("runs", "summary"),
        ("runs", "list"),
        ("runs", "input_data"),
        ("runs", "history_bundle"),
        ("runs", "commands"),
        ("ledger", "replay"),
        ("ledger", "batch"),
        ("ledger", "stream"),
    ] {
        assert_eq!(contracts["common"][group][name]["available"], true, "{group}.{name}");
    }
    assert_eq!(contracts["common"]["ledger"]["stream"]["transport"], "sse");
    assert_eq!(contracts["common"]["attachments"]["max_upload_bytes"], 26_214_400);
    // Flows are not drawn here, so the editor is not offered.
    assert_eq!(
        (
            &contracts["flow_editor"]["available"],
            &contracts["flow_editor"]["visualflows"]["crud"]["available"]
        ),
        (&json!(false), &json!(false))
    );
    assert_eq!(contracts["assistant"]["available"], true);
    assert_eq!(
        (&capabilities["tools"]["count"], &capabilities["voice"]["installed"]),
        (&json!(0), &json!(false))
    );
}

#[tokio::test]
async fn lists_of_models_and_tools_are_empty_and_say_why() {
    let gateway = Gateway::new().await;
    let get = async |path: &str| gateway.get(&format!("{DISCOVERY}{path}")).await;
    get("/tools").await.expect(200, r#"{"items":[],"tool_mode":"none"}"#);
    let none = r#"{"items":[],"default_provider":null,"default_model":null}"#;
    get("/providers?include_models=true").await.expect(200, none);
    get("/providers/ollama/models").await.expect(
        200,
        r#"{"provider":"ollama","models":[],"error":"This host has no model providers"}"#,
    );
    get("/models/capabilities?model_name=m").await.expect(
        200,
        r#"{"model":"m","capabilities":{},"error":"This host has no model providers"}"#,
    );
    let missing = get("/models/capabilities").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.json()["detail"][0]["loc"]),
        (422, &json!(["query", "model_name"]))
    );
    assert_eq!(get("/providers?include_models=perhaps").await.status, 422);
    gateway
        .get("/api/gateway/semantics")
        .await
        .refused(501, "Semantics registry is unavailable. This host has none.");
}
