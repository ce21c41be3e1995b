//! What survives: a server that is killed at any moment goes on, after its restart, exactly where its last acknowledgement left it.
//!
//! Clients keep notes of what was acknowledged and compare at the end. A request that broke off is sent again under the same
//! command id, as any careful client does; a start that broke off may have happened or not, but never twice.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowgate_tests::ledger::outline;
use flowgate_tests::random::{Random, unique};
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 15;
/// Clients that work at the same time.
const CLIENTS: usize = 6;
/// How long everything may take to come to its end after the last kill.
const AFTERMATH: Duration = Duration::from_secs(40);

/// What a client does with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Says something, asks, and says something again.
    Ask,
    /// Sleeps for 0.2 s.
    Nap,
    /// Hands its number to a child that says something and sleeps.
    Tree,
    /// Waits for an event that only it waits for.
    Gate,
    /// Says something 80 times: more than one commit takes.
    Talk,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Ask, Kind::Nap, Kind::Tree, Kind::Gate, Kind::Talk];

    fn flow(self) -> &'static str {
        match self {
            Kind::Ask => "ask",
            Kind::Nap => "nap",
            Kind::Tree => "tree",
            Kind::Gate => "gate",
            Kind::Talk => "talk",
        }
    }

    /// Every row that a run of this kind leaves, in order.
    fn rows(self) -> Vec<String> {
        let said = |node: &str| [format!("{node} started answer_user"), format!("{node} completed answer_user")];
        let wait = |node: &str, effect: &str| [format!("{node} started {effect}"), format!("{node} waiting {effect}")];
        let resumed = |node: &str| format!("{node} completed resume");
        let mut rows = Vec::new();
        match self {
            Kind::Ask => {
                rows.extend(said("before"));
                rows.extend(wait("ask", "ask_user"));
                rows.push(resumed("ask"));
                rows.extend(said("after"));
            }
            Kind::Nap => rows.extend(wait("sleep", "wait_until")),
            Kind::Tree => {
                rows.extend(wait("sub", "start_subworkflow"));
                rows.push(resumed("sub"));
            }
            Kind::Gate => {
                rows.extend(wait("wait", "wait_event"));
                rows.push(resumed("wait"));
            }
            Kind::Talk => (0..80).for_each(|_| rows.extend(said("say"))),
        }
        rows.extend(["end completed -".to_owned(), "end completed emit_event".to_owned()]);
        rows
    }
}

fn bundle() -> Bundle {
    let ask = Flow::new("ask")
        .start(&["n"])
        .say("before", "before")
        .ask("ask", "Well?", &[])
        .say("after", "after")
        .end("end", &["n", "answer"])
        .exec("start -> before -> ask -> after -> end")
        .wire("start.n -> end.n")
        .wire("ask.response -> end.answer");
    let nap = Flow::new("nap")
        .start(&["n"])
        .sleep("sleep", 0.2)
        .end("end", &["n"])
        .exec("start -> sleep -> end")
        .wire("start.n -> end.n");
    let tree = Flow::new("tree")
        .start(&["n"])
        .subflow("sub", "leaf", &["n"])
        .end("end", &["n"])
        .exec("start -> sub -> end")
        .wire("start.n -> sub.n")
        .wire("sub.output -> end.n");
    let leaf = Flow::new("leaf")
        .start(&["n"])
        .say("say", "leaf")
        .sleep("sleep", 0.05)
        .end("end", &["result"])
        .exec("start -> say -> sleep -> end")
        .wire("start.n -> end.result");
    let gate = Flow::new("gate")
        .start(&["n"])
        .object("parts", &["n"])
        .template("key", "evt:global:global:gate-{{n}}")
        .wait_event("wait", "")
        .end("end", &["n", "event"])
        .exec("start -> wait -> end")
        .wire("start.n -> parts.n")
        .wire("parts.result -> key.vars")
        .wire("key.result -> wait.event_key")
        .wire("start.n -> end.n")
        .wire("wait.event_data -> end.event");
    let items: Vec<u32> = (0..80).collect();
    let talk = Flow::new("talk")
        .start(&["n"])
        .node("items", "literal_array", &[], &["value"], json!({"literalValue": items}))
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .say("say", "again")
        .end("end", &["n"])
        .exec("start -> each")
        .exec("each.loop -> say")
        .exec("each.done -> end")
        .wire("items.value -> each.items")
        .wire("start.n -> end.n");
    Bundle::new("load", "1.0.0")
        .flow(ask)
        .flow(nap)
        .flow(tree)
        .flow(leaf)
        .flow(gate)
        .flow(talk)
}

