//! A reader of server-sent events.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde_json::Value;

/// One frame of the stream, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    Event { id: Option<u64>, event: String, data: String },
    Comment(String),
}

/// An open ledger stream.
#[derive(Debug)]
pub struct Stream {
    pub headers: HeaderMap,
    body: Incoming,
    buffer: Vec<u8>,
    frames: VecDeque<Frame>,
}

/// Why no frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server closed the stream in order.
    Closed,
    /// The connection broke.
    Broken,
    /// Nothing came for as long as the caller would wait.
    Silent,
}

impl Stream {
    pub(crate) fn new(headers: HeaderMap, body: Incoming) -> Self {
        Stream {
            headers,
            body,
            buffer: Vec::new(),
            frames: VecDeque::new(),
        }
    }

    /// The next frame, comments included.
    pub async fn frame(&mut self, patience: Duration) -> Result<Frame, End> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            let chunk = tokio::time::timeout(patience, self.body.frame())
                .await
                .map_err(|_| End::Silent)?;
            match chunk {
                None => return Err(End::Closed),
                Some(Err(_)) => return Err(End::Broken),
                Some(Ok(chunk)) => self.take(chunk.data_ref().map_or(&[][..], |data| data)),
            }
        }
    }

    /// The next event, comments skipped.
    pub async fn event(&mut self, patience: Duration) -> Result<(Option<u64>, String, Value), End> {
        loop {
            if let Frame::Event { id, event, data } = self.frame(patience).await? {
                let data = serde_json::from_str(&data).unwrap_or_else(|error| panic!("data is not JSON ({error}): {data}"));
                return Ok((id, event, data));
            }
        }
    }

    /// Reads to the orderly end: the records in order, and the data of `done`.
    pub async fn to_end(mut self) -> (Vec<Value>, Value) {
        let mut records = Vec::new();
        let mut done = Value::Null;
        loop {
            match self.event(Duration::from_secs(20)).await {
                Ok((id, event, mut data)) if event == "step" => {
                    assert_eq!(data["cursor"].as_u64(), id, "the id of a frame is its cursor");
                    assert!(done.is_null(), "a step after done");
                    records.push(data["record"].take());
                }
                Ok((id, event, data)) => {
                    assert_eq!((id, event.as_str()), (None, "done"));
                    done = data;
                }
                Err(End::Closed) => return (records, done),
                Err(end) => panic!("the stream ends {end:?} after {} records", records.len()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("a stream is UTF-8");
            self.frames.push_back(parse(block.trim_end_matches('\n')));
        }
    }
}

fn parse(block: &str) -> Frame {
    let (mut id, mut event, mut data, mut comment) = (None, String::new(), String::new(), None);
    for line in block.lines() {
        match line.split_once(':') {
            Some(("", text)) => comment = Some(text.trim().to_owned()),
            Some(("id", text)) => id = Some(text.trim().parse().expect("an id is a number")),
            Some(("event", text)) => event = text.trim().to_owned(),
            Some(("data", text)) => data.push_str(text.trim_start()),
            _ => panic!("not a line of a stream: {line:?}"),
        }
    }
    match comment {
        Some(comment) if event.is_empty() && data.is_empty() => Frame::Comment(comment),
        _ => Frame::Event { id, event, data },
    }
}
