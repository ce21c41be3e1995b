//! Runs that this process has just started, kept in memory so that their driver and their first reader need not ask the database.
//!
//! A copy is only a copy: a driver that works on one that has been overtaken is refused when it commits, like any other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::types::LiveRun;
use crate::ids::{RunId, RunRef, TenantId};

/// Runs remembered by name. Beyond it the oldest are forgotten; they are found in the database.
pub(super) const NAMES: usize = 1024;
/// Runs waiting for their first driver. Beyond it runs are read from the database like any other.
const WAITING: usize = 1024;

/// Filled by the writer, emptied by the drivers. A run's copy may be there while the commit that makes it is under way, its name is not.
#[derive(Debug, Default)]
pub(crate) struct Fresh(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Taken by the first `load`.
    runs: HashMap<RunRef, LiveRun>,
    names: HashMap<(TenantId, RunId), RunRef>,
    /// Names, oldest first.
    order: VecDeque<(TenantId, RunId)>,
}

impl Fresh {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a run for its driver. False: there are too many.
    pub(crate) fn keep(&self, run: LiveRun) -> bool {
        let mut state = self.lock();
        let fits = state.runs.len() < WAITING;
        if fits {
            state.runs.insert(run.row.at, run);
        }
        fits
    }

    /// The names of runs that are committed.
    pub(crate) fn name(&self, runs: impl Iterator<Item = (RunRef, RunId)>) {
        let mut state = self.lock();
        for (at, run_id) in runs {
            let name = (at.tenant, run_id);
            state.names.insert(name.clone(), at);
            state.order.push_back(name);
            if state.order.len() > NAMES
                && let Some(oldest) = state.order.pop_front()
            {
                state.names.remove(&oldest);
            }
        }
    }

    /// These runs have moved, or were never made: their copies are worth nothing.
    pub(crate) fn forget<'a>(&self, runs: impl Iterator<Item = &'a RunRef>) {
        let mut state = self.lock();
        if !state.runs.is_empty() {
            runs.for_each(|at| drop(state.runs.remove(at)));
        }
    }

    /// The run as it was started, once.
    pub(crate) fn take(&self, at: RunRef) -> Option<LiveRun> {
        self.lock().runs.remove(&at)
    }

    pub(crate) fn find(&self, tenant: TenantId, run_id: &RunId) -> Option<RunRef> {
        self.lock().names.get(&(tenant, run_id.clone())).copied()
    }
}