/// A run whose start was acknowledged.
#[derive(Debug, Clone)]
struct Note {
    run: String,
    kind: Kind,
    n: usize,
}

/// What all clients share.
struct Load {
    gateway: Gateway,
    next: AtomicUsize,
    stop: AtomicBool,
    started: Mutex<Vec<Note>>,
    /// When everything must have come to its end; set once the killing is over.
    deadline: Mutex<Option<Instant>>,
}

impl Load {
    fn session(n: usize) -> String {
        format!("session-{}", n / 40)
    }

    fn overdue(&self) -> bool {
        self.deadline
            .lock()
            .expect("not poisoned")
            .is_some_and(|deadline| Instant::now() > deadline)
    }

    /// Asks until the server answers; it may be down.
    async fn get(&self, path: &str) -> Value {
        loop {
            match self.gateway.try_get(path).await {
                Ok(reply) => return reply.ok(),
                Err(_) => self.pause(path).await,
            }
        }
    }

    /// Sends a command until it is acknowledged, always under one id.
    async fn command(&self, kind: &str, run: &str, payload: Value) {
        let body = json!({"command_id": unique(), "run_id": run, "type": kind, "payload": payload});
        let mut sent = 0;
        loop {
            sent += 1;
            match self.gateway.try_post("/api/gateway/commands", &body).await {
                Ok(reply) => {
                    let receipt = reply.ok();
                    let fresh = receipt["accepted"] == true && receipt["duplicate"] == false;
                    assert!(fresh || (sent > 1 && receipt["duplicate"] == true), "try {sent}: {receipt}");
                    return;
                }
                Err(_) => self.pause("commands").await,
            }
        }
    }

