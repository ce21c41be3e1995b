//! Which runs want a driver: the writer's word to the runner.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use tokio::sync::Notify;

use crate::ids::RunRef;

/// A hint to look at a run. Load it and see: by the time the runner does, the run may have moved again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The run is `running` and has no driver: load it and drive it.
    Ready(RunRef),
    /// The run was paused or cancelled: a driver that has it must drop its instance. Its next append would be refused anyway.
    Stopped(RunRef),
}

#[derive(Debug, Clone, Copy, Default)]
struct Due {
    stopped: bool,
    ready: bool,
}

/// Runs that were woken and not yet looked at, each once however often it was woken: the queue is never longer than the number of live
/// runs. Shared by the writer, which adds after each commit, and the one [`Wakes`].
#[derive(Debug, Default)]
pub(crate) struct WakeQueue {
    /// Oldest first. A std mutex: held for a few instructions, never across an await.
    due: Mutex<IndexMap<RunRef, Due>>,
    /// Tells the runner that `due` is no longer empty.
    added: Notify,
    closed: std::sync::atomic::AtomicBool,
    taken: std::sync::atomic::AtomicBool,
}

impl WakeQueue {
    fn lock(&self) -> MutexGuard<'_, IndexMap<RunRef, Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, wakes: impl IntoIterator<Item = Wake>) {
        let mut any = false;
        let mut due = self.lock();
        for wake in wakes {
            any = true;
            match wake {
                Wake::Ready(run) => due.entry(run).or_default().ready = true,
                Wake::Stopped(run) => due.entry(run).or_default().stopped = true,
            }
        }
        drop(due);
        if any {
            self.added.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, std::sync::atomic::Ordering::Release);
        self.added.notify_one();
    }

    pub(crate) fn take(self: &Arc<Self>) -> Option<Wakes> {
        let first = !self.taken.swap(true, std::sync::atomic::Ordering::AcqRel);
        first.then(|| Wakes {
            queue: Arc::clone(self),
            then: None,
            batch: Vec::new(),
        })
    }
}

/// The runner's end of the wake queue. There is one of it for each journal.
#[derive(Debug)]
pub struct Wakes {
    queue: Arc<WakeQueue>,
    /// The second half of a run that was both stopped and made ready.
    then: Option<Wake>,
    /// Runs taken out of the queue and not yet handed over, newest first.
    batch: Vec<(RunRef, Due)>,
}

impl Wakes {
    /// The next run to look at; None once the journal is closed. Cancel safe.
    pub async fn next(&mut self) -> Option<Wake> {
        loop {
            if let Some(wake) = self.then.take() {
                return Some(wake);
            }
            if self.batch.is_empty() {
                self.batch.extend(self.queue.lock().drain(..).rev());
            }
            if let Some((run, due)) = self.batch.pop() {
                if due.stopped {
                    self.then = due.ready.then_some(Wake::Ready(run));
                    return Some(Wake::Stopped(run));
                }
                return Some(Wake::Ready(run));
            }
            if self.queue.closed.load(std::sync::atomic::Ordering::Acquire) {
                return None;
            }
            self.queue.added.notified().await;
        }
    }
}
