//! Flows that mean harm. Each ends by itself in a clear failure that names what stopped it, its neighbours are served meanwhile, and the
//! server stays small.

mod components;
mod tenants;

use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use serde_json::{Value, json};

/// What the server may have resident at any time, in bytes: a debug build with a pool of instances, twice what it was seen to need.
const MOST_MEMORY: u64 = 768 << 20;

/// A program that never ends.
const ENDLESS: &str = "def transform(i):\n    while True:\n        pass\n";

/// Somebody else's three-step flow on the same server.
struct Neighbour {
    gateway: Gateway,
}

impl Neighbour {
    async fn new(server: &Server) -> Self {
        let gateway = server.gateway();
        let flow = Flow::new("steps")
            .start(&["n"])
            .say("one", "1")
            .say("two", "2")
            .say("three", "3")
            .end("end", &["n"])
            .exec("start -> one -> two -> three -> end")
            .wire("start.n -> end.n");
        gateway.install(&Bundle::new("neighbour", "1.0.0").flow(flow)).await;
        Neighbour { gateway }
    }

    /// A run that is started now does its three steps and ends well.
    async fn is_served(&self, n: u64) {
        let run = self.gateway.start("neighbour", json!({"n": n})).await;
        assert_eq!(self.gateway.output(&run).await, json!({"n": n, "success": true}));
        let rows = self.gateway.ledger(&run).await;
        let said: Vec<&Value> = rows
            .iter()
            .filter(|row| row["status"] == "completed" && row["effect"]["type"] == "answer_user")
            .map(|row| &row["result"]["message"])
            .collect();
        assert_eq!(said, ["1", "2", "3"], "{rows:#?}");
    }
}

fn stayed_small(server: &Server) {
    let peak = server.peak_memory();
    assert!(peak < MOST_MEMORY, "the server had {} MiB", peak >> 20);
}

/// A flow of one code node.
fn program(id: &str, code: &str) -> Flow {
    let exec = |id: &str| json!({"id": id, "type": "execution"});
    let any = |id: &str| json!({"id": id, "type": "any"});
    let node = json!({
        "inputs": [exec("exec-in")], "outputs": [exec("exec-out"), any("output"), any("success")],
        "code": code, "functionName": "transform",
    });
    Flow::new(id)
        .start(&[])
        .node("code", "code", &[], &[], node)
        .end("end", &["output", "success"])
        .exec("start -> code -> end")
        .wire("code.output -> end.output")
        .wire("code.success -> end.success")
}

fn bundle_of(id: &str, flow: Flow) -> Bundle {
    Bundle::new(id, "1.0.0").flow(flow)
}

/// The run failed by this name, its last row says that it failed and a row before says why.
async fn failed_by(gateway: &Gateway, run: &str, name: &str) {
    let failed = gateway.until_status(run, "failed").await;
    let error = failed["error"].as_str().unwrap_or_default();
    assert!(error.contains(name), "{error} should name {name}");
    let rows = gateway.ledger(run).await;
    let told = rows
        .iter()
        .any(|row| row["status"] == "failed" && row["error"].as_str().is_some_and(|e| e.contains(name)));
    assert!(told, "{rows:#?}");
    let last = rows.last().map(|row| row["effect"]["payload"]["payload"]["text"].clone());
    assert_eq!(last, Some(json!("failed")), "{rows:#?}");
}

/// Each of these runs ends by the name beside it, and the neighbour is served before and after.
async fn fail_alone(server: &Server, neighbour: &Neighbour, runs: &[(String, &str)]) {
    neighbour.is_served(1).await;
    for (run, name) in runs {
        failed_by(&neighbour.gateway, run, name).await;
    }
    neighbour.is_served(2).await;
    stayed_small(server);
}

