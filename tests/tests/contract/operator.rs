//! What is there for operators and for readers of the API, beside the gateway's contract. The reference has `/openapi.json` and `/docs` only.

use serde_json::json;

use crate::checks::Checks;
use crate::target;

#[tokio::test]
async fn an_operator_sees_health_and_metrics() {
    let (target, checks) = (target::shared().await, Checks::of("operator"));
    let nobody = target.gateway.with_token(None);
    checks.answers("alive", &nobody.get("/healthz").await, 200, json!({"status": "ok"}));
    let ready = nobody.get("/readyz").await;
    checks.answers("ready", &ready, 200, json!({"status": "ready", "runs": "here"}));
    let metrics = target.gateway.get("/metrics").await;
    checks.equal("metrics", metrics.status, 200);
    checks.holds(
        "metrics: type",
        metrics.header("content-type").starts_with("text/plain; version=0.0.4"),
        || metrics.header("content-type").to_owned(),
    );
    for name in ["flowgate_runs", "# TYPE", "# HELP"] {
        checks.holds(&format!("metrics: {name}"), metrics.text().contains(name), || metrics.text());
    }
    checks.equal("metrics: token", nobody.get("/metrics").await.status, 401);
}

#[tokio::test]
async fn the_api_describes_itself() {
    let (target, checks) = (target::shared().await, Checks::of("openapi"));
    let nobody = target.gateway.with_token(None);
    let described = checks.ok("description", &nobody.get("/openapi.json").await);
    checks.holds(
        "version",
        described["openapi"].as_str().is_some_and(|version| version.starts_with("3.")),
        || described["openapi"].to_string(),
    );
    for path in ["/runs/start", "/runs/{run_id}/ledger/stream", "/commands", "/bundles/upload"] {
        let path = format!("/api/gateway{path}");
        checks.holds(&path, described["paths"].get(&path).is_some(), || {
            "is not described".to_owned()
        });
    }
    let docs = nobody.get("/docs").await;
    checks.holds("pages", docs.status < 400, || docs.status.to_string());
}
