//! Components that somebody wrote by hand to do harm: no compiler stands between them and the host.

use flowgate_tests::guest::{Answer, Effect, Guest, asks, more, wrap};
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server};
use serde_json::{Value, json};

use super::{Neighbour, fail_alone, failed_by, stayed_small};

/// A guest of three functions in the text format. Addresses below 1024 are free.
struct Raw {
    /// `(param $around i32) (result i32)`: the address of a `ticked`.
    tick: &'static str,
    /// `(result i32)`: the address of an `option<list<u8>>`.
    snapshot: &'static str,
    /// `(param i32 i32) (result i32)`: the address of a `result<_, string>`.
    restore: &'static str,
}

/// Asks the user: a `ticked` at 1200 with one effect at 1280.
const ASKS: &str = "(i32.const 1200)";
/// None.
const NO_STATE: &str = "(i32.store8 (i32.const 0) (i32.const 0)) (i32.const 0)";
/// Four bytes.
const STATE: &str = "(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 1030)) (i32.store (i32.const 8) (i32.const 4)) (i32.const 0)";
const FITS: &str = "(i32.store8 (i32.const 0) (i32.const 0)) (i32.const 0)";

impl Raw {
    fn ticks(tick: &'static str) -> Self {
        Raw {
            tick,
            snapshot: NO_STATE,
            restore: FITS,
        }
    }

    fn component(&self) -> Vec<u8> {
        let world = "flowgate:flow/workflow@0.1.0";
        let Raw { tick, snapshot, restore } = self;
        let text = format!(
            r#"(module
  (memory (export "memory") 400)
  (table 1 funcref)
  (global $heap (mut i32) (i32.const 8388608))
  (data (i32.const 1024) "g\00\00\00\00\00[]{{}}")
  (data (i32.const 1040) "start")
  (data (i32.const 1056) "\10\04\00\00\05\00\00\00\00\00\00\00")
  (data (i32.const 1072) "\00\04\00\00\01\00\00\00\00\04\00\00\00\00\00\00\20\04\00\00\01\00\00\00\06\04\00\00\02\00\00\00\08\04\00\00\02\00\00\00")
  (data (i32.const 1120) "ask_user")
  (data (i32.const 1136) "{{\"prompt\":\"Well?\"}}")
  (data (i32.const 1200) "\00\00\00\00\00\05\00\00\01\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00")
  (data (i32.const 1280) "\01\00\00\00\00\00\00\00\60\04\00\00\08\00\00\00\60\04\00\00\08\00\00\00\70\04\00\00\12\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "cabi_post_{world}#describe") (param i32))
  (func (export "cabi_post_{world}#snapshot") (param i32))
  (func (export "cabi_post_{world}#restore") (param i32))
  (func (export "cabi_post_{world}#tick") (param i32))
  (func $deep (param i64) (result i64) (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
  (func (export "{world}#describe") (result i32) (i32.const 1072))
  (func (export "{world}#snapshot") (result i32) {snapshot})
  (func (export "{world}#restore") (param i32 i32) (result i32) {restore})
  (func (export "{world}#tick") (param i32) (result i32) (local $i i32) {tick}))"#
        );
        wrap(&wat::parse_str(text).expect("WebAssembly text"))
    }
}

async fn start(gateway: &Gateway, id: &str, component: Vec<u8>) -> String {
    gateway.install(&Bundle::new(id, "1.0.0").component("g", component)).await;
    gateway.start(id, json!({})).await
}

#[tokio::test]
async fn a_component_that_breaks_its_bounds_fails_alone_and_by_name() {
    let server = Options::new().env("FLOWGATE_TICK_FUEL", 200_000_000).start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let cases = [
        ("loop", Raw::ticks("(loop $l (br $l)) (unreachable)"), "runner.tick_fuel"),
        (
            "deep",
            Raw::ticks("(drop (call $deep (i64.const 0))) (unreachable)"),
            "stack limit",
        ),
        (
            "memory",
            Raw::ticks("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)"),
            "runner.max_memory_bytes",
        ),
        (
            "table",
            Raw::ticks(
                "(loop $l (br_if $l (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)",
            ),
            "limits.max_table_elements",
        ),
        // Ten thousand effects whose payloads are the same 60 000 bytes.
        (
            "overlap",
            Raw::ticks(
                "(loop $l
                   (i32.store offset=2000028 (i32.mul (local.get $i) (i32.const 64)) (i32.const 60000))
                   (i32.store offset=2000024 (i32.mul (local.get $i) (i32.const 64)) (i32.const 4000000))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 10000))))
                 (i32.store (i32.const 1204) (i32.const 2000000))
                 (i32.store (i32.const 1208) (i32.const 10000))
                 (i32.const 1200)",
            ),
            "transfer limit",
        ),
        // An output that lies outside of the memory.
        (
            "outside",
            Raw::ticks(
                "(i32.store (i32.const 1200) (i32.const 2)) (i32.store (i32.const 1212) (i32.const -16))
                 (i32.store (i32.const 1216) (i32.const 100)) (i32.const 1200)",
            ),
            "out of bounds",
        ),
        ("nowhere", Raw::ticks("(i32.const -8)"), "out of bounds"),
        (
            "large state",
            Raw {
                snapshot: "(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 0)) (i32.store (i32.const 8) (i32.const 20000000)) (i32.const 0)",
                ..Raw::ticks(ASKS)
            },
            "limits.max_state_bytes",
        ),
        (
            "endless state",
            Raw {
                snapshot: "(loop $l (br $l)) (unreachable)",
                ..Raw::ticks(ASKS)
            },
            "runner.tick_fuel",
        ),
    ];
    let mut runs = Vec::new();
    for (id, raw, name) in cases {
        runs.push((start(&gateway, &id.replace(' ', "-"), raw.component()).await, name));
    }
    fail_alone(&server, &neighbour, &runs).await;
}

