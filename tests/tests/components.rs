//! Flows that come as components: taken or refused with the reason, installed behind the upload's answer, run like any flow.

use std::time::Duration;

use flowgate_tests::guest::{Answer, Effect, asks, more, push_length, wrap};
use flowgate_tests::{Bundle, Flow, Guest, Options, Server};
use serde_json::{Value, json};

fn say(id: u64, message: &str) -> Effect {
    Effect::new(id, "answer_user", &json!({"message": message}))
}

fn ask(id: u64, prompt: &str) -> Effect {
    Effect::new(id, "ask_user", &json!({"prompt": prompt}))
}

/// Says something, asks, and ends with what it was told.
fn asks_once(id: &str) -> Guest {
    Guest::new(id, vec![asks([say(1, "hello")]), asks([ask(2, "Publish?")]), Answer::Told])
}

async fn detail(server: &Server, bundle: &str) -> Value {
    server.gateway().get(&format!("/api/gateway/bundles/{bundle}")).await.ok()
}

#[tokio::test]
async fn a_component_is_installed_shown_and_run_like_a_flow() {
    let mut server = Server::start().await;
    let client = server.gateway();
    for (name, guest) in [("plain", asks_once("asks")), ("kept", asks_once("asks").with_snapshots())] {
        let uploaded = client
            .install(&Bundle::new(name, "1.0.0").component("asks", guest.component()))
            .await;
        assert_eq!(uploaded["components"], json!([{"flow_id": "asks", "state": "ready"}]));
        let shown = detail(&server, name).await;
        assert_eq!(shown["flows"], json!(["asks"]));
        let entry = &shown["entrypoints"][0];
        assert_eq!(
            entry["inputs"][0],
            json!({"id": "prompt", "label": "Prompt", "type": "string"})
        );
        assert_eq!(entry["inputs"][1]["default"], "kind");
        assert_eq!(entry["node_index"]["ask_user#1"]["label"], "Ask");
        let path = format!("/api/gateway/bundles/{name}/flows/asks");
        assert_eq!(client.get(&path).await.ok()["flow"]["entryNode"], "start");
        let schema = client.get(&format!("{path}/input_schema")).await.ok();
        assert_eq!(schema["input_data_schema"]["required"], json!(["prompt"]));

        let run = client.start(name, json!({"prompt": "p"})).await;
        let waiting = client.until_status(&run, "waiting").await;
        assert_eq!(waiting["waiting"]["prompt"], "Publish?");
        assert_eq!(waiting["current_node"], "ask_user#2");
        client.answer(&run, "yes").await.ok();
        let told = client.output(&run).await;
        assert_eq!(told[0][2]["message"], "hello");
        assert_eq!(told[1], json!([2, "completed", {"response": "yes"}]));
    }
    server.stop_and_replay().await;
}

