//! The real server at full load for a long time, with a policy that lets runs expire: memory, log and database must come to a level and
//! stay there.
//!
//! Clients start the three-step flow and follow it to its end, again and again; one run lives for ever and is answered all the time. Every
//! few seconds a row of figures goes to `soak.csv`; at the end `soak.svg` shows them, and a soak of ten minutes or more fails if one of them
//! has grown from its second quarter to its last.
//!
//! `cargo bench -p flowgate-tests --bench soak -- [--minutes N] [--clients N] [--every SECONDS] [--keep SECONDS] [--out DIR] [--dir DIR]`

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flowgate_tests::load::{Client, Follow, Target, Work};
use flowgate_tests::machine::{self, busy, profile};
use flowgate_tests::plot::{self, Panel};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server, bundle, example};
use serde_json::json;
use tokio::task::JoinSet;

/// Rows that are kept of the run that lives for ever.
const MAX_ROWS: u64 = 1000;
/// How much a figure may grow from the second quarter to the last.
const GROWTH: f64 = 1.15;

struct Plan {
    length: Duration,
    clients: usize,
    every: Duration,
    /// How long finished runs and ids of commands are kept.
    keep: u64,
    out: PathBuf,
    /// Whose disk is used; the temporary directory when absent.
    dir: Option<PathBuf>,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Plan {
            length: Duration::from_secs(3600),
            clients: 64,
            every: Duration::from_secs(5),
            keep: 60,
            out: std::env::temp_dir().join("flowgate-soak"),
            dir: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            let number = |text: String| text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is not a number"));
            match arg.as_str() {
                "--minutes" => plan.length = Duration::from_secs(60 * number(value())),
                "--clients" => plan.clients = number(value()) as usize,
                "--every" => plan.every = Duration::from_secs(number(value()).max(1)),
                "--keep" => plan.keep = number(value()).max(1),
                "--out" => plan.out = value().into(),
                "--dir" => plan.dir = Some(value().into()),
                // Cargo says this to every benchmark.
                "--bench" => {}
                other => panic!("unknown option {other}"),
            }
        }
        plan
    }
}

/// What is measured at one moment; sizes in MiB.
#[derive(Debug, Clone, Copy)]
struct Sample {
    seconds: f64,
    runs_per_second: f64,
    memory: f64,
    log: f64,
    database: f64,
    /// Runs that are in the database, finished or not.
    kept: f64,
    /// Rows that are there of the run that lives for ever.
    ledger: f64,
    /// Cores that the server uses.
    cores: f64,
}

/// One of its figures.
type Figure = fn(&Sample) -> f64;

/// What the clients have done.
#[derive(Default)]
struct Tally {
    runs: AtomicU64,
    stop: AtomicBool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let plan = Plan::from_args();
    std::fs::create_dir_all(&plan.out).expect("a directory for the results");
    let mut options = Options::new()
        .env("FLOWGATE_LOG_LEVEL", "warn")
        .env("FLOWGATE_MAX_CONCURRENCY", 1024)
        .env("FLOWGATE_MAX_SSE", 1024)
        .env("FLOWGATE_FINISHED_AFTER", plan.keep)
        .env("FLOWGATE_COMMANDS_AFTER", plan.keep)
        .env("FLOWGATE_MAX_LEDGER_ROWS", MAX_ROWS)
        .env("FLOWGATE_RETENTION_INTERVAL", "5s");
    if let Some(dir) = &plan.dir {
        options = options.under(dir);
    }
    let server = options.start().await;
    let gateway = server.gateway();
    gateway.upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
    gateway.install(&Bundle::new("endless", "1.0.0").flow(endless())).await;
    let listener = gateway.start("endless", json!({})).await;

    let tally = Arc::new(Tally::default());
    let target = Target {
        address: server.address(),
        token: TOKEN.to_owned(),
        bundle: "hello".to_owned(),
        input: r#"{"name":"Ann"}"#.to_owned(),
    };
    let work = Work::Run(target, Follow::Stream);
    let mut clients = JoinSet::new();
    for _ in 0..plan.clients {
        let client = Client::connect(&work).await.expect("the server listens");
        clients.spawn(drive(client, Arc::clone(&tally)));
    }
    clients.spawn(answer(gateway.clone(), listener.clone(), Arc::clone(&tally)));

    let samples = watch(&plan, &server, &listener, (&tally, &mut clients)).await;
    tally.stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.expect("a client lives").expect("a client gets its answers");
    }
    let title = format!(
        "{} clients, {}, Flowgate {}",
        plan.clients,
        profile(),
        env!("CARGO_PKG_VERSION")
    );
    std::fs::write(plan.out.join("soak.svg"), picture(&samples, &title)).expect("the plot is written");
    println!(
        "{} runs; {}",
        tally.runs.load(Ordering::Relaxed),
        plan.out.join("soak.svg").display()
    );
    judge(&samples, plan.length >= Duration::from_secs(600));
}

/// The figures over time.
fn picture(samples: &[Sample], title: &str) -> String {
    let figures: [(&str, Figure); 7] = [
        ("runs a second", |s| s.runs_per_second),
        ("memory of the server, MiB", |s| s.memory),
        ("write-ahead log, MiB", |s| s.log),
        ("database, MiB", |s| s.database),
        ("runs kept", |s| s.kept),
        ("ledger rows of the run that lives for ever", |s| s.ledger),
        ("cores used by the server", |s| s.cores),
    ];
    let end = samples.last().map_or(1.0, |sample| sample.seconds).max(1.0);
    let panels = figures.map(|(name, of)| Panel {
        name: name.to_owned(),
        points: samples.iter().map(|sample| (sample.seconds / end, of(sample))).collect(),
    });
    plot::svg(title, ("0", &format!("{:.0} minutes", end / 60.0)), &panels)
}

