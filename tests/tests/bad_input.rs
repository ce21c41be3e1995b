//! Input that is wrong: a clear refusal with the right status, and nothing that is already stored comes to harm.

use std::time::Duration;

use bytes::Bytes;
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server, bundle};
use hyper::Method;
use serde_json::{Value, json};

/// Runs that were there before: one that has ended, one that waits for an answer.
struct Witness {
    gateway: Gateway,
    ended: String,
    ended_ledger: String,
    waiting: String,
    waiting_ledger: String,
    bundles: String,
}

impl Witness {
    async fn new(server: &Server) -> Self {
        let gateway = server.gateway();
        let flow = Flow::new("w")
            .start(&["n"])
            .ask("ask", "Well?", &[])
            .end("end", &["n"])
            .exec("start -> ask -> end")
            .wire("start.n -> end.n");
        gateway.install(&Bundle::new("witness", "1.0.0").flow(flow)).await;
        let ended = gateway.start("witness", json!({"n": 1})).await;
        let waiting = gateway.start("witness", json!({"n": 2})).await;
        gateway.until_status(&ended, "waiting").await;
        gateway.answer(&ended, "x").await.ok();
        gateway.until_status(&ended, "completed").await;
        gateway.until_status(&waiting, "waiting").await;
        let ended_ledger = gateway.ledger_text(&ended).await;
        let waiting_ledger = gateway.ledger_text(&waiting).await;
        let bundles = gateway.get("/api/gateway/bundles?all_versions=true").await.text();
        Witness {
            gateway,
            ended,
            ended_ledger,
            waiting,
            waiting_ledger,
            bundles,
        }
    }

    /// Bundles are as they were too.
    async fn untouched(&self) {
        assert_eq!(
            self.gateway.get("/api/gateway/bundles?all_versions=true").await.text(),
            self.bundles
        );
        self.unharmed().await;
    }

    async fn unharmed(&self) {
        assert_eq!(self.gateway.ledger_text(&self.ended).await, self.ended_ledger);
        assert_eq!(self.gateway.ledger_text(&self.waiting).await, self.waiting_ledger);
        assert_eq!(self.gateway.run(&self.ended).await["status"], "completed");
    }

    /// What the ledgers say now is what they are to say from here on.
    async fn look_again(&mut self) {
        self.ended_ledger = self.gateway.ledger_text(&self.ended).await;
        self.waiting_ledger = self.gateway.ledger_text(&self.waiting).await;
    }

    /// The waiting run still takes its answer.
    async fn goes_on(self) {
        self.unharmed().await;
        self.gateway.answer(&self.waiting, "x").await.ok();
        assert_eq!(self.gateway.output(&self.waiting).await, json!({"n": 2, "success": true}));
    }
}

fn simple(id: &str) -> Flow {
    Flow::new(id).start(&[]).end("end", &[]).exec("start -> end")
}

#[tokio::test]
async fn a_bundle_that_is_no_bundle_is_refused() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let good = Bundle::new("good", "1.0.0").flow(simple("f")).zip();
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    let mut flipped = good.clone();
    // Inside the first member's compressed bytes: the directory is fine, the checksum is not.
    flipped[60] ^= 0xff;
    let empty = bundle::archive(&[], zip::CompressionMethod::Stored);
    let no_json = bundle::archive(
        &[("manifest.json".to_owned(), b"{not json".to_vec())],
        zip::CompressionMethod::Stored,
    );
    let list = bundle::archive(
        &[("manifest.json".to_owned(), b"[]".to_vec())],
        zip::CompressionMethod::Stored,
    );
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        ("no zip", b"this is not a zip file".to_vec(), &["not a zip file"]),
        ("nothing", Vec::new(), &["not a zip file", "file"]),
        ("half a zip", torn, &["zip"]),
        ("a damaged member", flipped, &["manifest.json", "zip"]),
        ("no manifest", empty, &["manifest.json not found"]),
        ("a manifest that is not JSON", no_json, &["manifest.json"]),
        ("a manifest that is a list", list, &["manifest.json must be a JSON object"]),
    ];
    for (what, file, words) in cases {
        let reply = witness.gateway.upload_file(&file, &[]).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        let detail = reply.detail().to_lowercase();
        assert!(
            words.iter().any(|word| detail.contains(&word.to_lowercase())),
            "{what}: {detail}"
        );
        witness.untouched().await;
    }
    witness.goes_on().await;
}

