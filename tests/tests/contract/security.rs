//! The rules of security, one after another, and their order. Those that need settings of their own start a server for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flowgate_tests::raw::{Answer, Raw};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Gateway, Options, Reply};
use hyper::Method;
use serde_json::json;

use crate::checks::Checks;
use crate::flows::{echo, question};
use crate::target;

const RUNS: &str = "/api/gateway/runs";
const START: &str = "/api/gateway/runs/start";
const UNAUTHORIZED: &str = "Unauthorized";
const ORIGIN: &str = "Forbidden (origin not allowed)";
const LOCKED: &str = "Too Many Requests (auth lockout)";
const BUSY: &str = "Too Many Requests (concurrency limit)";

/// A request with these headers and, for a write, a body of `{}`.
async fn with(gateway: &Gateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let is_write = method == Method::POST;
    let mut request = gateway.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if is_write { "{}" } else { "" };
    let request = request
        .header("content-type", "application/json")
        .body(body.into())
        .expect("a request");
    gateway.send(request).await.expect("an answer")
}

async fn get(gateway: &Gateway, headers: &[(&str, &str)]) -> Reply {
    with(gateway, Method::GET, RUNS, headers).await
}

/// Another client, for a server that trusts a proxy: its failures are its own.
fn from(n: u8) -> (&'static str, String) {
    ("x-forwarded-for", format!("10.1.2.{n}, 10.9.9.9"))
}

#[tokio::test]
async fn a_bearer_token_is_needed() {
    let (target, checks) = (target::shared().await, Checks::of("token"));
    let nobody = target.gateway.with_token(None);
    let (name, address) = from(1);
    let me = (name, address.as_str());
    let refused = get(&nobody, &[me]).await;
    checks.refused("none", &refused, 401, UNAUTHORIZED);
    checks.header("none: challenge", &refused, "www-authenticate", "Bearer");
    checks.header("none: type", &refused, "content-type", "application/json; charset=utf-8");
    checks.equal("none: request id", refused.header("x-request-id").len(), 32);
    for (what, value) in [
        ("wrong", "Bearer not-the-token".to_owned()),
        ("another scheme", format!("Basic {}", target.token)),
        ("no scheme", target.token.clone()),
    ] {
        let reply = get(&nobody, &[me, ("authorization", &value)]).await;
        checks.refused(what, &reply, 401, UNAUTHORIZED);
        let right = get(&target.gateway, &[me]).await;
        checks.ok(&format!("after {what}: right"), &right);
    }
    for (what, value) in [
        ("lower case", format!("bearer {}", target.token)),
        ("spaces", format!("BEARER   {}  ", target.token)),
    ] {
        checks.ok(what, &get(&nobody, &[("authorization", &value)]).await);
    }
    let query = with(&nobody, Method::GET, &format!("{RUNS}?token={}", target.token), &[me]).await;
    checks.refused("in the query", &query, 401, UNAUTHORIZED);
    checks.ok("right again", &get(&target.gateway, &[me]).await);
    let write = with(&nobody, Method::POST, START, &[me]).await;
    checks.refused("write", &write, 401, UNAUTHORIZED);
    let nowhere = with(&nobody, Method::GET, "/api/gateway/nothing", &[me]).await;
    checks.refused("unknown path", &nowhere, 401, UNAUTHORIZED);
    checks.ok("right at last", &get(&target.gateway, &[me]).await);
}

#[tokio::test]
async fn an_origin_is_checked_before_anything_else() {
    let (target, checks) = (target::shared().await, Checks::of("origin"));
    let gateway = &target.gateway;
    for allowed in ["http://localhost:5173", "http://127.0.0.1:80", ""] {
        let reply = get(gateway, &[("origin", allowed)]).await;
        checks.ok(&format!("allowed {allowed:?}"), &reply);
    }
    for foreign in [
        "https://evil.example",
        "http://localhost",
        "HTTP://LOCALHOST:1",
        "http://localhost.evil.example:1",
        "null",
    ] {
        checks.refused(
            &format!("foreign {foreign:?}"),
            &get(gateway, &[("origin", foreign)]).await,
            403,
            ORIGIN,
        );
    }
    let (name, address) = from(2);
    let nobody = gateway.with_token(None);
    for _ in 0..8 {
        let reply = get(&nobody, &[(name, &address), ("origin", "https://evil.example")]).await;
        checks.refused("before the token, and not counted", &reply, 403, ORIGIN);
    }
    let reply = get(&nobody, &[(name, &address)]).await;
    checks.refused("nothing was counted", &reply, 401, UNAUTHORIZED);
    checks.ok("and forgotten", &get(gateway, &[(name, &address)]).await);
}

