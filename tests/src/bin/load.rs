//! `load`: drives a gateway of the contract and says how fast it is. Without `--url` it starts the release build of this workspace on an
//! empty directory with default settings, and says what the machine gives beside.
//!
//! `cargo run --release -p flowgate-tests --bin load -- [--url URL --token TOKEN] steps|waiting|ledger|streams|idle …`

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use flowgate_tests::load::{self, Follow, Spread, Target};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Bundle, Flow, Options, Server, bundle, example, machine};
use serde_json::json;

#[derive(Debug, Parser)]
#[command(about = "Load for a gateway of the contract")]
struct Args {
    /// A gateway that runs already, as `http://host:port`; it must have the bundles that a workload starts
    #[arg(long, global = true)]
    url: Option<String>,
    /// Its token
    #[arg(long, global = true, default_value = TOKEN)]
    token: String,
    /// Its process, for the figures of processor and memory
    #[arg(long, global = true)]
    pid: Option<u32>,
    /// Where the own server's data lies; the disk is measured too
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    /// How clients learn that a run has ended: by the stream, or by asking every so many milliseconds
    #[arg(long, global = true, value_name = "MS")]
    poll: Option<u64>,
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Runs of three steps from start to end
    Steps {
        /// Closed loop: clients, each with one run at a time
        #[arg(long, default_value_t = 64)]
        clients: usize,
        /// Open loop: runs a second, however many are open
        #[arg(long)]
        rate: Option<f64>,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        #[arg(long, default_value = "hello")]
        bundle: String,
        #[arg(long, default_value = r#"{"name":"Ann"}"#)]
        input: String,
    },
    /// Runs that wait for a person: started, kept, there again after a kill, answered
    Waiting {
        #[arg(long, default_value_t = 2000)]
        count: usize,
        #[arg(long, default_value_t = 64)]
        clients: usize,
        #[arg(long, default_value = "asks")]
        bundle: String,
    },
    /// Reads a ledger of so many rows, page by page
    Ledger {
        #[arg(long, default_value_t = 20_000)]
        rows: u32,
        #[arg(long, default_value_t = 1000)]
        page: u32,
    },
    /// One run that writes so many rows, and listeners on it
    Streams {
        #[arg(long, default_value_t = 1000)]
        listeners: usize,
        #[arg(long, default_value_t = 2000)]
        rows: u32,
    },
    /// Nothing: what the server costs then
    Idle {
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

/// What is loaded: a server of our own, which ends with this, or another one.
struct Subject {
    target: Target,
    pid: Option<u32>,
    data: Option<PathBuf>,
    server: Option<Server>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let follow = args.poll.map_or(Follow::Stream, |ms| Follow::Poll(Duration::from_millis(ms)));
    let mut subject = subject(&args).await?;
    println!("{} cores, {} of the client", machine::cores(), machine::profile());
    if let Some(data) = &subject.data {
        println!(
            "data on {}; fdatasync of 4 KiB: {}",
            machine::file_system(data),
            machine::fsync(data)
        );
    }
    match args.workload {
        Workload::Steps {
            clients,
            rate,
            seconds,
            bundle,
            input,
        } => {
            let target = subject.starts(&bundle, &input);
            steps(&subject, &target, follow, (clients, rate), Duration::from_secs(seconds)).await?;
        }
        Workload::Waiting { count, clients, bundle } => waiting(&mut subject, (&bundle, count, clients)).await?,
        Workload::Ledger { rows, page } => ledger(&subject, rows, page).await?,
        Workload::Streams { listeners, rows } => streams(&subject, listeners, rows).await?,
        Workload::Idle { seconds } => {
            let meter = Meter::begin(&subject);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            meter.end(&subject, "idle");
        }
    }
    if let Some(data) = &subject.data {
        println!("fdatasync of 4 KiB afterwards: {}", machine::fsync(data));
    }
    Ok(())
}

async fn subject(args: &Args) -> io::Result<Subject> {
    let target = |address: SocketAddr, token: &str| Target {
        address,
        token: token.to_owned(),
        bundle: String::new(),
        input: String::new(),
    };
    if let Some(url) = &args.url {
        let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        let address = host.to_socket_addrs()?.next();
        let address = address.ok_or_else(|| io::Error::other(format!("{host} has no address")))?;
        return Ok(Subject {
            target: target(address, &args.token),
            pid: args.pid,
            data: None,
            server: None,
        });
    }
    // Many clients with a stream each exceed the defaults; nothing else is changed.
    let mut options = Options::new()
        .env("FLOWGATE_LOG_LEVEL", "warn")
        .env("FLOWGATE_MAX_CONCURRENCY", 16_384)
        .env("FLOWGATE_MAX_SSE", 16_384);
    if let Some(dir) = &args.dir {
        options = options.under(dir);
    }
    let server = options.start().await;
    let client = server.gateway();
    client.upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
    client.install(&asks()).await;
    client.install(&tells()).await;
    Ok(Subject {
        target: target(server.address(), TOKEN),
        pid: Some(server.pid()),
        data: Some(server.data_dir()),
        server: Some(server),
    })
}

/// A flow that asks and ends with the answer.
fn asks() -> Bundle {
    let flow = Flow::new("asks")
        .start(&[])
        .ask("ask", "Go on?", &["yes", "no"])
        .end("end", &["answer"])
        .exec("start -> ask -> end")
        .wire("ask.response -> end.answer");
    Bundle::new("asks", "1.0.0").flow(flow)
}

/// A flow that tells as many messages as its input has items; each is two rows.
fn tells() -> Bundle {
    let flow = Flow::new("tells")
        .start(&["items"])
        .ask("ask", "Begin?", &[])
        .node("each", "loop", &["items"], &["item", "index"], json!({}))
        .say("say", "One more of many messages that a run may tell")
        .end("end", &[])
        .exec("start -> ask -> each")
        .exec("each.loop -> say")
        .exec("each.done -> end")
        .wire("start.items -> each.items");
    Bundle::new("tells", "1.0.0").flow(flow)
}

impl Subject {
    fn starts(&self, bundle: &str, input: &str) -> Target {
        Target {
            bundle: bundle.to_owned(),
            input: input.to_owned(),
            ..self.target.clone()
        }
    }

    /// Kills the server and starts it again; how long it takes until it is ready. A server that is not ours is left alone.
    async fn kill(&mut self) -> Option<Duration> {
        let server = self.server.as_mut()?;
        server.kill().await;
        let began = Instant::now();
        server.restart().await;
        self.pid = Some(server.pid());
        Some(began.elapsed())
    }

    /// Starts the flow that tells, which waits until it may begin.
    async fn teller(&self, rows: u32) -> io::Result<(Target, String)> {
        let items: Vec<u32> = (0..rows / 2).collect();
        let target = self.starts("tells", &json!({"items": items}).to_string());
        let (mut runs, _) = load::start(&target, 1, 1).await?;
        let run = runs.pop().ok_or_else(|| io::Error::other("no run was started"))?;
        Ok((target, run))
    }
}

/// What a stretch of time costs the server.
struct Meter {
    began: Instant,
    busy: Option<(Duration, Duration)>,
    resident: Option<u64>,
    stored: Option<u64>,
}

impl Meter {
    fn begin(subject: &Subject) -> Self {
        Meter {
            began: Instant::now(),
            busy: subject.pid.map(|pid| (machine::busy(pid), machine::busy(std::process::id()))),
            resident: subject.pid.map(machine::resident),
            stored: subject.data.as_deref().map(machine::stored),
        }
    }

    /// Processor time of the server since the beginning.
    fn used(&self, subject: &Subject) -> Option<Duration> {
        let (pid, (before, _)) = subject.pid.zip(self.busy)?;
        Some(machine::busy(pid) - before)
    }

    fn end(&self, subject: &Subject, what: &str) {
        let took = self.began.elapsed().as_secs_f64();
        if let (Some(pid), Some((server, client)), Some(resident)) = (subject.pid, self.busy, self.resident) {
            let share = |from: Duration, pid| (machine::busy(pid) - from).as_secs_f64() / took * 100.0;
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            println!(
                "{what}: server {:.2} % of a core, client {:.2} %; memory {:.1} to {:.1} MB",
                share(server, pid),
                share(client, std::process::id()),
                megabytes(resident),
                megabytes(machine::resident(pid)),
            );
        }
        if let (Some(before), Some(data)) = (self.stored, &subject.data) {
            println!(
                "{what}: {:.1} KB more on disk",
                (machine::stored(data) as f64 - before as f64) / 1e3
            );
        }
    }
}

async fn steps(
    subject: &Subject,
    target: &Target,
    follow: Follow,
    (clients, rate): (usize, Option<f64>),
    time: Duration,
) -> io::Result<()> {
    // The first runs compile native code and fill the caches.
    load::until(target, follow, Instant::now() + Duration::from_secs(1)).await?;
    let alone = load::until(target, follow, Instant::now() + time / 2).await?;
    println!("one client: {alone}");
    let meter = Meter::begin(subject);
    let (times, done): (Spread, f64) = match rate {
        Some(rate) => load::open(target, follow, rate, time, 4096).await?,
        None => load::closed(target, follow, clients, time).await?,
    };
    match rate {
        Some(rate) => println!("{rate} runs/s asked for, {done:.0} runs/s done: {times}"),
        None => println!("{clients} clients, {done:.0} runs/s: {times}"),
    }
    meter.end(subject, "under load");
    Ok(())
}

async fn waiting(subject: &mut Subject, (bundle, count, clients): (&str, usize, usize)) -> io::Result<()> {
    let target = &subject.starts(bundle, "{}");
    // The first run compiles native code.
    let (first, _) = load::start(target, 1, 1).await?;
    load::answer(target, first, 1).await?;
    let meter = Meter::begin(subject);
    let (runs, started) = load::start(target, count, clients).await?;
    println!("{count} starts, {:.0} a second", started.a_second());
    meter.end(subject, "starting");
    let idle = Meter::begin(subject);
    tokio::time::sleep(Duration::from_secs(5)).await;
    idle.end(subject, "waiting");
    if let Some(data) = &subject.data {
        let database = data.join("flowgate.sqlite3");
        println!(
            "waiting: {:.2} KB of database a run",
            std::fs::metadata(database)?.len() as f64 / 1e3 / count as f64
        );
    }
    if let Some(took) = subject.kill().await {
        println!("ready {:.0} ms after a kill", took.as_secs_f64() * 1e3);
    }
    let answering = Meter::begin(subject);
    let answered = load::answer(target, runs, clients).await?;
    println!("{count} resumes to completion, {:.0} a second", answered.a_second());
    answering.end(subject, "answering");
    Ok(())
}

async fn ledger(subject: &Subject, rows: u32, page: u32) -> io::Result<()> {
    let (target, run) = subject.teller(rows).await?;
    load::answer(&target, vec![run.clone()], 1).await?;
    let meter = Meter::begin(subject);
    let pages = load::ledger(&target, &run, page, 10).await?;
    let seconds = pages.took.as_secs_f64();
    println!(
        "pages of {page}: {:.0} rows/s, {:.1} MB/s",
        pages.rows as f64 / seconds,
        pages.bytes as f64 / seconds / 1e6
    );
    meter.end(subject, "reading");
    Ok(())
}

async fn streams(subject: &Subject, listeners: usize, rows: u32) -> io::Result<()> {
    for listeners in [1, listeners] {
        let (target, run) = subject.teller(rows).await?;
        let open = Meter::begin(subject);
        let listening = load::listen(&target, &run, listeners).await?;
        open.end(subject, &format!("{listeners} idle streams"));
        let meter = Meter::begin(subject);
        load::answer(&target, vec![run], 1).await?;
        let bytes = listening.ended().await?;
        println!("{listeners} listeners got {:.1} MB", bytes as f64 / 1e6);
        meter.end(subject, &format!("{rows} rows to {listeners} listeners"));
        if let Some(used) = meter.used(subject) {
            let a_row = used.as_secs_f64() * 1e6 / f64::from(rows);
            let delivered = a_row / listeners as f64;
            println!(
                "{listeners} listeners: {a_row:.1} µs of the server's processor a row, {delivered:.3} µs a row and listener"
            );
        }
    }
    Ok(())
}
