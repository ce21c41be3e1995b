//! An answer that is written piece by piece, for one that may be larger than memory should hold. A reader that does not read stops
//! the writing: what is held is a few pieces.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::error::json_text;
use crate::journal;

/// Bytes that are sent together.
const PIECE: usize = 32 * 1024;
/// Pieces that are ready and not yet taken.
const READY: usize = 2;

/// Why an answer broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the client is gone")]
    Gone,
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Takes the text of an answer.
pub struct Pieces {
    sender: mpsc::Sender<Result<Bytes, Broken>>,
    text: String,
}

impl Pieces {
    pub async fn put(&mut self, text: &str) -> Result<(), Broken> {
        self.text.push_str(text);
        if self.text.len() >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    /// A value as JSON.
    pub async fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Broken> {
        let text = serde_json::to_string(value)?;
        self.put(&text).await
    }

    async fn send(&mut self) -> Result<(), Broken> {
        let piece = Bytes::from(std::mem::take(&mut self.text));
        self.sender.send(Ok(piece)).await.map_err(|_| Broken::Gone)
    }
}

/// A JSON answer that `write` makes in a task of its own. When that fails the connection is broken off, so that the client does not
/// take what it has for all there is.
pub fn json_in_pieces<W, F>(write: W) -> Response
where
    W: FnOnce(Pieces) -> F + Send + 'static,
    F: Future<Output = Result<Pieces, Broken>> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(READY);
    let last = sender.clone();
    let text = String::new();
    tokio::spawn(async move {
        let done = match write(Pieces { sender, text }).await {
            Ok(mut pieces) => pieces.send().await,
            Err(broken) => Err(broken),
        };
        match done {
            Ok(()) | Err(Broken::Gone) => {}
            Err(broken) => {
                tracing::error!(error = %broken, "an answer broke off");
                let _gone = last.send(Err(broken)).await;
            }
        }
    });
    json_text(StatusCode::OK, Body::from_stream(ReceiverStream::new(pieces)))
}