#[tokio::test]
async fn origins_are_globs() {
    let origins = "https://*.example.com,https://exact.dev,http://[ab]?.x.io";
    let Some(server) = target::own(Options::new().env("ABSTRACTGATEWAY_ALLOWED_ORIGINS", origins)).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("origin globs"));
    for allowed in [
        "https://app.example.com",
        "https://a.b.example.com",
        "https://exact.dev",
        "http://a1.x.io",
    ] {
        checks.ok(allowed, &get(&gateway, &[("origin", allowed)]).await);
    }
    for foreign in [
        "https://example.com",
        "https://app.example.com.evil.net",
        "https://exact.dev:8443",
        "https://APP.EXAMPLE.COM",
        "http://c1.x.io",
        "http://a12.x.io",
        "http://localhost:5173",
    ] {
        checks.refused(foreign, &get(&gateway, &[("origin", foreign)]).await, 403, ORIGIN);
    }
}

#[tokio::test]
async fn cors_decorates_every_answer() {
    let (target, checks) = (target::shared().await, Checks::of("cors"));
    let nobody = target.gateway.with_token(None);
    for origin in ["http://localhost:5173", "https://evil.example"] {
        let preflight = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,x-odd"),
        ];
        let reply = with(&nobody, Method::OPTIONS, RUNS, &preflight).await;
        checks.equal(
            &format!("preflight from {origin}"),
            json!([reply.status, reply.text()]),
            json!([200, "OK"]),
        );
        checks.header(
            &format!("preflight echoes {origin}"),
            &reply,
            "access-control-allow-origin",
            origin,
        );
        checks.header(
            "preflight allows credentials",
            &reply,
            "access-control-allow-credentials",
            "true",
        );
        checks.header(
            "preflight allows the headers",
            &reply,
            "access-control-allow-headers",
            "authorization,x-odd",
        );
        checks.header("preflight holds ten minutes", &reply, "access-control-max-age", "600");
        checks.header("preflight allows no verb beside", &reply, "allow", "");
        let methods: Vec<&str> = reply.header("access-control-allow-methods").split(", ").collect();
        let all = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        checks.holds(
            "preflight allows all verbs",
            all.iter().all(|verb| methods.contains(verb)),
            || methods.join(", "),
        );
    }
    let (name, address) = from(3);
    for (what, origin, gateway, status) in [
        ("an answer", "http://localhost:5173", &target.gateway, 200),
        ("a refused token", "http://localhost:5173", &nobody, 401),
        ("a refused origin", "https://evil.example", &target.gateway, 403),
    ] {
        let reply = get(gateway, &[("origin", origin), (name, &address)]).await;
        checks.equal(what, reply.status, status);
        checks.header(&format!("{what}: origin"), &reply, "access-control-allow-origin", origin);
        checks.header(
            &format!("{what}: credentials"),
            &reply,
            "access-control-allow-credentials",
            "true",
        );
        checks.header(&format!("{what}: exposed"), &reply, "access-control-expose-headers", "*");
        checks.header(&format!("{what}: varies"), &reply, "vary", "Origin");
    }
    let reply = with(&target.gateway, Method::OPTIONS, RUNS, &[("origin", "http://localhost:5173")]).await;
    checks.refused("OPTIONS that is no preflight", &reply, 405, "Method Not Allowed");
}

#[tokio::test]
async fn a_request_has_an_id() {
    let (target, checks) = (target::shared().await, Checks::of("request id"));
    let named = get(&target.gateway, &[("x-request-id", "my-own.id 7")]).await;
    checks.header("its own", &named, "x-request-id", "my-own.id 7");
    let blank = get(&target.gateway, &[("x-request-id", "  ")]).await;
    let (one, two) = (blank.header("x-request-id"), get(&target.gateway, &[]).await);
    let is_fresh = one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()) && one != two.header("x-request-id");
    checks.holds("a fresh one", is_fresh, || one.to_owned());
    let foreign = get(
        &target.gateway,
        &[("x-request-id", "r-1"), ("origin", "https://evil.example")],
    )
    .await;
    checks.header("of a refusal", &foreign, "x-request-id", "r-1");
}

