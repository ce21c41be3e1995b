//! A planned death: stops the writer dead at a commit, so that tests see what a host that was killed there leaves behind.
//!
//! Only [`cases`](crate::cases) sets one; no setting does. It counts the commits that move runs, for only those can be told apart
//! by what is on the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

/// On which side of a commit the host dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The commit is lost; what was done outside on the way to it has happened.
    Before,
    /// The commit is durable and nobody has heard of it.
    After,
}

/// Blows at a commit. Clones share the count.
#[derive(Debug, Clone)]
pub struct Fuse {
    /// Commits until it blows, the last included.
    left: Arc<AtomicU64>,
    moment: Moment,
    blown: CancellationToken,
}

impl Fuse {
    /// Blows at the `commits`-th commit that moves a run, the first being 1.
    pub fn new(commits: u64, moment: Moment) -> Self {
        Fuse {
            left: Arc::new(AtomicU64::new(commits.max(1))),
            moment,
            blown: CancellationToken::new(),
        }
    }

    /// Waits for the writer to stop. Everything but the database may be dropped then.
    pub async fn blown(&self) {
        self.blown.cancelled().await;
    }

    /// A commit that moves runs is about to be made. Never returns from the one that is not to be.
    pub(crate) async fn before(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 && self.moment == Moment::Before {
            self.blow().await;
        }
    }

    /// It was made. Never returns from the one nobody is to hear of.
    pub(crate) async fn after(&self) {
        if self.left.load(Ordering::Acquire) == 0 && self.moment == Moment::After {
            self.blow().await;
        }
    }

    async fn blow(&self) {
        self.blown.cancel();
        std::future::pending().await
    }
}
