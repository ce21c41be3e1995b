//! What stays flat as a gateway grows. Each measurement starts the release build on an empty directory with default settings, prints its
//! table, and leaves it as `NAME.csv` and `NAME.svg`.
//!
//! `cargo bench -p flowgate-tests --bench growth -- [steps|bundles|database|latency] [--full] [--out DIR] [--dir DIR]`
//!
//! Without a name all of them are made. `--full`: a million runs in the database (eight million ledger rows), runs of 100 000 steps and all
//! rates of load; without it each takes less than three minutes on two quiet cores.

mod table;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flowgate_tests::load::{self, Follow, Target, Work};
use flowgate_tests::machine::{self, busy, resident};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Bundle, Flow, Options, Server, bundle, example};
use serde_json::{Value, json};

use self::table::Table;

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(3);

const ALL: [&str; 4] = ["steps", "bundles", "database", "latency"];

struct Plan {
    names: Vec<String>,
    full: bool,
    out: PathBuf,
    /// Whose disk is used; the temporary directory when absent.
    dir: Option<PathBuf>,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Plan {
            names: Vec::new(),
            full: false,
            out: std::env::temp_dir().join("flowgate-growth"),
            dir: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--full" => plan.full = true,
                "--out" => plan.out = value().into(),
                "--dir" => plan.dir = Some(value().into()),
                // Cargo says this to every benchmark.
                "--bench" => {}
                name if ALL.contains(&name) => plan.names.push(arg),
                other => panic!("unknown option {other}"),
            }
        }
        if plan.names.is_empty() {
            plan.names = ALL.map(str::to_owned).to_vec();
        }
        plan
    }

    /// A server with the bundles that are started here. Many clients with a stream each, and what they start in a second, exceed its
    /// defaults.
    async fn server(&self) -> Server {
        let mut options = Options::new()
            .env("FLOWGATE_LOG_LEVEL", "warn")
            .env("FLOWGATE_MAX_CONCURRENCY", 16_384)
            .env("FLOWGATE_MAX_SSE", 16_384)
            .env("FLOWGATE_STARTS_PER_SECOND", 100_000)
            // A run of 100 000 steps leaves 200 000 rows without a wait, and computes as long.
            .env("FLOWGATE_ACTIVATION_FUEL", 1_000_000_000_000_u64)
            .env("FLOWGATE_ACTIVATION_MAX_ROWS", 1_000_000);
        if let Some(dir) = &self.dir {
            options = options.under(dir);
        }
        let server = options.start().await;
        let gateway = server.gateway();
        gateway.upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
        gateway.install(&counts()).await;
        server
    }

    fn save(&self, table: &Table, name: &str, title: &str) -> io::Result<()> {
        let title = format!("{title} ({} cores, {})", machine::cores(), machine::profile());
        table.save(&self.out, name, &title)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let plan = Plan::from_args();
    std::fs::create_dir_all(&plan.out)?;
    for name in &plan.names {
        println!("{name}: {} cores, {} of the client", machine::cores(), machine::profile());
        match name.as_str() {
            "steps" => steps(&plan).await?,
            "bundles" => bundles(&plan).await?,
            "database" => database(&plan).await?,
            _ => latency(&plan).await?,
        }
    }
    println!("{}", plan.out.display());
    Ok(())
}

/// A flow that tells as many messages as it is told; each is a step of two rows. A loop has 10 000 rounds at most, so there are two.
fn counts() -> Bundle {
    let zero = || json!({"pinDefaults": {"start": 0}});
    let flow = Flow::new("counts")
        .start(&["thousands", "steps"])
        .node("thousand", "for", &["start", "end"], &["i", "index"], zero())
        .node("each", "for", &["start", "end"], &["i", "index"], zero())
        .say("say", "One more of many messages that a run may tell")
        .end("end", &[])
        .exec("start -> thousand")
        .exec("thousand.loop -> each")
        .exec("each.loop -> say")
        .exec("thousand.done -> end")
        .wire("start.thousands -> thousand.end")
        .wire("start.steps -> each.end");
    Bundle::new("counts", "1.0.0").flow(flow)
}

