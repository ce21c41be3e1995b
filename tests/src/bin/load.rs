//! `load`: drives a gateway of the contract and says how fast it is. Without `--url` it starts the release build of this workspace on an
//! empty directory with default settings, and says what the machine gives beside. `call` and `waiting` with paths drive other servers.
//!
//! `cargo run --release -p flowgate-tests --bin load -- [--url URL --token TOKEN] steps|call|waiting|ledger|streams|idle …`

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use flowgate_tests::load::{self, Asking, Call, Follow, Questions, Report, Target, Work};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Bundle, Flow, Options, Server, bundle, example, machine};
use serde_json::json;

#[derive(Debug, Parser)]
#[command(about = "Load for a gateway of the contract")]
struct Args {
    /// A gateway that runs already, as `http://host:port`; it must have the bundles that a workload starts. For `call` with a path
    #[arg(long, global = true)]
    url: Option<String>,
    /// Its token
    #[arg(long, global = true, default_value = TOKEN)]
    token: String,
    /// Its process, or one of its processes, for the figures of processor and memory
    #[arg(long, global = true)]
    pid: Vec<u32>,
    /// Where the own server is to make its data directory, or where the data of the one at `--url` lies; the disk is measured too
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    /// How clients learn that a run has ended: by the stream, or by asking every so many milliseconds
    #[arg(long, global = true, value_name = "MS")]
    poll: Option<u64>,
    /// Print all figures as one JSON object: times in microseconds, sizes in bytes, processor in percent of a core
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Runs of three steps from start to end
    Steps {
        #[command(flatten)]
        pace: Pace,
        #[arg(long, default_value = "hello")]
        bundle: String,
        #[arg(long, default_value = r#"{"name":"Ann"}"#)]
        input: String,
    },
    /// Requests to another kind of server; the answer to each is the end of a run
    Call {
        #[command(flatten)]
        pace: Pace,
        /// JSON
        #[arg(long, default_value = "{}")]
        body: String,
        /// `name: value`
        #[arg(long)]
        header: Vec<String>,
    },
    /// Runs that wait for a person: started, kept, there again after a kill, answered. With the four paths in another kind of server, where `{run}` stands for a
    /// run's name
    Waiting {
        #[arg(long, default_value_t = 2000)]
        count: usize,
        #[arg(long, default_value_t = 64)]
        clients: usize,
        #[arg(long, default_value = "asks")]
        bundle: String,
        /// Start them only, and leave them waiting
        #[arg(long)]
        leave: bool,
        #[command(flatten)]
        paths: Option<Paths>,
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
        /// Every two rows in a commit of their own
        #[arg(long)]
        separately: bool,
    },
    /// Nothing: what the server costs then
    Idle {
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

/// How much is asked for at a time.
#[derive(Debug, clap::Args)]
struct Pace {
    /// Closed loop: clients, each with one run at a time
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Open loop: runs a second, however many are open
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Runs that wait in a server that is no gateway.
#[derive(Debug, clap::Args)]
struct Paths {
    /// POST that accepts a run
    #[arg(long, required = false)]
    start: String,
    /// POST that answers `true` when the run waits
    #[arg(long, required = false)]
    asked: String,
    /// POST that answers the run's question
    #[arg(long, required = false)]
    answer: String,
    /// GET that is answered when the run has ended
    #[arg(long, required = false)]
    ended: String,
}

/// What is loaded: a server of our own, which ends with this, or another one.
struct Subject {
    target: Target,
    /// What the URL names beside host and port.
    path: String,
    pids: Vec<u32>,
    data: Option<PathBuf>,
    server: Option<Server>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let mut report = Report::new(args.json);
    let follow = args.poll.map_or(Follow::Stream, |ms| Follow::Poll(Duration::from_millis(ms)));
    let mut subject = subject(&args).await?;
    let machine = json!({"cores": machine::cores(), "client": machine::profile()});
    report.add("machine", machine, || {
        format!("{} cores, {} of the client", machine::cores(), machine::profile())
    });
    subject.disk("fdatasync_before", &mut report);
    match args.workload {
        Workload::Steps { pace, bundle, input } => {
            let work = Work::Run(subject.starts(&bundle, &input), follow);
            steps(&subject, &work, &pace, &mut report).await?;
        }
        Workload::Call { pace, body, header } => {
            let call = Call {
                address: subject.target.address,
                path: subject.path.clone(),
                headers: header,
                body,
            };
            steps(&subject, &Work::Call(call), &pace, &mut report).await?;
        }
        Workload::Waiting {
            count,
            clients,
            bundle,
            leave,
            paths,
        } => {
            let questions = match paths {
                Some(paths) => Questions::Plain(Asking {
                    address: subject.target.address,
                    start: paths.start,
                    asked: paths.asked,
                    answer: paths.answer,
                    ended: paths.ended,
                }),
                None => Questions::Gateway(subject.starts(&bundle, "{}")),
            };
            waiting(&mut subject, &questions, (count, clients, leave), &mut report).await?;
        }
        Workload::Ledger { rows, page } => ledger(&subject, rows, page, &mut report).await?,
        Workload::Streams {
            listeners,
            rows,
            separately,
        } => {
            let bundle = if separately { "emits" } else { "tells" };
            streams(&subject, bundle, (listeners, rows), &mut report).await?;
        }
        Workload::Idle { seconds } => {
            let meter = Meter::begin(&subject);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            meter.end(&subject, "idle", &mut report);
        }
    }
    subject.disk("fdatasync_after", &mut report);
    report.end();
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
        let url = url.strip_prefix("http://").unwrap_or(url);
        let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
        let address = host.to_socket_addrs()?.next();
        let address = address.ok_or_else(|| io::Error::other(format!("{host} has no address")))?;
        return Ok(Subject {
            target: target(address, &args.token),
            path: path.to_owned(),
            pids: args.pid.clone(),
            data: args.dir.clone(),
            server: None,
        });
    }
    // Many clients with a stream each, and what they start in a second, exceed the defaults; nothing else is changed.
    let mut options = Options::new()
        .env("FLOWGATE_LOG_LEVEL", "warn")
        .env("FLOWGATE_MAX_CONCURRENCY", 16_384)
        .env("FLOWGATE_MAX_SSE", 16_384)
        .env("FLOWGATE_STARTS_PER_SECOND", 100_000);
    if let Some(dir) = &args.dir {
        options = options.under(dir);
    }
    let server = options.start().await;
    let client = server.gateway();
    client.upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
    client.install(&asks()).await;
    client.install(&tells()).await;
    client.install(&emits()).await;
    Ok(Subject {
        target: target(server.address(), TOKEN),
        path: String::new(),
        pids: vec![server.pid()],
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
    writes("tells", |flow| {
        flow.say("write", "One more of many messages that a run may tell")
    })
}

/// The same with events, each of which is a commit of its own.
fn emits() -> Bundle {
    let data = json!({"pinDefaults": {"name": "one.more", "payload": {}}});
    writes("emits", |flow| {
        flow.node("write", "emit_event", &["name", "payload"], &["delivered"], data)
    })
}

fn writes(name: &str, write: impl FnOnce(Flow) -> Flow) -> Bundle {
    let flow = Flow::new(name).start(&["items"]).ask("ask", "Begin?", &[]).node(
        "each",
        "loop",
        &["items"],
        &["item", "index"],
        json!({}),
    );
    let flow = write(flow)
        .end("end", &[])
        .exec("start -> ask -> each")
        .exec("each.loop -> write")
        .exec("each.done -> end")
        .wire("start.items -> each.items");
    Bundle::new(name, "1.0.0").flow(flow)
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
        self.pids = vec![server.pid()];
        Some(began.elapsed())
    }

    /// Starts the flow that tells, which waits until it may begin.
    async fn teller(&self, bundle: &str, rows: u32) -> io::Result<(Target, String)> {
        let items: Vec<u32> = (0..rows / 2).collect();
        let target = self.starts(bundle, &json!({"items": items}).to_string());
        let (mut runs, _) = load::start(&Questions::Gateway(target.clone()), 1, 1).await?;
        let run = runs.pop().ok_or_else(|| io::Error::other("no run was started"))?;
        Ok((target, run))
    }

    /// What the disk takes for a synced write, if it is known where the data lies.
    fn disk(&self, name: &str, report: &mut Report) {
        if let Some(data) = &self.data {
            let times = machine::fsync(data);
            report.add(name, times.figures(), || {
                format!("data on {}; fdatasync of 4 KiB: {times}", machine::file_system(data))
            });
        }
    }

    fn busy(&self) -> Duration {
        self.pids.iter().map(|pid| machine::busy(*pid)).sum()
    }

    fn resident(&self) -> u64 {
        self.pids.iter().map(|pid| machine::resident(*pid)).sum()
    }
}

/// What a stretch of time costs the server.
struct Meter {
    began: Instant,
    /// Of the server, of this process.
    busy: (Duration, Duration),
    resident: u64,
    stored: Option<u64>,
}

impl Meter {
    fn begin(subject: &Subject) -> Self {
        Meter {
            began: Instant::now(),
            busy: (subject.busy(), machine::busy(std::process::id())),
            resident: subject.resident(),
            stored: subject.data.as_deref().map(machine::stored),
        }
    }

    /// Says what is known of the server: nothing of one whose process and data are not.
    fn end(&self, subject: &Subject, what: &str, report: &mut Report) {
        let took = self.began.elapsed().as_secs_f64();
        let name = what.replace(' ', "_");
        if !subject.pids.is_empty() {
            let share = |from: Duration, to: Duration| (to - from).as_secs_f64() / took * 100.0;
            let server = share(self.busy.0, subject.busy());
            let client = share(self.busy.1, machine::busy(std::process::id()));
            let resident = subject.resident();
            let figures = json!({
                "server": server, "client": client, "memory_before": self.resident, "memory_after": resident,
            });
            report.add(&name, figures, || {
                let megabytes = |bytes: u64| bytes as f64 / 1e6;
                format!(
                    "{what}: server {server:.2} % of a core, client {client:.2} %; memory {:.1} to {:.1} MB",
                    megabytes(self.resident),
                    megabytes(resident),
                )
            });
        }
        if let (Some(before), Some(data)) = (self.stored, &subject.data) {
            let more = machine::stored(data) as f64 - before as f64;
            report.add(&format!("{name}_disk"), json!(more), || {
                format!("{what}: {:.1} KB more on disk", more / 1e3)
            });
        }
    }
}

async fn steps(subject: &Subject, work: &Work, pace: &Pace, report: &mut Report) -> io::Result<()> {
    let time = Duration::from_secs(pace.seconds);
    // The first runs compile native code and fill the caches.
    let first = load::until(work, Instant::now() + Duration::from_secs(1)).await?;
    let alone = load::until(work, Instant::now() + time / 2).await?;
    report.add("one_client", alone.figures(), || format!("one client: {alone}"));
    let meter = Meter::begin(subject);
    let (times, done) = match pace.rate {
        Some(rate) => load::open(work, rate, time, 4096).await?,
        None => load::closed(work, pace.clients, time).await?,
    };
    report.add("load", times.figures(), || match pace.rate {
        Some(rate) => format!("{rate} runs/s asked for, {done:.0} runs/s done: {times}"),
        None => format!("{} clients, {done:.0} runs/s: {times}", pace.clients),
    });
    let all = first.count() + alone.count() + times.count();
    report.add("runs", json!({"all": all, "a_second": done}), || {
        format!("{all} runs, those before the load included")
    });
    meter.end(subject, "under load", report);
    Ok(())
}

/// `plan`: how many, over how many connections, and whether they are left waiting.
async fn waiting(
    subject: &mut Subject,
    questions: &Questions,
    plan: (usize, usize, bool),
    report: &mut Report,
) -> io::Result<()> {
    let (count, clients, leave) = plan;
    // The first runs compile native code and fill pools, which is no part of what a run that waits takes.
    let (first, _) = load::start(questions, clients, clients).await?;
    load::answer(questions, first, clients).await?;
    let meter = Meter::begin(subject);
    let (runs, started) = load::start(questions, count, clients).await?;
    let rate = |waited: load::Waited| json!({"count": waited.count, "a_second": waited.a_second()});
    report.add("starts", rate(started), || {
        format!("{count} starts, {:.0} a second", started.a_second())
    });
    meter.end(subject, "starting", report);
    if leave {
        report.add("left", json!(runs), || runs.join("\n"));
        return Ok(());
    }
    let idle = Meter::begin(subject);
    tokio::time::sleep(Duration::from_secs(5)).await;
    idle.end(subject, "waiting", report);
    if let Some(server) = &subject.server {
        let bytes = std::fs::metadata(server.data_dir().join("flowgate.sqlite3"))?.len();
        report.add("database", json!(bytes), || {
            format!("waiting: {:.2} KB of database a run", bytes as f64 / 1e3 / count as f64)
        });
    }
    if let Some(took) = subject.kill().await {
        let milliseconds = took.as_secs_f64() * 1e3;
        report.add("ready_after_kill", json!(milliseconds), || {
            format!("ready {milliseconds:.0} ms after a kill")
        });
    }
    let answering = Meter::begin(subject);
    let answered = load::answer(questions, runs, clients).await?;
    report.add("answers", rate(answered), || {
        format!("{count} resumes to completion, {:.0} a second", answered.a_second())
    });
    answering.end(subject, "answering", report);
    Ok(())
}

async fn ledger(subject: &Subject, rows: u32, page: u32, report: &mut Report) -> io::Result<()> {
    let (target, run) = subject.teller("tells", rows).await?;
    load::answer(&Questions::Gateway(target.clone()), vec![run.clone()], 1).await?;
    let meter = Meter::begin(subject);
    let pages = load::ledger(&target, &run, page, 10).await?;
    let seconds = pages.took.as_secs_f64();
    let (rows, bytes) = (pages.rows as f64 / seconds, pages.bytes as f64 / seconds);
    report.add("pages", json!({"rows_a_second": rows, "bytes_a_second": bytes}), || {
        format!("pages of {page}: {rows:.0} rows/s, {:.1} MB/s", bytes / 1e6)
    });
    meter.end(subject, "reading", report);
    Ok(())
}

async fn streams(subject: &Subject, bundle: &str, (listeners, rows): (usize, u32), report: &mut Report) -> io::Result<()> {
    for listeners in [1, listeners] {
        let (target, run) = subject.teller(bundle, rows).await?;
        let open = Meter::begin(subject);
        let listening = load::listen(&target, &run, listeners).await?;
        open.end(subject, &format!("{listeners} idle streams"), report);
        let meter = Meter::begin(subject);
        load::answer(&Questions::Gateway(target), vec![run], 1).await?;
        let bytes = listening.ended().await?;
        report.add(&format!("{listeners}_listeners"), json!({"bytes": bytes}), || {
            format!("{listeners} listeners got {:.1} MB", bytes as f64 / 1e6)
        });
        meter.end(subject, &format!("{rows} rows to {listeners} listeners"), report);
        if !subject.pids.is_empty() {
            let a_row = (subject.busy() - meter.busy.0).as_secs_f64() * 1e6 / f64::from(rows);
            let delivered = a_row / listeners as f64;
            report.add(&format!("{listeners}_listeners_microseconds_a_row"), json!(a_row), || {
                format!(
                    "{listeners} listeners: {a_row:.1} µs of the server's processor a row, {delivered:.3} µs a row and listener"
                )
            });
        }
    }
    Ok(())
}