/// Waits for an answer as good as for ever. A loop has 10 000 rounds at most, a quarter of an hour here, so there are two.
fn endless() -> Flow {
    let always = json!({"pinDefaults": {"condition": true}});
    Flow::new("endless")
        .start(&[])
        .node("always", "while", &["condition"], &["index"], always)
        .node(
            "often",
            "for",
            &["start", "end"],
            &["i", "index"],
            json!({"pinDefaults": {"start": 0, "end": 5000}}),
        )
        .ask("ask", "And now?", &[])
        .end("end", &[])
        .exec("start -> always")
        .exec("always.loop -> often")
        .exec("often.loop -> ask")
        .exec("always.done -> end")
}

async fn drive(mut client: Client, tally: Arc<Tally>) -> io::Result<()> {
    while !tally.stop.load(Ordering::Relaxed) {
        client.run().await?;
        tally.runs.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Answers the run that lives for ever, ten times a second.
async fn answer(gateway: Gateway, run: String, tally: Arc<Tally>) -> io::Result<()> {
    while !tally.stop.load(Ordering::Relaxed) {
        gateway.until_status(&run, "waiting").await;
        gateway.answer(&run, "on").await.ok();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Takes samples until the time is over. A client that fails ends everything.
async fn watch(
    plan: &Plan,
    server: &Server,
    listener: &str,
    (tally, clients): (&Tally, &mut JoinSet<io::Result<()>>),
) -> Vec<Sample> {
    let mut file = File::create(plan.out.join("soak.csv")).expect("a file for the figures");
    let head = "seconds,runs_per_second,memory_mib,log_mib,database_mib,runs_kept,ledger_rows,cores";
    writeln!(file, "{head}").expect("the disk takes it");
    let began = Instant::now();
    let (mut samples, mut last) = (Vec::new(), (Instant::now(), 0, busy(server.pid())));
    while began.elapsed() < plan.length {
        tokio::select! {
            () = tokio::time::sleep(plan.every) => {}
            Some(ended) = clients.join_next() => panic!("a client ended: {ended:?}\n{}", server.log()),
        }
        let now = (Instant::now(), tally.runs.load(Ordering::Relaxed), busy(server.pid()));
        let took = (now.0 - last.0).as_secs_f64();
        let run = server
            .gateway()
            .get("/api/gateway/runs?workflow_id=endless@1.0.0:endless")
            .await
            .ok();
        let run = run["items"]
            .as_array()
            .and_then(|items| items.iter().find(|item| item["run_id"] == *listener).cloned());
        let run = run.expect("the run that lives for ever");
        let sample = Sample {
            seconds: began.elapsed().as_secs_f64(),
            runs_per_second: (now.1 - last.1) as f64 / took,
            memory: memory(server.pid()),
            log: size(&server.data_dir().join("flowgate.sqlite3-wal")),
            database: size(&server.data_dir().join("flowgate.sqlite3")),
            kept: kept(&server.gateway()).await,
            ledger: (run["ledger_len"].as_f64().unwrap_or(0.0) + 1.0) - run["ledger_horizon"].as_f64().unwrap_or(1.0),
            cores: (now.2 - last.2).as_secs_f64() / took,
        };
        let Sample {
            seconds,
            runs_per_second,
            memory,
            log,
            database,
            kept,
            ledger,
            cores,
        } = sample;
        let line = format!("{seconds:.0},{runs_per_second:.0},{memory:.1},{log:.1},{database:.1},{kept},{ledger},{cores:.2}");
        writeln!(file, "{line}").expect("the disk takes it");
        samples.push(sample);
        last = now;
    }
    samples
}

/// Resident memory of a process in MiB.
fn memory(pid: u32) -> f64 {
    machine::resident(pid) as f64 / f64::from(1 << 20)
}

/// Size of a file in MiB; 0 if there is none.
fn size(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |file| file.len() as f64 / f64::from(1 << 20))
}

async fn kept(gateway: &Gateway) -> f64 {
    let metrics = gateway.get("/metrics").await.text();
    let runs = metrics.lines().filter(|line| line.starts_with("flowgate_runs{"));
    runs.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Whether the figures stay level. `fails`: a figure that does not ends the program.
fn judge(samples: &[Sample], fails: bool) {
    let figures: [(&str, Figure); 4] = [
        ("memory", |s| s.memory),
        ("log", |s| s.log),
        ("database", |s| s.database),
        ("runs kept", |s| s.kept),
    ];
    let quarter = samples.len() / 4;
    let mut grown = Vec::new();
    for (name, of) in figures {
        let median = |part: &[Sample]| {
            let mut values: Vec<f64> = part.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        let (second, last) = (median(&samples[quarter..2 * quarter]), median(&samples[3 * quarter..]));
        println!("{name:10} {second:10.1} in the second quarter, {last:10.1} in the last");
        if last > second * GROWTH + 1.0 {
            grown.push(name);
        }
    }
    assert!(grown.is_empty() || !fails, "grown: {grown:?}");
}
