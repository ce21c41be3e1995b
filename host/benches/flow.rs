//! What a flow costs before and inside the sandbox: compiling it, its size, activations and ticks, what fuel costs, and guests in Rust.
//!
//! `cargo bench --workspace --bench flow`
#![allow(clippy::unwrap_used)] // A benchmark that cannot go on says so and ends.

#[path = "common/flows.rs"]
mod flows;
#[path = "flow/fuel.rs"]
mod fuel;
#[path = "common/sandbox.rs"]
mod told;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use flowgate::ids::Digest;
use flowgate::sandbox::{Sandbox, Settings, world};
use flowgate_compiler::Link;
use serde_json::json;
use tokio::runtime::Runtime;

/// Stations of four nodes, and four nodes around them: 5000 in all.
const LARGE: usize = 1249;

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .measurement_time(Duration::from_secs(3));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    compiling(&mut criterion);
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    eprintln!("pooled instances: {}", sandbox.is_pooling());
    activations(&mut criterion, &sandbox, &runtime);
    whole_runs(&mut criterion, &sandbox, &runtime);
    fuel::cost(&mut criterion, &runtime);
    guest(&mut criterion, &sandbox, &runtime);
    replay(&mut criterion, &sandbox, &runtime, &told::around());
    criterion.final_summary();
}

fn compiling(criterion: &mut Criterion) {
    let small = flows::twenty_nodes("twenty").to_string();
    eprintln!(
        "20-node flow: shared component {} bytes, standalone {} bytes",
        flows::compile_text(&small, Link::Shared).len(),
        flows::compile_text(&small, Link::Standalone).len()
    );
    criterion.bench_function("compile 20 nodes, JSON to shared component", |b| {
        b.iter(|| flows::compile_text(black_box(&small), Link::Shared))
    });
    let large = flows::stations("large", LARGE);
    eprintln!("large flow: {} nodes", large["nodes"].as_array().map_or(0, Vec::len));
    let large = large.to_string();
    let mut group = criterion.benchmark_group("large");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("compile 5000 nodes, JSON to shared component", |b| {
        b.iter(|| flows::compile_text(black_box(&large), Link::Shared))
    });
    group.finish();
}

fn activations(criterion: &mut Criterion, sandbox: &Sandbox, runtime: &Runtime) {
    let begun = Instant::now();
    let program = told::load(sandbox, &flows::twenty_nodes("twenty"));
    eprintln!("20 nodes to native code: {:?}", begun.elapsed());
    let (around, answered) = (told::around(), told::answered());
    let snapshot = runtime.block_on(told::snapshot(sandbox, &program));
    eprintln!("snapshot: {} bytes", snapshot.len());
    criterion.bench_function("instantiate + restore + tick + drop", |b| {
        b.to_async(runtime).iter(|| async {
            let mut instance = sandbox.instantiate(&program).await.unwrap();
            instance.restore(&snapshot).await.unwrap().unwrap();
            black_box(instance.tick(&around, &answered, 1000).await.unwrap());
        });
    });
    criterion.bench_function("instantiate + drop", |b| {
        b.to_async(runtime)
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
                black_box(runtime.block_on(instance.tick(&around, &answered, 1000)).unwrap());
                instance
            },
            BatchSize::LargeInput,
        );
    });
}

/// Flows that come to their end in one tick. What the one that does nothing takes is what a tick costs beside the flow's own code.
fn whole_runs(criterion: &mut Criterion, sandbox: &Sandbox, runtime: &Runtime) {
    let (around, start) = (told::around(), told::start());
    let named = [
        ("a flow that does nothing: instantiate + tick + drop", flows::nothing()),
        (
            "1000 pure iterations: instantiate + tick + drop",
            flows::repeated(1000, false),
        ),
    ];
    for (name, document) in named {
        let program = told::load(sandbox, &document);
        criterion.bench_function(name, |b| {
            b.to_async(runtime).iter(|| async {
                let mut instance = sandbox.instantiate(&program).await.unwrap();
                let (progress, _) = instance.tick(&around, &start, u32::MAX).await.unwrap();
                assert!(matches!(progress, world::Progress::Completed(_)));
            });
        });
    }
    let nothing = told::load(sandbox, &flows::nothing());
    criterion.bench_function("a flow that does nothing: tick alone", |b| {
        b.iter_batched(
            || runtime.block_on(sandbox.instantiate(&nothing)).unwrap(),
            |mut instance| {
                black_box(runtime.block_on(instance.tick(&around, &start, 1000)).unwrap());
                instance
            },
            BatchSize::LargeInput,
        );
    });
}

fn guest(criterion: &mut Criterion, sandbox: &Sandbox, runtime: &Runtime) {
    let guest = include_bytes!("../../examples/guests/approve/approve.wasm");
    let begun = Instant::now();
    let program = sandbox.load(Digest::of(guest), guest, None).unwrap();
    eprintln!(
        "guest in Rust: component {} bytes, its native code {:?}",
        guest.len(),
        begun.elapsed()
    );
    let around = told::around();
    let begin = world::Event::Start(world::Start {
        entry: "start".into(),
        input: r#"{"prompt":"Invite everybody"}"#.into(),
    });
    criterion.bench_function("guest in Rust: instantiate + start to the first effect + drop", |b| {
        b.to_async(runtime).iter(|| async {
            let mut instance = sandbox.instantiate(&program).await.unwrap();
            let (progress, _) = instance.tick(&around, &begin, 1000).await.unwrap();
            assert!(matches!(progress, world::Progress::Blocked(_)));
        });
    });
}

/// A guest without snapshots is told its whole history: the example `tender` with a thousand suppliers, who answer one after another.
fn replay(criterion: &mut Criterion, sandbox: &Sandbox, runtime: &Runtime, around: &world::Around) {
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
