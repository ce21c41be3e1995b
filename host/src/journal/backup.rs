//! A copy of the database while it is in use.

use std::path::Path;

use sqlx::ConnectOptions as _;

use super::options::Options;
use super::store::connect::connect_options;
use super::types::Error;

/// Writes a consistent copy of the database at `path` to the new file `to`: everything that was committed when it began. Writers go on
/// meanwhile; the write-ahead log cannot be cut until it is done. The copy is compact, has no log of its own, and is on the disk when this
/// returns.
///
/// # Errors
/// There is no database at `path`, `to` exists, or what the database says.
pub async fn backup(path: &Path, to: &Path) -> Result<(), Error> {
    let options = Options {
        path: Some(path.to_owned()),
        ..Options::default()
    };
    let mut conn = connect_options(&options, true).connect().await?;
    let name = to
        .to_str()
        .ok_or_else(|| Error::Corrupt(format!("{} is not UTF-8", to.display())))?;
    sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut conn).await?;
    sqlx::Connection::close(conn).await?;
    let copied = tokio::fs::File::open(to).await;
    let synced = match copied {
        Ok(file) => file.sync_all().await,
        Err(error) => Err(error),
    };
    Ok(synced.map_err(sqlx::Error::Io)?)
}
