//! What an operator has in hand: metrics, health, TLS, traces, backups, several processes on one data directory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowgate_tests::server::{TOKEN, command};
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

/// Asks, and ends with the answer.
fn question() -> Bundle {
    let flow = Flow::new("ask")
        .start(&[])
        .ask("ask", "More?", &["yes", "no"])
        .end("end", &["said"])
        .exec("start -> ask -> end")
        .wire("ask.response -> end.said");
    Bundle::new("question", "1.0.0").flow(flow)
}

/// Says something and ends.
fn hello(version: &str, text: &str) -> Bundle {
    let flow = Flow::new("hello")
        .start(&[])
        .say("say", text)
        .end("end", &[])
        .exec("start -> say -> end");
    Bundle::new("hello", version).flow(flow)
}

/// Whether `done` comes to be within some seconds.
async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

// --- metrics and health -----------------------------------------------------------------------------------------------------------

/// The value of a metric, by its name and labels.
fn value(page: &str, metric: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    let text = line.unwrap_or_else(|| panic!("no {metric} in\n{page}"));
    text.parse().expect("a number")
}

#[tokio::test]
async fn metrics_count_what_happened_and_health_is_open() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let waits = gateway.start("question", json!({})).await;
    let ends = gateway.start("question", json!({})).await;
    for run in [&waits, &ends] {
        gateway.until_status(run, "waiting").await;
    }
    let stream = gateway.stream(&waits, "?after=0", None).await.expect("the stream opens");
    gateway.answer(&ends, "yes").await.ok();
    gateway.until_status(&ends, "completed").await;

    let page = gateway.get("/metrics").await.text();
    for (metric, wanted) in [
        ("flowgate_runs{status=\"waiting\"}", 1.0),
        ("flowgate_runs{status=\"completed\"}", 1.0),
        ("flowgate_runs{status=\"failed\"}", 0.0),
        ("flowgate_streams_open", 1.0),
        ("flowgate_effects_total{kind=\"ask_user\",outcome=\"waiting\"}", 2.0),
        (
            "flowgate_http_requests_total{route=\"/api/gateway/runs/start\",method=\"POST\",status=\"200\"}",
            2.0,
        ),
        ("flowgate_journal_commits_total{result=\"failed\"}", 0.0),
        ("flowgate_drives_runs", 1.0),
        ("flowgate_drivers", 0.0),
        ("flowgate_pool_slots_used", 0.0),
        ("flowgate_journal_queue_depth", 0.0),
    ] {
        assert_eq!(value(&page, metric), wanted, "{metric}");
    }
    for metric in [
        "flowgate_fuel_total",
        "flowgate_ticks_total",
        "flowgate_tick_seconds_count",
        "flowgate_journal_commit_seconds_count",
        "flowgate_journal_sync_seconds_count",
        "flowgate_journal_commit_rows_sum",
        "flowgate_database_bytes{file=\"database\"}",
        "flowgate_pool_slots_limit",
    ] {
        assert!(value(&page, metric) > 0.0, "{metric}");
    }
    drop(stream);
    until("the stream's end is counted", async || {
        value(&gateway.get("/metrics").await.text(), "flowgate_streams_open") == 0.0
    })
    .await;

    let stranger = gateway.with_token(None);
    stranger.get("/metrics").await.refused(401, "Unauthorized");
    assert_eq!(stranger.get("/healthz").await.ok(), json!({"status": "ok"}));
    assert_eq!(stranger.get("/readyz").await.ok(), json!({"status": "ready", "runs": "here"}));
}

#[tokio::test]
async fn writes_end_up_in_the_audit_log_and_its_tail() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.post("/api/gateway/commands?who=me", &json!({})).await;
    gateway.with_token(None).post("/api/gateway/commands", &json!({})).await;
    let tail = gateway.get("/api/gateway/audit/tail").await.ok();
    let content = tail["content"].as_str().expect("text");
    let lines: Vec<Value> = content
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (&tail["ok"], &tail["truncated"], lines.len()),
        (&json!(true), &json!(false), 2)
    );
    assert_eq!(
        (&lines[0]["query"], &lines[0]["ip"]),
        (&json!("who=<redacted>"), &json!("127.0.0.1"))
    );
    assert_eq!(
        (&lines[1]["status"], &lines[1]["error"]),
        (&json!(401), &json!("Unauthorized"))
    );
    assert!(!content.contains(TOKEN) && !server.log().contains(TOKEN));
}

