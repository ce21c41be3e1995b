//! A case under a host that dies at every commit.
//!
//! Each life has an async runtime of its own. When its journal's [fuse](crate::journal::Fuse) blows the runtime is dropped with
//! everything in it, drivers, instances, caches and whatever they were about to do; the next life has the database file and the
//! [`Outside`], nothing else.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use flow_rt::value::Value;

use super::outside::Outside;
use super::report::Rows;
use super::{Error, Ready};
use crate::journal::{self, Fuse, Moment};

/// Lives after which a case is given up: it does not get on.
const MAX_LIVES: u64 = 20_000;

/// Runs the case to its end in as many lives as it takes; gives what came of it and how often the host was killed. Blocks the thread.
pub fn run(ready: &Ready, pattern: u64) -> Result<(Value, i64), Error> {
    let dir = Scratch::new()?;
    let mut outside = ready.outside();
    for life in 0..MAX_LIVES {
        let fuse = fuse(pattern, life, outside.take_repeated());
        let options = journal::Options {
            path: Some(dir.0.join("gateway.sqlite3")),
            synchronous: journal::Synchronous::Normal,
            readers: 1,
            fuse: Some(fuse.clone()),
            ..journal::Options::default()
        };
        if let Some(got) = one_life(ready, &mut outside, options, &fuse)? {
            return Ok((got, life as i64));
        }
    }
    Err(Error::Other(format!("no end after {MAX_LIVES} lives")))
}

/// Dies at the next commit, or at the one after, whose work is lost. A call that was made again gets one commit more: a life that always
/// died before its result is kept would make it forever.
fn fuse(pattern: u64, life: u64, repeated: bool) -> Fuse {
    let mut hash = DefaultHasher::new();
    (pattern, life).hash(&mut hash);
    let (commits, moment) = match hash.finish() % 2 {
        0 => (1, Moment::After),
        _ => (2, Moment::Before),
    };
    Fuse::new(commits + u64::from(repeated), moment)
}

/// None: the host was killed.
fn one_life(ready: &Ready, outside: &mut Outside, options: journal::Options, fuse: &Fuse) -> Result<Option<Value>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::Other(format!("async runtime: {e}")))?;
    let got = runtime.block_on(async {
        tokio::select! {
            got = ready.live(outside, options, Rows::Full) => got.map(Some),
            () = fuse.blown() => Ok(None),
        }
    });
    // Tasks are dropped where they stand; threads that compile code end by themselves.
    runtime.shutdown_background();
    got
}

/// A directory that is removed when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Error> {
        let dir = std::env::temp_dir().join(format!("flowgate-cases-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&dir).map_err(|e| Error::Other(format!("{}: {e}", dir.display())))?;
        Ok(Scratch(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "a directory of a case is left behind");
        }
    }
}