    async fn pause(&self, what: &str) {
        assert!(!self.overdue(), "{what}: the server does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    async fn until(&self, note: &Note, done: impl Fn(&Value) -> bool) -> Value {
        loop {
            let run = self.get(&format!("/api/gateway/runs/{}", note.run)).await;
            if done(&run) {
                return run;
            }
            assert!(
                !matches!(run["status"].as_str(), Some("failed" | "cancelled")),
                "{note:?}: {run}"
            );
            assert!(!self.overdue(), "{note:?} does not get on: {run}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// One client: starts runs until told to stop, and sees each to its end.
    async fn work(self: Arc<Self>, mut random: Random) {
        while !self.stop.load(Ordering::Relaxed) {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let kind = Kind::ALL[random.between(0, 4) as usize];
            let input = json!({"n": n});
            let body = json!({"bundle_id": "load", "flow_id": kind.flow(), "input_data": input, "session_id": Load::session(n)});
            let Ok(reply) = self.gateway.try_post("/api/gateway/runs/start", &body).await else {
                self.pause("start").await;
                continue;
            };
            let run = reply.ok()["run_id"].as_str().expect("a run id").to_owned();
            let note = Note { run, kind, n };
            self.started.lock().expect("not poisoned").push(note.clone());
            match kind {
                Kind::Ask => {
                    self.until(&note, |run| run["waiting"]["reason"] == "user").await;
                    let key = format!("user:{}:ask", note.run);
                    self.command(
                        "resume",
                        &note.run,
                        json!({"wait_key": key, "payload": {"response": format!("answer {n}")}}),
                    )
                    .await;
                }
                Kind::Gate => {
                    self.until(&note, |run| run["waiting"]["reason"] == "event").await;
                    self.command(
                        "emit_event",
                        &note.run,
                        json!({"name": format!("gate-{n}"), "scope": "global", "payload": {"n": n}}),
                    )
                    .await;
                }
                // These find their end by themselves; some clients look on, others leave them to it.
                Kind::Nap | Kind::Tree | Kind::Talk if random.between(0, 1) == 0 => continue,
                Kind::Nap | Kind::Tree | Kind::Talk => {}
            }
            self.until(&note, |run| run["status"] == "completed").await;
        }
    }

    /// Follows one long run's stream through every kill, reconnecting as a browser does, and answers what it saw.
    async fn follow(self: Arc<Self>, run: String) -> BTreeMap<u64, Value> {
        let mut seen = BTreeMap::new();
        let path = format!("/api/gateway/runs/{run}/ledger/stream?heartbeat_s=0.5");
        loop {
            let last = seen.keys().next_back().copied();
            let Ok(Ok(mut stream)) = self.gateway.try_stream(&path, last).await else {
                self.pause("stream").await;
                continue;
            };
            loop {
                match stream.event(Duration::from_secs(2)).await {
                    Ok((Some(cursor), _, data)) => {
                        assert_eq!(cursor, seen.keys().next_back().map_or(1, |last| last + 1), "the cursor jumps");
                        seen.insert(cursor, data["record"].clone());
                    }
                    Ok((None, event, _)) if event == "done" => return seen,
                    Ok(other) => panic!("not a frame of this stream: {other:?}"),
                    Err(_) => break,
                }
            }
            assert!(!self.overdue(), "the stream of {run} does not end: {} rows", seen.len());
        }
    }
}

/// Naps again and again, so that its life spans every kill.
fn long() -> Bundle {
    let items: Vec<u32> = (0..60).collect();
    let flow = Flow::new("long")
        .start(&[])
        .node("items", "literal_array", &[], &["value"], json!({"literalValue": items}))
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .say("say", "still here")
        .sleep("sleep", 0.1)
        .end("end", &[])
        .exec("start -> each")
        .exec("each.loop -> say -> sleep")
        .exec("each.done -> end")
        .wire("items.value -> each.items");
    Bundle::new("long", "1.0.0").flow(flow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_done_twice_when_the_server_is_killed() {
    let mut random = Random::seeded();
    let mut server = Options::new().env("FLOWGATE_MAX_CONCURRENCY", 256).start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    gateway.install(&long()).await;
    let long = gateway.start("long", json!({})).await;
    let load = Arc::new(Load {
        gateway: gateway.clone(),
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        started: Mutex::default(),
        deadline: Mutex::default(),
    });
    let follower = tokio::spawn(Arc::clone(&load).follow(long.clone()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(Arc::clone(&load).work(random.fork())))
        .collect();

    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.between(20, 500))).await;
        server.kill().await;
        server.restart().await;
    }
    load.stop.store(true, Ordering::Relaxed);
    *load.deadline.lock().expect("not poisoned") = Some(Instant::now() + AFTERMATH);
    for client in clients {
        client.await.unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    }

    let notes = load.started.lock().expect("not poisoned").clone();
    assert!(notes.len() > KILLS, "hardly any load: {} runs", notes.len());
    let mut known: HashSet<String> = HashSet::from([long.clone()]);
    for note in &notes {
        assert!(known.insert(note.run.clone()), "{note:?}: one run id twice");
        load.until(note, |run| run["status"] == "completed").await;
        let rows = gateway.ledger(&note.run).await;
        assert_eq!(outline(&rows), note.kind.rows(), "{note:?}");
        let output = &rows[rows.len() - 2]["result"]["output"];
        assert_eq!(output["n"], json!(note.n), "{note:?}: {output}");
        match note.kind {
            Kind::Ask => assert_eq!(output["answer"], format!("answer {}", note.n)),
            Kind::Gate => assert_eq!(output["event"]["payload"], json!({"n": note.n})),
            _ => {}
        }
        check_steps(&rows);
    }
    let orphans = unacknowledged(&load, &notes, &mut known).await;

    let seen = follower.await.expect("the follower reads to the end");
    assert_eq!(
        seen.into_values().collect::<Vec<_>>(),
        gateway.ledger(&long).await,
        "the stream and the ledger differ"
    );
    let rows = notes.iter().map(|note| note.kind.rows().len()).sum::<usize>();
    eprintln!(
        "{KILLS} kills, {} runs acknowledged and completed with {rows} rows, {orphans} started without a word",
        notes.len()
    );
    let reports = server.stop_and_replay().await;
    assert!(reports.len() > notes.len(), "{} runs were replayed", reports.len());
}

/// The two rows of a step belong together, times never go back, and no key is used by two steps.
fn check_steps(rows: &[Value]) {
    let mut keys = BTreeMap::new();
    for row in rows {
        let Some(key) = row["idempotency_key"].as_str() else {
            continue;
        };
        let step = keys.entry(key).or_insert(&row["step_id"]);
        assert_eq!(*step, &row["step_id"], "one key for two steps: {rows:#?}");
    }
    assert!(
        rows.windows(2)
            .all(|pair| pair[0]["started_at"].as_str() <= pair[1]["started_at"].as_str()),
        "times go back: {rows:#?}"
    );
}

/// Runs whose start nobody heard of: each `n` at most once, and those that need nobody come to their end too.
async fn unacknowledged(load: &Load, notes: &[Note], known: &mut HashSet<String>) -> usize {
    let acknowledged: HashSet<usize> = notes.iter().map(|note| note.n).collect();
    let mut orphans = HashSet::new();
    for session in 0..=load.next.load(Ordering::Relaxed) / 40 {
        let path = format!(
            "/api/gateway/runs?limit=500&root_only=true&session_id={}",
            Load::session(session * 40)
        );
        let list = load.get(&path).await;
        for item in list["items"].as_array().expect("items") {
            let run = item["run_id"].as_str().expect("a run id").to_owned();
            if !known.insert(run.clone()) {
                continue;
            }
            let input = load.get(&format!("/api/gateway/runs/{run}/input_data")).await;
            let n = input["input_data"]["n"].as_u64().expect("n") as usize;
            assert!(!acknowledged.contains(&n), "{n} was started twice");
            assert!(orphans.insert(n), "{n} was started twice");
            let needs_somebody = |run: &Value| matches!(run["waiting"]["reason"].as_str(), Some("user" | "event"));
            let note = Note { run, kind: Kind::Ask, n };
            load.until(&note, |run| run["status"] == "completed" || needs_somebody(run))
                .await;
        }
    }
    orphans.len()
}

#[tokio::test]
async fn a_timer_that_was_due_while_the_server_was_down_fires_at_its_start() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let run = gateway
        .start_with(json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 1}}))
        .await;
    gateway.until_status(&run, "waiting").await;
    server.kill().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.restart().await;
    assert_eq!(gateway.output(&run).await, json!({"n": 1, "success": true}));
    assert_eq!(outline(&gateway.ledger(&run).await), Kind::Nap.rows());
    server.stop_and_replay().await;
}

