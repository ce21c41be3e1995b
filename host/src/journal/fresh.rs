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

/// Filled by the writer after each commit, before anybody is told of it; emptied by the drivers.
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

    /// `drive`: this process drives runs, so somebody will take them.
    pub(crate) fn add(&self, runs: impl IntoIterator<Item = LiveRun>, drive: bool) {
        let mut state = self.lock();
        for run in runs {
            let name = (run.row.at.tenant, run.row.run_id.clone());
            state.names.insert(name.clone(), run.row.at);
            state.order.push_back(name);
            if state.order.len() > NAMES
                && let Some(oldest) = state.order.pop_front()
            {
                state.names.remove(&oldest);
            }
            if drive && state.runs.len() < WAITING {
                state.runs.insert(run.row.at, run);
            }
        }
    }

    /// These runs have moved: their copies are out of date.
    pub(crate) fn forget<'a>(&self, moved: impl Iterator<Item = &'a RunRef>) {
        let mut state = self.lock();
        if !state.runs.is_empty() {
            moved.for_each(|at| drop(state.runs.remove(at)));
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
