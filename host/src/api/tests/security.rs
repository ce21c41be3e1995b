//! The order of the checks, and what decorates every answer.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};

use super::{Answer, Gateway, TOKEN, request};
use crate::security::Settings;

fn settings() -> Settings {
    Settings {
        tokens: vec![TOKEN.into()],
        ..Settings::default()
    }
}

async fn bare(gateway: &Gateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    gateway.send(request.body(Body::empty()).unwrap()).await
}

const RUNS: &str = "/api/gateway/runs";

#[tokio::test]
async fn health_is_open_and_the_rest_needs_a_token() {
    let gateway = Gateway::new().await;
    let health = bare(&gateway, Method::GET, "/api/health", &[]).await;
    assert_eq!(health.header("vary"), "Origin");
    assert_eq!(health.header("x-request-id"), "");
    health.expect(200, r#"{"status":"healthy","service":"abstractgateway"}"#);
    for path in [RUNS, "/api/gateway/nothing", "/api/gateway"] {
        let refused = bare(&gateway, Method::GET, path, &[]).await;
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert_eq!(refused.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(refused.header("x-request-id").len(), 32);
        refused.refused(401, "Unauthorized");
        gateway
            .send(request(Method::GET, "/api/gateway/ping").body(Body::empty()).unwrap())
            .await;
    }
    bare(&gateway, Method::GET, "/elsewhere", &[]).await.refused(404, "Not Found");
}

#[tokio::test]
async fn identity_is_that_of_the_shared_token() {
    let gateway = Gateway::new().await;
    let me = gateway.get("/api/gateway/me").await;
    let fingerprint = &crate::ids::Digest::of(TOKEN.as_bytes()).hex()[..12];
    me.expect(
        200,
        &format!(
            concat!(
                r#"{{"ok":true,"principal":{{"user_id":"local-admin","tenant_id":"local","roles":["admin","user"],"scopes":["*"],"#,
                r#""token_fingerprint":"{}","runtime_id":"local-admin","source":"legacy-token","admin":true}},"#,
                r#""auth":{{"mode":"legacy-token","user_auth_enabled":false}},"routing":{{"mode":"single-user","one_user_one_runtime":false}}}}"#
            ),
            fingerprint
        ),
    );
    let ping = gateway.get("/api/gateway/ping").await.json();
    assert_eq!((&ping["ok"], &ping["service"]), (&true.into(), &"abstractgateway".into()));
    assert!(ping["time"].as_str().unwrap().ends_with("+00:00"));

    let open = Gateway::with(Settings {
        protect_read: false,
        ..settings()
    })
    .await;
    bare(&open, Method::GET, "/api/gateway/ping", &[]).await.json();
    bare(&open, Method::GET, "/api/gateway/me", &[])
        .await
        .refused(401, "Gateway principal unavailable");
}

#[tokio::test]
async fn a_foreign_origin_is_refused_before_anything_else_and_still_gets_cors_headers() {
    let gateway = Gateway::new().await;
    let refused = bare(&gateway, Method::GET, RUNS, &[("origin", "https://evil.example")]).await;
    assert_eq!(refused.header("access-control-allow-origin"), "https://evil.example");
    assert_eq!(refused.header("access-control-expose-headers"), "*");
    refused.refused(403, "Forbidden (origin not allowed)");
    let local = bare(&gateway, Method::GET, RUNS, &[("origin", "http://localhost:5173")]).await;
    assert_eq!(local.header("access-control-allow-origin"), "http://localhost:5173");
    assert_eq!(local.status, StatusCode::UNAUTHORIZED);
    bare(&gateway, Method::GET, RUNS, &[("origin", " ")])
        .await
        .refused(401, "Unauthorized");
}

#[tokio::test]
async fn a_preflight_is_answered_by_cors_alone() {
    let gateway = Gateway::new().await;
    let headers = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-a"),
    ];
    let answer = bare(&gateway, Method::OPTIONS, RUNS, &headers).await;
    assert_eq!(answer.header("access-control-allow-headers"), "x-a");
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert!(answer.header("vary").contains("Access-Control-Request-Private-Network"));
    assert_eq!(answer.header("x-request-id"), "");
    answer.expect(200, "OK");
}

#[tokio::test]
async fn wrong_verbs_name_the_right_ones() {
    let gateway = Gateway::new().await;
    for (method, path, allow) in [
        (Method::DELETE, RUNS, "GET"),
        (Method::HEAD, RUNS, "GET"),
        (Method::OPTIONS, RUNS, "GET"),
        (Method::GET, "/api/gateway/commands", "POST"),
        (Method::PUT, "/api/gateway/bundles/demo", "DELETE, GET"),
        (Method::POST, "/api/health", "GET"),
    ] {
        let answer = gateway.call(method.clone(), path, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, allow),
            "{method} {path}"
        );
        if method != Method::HEAD {
            answer.refused(405, "Method Not Allowed");
        }
    }
    gateway.get("/api/gateway/nothing").await.refused(404, "Not Found");
    gateway
        .get("/api/gateway/runs/start")
        .await
        .refused(404, "Run 'start' not found");
}

