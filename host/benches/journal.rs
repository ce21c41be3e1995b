//! What the journal takes, on a file, flushed with each commit: commits of one request and of many, and reading a ledger.
//!
//! `cargo bench --workspace --bench journal`; `TMPDIR` says on which disk.
#![allow(clippy::unwrap_used)] // A benchmark that cannot go on says so and ends.

#[path = "common/journal.rs"]
mod journal;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use flowgate::ids::RunRef;
use flowgate::journal::Handle;
use futures::future::join_all;
use tokio::runtime::Runtime;

/// Requests of the commits with many.
const GROUP: u64 = 64;

const PAGE: u64 = 1000;

/// Hands out numbers of runs that nobody has had.
struct Numbers(std::cell::Cell<u64>);

impl Numbers {
    fn take(&self, count: u64) -> u64 {
        let first = self.0.get();
        self.0.set(first + count);
        first
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .measurement_time(Duration::from_secs(3));
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.block_on(journal::open(dir.path()));
    runtime.block_on(async { journal::ignore_wakes(&handle) });
    let numbers = Numbers(std::cell::Cell::new(0));
    commits(&mut criterion, &runtime, &handle, &numbers, 1);
    commits(&mut criterion, &runtime, &handle, &numbers, GROUP);
    page(&mut criterion, &runtime, &handle, numbers.take(1));
    runtime.block_on(handle.close()).unwrap();
    criterion.final_summary();
}

/// Three kinds of commits, each with `group` requests at once. Runs that a commit needs are made before its time is taken.
fn commits(criterion: &mut Criterion, runtime: &Runtime, handle: &Handle, numbers: &Numbers, group: u64) {
    let mut benches = criterion.benchmark_group(format!("commit of {group}"));
    benches.throughput(Throughput::Elements(group));
    benches.bench_function("start of a run", |b| {
        b.iter_custom(|times| {
            timed(times, |_| {
                let first = numbers.take(group);
                runtime.block_on(starts(handle, first, group));
            })
        });
    });
    benches.bench_function("six rows and the end of a run", |b| {
        b.iter_custom(|times| {
            let first = numbers.take(times * group);
            let runs = runtime.block_on(starts(handle, first, times * group));
            timed(times, |n| {
                let ends = (n * group..(n + 1) * group).map(|of| {
                    let advance = journal::advance(runs[of as usize], first + of, (0, 6), journal::completed());
                    handle.advance(advance)
                });
                all(runtime.block_on(join_all(ends)));
            })
        });
    });
    benches.bench_function("answer to a run that waits", |b| {
        b.iter_custom(|times| {
            let first = numbers.take(times * group);
            let runs = runtime.block_on(starts(handle, first, times * group));
            let asked = runs
                .into_iter()
                .zip(first..)
                .map(|(run, number)| handle.advance(journal::asks(run, number)));
            all(runtime.block_on(join_all(asked)));
            timed(times, |n| {
                let answers = (first + n * group..first + (n + 1) * group).map(|number| {
                    let command = journal::answer(&journal::run_id(number), number);
                    handle.command(command)
                });
                all(runtime.block_on(join_all(answers)));
            })
        });
    });
    benches.finish();
}

async fn starts(handle: &Handle, first: u64, count: u64) -> Vec<RunRef> {
    join_all((first..first + count).map(|number| journal::start(handle, number))).await
}

fn all<T>(done: Vec<Result<T, flowgate::journal::Error>>) {
    done.into_iter().for_each(|one| drop(one.unwrap()));
}

fn timed(times: u64, mut work: impl FnMut(u64)) -> Duration {
    let begun = Instant::now();
    (0..times).for_each(&mut work);
    begun.elapsed()
}

/// A page of a ledger, as it goes into an answer.
fn page(criterion: &mut Criterion, runtime: &Runtime, handle: &Handle, number: u64) {
    let run = runtime.block_on(journal::start(handle, number));
    let rows = journal::advance(run, number, (0, PAGE), journal::running());
    runtime.block_on(handle.advance(rows)).unwrap();
    let id = journal::run_id(number).as_str().into();
    let mut benches = criterion.benchmark_group("read");
    benches.throughput(Throughput::Elements(PAGE));
    benches.bench_function("a page of 1000 ledger rows", |b| {
        b.to_async(runtime).iter(|| async {
            let page = handle.ledger(journal::TENANT, &id, 0, PAGE as u32).await.unwrap();
            assert_eq!(page.next_after, PAGE);
        });
    });
    benches.finish();
}