#[tokio::test]
async fn a_manifest_that_breaks_a_rule_is_refused_with_the_rule() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let good = || Bundle::new("bad", "1.0.0").flow(simple("f"));
    let path = |path: &str| good().with("flows", json!({"f": path}));
    let cases = [
        (
            path("../outside.json"),
            "manifest.flows entry 'f' has unsafe path '../outside.json'",
        ),
        (path("/etc/passwd"), "manifest.flows entry 'f' has unsafe path '/etc/passwd'"),
        (
            path("flows/../../f.json"),
            "manifest.flows entry 'f' has unsafe path 'flows/../../f.json'",
        ),
        (
            path("flows\\..\\..\\f.json"),
            "manifest.flows entry 'f' has unsafe path 'flows\\..\\..\\f.json'",
        ),
        (path("c:/f.json"), "manifest.flows entry 'f' has unsafe path 'c:/f.json'"),
        (
            good().with("assets", json!({"a": "../a"})),
            "manifest.assets entry 'a' has unsafe path '../a'",
        ),
        (
            good().with("bundle_format_version", json!("2")),
            "Unsupported WorkflowBundle bundle_format_version '2'. Supported: 1",
        ),
        (good().with("bundle_id", json!(" ")), "bundle_id must be a non-empty string"),
        (good().with("bundle_id", json!("a/b")), "a/b"),
        (good().with("bundle_version", json!("1/0")), "1/0"),
        (
            good().with("entrypoints", json!([])),
            "manifest.entrypoints must be a non-empty list",
        ),
        (
            good().with("default_entrypoint", json!("x")),
            "default_entrypoint 'x' must match an entrypoint.flow_id",
        ),
    ];
    for (bundle, detail) in cases {
        let reply = witness.gateway.upload_file(&bundle.zip(), &[]).await;
        assert_eq!(reply.status, 400, "{detail}: {}", reply.text());
        assert!(reply.detail().contains(detail), "{} should say {detail}", reply.detail());
        witness.untouched().await;
    }
    witness.goes_on().await;
}

#[tokio::test]
async fn a_member_named_outside_the_bundle_is_written_nowhere() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let mut bundle = Bundle::new("slip", "1.0.0").flow(simple("f"));
    bundle.members.push(("../../slipped".to_owned(), b"!".to_vec()));
    bundle.members.push(("/slipped".to_owned(), b"!".to_vec()));
    let reply = witness.gateway.upload_file(&bundle.zip(), &[]).await;
    assert!(reply.status == 200 || reply.status == 400, "{}", reply.text());
    let mut above = server.data_dir();
    for _ in 0..4 {
        assert!(
            !above.join("slipped").exists(),
            "{} was written",
            above.join("slipped").display()
        );
        if !above.pop() {
            break;
        }
    }
    witness.goes_on().await;
}