#[tokio::test]
async fn failures_lock_an_address_out_and_a_success_forgets_them() {
    let gateway = Gateway::with(Settings {
        lockout_base_s: 2.0,
        ..settings()
    })
    .await;
    let wrong = [("authorization", "Bearer wrong")];
    for _ in 0..4 {
        bare(&gateway, Method::GET, RUNS, &wrong).await.refused(401, "Unauthorized");
    }
    let locked = bare(&gateway, Method::GET, RUNS, &wrong).await;
    assert_eq!(locked.header("retry-after"), "2");
    locked.refused(429, "Too Many Requests (auth lockout)");
    let valid = gateway.get(RUNS).await;
    assert_eq!(valid.header("retry-after"), "2");
    valid.refused(429, "Too Many Requests (auth lockout)");
    // Another address is not affected.
    let mut other = request(Method::GET, "/api/gateway/ping").body(Body::empty()).unwrap();
    other
        .extensions_mut()
        .insert(ConnectInfo("10.0.0.7:80".parse::<SocketAddr>().unwrap()));
    assert_eq!(gateway.send(other).await.status, 200);
}

#[tokio::test]
async fn reads_from_this_machine_may_be_open_and_no_token_means_no_service() {
    let gateway = Gateway::with(Settings {
        dev_read_no_auth: true,
        tokens: Vec::new(),
        ..Settings::default()
    })
    .await;
    let local = |method: Method| {
        let mut request = Request::builder()
            .method(method)
            .uri("/api/gateway/ping")
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo("[::ffff:127.0.0.1]:9".parse::<SocketAddr>().unwrap()));
        request
    };
    assert_eq!(gateway.send(local(Method::GET)).await.status, 200);
    gateway
        .send(local(Method::POST))
        .await
        .refused(503, "Gateway auth required but no token configured");
    bare(&gateway, Method::GET, RUNS, &[])
        .await
        .refused(503, "Gateway auth required but no token configured");
}

#[tokio::test]
async fn a_proxy_s_word_counts_only_when_it_is_trusted() {
    let wrong = |address: &'static str| [("authorization", "Bearer wrong"), ("x-forwarded-for", address)];
    for (trust_proxy, wanted) in [(true, 401), (false, 429)] {
        let gateway = Gateway::with(Settings {
            trust_proxy,
            lockout_after: 2,
            ..settings()
        })
        .await;
        bare(&gateway, Method::GET, RUNS, &wrong("1.1.1.1, 2.2.2.2")).await;
        assert_eq!(
            bare(&gateway, Method::GET, RUNS, &wrong("3.3.3.3")).await.status.as_u16(),
            wanted
        );
    }
}

#[tokio::test]
async fn a_body_over_its_cap_is_refused_declared_or_not() {
    let gateway = Gateway::with(Settings {
        max_body_bytes: 16,
        ..settings()
    })
    .await;
    let body = "{\"command_id\": \"0123456789\"}";
    let declared = request(Method::POST, "/api/gateway/commands")
        .header("content-length", body.len())
        .body(Body::from(body))
        .unwrap();
    let answer = gateway.send(declared).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    answer.refused(413, "Payload Too Large (28 bytes > 16 bytes)");
    let chunks = futures::stream::iter([&body[..10], &body[10..]].map(|part| Ok::<_, std::io::Error>(part.to_owned())));
    let streamed = request(Method::POST, "/api/gateway/commands")
        .body(Body::from_stream(chunks))
        .unwrap();
    gateway
        .send(streamed)
        .await
        .refused(413, "Payload Too Large (28 bytes > 16 bytes)");
    // The token is asked for first.
    let stranger = Request::post("/api/gateway/commands")
        .header("content-length", "28")
        .body(Body::from(body))
        .unwrap();
    gateway.send(stranger).await.refused(401, "Unauthorized");
}

