//! What a client does again and again.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Call, Target, begin, has_status, refused};
use crate::lean::{Connection, find};

/// One run as its client sees it.
#[derive(Debug, Clone)]
pub enum Work {
    /// A run of a gateway: a start, and then whatever says that it has ended.
    Run(Target, Follow),
    /// One request, whose answer is the end of the run.
    Call(Call),
}

/// How a client learns that its run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// By the ledger stream's `done`.
    Stream,
    /// By asking for the run again and again, this long after each answer.
    Poll(Duration),
}

impl Work {
    pub fn address(&self) -> SocketAddr {
        match self {
            Work::Run(target, _) => target.address,
            Work::Call(call) => call.address,
        }
    }

    /// The request that begins a run, to be sent many times.
    pub(super) fn start(&self) -> Vec<u8> {
        match self {
            Work::Run(target, _) => target.start(),
            Work::Call(call) => call.request(),
        }
    }

    /// One run from its start to its end.
    pub(super) async fn run(&self, connection: &mut Connection, start: &[u8]) -> io::Result<()> {
        match self {
            Work::Run(target, follow) => {
                let id = begin(connection, start).await?;
                follow.to_end(target, connection, &id).await
            }
            Work::Call(_) => match connection.exchange(start).await? {
                (200..=299, _) => Ok(()),
                (status, body) => Err(refused("call", status, body)),
            },
        }
    }
}

impl Follow {
    async fn to_end(self, target: &Target, connection: &mut Connection, id: &str) -> io::Result<()> {
        match self {
            Follow::Stream => {
                let stream = target.page(id, "/ledger/stream");
                let (status, body) = connection.exchange(&stream).await?;
                let done = status == 200 && find(body, b"event: done").is_some();
                done.then_some(()).ok_or_else(|| refused("stream", status, body))
            }
            Follow::Poll(pause) => {
                let page = target.page(id, "");
                loop {
                    let (status, body) = connection.exchange(&page).await?;
                    if status != 200 || has_status(body, "failed") {
                        return Err(refused("run", status, body));
                    }
                    if has_status(body, "completed") {
                        return Ok(());
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}
