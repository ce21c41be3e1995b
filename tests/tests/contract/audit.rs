//! The audit log: one line for each write, refused ones too.

use std::time::{Duration, Instant};

use flowgate_tests::ledger::{is_timestamp, keys};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Options, Server};
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::checks::Checks;
use crate::target;

fn lines(server: &Server) -> Vec<Value> {
    let text = std::fs::read_to_string(server.data_dir().join("audit_log.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

#[tokio::test]
async fn a_write_leaves_a_line() {
    let Some(server) = target::own(Options::new()).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("audit"));
    let write = async |token: Option<&str>, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = gateway
            .with_token(token)
            .request(Method::POST, path)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_owned().into()).expect("a request");
        gateway.send(request).await.expect("an answer").status
    };
    let path = "/api/gateway/commands";
    let body = r#"{"command_id": "c", "run_id": "r", "type": "cancel"}"#;
    let named = [
        ("x-request-id", "r-1"),
        ("user-agent", "tests/1"),
        ("x-client-id", "me"),
        ("x-client-version", "7"),
        ("x-other", "no"),
        ("origin", "http://localhost:1"),
    ];
    let statuses = [
        write(Some(TOKEN), &format!("{path}?a=1&b=2&a=3&c"), &named, body).await,
        write(None, path, &[], body).await,
        write(Some(TOKEN), path, &[("origin", "https://evil.example")], body).await,
        write(Some(TOKEN), path, &[], &"x".repeat(300_000)).await,
        write(Some(TOKEN), "/api/gateway/nothing", &[], "{}").await,
    ];
    checks.equal("answers", statuses.to_vec(), json!([200, 401, 403, 413, 404]));
    gateway.get("/api/gateway/runs").await.ok();
    let lines = lines(&server);
    let told: Vec<u64> = lines.iter().filter_map(|line| line["status"].as_u64()).collect();
    checks.equal("a line for each write and no other", told, json!([200, 401, 403, 413, 404]));
    let digest = Sha256::digest(TOKEN.as_bytes());
    let fingerprint: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let line = &lines[0];
    checks.holds(
        "a line has its time",
        is_timestamp(line["ts"].as_str().unwrap_or_default()),
        || line.to_string(),
    );
    let wanted = json!({
        "ts": line["ts"], "request_id": "r-1", "ip": "127.0.0.1", "method": "POST", "path": path,
        "query": "a=<redacted>&b=<redacted>&a=<redacted>&c=<redacted>", "status": 200, "duration_ms": line["duration_ms"],
        "auth_required": true, "auth_token_fp": fingerprint, "principal_user_id": "local-admin", "principal_tenant_id": "local",
        "origin": "http://localhost:1", "user_agent": "tests/1", "bytes_in": body.len(),
        "headers": {"x-client-id": "me", "x-client-version": "7"}
    });
    checks.equal("a line", line.clone(), wanted.clone());
    checks.equal("a line's fields in order", keys(line), keys(&wanted));
    let refused = &lines[1];
    checks.fields("a refused token", refused, json!({"status": 401, "auth_required": true}));
    checks.equal(
        "a refused token has no owner",
        refused.get("principal_user_id").is_none(),
        true,
    );
    checks.fields(
        "a refused origin",
        &lines[2],
        json!({"origin": "https://evil.example", "status": 403}),
    );
    checks.fields("a refused size", &lines[3], json!({"bytes_in": 300_000, "status": 413}));
}

#[tokio::test]
async fn a_full_log_is_put_aside() {
    let settings = Options::new()
        .env("ABSTRACTGATEWAY_AUDIT_LOG_MAX_BYTES", 300)
        .env("ABSTRACTGATEWAY_AUDIT_LOG_ROTATIONS", 2)
        .env("ABSTRACTGATEWAY_AUDIT_LOG_HEADERS", "x-odd");
    let Some(server) = target::own(settings).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("audit rotation"));
    for n in 0..8 {
        let request = gateway
            .request(Method::POST, "/api/gateway/commands")
            .header("x-odd", n.to_string())
            .header("x-client-id", "me");
        gateway
            .send(request.body("{}".into()).expect("a request"))
            .await
            .expect("an answer");
    }
    // Written after the answer, perhaps.
    let last = || lines(&server).pop().unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(5);
    while last()["headers"]["x-odd"] != "7" && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let files = std::fs::read_dir(server.data_dir()).expect("the data directory");
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("audit_log")).collect();
    names.sort();
    checks.equal("files kept", names.len(), 3);
    let aside = names
        .iter()
        .filter(|name| name.starts_with("audit_log.2") && name.ends_with(".jsonl"))
        .count();
    checks.equal("files put aside", aside, 2);
    checks.equal("headers as set", last()["headers"].clone(), json!({"x-odd": "7"}));
    let off = Options::new().env("ABSTRACTGATEWAY_AUDIT_LOG", 0).start().await;
    off.gateway().post("/api/gateway/commands", &json!({})).await;
    checks.equal("no log", off.data_dir().join("audit_log.jsonl").exists(), false);
}
