//! Ledger streams over real connections: many at once, cut off, and never read.

use std::time::{Duration, Instant};

use flowgate_tests::sse::{End, Stream};
use flowgate_tests::{Bundle, Flow, Gateway, Options, Server, server};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);

async fn install(gateway: &Gateway) {
    let ask = Flow::new("ask")
        .start(&[])
        .ask("ask", "Well?", &[])
        .end("end", &[])
        .exec("start -> ask -> end");
    let items: Vec<u32> = (0..100).collect();
    let long = Flow::new("long")
        .start(&[])
        .node("items", "literal_array", &[], &["value"], json!({"literalValue": items}))
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .say("say", &"long ".repeat(8000))
        .end("end", &[])
        .exec("start -> each")
        .exec("each.loop -> say")
        .exec("each.done -> end")
        .wire("items.value -> each.items");
    gateway.install(&Bundle::new("ask", "1.0.0").flow(ask)).await;
    gateway.install(&Bundle::new("long", "1.0.0").flow(long)).await;
}

#[tokio::test]
async fn every_one_of_many_streams_gets_every_row_once() {
    let mut server = Options::new().env("FLOWGATE_MAX_SSE", 300).start().await;
    let gateway = server.gateway();
    install(&gateway).await;
    let run = gateway.start("ask", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(gateway.stream(&run, "?heartbeat_s=60", None).await.expect("a stream"));
    }
    let refused = gateway.stream(&run, "", None).await.expect_err("no place is left");
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    gateway.answer(&run, "x").await.ok();
    gateway.until_status(&run, "completed").await;
    let ledger = gateway.ledger(&run).await;
    for stream in streams {
        let (records, done) = stream.to_end().await;
        assert_eq!(records, ledger);
        assert_eq!(done, json!({"run_id": run, "cursor": ledger.len(), "status": "terminal"}));
    }
    server.stop_and_replay().await;
}

#[tokio::test]
async fn a_connection_that_is_dropped_frees_its_place_before_the_next_heartbeat() {
    let server = Options::new().env("FLOWGATE_MAX_SSE", 1).start().await;
    let gateway = server.gateway();
    install(&gateway).await;
    let run = gateway.start("ask", json!({})).await;
    gateway.until_status(&run, "waiting").await;
    for _ in 0..3 {
        let stream = open(&gateway, &run).await;
        let second = gateway.stream(&run, "", None).await.expect_err("the only place is taken");
        assert_eq!(second.status, 429);
        drop(stream);
    }
    open(&gateway, &run).await;
}

/// A stream that is silent for a minute, as soon as there is a place for it.
async fn open(gateway: &Gateway, run: &str) -> Stream {
    let began = Instant::now();
    loop {
        match gateway.stream(run, "?after=9&heartbeat_s=60", None).await {
            Ok(mut stream) => {
                assert_eq!(stream.frame(Duration::from_millis(20)).await, Err(End::Silent));
                return stream;
            }
            Err(refused) => assert_eq!(refused.status, 429),
        }
        assert!(began.elapsed() < PATIENCE, "a stream that is gone keeps its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Memory of a process that is its own, in bytes.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process on Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .expect("RssAnon");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kB") * 1024
}

#[tokio::test]
async fn readers_that_never_read_hold_no_memory() {
    const READERS: usize = 60;
    let server = Options::new().env("FLOWGATE_MAX_SSE", READERS + 1).start().await;
    let gateway = server.gateway();
    install(&gateway).await;
    let run = gateway.start("long", json!({})).await;
    gateway.until_status(&run, "completed").await;
    let whole = async || gateway.stream(&run, "", None).await.expect("a stream").to_end().await.0;
    let ledger: Vec<Value> = whole().await;
    let size: usize = ledger.iter().map(|row| row.to_string().len()).sum();
    assert!(size > 10 << 20, "{size} bytes are not much");
    let before = memory(&server);

    let request = format!(
        "GET /api/gateway/runs/{run}/ledger/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        server::TOKEN
    );
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = TcpStream::connect(server.address()).await.expect("the server listens");
        reader.write_all(request.as_bytes()).await.expect("the request is sent");
        readers.push(reader);
    }
    // Whoever reads is served as before, and the others have had time to be given what they do not take.
    for _ in 0..3 {
        assert_eq!(whole().await, ledger);
    }
    let grown = memory(&server).saturating_sub(before);
    assert!(
        grown < (READERS * size / 8) as u64,
        "{READERS} streams of {size} bytes hold {grown} bytes"
    );
    drop(readers);
}
