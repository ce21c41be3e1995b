//! The lock file that keeps a second runner away from a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

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
    pub fn acquire(dir: &Path) -> std::io::Result<Option<Self>> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join("gateway_runner.lock"))?;
        match file.try_lock() {
            Ok(()) => {
                writeln!(file, "pid={}", std::process::id())?;
                Ok(Some(RunnerLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
