//! What the gateway says it can do.

use serde_json::json;

use crate::checks::Checks;
use crate::flows::question;
use crate::target;

#[tokio::test]
async fn the_gateway_says_what_it_has() {
    let (target, checks) = (target::shared().await, Checks::of("discovery"));
    let gateway = &target.gateway;
    let tools = checks.ok("tools", &gateway.get("/api/gateway/discovery/tools").await);
    checks.holds("tools: a list", tools["items"].is_array(), || tools.to_string());
    let providers = checks.ok("providers", &gateway.get("/api/gateway/discovery/providers").await);
    let has =
        providers["items"].is_array() && providers.get("default_provider").is_some() && providers.get("default_model").is_some();
    checks.holds("providers: a list and defaults", has, || providers.to_string());
    let found = checks.ok("capabilities", &gateway.get("/api/gateway/discovery/capabilities").await);
    let contracts = &found["capabilities"]["contracts"];
    checks.equal("contracts: version", contracts["version"].clone(), 1);
    // What clients look for is there, and what is there answers.
    let id = target.name("contract");
    gateway.install(&question(&id, "1.0.0")).await;
    let run = gateway.start(&id, json!({})).await;
    for (group, name) in [
        ("runs", "input_data"),
        ("runs", "start"),
        ("runs", "summary"),
        ("runs", "list"),
        ("runs", "commands"),
        ("runs", "history_bundle"),
        ("ledger", "replay"),
        ("ledger", "stream"),
        ("artifacts", "list"),
        ("artifacts", "metadata"),
        ("artifacts", "content"),
    ] {
        let descriptor = &contracts["common"][group][name];
        let endpoint = descriptor["endpoint"].as_str().unwrap_or_default();
        let usable = !endpoint.is_empty() && descriptor["available"] != false && descriptor["route_available"] != false;
        checks.holds(&format!("contract {group}.{name}"), usable, || descriptor.to_string());
        if usable && !endpoint.contains("{artifact_id}") && name != "stream" {
            let path = endpoint.replace("{run_id}", &run);
            let status = gateway.get(&path).await.status;
            let answers = status == 200 || status == 405 || name == "start" && status == 404;
            checks.holds(&format!("contract {group}.{name} answers"), answers, || {
                format!("{path} {status}")
            });
        }
    }
}
