//! How many bytes a tenant's files have, and whether more may be written.
//!
//! Counted is what lies in folders that the host has made: the private folders of the tenant's runs and, of the shared token, the workspace
//! in the data directory. Folders that the operator has named are the operator's. The sum is held in memory together with what
//! the tenant keeps in the database, and against the same limit. Each process measures a tenant's folders when it starts or before the
//! tenant's first write, counts what it writes itself, and measures again before it refuses a write, once a minute at most: so
//! what was deleted meanwhile, or written by another process, counts then. It is exact but for files that are being written while
//! the folders are measured.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Error;
use crate::ids::TenantId;
use crate::journal::Stored;

/// How long a measure is taken for true when a write is to be refused by it.
const LASTS: Duration = Duration::from_secs(60);

/// What tenants may keep. The default: anything.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// What they keep.
    pub kept: Stored,
    /// Bytes; 0: as many as the disk takes.
    pub limit: u64,
    /// Of tenants that have one of their own.
    pub own: HashMap<TenantId, u64>,
}

/// Of all tenants.
#[derive(Debug)]
pub(super) struct Room {
    storage: Storage,
    /// When each tenant's folders were measured. Each has a lock of its own, held while they are.
    measured: Mutex<HashMap<TenantId, Arc<Mutex<Option<Instant>>>>>,
}

/// Room that was taken for a file. It is given back unless the file is there.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    room: &'a Room,
    tenant: TenantId,
    /// Bytes before and now.
    file: (u64, u64),
}

impl Room {
    pub fn new(storage: Storage) -> Self {
        Room {
            storage,
            measured: Mutex::default(),
        }
    }

    /// Room for a file in one of `folders`, which are all that the tenant has: its bytes before and now.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn take(&self, tenant: TenantId, folders: &dyn Fn() -> Vec<PathBuf>, file: (u64, u64)) -> Result<Taken<'_>, Error> {
        self.measure(tenant, folders, None);
        let limit = self.storage.own.get(&tenant).copied().unwrap_or(self.storage.limit);
        let take = || self.storage.kept.replace_file(tenant, file, limit);
        let taken = take().or_else(|_| {
            self.measure(tenant, folders, Some(LASTS));
            take()
        });
        match taken {
            Ok(()) => Ok(Taken {
                room: self,
                tenant,
                file,
            }),
            Err(kept) => Err(Error::Full { kept, limit }),
        }
    }

    /// Measures a tenant's folders, if that was never done or is older than this.
    pub fn measure(&self, tenant: TenantId, folders: &dyn Fn() -> Vec<PathBuf>, older: Option<Duration>) {
        let one = {
            let mut all = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(tenant).or_default())
        };
        let mut measured = one.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = measured.is_some_and(|at| older.is_none_or(|older| at.elapsed() < older));
        if !is_known {
            let bytes = folders().iter().map(|folder| size(folder)).fold(0, u64::saturating_add);
            self.storage.kept.files_are(tenant, bytes);
            *measured = Some(Instant::now());
        }
    }
}

impl Taken<'_> {
    /// The file is there.
    pub fn keep(mut self) {
        self.file = (0, 0);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let (old, new) = self.file;
        let _never_refused = self.room.storage.kept.replace_file(self.tenant, (new, old), 0);
    }
}

/// Bytes of the files in a folder and below it; links are not followed. What cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let (mut bytes, mut folders) = (0_u64, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) if meta.is_file() => bytes = bytes.saturating_add(meta.len()),
                _ => {}
            }
        }
    }
    bytes
}