#[tokio::test]
async fn log_lines_name_their_run_and_their_request() {
    let server = Options::new().env("FLOWGATE_LOG_FORMAT", "json").start().await;
    let gateway = server.gateway();
    gateway.command_as("c-1", "cancel", "nobody", json!({})).await.ok();
    let broken = Flow::new("broken").start(&[]).node("x", "no_such_node", &[], &[], json!({}));
    let installed = gateway
        .upload_file(&Bundle::new("broken", "1.0.0").flow(broken.exec("start -> x")).zip(), &[])
        .await;
    let request_id = installed.header("x-request-id").to_owned();
    let line = |of: &str| -> Option<Value> {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line.to_string().contains(of))
    };
    until("the refusal is logged", async || line("command refused").is_some()).await;
    let refused = line("command refused").expect("it is there");
    assert_eq!(
        (&refused["run_id"], &refused["command_id"], &refused["kind"]),
        (&json!("nobody"), &json!("c-1"), &json!("cancel"))
    );
    until("the diagnostic is logged", async || line("no_such_node").is_some()).await;
    let diagnostic = line("no_such_node").expect("it is there");
    assert_eq!(
        (&diagnostic["span"]["request_id"], &diagnostic["span"]["tenant"]),
        (&json!(request_id), &json!("local")),
        "{diagnostic}"
    );
}

// --- TLS --------------------------------------------------------------------------------------------------------------------------

fn pem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tls").join(name)
}

/// A GET over TLS that trusts the one certificate: the protocol that was agreed on, and everything that came until the end.
fn https_get(address: SocketAddr, trusted: &str, protocols: &[&str], path: &str) -> Result<(Option<String>, String), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(pem(trusted)).map_err(|e| text(&e))?;
    roots.add(certificate).map_err(|e| text(&e))?;
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| text(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").map_err(|e| text(&e))?;
    let connection = rustls::ClientConnection::new(Arc::new(config), name).map_err(|e| text(&e))?;
    let socket = TcpStream::connect(address).map_err(|e| text(&e))?;
    socket.set_read_timeout(Some(Duration::from_secs(20))).map_err(|e| text(&e))?;
    let mut stream = rustls::StreamOwned::new(connection, socket);
    stream.flush().map_err(|e| text(&e))?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|e| text(&e))?;
    }
    let agreed = stream.conn.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned());
    if agreed.as_deref() == Some("h2") {
        return Ok((agreed, String::new()));
    }
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|e| text(&e))?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // A server may close without saying so first.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(text(&error)),
    }
    Ok((agreed, String::from_utf8_lossy(&answer).into_owned()))
}

async fn get(address: SocketAddr, trusted: &'static str, path: &'static str) -> Result<String, String> {
    let got = tokio::task::spawn_blocking(move || https_get(address, trusted, &["http/1.1"], path));
    got.await.expect("the client runs").map(|(_, answer)| answer)
}

