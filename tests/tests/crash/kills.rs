//! SIGKILL at random moments and at named points.

use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use flowgate_tests::crash::{Clients, Kind, Sum, tail};
use flowgate_tests::random::Random;
use flowgate_tests::{Faults, Server};

use super::options;

/// How often the server is killed; `FLOWGATE_CRASH_KILLS` asks for another number. With `--nocapture` it says how far it is.
const KILLS: usize = 200;
/// Deaths of one data directory. Then all its runs are judged and it goes, so that thousands of kills take no more room than hundreds.
const A_ROUND: usize = 250;
/// Clients that work at the same time.
const CLIENTS: usize = 6;
/// How long the server may take to come to the point at which it is to die.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place in the server's work at which it dies by its own hand: what it does, to which file, and on which side of it.
struct Point {
    name: &'static str,
    rule: (&'static str, &'static str, &'static str),
    /// As many such operations pass at most before.
    skip: u64,
    /// It comes there when it is told to stop.
    stopping: bool,
}

const fn point(name: &'static str, rule: (&'static str, &'static str, &'static str), skip: u64) -> Point {
    Point {
        name,
        rule,
        skip,
        stopping: false,
    }
}

const fn stopping(name: &'static str, rule: (&'static str, &'static str, &'static str), skip: u64) -> Point {
    Point {
        stopping: true,
        ..point(name, rule, skip)
    }
}

const POINTS: &[Point] = &[
    point("before a commit is written", ("write", "-wal$", "die-before"), 40),
    point("within a commit, a page torn", ("write", "-wal$", "torn"), 40),
    point("before a commit is flushed", ("sync", "-wal$", "die-before"), 10),
    point(
        "after a commit, before it is acknowledged",
        ("sync", "-wal$", "die-after"),
        10,
    ),
    point("within an external effect", ("write", "/workspace/", "die-after"), 1),
    point("after a blob, before its name", ("sync", ".part$", "die-after"), 1),
    point("after a blob, before its row", ("rename", "/blobs/", "die-after"), 1),
    stopping("before a checkpoint writes", ("write", ".sqlite3$", "die-before"), 6),
    stopping("within a checkpoint, a page torn", ("write", ".sqlite3$", "torn"), 6),
    stopping("after a checkpoint is flushed", ("sync", ".sqlite3$", "die-after"), 0),
    stopping("before a checkpointed log is cut", ("truncate", "-wal$", "die-before"), 0),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_done_twice_when_the_server_is_killed() {
    let kills = match std::env::var("FLOWGATE_CRASH_KILLS") {
        Ok(text) => text.parse().expect("FLOWGATE_CRASH_KILLS is a number"),
        Err(_) => KILLS,
    };
    let mut random = Random::seeded();
    let (began, mut at_points, mut missed) = (Instant::now(), [0; POINTS.len()], 0);
    let rounds = kills.div_ceil(A_ROUND);
    for number in 0..rounds {
        let now = kills * number / rounds..kills * (number + 1) / rounds;
        let (count, done) = (now.len(), now.end);
        let sum = round(now, &mut random, &mut at_points, &mut missed).await;
        assert!(
            sum.runs > count && sum.frames > 0 && sum.files > 0,
            "hardly any load: {sum:?}"
        );
        eprintln!(
            "{done} of {kills} kills after {:?}; the last {count}: {sum:?}",
            began.elapsed()
        );
    }
    for (point, times) in POINTS.iter().zip(at_points) {
        eprintln!("{times:5} times {}", point.name);
        assert!(times > 0 || kills < 4 * POINTS.len(), "the server never died {}", point.name);
    }
    eprintln!("{kills} kills, {missed} of them not where they were to be");
}

/// Kills a server with a data directory of its own so many times, and judges what it has in the end.
async fn round(kills: Range<usize>, random: &mut Random, at_points: &mut [usize], missed: &mut usize) -> Sum {
    let faults = Faults::none();
    let mut server = options().faults(&faults).start().await;
    let clients = Clients::start(&server, CLIENTS, &Kind::ALL, random).await;
    for kill in kills {
        // Each second kill is at a point, in turn; the others may come while the server is still starting.
        let point = (kill % 2 == 1).then(|| kill / 2 % POINTS.len());
        if point.is_some() || !random.one_in(3) {
            ready(&mut server).await;
        }
        match point {
            None => {
                tokio::time::sleep(Duration::from_millis(random.between(0, 250))).await;
                server.kill().await;
            }
            Some(at) => {
                let point = &POINTS[at];
                tokio::time::sleep(Duration::from_millis(random.between(0, 80))).await;
                let (operation, place, fault) = point.rule;
                faults.set_after(operation, place, fault, random.between(0, point.skip));
                if point.stopping {
                    server.signal("TERM").await;
                }
                let died = server.dies(PATIENCE).await;
                match died && faults.hits() > 0 {
                    true => at_points[at] += 1,
                    false => *missed += 1,
                }
                if !died {
                    server.kill().await;
                }
                faults.clear();
            }
        }
        if random.one_in(4) {
            tear(&server, random);
        }
        server.respawn();
    }
    ready(&mut server).await;
    clients.finish(&server).await
}

/// Waits until the server answers. One that died while it was started is started again.
async fn ready(server: &mut Server) {
    if server.ready().await.is_err() {
        server.restart().await;
    }
}

/// What a torn write leaves behind the end of the write-ahead log: bytes that are no frame, or the beginning of one.
fn tear(server: &Server, random: &mut Random) {
    let log = server.data_dir().join("flowgate.sqlite3-wal");
    let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(&log) else {
        return;
    };
    let bytes: Vec<u8> = (0..random.between(1, 9000)).map(|_| random.number() as u8).collect();
    file.write_all(&bytes)
        .unwrap_or_else(|error| panic!("{error}\n{}", tail(&server.log())));
}
