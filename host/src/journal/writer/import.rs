//! Runs that another system has begun: taken in as they stand, with all their rows, in one commit each.

use std::sync::Arc;

use super::super::store::{Identity, NewRun, State, Store, WaitRow, Watched};
use super::super::types::{Command, DynamicWorkflow, Error, Metrics, OpenWait, Pause};
use super::super::wakes::Wake;
use super::head::Head;
use super::unit::Unit;
use crate::clock::Micros;
use crate::ids::{Digest, RunId, RunKey, RunRef, TenantId};
use crate::journal::store::{CommandEnd, CommandRow};
use crate::record::{Json, RunStatus};

/// A run with everything that is kept of it.
#[derive(Debug, Clone)]
pub struct ImportedRun {
    pub tenant: TenantId,
    pub run_id: RunId,
    pub workflow_id: String,
    pub component: Digest,
    pub entry: String,
    pub input: Json,
    pub host_vars: Json,
    pub session_id: Option<String>,
    pub actor_id: Option<String>,
    /// A parent that is not there (yet) is none.
    pub parent: Option<RunId>,
    pub created: Micros,
    pub updated: Micros,
    /// `Waiting` goes with `waits` or with a pause that the run shows as its wait.
    pub status: RunStatus,
    pub node: Option<String>,
    pub waits: Vec<OpenWait>,
    pub output: Option<Json>,
    pub error: Option<String>,
    pub pause: Pause,
    /// The run was running when it was paused.
    pub pausing: bool,
    /// The ledger: the JSON text of each row, in order.
    pub rows: Vec<Arc<str>>,
    /// What they count.
    pub metrics: Metrics,
    /// The flow's state; none for a run that has ended.
    pub snapshot: Option<Vec<u8>>,
    /// The workflow that was made for this run, if it belongs to no bundle. The journal has its component.
    pub workflow: Option<DynamicWorkflow>,
}

impl<S: Store> Unit<S> {
    /// False: a run of that name is there already and stays as it is.
    pub(crate) async fn import_run(&mut self, run: ImportedRun) -> Result<bool, Error> {
        if self.key_of(run.tenant, run.run_id.as_str()).await?.is_some() {
            return Ok(false);
        }
        if let Some(workflow) = &run.workflow {
            let now = self.out.now;
            self.store.put_dynamic_workflow(workflow, now).await?;
        }
        let parent = match &run.parent {
            Some(parent) => self.key_of(run.tenant, parent.as_str()).await?.map(|at| at.run),
            None => None,
        };
        self.counters.run += 1;
        let at = RunRef {
            tenant: run.tenant,
            run: RunKey(self.counters.run),
        };
        let run_id: Arc<str> = run.run_id.as_str().into();
        let session: Option<Arc<str>> = run.session_id.filter(|s| **s != *run_id).map(Arc::from);
        let actor_id: Option<Arc<str>> = run.actor_id.map(Arc::from);
        let waits = self.imported_waits(&run.waits);
        let mut head = Head {
            at,
            id: Identity {
                run_id: Arc::clone(&run_id),
                session_id: session.clone().unwrap_or_else(|| Arc::clone(&run_id)),
                actor_id: actor_id.clone(),
                parent,
            },
            state: State {
                status: run.status,
                node: run.node.map(Arc::from),
                output: run.output.map(text),
                error: run.error.map(Arc::from),
                updated: run.updated,
                epoch: 0,
                last_seq: 0,
                notes: 0,
                metrics: Metrics::default(),
                last_time: run.updated,
                history_pos: 0,
                inbox_end: 0,
                inbox_consumed: 0,
                calls: None,
                pause: run.pause,
                pausing: run.pausing,
                unarmed: 0,
                arming: false,
                // Whoever waited for it is taken in as well.
                watched: Watched::Others,
                chain: None,
            },
            counted: None,
            waits_changed: !waits.is_empty(),
            waits,
            stored_waits: Vec::new(),
            dirty: false,
        };
        self.out.writes.runs.push(NewRun {
            at,
            run_id: Arc::clone(&run_id),
            workflow_id: run.workflow_id,
            component: run.component,
            entry: run.entry,
            input: text(run.input),
            host_vars: text(run.host_vars),
            session_id: session,
            actor_id,
            parent,
            listener: false,
            created: run.created,
        });
        self.out.writes.snapshots.extend(run.snapshot.map(|state| (at, 0, state)));
        head.append_kept(&mut self.out, run.rows, run.metrics);
        if head.runnable() {
            self.out.wakes.push(Wake::Ready(at));
        }
        self.heads.insert(head);
        self.made.insert((at.tenant, run_id), at.run);
        Ok(true)
    }

    fn imported_waits(&mut self, waits: &[OpenWait]) -> Vec<WaitRow> {
        let row = |wait: &OpenWait| {
            self.out.ord += 1;
            self.out.arm(wait.until);
            WaitRow {
                effect_id: wait.effect_id,
                ord: self.out.ord,
                claimed: None,
                until: wait.until,
                wait: wait.wait.clone(),
            }
        };
        waits.iter().map(row).collect()
    }

    /// Keeps a command that has been applied elsewhere, so that its id stays taken. False: the id is taken already.
    pub(crate) async fn import_command(&mut self, command: Command) -> Result<bool, Error> {
        self.flush().await?;
        if self.store.command_seq(command.tenant, &command.command_id).await?.is_some() {
            return Ok(false);
        }
        self.counters.command += 1;
        let row = CommandRow {
            tenant: command.tenant,
            command_id: command.command_id,
            seq: u64::try_from(self.counters.command).unwrap_or_default(),
            run_id: command.run_id.to_string(),
            kind: command.kind,
            payload: text(command.payload),
            ts: command.ts.unwrap_or_else(|| self.out.now.iso()),
            client_id: command.client_id,
            horizon: RunKey(self.counters.run),
            end: Some(CommandEnd {
                failure: None,
                at: self.out.now,
            }),
        };
        self.remember_command(&row);
        self.out.writes.commands.push(row);
        Ok(true)
    }
}

fn text(json: Json) -> Arc<str> {
    let text: Box<str> = json.into();
    text.into()
}
