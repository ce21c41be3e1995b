//! The ledger as a stream of events.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::{Method, Response};
use futures::StreamExt;
use tower::ServiceExt;

use super::{Gateway, request};

/// An open stream and what has come of it.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(gateway: &Gateway, path: &str, last_event_id: &str) -> Self {
        let request = request(Method::GET, path)
            .header("last-event-id", last_event_id)
            .body(axum::body::Body::empty())
            .unwrap();
        let response: Response<_> = gateway.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Stream {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// Reads until `frames` frames have come, or to the end.
    async fn read(&mut self, frames: usize) -> Vec<String> {
        let enough = async {
            while self.text.matches("\n\n").count() < frames
                && let Some(chunk) = self.body.next().await
            {
                self.text += std::str::from_utf8(&chunk.unwrap()).unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(5), enough)
            .await
            .expect("the stream does not go on");
        std::mem::take(&mut self.text)
            .split_terminator("\n\n")
            .map(str::to_owned)
            .collect()
    }
}

#[tokio::test]
async fn a_stream_follows_a_run_to_its_end() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    gateway.ask(&run).await;
    let mut stream = Stream::open(&gateway, &format!("/api/gateway/runs/{run}/ledger/stream"), "").await;
    let frames = stream.read(2).await;
    let lines: Vec<&str> = frames[0].lines().collect();
    assert_eq!(lines[..2], ["id: 1", "event: step"]);
    assert_eq!(lines.len(), 3, "{frames:?}");
    assert!(
        lines[2].starts_with(r#"data: {"cursor": 1, "record": {"run_id":"#),
        "{frames:?}"
    );
    assert!(frames[1].starts_with("id: 2\n"), "{frames:?}");

    let command =
        serde_json::json!({"command_id": "c", "run_id": run, "type": "resume", "payload": {"payload": {"response": "yes"}}});
    gateway.post("/api/gateway/commands", &command.to_string()).await;
    let resumed = stream.read(1).await;
    assert!(resumed[0].contains(r#""resumed":true"#), "{resumed:?}");

    gateway.complete(&run).await;
    let rest = stream.read(9).await;
    let done = format!("event: done\ndata: {{\"run_id\": \"{run}\", \"cursor\": 5, \"status\": \"terminal\"}}");
    assert_eq!((rest.len(), rest.last()), (3, Some(&done)));
}

#[tokio::test]
async fn a_stream_begins_after_the_later_of_its_two_cursors() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    gateway.ask(&run).await;
    let answer = serde_json::json!({"command_id": "c", "run_id": run, "type": "resume", "payload": {"payload": {}}});
    gateway.post("/api/gateway/commands", &answer.to_string()).await;
    gateway.complete(&run).await;
    for (after, last_event_id, first, frames) in [
        (0, "", "id: 1", 6),
        (3, "2", "id: 4", 3),
        (1, "4", "id: 5", 2),
        (9, "x", "event: done", 1),
    ] {
        let path = format!("/api/gateway/runs/{run}/ledger/stream?after={after}");
        let got = Stream::open(&gateway, &path, last_event_id).await.read(99).await;
        assert_eq!(
            (got.len(), got[0].lines().next()),
            (frames, Some(first)),
            "{after} {last_event_id}"
        );
        let cursor = after.max(5);
        assert!(
            got.last()
                .unwrap()
                .contains(&format!("\"cursor\": {cursor}, \"status\": \"terminal\"")),
            "{got:?}"
        );
    }
    gateway
        .get("/api/gateway/runs/none/ledger/stream")
        .await
        .refused(404, "Run 'none' not found");
}

#[tokio::test]
async fn silence_is_filled_with_comments_and_streams_are_counted() {
    let settings = crate::security::Settings {
        tokens: vec![super::TOKEN.into()],
        max_sse: 1,
        ..Default::default()
    };
    let gateway = Gateway::with(settings).await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let path = format!("/api/gateway/runs/{run}/ledger/stream?heartbeat_s=0.11");
    let mut stream = Stream::open(&gateway, &path, "").await;
    assert_eq!(stream.read(2).await, [": keep-alive", ": keep-alive"]);
    let second = gateway.get(&path).await;
    assert_eq!(second.header("retry-after"), "1");
    second.refused(429, "Too Many Requests (concurrency limit)");
    // Other requests have permits of their own, and a stream that is gone gives its own back.
    assert_eq!(gateway.get("/api/gateway/ping").await.status, 200);
    drop(stream);
    Stream::open(&gateway, &path, "").await;
}

#[tokio::test]
async fn a_thousand_streams_of_one_run_each_get_every_row_once() {
    let settings = crate::security::Settings {
        tokens: vec![super::TOKEN.into()],
        max_sse: 1000,
        ..Default::default()
    };
    let gateway = Gateway::with(settings).await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let path = format!("/api/gateway/runs/{run}/ledger/stream?heartbeat_s=60");
    let open_all = async || {
        let mut streams = Vec::new();
        for _ in 0..1000 {
            streams.push(Stream::open(&gateway, &path, "").await);
        }
        streams
    };
    drop(open_all().await);
    let mut streams = open_all().await;
    assert_eq!(gateway.get(&path).await.status, 429);
    gateway.ask(&run).await;
    for stream in &mut streams {
        let ids: Vec<String> = stream
            .read(2)
            .await
            .iter()
            .map(|frame| frame.lines().next().unwrap().to_owned())
            .collect();
        assert_eq!(ids, ["id: 1", "id: 2"]);
    }
    let cancel = serde_json::json!({"command_id": "c", "run_id": run, "type": "cancel"});
    gateway.post("/api/gateway/commands", &cancel.to_string()).await;
    for stream in &mut streams {
        let frames = stream.read(99).await;
        assert_eq!(frames.len(), 2);
        assert!(
            frames[0].starts_with("id: 3\n") && frames[1].starts_with("event: done\n"),
            "{frames:?}"
        );
    }
}

#[tokio::test]
async fn a_stopping_server_ends_its_streams() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(crate::api::serve(listener, gateway.router.clone(), None, async {
        let _ = stopped.await;
    }));
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /api/gateway/runs/{run}/ledger/stream?heartbeat_s=0.2 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        super::TOKEN
    );
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("keep-alive") {
        assert_ne!(connection.read_buf(&mut text).await.unwrap(), 0);
    }
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("streams keep the server up")
        .unwrap()
        .unwrap();
}
