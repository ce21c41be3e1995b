//! Many listeners on one run.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Target;

/// Open streams.
#[derive(Debug)]
pub struct Listening {
    streams: JoinSet<io::Result<()>>,
    bytes: Arc<AtomicU64>,
}

/// Opens `listeners` ledger streams of a run and reads what comes. It answers when each has got its first bytes.
///
/// # Errors
/// A stream is refused.
pub async fn listen(target: &Target, run: &str, listeners: usize) -> io::Result<Listening> {
    let bytes = Arc::new(AtomicU64::new(0));
    let mut streams = JoinSet::new();
    for _ in 0..listeners {
        let mut stream = TcpStream::connect(target.address).await?;
        stream.write_all(&target.page(run, "/ledger/stream")).await?;
        let mut buffer = vec![0; 4096];
        let read = stream.read(&mut buffer).await?;
        if !buffer[..read].starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&buffer[..read]).into_owned()));
        }
        let bytes = bytes.clone();
        streams.spawn(async move {
            loop {
                let read = stream.read(&mut buffer).await?;
                bytes.fetch_add(read as u64, Ordering::Relaxed);
                // The connection may stay open after the last chunk.
                if read == 0 || buffer[..read].ends_with(b"0\r\n\r\n") {
                    return Ok(());
                }
            }
        });
    }
    Ok(Listening { streams, bytes })
}

impl Listening {
    /// Bytes that all of them have got so far, without their first ones.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Waits until the gateway has closed all of them.
    ///
    /// # Errors
    /// One of them was broken off.
    pub async fn ended(mut self) -> io::Result<u64> {
        while let Some(ended) = self.streams.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }
}