#[tokio::test]
async fn what_is_no_flow_is_refused_with_the_reason() {
    let server = Server::start().await;
    let client = server.gateway();
    let component = asks_once("asks").component();
    let module = |text: &str| wat::parse_str(text).expect("WebAssembly text");
    let cases: Vec<(Bundle, &str)> = vec![
        (
            Bundle::new("b", "1").component("asks", b"not wasm".to_vec()),
            "flow 'asks': component 'components/asks.wasm': the component is not valid WebAssembly: not a WebAssembly component",
        ),
        (Bundle::new("b", "1").component("asks", module("(module)")), "a core module, not a component"),
        (
            Bundle::new("b", "1").component("asks", module("(component)")),
            "does not export 'flowgate:flow/workflow@0.1.0'",
        ),
        (
            Bundle::new("b", "1").component(
                "asks",
                module(r#"(component (import "my:db/query@0.2.0" (instance)) (instance $i) (export "flowgate:flow/workflow@0.1.0" (instance $i)))"#),
            ),
            "has no function 'describe'",
        ),
        (
            Bundle::new("b", "1").component("asks", with_import(&component)),
            "the component imports 'my:db/query@0.2.0'; a flow may import nothing or WASI 0.2",
        ),
        (
            Bundle::new("b", "1").component("other", component.clone()),
            "it is the flow 'asks', but the manifest's artifacts call it 'other'",
        ),
        (
            Bundle::new("b", "1").component("asks", vec![0; 5 << 20]),
            "not a WebAssembly component",
        ),
        (
            Bundle::new("b", "1")
                .component("asks", component.clone())
                .with("artifacts", json!({"asks": "components/gone.wasm"})),
            "Bundle file not found: components/gone.wasm",
        ),
        (
            Bundle::new("b", "1")
                .component("asks", component.clone())
                .with("artifacts", json!({"asks": "../asks.wasm"})),
            "manifest.artifacts entry 'asks' has unsafe path '../asks.wasm'",
        ),
        (
            Bundle::new("b", "1").component("asks", wrap(&module("(module)"))),
            "not valid WebAssembly",
        ),
    ];
    for (bundle, why) in cases {
        let reply = client.upload_file(&bundle.zip(), &[]).await;
        assert_eq!(reply.status, 400, "{why}: {}", reply.text());
        assert!(reply.detail().contains(why), "{}, wanted {why}", reply.detail());
    }
    let none = client.get("/api/gateway/bundles").await.ok();
    assert_eq!(none["items"], json!([]), "nothing of it is installed");
    // What old bundles have there is nobody's business.
    let old = Bundle::new("old", "1")
        .flow(Flow::new("f").start(&[]).end("end", &[]).exec("start -> end"))
        .with("artifacts", json!({"f": "compiled/f.json"}));
    client.install(&old).await;
    let run = client.start("old", json!({})).await;
    client.until_status(&run, "completed").await;
}

/// The component within one that imports something no host has.
fn with_import(component: &[u8]) -> Vec<u8> {
    let name = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let (import, world) = (name("my:db/query@0.2.0"), name("flowgate:flow/workflow@0.1.0"));
    let sections: [(u8, Vec<u8>); 6] = [
        // An empty instance type, and an import that has it.
        (7, vec![1, 0x42, 0]),
        (10, [&[1, 0], &*import, &[5, 0]].concat()),
        // The component, an instance of it, and what that exports.
        (4, component.to_vec()),
        (5, vec![1, 0, 0, 0]),
        (6, [&[1, 5, 0, 1], &*world].concat()),
        (11, [&[1, 0], &*world, &[5, 2, 0]].concat()),
    ];
    let mut out = component[..8].to_vec();
    for (id, content) in sections {
        out.push(id);
        push_length(&mut out, content.len());
        out.extend(content);
    }
    out
}

#[tokio::test]
async fn a_large_component_is_installed_behind_the_answer_and_its_runs_wait_for_it() {
    let mut server = Options::new().start().await;
    let client = server.gateway();
    let guest = asks_once("asks").padded(1 << 20);
    let bundle = Bundle::new("large", "1.0.0").component("asks", guest.component());
    let uploaded = client.install(&bundle).await;
    assert_eq!(uploaded["components"], json!([{"flow_id": "asks", "state": "installing"}]));
    let run = client.start("large", json!({})).await;
    client.until_status(&run, "waiting").await;
    loop {
        let shown = detail(&server, "large").await;
        match shown["components"][0]["state"].as_str() {
            Some("installing") => tokio::time::sleep(Duration::from_millis(20)).await,
            state => {
                assert_eq!(state, Some("ready"), "{shown}");
                assert_eq!(shown["entrypoints"][0]["inputs"][0]["id"], "prompt");
                break;
            }
        }
    }
    // What it says of itself is kept.
    server.kill().await;
    server.restart().await;
    let client = server.gateway();
    let shown = detail(&server, "large").await;
    assert_eq!(shown["components"], json!([{"flow_id": "asks", "state": "ready"}]));
    client.answer(&run, "yes").await.ok();
    client.until_status(&run, "completed").await;

    // Known components are refused at once, others when they are compiled.
    let wrong = Bundle::new("wrong", "1.0.0").component("other", guest.component());
    let refused = client.upload_file(&wrong.zip(), &[]).await;
    assert!(refused.detail().contains("it is the flow 'asks'"), "{}", refused.detail());
    let unknown = asks_once("asks").padded(2 << 20);
    let wrong = Bundle::new("wrong", "1.0.0").component("other", unknown.component());
    client.install(&wrong).await;
    loop {
        let shown = detail(&server, "wrong").await;
        match shown["components"][0]["state"].as_str() {
            Some("installing") => tokio::time::sleep(Duration::from_millis(20)).await,
            state => {
                assert_eq!(state, Some("failed"), "{shown}");
                let why = shown["diagnostics"][0]["message"].as_str().expect("a text");
                assert!(why.contains("it is the flow 'asks'"), "{why}");
                break;
            }
        }
    }
    let refused = client
        .post("/api/gateway/runs/start", &json!({"bundle_id": "wrong", "input_data": {}}))
        .await;
    assert!(refused.detail().contains("it is the flow 'asks'"), "{}", refused.detail());
}

#[tokio::test]
async fn a_graph_calls_a_component_and_a_component_a_graph() {
    let mut server = Server::start().await;
    let client = server.gateway();
    let outer = Flow::new("outer")
        .start(&[])
        .subflow("call", "inner", &[])
        .end("end", &["got"])
        .exec("start -> call -> end")
        .wire("call.output -> end.got");
    let leaf = Flow::new("leaf")
        .start(&["n"])
        .end("end", &["n"])
        .exec("start -> end")
        .wire("start.n -> end.n");
    let child = json!({"workflow_id": "both@1.0.0:leaf", "vars": {"n": 3.0}, "async": true, "wait": true});
    let inner = Guest::new(
        "inner",
        vec![asks([Effect::new(1, "start_subworkflow", &child)]), Answer::Told],
    );
    let bundle = Bundle::new("both", "1.0.0")
        .flow(outer)
        .flow(leaf)
        .component("inner", inner.component());
    client.install(&bundle).await;
    let run = client.start("both", json!({})).await;
    let output = client.output(&run).await;
    let told = &output["got"];
    assert_eq!((&told[0][0], &told[0][1]), (&json!(1), &json!("completed")), "{output}");
    assert_eq!(told[0][2]["output"]["n"].to_string(), "3.0", "{output}");
    server.stop_and_replay().await;
}

fn event(id: u64, name: &str) -> Effect {
    Effect::new(id, "wait_event", &json!({"name": name, "scope": "global"}))
}

/// Due after this many seconds.
fn timer(id: u64, seconds: u64) -> Effect {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970")
        .as_secs();
    Effect::new(id, "wait_until", &json!({"until": iso(now + seconds)}))
}

/// Seconds since 1970 as ISO text.
fn iso(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's civil calendar).
    let z = days + 719_468;
    let (era, day) = (z / 146_097, z % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = year + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}+00:00",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// The ids of the effects in the order in which the guest was told of them.
fn order(told: &Value) -> Vec<u64> {
    let items = told.as_array().expect("what the guest was told");
    items.iter().map(|item| item[0].as_u64().expect("an id")).collect()
}

#[tokio::test]
async fn several_waits_are_open_at_a_time_and_resolved_in_any_order() {
    for snapshots in [false, true] {
        let mut server = Server::start().await;
        let client = server.gateway();
        let first = asks([
            say(1, "hello"),
            ask(2, "First?"),
            event(3, "go"),
            say(4, "there"),
            ask(5, "Second?"),
            timer(6, 1),
        ]);
        let mut guest = Guest::new("many", vec![first, more(), more(), more(), more(), more(), Answer::Told]);
        if snapshots {
            guest = guest.with_snapshots();
        }
        client
            .install(&Bundle::new("many", "1.0.0").component("many", guest.component()))
            .await;
        let run = client.start("many", json!({})).await;
        let shown = client.until(&run, "asking", |run| run["waiting"]["prompt"] == "First?").await;
        let key = |id: u64| format!("user:{run}:ask_user#{id}");
        assert_eq!(shown["waiting"]["wait_key"], key(2), "{shown}");
        let also = &shown["waiting"]["details"]["also"];
        let keys: Vec<&Value> = also
            .as_array()
            .expect("the others")
            .iter()
            .map(|wait| &wait["wait_key"])
            .collect();
        assert!(keys.contains(&&json!(key(5))), "{also}");

        // The second question first, the timer meanwhile, with the server dying in between.
        let answer = |id: u64, text: &str| json!({"wait_key": key(id), "payload": {"response": text}});
        client.command("resume", &run, answer(5, "two")).await.ok();
        server.kill().await;
        server.restart().await;
        let client = server.gateway();
        client
            .until(&run, "without its timer", |run| {
                run["waiting"]["details"]["also"].as_array().is_none_or(|also| also.len() < 2)
            })
            .await;
        client.until_status(&run, "waiting").await;
        client
            .command(
                "emit_event",
                &run,
                json!({"name": "go", "scope": "global", "payload": {"n": 1}}),
            )
            .await
            .ok();
        client
            .until(&run, "waiting for one", |run| run["waiting"]["details"]["also"].is_null())
            .await;
        server.kill().await;
        server.restart().await;
        let client = server.gateway();
        client.command("resume", &run, answer(2, "one")).await.ok();
        let told = client.output(&run).await;
        let order = order(&told);
        assert_eq!(order[..2], [1, 4], "what is decided at once is told at once: {told}");
        assert_eq!(order.last(), Some(&2), "{told}");
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4, 5, 6], "each once: {told}");
        let response = |id: u64| {
            told.as_array()
                .expect("outcomes")
                .iter()
                .find(|item| item[0] == id)
                .expect("told")[2]
                .clone()
        };
        assert_eq!(
            (&response(2)["response"], &response(5)["response"]),
            (&json!("one"), &json!("two"))
        );
        assert_eq!(response(3)["payload"], json!({"n": 1}));
        server.stop_and_replay().await;
    }
}