#[tokio::test]
async fn endless_work_of_a_program_is_stopped_by_name() {
    let server = Options::new()
        .env("FLOWGATE_TICK_FUEL", 200_000_000)
        .env("FLOWGATE_MAX_MEMORY_BYTES", "24MiB")
        .start()
        .await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let cases = [
        ("loop", ENDLESS, "runner.tick_fuel"),
        ("power", "def transform(i):\n    return 7 ** (10 ** 7)\n", "runner.tick_fuel"),
        (
            "sort",
            "def transform(i):\n    x = []\n    for n in range(20000):\n        x.append(n * 7919 % 20011)\n        x.sort()\n    return x[0]\n",
            "runner.tick_fuel",
        ),
        (
            "table",
            "def transform(i):\n    d = {}\n    for n in range(10 ** 8):\n        d[n] = n\n    return 1\n",
            "runner.max_memory_bytes",
        ),
        (
            "bytes",
            "def transform(i):\n    x = []\n    while True:\n        x.append(b'y' * 1000000)\n",
            "runner.max_memory_bytes",
        ),
    ];
    let mut runs = Vec::new();
    for (id, code, name) in cases {
        gateway.install(&bundle_of(id, program(id, code))).await;
        runs.push((gateway.start(id, json!({})).await, name));
    }
    fail_alone(&server, &neighbour, &runs).await;
}

#[tokio::test]
async fn what_a_program_cannot_have_is_its_own_error() {
    let server = Server::start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let cases = [
        (
            "recursion",
            "def f(n):\n    return f(n + 1)\ndef transform(i):\n    return f(0)\n",
            "recursion",
        ),
        ("list", "def transform(i):\n    return [0] * (10 ** 9)\n", "MemoryError"),
        (
            "nested",
            "def transform(i):\n    x = []\n    for k in range(1000):\n        x = [x]\n    return x\n",
            "128 levels",
        ),
        (
            "itself",
            "def transform(i):\n    x = []\n    x.append(x)\n    return x\n",
            "128 levels",
        ),
        (
            "brackets",
            "import json\ndef transform(i):\n    return json.loads('[' * 100000 + ']' * 100000)\n",
            "recursion",
        ),
    ];
    for (id, code, word) in cases {
        gateway.install(&bundle_of(id, program(id, code))).await;
        let run = gateway.start(id, json!({})).await;
        let output = gateway.output(&run).await;
        assert_eq!(output["success"], json!(false), "{id}: {output}");
        let error = output["error"].as_str().unwrap_or_default().to_lowercase();
        assert!(error.contains(&word.to_lowercase()), "{id}: {error} should say {word}");
    }
    // A pattern that takes other engines ages is matched in no time.
    let regex = "import re\ndef transform(i):\n    return bool(re.match('(a+)+$', 'a' * 40 + 'b'))\n";
    gateway.install(&bundle_of("regex", program("regex", regex))).await;
    let run = gateway.start("regex", json!({})).await;
    assert_eq!(gateway.output(&run).await, json!({"output": false, "success": true}));
    neighbour.is_served(1).await;
    stayed_small(&server);
}

#[tokio::test]
async fn endless_loops_on_every_thread_keep_nobody_waiting() {
    let forever = u64::MAX / 4;
    let mut server = Options::new()
        .env("FLOWGATE_TICK_FUEL", forever)
        .env("FLOWGATE_ACTIVATION_FUEL", forever)
        .env("FLOWGATE_ACTIVATION_MAX_STEPS", forever)
        .env("FLOWGATE_TICK_TIMEOUT", "1h")
        .start()
        .await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let code = program("code", ENDLESS);
    gateway.install(&bundle_of("code", code)).await;
    let set = json!({"pinDefaults": {"name": "n", "value": 1}});
    let nodes = Flow::new("nodes")
        .start(&[])
        .node("set", "set_var", &["name", "value"], &["value"], set)
        .exec("start -> set -> set");
    gateway.install(&bundle_of("nodes", nodes)).await;
    let mut loops = Vec::new();
    for _ in 0..4 {
        loops.push(gateway.start("code", json!({})).await);
        loops.push(gateway.start("nodes", json!({})).await);
    }
    for n in 0..5 {
        neighbour.is_served(n).await;
    }
    for run in &loops[..4] {
        assert_eq!(gateway.run(run).await["status"], "running");
        gateway.command("cancel", run, json!({})).await.ok();
        gateway.until_status(run, "cancelled").await;
    }
    stayed_small(&server);
    // The others compute on; the server stops all the same, and has not lost them.
    assert!(server.stop().await.success());
    server.restart().await;
    assert_eq!(gateway.run(&loops[4]).await["status"], "running");
    neighbour.is_served(9).await;
}

