//! Requests as bytes over a connection of their own: for what a proper client does not send, or sends in its own time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lean::find;

const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub struct Raw(TcpStream);

/// An answer's head and what of the body came with it, or after it, until the answer was whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Empty when the header is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as JSON, or as a text where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| self.body.clone().into())
    }
}

impl Raw {
    pub async fn open(address: SocketAddr) -> Self {
        Raw(TcpStream::connect(address).await.expect("the server listens"))
    }

    /// Sends bytes; false when the server has hung up.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Sends a body in chunks of 10 000 bytes, without saying beforehand how long it is. Stops where the server hangs up.
    pub async fn send_chunked(&mut self, body: &[u8]) {
        for piece in body.chunks(10_000) {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            if !self.send(chunk).await {
                return;
            }
        }
        self.send(b"0\r\n\r\n").await;
    }

    /// Reads one answer with a declared length, or up to the end of the connection.
    pub async fn answer(&mut self) -> Answer {
        let read = tokio::time::timeout(PATIENCE, self.read());
        read.await.expect("an answer in time")
    }

    async fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                break at;
            }
            assert!(
                self.more(&mut bytes).await,
                "no whole head: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let split = |line: &str| {
            line.split_once(':')
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        };
        let mut answer = Answer {
            status: status.unwrap_or_else(|| panic!("no status line: {text}")),
            headers: lines.filter_map(split).collect(),
            body: String::new(),
        };
        let end = answer
            .header("content-length")
            .parse::<usize>()
            .map(|length| head + 4 + length);
        while end.as_ref().is_ok_and(|end| bytes.len() < *end) || end.is_err() {
            if !self.more(&mut bytes).await {
                break;
            }
        }
        answer.body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
        answer
    }

    /// False at the end of the connection.
    async fn more(&mut self, bytes: &mut Vec<u8>) -> bool {
        self.0.read_buf(bytes).await.is_ok_and(|read| read > 0)
    }
}
