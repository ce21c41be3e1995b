//! Chores: what has expired goes, in small commits of its own that are made when everybody else has been answered.

use super::super::retention::{AT_ONCE, Chore, Done};
use super::super::store::Store;
use super::super::types::Error;
use super::unit::Unit;
use super::{Request, Writer, copy};
use crate::clock::Micros;
use crate::ids::{RunKey, RunRef, TenantId};

impl<S: Store> Writer<S> {
    /// Does the chores that were taken off the queue, each in a commit of its own.
    pub(super) async fn tidy(&mut self) {
        for request in std::mem::take(&mut self.chores) {
            match request {
                Request::Chore(Chore::RestartLog, reply) => {
                    let done = self.unit.store.restart_log().await;
                    let _gone = reply.send(done.map(|()| Done::default()).map_err(|error| copy(&error)));
                }
                request => self.commit(&mut vec![request]).await,
            }
        }
    }
}

impl<S: Store> Unit<S> {
    pub(crate) async fn chore(&mut self, chore: Chore) -> Result<Done, Error> {
        match chore {
            Chore::Remove { tenant, runs, before } => self.remove_runs(tenant, &runs, before).await,
            Chore::Trim { tenant, runs, whole } => {
                let mut done = Done::default();
                for (run, below) in runs {
                    let at = RunRef { tenant, run };
                    let (rows, left) = self.store.trim(at, (below, whole), AT_ONCE).await?;
                    done.rows += rows;
                    done.left |= left;
                }
                Ok(done)
            }
            Chore::Forget { tenant, before } => {
                let bounds = (before, self.counters.command);
                let rows = self.store.forget_commands(tenant, bounds, AT_ONCE).await?;
                let left = rows == AT_ONCE;
                Ok(Done {
                    rows,
                    left,
                    ..Done::default()
                })
            }
            Chore::Vacuum { pages } => {
                let pages = self.store.vacuum(pages).await?;
                Ok(Done {
                    pages,
                    ..Done::default()
                })
            }
            Chore::RestartLog => Err(Error::Corrupt("a checkpoint within a commit".to_owned())),
        }
    }

    async fn remove_runs(&mut self, tenant: TenantId, runs: &[RunKey], before: Micros) -> Result<Done, Error> {
        let bounds = (before, RunKey(self.counters.run));
        let (gone, rows) = self.store.remove_runs(tenant, runs, bounds).await?;
        for run in &gone {
            self.heads.forget(RunRef { tenant, run: *run });
        }
        Ok(Done {
            runs: gone.len() as u64,
            rows,
            ..Done::default()
        })
    }
}
