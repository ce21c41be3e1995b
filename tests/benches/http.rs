//! The three-step flow (start, 3 × `answer_user`, end) over HTTP against the real server with its default durability.
//!
//! One client alone, then many at once: each posts a start, follows the ledger stream to `done`, and starts again. The time of a run is
//! from before the start request is sent until `done` has been read. Beside the figures stand what they depend on: the disk's own
//! time for a small synced write, measured in the same directory before and after, and what the server costs when nothing happens.
//!
//! `cargo bench -p flowgate-tests --bench http -- [--clients N] [--seconds N] [--idle-seconds N] [--dir DIR]`

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowgate_tests::lean::{Connection, find, request};
use flowgate_tests::server::TOKEN;
use flowgate_tests::{Options, bundle, example};
use tokio::task::JoinSet;

/// Ledger rows of one run.
const ROWS: u64 = 8;

struct Plan {
    clients: usize,
    load: Duration,
    idle: Duration,
    /// Whose disk is measured; the temporary directory when absent.
    dir: Option<PathBuf>,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Plan {
            clients: 64,
            load: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            dir: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            let number = |text: String| text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is not a number"));
            match arg.as_str() {
                "--clients" => plan.clients = number(value()) as usize,
                "--seconds" => plan.load = Duration::from_secs(number(value())),
                "--idle-seconds" => plan.idle = Duration::from_secs(number(value())),
                "--dir" => plan.dir = Some(value().into()),
                // Cargo says this to every benchmark.
                "--bench" => {}
                other => panic!("unknown option {other}"),
            }
        }
        plan
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let plan = Plan::from_args();
    let mut options = Options::new()
        .env("FLOWGATE_LOG_LEVEL", "warn")
        .env("FLOWGATE_MAX_CONCURRENCY", 1024)
        .env("FLOWGATE_MAX_SSE", 1024);
    if let Some(dir) = &plan.dir {
        options = options.under(dir);
    }
    let server = options.start().await;
    server.gateway().upload_file(&bundle::pack(&example("hello")), &[]).await.ok();
    let data = server.data_dir();
    println!(
        "{} cores, data on {}, {} of {}",
        cores(),
        file_system(&data),
        profile(),
        env!("CARGO_PKG_VERSION")
    );

    let before = fsync(&data);
    println!("fdatasync of 4 KiB      {before}");

    // The first runs compile native code and warm the caches.
    let worker = Client::connect(server.address()).await;
    let worker = drive(worker, Instant::now() + Duration::from_secs(1))
        .await
        .expect("the warm-up runs")
        .0;

    let idle = busy(server.pid());
    tokio::time::sleep(plan.idle).await;
    let idle = (busy(server.pid()) - idle).as_secs_f64() / plan.idle.as_secs_f64().max(1e-9);
    println!(
        "idle server             {:.2} % of a core over {} s",
        idle * 100.0,
        plan.idle.as_secs()
    );

    let (_, times) = drive(worker, Instant::now() + plan.load / 2).await.expect("one client");
    let alone = Spread::of(times);
    println!("one client, start→done  {alone}");

    let cpu = (busy(server.pid()), busy(std::process::id()));
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..plan.clients {
        let client = Client::connect(server.address()).await;
        clients.spawn(drive(client, began + plan.load));
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client.expect("a client lives").expect("a client gets its answers").1);
    }
    let took = began.elapsed().as_secs_f64();
    let rate = times.len() as f64 / took;
    let many = Spread::of(times);
    println!("{} clients, start→done  {many}", plan.clients);
    println!(
        "{} clients              {rate:.0} runs/s, {:.0} ledger rows/s",
        plan.clients,
        rate * ROWS as f64
    );
    let share = |from: Duration, pid| (busy(pid) - from).as_secs_f64() / took * 100.0;
    println!(
        "processor               server {:.0} %, clients {:.0} % of a core",
        share(cpu.0, server.pid()),
        share(cpu.1, std::process::id())
    );
    let after = fsync(&data);
    println!("fdatasync of 4 KiB      {after} (afterwards)");

    println!(
        "\n| clients | runs/s | p50 | p90 | p99 | one client p50 | fdatasync p50 | idle |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    println!(
        "| {} | {rate:.0} | {} | {} | {} | {} | {} – {} | {:.2} % |",
        plan.clients,
        ms(many.p50),
        ms(many.p90),
        ms(many.p99),
        ms(alone.p50),
        ms(before.p50),
        ms(after.p50),
        idle * 100.0
    );
}

/// One client: a connection and its prepared start request.
struct Client {
    connection: Connection,
    start: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let connection = Connection::open(address).await.expect("the server listens");
        let start = request(
            "POST",
            "/api/gateway/runs/start",
            TOKEN,
            r#"{"bundle_id":"hello","input_data":{"name":"Ann"}}"#,
        );
        Client { connection, start }
    }

    /// One run from its start to `done`.
    async fn run(&mut self) -> io::Result<()> {
        let (status, body) = self.connection.exchange(&self.start).await?;
        let id = run_id(body).filter(|_| status == 200);
        let id = id.ok_or_else(|| io::Error::other(format!("start: {status} {}", String::from_utf8_lossy(body))))?;
        let stream = request("GET", &format!("/api/gateway/runs/{id}/ledger/stream"), TOKEN, "");
        let (status, body) = self.connection.exchange(&stream).await?;
        if status != 200 || find(body, b"event: done").is_none() {
            return Err(io::Error::other(format!(
                "stream: {status} {}",
                String::from_utf8_lossy(body)
            )));
        }
        Ok(())
    }
}

fn run_id(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"run_id\"")?;
    rest.split('"').nth(1)
}

/// Runs until the deadline; answers the time of each run.
async fn drive(mut client: Client, deadline: Instant) -> io::Result<(Client, Vec<Duration>)> {
    let mut times = Vec::new();
    while Instant::now() < deadline {
        let began = Instant::now();
        client.run().await?;
        times.push(began.elapsed());
    }
    Ok((client, times))
}

/// Where the middle and the tail of a set of times lie.
#[derive(Clone, Copy)]
struct Spread {
    p50: Duration,
    p90: Duration,
    p99: Duration,
    count: usize,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            times
                .get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)))
                .copied()
                .unwrap_or_default()
        };
        Spread {
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            count: times.len(),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "p50 {}, p90 {}, p99 {} ({} times)",
            ms(self.p50),
            ms(self.p90),
            ms(self.p99),
            self.count
        )
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// What the disk itself takes: a small append, synced, as a commit does it.
fn fsync(dir: &Path) -> Spread {
    let path = dir.join("bench-fsync");
    let mut file = File::create(&path).expect("a file in the data directory");
    let block = [7_u8; 4096];
    let mut write = || {
        let began = Instant::now();
        file.write_all(&block)
            .and_then(|()| file.sync_data())
            .expect("the disk takes it");
        began.elapsed()
    };
    write();
    let times = (0..300).map(|_| write()).collect();
    std::fs::remove_file(&path).expect("the file goes");
    Spread::of(times)
}

/// Processor time that a process has used.
fn busy(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs, on Linux");
    // The name may hold spaces; after it come the state and ten numbers, then user and system time in hundredths of a second.
    let (_, rest) = stat.rsplit_once(')').expect("a stat line");
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "a debug build (the figures mean nothing)"
    } else {
        "a release build"
    }
}

/// Type of the file system on which a directory lies.
fn file_system(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let mount = mounts.filter(|(at, _)| dir.starts_with(at)).max_by_key(|(at, _)| at.len());
    mount.map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}
