//! The lock file that keeps a second runner away from a data directory. The operating system frees it when its process ends, however that
//! ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Held for the life of a runner. Dropping it (or the death of the process) frees the lock.
#[derive(Debug)]
pub struct RunnerLock {
    /// Open as long as the lock is held: the operating system ties the lock to it.
    _file: File,
}

impl RunnerLock {
    /// Locks `<dir>/gateway_runner.lock`, or says with `None` that another process runs here. The file gets a line `pid=<n>`
    /// for the person who wonders which.
    ///
    /// # Errors
    /// The file cannot be made or locked at all.
    pub fn acquire(dir: &Path) -> io::Result<Option<Self>> {
        let file = open(dir)?;
        match file.try_lock() {
            Ok(()) => Self::sign(file).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// As [`acquire`](Self::acquire), but waits until no other process has it, and has it at once then. Blocks the thread.
    ///
    /// # Errors
    /// The file cannot be made or locked at all.
    pub fn wait(dir: &Path) -> io::Result<Self> {
        let file = open(dir)?;
        file.lock()?;
        Self::sign(file)
    }

    /// Whether some process has it. A look holds the lock for an instant itself, so an [`acquire`](Self::acquire) that fails is worth another
    /// try.
    pub fn is_held(dir: &Path) -> bool {
        let file = File::open(path(dir));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn sign(mut file: File) -> io::Result<Self> {
        writeln!(file, "pid={}", std::process::id())?;
        Ok(RunnerLock { _file: file })
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("gateway_runner.lock")
}

fn open(dir: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path(dir))
}