#[tokio::test]
async fn failures_lock_an_address_out_for_twice_as_long_each_time() {
    let settings = Options::new()
        .env("ABSTRACTGATEWAY_LOCKOUT_AFTER", 2)
        .env("ABSTRACTGATEWAY_LOCKOUT_BASE_S", 1)
        .env("ABSTRACTGATEWAY_TRUST_PROXY", 1);
    let Some(server) = target::own(settings).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("lockout"));
    let guesser = gateway.with_token(Some("a-guess"));
    checks.refused("first failure", &get(&guesser, &[]).await, 401, UNAUTHORIZED);
    let locked = get(&guesser, &[]).await;
    checks.refused("at the threshold", &locked, 429, LOCKED);
    checks.header("at the threshold: how long", &locked, "retry-after", "1");
    let right = get(&gateway, &[]).await;
    checks.refused(
        "the right token is locked out too, to the end of the lock",
        &right,
        429,
        LOCKED,
    );
    checks.header("rounded up", &right, "retry-after", "1");
    let options = with(&gateway, Method::OPTIONS, RUNS, &[]).await;
    checks.refused("OPTIONS too", &options, 429, LOCKED);
    let foreign = get(&gateway, &[("origin", "https://evil.example")]).await;
    checks.refused("the origin comes first", &foreign, 403, ORIGIN);
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "GET")];
    checks.equal(
        "a preflight passes",
        with(&gateway, Method::OPTIONS, RUNS, &preflight).await.status,
        200,
    );
    checks.ok(
        "another address is free",
        &get(&gateway, &[("x-forwarded-for", "10.0.0.9")]).await,
    );

    // What is refused in the lock does not count: the next failure after it is the third.
    let mut last = get(&guesser, &[]).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while last.header("retry-after") == "1" && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        last = get(&guesser, &[]).await;
    }
    checks.header("the second lock is twice as long", &last, "retry-after", "2");
    while get(&gateway, &[]).await.status == 429 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    checks.ok("the right token afterwards", &get(&gateway, &[]).await);
    checks.refused("a success forgets the failures", &get(&guesser, &[]).await, 401, UNAUTHORIZED);
}

#[tokio::test]
async fn reads_and_writes_are_protected_apart() {
    let checks = Checks::of("protection");
    let open_reads = Options::new().env("ABSTRACTGATEWAY_PROTECT_READ", 0);
    let Some(server) = target::own(open_reads).await else {
        return;
    };
    let nobody = server.gateway().with_token(None);
    checks.ok("open reads", &get(&nobody, &[]).await);
    checks.refused(
        "writes beside open reads",
        &with(&nobody, Method::POST, START, &[]).await,
        401,
        UNAUTHORIZED,
    );

    let settings = Options::new().env("ABSTRACTGATEWAY_PROTECT_WRITE", 0);
    let server = settings.start().await;
    let nobody = server.gateway().with_token(None);
    checks.equal("open writes", with(&nobody, Method::POST, START, &[]).await.status, 400);
    checks.refused("reads beside open writes", &get(&nobody, &[]).await, 401, UNAUTHORIZED);

    let settings = Options::new()
        .env("ABSTRACTGATEWAY_DEV_READ_NO_AUTH", 1)
        .env("ABSTRACTGATEWAY_TRUST_PROXY", 1);
    let server = settings.start().await;
    let nobody = server.gateway().with_token(None);
    checks.ok("reads from this machine", &get(&nobody, &[]).await);
    let claimed = get(&nobody, &[("x-forwarded-for", "127.0.0.1")]).await;
    checks.refused("reads that a proxy passes on", &claimed, 401, UNAUTHORIZED);
    let far = get(&nobody, &[("x-forwarded-for", "10.0.0.1")]).await;
    checks.refused("reads from another machine", &far, 401, UNAUTHORIZED);
    checks.refused(
        "writes from this machine",
        &with(&nobody, Method::POST, START, &[]).await,
        401,
        UNAUTHORIZED,
    );

    let server = Options::new().env("ABSTRACTGATEWAY_SECURITY", 0).start().await;
    let nobody = server.gateway().with_token(None);
    checks.ok(
        "no security: reads",
        &get(&nobody, &[("origin", "https://evil.example")]).await,
    );
    checks.equal(
        "no security: writes",
        with(&nobody, Method::POST, START, &[]).await.status,
        400,
    );
    checks.equal(
        "no security: no audit log",
        server.data_dir().join("audit_log.jsonl").exists(),
        false,
    );

    let settings = Options::new().env(
        "ABSTRACTGATEWAY_AUTH_TOKENS",
        "second-token-0123456789, third-token-0123456789",
    );
    let server = settings.start().await;
    for token in [TOKEN, "second-token-0123456789", "third-token-0123456789"] {
        checks.ok(
            &format!("one of several tokens: {token}"),
            &get(&server.gateway().with_token(Some(token)), &[]).await,
        );
    }
}

