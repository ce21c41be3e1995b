//! The SQLite store, opened for reading only.

use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _};

use super::Error;
use super::source::StoredCommand;

#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    conn: SqliteConnection,
}

impl Database {
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let conn = options
            .connect()
            .await
            .map_err(|e| Error::Source(format!("{}: {e}", path.display())))?;
        Ok(Database {
            path: path.to_owned(),
            conn,
        })
    }

    fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
        Error::Source(format!("{}: {error}", path.display()))
    }

    pub async fn run_ids(&mut self) -> Result<Vec<String>, Error> {
        let ids = sqlx::query_scalar("SELECT run_id FROM runs ORDER BY created_at, run_id");
        ids.fetch_all(&mut self.conn).await.map_err(|e| Self::failed(&self.path, e))
    }

    pub async fn run(&mut self, run_id: &str) -> Result<(String, Vec<String>), Error> {
        let run = sqlx::query_scalar("SELECT run_json FROM runs WHERE run_id = ?").bind(run_id);
        let run = run.fetch_one(&mut self.conn).await.map_err(|e| Self::failed(&self.path, e))?;
        let rows = sqlx::query_scalar("SELECT record_json FROM ledger WHERE run_id = ? ORDER BY seq").bind(run_id);
        let rows = rows
            .fetch_all(&mut self.conn)
            .await
            .map_err(|e| Self::failed(&self.path, e))?;
        Ok((run, rows))
    }

    pub async fn commands(&mut self) -> Result<Vec<StoredCommand>, Error> {
        let rows = sqlx::query("SELECT seq, command_id, run_id, type, payload_json, ts, client_id FROM commands ORDER BY seq");
        let rows = rows
            .fetch_all(&mut self.conn)
            .await
            .map_err(|e| Self::failed(&self.path, e))?;
        let parse = |row: &sqlx::sqlite::SqliteRow| -> Result<StoredCommand, Error> {
            let failed = |e: sqlx::Error| Self::failed(&self.path, e);
            let command_id: String = row.try_get("command_id").map_err(failed)?;
            let payload: String = row.try_get("payload_json").map_err(failed)?;
            let payload = RawValue::from_string(payload)
                .map_err(|e| Self::failed(&self.path, format!("payload of command {command_id}: {e}")))?;
            let seq: i64 = row.try_get("seq").map_err(failed)?;
            Ok(StoredCommand {
                seq: u64::try_from(seq).unwrap_or_default(),
                run_id: row.try_get("run_id").map_err(failed)?,
                kind: row.try_get("type").map_err(failed)?,
                ts: row.try_get("ts").map_err(failed)?,
                client_id: row.try_get("client_id").map_err(failed)?,
                command_id,
                payload,
            })
        };
        rows.iter().map(parse).collect()
    }

    pub async fn command_cursor(&mut self) -> Result<u64, Error> {
        let cursor = sqlx::query_scalar("SELECT cursor FROM command_cursors WHERE consumer_id = 'gateway_runner'");
        let cursor: Option<i64> = cursor
            .fetch_optional(&mut self.conn)
            .await
            .map_err(|e| Self::failed(&self.path, e))?;
        Ok(cursor.and_then(|cursor| u64::try_from(cursor).ok()).unwrap_or(0))
    }
}