fn target(server: &Server, bundle: &str, input: &str) -> Target {
    Target {
        address: server.address(),
        token: TOKEN.to_owned(),
        bundle: bundle.to_owned(),
        input: input.to_owned(),
    }
}

fn hello(server: &Server) -> Target {
    target(server, "hello", r#"{"name":"Ann"}"#)
}

/// The input of a run of so many steps.
fn input(steps: u32) -> Value {
    json!({"thousands": steps.div_ceil(1_000), "steps": steps.min(1_000)})
}

/// A run of so many steps, from its start to its end.
async fn run_of(server: &Server, steps: u32) -> String {
    let gateway = server.gateway();
    let run = gateway.start("counts", input(steps)).await;
    gateway.until_status(&run, "completed").await;
    run
}

/// Runs whose clients follow their streams.
fn streamed(target: &Target) -> Work {
    Work::Run(target.clone(), Follow::Stream)
}

/// What one client's runs cost: how many there were, how long each took at the median, and the server's processor time a run, both in µs.
async fn alone(server: &Server, work: &Work) -> io::Result<(u64, f64, f64)> {
    let before = busy(server.pid());
    let times = load::until(work, Instant::now() + TIME).await?;
    let used = busy(server.pid()) - before;
    Ok((times.count(), micros(times.at(0.5)), micros(used) / times.count() as f64))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The cost of a step over the steps of its run.
async fn steps(plan: &Plan) -> io::Result<()> {
    let server = plan.server().await;
    let most: u32 = if plan.full { 100_000 } else { 10_000 };
    let mut table = Table::new(&[
        "steps of a run",
        "runs measured",
        "µs a step",
        "µs of the server's processor a step",
        "memory of the server, MB",
    ]);
    let first = target(&server, "counts", &input(1).to_string());
    load::until(&streamed(&first), Instant::now() + Duration::from_secs(1)).await?;
    let (_, fixed, fixed_used) = alone(&server, &streamed(&first)).await?;
    println!("a run of one step: {fixed:.0} µs, {fixed_used:.0} µs of the server's processor; taken off below");
    for steps in [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|steps| *steps <= most) {
        let target = target(&server, "counts", &input(steps).to_string());
        // A long ledger is not read along: what is measured is the run.
        let follow = if steps < 1_000 {
            Follow::Stream
        } else {
            Follow::Poll(Duration::from_millis(5))
        };
        let (runs, time, used) = alone(&server, &Work::Run(target, follow)).await?;
        let run = run_of(&server, steps).await;
        let listed = server.gateway().get("/api/gateway/runs?limit=1").await.ok();
        assert_eq!(listed["items"][0]["run_id"], run);
        let rows = listed["items"][0]["ledger_len"].as_u64();
        assert!(rows > Some(2 * u64::from(steps)), "{rows:?} rows of a run of {steps} steps");
        let each = |all: f64, fixed: f64| (all - fixed).max(0.0) / f64::from(steps - 1);
        table.row(&[
            f64::from(steps),
            runs as f64,
            each(time, fixed),
            each(used, fixed_used),
            resident(server.pid()) as f64 / 1e6,
        ]);
    }
    plan.save(&table, "steps", "The cost of a step over the steps of its run")
}

/// Uploads, runs and start-up over the number of installed bundles.
async fn bundles(plan: &Plan) -> io::Result<()> {
    let mut server = plan.server().await;
    let mut table = Table::new(&[
        "bundles",
        "uploads a second",
        "median of a run, µs",
        "µs of the server's processor a run",
        "first run of a bundle, ms",
        "ready after a kill, ms",
        "memory of the server then, MB",
    ]);
    let mut installed = 0;
    for wanted in [1, 10, 100, 1_000, 10_000] {
        let (began, before) = (Instant::now(), installed);
        while installed < wanted {
            server.gateway().install(&small(installed)).await;
            installed += 1;
        }
        let uploads = f64::from(installed - before) / began.elapsed().as_secs_f64();
        let newest = target(&server, &format!("small-{}", installed - 1), "{}");
        let first = Instant::now();
        load::Client::connect(&streamed(&newest)).await?.run().await?;
        let first = micros(first.elapsed()) / 1e3;
        let (_, time, used) = alone(&server, &streamed(&hello(&server))).await?;
        server.kill().await;
        let down = Instant::now();
        server.restart().await;
        table.row(&[
            f64::from(installed),
            uploads,
            time,
            used,
            first,
            micros(down.elapsed()) / 1e3,
            resident(server.pid()) as f64 / 1e6,
        ]);
    }
    plan.save(
        &table,
        "bundles",
        "Uploads, runs and start-up over the number of installed bundles",
    )
}

/// A bundle like no other.
fn small(number: u32) -> Bundle {
    let id = format!("small-{number}");
    let flow = Flow::new("main")
        .start(&["name"])
        .say("one", &format!("This is {id}"))
        .say("two", "Hello, whoever you are")
        .say("three", "That is all")
        .end("end", &[])
        .exec("start -> one -> two -> three -> end");
    Bundle::new(&id, "1.0.0").flow(flow)
}

/// Throughput over the size of the database.
async fn database(plan: &Plan) -> io::Result<()> {
    const CLIENTS: usize = 64;
    const POINTS: u64 = 20;
    let server = plan.server().await;
    let target = hello(&server);
    load::until(&streamed(&target), Instant::now() + Duration::from_secs(1)).await?;
    let most: u64 = if plan.full { 1_000_000 } else { 100_000 };
    let mut table = Table::new(&[
        "runs in the database",
        "runs a second, 64 clients",
        "p50, ms",
        "p99, ms",
        "µs of the server's processor a run",
        "memory of the server, MB",
        "database, MB",
        "pages of 1000 rows a second",
    ]);
    let (mut runs, mut due) = (0, 1_000);
    while runs < most {
        let (began, before) = (runs, busy(server.pid()));
        let mut times = load::Spread::default();
        let started = Instant::now();
        while runs < due {
            let (some, _) = load::closed(&streamed(&target), CLIENTS, Duration::from_millis(500)).await?;
            runs += some.count();
            times.join(&some);
        }
        let used = micros(busy(server.pid()) - before) / (runs - began) as f64;
        let rate = times.count() as f64 / started.elapsed().as_secs_f64();
        let ms = |share| micros(times.at(share)) / 1e3;
        let database = std::fs::metadata(server.data_dir().join("flowgate.sqlite3"))?.len();
        table.row(&[
            runs as f64,
            rate,
            ms(0.5),
            ms(0.99),
            used,
            resident(server.pid()) as f64 / 1e6,
            database as f64 / 1e6,
            reads(&server).await?,
        ]);
        due = runs + most / POINTS;
    }
    plan.save(
        &table,
        "database",
        "Throughput over the runs in the database, eight ledger rows each",
    )
}

/// How many pages a second can be read of a ledger that has just been written.
async fn reads(server: &Server) -> io::Result<f64> {
    let run = run_of(server, 1_000).await;
    let pages = load::ledger(&hello(server), &run, 1_000, 20).await?;
    Ok(pages.rows as f64 / 1e3 / pages.took.as_secs_f64())
}

/// Latency over load: runs are started at a rate, whatever becomes of those before them.
async fn latency(plan: &Plan) -> io::Result<()> {
    let server = plan.server().await;
    let target = hello(&server);
    load::until(&streamed(&target), Instant::now() + Duration::from_secs(1)).await?;
    let mut table = Table::new(&[
        "runs a second asked for",
        "runs a second done",
        "p50, ms",
        "p90, ms",
        "p99, ms",
        "most, ms",
        "cores of the server",
    ]);
    let time = if plan.full {
        Duration::from_secs(20)
    } else {
        Duration::from_secs(6)
    };
    for rate in [250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000] {
        let rate = f64::from(rate);
        let (began, before) = (Instant::now(), busy(server.pid()));
        let (times, done) = load::open(&streamed(&target), rate, time, 4096).await?;
        let cores = (busy(server.pid()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
        let ms = |time: Duration| micros(time) / 1e3;
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| ms(times.at(share)));
        // What has fallen this far behind only falls further, and its times say nothing but how long it did.
        if done < rate * 0.9 {
            println!("{rate} runs a second are too many: {done:.0} were done with {cores:.2} cores");
            break;
        }
        table.row(&[rate, done, p50, p90, p99, ms(times.most()), cores]);
    }
    plan.save(&table, "latency", "The time of a run over load, open loop")
}
