//! `GET /runs/{run_id}/ledger/stream`: the ledger as server-sent events, from a cursor to the run's end.
//!
//! Woken by the journal's subscription, never by polling. The text of a row is made once, when it is committed, and the frames of a page of
//! rows are made once for all who are at the same row: each listener costs the write to its connection and little else. A slow reader
//! holds one page (64 KiB of rows), and whatever else it has missed is read from the journal when it comes to it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::body::one_line;
use super::openapi::{Expired, Invalid, NotFound, Refused, bodies};
use super::server::Closing;
use super::validate::{Query, text};
use super::{AppState, Error, PathOf, Principal, runs};
use crate::ids::{LedgerSeq, RunId};
use crate::journal::{self, Page, Subscription};
use crate::telemetry::metrics::{Counted, metrics};

/// The ledger as it grows, as server-sent events.
///
/// `event: step` with `{"cursor", "record"}` for each row (its `id` is the cursor), a comment as heartbeat, and `event: done` when
/// the run has ended. A reader that is so slow that rows expire before it has come to them gets `event: expired` with `{"run_id", "cursor",
/// "horizon"}` and nothing more. `after` or `Last-Event-ID`, whichever is further, continues a broken stream.
#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/ledger/stream",
    tag = "ledger",
    params(
        ("run_id" = String, Path),
        ("after" = inline(Option<bodies::AtLeast<0>>), Query, description = "Rows already read"),
        ("heartbeat_s" = Option<f64>, Query, exclusive_minimum = 0.1, maximum = 60.0, description = "Seconds of silence before a comment; 5"),
        ("Last-Event-ID" = Option<String>, Header),
    ),
    responses((status = 200, content_type = "text/event-stream", body = bodies::StreamEvent), NotFound, Expired, Invalid, Refused)
)]
pub async fn follow(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    closing: Option<Extension<Closing>>,
) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let after = query.int("after", 0, 0, i64::MAX);
    let heartbeat_s = query.float("heartbeat_s", 5.0, 0.1, 60.0);
    query.finish()?;
    let run_id = RunId::from(run_id);
    let at = runs::locate(&principal, &app, &run_id).await?;

    let last_event_id = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.trim().parse::<LedgerSeq>().ok());
    let cursor = LedgerSeq::try_from(after).unwrap_or(0).max(last_event_id.unwrap_or(0));
    let news = app.journal.subscribe(at);
    // The first rows, or that they have expired, are known before the answer begins.
    let rows = match app.journal.tail(&news, cursor).await {
        Ok(tail) => tail.rows,
        Err(journal::Error::Expired { horizon }) => {
            let run_id = run_id.to_string();
            return Err(Error::Expired { run_id, horizon });
        }
        // It was found by what memory knows of the newest runs.
        Err(journal::Error::UnknownRun(_)) => return Err(Error::unknown_run(run_id.as_str())),
        Err(error) => return Err(error.into()),
    };
    let mut follower = Follower {
        _open: Counted::new(&metrics().streams),
        news,
        journal: app.journal.clone(),
        run_id,
        cursor,
        first: None,
        heartbeat: Duration::from_secs_f64(heartbeat_s),
        closing: closing.map(|Extension(Closing(token))| token).unwrap_or_default(),
        done: false,
    };
    follower.first = follower.frames(&rows);
    drop(rows);
    let frames = futures::stream::unfold(follower, |mut follower| async {
        let frame = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), follower))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// One open stream. Owned by the body of its answer and gone with it.
struct Follower {
    _open: Counted,
    journal: journal::Handle,
    /// Says that there is something new; made before the first read, so that nothing is missed.
    news: Subscription,
    run_id: RunId,
    /// Rows sent (or skipped at the client's word) so far.
    cursor: LedgerSeq,
    /// The frames of the rows that were there at the beginning, until they are sent.
    first: Option<Bytes>,
    heartbeat: Duration,
    closing: CancellationToken,
    /// The run's end has been told, or that rows have expired.
    done: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while !self.done {
            let tail = match self.journal.tail(&self.news, self.cursor).await {
                Ok(tail) => tail,
                Err(journal::Error::Expired { horizon }) => {
                    self.done = true;
                    return Some(self.expired(horizon));
                }
                Err(error) => {
                    tracing::warn!(%error, run_id = %self.run_id, "a ledger stream broke off");
                    return None;
                }
            };
            if let Some(frames) = self.frames(&tail.rows) {
                return Some(frames);
            }
            if tail.status.is_terminal() {
                self.done = true;
                return Some(self.end());
            }
            tokio::select! {
                alive = self.news.changed() => if !alive { return None },
                () = self.closing.cancelled() => return None,
                () = tokio::time::sleep(self.heartbeat) => return Some(Bytes::from_static(b": keep-alive\n\n")),
            }
        }
        None
    }

    /// The frames of rows after the cursor, which is moved behind them; none of no rows.
    fn frames(&mut self, rows: &Page) -> Option<Bytes> {
        if rows.is_empty() {
            return None;
        }
        let frames = rows.told(|rows| written(self.cursor, rows));
        self.cursor += rows.len() as u64;
        Some(frames)
    }

    fn expired(&self, horizon: LedgerSeq) -> Bytes {
        let run_id = text(self.run_id.as_str());
        format!(
            "event: expired\ndata: {{\"run_id\": {run_id}, \"cursor\": {}, \"horizon\": {horizon}}}\n\n",
            self.cursor
        )
        .into()
    }

    fn end(&self) -> Bytes {
        let run_id = text(self.run_id.as_str());
        format!(
            "event: done\ndata: {{\"run_id\": {run_id}, \"cursor\": {}, \"status\": \"terminal\"}}\n\n",
            self.cursor
        )
        .into()
    }
}

/// The frames of rows after a cursor.
fn written(after: LedgerSeq, rows: &[Arc<str>]) -> Bytes {
    const FRAME: usize = 96;
    let mut frames = String::with_capacity(rows.iter().map(|row| row.len() + FRAME).sum());
    for (row, cursor) in rows.iter().zip(after + 1..) {
        let row = one_line(row);
        // Writing to a text cannot fail.
        let _ = write!(
            frames,
            "id: {cursor}\nevent: step\ndata: {{\"cursor\": {cursor}, \"record\": {row}}}\n\n"
        );
    }
    frames.into()
}
