//! Sweeping up blobs that no row names: what a host left that died between a file and its row.
//!
//! A blob and its row are not one commit, and other processes may be keeping the same bytes at this moment. So only files that are old are
//! looked at, and a file is moved out of its name before its age is judged: whoever keeps the same bytes now either finds the name free
//! and writes it anew, or has made the file new in time to save it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Blobs, blocking, sync_dir};
use crate::ids::{Digest, TenantId};

/// What a sweep has found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    pub removed: u64,
    pub bytes: u64,
}

impl Blobs {
    /// Removes the blobs of a tenant that are older than `age` and not among `named`, and uploads of that age that never ended.
    /// `named` is read from the rows before this is called.
    pub async fn sweep(&self, tenant: TenantId, named: HashSet<Digest>, age: Duration) -> io::Result<Swept> {
        let store = self.clone();
        blocking(move || {
            let dir = store.tenant(tenant);
            let parts = dir.join("parts");
            let mut swept = Swept::default();
            for path in files(&parts)? {
                if older(&path, age)? {
                    remove(&path, &mut swept)?;
                }
            }
            for shard in files(&dir.join("blobs"))? {
                for path in files(&shard)? {
                    let digest = path.file_stem().and_then(|name| Digest::parse(name.to_str()?));
                    if digest.is_some_and(|digest| !named.contains(&digest)) && older(&path, age)? {
                        take(&path, &parts, age, &mut swept)?;
                    }
                }
            }
            Ok(swept)
        })
        .await
    }
}

/// Removes one blob, unless somebody has kept it meanwhile.
fn take(path: &Path, parts: &Path, age: Duration, swept: &mut Swept) -> io::Result<()> {
    let doomed = parts.join(format!("{}.doomed", uuid::Uuid::new_v4().simple()));
    fs::rename(path, &doomed)?;
    if older(&doomed, age)? {
        return remove(&doomed, swept);
    }
    match fs::hard_link(&doomed, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(shard) = path.parent() {
        sync_dir(shard)?;
    }
    fs::remove_file(&doomed)
}

fn remove(path: &Path, swept: &mut Swept) -> io::Result<()> {
    swept.bytes += fs::metadata(path).map_or(0, |meta| meta.len());
    fs::remove_file(path)?;
    swept.removed += 1;
    Ok(())
}

fn older(path: &Path, age: Duration) -> io::Result<bool> {
    match fs::metadata(path) {
        // A time in the future is a new one.
        Ok(meta) => Ok(SystemTime::now().duration_since(meta.modified()?).is_ok_and(|old| old >= age)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is in a directory; nothing, if there is no such directory.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