#[tokio::test]
async fn what_was_committed_reads_the_same_after_a_stop_and_after_a_kill() {
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let start = async |flow: &str| {
        gateway
            .start_with(json!({"bundle_id": "load", "flow_id": flow, "input_data": {"n": 1}}))
            .await
    };
    let (done, asking, paused) = (start("tree").await, start("ask").await, start("gate").await);
    gateway.until_status(&done, "completed").await;
    gateway.until_status(&asking, "waiting").await;
    gateway.until_status(&paused, "waiting").await;
    gateway.command("pause", &paused, json!({"reason": "night"})).await.ok();
    gateway.until(&paused, "paused", |run| run["paused"] == true).await;
    let everything = async || {
        let mut all = vec![gateway.get("/api/gateway/bundles?all_versions=true").await.text()];
        for run in [&done, &asking, &paused] {
            all.push(gateway.get(&format!("/api/gateway/runs/{run}")).await.text());
            all.push(gateway.ledger_text(run).await);
        }
        all
    };
    let before = everything().await;
    let status = server.stop().await;
    assert!(status.success(), "SIGTERM ends with {status}\n{}", server.log());
    server.restart().await;
    assert_eq!(everything().await, before);
    server.kill().await;
    server.restart().await;
    assert_eq!(everything().await, before);

    gateway.answer(&asking, "late").await.ok();
    assert_eq!(gateway.output(&asking).await["answer"], "late");
    gateway.command("resume", &paused, json!({})).await.ok();
    gateway.until(&paused, "no longer paused", |run| run["paused"] == false).await;
    gateway
        .command(
            "emit_event",
            &paused,
            json!({"name": "gate-1", "scope": "global", "payload": {}}),
        )
        .await
        .ok();
    gateway.until_status(&paused, "completed").await;
    assert_eq!(outline(&gateway.ledger(&paused).await), Kind::Gate.rows());
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data_directory_is_refused_or_waits() {
    let server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&bundle()).await;
    let mut second = flowgate_tests::server::command();
    second
        .args(["serve", "--host", "127.0.0.1", "--port", "0", "--data-dir"])
        .arg(server.data_dir());
    second
        .env("FLOWGATE_AUTH_TOKEN", flowgate_tests::server::TOKEN)
        .stderr(std::process::Stdio::piped());
    let mut second = second.spawn().expect("the second server starts");
    let _ = tokio::time::timeout(Duration::from_secs(2), second.wait()).await;
    // Whatever it does, one runner drives each run: every row is there once.
    let run = gateway
        .start_with(json!({"bundle_id": "load", "flow_id": "talk", "input_data": {"n": 1}}))
        .await;
    gateway.until_status(&run, "completed").await;
    assert_eq!(outline(&gateway.ledger(&run).await), Kind::Talk.rows());
    let _ = second.kill().await;
}
