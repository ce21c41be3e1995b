//! A disk that is full, broken, busy or slow, and a clock that jumps: the server stops accepting what it cannot store, says so, goes on by itself,
//! and has lost nothing.

use std::time::{Duration, Instant};

use flowgate_tests::crash::{Clients, Kind, Sum, tail};
use flowgate_tests::random::Random;
use flowgate_tests::{Faults, Gateway, Server};
use serde_json::{Value, json};

use super::options;

/// Clients that work at the same time.
const CLIENTS: usize = 4;
/// What a client is told whose request cannot be stored.
const REFUSED: &str = "The gateway cannot store anything at the moment; try again later";

struct Rig {
    faults: Faults,
    server: Server,
    clients: Clients,
}

/// A server under load, behind faults.
async fn rig() -> Rig {
    let faults = Faults::none();
    let server = options().faults(&faults).start().await;
    let clients = Clients::start(&server, CLIENTS, &Kind::ALL, &mut Random::seeded()).await;
    clients.load.more(10).await;
    Rig { faults, server, clients }
}

impl Rig {
    fn gateway(&self) -> &Gateway {
        &self.clients.load.gateway
    }

    /// Waits until `/readyz` answers like that, and gives what it says.
    async fn until_ready(&self, status: u16) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let reply = self.gateway().get("/readyz").await;
            if reply.status == status {
                return reply.json();
            }
            assert!(
                Instant::now() < deadline,
                "{} {}\n{}",
                reply.status,
                reply.text(),
                tail(&self.server.log())
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The disk is well again: everything comes to its end. With a kill on the way what is there is what the disk has; without one nothing that
    /// the outside has done was done again.
    async fn recover(mut self, kill: bool) -> Sum {
        self.faults.clear();
        assert_eq!(self.until_ready(200).await["status"], "ready");
        self.clients.load.more(10).await;
        let log = self.server.log();
        assert!(
            log.contains("a commit failed") && log.contains("commits succeed again"),
            "{}",
            tail(&log)
        );
        if kill {
            self.server.kill().await;
            self.server.restart().await;
        }
        let sum = self.clients.finish(&self.server).await;
        assert!(kill || sum.repeated == 0, "an effect was repeated: {sum:?}");
        assert!(sum.runs >= 20, "hardly any load: {sum:?}");
        sum
    }
}

/// The disk does this to what is done there until it is well again.
async fn a_disk_that_is(fault: &str, operation: &str, place: &str, kill: bool) {
    let rig = rig().await;
    rig.faults.set(operation, place, fault);
    rig.faults.until_hit(1).await;
    let unwell = rig.until_ready(503).await;
    let reason = unwell["reason"].as_str().unwrap_or_default();
    let reasons = ["the journal cannot commit", "the journal does not answer"];
    assert!(reasons.contains(&reason), "{unwell}");
    // Nothing is acknowledged, and everything can be read.
    let before = rig.clients.load.acknowledged();
    let start = json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 0}});
    rig.gateway()
        .post("/api/gateway/runs/start", &start)
        .await
        .refused(503, REFUSED);
    let command = rig.gateway().command("cancel", "nobody", json!({})).await;
    command.refused(503, REFUSED);
    assert_eq!(command.header("retry-after"), "1");
    assert_eq!(rig.gateway().get("/api/gateway/runs?limit=5").await.status, 200);
    assert_eq!(
        rig.clients.load.acknowledged(),
        before,
        "{fault}: acknowledged and not stored"
    );
    assert!(rig.faults.hits() > 1, "it is not tried again");
    let sum = rig.recover(kill).await;
    eprintln!("{fault}: {sum:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_acceptance_and_nothing_else() {
    a_disk_that_is("full", "store", "/data/", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_stops_acceptance_and_nothing_else() {
    a_disk_that_is("broken", "write", "-wal$", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_flushed_stops_acceptance_and_nothing_else() {
    a_disk_that_is("broken", "sync", "-wal$", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_somebody_else_has_locked_stops_acceptance_and_nothing_else() {
    a_disk_that_is("busy", "lock", "-shm$", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_one_commit_only_costs_that_commit() {
    let rig = rig().await;
    for skip in 0..5 {
        rig.faults.set_after("sync", "-wal$", "broken", skip);
        rig.faults.until_hit(1).await;
        rig.faults.clear();
        rig.clients.load.more(5).await;
    }
    let sum = rig.recover(false).await;
    assert!(sum.runs > 40, "hardly any load: {sum:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_the_disk_does_not_take_is_refused_and_the_journal_goes_on() {
    let faults = Faults::none();
    let server = options().faults(&faults).start().await;
    let gateway = server.gateway();
    gateway.install(&flowgate_tests::crash::bundle()).await;
    faults.set("write", ".part$", "full");
    gateway.attach("s", "a.txt", b"text").await.refused(503, REFUSED);
    faults.set("sync", ".part$", "broken");
    gateway.attach("s", "a.txt", b"text").await.refused(503, REFUSED);
    let run = gateway
        .start_with(json!({"bundle_id": "load", "flow_id": "nap", "input_data": {"n": 1}}))
        .await;
    gateway.until_status(&run, "completed").await;
    faults.clear();
    gateway.attach("s", "a.txt", b"text").await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_is_waited_for_and_one_that_hangs_is_told() {
    let rig = rig().await;
    rig.faults.set("sync", "-wal$", "slow:200");
    rig.clients.load.more(15).await;
    assert_eq!(rig.until_ready(200).await["runs"], "here");
    rig.faults.set("sync", "-wal$", "slow:9000");
    let unwell = rig.until_ready(503).await;
    assert_eq!(unwell["reason"], "the journal does not answer");
    rig.faults.clear();
    rig.until_ready(200).await;
    let sum = rig.clients.finish(&rig.server).await;
    assert_eq!(sum.repeated, 0, "{sum:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_moves_no_run_back_and_wakes_every_sleeper() {
    let mut rig = rig().await;
    let jump = async |rig: &Rig, seconds: i64| {
        rig.faults.set("clock", "-", &seconds.to_string());
        rig.faults.until_hit(1).await;
        rig.clients.load.more(20).await;
    };
    jump(&rig, -86_400).await;
    jump(&rig, -600).await;
    rig.faults.clear();
    rig.server.kill().await;
    rig.server.restart().await;
    jump(&rig, 600).await;
    jump(&rig, -86_400).await;
    let sum = rig.clients.finish(&rig.server).await;
    assert!(sum.runs > 80, "hardly any load: {sum:?}");
}