#[tokio::test]
async fn the_server_speaks_tls_and_takes_over_a_renewed_certificate() {
    let files = tempfile::tempdir().expect("a directory");
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let install = |name: &str| {
        std::fs::copy(pem(&format!("{name}.cert.pem")), &cert).expect("copied");
        std::fs::copy(pem(&format!("{name}.key.pem")), &key).expect("copied");
    };
    install("one");
    let mut server = Options::new().tls(&cert, &key).start().await;
    let address = server.address();
    let answer = get(address, "one.cert.pem", "/api/gateway/ping").await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.to_lowercase().contains("x-request-id: "), "{answer}");
    // The address of the client is known behind TLS, too: writes are logged with it (see the audit log), and streams stream.
    let refused = get(address, "one.cert.pem", "/api/gateway/runs/none/ledger/stream")
        .await
        .expect("an answer");
    assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
    let agreed = tokio::task::spawn_blocking(move || https_get(address, "one.cert.pem", &["h2", "http/1.1"], "/")).await;
    assert_eq!(
        agreed.expect("the client runs").expect("a handshake").0.as_deref(),
        Some("h2")
    );
    assert!(
        get(address, "two.cert.pem", "/api/gateway/ping").await.is_err(),
        "not the certificate that is trusted"
    );
    let plain = Gateway::new(address, Some(TOKEN));
    assert!(plain.try_get("/api/health").await.is_err(), "plain HTTP is not answered");

    install("two");
    server.signal("HUP").await;
    until("the new certificate is served", async || {
        get(address, "two.cert.pem", "/api/gateway/ping").await.is_ok()
    })
    .await;
    std::fs::write(&key, "no key").expect("written");
    server.signal("HUP").await;
    until("the bad key is noticed", async || {
        server.log().contains("the certificate stays as it was")
    })
    .await;
    assert!(
        get(address, "two.cert.pem", "/api/gateway/ping").await.is_ok(),
        "what was there stays"
    );
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn files_that_cannot_serve_tls_are_named_at_the_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) = (pem("one.cert.pem"), pem("two.key.pem"));
    let cases: [(&Path, &Path, &[&str]); 4] = [
        (&one, &two, &["two.key.pem", "does not belong to", "one.cert.pem"]),
        (&one, Path::new("/nowhere.pem"), &["tls.key /nowhere.pem", "No such file"]),
        (&two, &two, &["tls.cert", "two.key.pem", "holds no certificate"]),
        (&one, &one, &["tls.key", "one.cert.pem", "holds no private key"]),
    ];
    for (cert, key, said) in cases {
        let mut serve = command();
        serve
            .args(["serve", "--port", "0", "--data-dir"])
            .arg(dir.path().join("data"));
        serve.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
        let ended = serve.output().await.expect("it runs");
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{text}");
        assert!(said.iter().all(|part| text.contains(part)), "{text}");
    }
    assert!(
        !dir.path().join("data").exists(),
        "a server that cannot start touches nothing"
    );
}

// --- traces -----------------------------------------------------------------------------------------------------------------------

/// One request that a collector got: its head and body.
type Posted = (String, Vec<u8>);

/// An HTTP server that takes everything and says 200.
fn collector() -> (SocketAddr, mpsc::Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (send, posts) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || serve(stream, &send));
        }
    });
    (address, posts)
}

fn serve(mut stream: TcpStream, send: &mpsc::Sender<Posted>) {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let ends = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = ends {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if read.len() >= whole {
                let body = read[end + 4..whole].to_vec();
                read.drain(..whole);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
                if send.send((head, body)).is_err() {
                    return;
                }
                continue;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(&chunk[..count]),
        }
    }
}

#[tokio::test]
async fn traces_are_sent_where_the_standard_variables_say() {
    let (address, posts) = collector();
    let server = Options::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", 50)
        .env("OTEL_SERVICE_NAME", "flowgate-in-a-test")
        .start()
        .await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({"secret": "unmentionable"})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.answer(&run, "yes").await.ok();
    gateway.until_status(&run, "completed").await;

    let wanted: [&str; 8] = [
        "flowgate-in-a-test",
        "POST /api/gateway/runs/start",
        "/api/gateway/runs/{run_id}",
        "request_id",
        "activation",
        "tick",
        "question@1.0.0:ask",
        &run,
    ];
    let (heads, spans) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    until("all spans have come", async || {
        let mut spans = spans.lock().expect("no panic");
        for (head, body) in posts.try_iter() {
            heads.lock().expect("no panic").push(head);
            spans.extend(body);
        }
        let text = String::from_utf8_lossy(&spans).into_owned();
        wanted.iter().all(|part| text.contains(part))
    })
    .await;
    for head in heads.into_inner().expect("no panic") {
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    }
    let spans = spans.into_inner().expect("no panic");
    let text = String::from_utf8_lossy(&spans);
    assert!(
        !text.contains(TOKEN) && !text.contains("unmentionable"),
        "a secret is in a trace"
    );
}

// --- backup -----------------------------------------------------------------------------------------------------------------------