#[tokio::test]
async fn a_state_that_grows_is_stopped_by_name() {
    let server = Options::new().env("FLOWGATE_MAX_STATE_BYTES", "64KiB").start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let code = "def transform(i):\n    return 'x' * 100000\n";
    let waits = program("large", code).ask("ask", "Well?", &[]).exec("code -> ask");
    let mut waits = waits.json();
    // The code node goes on to the question instead of the end.
    let edges = waits["edges"].as_array_mut().expect("edges");
    edges.retain(|edge| !(edge["source"] == "code" && edge["target"] == "end"));
    gateway
        .install(&Bundle::new("large", "1.0.0").document("large", waits.to_string().into_bytes()))
        .await;
    let run = gateway.start("large", json!({})).await;
    failed_by(&gateway, &run, "limits.max_state_bytes").await;
    neighbour.is_served(1).await;
}

#[tokio::test]
async fn a_flow_that_calls_itself_comes_to_an_end() {
    let server = Options::new().env("FLOWGATE_MAX_DEPTH", 4).start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let flow = Flow::new("again")
        .start(&[])
        .subflow("sub", "again", &[])
        .end("end", &["output"])
        .exec("start -> sub -> end")
        .wire("sub.output -> end.output");
    gateway.install(&bundle_of("again", flow)).await;
    let root = gateway.start("again", json!({})).await;
    gateway
        .until(&root, "ended", |run| {
            run["status"] == "completed" || run["status"] == "failed"
        })
        .await;
    let runs = gateway.get("/api/gateway/runs?limit=100").await.ok();
    let runs: Vec<&Value> = runs["items"].as_array().expect("items").iter().collect();
    assert_eq!(runs.len(), 5, "a root and four generations: {runs:#?}");
    let mut refused = 0;
    for run in runs {
        let rows = gateway.ledger(run["run_id"].as_str().expect("an id")).await;
        let limit = |row: &Value| row["error"].as_str().is_some_and(|e| e.starts_with("depth limit"));
        refused += usize::from(rows.iter().any(limit));
    }
    assert_eq!(refused, 1, "the deepest says why it starts no other");
    neighbour.is_served(1).await;
}

