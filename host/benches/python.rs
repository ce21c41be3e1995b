//! Code nodes in the sandbox beside CPython on the same machine: the same function, the same input, the best of several runs each.
//!
//! `cargo bench -p flowgate --bench python` (needs a `python3`; without one only the sandbox's times are printed)
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // A benchmark that cannot go on says so and ends.

#[path = "common/flows.rs"]
mod flows;
#[path = "common/sandbox.rs"]
mod told;

use std::process::Command;
use std::time::{Duration, Instant};

use flowgate::ids::Digest;
use flowgate::sandbox::{Program, Sandbox, Settings, world};
use flowgate_compiler::Link;
use serde_json::{Value, json};

const PROGRAMS: &[(&str, &str)] = &[
    ("arithmetic", include_str!("python/arithmetic.py")),
    ("strings", include_str!("python/strings.py")),
    ("dict_count", include_str!("python/dict_count.py")),
    ("sort_key", include_str!("python/sort_key.py")),
    ("comprehensions", include_str!("python/comprehensions.py")),
];

const ROUNDS: usize = 7;

fn main() {
    let sandbox = Sandbox::new(Settings {
        tick_fuel: u64::MAX / 2,
        tick_timeout: Duration::from_secs(600),
        ..Settings::default()
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    println!("{:<16} {:>12} {:>12} {:>8}", "program", "sandbox ms", "CPython ms", "ratio");
    for (name, source) in PROGRAMS {
        let program = told::load(&sandbox, &flows::code(source));
        let (took, output) = (0..ROUNDS)
            .map(|_| run(&runtime, &sandbox, &program, json!({})))
            .min_by_key(|(took, _)| *took)
            .unwrap();
        match cpython(source) {
            Some((theirs, expected)) => {
                assert_eq!(output["output"], expected, "{name}: the answers differ");
                println!(
                    "{name:<16} {:>12.2} {:>12.2} {:>8.2}",
                    millis(took),
                    millis(theirs),
                    theirs.as_secs_f64() / took.as_secs_f64()
                );
            }
            None => println!("{name:<16} {:>12.2} {:>12} {:>8}", millis(took), "-", "-"),
        }
    }

    let document = flows::code(&hundred_lines(0));
    let compiled = (0..20)
        .map(|_| timed(|| flows::compile(&document, Link::Shared)))
        .min_by_key(|(took, _)| *took)
        .unwrap();
    let empty = (0..20)
        .map(|_| timed(|| flows::compile(&flows::code("def transform(_input):\n    return 1\n"), Link::Shared)))
        .min_by_key(|(took, _)| *took)
        .unwrap();
    println!(
        "\n100 lines of Python, document to component: {:.2} ms, of which {:.2} ms for any flow with a code node; {} bytes",
        millis(compiled.0),
        millis(empty.0),
        compiled.1.len()
    );
    // Each round has another component, since one that is known is not compiled again.
    let native = (0..ROUNDS)
        .map(|round| flows::compile(&flows::code(&hundred_lines(round + 1)), Link::Shared))
        .map(|component| timed(|| sandbox.load(Digest::of(&component), &component, None).unwrap()).0)
        .min()
        .unwrap();
    println!("its native code: {:.1} ms", millis(native));

    let calls = 10_000;
    let with = told::load(&sandbox, &flows::repeated(calls, true));
    let without = told::load(&sandbox, &flows::repeated(calls, false));
    let best = |program: &Program| {
        (0..ROUNDS)
            .map(|_| run(&runtime, &sandbox, program, json!({})).0)
            .min()
            .unwrap()
    };
    let (with, without) = (best(&with), best(&without));
    println!(
        "a code node in a loop: {:.2} µs a call more than a set_var there ({:.2} µs)",
        (with.as_secs_f64() - without.as_secs_f64()) * 1e6 / calls as f64,
        without.as_secs_f64() * 1e6 / calls as f64
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

/// One run of a flow that never waits: the time of its tick, and its output.
fn run(runtime: &tokio::runtime::Runtime, sandbox: &Sandbox, program: &Program, input: Value) -> (Duration, Value) {
    let around = told::around();
    let start = world::Event::Start(world::Start {
        entry: "start".into(),
        input: input.to_string(),
    });
    runtime.block_on(async {
        let mut instance = sandbox.instantiate(program).await.unwrap();
        let begun = Instant::now();
        let (progress, _) = instance.tick(&around, &start, u32::MAX).await.unwrap();
        let took = begun.elapsed();
        match progress {
            world::Progress::Completed(done) => (took, serde_json::from_str(&done.output).unwrap()),
            other => panic!("the flow did not complete: {other:?}"),
        }
    })
}

/// The best time of CPython for the same call, and its answer as JSON.
fn cpython(source: &str) -> Option<(Duration, Value)> {
    let script = format!(
        "import json, sys, time\nnamespace = {{}}\nexec(sys.argv[1], namespace)\nbest = None\nfor _ in range({ROUNDS}):\n    begun = \
         time.perf_counter()\n    result = namespace['transform']({{}})\n    took = time.perf_counter() - begun\n    best = took if best is None \
         else min(best, took)\nprint(json.dumps([best, result]))"
    );
    let output = Command::new("python3").args(["-c", &script, source]).output().ok()?;
    let parsed: (f64, Value) = serde_json::from_slice(&output.stdout).ok()?;
    Some((Duration::from_secs_f64(parsed.0), parsed.1))
}

/// A function of a hundred lines as people write them; another number makes another function.
fn hundred_lines(number: usize) -> String {
    let mut source =
        String::from("def transform(_input):\n    items = _input.get('items') or []\n    result = {}\n    total = 0\n");
    for part in 0..12 {
        source.push_str(&format!(
            "    found{part} = []\n    for item in items:\n        if isinstance(item, dict) and item.get('kind') == 'k{part}':\n            \
             found{part}.append(item['name'].strip().lower())\n            total += len(found{part}) * {part}\n        else:\n            \
             continue\n    result['k{part}'] = ', '.join(sorted(found{part}))\n"
        ));
    }
    source.push_str(&format!(
        "    return {{'result': result, 'total': total, 'number': {number}}}\n"
    ));
    source
}
