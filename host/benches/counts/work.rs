//! What is counted: a flow's way from its document to its end, alone, and the commits of its run, alone and together.

use std::path::Path;
use std::sync::Arc;

use flowgate::effects::Handlers;
use flowgate::ids::{Digest, RunRef, TenantId};
use flowgate::journal::{Component, Handle};
use flowgate::record::RunStatus;
use flowgate::runner::{self, Catalog, Found, Runner};
use flowgate::sandbox::{Program, Sandbox, Settings};
use flowgate_compiler::Link;
use futures::future::{BoxFuture, join_all};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::meter::Meter;
use super::{flows, journal, sandbox};

/// Requests of the commits with many.
const GROUP: u64 = 64;

/// Ledger rows of a page.
const PAGE: u64 = 1000;

/// Does everything, in one thread as far as it can be: the threads of SQLite's connections are counted with it.
pub fn work(dir: &Path, counted: bool) {
    let meter = Meter::new(counted);
    let settings = Settings {
        reproducible: true,
        cache: Some(dir.join("native")),
        ..Settings::default()
    };
    let sandbox = Sandbox::new(settings).unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    compiling(&meter);
    ticking(&meter, &runtime(), &sandbox);
    committing(&meter, &runtime());
    running(&meter, &runtime(), &sandbox);
}

fn compiling(meter: &Meter) {
    let document = flows::twenty_nodes("twenty").to_string();
    meter.count("compile 20 nodes, JSON to component", 20, |_| {
        flows::compile_text(&document, Link::Shared);
    });
}

fn ticking(meter: &Meter, runtime: &Runtime, sandbox: &Sandbox) {
    let (around, start, answered) = (sandbox::around(), sandbox::start(), sandbox::answered());
    let twenty = sandbox::load(sandbox, &flows::twenty_nodes("twenty"));
    let snapshot = runtime.block_on(sandbox::snapshot(sandbox, &twenty));
    meter.count("activation: instance, restore, tick to the next effect", 200, |_| {
        runtime.block_on(async {
            let mut instance = sandbox.instantiate(&twenty).await.unwrap();
            instance.restore(&snapshot).await.unwrap().unwrap();
            instance.tick(&around, &answered, 1000).await.unwrap();
        });
    });
    meter.count("start: instance, tick to the first effect, snapshot", 200, |_| {
        runtime.block_on(async {
            let mut instance = sandbox.instantiate(&twenty).await.unwrap();
            instance.tick(&around, &start, 1000).await.unwrap();
            instance.snapshot().await.unwrap().unwrap();
        });
    });
    let whole = |program: &Program| {
        runtime.block_on(async {
            let mut instance = sandbox.instantiate(program).await.unwrap();
            instance.tick(&around, &start, 100_000).await.unwrap();
        });
    };
    let nothing = sandbox::load(sandbox, &flows::nothing());
    meter.count("a flow that does nothing, from start to end", 200, |_| whole(&nothing));
    let repeated = sandbox::load(sandbox, &flows::repeated(1000, false));
    meter.count("a loop of 1000 pure iterations", 4, |_| whole(&repeated));
}