#[tokio::test]
async fn writes_are_logged_with_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit_log.jsonl");
    let gateway = Gateway::with(Settings {
        audit_log: Some(path.clone()),
        ..settings()
    })
    .await;
    gateway.get(RUNS).await;
    bare(
        &gateway,
        Method::POST,
        "/api/gateway/commands?token=x",
        &[("x-request-id", "mine")],
    )
    .await;
    let accepted = gateway.post("/api/gateway/nothing", "").await;
    let log = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["request_id"], &lines[0]["status"], &lines[0]["query"]),
        (&"mine".into(), &401.into(), &"token=<redacted>".into())
    );
    assert_eq!(lines[0]["error"], "Unauthorized");
    assert_eq!(lines[1]["principal_user_id"], "local-admin");
    assert_eq!(lines[1]["request_id"], accepted.header("x-request-id"));
    assert!(!log.contains(TOKEN));
}

#[tokio::test]
async fn a_write_whose_client_goes_away_is_logged_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit_log.jsonl");
    let gateway = Gateway::with(Settings {
        audit_log: Some(path.clone()),
        ..settings()
    })
    .await;
    // Its body never comes, so the request is in work until it is dropped.
    let body = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let request = request(Method::POST, "/api/gateway/commands").body(body).unwrap();
    let gone = tokio::time::timeout(std::time::Duration::from_millis(50), gateway.send(request)).await;
    assert!(gone.is_err());
    let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        (&line["status"], &line["error"], &line["auth_required"]),
        (&499.into(), &"the client went away".into(), &true.into())
    );
}

#[tokio::test]
async fn the_tail_of_the_audit_log_is_shown_to_administrators() {
    const TAIL: &str = "/api/gateway/audit/tail";
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::with(Settings {
        audit_log: Some(folder.path().join("audit_log.jsonl")),
        protect_read: false,
        ..settings()
    })
    .await;
    gateway
        .get(TAIL)
        .await
        .expect(200, r#"{"ok":true,"bytes":0,"truncated":false,"content":""}"#);
    for _ in 0..20 {
        gateway.post("/api/gateway/nothing", "").await;
    }
    let whole = gateway.get(TAIL).await.json();
    let content = whole["content"].as_str().unwrap();
    assert_eq!(content.lines().count(), 20);
    assert_eq!((&whole["bytes"], &whole["truncated"]), (&content.len().into(), &false.into()));
    let end = gateway.get(&format!("{TAIL}?max_bytes=1024")).await.json();
    assert_eq!((&end["bytes"], &end["truncated"]), (&1024.into(), &true.into()));
    assert_eq!(end["content"], content[content.len() - 1024..]);
    for outside in ["1023", "400001"] {
        assert_eq!(gateway.get(&format!("{TAIL}?max_bytes={outside}")).await.status, 422);
    }
    let refused = bare(&gateway, Method::GET, TAIL, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["reason_code"]),
        (403, &"admin_required".into())
    );
}

#[tokio::test]
async fn a_verb_that_nobody_knows_needs_the_token_too() {
    let gateway = Gateway::new().await;
    let verb = Method::from_bytes(b"PURGE").unwrap();
    bare(&gateway, verb.clone(), RUNS, &[]).await.refused(401, "Unauthorized");
    assert_eq!(gateway.call(verb, RUNS, "").await.status, 405);
}

