//! Making runs.
//!
//! A run and its listeners are one commit. The listeners are woken at once; the run itself when each of them has come to its first wait
//! (or has ended, or was paused): what the run emits in its first step finds them.

use std::sync::Arc;

use super::super::store::{Identity, NewRun, State, Store, Watched};
use super::super::types::{Error, LiveRun, Metrics, Pause, RunRow, StartRun};
use super::Started;
use super::head::Head;
use super::unit::Unit;
use crate::clock::Micros;
use crate::ids::{RunKey, RunRef};
use crate::record::artifact::NewArtifact;
use crate::record::{Json, RunStatus};

fn shared(json: Json) -> Arc<str> {
    let text: Box<str> = json.into();
    text.into()
}

/// A run as its driver would load it right after the commit that makes it.
fn live(at: RunRef, run: &StartRun, created: Micros) -> LiveRun {
    LiveRun {
        row: RunRow {
            at,
            run_id: run.run_id.clone(),
            workflow_id: run.workflow_id.clone(),
            component: run.component,
            entry: run.entry.clone(),
            status: RunStatus::Running,
            current_node: Some(run.entry.clone()),
            waiting: None,
            output: None,
            error: None,
            created_at: created,
            updated_at: created,
            actor_id: run.actor_id.clone(),
            session_id: Some(run.session_id.clone().unwrap_or_else(|| run.run_id.as_str().to_owned())),
            parent_run_id: run.parent.clone(),
            paused: Pause::default(),
            host_vars: run.host_vars.clone(),
            host_patch: None,
            epoch: 0,
            last_seq: 0,
            own_seq: 0,
            last_time: created,
            metrics: Metrics::default(),
            horizon: 1,
        },
        input: run.input.clone(),
        snapshot: None,
        ticks: Vec::new(),
        inbox: Vec::new(),
        inbox_consumed: 0,
        calls: Vec::new(),
        waits: Vec::new(),
        moved_from: None,
    }
}

impl<S: Store> Unit<S> {
    /// `artifacts` are the new run's.
    pub(crate) async fn start(&mut self, run: StartRun, artifacts: Vec<NewArtifact>) -> Result<Started, Error> {
        let parent = match &run.parent {
            None => None,
            Some(id) => Some(
                self.key_of(run.tenant, id.as_str())
                    .await?
                    .ok_or_else(|| Error::UnknownRun(id.to_string()))?,
            ),
        };
        self.check_new(std::iter::once(&run))?;
        for artifact in artifacts {
            self.add_artifact(run.tenant, artifact);
        }
        Ok(self.make(run, parent.map(|p| p.run), self.out.now))
    }

    /// Refuses runs whose names are taken, before anything is changed.
    pub(crate) fn check_new<'a>(&self, runs: impl Iterator<Item = &'a StartRun>) -> Result<(), Error> {
        let mut seen = std::collections::HashSet::new();
        for run in runs.flat_map(|run| std::iter::once(run).chain(&run.listeners)) {
            let id: Arc<str> = run.run_id.as_str().into();
            let name = (run.tenant, id);
            if self.known.contains(&name) || self.made.contains_key(&name) || !seen.insert(name) {
                return Err(Error::DuplicateRun(run.run_id.to_string()));
            }
        }
        Ok(())
    }

    /// Makes a run and its listeners; the names are free.
    pub(crate) fn make(&mut self, mut run: StartRun, parent: Option<RunKey>, at_least: Micros) -> Started {
        let listeners = std::mem::take(&mut run.listeners);
        let at = self.insert(run, parent, false, listeners.len() as u32, at_least);
        let listeners = listeners
            .into_iter()
            .map(|l| self.insert(l, Some(at.run), true, 0, at_least))
            .collect();
        Started { run: at, listeners }
    }

    fn insert(&mut self, run: StartRun, parent: Option<RunKey>, listener: bool, unarmed: u32, at_least: Micros) -> RunRef {
        self.counters.run += 1;
        let at = RunRef {
            tenant: run.tenant,
            run: RunKey(self.counters.run),
        };
        let created = self.out.now.max(at_least);
        let run_id: Arc<str> = run.run_id.as_str().into();
        self.out.fresh.push(live(at, &run, created));
        self.out.born.push((at, run.run_id.clone()));
        let session: Option<Arc<str>> = run.session_id.filter(|s| **s != *run_id).map(Arc::from);
        let actor_id: Option<Arc<str>> = run.actor_id.map(Arc::from);
        let mut head = Head {
            at,
            id: Identity {
                run_id: Arc::clone(&run_id),
                session_id: session.clone().unwrap_or_else(|| Arc::clone(&run_id)),
                actor_id: actor_id.clone(),
                parent,
            },
            state: State {
                status: RunStatus::Running,
                node: Some(run.entry.as_str().into()),
                output: None,
                error: None,
                updated: created,
                epoch: 0,
                last_seq: 0,
                notes: 0,
                metrics: Metrics::default(),
                last_time: created,
                history_pos: 0,
                inbox_end: 0,
                inbox_consumed: 0,
                calls: None,
                pause: Pause::default(),
                pausing: false,
                unarmed,
                arming: listener,
                watched: Watched::Nobody,
                chain: None,
            },
            counted: None,
            waits: Vec::new(),
            stored_waits: Vec::new(),
            waits_changed: false,
            dirty: false,
        };
        self.out.writes.runs.push(NewRun {
            at,
            run_id: Arc::clone(&run_id),
            workflow_id: run.workflow_id,
            component: run.component,
            entry: run.entry,
            input: shared(run.input),
            host_vars: shared(run.host_vars),
            session_id: session,
            actor_id,
            parent,
            listener,
            created,
        });
        head.touch(&mut self.out);
        head.wake(&mut self.out);
        self.heads.insert(head);
        self.made.insert((at.tenant, run_id), at.run);
        at
    }
}