#[tokio::test]
async fn a_wait_that_is_no_longer_wanted_is_closed() {
    let mut server = Server::start().await;
    let client = server.gateway();
    let child = json!({"workflow_id": "gives@1.0.0:child", "vars": {}, "async": true, "wait": true});
    let answers = vec![
        asks([
            ask(1, "Which?"),
            event(2, "late"),
            Effect::new(3, "start_subworkflow", &child),
        ]),
        Answer::Blocked(vec![ask(4, "Sure?")], vec![2, 3]),
        Answer::Told,
    ];
    let waits = Flow::new("child")
        .start(&[])
        .ask("ask", "Child?", &[])
        .end("end", &[])
        .exec("start -> ask -> end");
    let bundle = Bundle::new("gives", "1.0.0")
        .component("gives", Guest::new("gives", answers).component())
        .flow(waits);
    client.install(&bundle).await;
    let run = client.start("gives", json!({})).await;
    client.until(&run, "asking", |run| run["waiting"]["prompt"] == "Which?").await;
    client.answer(&run, "this").await.ok();
    let shown = client
        .until(&run, "asking again", |run| run["waiting"]["prompt"] == "Sure?")
        .await;
    assert!(shown["waiting"]["details"]["also"].is_null(), "{shown}");
    // Nobody listens any more, and the child goes on by itself.
    client
        .command("emit_event", &run, json!({"name": "late", "scope": "global"}))
        .await
        .ok();
    let children = client.get("/api/gateway/runs?status=waiting&limit=10").await.ok();
    let children = children["items"].as_array().expect("runs").clone();
    let child = children
        .iter()
        .find(|item| item["run_id"] != run.as_str())
        .expect("the child waits");
    client.answer(child["run_id"].as_str().expect("an id"), "yes").await.ok();
    client
        .until_status(child["run_id"].as_str().expect("an id"), "completed")
        .await;
    assert_eq!(client.run(&run).await["status"], "waiting");
    client.answer(&run, "yes").await.ok();
    assert_eq!(order(&client.output(&run).await), [1, 4]);
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_trap_fails_its_run_alone_and_breaks_of_the_world_are_named() {
    let mut server = Server::start().await;
    let client = server.gateway();
    let cases = [
        (
            "trap",
            vec![asks([say(1, "x")]), Answer::Trap],
            "the flow's code trapped: wasm trap: wasm `unreachable` instruction executed, in tick",
        ),
        ("fail", vec![Answer::Failed("no such luck".to_owned())], "no such luck"),
        (
            "twice",
            vec![asks([ask(1, "a"), ask(1, "b")])],
            "the effect id 1 is asked for again while it is outstanding",
        ),
        ("idle", vec![asks([say(1, "x")]), more()], "the flow waits for nothing"),
        (
            "text",
            vec![asks([Effect {
                payload: "{".to_owned(),
                ..say(1, "x")
            }])],
            "effect payload is not JSON",
        ),
    ];
    for (name, answers, why) in cases {
        client
            .install(&Bundle::new(name, "1.0.0").component(name, Guest::new(name, answers).component()))
            .await;
        let run = client.start(name, json!({})).await;
        let failed = client.until_status(&run, "failed").await;
        let error = failed["error"].as_str().expect("a text");
        assert!(error.contains(why), "{name}: {error}");
    }
    let fine = Bundle::new("fine", "1.0.0").component("asks", asks_once("asks").component());
    client.install(&fine).await;
    let run = client.start("fine", json!({})).await;
    client.until_status(&run, "waiting").await;
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_thousand_effects_are_replayed_when_a_guest_gives_no_snapshot() {
    let mut server = Server::start().await;
    let client = server.gateway();
    let mut answers: Vec<Answer> = (1..=1000).map(|id| asks([say(id, "x")])).collect();
    answers.push(asks([ask(1001, "Go on?")]));
    answers.push(Answer::Output(r#"{"done":true}"#.to_owned()));
    client
        .install(&Bundle::new("long", "1.0.0").component("long", Guest::new("long", answers).component()))
        .await;
    let run = client.start("long", json!({})).await;
    client.until_status(&run, "waiting").await;
    server.kill().await;
    server.restart().await;
    let client = server.gateway();
    let began = std::time::Instant::now();
    client.answer(&run, "yes").await.ok();
    assert_eq!(client.output(&run).await, json!({"done": true}));
    eprintln!("answer to output of a run with 1000 recorded effects: {:?}", began.elapsed());
    assert_eq!(
        client.ledger(&run).await.len(),
        2005,
        "two rows for each effect, a resume, the completion and the status"
    );
    server.stop_and_replay().await;

    // A limit on what is replayed ends a run with its name.
    let mut server = Options::new().env("FLOWGATE_MAX_REPLAY_BYTES", "64KiB").start().await;
    let client = server.gateway();
    let large = "x".repeat(2000);
    let mut answers: Vec<Answer> = (1..=100).map(|id| asks([say(id, &large)])).collect();
    answers.push(asks([ask(101, "Go on?")]));
    answers.push(asks([ask(102, "And now?")]));
    answers.push(Answer::Told);
    client
        .install(&Bundle::new("large", "1.0.0").component("large", Guest::new("large", answers).component()))
        .await;
    let run = client.start("large", json!({})).await;
    client.until_status(&run, "waiting").await;
    client.answer(&run, "yes").await.ok();
    let failed = client.until_status(&run, "failed").await;
    let error = failed["error"].as_str().expect("a text");
    assert!(error.contains("replay limit"), "{error}");
    server.stop_and_replay().await;
}

/// Guests with several effects, killed at every commit: nothing else comes of them.
#[tokio::test]
async fn a_guest_comes_out_the_same_when_its_host_is_killed_at_every_commit() {
    let dir = tempfile::tempdir().expect("a directory");
    let calls = |ids: &[u64]| {
        ids.iter()
            .map(|id| Effect::new(*id, "llm_call", &json!({"prompt": id})))
            .collect::<Vec<_>>()
    };
    let emit = |id: u64| Effect::new(id, "emit_event", &json!({"name": "out", "payload": {"n": id}}));
    let child = json!({"workflow_id": "leaf", "vars": {"n": 1}, "async": true, "wait": true});
    let alone = json!({"workflow_id": "leaf", "vars": {"n": 2}, "async": true, "wait": false});
    let guests: Vec<(&str, Vec<Answer>)> = vec![
        (
            "line",
            vec![
                asks([say(1, "a")]),
                asks([ask(2, "b")]),
                asks(calls(&[3])),
                asks([emit(4)]),
                Answer::Told,
            ],
        ),
        (
            "fan",
            vec![
                asks([say(1, "a"), ask(2, "b"), ask(3, "c"), say(4, "d")]),
                more(),
                more(),
                more(),
                Answer::Told,
            ],
        ),
        (
            "out",
            vec![
                asks([emit(1), say(2, "a"), emit(3), ask(4, "b")]),
                more(),
                more(),
                more(),
                Answer::Told,
            ],
        ),
        (
            "tree",
            vec![
                asks([
                    Effect::new(1, "start_subworkflow", &child),
                    say(2, "a"),
                    Effect::new(3, "start_subworkflow", &alone),
                ]),
                more(),
                more(),
                Answer::Told,
            ],
        ),
        (
            "mixed",
            vec![
                asks([ask(1, "a"), emit(2), say(3, "b")]),
                more(),
                Answer::Blocked(calls(&[4]), vec![]),
                more(),
                Answer::Told,
            ],
        ),
        (
            "gives",
            vec![
                asks([ask(1, "a"), ask(2, "b")]),
                Answer::Blocked(vec![say(3, "c")], vec![2]),
                asks([ask(4, "d")]),
                Answer::Told,
            ],
        ),
    ];
    let leaf = Flow::new("leaf")
        .start(&["n"])
        .end("end", &["n"])
        .exec("start -> end")
        .wire("start.n -> end.n");
    let mut cases = Vec::new();
    for (name, answers) in guests {
        for snapshots in [false, true] {
            let mut guest = Guest::new(name, answers.clone());
            if snapshots {
                guest = guest.with_snapshots();
            }
            let path = dir.path().join(format!("{name}-{snapshots}.wasm"));
            std::fs::write(&path, guest.component()).expect("a component");
            let mut script = vec![json!({"resume": {"response": "yes"}}); 4];
            script.push(json!({"effect": "llm_call", "result": {"content": "said"}}));
            cases.push(json!({
                "name": format!("{name}, snapshots {snapshots}"), "flows": {"leaf": leaf.json()}, "components": {name: path},
                "root": name, "input": {}, "script": script,
            }));
        }
    }
    for pattern in 1..4 {
        let answers = flowgate_tests::cases::killed(&cases, pattern, &[]).await;
        for (case, answer) in cases.iter().zip(&answers) {
            assert_eq!(answer["got"]["status"], "completed", "{}: {}", case["name"], answer["got"]);
            assert!(answer["kills"].as_u64() > Some(1), "{answer}");
            let difference = flowgate_tests::cases::difference(answer);
            assert_eq!(difference, None, "{}, pattern {pattern}", case["name"]);
        }
    }
}
