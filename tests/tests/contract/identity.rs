//! `/api/health`, `/ping`, `/me`, and what every path has in common: unknown ones, wrong verbs, `HEAD`, `OPTIONS`.

use flowgate_tests::ledger::is_timestamp;
use hyper::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::checks::Checks;
use crate::target::{self, Target};

#[tokio::test]
async fn health_is_open_and_says_what_this_is() {
    let (target, checks) = (target::shared().await, Checks::of("health"));
    let health = target.gateway.with_token(None).get("/api/health").await;
    checks.answers(
        "body",
        &health,
        200,
        json!({"status": "healthy", "service": "abstractgateway"}),
    );
    checks.header("type", &health, "content-type", "application/json");
    checks.header("varies by origin", &health, "vary", "Origin");
    checks.header("is outside of the gateway", &health, "x-request-id", "");
}

#[tokio::test]
async fn a_token_shows_who_it_is() {
    let (target, checks) = (target::shared().await, Checks::of("identity"));
    let ping = checks.ok("ping", &target.gateway.get("/api/gateway/ping").await);
    checks.fields(
        "ping says",
        &ping,
        json!({"ok": true, "status": "healthy", "service": "abstractgateway"}),
    );
    checks.holds(
        "ping has the time",
        is_timestamp(ping["time"].as_str().unwrap_or_default()),
        || ping.to_string(),
    );

    let digest = Sha256::digest(target.token.as_bytes());
    let fingerprint: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let me = target.gateway.get("/api/gateway/me").await;
    let principal = json!({
        "user_id": "local-admin", "tenant_id": "local", "roles": ["admin", "user"], "scopes": ["*"], "token_fingerprint": fingerprint,
        "runtime_id": "local-admin", "source": "legacy-token", "admin": true
    });
    let wanted = json!({
        "ok": true, "principal": principal, "auth": {"mode": "legacy-token", "user_auth_enabled": false},
        "routing": {"mode": "single-user", "one_user_one_runtime": false}
    });
    checks.answers("me", &me, 200, wanted);
}

/// Path and the verbs it has.
const PATHS: &[(&str, &str)] = &[
    ("/api/health", "GET"),
    ("/api/gateway/ping", "GET"),
    ("/api/gateway/me", "GET"),
    ("/api/gateway/bundles", "GET"),
    ("/api/gateway/bundles/upload", "POST"),
    ("/api/gateway/bundles/reload", "POST"),
    ("/api/gateway/bundles/some", "DELETE, GET"),
    ("/api/gateway/bundles/some/flows/root", "GET"),
    ("/api/gateway/bundles/some/flows/root/input_schema", "GET"),
    ("/api/gateway/runs", "GET"),
    ("/api/gateway/runs/start", "POST"),
    ("/api/gateway/runs/some", "GET"),
    ("/api/gateway/runs/some/input_data", "GET"),
    ("/api/gateway/runs/some/ledger", "GET"),
    ("/api/gateway/runs/some/ledger/stream", "GET"),
    ("/api/gateway/runs/ledger/batch", "POST"),
    ("/api/gateway/commands", "POST"),
    ("/api/gateway/runs/schedule", "POST"),
    ("/api/gateway/bundles/some/deprecate", "POST"),
    ("/api/gateway/bundles/some/undeprecate", "POST"),
    ("/api/gateway/workflows/some/flow", "GET"),
    ("/api/gateway/runs/some/history_bundle", "GET"),
    ("/api/gateway/discovery/tools", "GET"),
    ("/api/gateway/discovery/providers", "GET"),
    ("/api/gateway/discovery/capabilities", "GET"),
    ("/api/gateway/runs/some/artifacts", "GET"),
    ("/api/gateway/runs/some/artifacts/some", "GET"),
    ("/api/gateway/runs/some/artifacts/some/content", "GET"),
    ("/api/gateway/runs/some/artifacts/some/export", "POST"),
    ("/api/gateway/sessions/some/artifacts", "GET"),
    ("/api/gateway/artifacts/search", "GET"),
    ("/api/gateway/artifacts/stats", "GET"),
    ("/api/gateway/artifacts/import", "POST"),
    ("/api/gateway/attachments/upload", "POST"),
    ("/api/gateway/attachments/ingest", "POST"),
    ("/api/gateway/audit/tail", "GET"),
    ("/api/gateway/files/list", "GET"),
    ("/api/gateway/files/search", "GET"),
    ("/api/gateway/files/read", "GET"),
    ("/api/gateway/files/skim", "GET"),
    ("/api/gateway/workspace/policy", "GET"),
];

#[tokio::test]
async fn a_path_has_its_verbs_and_no_others() {
    let (target, checks) = (target::shared().await, Checks::of("verbs"));
    for (path, verbs) in PATHS {
        for method in [
            Method::PUT,
            Method::PATCH,
            Method::HEAD,
            Method::OPTIONS,
            Method::POST,
            Method::GET,
            Method::DELETE,
        ] {
            // A run or a bundle may have the name of a verb's path.
            let named = [Method::GET, Method::DELETE].contains(&method) && *verbs == "POST";
            if named || verbs.split(", ").any(|verb| verb == method) {
                continue;
            }
            let reply = bare(&target, method.clone(), path).await;
            let label = format!("{method} {path}");
            if method == Method::HEAD {
                checks.equal(&label, json!([reply.status, reply.text()]), json!([405, ""]));
            } else {
                checks.refused(&label, &reply, 405, "Method Not Allowed");
            }
            let mut allowed: Vec<&str> = reply.header("allow").split(", ").collect();
            allowed.sort_unstable();
            checks.equal(&format!("{label} names the verbs"), allowed.join(", "), *verbs);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (target, checks) = (target::shared().await, Checks::of("unknown path"));
    for path in [
        "/api/gateway/nothing",
        "/api/gateway",
        "/api/gateway/runs/a/b/c",
        "/api/nothing",
        "/api/gateway/visual",
    ] {
        checks.refused(path, &target.gateway.get(path).await, 404, "Not Found");
    }
    // The reference's maintenance of its own project is not part of a gateway.
    for path in ["backlog", "triage", "email", "processes", "reports", "bugs", "features"] {
        let path = format!("/api/gateway/{path}");
        checks.refused(&path, &target.gateway.get(&path).await, 404, "Not Found");
    }
    for path in [
        "/api/gateway/backlog/list",
        "/api/gateway/email/accounts",
        "/api/gateway/processes/env",
    ] {
        checks.refused(path, &target.gateway.get(path).await, 404, "Not Found");
    }
    let report = target.gateway.post("/api/gateway/bugs/report", &json!({})).await;
    checks.refused("POST /api/gateway/bugs/report", &report, 404, "Not Found");
}

/// A request without a body.
pub async fn bare(target: &Target, method: Method, path: &str) -> flowgate_tests::Reply {
    let request = target.gateway.request(method, path).body(Default::default());
    target.gateway.send(request.expect("a request")).await.expect("an answer")
}
