//! What it takes to get flows ready, and to keep them ready: uploads, a large flow, and the memory of flows that are loaded and idle.
//!
//! `cargo bench --workspace --bench loading`; `-- --flows N` for another number of flows.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A benchmark that cannot go on says so and ends.

#[path = "common/flows.rs"]
mod flows;
#[path = "common/journal.rs"]
mod journal;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowgate::api::workflows::Workflows as _;
use flowgate::bundles::{self, Registry};
use flowgate::ids::Digest;
use flowgate::sandbox::{Program, Sandbox, Settings};
use flowgate_compiler::Link;
use serde_json::json;

/// The argument with which this program starts itself to see what memory a process of its own needs.
const IDLE: &str = "--idle";

/// Stations of four nodes, and four nodes around them: 5000 in all.
const LARGE: usize = 1249;

const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => all(1000),
        ["--flows", number] => all(number.parse().unwrap()),
        [IDLE, dir, number] => idle(Path::new(dir), number.parse().unwrap()),
        _ => {
            eprintln!("the only argument there is: --flows NUMBER");
            std::process::exit(2);
        }
    }
}

fn all(number: usize) {
    let dir = tempfile::tempdir().unwrap();
    println!("| figure | measured |\n| --- | --- |");
    large();
    uploads(dir.path(), number.min(1000));
    let code = dir.path().join("native");
    std::fs::create_dir(&code).unwrap();
    // The first process makes the native code, the second finds it as a host does that starts again.
    let first = child(&code, number);
    let second = child(&code, number);
    println!("| native code of {number} flows of 20 nodes, on one thread | {} |", first.0);
    println!("| loading them from the code cache | {} |", second.0);
    println!("| memory of each, loaded and idle | {} |", second.1);
}

/// The best of several times.
fn best(mut work: impl FnMut(usize) -> Duration) -> f64 {
    (0..ROUNDS)
        .map(|round| work(round).as_secs_f64() * 1e3)
        .fold(f64::INFINITY, f64::min)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

fn large() {
    let document = flows::stations("large", LARGE).to_string();
    let component = best(|_| timed(|| flows::compile_text(&document, Link::Shared)).0);
    println!(
        "| 5000 nodes, {} KB of JSON, to a component | {component:.0} ms |",
        document.len() >> 10
    );
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    // Each round has another component, since one that is known is not compiled again.
    let native = best(|round| {
        let component = flows::compile(&flows::stations(&format!("large{round}"), LARGE), Link::Shared);
        timed(|| sandbox.load(Digest::of(&component), &component, None).unwrap()).0
    });
    println!("| its native code, on one thread | {native:.0} ms |");
}

/// Bundles of one flow each, uploaded one after another into a journal that flushes each commit.
fn uploads(dir: &Path, number: usize) {
    let files: Vec<Bytes> = (0..number).map(bundle).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let handle = journal::open(dir).await;
        let registry = Registry::open(handle.clone(), bundles::Options::default()).await.unwrap();
        let begun = Instant::now();
        for file in files {
            registry.upload(journal::TENANT, file, false).await.unwrap();
        }
        let took = begun.elapsed();
        handle.close().await.unwrap();
        took
    });
    println!(
        "| uploads of flows of 20 nodes, {number} one after another | {:.0}/s |",
        number as f64 / took.as_secs_f64()
    );
}

fn bundle(number: usize) -> Bytes {
    let (id, flow) = (format!("bundle{number}"), format!("flow{number}"));
    let path = format!("flows/{flow}.json");
    let manifest = json!({"bundle_format_version": "1", "bundle_id": id, "bundle_version": "1.0.0",
        "created_at": "2026-01-08T00:00:00+00:00",
        "entrypoints": [{"flow_id": flow, "name": flow, "description": "", "interfaces": []}],
        "flows": {flow.as_str(): path}, "artifacts": {}, "assets": {}, "metadata": {}});
    let document = flows::twenty_nodes(&flow).to_string();
    bundles::pack(&manifest.to_string(), &[(&path, document.as_bytes())])
        .unwrap()
        .into()
}

/// What a process of its own says of loading flows: how long it took, and what memory each of them needs.
fn child(code: &Path, number: usize) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg(IDLE).arg(code).arg(number.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (time, memory) = said.trim().split_once('\t').unwrap();
    (time.to_owned(), memory.to_owned())
}

fn idle(code: &Path, number: usize) {
    let settings = Settings {
        cache: Some(code.to_owned()),
        programs: number as u64,
        ..Settings::default()
    };
    let sandbox = Sandbox::new(settings).unwrap();
    let components: Vec<Vec<u8>> = (0..number)
        .map(|flow| flows::compile(&flows::twenty_nodes(&format!("flow{flow}")), Link::Shared))
        .collect();
    let load = |component: &Vec<u8>| sandbox.load(Digest::of(component), component, None).unwrap();
    // What is made once for all of them is there before the count.
    let other = load(&flows::compile(&flows::twenty_nodes("other"), Link::Shared));
    let before = memory();
    let (took, programs) = timed(|| components.iter().map(load).collect::<Vec<Arc<Program>>>());
    let after = memory();
    let each = |of: fn(&Memory) -> u64| (of(&after).saturating_sub(of(&before))) as f64 / number as f64;
    println!(
        "{:.2} s\t{:.1} KB, of which {:.1} KB are pages of files",
        took.as_secs_f64(),
        each(|memory| memory.anonymous + memory.file),
        each(|memory| memory.file)
    );
    drop((programs, other));
}

/// Resident memory of this process, in KB.
struct Memory {
    anonymous: u64,
    file: u64,
}

fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let of = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    };
    Memory {
        anonymous: of("RssAnon:"),
        file: of("RssFile:"),
    }
}
