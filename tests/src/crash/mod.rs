//! A load of clients that keep notes of what a server acknowledged, and the judgement of what the server has at the end.
//!
//! The server may die, be stopped or refuse at any moment. A request that broke off or was answered with 503 is sent again, a command
//! under its own id as any careful client does; a start that broke off may have happened or not, but never twice. What was acknowledged is
//! noted, and [`judge`](Load::judge) compares every note with the ledgers.

pub mod flows;
mod judge;
mod work;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::random::{Random, unique};
use crate::{Gateway, Server};

pub use flows::{Kind, bundle};
pub use judge::check_steps;

/// How long everything may take to come to its end after the last trouble.
const AFTERMATH: Duration = Duration::from_secs(60);
/// Starts in one session.
const A_SESSION: usize = 40;

/// A run whose start was acknowledged.
#[derive(Debug, Clone)]
pub struct Note {
    pub run: String,
    pub kind: Kind,
    pub n: usize,
}

/// A file that was taken in.
#[derive(Debug)]
struct Attached {
    /// As the server refers to it.
    artifact: Value,
    bytes: Vec<u8>,
}

/// What all clients share.
pub struct Load {
    pub gateway: Gateway,
    /// The workspace of the server.
    workspace: PathBuf,
    next: AtomicUsize,
    stop: AtomicBool,
    /// What they run.
    kinds: &'static [Kind],
    started: Mutex<Vec<Note>>,
    attached: Mutex<Vec<Attached>>,
    /// Frames of streams that were compared with their ledgers.
    followed: AtomicUsize,
    /// When everything must have come to its end; set once the trouble is over.
    deadline: Mutex<Option<Instant>>,
}

/// A load at work.
pub struct Clients {
    pub load: Arc<Load>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// What was acknowledged and judged.
#[derive(Debug)]
pub struct Sum {
    pub runs: usize,
    pub rows: usize,
    pub files: usize,
    pub frames: usize,
    /// Calls of the outside that were made more than once.
    pub repeated: usize,
    /// Runs whose start nobody heard of.
    pub orphans: usize,
}

impl Clients {
    /// Installs the flows and sets this many clients to work, and one that follows streams. The server has a workspace.
    pub async fn start(server: &Server, clients: usize, kinds: &'static [Kind], random: &mut Random) -> Clients {
        let gateway = server.gateway();
        gateway.install(&bundle()).await;
        let load = Arc::new(Load {
            gateway,
            workspace: server.workspace(),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            kinds,
            started: Mutex::default(),
            attached: Mutex::default(),
            followed: AtomicUsize::new(0),
            deadline: Mutex::default(),
        });
        let mut tasks: Vec<_> = (0..clients)
            .map(|_| tokio::spawn(Arc::clone(&load).work(random.fork())))
            .collect();
        tasks.push(tokio::spawn(Arc::clone(&load).follow()));
        Clients { load, tasks }
    }

    /// The trouble is over: lets the clients see their runs to the end, and judges everything.
    pub async fn finish(self, server: &Server) -> Sum {
        self.load.stop.store(true, Ordering::Relaxed);
        *lock(&self.load.deadline) = Some(Instant::now() + AFTERMATH);
        for client in self.tasks {
            client
                .await
                .unwrap_or_else(|error| panic!("{error}\n{}", tail(&server.log())));
        }
        self.load.judge().await
    }
}

/// The end of a log that may be long.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    fn session(n: usize) -> String {
        format!("session-{}", n / A_SESSION)
    }

    /// Waits until this many more runs have been acknowledged.
    pub async fn more(&self, runs: usize) {
        let (begun, deadline) = (self.acknowledged(), Instant::now() + AFTERMATH);
        while self.acknowledged() < begun + runs {
            assert!(Instant::now() < deadline, "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs whose start was acknowledged by now.
    pub fn acknowledged(&self) -> usize {
        lock(&self.started).len()
    }

    /// The file that a run of [`Kind::File`] writes.
    fn file(&self, n: usize) -> PathBuf {
        self.workspace.join(flows::FILES).join(format!("{n}.txt"))
    }

    fn overdue(&self) -> bool {
        lock(&self.deadline).is_some_and(|deadline| Instant::now() > deadline)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn pause(&self, what: &str) {
        assert!(!self.overdue(), "{what}: the server does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Asks until the server answers; it may be down.
    async fn get(&self, path: &str) -> Value {
        loop {
            match self.gateway.try_get(path).await {
                Ok(reply) if reply.status != 503 => return reply.ok(),
                _ => self.pause(path).await,
            }
        }
    }

    /// Sends something until it is acknowledged, and gives the answer and how often it was sent.
    async fn post(&self, path: &str, body: &Value) -> (Value, usize) {
        for sent in 1.. {
            match self.gateway.try_post(path, body).await {
                Ok(reply) if reply.status != 503 => return (reply.ok(), sent),
                _ => self.pause(path).await,
            }
        }
        unreachable!("a client tries for ever")
    }

    /// Sends a command until it is acknowledged, always under one id.
    async fn command(&self, kind: &str, run: &str, payload: Value) {
        let body = json!({"command_id": unique(), "run_id": run, "type": kind, "payload": payload});
        let (receipt, sent) = self.post("/api/gateway/commands", &body).await;
        let fresh = receipt["accepted"] == true && receipt["duplicate"] == false;
        assert!(fresh || (sent > 1 && receipt["duplicate"] == true), "try {sent}: {receipt}");
    }

    async fn run(&self, run: &str) -> Value {
        self.get(&format!("/api/gateway/runs/{run}")).await
    }

    /// The whole ledger of a run. The pages say where they end, so a number that is missing is noticed.
    async fn ledger(&self, run: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let page = self
                .get(&format!("/api/gateway/runs/{run}/ledger?after={}&limit=500", rows.len()))
                .await;
            let items = page["items"].as_array().expect("items").clone();
            let full = items.len() == 500;
            rows.extend(items);
            assert_eq!(page["next_after"], json!(rows.len()), "the ledger of {run} has a gap");
            if !full {
                return rows;
            }
        }
    }

    async fn until(&self, note: &Note, done: impl Fn(&Value) -> bool) -> Value {
        loop {
            let run = self.run(&note.run).await;
            if done(&run) {
                return run;
            }
            let over = matches!(run["status"].as_str(), Some("failed" | "cancelled" | "completed"));
            assert!(!over, "{note:?}: {run}");
            assert!(!self.overdue(), "{note:?} does not get on: {run}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn until_waiting(&self, note: &Note, reason: &str) {
        self.until(note, |run| run["waiting"]["reason"] == reason).await;
    }
}
