//! Reading a database that nobody, or another process, works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::mpsc;

use super::backup::backup;
use super::handle::{Handle, Shared};
use super::options::{Options, Role};
use super::scope::Reads;
use super::store::connect::{connect_options, is_current};
use super::store::sqlite::Sqlite;
use super::types::Error;

/// A journal without a writer: what is asked of its handle reads, or fails with [`Error::Closed`].
#[derive(Debug)]
pub struct Offline {
    pub handle: Handle,
    _copy: Option<TemporaryCopy>,
}

/// A copy of an older database, brought up to date. Removed when it is dropped.
#[derive(Debug)]
struct TemporaryCopy(PathBuf);

impl Drop for TemporaryCopy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "a copy of the database could not be removed");
        }
    }
}

impl Offline {
    /// Opens the database at `path` for reading; others may write it meanwhile. One that an older host has left is not touched either: it
    /// is copied to the temporary directory, and the copy is brought up to date.
    ///
    /// # Errors
    /// There is no database, [`Error::Newer`], or what the database says.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let mut conn = connect_options(&options(path), true).connect().await?;
        let current = is_current(&mut conn).await?;
        conn.close().await?;
        if current {
            return Ok(Offline {
                handle: reading(&options(path)).await?,
                _copy: None,
            });
        }
        let dir = std::env::temp_dir().join(format!("flowgate-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&dir).map_err(sqlx::Error::Io)?;
        let copy = TemporaryCopy(dir.clone());
        let newer = dir.join("flowgate.sqlite3");
        backup(path, &newer).await?;
        // Opening it to write brings it up to date.
        drop(Sqlite::open(&options(&newer)).await?);
        Ok(Offline {
            handle: reading(&options(&newer)).await?,
            _copy: Some(copy),
        })
    }
}

fn options(path: &Path) -> Options {
    Options {
        path: Some(path.to_owned()),
        role: Role::Api,
        ..Options::default()
    }
}

async fn reading(options: &Options) -> Result<Handle, Error> {
    let shared = Shared::new(options, Reads::pool(options).await?);
    // Nobody takes requests.
    let (sender, _closed) = mpsc::channel(1);
    Ok(Handle::new(sender, Arc::new(shared)))
}