#[tokio::test]
async fn a_bundle_that_is_a_bomb_is_refused_while_others_are_served() {
    let server = Options::new()
        .env("FLOWGATE_BUNDLE_MAX_TOTAL_BYTES", "8MiB")
        .env("FLOWGATE_BUNDLE_MAX_MEMBER_BYTES", "4MiB")
        .start()
        .await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let simple = || Flow::new("f").start(&[]).end("end", &[]).exec("start -> end");
    let zeros = |id: &str, size: usize, files: usize| {
        let mut bundle = bundle_of(id, simple());
        for file in 0..files {
            bundle.members.push((format!("zeros{file}"), vec![0; size]));
        }
        bundle.zip()
    };
    let mut vast = simple().json();
    vast["description"] = json!("x".repeat(6 << 20));
    let mut liar = Bundle::new("liar", "1.0.0")
        .document("f", vast.to_string().into_bytes())
        .zip();
    // Both records of the last member say that it unpacks to ten bytes.
    let (local, central) = (last(&liar, b"PK\x03\x04"), last(&liar, b"PK\x01\x02"));
    liar[local + 22..local + 26].copy_from_slice(&10u32.to_le_bytes());
    liar[central + 24..central + 28].copy_from_slice(&10u32.to_le_bytes());
    let many = Bundle::new("many", "1.0.0");
    let many = (0..10_000).fold(many, |bundle, n| bundle.document(&format!("f{n}"), b"{}".to_vec()));
    let cases = [
        ("one large file", zeros("large", 5 << 20, 1)),
        ("many large files", zeros("files", 3 << 20, 4)),
        ("a file that lies about its size", liar),
        ("10 000 flows", many.zip()),
    ];
    for (what, file) in cases {
        let (reply, ()) = tokio::join!(gateway.upload_file(&file, &[]), neighbour.is_served(1));
        assert!(reply.status == 400 || reply.status == 413, "{what}: {}", reply.text());
        assert!(!reply.detail().is_empty(), "{what}");
    }
    let installed = gateway.get("/api/gateway/bundles").await.text();
    assert!(installed.contains("neighbour") && !installed.contains("liar"), "{installed}");
    stayed_small(&server);
}

/// Where a signature stands for the last time.
fn last(bytes: &[u8], signature: &[u8]) -> usize {
    bytes
        .windows(signature.len())
        .rposition(|window| window == signature)
        .expect("it is there")
}

/// A flow of a chain of this many nodes.
fn chain(nodes: usize) -> Vec<u8> {
    let mut text = String::from(
        r#"{"id":"f","name":"f","entryNode":"n0","nodes":[{"id":"n0","type":"on_flow_start","data":{"inputs":[],"outputs":[{"id":"exec-out","type":"execution"}]}}"#,
    );
    for n in 1..nodes {
        text += &format!(
            r#",{{"id":"n{n}","type":"answer_user","data":{{"inputs":[{{"id":"exec-in","type":"execution"}}],"outputs":[{{"id":"exec-out","type":"execution"}}],"pinDefaults":{{"message":"x"}}}}}}"#
        );
    }
    text += r#"],"edges":["#;
    for n in 1..nodes {
        let (comma, from) = (if n > 1 { "," } else { "" }, n - 1);
        text += &format!(
            r#"{comma}{{"id":"e{n}","source":"n{from}","sourceHandle":"exec-out","target":"n{n}","targetHandle":"exec-in"}}"#
        );
    }
    text += "]}";
    text.into_bytes()
}

#[tokio::test]
async fn a_flow_of_very_many_nodes_is_refused_before_it_is_compiled() {
    let server = Options::new().env("FLOWGATE_MAX_COMPILED_BYTES", "16KiB").start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    for (nodes, setting) in [
        (100_000, "bundles.max_document_bytes"),
        (10_001, "bundles.max_nodes"),
        (200, "bundles.max_compiled_bytes"),
    ] {
        let id = format!("nodes{nodes}");
        let bundle = Bundle::new(&id, "1.0.0").document("f", chain(nodes));
        let (_, ()) = tokio::join!(gateway.install(&bundle), neighbour.is_served(1));
        let body = json!({"bundle_id": id, "input_data": {}});
        let reply = gateway.post("/api/gateway/runs/start", &body).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        let detail = reply.detail();
        assert!(detail.contains("size limit") && detail.contains(setting), "{detail}");
    }
    neighbour.is_served(2).await;
    stayed_small(&server);
}

