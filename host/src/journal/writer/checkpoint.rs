//! Moves what was committed from the write-ahead log into the database, beside the commits.
//!
//! SQLite does that by itself at the end of the commit that makes the log long enough; whoever is in that commit, or comes behind it, waits for
//! all of it, and for its flush. Here a connection of its own copies what there is every now and then while rows are written. The log begins
//! again at its start when all of it is copied and nobody reads it; under load there is always something that is not copied yet, so when the log
//! is long and nearly copied, the writer sees to the rest between two commits. What SQLite does by itself stays as the last resort, for
//! a log that grows by other things than rows, or that a reader holds for long.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::task::JoinHandle;

/// Rows that are committed before a copy is worth its flush.
const ROWS: usize = 4000;
/// Pause from the beginning of a copy to that of the next.
const PAUSE: Duration = Duration::from_millis(250);
/// Pages of the log from which on it should begin again.
const LONG: i64 = 12_000;
/// Pages that the writer may have to copy for that.
const REST: i64 = 2_000;

/// The log after a copy, in pages.
#[derive(Debug, Clone, Copy)]
struct Log {
    pages: i64,
    copied: i64,
}

/// Copies, one at a time.
pub(super) struct Checkpoints {
    /// None: the database is in memory and has no log.
    connect: Option<SqliteConnectOptions>,
    idle: Option<SqliteConnection>,
    running: Option<JoinHandle<Option<(SqliteConnection, Log)>>>,
    began: Instant,
    /// Committed since the last copy began.
    rows: usize,
}

impl Checkpoints {
    pub fn new(connect: Option<SqliteConnectOptions>) -> Self {
        Checkpoints {
            connect,
            idle: None,
            running: None,
            began: Instant::now(),
            rows: 0,
        }
    }

    /// So many rows have been committed. True: the log is long and nearly copied.
    pub async fn committed(&mut self, rows: usize) -> bool {
        self.rows += rows;
        if let Some(ended) = self.running.take_if(|running| running.is_finished())
            && let Ok(Some((conn, log))) = ended.await
        {
            self.idle = Some(conn);
            if log.pages >= LONG && log.pages - log.copied <= REST {
                return true;
            }
        }
        if self.running.is_none()
            && self.rows >= ROWS
            && self.began.elapsed() >= PAUSE
            && let Some(connect) = self.connect.clone()
        {
            (self.rows, self.began) = (0, Instant::now());
            self.running = Some(tokio::spawn(copied(self.idle.take(), connect)));
        }
        false
    }

    /// Waits for the copy that is being made.
    pub async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.await);
        }
        self.idle = None;
    }
}

/// Copies what no reader keeps from being copied. None: it failed; the next one is made on a new connection.
async fn copied(idle: Option<SqliteConnection>, connect: SqliteConnectOptions) -> Option<(SqliteConnection, Log)> {
    let made = async {
        let mut conn = match idle {
            Some(conn) => conn,
            None => connect.connect().await?,
        };
        let (_busy, pages, copied): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut conn).await?;
        Ok::<_, sqlx::Error>((conn, Log { pages, copied }))
    };
    made.await
        .inspect_err(
            |error| tracing::warn!(%error, "the write-ahead log could not be moved into the database; it is tried again"),
        )
        .ok()
}
