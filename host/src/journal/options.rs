//! How a journal is opened.

use std::path::PathBuf;

use super::fuse::Fuse;
use super::quota::Stored;
use crate::clock::Clock;

/// What this process may do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Appends ledger rows, applies commands, fires timers. One process at a time; see [`RunnerLock`](super::RunnerLock).
    #[default]
    Runner,
    /// Only inserts: runs, commands, bundles, components. The runner is told and does the rest.
    Api,
}

/// How much of a commit is on the disk when its callers are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// All of it: a power cut loses nothing that was answered. One disk flush a commit (0.2 to 4 ms); the default.
    #[default]
    Full,
    /// A killed process loses nothing; a power cut may lose the commits since the last checkpoint. No flush a commit.
    Normal,
}

/// Settings of a journal.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file. None: a private database in memory that is gone when the journal is closed.
    pub path: Option<PathBuf>,
    pub synchronous: Synchronous,
    /// Where the time comes from. With a virtual clock timers fire only when [`Handle::fire_due`](super::Handle::fire_due) is called.
    pub clock: Clock,
    pub role: Role,
    /// Requests taken into one commit at most. More raises throughput under load and the time that one request waits for the
    /// others of its commit. Default 512.
    pub max_group: usize,
    /// Requests that may wait for the writer before callers are held back. Default 4096.
    pub queue: usize,
    /// Read connections beside the writer's (a database in memory has none: it is read between commits). Default 4.
    pub readers: u32,
    /// Runs whose heads the writer keeps in memory, under 1 KiB each. A run outside costs its next commit two reads. Default 16384.
    pub cached_runs: usize,
    /// Tell the other processes of this database of commits, by datagram sockets beside the file. Needed in split mode only.
    pub nudge: bool,
    /// Where the bytes of artifacts are. None: in `artifacts` beside the database; for one in memory, in a temporary directory.
    pub blobs: Option<PathBuf>,
    /// Bytes of a value in a ledger row; a larger one is kept as an artifact and referred to. 0: any size. Default 256 KiB.
    pub max_inline_bytes: usize,
    /// New ledger rows are chained by hashes ([`chain`](super::Chain)). Costs the writer some 10 µs a row. Default: no; the rows of a run
    /// whose chain has begun are chained all the same.
    pub hash_chain: bool,
    /// Where the writer is to stop dead, for tests of recovery. Default: nowhere.
    pub fuse: Option<Fuse>,
    /// Where what tenants keep is summed up, for those who also count files. Default: the journal's own.
    pub stored: Stored,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            path: None,
            synchronous: Synchronous::default(),
            clock: Clock::system(),
            role: Role::default(),
            max_group: 512,
            queue: 4096,
            readers: 4,
            cached_runs: 16384,
            nudge: false,
            blobs: None,
            max_inline_bytes: 256 << 10,
            hash_chain: false,
            fuse: None,
            stored: Stored::default(),
        }
    }
}
