//! How the database is opened: the settings of its connections, and its schema brought up to date.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::super::options::{Options, Synchronous};
use super::super::types::Error;
use super::Answer;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Pages that the writer and a reader keep, in KiB. The file is not mapped: what is mapped counts as memory of the process, once for each
/// connection, and a read of a page that is not kept takes a microsecond.
const WRITER_CACHE: u32 = 32 << 10;
const READER_CACHE: u32 = 16 << 10;

/// How connections to this journal's database are made; `read_only` ones for reads.
pub(crate) fn connect_options(options: &Options, read_only: bool) -> SqliteConnectOptions {
    let base = SqliteConnectOptions::new()
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(512)
        .disable_statement_logging();
    match &options.path {
        None => base.in_memory(true),
        Some(path) => {
            let cache = if read_only { READER_CACHE } else { WRITER_CACHE };
            let base = base.filename(path).pragma("cache_size", format!("-{cache}"));
            if read_only {
                return base.read_only(true);
            }
            base.create_if_missing(true)
                .page_size(8192)
                .auto_vacuum(SqliteAutoVacuum::Incremental)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(match options.synchronous {
                    Synchronous::Full => SqliteSynchronous::Full,
                    Synchronous::Normal => SqliteSynchronous::Normal,
                })
                // The writer's `checkpoint` comes before that, unless it is kept from it.
                .pragma("wal_autocheckpoint", "32000")
                .pragma("journal_size_limit", "134217728")
        }
    }
}

/// Whether every migration of this host has been applied to a database; refuses one that a newer host has migrated.
pub(crate) async fn is_current(conn: &mut SqliteConnection) -> Answer<bool> {
    let known = MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0);
    let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
    if sqlx::query_scalar::<_, i64>(table).fetch_one(&mut *conn).await? == 0 {
        return Ok(false);
    }
    let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations")
        .fetch_all(&mut *conn)
        .await?;
    match applied.iter().max() {
        Some(found) if *found > known => Err(Error::Newer { found: *found, known }),
        _ => Ok(MIGRATOR.iter().all(|m| applied.contains(&m.version))),
    }
}

/// Brings a database up to date.
pub(super) async fn migrate(conn: &mut SqliteConnection) -> Answer<()> {
    is_current(conn).await?;
    MIGRATOR.run_direct(None, conn, false).await.map_err(sqlx::Error::from)?;
    Ok(())
}