#[tokio::test]
async fn events_reach_nobody_by_another_runs_wait_key() {
    let server = Server::start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let victim = Flow::new("victim").start(&[]).ask("ask", "Well?", &[]).exec("start -> ask");
    gateway.install(&bundle_of("victim", victim)).await;
    let victim = gateway.start("victim", json!({})).await;
    let waiting = gateway.until_status(&victim, "waiting").await;
    let before = gateway.ledger_text(&victim).await;
    let key = waiting["waiting"]["wait_key"].as_str().expect("a key").to_owned();
    for (n, scope) in ["global", "session", "run", "workflow"].into_iter().enumerate() {
        let emit = json!({"pinDefaults": {"name": key, "scope": scope, "session_id": victim}});
        let flow = Flow::new("forger")
            .start(&[])
            .node("emit", "emit_event", &["name", "scope", "session_id"], &["delivered"], emit)
            .end("end", &["delivered"])
            .exec("start -> emit -> end")
            .wire("emit.delivered -> end.delivered");
        let id = format!("forger{n}");
        gateway.install(&bundle_of(&id, flow)).await;
        let run = gateway.start(&id, json!({})).await;
        gateway.until_status(&run, "completed").await;
    }
    assert_eq!(gateway.ledger_text(&victim).await, before);
    assert_eq!(gateway.run(&victim).await["status"], "waiting");
    neighbour.is_served(1).await;
}

#[tokio::test]
async fn two_listeners_that_call_each_other_for_ever_are_slowed_down() {
    const RATE: u64 = 5;
    let server = Options::new().env("FLOWGATE_WAKES_PER_SECOND", RATE).start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let on = |name: &str| json!({"eventConfig": {"name": name, "scope": "session"}});
    let emit = |name: &str| json!({"pinDefaults": {"name": name}});
    let storm = Flow::new("storm")
        .start(&[])
        .node("begin", "emit_event", &["name"], &["delivered"], emit("ping"))
        .sleep("rest", 0.02)
        .node("ping", "on_event", &[], &["payload"], on("ping"))
        .node("pong", "on_event", &[], &["payload"], on("pong"))
        .node("to_pong", "emit_event", &["name"], &["delivered"], emit("pong"))
        .node("to_ping", "emit_event", &["name"], &["delivered"], emit("ping"))
        // An event is lost on a listener that is not back at its wait: the first one begins anew for ever.
        .exec("start -> begin -> rest -> begin")
        .exec("ping -> to_pong")
        .exec("pong -> to_ping");
    gateway.install(&bundle_of("storm", storm)).await;
    let began = std::time::Instant::now();
    let root = gateway.start("storm", json!({})).await;
    let runs = gateway.get("/api/gateway/runs?limit=100").await.ok();
    let runs: Vec<Value> = runs["items"].as_array().expect("items").clone();
    let listeners: Vec<&str> = runs
        .iter()
        .filter(|run| run["parent_run_id"] == json!(root))
        .map(|run| run["run_id"].as_str().expect("an id"))
        .collect();
    assert_eq!(listeners.len(), 2, "{runs:#?}");
    // As soon as one of them has used up what it may at once, the log says so.
    for attempt in 0.. {
        if server.log().contains("wake limit") {
            break;
        }
        assert!(attempt < 600, "nothing slows it down: {}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for n in 0..3 {
        neighbour.is_served(n).await;
    }
    for listener in listeners {
        let rows = gateway.ledger(listener).await;
        let emitted = |row: &&Value| row["effect"]["type"] == "emit_event" && row["status"] == "completed";
        let wakes = rows.iter().filter(emitted).count() as u64;
        let most = 10 * RATE + RATE * (began.elapsed().as_secs() + 1) + 2;
        assert!(wakes <= most, "{wakes} wakes, at most {most}");
        assert!(wakes > RATE, "{wakes} wakes are no storm");
    }
    gateway.command("cancel", &root, json!({})).await.ok();
    gateway.until_status(&root, "cancelled").await;
    let runs = gateway.get("/api/gateway/runs?limit=100").await.ok();
    let alive = |run: &&Value| run["status"] == "running" || run["status"] == "waiting";
    let alive: Vec<&Value> = runs["items"].as_array().expect("items").iter().filter(alive).collect();
    assert!(alive.is_empty(), "its listeners ended with it: {alive:#?}");
    stayed_small(&server);
}