/// Sends a head with this declared length and nothing else, and reads the answer.
async fn declared(address: SocketAddr, path: &str, token: &str, length: u64) -> Answer {
    let mut raw = Raw::open(address).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    raw.send(head).await;
    raw.answer().await
}

#[tokio::test]
async fn a_body_is_capped_by_its_path() {
    let (target, checks) = (target::shared().await, Checks::of("body size"));
    let far_too_much = 100_000_000;
    let caps = [
        ("/api/gateway/commands", 256_000),
        ("/api/gateway/runs/start", 256_000),
        ("/api/gateway/attachments/upload", 26_214_400 + 2_097_152),
        ("/api/gateway/bundles/upload", 78_643_200 + 2_097_152),
    ];
    for (path, cap) in caps {
        let answer = declared(target.address, path, &target.token, far_too_much).await;
        let wanted = json!({"detail": format!("Payload Too Large ({far_too_much} bytes > {cap} bytes)")});
        checks.equal(path, json!([answer.status, answer.json()]), json!([413, wanted]));
    }
    let answer = declared(target.address, "/api/gateway/commands", "not-the-token", far_too_much).await;
    checks.equal("the token comes first", answer.status, 401);
    let body = format!(r#"{{"x": "{}"}}"#, "x".repeat(300_000));
    let whole = target.gateway.post_text(START, body.clone()).await;
    checks.refused(
        "whole",
        &whole,
        413,
        &format!("Payload Too Large ({} bytes > 256000 bytes)", body.len()),
    );

    // Without a length, the server says so as soon as it has seen too much.
    let mut raw = Raw::open(target.address).await;
    let head = format!(
        "POST {START} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        target.token
    );
    raw.send(head).await;
    raw.send_chunked(body.as_bytes()).await;
    let answer = raw.answer().await;
    let says = answer.body.contains("Payload Too Large (") && answer.body.contains(" bytes > 256000 bytes)");
    checks.holds("without a length", answer.status == 413 && says, || format!("{answer:?}"));
}

#[tokio::test]
async fn the_caps_can_be_set() {
    let settings = Options::new()
        .env("ABSTRACTGATEWAY_MAX_BODY_BYTES", 1000)
        .env("ABSTRACTGATEWAY_MAX_BUNDLE_BYTES", 2000)
        .env("ABSTRACTGATEWAY_MAX_ATTACHMENT_BYTES", 3000);
    let Some(server) = target::own(settings).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("set caps"));
    let body = json!({"x": "x".repeat(1000)});
    let reply = gateway.post(START, &body).await;
    checks.refused("body", &reply, 413, "Payload Too Large (1008 bytes > 1000 bytes)");
    let upload = declared(server.address(), "/api/gateway/bundles/upload", TOKEN, 3_000_000).await;
    checks.equal(
        "bundle's request",
        upload.json(),
        json!({"detail":"Payload Too Large (3000000 bytes > 2099152 bytes)"}),
    );
    let upload = declared(server.address(), "/api/gateway/attachments/upload", TOKEN, 3_000_000).await;
    checks.equal(
        "attachment's request",
        upload.json(),
        json!({"detail":"Payload Too Large (3000000 bytes > 2100152 bytes)"}),
    );
    let bundle = gateway.upload_file(&[b'x'; 2001], &[]).await;
    checks.refused("bundle", &bundle, 413, "Bundle too large (2001 bytes > 2000 bytes)");

    let settings = Options::new()
        .env("ABSTRACTGATEWAY_MAX_BODY_BYTES", 0)
        .env("ABSTRACTGATEWAY_MAX_UPLOAD_BODY_BYTES", 5000);
    let server = settings.start().await;
    let gateway = server.gateway();
    let large = gateway.post(START, &json!({"x": "x".repeat(400_000)})).await;
    checks.equal("no cap", large.status, 400);
    let upload = declared(server.address(), "/api/gateway/bundles/upload", TOKEN, 5001).await;
    checks.equal(
        "uploads all capped",
        upload.json(),
        json!({"detail":"Payload Too Large (5001 bytes > 5000 bytes)"}),
    );
}