fn committing(meter: &Meter, runtime: &Runtime) {
    let dir = tempfile::tempdir().unwrap();
    let handle = runtime.block_on(journal::open(dir.path()));
    runtime.block_on(async { journal::ignore_wakes(&handle) });
    let mut next = 0;
    let mut fresh = |count: u64| {
        let from = next;
        next += count;
        from
    };

    let times = 100;
    let first = fresh(meter.all(times));
    meter.count("commit: start of a run", times, |n| {
        runtime.block_on(journal::start(&handle, first + n));
    });

    let started = |first: u64, count: u64| -> Vec<RunRef> {
        let started = (first..first + count).map(|number| journal::start(&handle, number));
        runtime.block_on(join_all(started))
    };
    let (first, count) = (fresh(meter.all(times)), meter.all(times));
    let runs = started(first, count);
    meter.count("commit: six rows and the end of a run", times, |n| {
        let advance = journal::advance(runs[n as usize], first + n, (0, 6), journal::completed());
        runtime.block_on(handle.advance(advance)).unwrap();
    });

    let (first, count) = (fresh(meter.all(times)), meter.all(times));
    let runs = started(first, count);
    for (run, number) in runs.into_iter().zip(first..) {
        runtime.block_on(handle.advance(journal::asks(run, number))).unwrap();
    }
    meter.count("commit: answer to a run that waits", times, |n| {
        let command = journal::answer(&journal::run_id(first + n), first + n);
        assert!(runtime.block_on(handle.command(command)).unwrap().accepted);
    });

    let times = 4;
    let count = meter.all(times);
    let first = fresh(count * GROUP);
    meter.count("commit: starts of 64 runs", times, |n| {
        let starts = (0..GROUP).map(|of| journal::start(&handle, first + n * GROUP + of));
        runtime.block_on(join_all(starts));
    });
    let first = fresh(count * GROUP);
    let runs = started(first, count * GROUP);
    meter.count("commit: six rows and the end of each of 64 runs", times, |n| {
        let ends = (n * GROUP..(n + 1) * GROUP).map(|of| {
            let advance = journal::advance(runs[of as usize], first + of, (0, 6), journal::completed());
            handle.advance(advance)
        });
        for done in runtime.block_on(join_all(ends)) {
            done.unwrap();
        }
    });

    let number = fresh(1);
    let run = runtime.block_on(journal::start(&handle, number));
    let advance = journal::advance(run, number, (0, PAGE), journal::running());
    runtime.block_on(handle.advance(advance)).unwrap();
    let id = journal::run_id(number).as_str().into();
    meter.count("read: a page of 1000 ledger rows", 4, |_| {
        let page = runtime.block_on(handle.ledger(journal::TENANT, &id, 0, PAGE as u32)).unwrap();
        assert_eq!(page.next_after, PAGE);
    });
    runtime.block_on(handle.close()).unwrap();
}

/// Runs have no children here.
struct Nothing;

impl Catalog for Nothing {
    fn workflow<'a>(&'a self, _: TenantId, _: &'a str) -> BoxFuture<'a, Option<Arc<Found>>> {
        Box::pin(std::future::ready(None))
    }
}

fn running(meter: &Meter, runtime: &Runtime, sandbox: &Sandbox) {
    let dir = tempfile::tempdir().unwrap();
    let handle = runtime.block_on(journal::open(dir.path()));
    let settings = runner::Settings {
        seed: Some(7),
        ..runner::Settings::default()
    };
    let runner = Runner::start(
        settings,
        handle.clone(),
        sandbox.clone(),
        Arc::new(Nothing),
        Handlers::default(),
    );
    let runner = runtime.block_on(runner).unwrap();

    let keep = |document: &Value| {
        let bytes = flows::compile(document, Link::Shared);
        let digest = Digest::of(&bytes);
        let component = Component {
            digest,
            bytes: bytes.into(),
            runtime: None,
        };
        runtime.block_on(handle.put_component(journal::TENANT, component)).unwrap();
        digest
    };
    let (three, question) = (keep(&flows::three_messages()), keep(&flows::question()));
    let begin = async |component: Digest, number: u64, until: RunStatus| {
        let run = handle
            .start(journal::start_of(&journal::run_id(number), component))
            .await
            .unwrap()
            .run;
        follow(&handle, run, until).await;
        run
    };
    let times = 50;
    meter.count("run: three messages, followed from start to end", times, |n| {
        runtime.block_on(begin(three, n, RunStatus::Completed));
    });
    let first = meter.all(times);
    meter.count("run: a question and its answer, followed from start to end", times, |n| {
        runtime.block_on(async {
            let run = begin(question, first + n, RunStatus::Waiting).await;
            let command = journal::answer(&journal::run_id(first + n), n);
            assert!(handle.command(command).await.unwrap().accepted);
            follow(&handle, run, RunStatus::Completed).await;
        });
    });
    runtime.block_on(runner.stop());
    runtime.block_on(handle.close()).unwrap();
}

/// Reads a run's ledger along, as a stream does, until the run stands where it should.
async fn follow(handle: &Handle, run: RunRef, until: RunStatus) {
    let mut news = handle.subscribe(run);
    let mut after = 0;
    loop {
        let tail = handle.tail(&news, after).await.unwrap();
        after += tail.rows.len() as u64;
        if !tail.rows.is_empty() {
            continue;
        }
        if tail.status == until {
            return;
        }
        assert!(
            !tail.status.is_terminal() && news.changed().await,
            "the run has ended as {:?}",
            tail.status
        );
    }
}
