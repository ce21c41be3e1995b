//! Two runners on one database never advance the same run: one that is stopped keeps its runs, and one that has lost its lock ends when it
//! finds out, before it has moved anything.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use flowgate_tests::Server;
use flowgate_tests::crash::{Clients, Kind};
use flowgate_tests::random::Random;
use flowgate_tests::server::{TOKEN, command};
use serde_json::{Value, json};
use tokio::process::Child;

use super::options;

/// A `flowgate runner`.
struct Runner {
    child: Child,
    log: PathBuf,
}

impl Runner {
    fn start(server: &Server, name: &str, args: &[&str]) -> Runner {
        let log = server.data_dir().with_file_name(name);
        let file = std::fs::File::create(&log).expect("a log file");
        let mut command = command();
        command.arg("runner").args(args).arg("--data-dir").arg(server.data_dir());
        command.arg("--flows-dir").arg(server.data_dir().with_file_name("flows"));
        command.env("FLOWGATE_AUTH_TOKEN", TOKEN).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(file).spawn();
        Runner {
            child: child.expect("the runner starts"),
            log,
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has said this. False: it has ended.
    async fn says(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.log().contains(text) {
            if self.child.try_wait().expect("it can be waited for").is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "no {text:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = tokio::process::Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .await;
        assert!(sent.expect("kill runs").success(), "SIG{name} cannot be sent");
    }

    /// How it ends by itself.
    async fn end(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("it goes on: {}", self.log()))
            .expect("its status")
    }
}

const DRIVING: &str = "driving runs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_is_stopped_keeps_its_runs_until_it_ends() {
    let server = options().arg("--no-runner").start().await;
    let gateway = server.gateway();
    let mut first = Runner::start(&server, "first.log", &[]);
    assert!(first.says(DRIVING).await, "{}", first.log());
    let mut second = Runner::start(&server, "second.log", &["--standby"]);
    assert!(second.says("standing by").await, "{}", second.log());
    gateway.install(&flowgate_tests::crash::bundle()).await;
    let nap = json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 1}});
    let mut taken = None;
    for _ in 0..20 {
        first.signal("STOP").await;
        let reply = gateway.post("/api/gateway/runs/start", &nap).await;
        if reply.status != 503 {
            taken = Some(reply.ok());
            break;
        }
        // It was stopped within a commit, so that the database is locked: nothing can be stored then.
        first.signal("CONT").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What is taken now waits for its runner. The kernel keeps the lock of a process that is stopped, however long that is.
    let taken = taken.expect("a moment between two commits");
    let run = taken["run_id"].as_str().expect("a run").to_owned();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(gateway.get("/readyz").await.json()["runs"], "elsewhere");
    assert!(!second.log().contains(DRIVING), "{}", second.log());
    assert_eq!(gateway.ledger(&run).await, [] as [Value; 0]);
    first.signal("CONT").await;
    gateway.until_status(&run, "completed").await;
    // When it is gone, the next has its runs.
    let run = gateway.start_with(nap).await;
    first.child.kill().await.expect("it is killed");
    assert!(second.says(DRIVING).await, "{}", second.log());
    gateway.until_status(&run, "completed").await;
    assert_eq!(gateway.ledger(&run).await.len(), 4);
}

/// Work whose effects all are within the journal: what another process does outside of it cannot be taken back from there.
const KINDS: &[Kind] = &[
    Kind::Ask,
    Kind::Nap,
    Kind::Tree,
    Kind::Gate,
    Kind::Talk,
    Kind::Count,
    Kind::Schedule,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_has_lost_its_lock_moves_nothing_any_more() {
    let server = options().arg("--no-runner").start().await;
    let mut first = Runner::start(&server, "first.log", &[]);
    assert!(first.says(DRIVING).await, "{}", first.log());
    let clients = Clients::start(&server, 4, KINDS, &mut Random::seeded()).await;
    clients.load.more(20).await;

    // Stopped in the middle of its work, without its lock, while another takes over.
    let mut second = None;
    for attempt in 0..20 {
        first.signal("STOP").await;
        lose_lock(&server.data_dir());
        let mut next = Runner::start(&server, &format!("second-{attempt}.log"), &[]);
        if next.says(DRIVING).await {
            second = Some(next);
            break;
        }
        // It was stopped within a commit, so that the database is locked: nobody moves anything then.
        assert!(next.log().contains("database is locked"), "{}", next.log());
        first.signal("CONT").await;
        clients.load.more(2).await;
    }
    let mut second = second.expect("a moment between two commits");
    clients.load.more(20).await;
    first.signal("CONT").await;
    deposed(&mut first).await;
    clients.load.more(20).await;

    // And while both are at work.
    lose_lock(&server.data_dir());
    let mut third = Runner::start(&server, "third.log", &[]);
    assert!(third.says(DRIVING).await, "{}", third.log());
    deposed(&mut second).await;
    clients.load.more(20).await;
    let sum = clients.finish(&server).await;
    assert!(sum.runs > 80, "hardly any load: {sum:?}");
    eprintln!("three runners: {sum:?}");
    third.signal("TERM").await;
    assert!(third.end().await.success(), "{}", third.log());
}

async fn deposed(runner: &mut Runner) {
    let status = runner.end().await;
    let why = "another process drives the runs of this database now";
    assert!(!status.success() && runner.log().contains(why), "{status}: {}", runner.log());
}

/// The file is gone, and with it the lock that others see.
fn lose_lock(data_dir: &Path) {
    std::fs::remove_file(data_dir.join("gateway_runner.lock")).expect("the lock file");
}

#[tokio::test]
async fn a_server_that_has_lost_its_lock_ends() {
    let mut server = options().start().await;
    let gateway = server.gateway();
    gateway.install(&flowgate_tests::crash::bundle()).await;
    lose_lock(&server.data_dir());
    let mut other = Runner::start(&server, "other.log", &[]);
    assert!(other.says(DRIVING).await, "{}", other.log());
    let start = json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 1}});
    // It may have found out by itself already.
    if let Ok(told) = gateway.try_post("/api/gateway/runs/start", &start).await {
        told.refused(503, "The gateway is shutting down");
    }
    assert!(server.dies(Duration::from_secs(20)).await, "it goes on: {}", server.log());
    server.restart().await;
    assert_eq!(server.gateway().get("/readyz").await.json()["runs"], Value::from("elsewhere"));
}
