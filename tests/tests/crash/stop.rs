//! A graceful stop under load: nothing is lost, nothing is left half done, and the write-ahead log is in the database.

use std::time::Duration;

use flowgate_tests::crash::{Clients, Kind, tail};
use flowgate_tests::random::Random;
use flowgate_tests::{Faults, Server};

use super::options;

/// Times that the server is stopped.
const STOPS: usize = 8;
/// Clients that work at the same time.
const CLIENTS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_leaves_nothing_half_done() {
    let mut random = Random::seeded();
    let mut server = options().start().await;
    let clients = Clients::start(&server, CLIENTS, &Kind::ALL, &mut random).await;
    for _ in 0..STOPS {
        clients.load.more(8).await;
        tokio::time::sleep(Duration::from_millis(random.between(0, 50))).await;
        let status = server.stop().await;
        assert!(status.success(), "{status}\n{}", tail(&server.log()));
        assert_eq!(log_bytes(&server), 0, "the log is not in the database");
        server.restart().await;
    }
    let sum = clients.finish(&server).await;
    assert!(sum.runs > 8 * STOPS, "hardly any load: {sum:?}");
    assert_eq!(sum.repeated, 0, "an effect was cut off: {sum:?}");
    eprintln!("{STOPS} stops; {sum:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_move_its_log_says_so_and_loses_nothing() {
    let faults = Faults::none();
    let mut server = options().faults(&faults).start().await;
    let clients = Clients::start(&server, CLIENTS, &Kind::ALL, &mut Random::seeded()).await;
    for fault in ["full", "broken"] {
        clients.load.more(10).await;
        faults.set("write", ".sqlite3$", fault);
        let status = server.stop().await;
        assert!(!status.success() && faults.hits() > 0, "{status}\n{}", tail(&server.log()));
        assert!(log_bytes(&server) > 0, "the log is gone");
        faults.clear();
        server.restart().await;
    }
    clients.finish(&server).await;
}

/// Bytes of the write-ahead log.
fn log_bytes(server: &Server) -> u64 {
    std::fs::metadata(server.data_dir().join("flowgate.sqlite3-wal")).map_or(0, |log| log.len())
}