#[tokio::test]
async fn a_component_that_does_not_take_its_state_back_fails_when_it_is_needed() {
    let server = Options::new().env("FLOWGATE_TICK_FUEL", 200_000_000).start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    for (id, restore, name) in [
        ("trap", "(unreachable)", "the flow's code trapped"),
        ("loop", "(loop $l (br $l)) (unreachable)", "runner.tick_fuel"),
        (
            "refuse",
            "(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 1040)) (i32.store (i32.const 8) (i32.const 5)) (i32.const 0)",
            "the snapshot does not fit the flow: start",
        ),
    ] {
        let raw = Raw {
            snapshot: STATE,
            restore,
            ..Raw::ticks(ASKS)
        };
        let run = start(&gateway, id, raw.component()).await;
        gateway.until_status(&run, "waiting").await;
        gateway.answer(&run, "x").await.ok();
        failed_by(&gateway, &run, name).await;
        neighbour.is_served(1).await;
    }
    stayed_small(&server);
}

fn ask(id: u64) -> Effect {
    Effect::new(id, "ask_user", &json!({"prompt": "Well?"}))
}

#[tokio::test]
async fn a_component_that_lies_about_its_effects_fails_alone() {
    let server = Options::new().env("FLOWGATE_MAX_EFFECTS", 8).start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let broken = Effect {
        payload: "{\"prompt\": ".to_owned(),
        ..ask(1)
    };
    let deep = Effect {
        payload: format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ..ask(1)
    };
    for (id, answers, name) in [
        ("twice", vec![asks([ask(1), ask(1)])], "asked for again"),
        ("vast", vec![asks([ask(u64::MAX)])], "larger than 9223372036854775807"),
        ("many", vec![asks((1..=9).map(ask))], "limits.max_effects"),
        ("nothing", vec![asks([])], "waits for nothing"),
        ("broken", vec![asks([broken])], "effect payload"),
        ("deep", vec![asks([deep])], "effect payload"),
        ("no-json", vec![Answer::Output("{oops".to_owned())], "the output is not JSON"),
        ("trap", vec![Answer::Trap], "the flow's code trapped"),
    ] {
        let run = start(&gateway, id, Guest::new("g", answers).component()).await;
        failed_by(&gateway, &run, name).await;
        neighbour.is_served(1).await;
    }
    // An effect that was never asked for is no longer wanted: nothing happens.
    let guest = Guest::new("g", vec![Answer::Blocked(vec![ask(1)], vec![99]), Answer::Told]);
    let run = start(&gateway, "abandons", guest.component()).await;
    gateway.until_status(&run, "waiting").await;
    gateway.answer(&run, "x").await.ok();
    gateway.until_status(&run, "completed").await;
    stayed_small(&server);
}

#[tokio::test]
async fn names_that_a_component_makes_up_reach_no_other_run() {
    let server = Server::start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let victim = Flow::new("victim").start(&[]).ask("ask", "Well?", &[]).exec("start -> ask");
    gateway.install(&Bundle::new("victim", "1.0.0").flow(victim)).await;
    let victim = gateway.start("victim", json!({})).await;
    let waiting = gateway.until_status(&victim, "waiting").await;
    let key = &waiting["waiting"]["wait_key"];
    let before = gateway.ledger_text(&victim).await;
    let forged =
        json!({"n": 1, "run_id": victim, "parent_run_id": victim, "_meta": {"run_id": victim}, "workspace_root": "/etc"});
    let asked = [
        Effect::new(1, "cancel_run", &json!({"run_id": victim})),
        Effect::new(
            2,
            "resume_run",
            &json!({"run_id": victim, "wait_key": key, "payload": {"response": "x"}}),
        ),
        Effect::new(3, "emit_event", &json!({"name": key, "scope": "run", "run_id": victim})),
        Effect::new(
            4,
            "start_subworkflow",
            &json!({"workflow_id": "neighbour:steps", "run_id": victim, "vars": forged}),
        ),
    ];
    let guest = Guest::new("g", vec![asks(asked), more(), more(), more(), Answer::Told]);
    let run = start(&gateway, "forger", guest.component()).await;
    let told = gateway.output(&run).await;
    let told: Vec<(u64, &str)> = told
        .as_array()
        .expect("outcomes")
        .iter()
        .map(|outcome| (outcome[0].as_u64().expect("an id"), outcome[1].as_str().expect("a word")))
        .collect();
    for id in [1, 2] {
        assert!(told.contains(&(id, "failed")), "{told:?}");
    }
    let runs = gateway.get("/api/gateway/runs?limit=100").await.ok();
    let runs = runs["items"].as_array().expect("items");
    assert!(runs.iter().all(|of| of["parent_run_id"] != json!(victim)), "{runs:#?}");
    assert_eq!(
        runs.iter().filter(|of| of["parent_run_id"] == json!(run)).count(),
        1,
        "{runs:#?}"
    );
    assert_eq!(gateway.ledger_text(&victim).await, before);
    assert_eq!(gateway.run(&victim).await["status"], "waiting");
    neighbour.is_served(1).await;
}

