//! What a flow costs before and inside the sandbox: compiling it, its size, one activation of a live instance, and the start of a guest in Rust.
//!
//! `cargo bench -p flowgate --bench flow`
#![allow(clippy::unwrap_used)] // A benchmark that cannot go on says so and ends.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use flowgate::ids::Digest;
use flowgate::sandbox::{Sandbox, Settings, world};
use flowgate_compiler::{Link, graph, visualflow};
use serde_json::json;

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .measurement_time(Duration::from_secs(3));
    let flow = twenty_nodes().to_string();
    let component = compile(&flow, Link::Shared);
    eprintln!(
        "20-node flow: shared component {} bytes, standalone {} bytes",
        component.len(),
        compile(&flow, Link::Standalone).len()
    );

    criterion.bench_function("compile 20 nodes, JSON to shared component", |b| {
        b.iter(|| compile(black_box(&flow), Link::Shared))
    });

    let sandbox = Sandbox::new(Settings::default()).unwrap();
    let digest = Digest::of(&component);
    let begun = Instant::now();
    let program = sandbox.load(digest, &component, None).unwrap();
    eprintln!(
        "native code of it: {:?}; pooled instances: {}",
        begun.elapsed(),
        sandbox.is_pooling()
    );

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let around = world::Around {
        now_us: 1,
        seed: 1,
        run_id: "r".into(),
        workflow_id: "w".into(),
        session_id: None,
        parent_run_id: None,
        host_vars: r#"{"_limits":{"max_tokens":32768}}"#.into(),
        host: "{}".into(),
    };
    let start = world::Event::Start(world::Start {
        entry: "start".into(),
        input: r#"{"name":"Kim","n":3}"#.into(),
    });
    let snapshot = runtime.block_on(async {
        let mut instance = sandbox.instantiate(&program).await.unwrap();
        instance.tick(&around, &start, 1000).await.unwrap();
        instance.snapshot().await.unwrap().unwrap()
    });
    eprintln!("snapshot: {} bytes", snapshot.len());
    let answer = world::Event::Resolved(vec![world::Resolution {
        id: 1,
        outcome: world::Outcome::Completed(r#"{"message":"m","level":"message"}"#.into()),
    }]);
    criterion.bench_function("instantiate + restore + tick + drop", |b| {
        b.to_async(&runtime).iter(|| async {
            let mut instance = sandbox.instantiate(&program).await.unwrap();
            instance.restore(&snapshot).await.unwrap().unwrap();
            black_box(instance.tick(&around, &answer, 1000).await.unwrap());
        });
    });
    criterion.bench_function("instantiate + drop", |b| {
        b.to_async(&runtime)
            .iter(|| async { drop(sandbox.instantiate(&program).await.unwrap()) });
    });
    criterion.bench_function("tick of a live instance (one effect)", |b| {
        b.iter_batched(
            || {
                runtime.block_on(async {
                    let mut instance = sandbox.instantiate(&program).await.unwrap();
                    instance.restore(&snapshot).await.unwrap().unwrap();
                    instance
                })
            },
            |mut instance| {
                black_box(runtime.block_on(instance.tick(&around, &answer, 1000)).unwrap());
                instance
            },
            BatchSize::LargeInput,
        );
    });
    let guest = std::fs::read("../examples/guests/approve/approve.wasm").unwrap();
    let begun = Instant::now();
    let guest_program = sandbox.load(Digest::of(&guest), &guest, None).unwrap();
    eprintln!(
        "guest in Rust: component {} bytes, its native code {:?}",
        guest.len(),
        begun.elapsed()
    );
    let begin = world::Event::Start(world::Start {
        entry: "start".into(),
        input: r#"{"prompt":"Invite everybody"}"#.into(),
    });
    criterion.bench_function("guest in Rust: instantiate + start to the first effect + drop", |b| {
        b.to_async(&runtime).iter(|| async {
            let mut instance = sandbox.instantiate(&guest_program).await.unwrap();
            let (progress, _) = instance.tick(&around, &begin, 1000).await.unwrap();
            assert!(matches!(progress, world::Progress::Blocked(_)));
        });
    });
    replay(&mut criterion, &sandbox, &runtime, &around);
    criterion.final_summary();
}

