//! How fast it is. Run with `cargo test --release -p flowgate --lib journal::tests::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;

/// Small runs a second: each one start and one advance with eight rows, by 64 tasks at once, spread over so many tenants.
async fn small_runs(options: Options, load: bool, tenants: usize) {
    let path = options.path.clone();
    let (handle, service) = open(options).await.unwrap();
    if let Some(path) = path.filter(|_| tenants > 1) {
        let connect = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut conn = sqlx::ConnectOptions::connect(&connect).await.unwrap();
        let made = "WITH RECURSIVE n (n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                    INSERT INTO tenants (tenant, name) SELECT n, 'tenant ' || n FROM n";
        sqlx::query(made).bind(tenants as i64).execute(&mut conn).await.unwrap();
    }
    let service = tokio::spawn(service.run());
    let mut wakes = handle.wakes().unwrap();
    tokio::spawn(async move { while wakes.next().await.is_some() {} });
    let done = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let end = begin + Duration::from_secs(5);
    let mut tasks = Vec::new();
    for task in 0..64 {
        let (handle, done) = (handle.clone(), Arc::clone(&done));
        tasks.push(tokio::spawn(async move {
            for turn in 0.. {
                if Instant::now() > end {
                    break;
                }
                let id = RunId::fresh();
                let run = StartRun {
                    tenant: TenantId(((task + 64 * turn) % tenants) as i64 + 1),
                    ..start_run(id.as_str())
                };
                let started = handle.start(run).await.unwrap();
                if load {
                    handle.load(started.run).await.unwrap().unwrap();
                }
                let now = Clock::system().now();
                let rows: Vec<StepRecord> = (0..8).map(|n| step(id.as_str(), "say", now.plus(2 * n))).collect();
                let advance = Advance {
                    run: started.run,
                    run_id: id.clone(),
                    epoch: 0,
                    next_seq: 1,
                    rows,
                    ticks: vec![format!(
                        r#"{{"around":{{"now":"{}"}},"event":"start","effects":["a","b"],"rows":[1,8]}}"#,
                        now.iso()
                    )],
                    inbox_consumed: 0,
                    last_time: now.plus(20),
                    snapshot: None,
                    children: Vec::new(),
                    opened: Vec::new(),
                    abandoned: Vec::new(),
                    calls: Vec::new(),
                    emits: Vec::new(),
                    to: Position::Completed {
                        node: "end".to_owned(),
                        output: raw(r#"{"success":true}"#),
                    },
                };
                handle.advance(advance).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seconds = begin.elapsed().as_secs_f64();
    let runs = done.load(Ordering::Relaxed) as f64;
    let commits = handle.commits() as f64;
    println!(
        "{:.0} runs/s, {:.0} ledger rows/s, {:.0} commits/s, {:.1} requests and {:.0} ledger rows a commit",
        runs / seconds,
        8.0 * runs / seconds,
        commits / seconds,
        2.0 * runs / commits,
        8.0 * runs / commits
    );
    handle.close().await.unwrap();
    service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; takes twenty seconds"]
async fn small_runs_a_second() {
    for (name, synchronous) in [("full", Synchronous::Full), ("normal", Synchronous::Normal)] {
        for load in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            print!("{name}{}: ", if load { " with a load of each run" } else { "" });
            small_runs(
                Options {
                    path: Some(dir.path().join("j.sqlite3")),
                    synchronous,
                    ..Options::default()
                },
                load,
                1,
            )
            .await;
        }
    }
    print!("memory: ");
    small_runs(Options::default(), false, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; takes twenty seconds"]
async fn small_runs_a_second_over_tenants() {
    for tenants in [1, 10, 100, 1000] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            path: Some(dir.path().join("j.sqlite3")),
            ..Options::default()
        };
        print!("{tenants} tenants: ");
        small_runs(options, true, tenants).await;
    }
}