#[tokio::test]
async fn requests_and_streams_have_pools_of_their_own() {
    let settings = Options::new()
        .env("ABSTRACTGATEWAY_MAX_CONCURRENCY", 1)
        .env("ABSTRACTGATEWAY_MAX_SSE", 1);
    let Some(server) = target::own(settings).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("concurrency"));
    gateway.install(&question("pool", "1.0.0")).await;
    let run = gateway.start("pool", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    let mut stream = gateway.stream(&run, "?after=1", None).await.expect("the stream opens");
    stream.frame(Duration::from_secs(10)).await.expect("a row");
    let full = gateway.stream(&run, "", None).await.expect_err("one stream only");
    checks.refused("a second stream", &full, 429, BUSY);
    checks.header("a second stream: when", &full, "retry-after", "1");
    checks.ok("requests are another pool", &get(&gateway, &[]).await);
    drop(stream);
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut reopened = gateway.stream(&run, "", None).await;
    while reopened.is_err() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        reopened = gateway.stream(&run, "", None).await;
    }
    checks.equal("a dropped stream frees its slot", reopened.is_ok(), true);
    drop(reopened);

    // A request whose body has not come yet is in work.
    let body = r#"{"bundle_id": "pool", "input_data": {}}"#;
    let mut slow = Raw::open(server.address()).await;
    let head = format!(
        "POST {START} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.send(head).await;
    let mut busy = get(&gateway, &[]).await;
    while busy.status == 200 && Instant::now() < deadline {
        busy = get(&gateway, &[]).await;
    }
    checks.refused("a second request", &busy, 429, BUSY);
    checks.header("a second request: when", &busy, "retry-after", "1");
    let nobody = get(&gateway.with_token(None), &[]).await;
    checks.refused("the token comes first", &nobody, 401, UNAUTHORIZED);
    let large = declared(server.address(), START, TOKEN, 1_000_000).await;
    checks.equal("the size comes first", large.status, 413);
    slow.send(body).await;
    checks.equal("the first request is answered", slow.answer().await.status, 200);
    let mut free = get(&gateway, &[]).await;
    while free.status == 429 && Instant::now() < deadline {
        free = get(&gateway, &[]).await;
    }
    checks.ok("and its slot is free", &free);
}

#[tokio::test]
async fn nothing_that_is_kept_holds_a_token() {
    let Some(server) = target::own(Options::new().env("FLOWGATE_LOG_LEVEL", "trace")).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("secrets"));
    let wrong = gateway.with_token(Some("a-mistyped-secret-token"));
    get(&wrong, &[]).await;
    with(
        &wrong,
        Method::POST,
        START,
        &[("cookie", "abstractgateway_session=a-cookie-secret")],
    )
    .await;
    gateway.install(&echo("secret", "1.0.0")).await;
    gateway.start("secret", json!({"x": 1})).await;
    with(&gateway, Method::POST, &format!("{START}?token=a-query-secret"), &[]).await;
    let audit = std::fs::read_to_string(server.data_dir().join("audit_log.jsonl")).expect("an audit log");
    for secret in [TOKEN, "a-mistyped-secret-token", "a-cookie-secret", "a-query-secret"] {
        checks.equal(&format!("the log without {secret}"), server.log().contains(secret), false);
        checks.equal(&format!("the audit log without {secret}"), audit.contains(secret), false);
    }
    assert!(target::is_reference() || server.log().len() > 100, "no log: {}", server.log());
}