/// Installs a bundle with one flow that does not compile and one that does; the start of the first must name these.
async fn refused_to_start(witness: &Witness, bundle: Bundle, words: &[&str]) {
    let bundle = bundle.flow(simple("fine"));
    witness.gateway.install(&bundle).await;
    let body = json!({"bundle_id": bundle.id(), "flow_id": "bad", "input_data": {}});
    let reply = witness.gateway.post("/api/gateway/runs/start", &body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    let detail = reply.detail();
    assert!(detail.starts_with("Failed to start run: "), "{detail}");
    for word in words {
        assert!(detail.contains(word), "{detail} should name {word}");
    }
    let fine = witness
        .gateway
        .start_with(json!({"bundle_id": bundle.id(), "flow_id": "fine", "input_data": {}}))
        .await;
    witness.gateway.until_status(&fine, "completed").await;
    witness.unharmed().await;
}

#[tokio::test]
async fn a_flow_that_does_not_compile_is_refused_by_node_and_pin_and_its_neighbour_runs() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let cycle = Flow::new("bad")
        .start(&[])
        .node("left", "concat", &["a", "b"], &["result"], json!({}))
        .node("right", "concat", &["a", "b"], &["result"], json!({}))
        .end("end", &["text"])
        .exec("start -> end")
        .wire("left.result -> right.a")
        .wire("right.result -> left.a")
        .wire("left.result -> end.text");
    refused_to_start(
        &witness,
        Bundle::new("cycle", "1.0.0").flow(cycle),
        &["bad", "cycle", "left", "a"],
    )
    .await;

    let unknown = Flow::new("bad")
        .start(&[])
        .node(
            "odd",
            "frobnicate",
            &[],
            &[],
            json!({"inputs": [{"id": "exec-in", "type": "execution"}]}),
        )
        .exec("start -> odd");
    refused_to_start(
        &witness,
        Bundle::new("unknown", "1.0.0").flow(unknown),
        &["bad", "odd", "frobnicate"],
    )
    .await;

    let twice = simple("bad").start(&["x"]);
    let mut twice = twice.json();
    twice["nodes"][2]["id"] = json!("end");
    let twice = Bundle::new("twice", "1.0.0").document("bad", twice.to_string().into_bytes());
    refused_to_start(&witness, twice, &["bad", "end"]).await;

    let wires = Flow::new("bad")
        .start(&["x", "y"])
        .say("say", "")
        .exec("start -> say")
        .wire("start.x -> say.message")
        .wire("start.y -> say.message");
    refused_to_start(
        &witness,
        Bundle::new("wires", "1.0.0").flow(wires),
        &["bad", "say", "message"],
    )
    .await;

    let text = Bundle::new("text", "1.0.0").document("bad", b"{\"id\": \"bad\", \"nodes\": [".to_vec());
    refused_to_start(&witness, text, &["bad"]).await;
    witness.goes_on().await;
}

#[tokio::test]
async fn a_flow_of_seventy_megabytes_is_refused_by_its_limit() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let mut flow = simple("f").json();
    flow["description"] = json!("x".repeat(70 << 20));
    let mut bundle = Bundle::new("huge", "1.0.0").document("f", flow.to_string().into_bytes());
    for compression in [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored] {
        bundle.compression = compression;
        let reply = witness.gateway.upload_file(&bundle.zip(), &[]).await;
        assert!(
            reply.status == 400 || reply.status == 413,
            "{}: {}",
            reply.status,
            reply.text()
        );
        let detail = reply.detail();
        assert!(detail.contains("bytes") || detail.contains("large"), "{detail}");
        witness.untouched().await;
    }
    witness.goes_on().await;
}

#[tokio::test]
async fn a_start_of_what_is_not_there_is_refused() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let start = async |body| witness.gateway.post("/api/gateway/runs/start", &body).await;
    start(json!({"bundle_id": "none", "flow_id": "x", "input_data": {}}))
        .await
        .refused(404, "Bundle 'none' not found");
    start(json!({"bundle_id": "witness", "flow_id": "none", "input_data": {}}))
        .await
        .refused(404, "Workflow 'witness@1.0.0:none' not found");
    start(json!({"input_data": {}}))
        .await
        .refused(400, "flow_id is required (or provide bundle_id to start a bundle entrypoint)");
    let reply = start(json!({"bundle_id": 7, "input_data": []})).await;
    assert_eq!(reply.status, 422);
    let kinds: Vec<_> = reply.json()["detail"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["type"].clone())
        .collect();
    assert_eq!(kinds, ["string_type", "dict_type"]);
    let reply = witness.gateway.post_text("/api/gateway/runs/start", "{oops").await;
    assert_eq!(
        (reply.status, &reply.json()["detail"][0]["type"]),
        (422, &json!("json_invalid"))
    );
    witness.untouched().await;
    witness.goes_on().await;
}