async fn backup(data: &Path, to: &Path) -> std::process::Output {
    let mut backup = command();
    backup.arg("backup").arg(to).arg("--data-dir").arg(data);
    backup.output().await.expect("it runs")
}

#[tokio::test]
async fn a_backup_made_under_load_has_every_run_acknowledged_before_it() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let blob = server.data_dir().join("artifacts/ab/abcdef");
    std::fs::create_dir_all(blob.parent().expect("a parent")).expect("made");
    std::fs::write(&blob, "content").expect("written");
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (gateway, acknowledged) = (gateway.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                loop {
                    let run = gateway.start("question", json!({})).await;
                    acknowledged.lock().expect("no panic").push(run);
                }
            })
        })
        .collect();
    until("some runs", async || acknowledged.lock().expect("no panic").len() > 50).await;
    let before = acknowledged.lock().expect("no panic").clone();
    let restored = tempfile::tempdir().expect("a directory");
    let to = restored.path().join("data");
    let made = backup(&server.data_dir(), &to).await;
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{said}");
    load.into_iter().for_each(|task| task.abort());

    assert_eq!(
        std::fs::read_to_string(to.join("artifacts/ab/abcdef")).expect("copied"),
        "content"
    );
    assert!(!to.join("code-cache").exists() && !to.join("gateway_runner.lock").exists());
    let names: Vec<_> = std::fs::read_dir(restored.path()).expect("listed").collect();
    assert_eq!(names.len(), 1, "nothing half made is left: {names:?}");
    let again = backup(&server.data_dir(), &to).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));
    let inside = backup(&server.data_dir(), &server.data_dir().join("copy")).await;
    assert!(String::from_utf8_lossy(&inside.stderr).contains("lies in the data directory"));

    // The copy is a data directory: runs go on in it.
    let copy = Options::new().start_on(restored).await;
    let gateway = copy.gateway();
    for run in &before {
        gateway.until_status(run, "waiting").await;
    }
    gateway.answer(&before[0], "yes").await.ok();
    assert_eq!(gateway.output(&before[0]).await["said"], "yes");
    assert_eq!(
        gateway.get("/api/gateway/bundles/question").await.ok()["bundle_version"],
        "1.0.0"
    );
}

#[tokio::test]
async fn a_server_that_is_stopped_can_be_backed_up_and_nothing_cannot() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    assert!(server.stop().await.success());
    let elsewhere = tempfile::tempdir().expect("a directory");
    let to = elsewhere.path().join("data");
    let made = backup(&server.data_dir(), &to).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let copy = Options::new().start_on(elsewhere).await;
    copy.gateway().until_status(&run, "waiting").await;

    let empty = tempfile::tempdir().expect("a directory");
    let made = backup(empty.path(), &to.with_file_name("other")).await;
    assert_eq!(made.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&made.stderr).contains("there is no database"));
}

// --- several processes ------------------------------------------------------------------------------------------------------------

/// Further processes on the data directory of a server; killed with the test.
fn spawn(server: &Server, flows: &Path, args: &[&str]) -> tokio::process::Child {
    let mut process = command();
    process
        .args(args)
        .arg("--data-dir")
        .arg(server.data_dir())
        .arg("--flows-dir")
        .arg(flows);
    process.env("FLOWGATE_AUTH_TOKEN", TOKEN);
    process.stderr(std::process::Stdio::null());
    process.spawn().expect("it starts")
}