#[tokio::test]
async fn what_a_proxy_on_this_machine_passes_on_is_not_local() {
    for trust_proxy in [false, true] {
        let gateway = Gateway::with(Settings {
            dev_read_no_auth: true,
            trust_proxy,
            ..settings()
        })
        .await;
        for (header, wanted) in [(None, 200), (Some("x-forwarded-for"), 401), (Some("forwarded"), 401)] {
            let mut request = Request::get("/api/gateway/ping");
            if let Some(header) = header {
                request = request.header(header, "127.0.0.1");
            }
            let mut request = request.body(Body::empty()).unwrap();
            let peer = ConnectInfo("127.0.0.1:9".parse::<SocketAddr>().unwrap());
            request.extensions_mut().insert(peer);
            assert_eq!(gateway.send(request).await.status, wanted, "{header:?} {trust_proxy}");
        }
    }
}

#[tokio::test]
async fn a_known_number_of_proxies_cannot_be_talked_past() {
    let gateway = Gateway::with(Settings {
        trust_proxy: true,
        proxies: 2,
        lockout_after: 2,
        ..settings()
    })
    .await;
    let guess = async |list: &str| {
        let headers = [("authorization", "Bearer wrong"), ("x-forwarded-for", list)];
        bare(&gateway, Method::GET, RUNS, &headers).await.status.as_u16()
    };
    // The client is 192.0.2.7 whatever it says of itself; the proxies are 10.0.0.1 and the peer.
    assert_eq!(guess("1.1.1.1, 192.0.2.7, 10.0.0.1").await, 401);
    assert_eq!(guess("2.2.2.2, 192.0.2.7, 10.0.0.1").await, 429);
    assert_eq!(guess("192.0.2.7, 192.0.2.8, 10.0.0.1").await, 401);
    assert_eq!(guess("192.0.2.7").await, 429);
}

#[tokio::test]
async fn an_endless_request_id_is_not_taken_over() {
    let gateway = Gateway::new().await;
    let long = "x".repeat(257);
    for (given, kept) in [("mine", true), (long.as_str(), false), (" ", false)] {
        let answer = bare(&gateway, Method::GET, RUNS, &[("x-request-id", given)]).await;
        assert_eq!(answer.header("x-request-id") == given, kept, "{given}");
    }
}

#[tokio::test]
async fn metrics_need_a_token_unless_they_are_open() {
    let gateway = Gateway::new().await;
    bare(&gateway, Method::GET, "/metrics", &[])
        .await
        .refused(401, "Unauthorized");
    let run = gateway.get("/api/gateway/runs/none").await;
    assert_eq!(run.status, 404);
    let page = gateway.get("/metrics").await;
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"flowgate_http_requests_total{route="/api/gateway/runs/{run_id}",method="GET",status="404"} "#,
        r#"flowgate_http_rejections_total{reason="token"} "#,
        r#"flowgate_runs{status="waiting"} 0"#,
        r#"flowgate_journal_queue_depth 0"#,
        r#"flowgate_drives_runs 1"#,
    ] {
        assert!(page.text.contains(line), "no {line} in\n{}", page.text);
    }
    let open = Gateway::with(Settings {
        open_metrics: true,
        ..settings()
    })
    .await;
    assert_eq!(bare(&open, Method::GET, "/metrics", &[]).await.status, 200);
}

#[tokio::test]
async fn health_pages_are_open_and_say_only_whether() {
    let gateway = Gateway::new().await;
    bare(&gateway, Method::GET, "/healthz", &[])
        .await
        .expect(200, r#"{"status":"ok"}"#);
    for _ in 0..2 {
        bare(&gateway, Method::GET, "/readyz", &[])
            .await
            .expect(200, r#"{"status":"ready","runs":"here"}"#);
    }
    assert_eq!(
        gateway.journal.commits(),
        2,
        "one at the start, one to see; the next look is spared"
    );
    gateway.journal.close().await.unwrap();
    bare(&gateway, Method::GET, "/readyz", &[]).await.expect(
        503,
        r#"{"status":"not ready","runs":"here","reason":"the journal is closed"}"#,
    );
    bare(&gateway, Method::GET, "/healthz", &[])
        .await
        .expect(200, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn without_security_everything_passes() {
    let gateway = Gateway::with(Settings {
        enabled: false,
        ..Settings::default()
    })
    .await;
    let answer = bare(
        &gateway,
        Method::GET,
        "/api/gateway/ping",
        &[("origin", "https://evil.example")],
    )
    .await;
    assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (200, ""));
}