#[tokio::test]
async fn json_nested_too_deep_is_refused_by_name() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let deep = format!(
        r#"{{"bundle_id":"witness","input_data":{{"n":{}{}}}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let reply = witness.gateway.post_text("/api/gateway/runs/start", deep).await;
    assert!(
        reply.status == 400 || reply.status == 422,
        "{}: {}",
        reply.status,
        reply.text()
    );
    assert!(reply.text().contains("128"), "{}", reply.text());
    witness.goes_on().await;
}

#[tokio::test]
async fn a_resume_that_does_not_fit_says_so_and_changes_nothing() {
    let server = Server::start().await;
    let mut witness = Witness::new(&server).await;
    let gateway = server.gateway();
    let wrong = json!({"wait_key": "user:somebody:else", "payload": {"response": "no"}});
    let reply = gateway.command("resume", &witness.waiting, wrong).await;
    assert!(
        reply.status == 200 || reply.status == 400 || reply.status == 409,
        "{}",
        reply.text()
    );
    let ended = gateway
        .command("resume", &witness.ended, json!({"payload": {"response": "again"}}))
        .await;
    assert!(
        ended.status == 200 || ended.status == 400 || ended.status == 409,
        "{}",
        ended.text()
    );
    let nobody = gateway.command("resume", "no-such-run", json!({"payload": {}})).await;
    assert!(
        nobody.status == 200 || nobody.status == 400 || nobody.status == 404,
        "{}",
        nobody.text()
    );
    // Each says in its ledger why it came to nothing, after everything that was there, and nothing else has changed.
    for (run, before, why) in [
        (&witness.waiting, &witness.waiting_ledger, "wait_key mismatch"),
        (&witness.ended, &witness.ended_ledger, "Run is not waiting"),
    ] {
        let rows = |text: &str| {
            serde_json::from_str::<Value>(text).expect("a page")["items"]
                .as_array()
                .expect("rows")
                .clone()
        };
        let (before, after) = (rows(before), rows(&gateway.ledger_text(run).await));
        let (told, unchanged) = after.split_last().expect("rows");
        assert_eq!(unchanged, before);
        assert_eq!(
            (&told["status"], &told["effect"]["type"]),
            (&json!("failed"), &json!("command"))
        );
        assert!(told["error"].as_str().expect("a text").starts_with(why), "{told}");
    }
    assert_eq!(gateway.run(&witness.ended).await["status"], "completed");
    witness.look_again().await;

    let missing = gateway
        .post("/api/gateway/commands", &json!({"run_id": witness.waiting}))
        .await;
    assert_eq!(
        (missing.status, &missing.json()["detail"][0]["type"]),
        (422, &json!("missing"))
    );
    let unknown = gateway.command("explode", &witness.waiting, json!({})).await;
    unknown.refused(
        400,
        "type must be one of pause|resume|cancel|emit_event|update_schedule|compact_memory",
    );
    witness.goes_on().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_and_without_a_length() {
    let server = Server::start().await;
    let witness = Witness::new(&server).await;
    let filler = "x".repeat(300_000);
    let body = json!({"bundle_id": "witness", "input_data": {"n": filler}}).to_string();
    let length = body.len();
    let reply = witness.gateway.post_text("/api/gateway/runs/start", body.clone()).await;
    reply.refused(413, &format!("Payload Too Large ({length} bytes > 256000 bytes)"));

    // Chunked: nothing says beforehand how much it will be.
    let chunked = chunked(&server, body.into()).await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    witness.untouched().await;
    witness.goes_on().await;
}

/// Posts a start with `transfer-encoding: chunked` and answers the head of the reply.
async fn chunked(server: &Server, body: Bytes) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .expect("the server listens");
    let head = format!(
        "POST /api/gateway/runs/start HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        flowgate_tests::server::TOKEN
    );
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    for piece in body.chunks(10_000) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        // The server may hang up as soon as it has seen enough.
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n").await;
    let mut reply = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut reply)).await;
    let read = read.expect("an answer in time").unwrap_or(0);
    String::from_utf8_lossy(&reply[..read]).into_owned()
}