#[tokio::test]
async fn a_thousand_children_are_as_many_as_are_allowed() {
    let server = Options::new()
        .env("FLOWGATE_MAX_EFFECTS", 2000)
        .env("FLOWGATE_MAX_CHILDREN", 5)
        .start()
        .await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let child = json!({"workflow_id": "neighbour:steps", "vars": {"n": 1}});
    let children = (1..=1000).map(|id| Effect::new(id, "start_subworkflow", &child));
    let run = start(&gateway, "parent", Guest::new("g", vec![asks(children)]).component()).await;
    let runs = async || {
        gateway.get("/api/gateway/runs?limit=500").await.ok()["items"]
            .as_array()
            .expect("items")
            .clone()
    };
    gateway
        .until(&run, "past its first tick", |run| run["status"] != "running")
        .await;
    let of_it = |of: &Value| of["parent_run_id"] == json!(run);
    assert!(runs().await.iter().filter(|of| of_it(of)).count() <= 5);
    let rows = gateway.ledger(&run).await;
    let refused = rows
        .iter()
        .filter(|row| row["error"].as_str().is_some_and(|e| e.starts_with("children limit")))
        .count();
    assert!(refused >= 1, "{rows:#?}");
    neighbour.is_served(1).await;
    stayed_small(&server);
}

#[tokio::test]
async fn what_is_no_component_of_the_world_is_refused_when_it_is_uploaded() {
    let server = Server::start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let good = Guest::new("g", vec![Answer::Told]).component();
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    for bytes in [
        Vec::new(),
        b"\0asm\x01\0\0\0".to_vec(),
        b"\0asm\x0d\0\x01\0".to_vec(),
        torn,
        vec![0; 5 << 20],
    ] {
        let bundle = Bundle::new("bad", "1.0.0").component("g", bytes);
        let reply = gateway.upload_file(&bundle.zip(), &[]).await;
        assert!(reply.status == 400 || reply.status == 413, "{}", reply.text());
        assert!(!reply.detail().is_empty());
    }
    neighbour.is_served(1).await;
}

/// A loop of `parts` that go back to its beginning, each in other locals: the compiler's work grows with the square of them.
fn tangle(parts: usize) -> Vec<u8> {
    let mut body = String::new();
    for n in 0..parts {
        let (a, b) = (n % 60, (n * 7 + 3) % 60);
        body += &format!("(local.set {a} (i64.add (local.get {b}) (i64.const {n}))) (br_if 0 (i64.eqz (local.get {a})))");
    }
    let (world, locals) = ("flowgate:flow/workflow@0.1.0", " i64".repeat(60));
    let text = format!(
        r#"(module
  (memory (export "memory") 2)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "cabi_post_{world}#describe") (param i32))
  (func (export "cabi_post_{world}#snapshot") (param i32))
  (func (export "cabi_post_{world}#restore") (param i32))
  (func (export "cabi_post_{world}#tick") (param i32))
  (func (local{locals}) (loop $l {body}))
  (func (export "{world}#describe") (result i32) (i32.const 0))
  (func (export "{world}#snapshot") (result i32) (i32.const 0))
  (func (export "{world}#restore") (param i32 i32) (result i32) (i32.const 0))
  (func (export "{world}#tick") (param i32) (result i32) (i32.const 0)))"#
    );
    wrap(&wat::parse_str(text).expect("WebAssembly text"))
}

#[tokio::test]
async fn a_function_that_would_keep_the_compiler_for_minutes_is_refused() {
    let server = Server::start().await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let bundle = Bundle::new("tangle", "1.0.0").component("g", tangle(20_000));
    let reply = gateway.upload_file(&bundle.zip(), &[]).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.detail().contains("bundles.max_function_bytes"), "{}", reply.detail());
    neighbour.is_served(1).await;
    stayed_small(&server);
}
