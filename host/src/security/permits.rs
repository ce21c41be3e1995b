//! How many requests and streams are in work at one time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a request waits for a permit before it is refused.
const PATIENCE: Duration = Duration::from_millis(10);

/// Two pools, so that open streams never keep requests out.
#[derive(Debug)]
pub(super) struct Permits {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// Held as long as the request lives, its answer's last byte included.
pub(super) type Permit = OwnedSemaphorePermit;

impl Permits {
    pub(super) fn new(max_concurrency: usize, max_sse: usize) -> Self {
        let pool = |size: usize| Arc::new(Semaphore::new(size.clamp(1, Semaphore::MAX_PERMITS)));
        Permits {
            requests: pool(max_concurrency),
            streams: pool(max_sse),
        }
    }

    /// `None` when the pool of `path` stays full.
    pub(super) async fn acquire(&self, path: &str) -> Option<Permit> {
        let pool = if path.ends_with("/ledger/stream") {
            &self.streams
        } else {
            &self.requests
        };
        match Arc::clone(pool).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => tokio::time::timeout(PATIENCE, Arc::clone(pool).acquire_owned())
                .await
                .ok()?
                .ok(),
        }
    }
}

/// An answer's body that gives the permit back when it has been sent or dropped.
pub(super) fn holding(body: Body, permit: Permit) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Holding { body, _permit: permit })
}

struct Holding {
    body: Body,
    _permit: Permit,
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