#[tokio::test]
async fn a_data_directory_has_one_runner() {
    let first = Server::start().await;
    let flows = tempfile::tempdir().expect("a directory");
    let mut runner = command();
    runner.arg("runner").arg("--data-dir").arg(first.data_dir());
    let ended = runner.output().await.expect("it runs");
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("another process drives the runs of"));
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port();
    let second = Gateway::new(([127, 0, 0, 1], port).into(), Some(TOKEN));
    let _second = spawn(&first, flows.path(), &["serve", "--port", &port.to_string()]);
    until("the second server answers", async || {
        second.try_get("/api/health").await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    assert_eq!(
        second.get("/readyz").await.ok(),
        json!({"status": "ready", "runs": "elsewhere"})
    );
    assert_eq!(
        first.gateway().get("/readyz").await.ok(),
        json!({"status": "ready", "runs": "here"})
    );
}

#[tokio::test]
async fn another_runner_takes_over_when_one_is_killed() {
    let flows = tempfile::tempdir().expect("a directory");
    let server = Options::new().arg("--no-runner").start().await;
    let gateway = server.gateway();
    let driven = async || gateway.get("/readyz").await.ok()["runs"].clone();
    assert_eq!(driven().await, "nowhere");
    let page = gateway.get("/metrics").await.text();
    assert_eq!(value(&page, "flowgate_runs_driven"), 0.0);
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;

    let mut first = spawn(&server, flows.path(), &["runner"]);
    gateway.until_status(&run, "waiting").await;
    assert_eq!(driven().await, "elsewhere");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port();
    let address = format!("127.0.0.1:{port}");
    let mut second = spawn(&server, flows.path(), &["runner", "--standby", "--metrics-address", &address]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(second.try_wait().expect("it can be asked").is_none(), "it stands by");
    first.kill().await.expect("killed");
    gateway.answer(&run, "yes").await.ok();
    assert_eq!(gateway.output(&run).await["said"], "yes");
    assert_eq!(driven().await, "elsewhere");

    let operator = Gateway::new(address.parse().expect("an address"), Some(TOKEN));
    until("the runner answers operators", async || {
        operator.try_get("/healthz").await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    assert_eq!(operator.get("/readyz").await.ok()["runs"], "here");
    let page = operator.get("/metrics").await.text();
    assert_eq!(value(&page, "flowgate_drives_runs"), 1.0);
    assert!(value(&page, "flowgate_ticks_total") >= 1.0);
    operator.with_token(None).get("/metrics").await.refused(401, "Unauthorized");
    operator.get("/api/gateway/runs").await.refused(404, "Not Found");
}

#[tokio::test]
async fn what_one_process_takes_reaches_the_others() {
    let flows = tempfile::tempdir().expect("a directory");
    let first = Options::new()
        .arg("--no-runner")
        .without_flows_dir()
        .env("FLOWGATE_FLOWS_DIR", flows.path().display())
        .start()
        .await;
    let gateway = first.gateway();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port();
    let second = Gateway::new(([127, 0, 0, 1], port).into(), Some(TOKEN));
    let _runner = spawn(&first, flows.path(), &["runner"]);
    let _second = spawn(&first, flows.path(), &["serve", "--no-runner", "--port", &port.to_string()]);
    until("the second process answers", async || {
        second.try_get("/api/health").await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    until("the runner drives", async || {
        second.get("/readyz").await.ok()["runs"] == "elsewhere"
    })
    .await;
    let version = async |of: &Gateway| of.get("/api/gateway/bundles/hello").await.json()["bundle_version"].clone();

    // An upload through one, after all of them have started.
    gateway.install(&hello("1.0.0", "one")).await;
    until("the upload has reached the second", async || {
        version(&second).await == "1.0.0"
    })
    .await;
    let run = second.start("hello", json!({})).await;
    gateway.until_status(&run, "completed").await;
    // A newer version, and its removal.
    second.install(&hello("2.0.0", "two")).await;
    until("the newer version has come back", async || version(&gateway).await == "2.0.0").await;
    // A reload through one: a file that lies in the directory that all of them have.
    std::fs::write(flows.path().join("hello@3.0.0.flow"), hello("3.0.0", "three").zip()).expect("written");
    gateway.post("/api/gateway/bundles/reload", &json!({})).await.ok();
    until("the reload has reached the second", async || {
        version(&second).await == "3.0.0"
    })
    .await;

    // Starts and commands wake the runner, whichever process takes them.
    gateway.install(&question()).await;
    let run = gateway.start("question", json!({})).await;
    second.until_status(&run, "waiting").await;
    second.answer(&run, "yes").await.ok();
    assert_eq!(gateway.output(&run).await["said"], "yes");
    let page = second.get("/metrics").await.text();
    assert_eq!(value(&page, "flowgate_drives_runs"), 0.0);
    assert_eq!(value(&page, "flowgate_runs{status=\"completed\"}"), 2.0);
}