/// A guest without snapshots is told its whole history: the example `tender` with a thousand suppliers, who answer one after another.
fn replay(criterion: &mut Criterion, sandbox: &Sandbox, runtime: &tokio::runtime::Runtime, around: &world::Around) {
    const EFFECTS: u64 = 1000;
    let component = include_bytes!("../../examples/guests/tender/tender.wasm");
    let program = sandbox.load(Digest::of(component), component, None).unwrap();
    let suppliers: Vec<String> = (0..EFFECTS).map(|n| format!("supplier {n}")).collect();
    let start = world::Event::Start(world::Start {
        entry: "start".into(),
        input: json!({"article": "chairs", "suppliers": suppliers}).to_string(),
    });
    let tick = async |events: &[world::Event]| {
        let mut instance = sandbox.instantiate(&program).await.unwrap();
        let mut progress = instance.tick(around, &start, 1000).await.unwrap().0;
        let mut requests = Vec::new();
        for event in events {
            requests.extend(asked(progress));
            progress = instance.tick(around, event, 1000).await.unwrap().0;
        }
        requests.extend(asked(progress));
        assert!(instance.snapshot().await.unwrap().is_none(), "it is replayed");
        requests
    };
    let offers: Vec<world::Effect> = runtime.block_on(tick(&[]));
    let offers = offers.iter().filter(|effect| effect.kind == "start_subworkflow");
    let history: Vec<world::Event> = offers
        .map(|effect| {
            let outcome = json!({"sub_run_id": "c", "output": {"success": true, "price": 12.5}}).to_string();
            world::Event::Resolved(vec![world::Resolution {
                id: effect.id,
                outcome: world::Outcome::Completed(outcome),
            }])
        })
        .collect();
    assert_eq!(history.len() as u64, EFFECTS);
    let last = runtime.block_on(tick(&history)).pop().unwrap();
    assert_eq!(last.kind, "answer_user", "all offers were heard");
    criterion.bench_function("replay of 1000 recorded effects", |b| {
        b.to_async(runtime).iter(|| async { black_box(tick(&history).await) });
    });
}

fn asked(progress: world::Progress) -> Vec<world::Effect> {
    match progress {
        world::Progress::Blocked(blocked) => blocked.effects,
        _ => Vec::new(),
    }
}

fn compile(flow: &str, link: Link) -> Vec<u8> {
    let document = visualflow::Document::parse(flow.as_bytes(), 1 << 20).unwrap();
    let graph = graph::build(&document).unwrap();
    flowgate_compiler::compile(&graph, link).unwrap().bytes
}

/// Ten exec nodes and ten data nodes: branches, variables, text, an answer at each end.
fn twenty_nodes() -> serde_json::Value {
    let exec = |id: &str| json!({"id": id, "type": "execution"});
    let pin = |id: &str| json!({"id": id, "type": "any"});
    let mut nodes = vec![json!({"id": "start", "type": "on_flow_start",
        "data": {"outputs": [exec("exec-out"), pin("name"), pin("n")]}})];
    let mut edges = Vec::new();
    let mut edge = |from: &str, handle: &str, to: &str, pin: &str| {
        let id = format!("e{}", edges.len());
        edges.push(json!({"id": id, "source": from, "sourceHandle": handle, "target": to, "targetHandle": pin}));
    };
    for i in 0..4 {
        let (text, sum, answer, var) = (format!("text{i}"), format!("sum{i}"), format!("answer{i}"), format!("var{i}"));
        nodes.push(
            json!({"id": text, "type": "concat", "data": {"inputs": [pin("a"), pin("b")], "outputs": [pin("result")],
            "pinDefaults": {"a": "Hello"}}}),
        );
        nodes.push(
            json!({"id": sum, "type": "add", "data": {"inputs": [pin("a"), pin("b")], "outputs": [pin("result")],
            "pinDefaults": {"b": i}}}),
        );
        nodes.push(json!({"id": answer, "type": "answer_user",
            "data": {"inputs": [exec("exec-in"), pin("message")], "outputs": [exec("exec-out"), pin("message")]}}));
        nodes.push(
            json!({"id": var, "type": "set_var", "data": {"inputs": [exec("exec-in"), pin("name"), pin("value")],
            "outputs": [exec("exec-out"), pin("value")], "pinDefaults": {"name": format!("v{i}")}}}),
        );
        edge("start", "name", &text, "b");
        edge("start", "n", &sum, "a");
        edge(&text, "result", &answer, "message");
        edge(&sum, "result", &var, "value");
        edge(&answer, "exec-out", &var, "exec-in");
        let next = if i < 3 {
            format!("answer{}", i + 1)
        } else {
            "choose".to_owned()
        };
        edge(&var, "exec-out", &next, "exec-in");
    }
    nodes.push(
        json!({"id": "less", "type": "compare", "data": {"inputs": [pin("a"), pin("op"), pin("b")], "outputs": [pin("result")],
        "pinDefaults": {"op": "<", "b": 10}}}),
    );
    nodes.push(
        json!({"id": "choose", "type": "if", "data": {"inputs": [exec("exec-in"), pin("condition")],
        "outputs": [exec("true"), exec("false")]}}),
    );
    nodes.push(json!({"id": "end", "type": "on_flow_end", "data": {"inputs": [exec("exec-in"), pin("answer")]}}));
    edge("start", "exec-out", "answer0", "exec-in");
    edge("start", "n", "less", "a");
    edge("less", "result", "choose", "condition");
    edge("choose", "true", "end", "exec-in");
    edge("text0", "result", "end", "answer");
    json!({"id": "twenty", "entryNode": "start", "nodes": nodes, "edges": edges})
}