#[tokio::test]
async fn guessing_tokens_locks_the_guesser_out() {
    let server = Options::new().env("FLOWGATE_LOCKOUT_BASE_S", 2).start().await;
    let witness = Witness::new(&server).await;
    let guesser = witness.gateway.with_token(Some("guess"));
    for _ in 0..4 {
        guesser
            .post("/api/gateway/runs/start", &json!({"bundle_id": "witness"}))
            .await
            .refused(401, "Unauthorized");
    }
    let locked = guesser.get("/api/gateway/runs").await;
    locked.refused(429, "Too Many Requests (auth lockout)");
    assert_eq!(locked.header("retry-after"), "2");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    witness.untouched().await;
    witness.goes_on().await;
}

#[tokio::test]
async fn a_foreign_origin_is_refused() {
    let server = Server::start().await;
    let gateway = server.gateway();
    let from = async |origin: &str| {
        let request = gateway.request(Method::GET, "/api/gateway/runs").header("origin", origin);
        gateway
            .send(request.body(Default::default()).expect("a request"))
            .await
            .expect("an answer")
    };
    from("https://evil.example")
        .await
        .refused(403, "Forbidden (origin not allowed)");
    assert_eq!(from("http://localhost:5173").await.status, 200);
}

/// A branch that leads back to itself, with nothing in between that anyone outside could see.
fn round() -> Bundle {
    let flow = Flow::new("round")
        .start(&[])
        .node(
            "set",
            "set_var",
            &["name", "value"],
            &["value"],
            json!({"pinDefaults": {"name": "n", "value": 1}}),
        )
        .node(
            "again",
            "if",
            &["condition"],
            &[],
            json!({"pinDefaults": {"condition": true}}),
        )
        .exec("start -> set -> again")
        .exec("again.true -> set");
    Bundle::new("round", "1.0.0").flow(flow)
}

/// Runs a bundle that never ends by itself under these settings; it must fail by the name of this one.
async fn fails_by(bundle: Bundle, settings: Options, name: &str) {
    let server = settings.start().await;
    let witness = Witness::new(&server).await;
    witness.gateway.install(&bundle).await;
    let run = witness.gateway.start(bundle.id(), json!({})).await;
    let failed = witness.gateway.until_status(&run, "failed").await;
    let error = failed["error"].as_str().unwrap_or_default();
    assert!(error.contains(name), "{error} should name {name}");
    let rows = witness.gateway.ledger(&run).await;
    let text = rows.last().map(|row| row["effect"]["payload"]["payload"]["text"].clone());
    assert_eq!(text, Some(json!("failed")), "{rows:#?}");
    witness.goes_on().await;
}

#[tokio::test]
async fn an_endless_loop_fails_by_the_name_of_its_limit() {
    fails_by(round(), Options::new(), "runner.activation_fuel").await;
    let one_tick = Options::new()
        .env("FLOWGATE_TICK_MAX_STEPS", 100_000_000)
        .env("FLOWGATE_ACTIVATION_MAX_STEPS", 1_000_000_000);
    fails_by(round(), one_tick.env("FLOWGATE_TICK_FUEL", 20_000_000), "runner.tick_fuel").await;
    let steps = Options::new().env("FLOWGATE_ACTIVATION_MAX_STEPS", 20_000);
    fails_by(round(), steps, "runner.activation_max_steps").await;
}

#[tokio::test]
async fn an_endless_talker_fails_by_the_rows_it_may_write() {
    let flow = Flow::new("talk")
        .start(&[])
        .say("say", "on and on")
        .exec("start -> say -> say");
    let settings = Options::new().env("FLOWGATE_ACTIVATION_MAX_ROWS", 500);
    fails_by(
        Bundle::new("talk", "1.0.0").flow(flow),
        settings,
        "runner.activation_max_rows",
    )
    .await;
}
