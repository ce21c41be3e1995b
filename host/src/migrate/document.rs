//! One run of the reference, and what it is here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use crate::clock::Micros;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{ImportedRun, Metrics, OpenWait, Pause};
use crate::record::{Json, Object, RunStatus, WaitReason, WaitState};
use crate::runner::is_host_key;

/// The run's state as the reference writes it. Its variables stay text.
#[derive(Debug, Deserialize)]
pub struct RunDocument {
    pub run_id: String,
    pub workflow_id: String,
    pub status: RunStatus,
    #[serde(default)]
    pub current_node: Option<String>,
    pub vars: Json,
    #[serde(default)]
    pub waiting: Option<WaitState>,
    #[serde(default)]
    pub output: Option<Json>,
    #[serde(default)]
    pub error: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub actor_id: Option<String>,
    #[serde(default)]
    pub session_id: Option<String>,
    #[serde(default)]
    pub parent_run_id: Option<String>,
}

/// `_runtime.control`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Control {
    paused: bool,
    pause_reason: Option<String>,
    paused_at: Option<String>,
    resumed_at: Option<String>,
}

/// A flow's state, as the runtime of compiled flows reads it.
#[derive(Serialize)]
struct Snapshot<'a> {
    format: u32,
    flow: &'a str,
    cursor: &'a str,
    vars: &'a Object<'a>,
    beside: Empty,
    ordinals: Empty,
    next_effect: u64,
    pending: Option<PendingEffect<'a>>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct PendingEffect<'a> {
    id: u64,
    node: &'a str,
    next: Option<&'a str>,
    waits: bool,
    absorbs: bool,
    keeps: &'a str,
}

/// The effect that a run taken in waits for.
const EFFECT: u64 = 1;

/// Parts of `_runtime` that only the reference's own engine uses.
const ENGINES: [&str; 4] = ["node_traces", "effect_seq", "control", "workflow_bundles_dir"];

fn json(value: &impl Serialize) -> Result<Json, String> {
    to_raw_value(value).map_err(|e| e.to_string())
}

fn time(text: &str, name: &str) -> Result<Micros, String> {
    Micros::parse(text).ok_or_else(|| format!("its {name} '{text}' is no time"))
}

impl RunDocument {
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("its state cannot be read: {e}"))
    }

    /// What the journal takes in; the ledger is not here. `component`, `entry` and `flow_id` are those of the run's workflow.
    ///
    /// # Errors
    /// Why a run that has not ended cannot go on here.
    pub fn import(&self, tenant: TenantId, component: Digest, entry: &str, flow_id: &str) -> Result<ImportedRun, String> {
        let vars = Object::of(&self.vars).ok_or("its variables are no object")?;
        let control = self.control(&vars);
        // Shown as a wait for a person; the run is between two steps.
        let pausing = control.paused && self.waiting.as_ref().is_some_and(|wait| is_pause(wait, &self.run_id));
        let waits = self.waits(pausing)?;
        let snapshot = if self.status.is_terminal() {
            None
        } else {
            Some(self.snapshot(&vars, flow_id, waits.first())?)
        };
        let input = vars.only(|name| !name.starts_with('_') && !is_host_key(name));
        let paused_at = |text: &Option<String>| text.as_deref().and_then(Micros::parse);
        Ok(ImportedRun {
            tenant,
            run_id: RunId::from(self.run_id.as_str()),
            workflow_id: self.workflow_id.clone(),
            component,
            entry: entry.to_owned(),
            input: json(&input)?,
            host_vars: host_vars(&vars)?,
            session_id: self.session_id.clone(),
            actor_id: self.actor_id.clone(),
            parent: self.parent_run_id.as_deref().map(RunId::from),
            created: time(&self.created_at, "created_at")?,
            updated: time(&self.updated_at, "updated_at")?,
            status: self.status,
            node: self.current_node.clone(),
            waits,
            output: self.output.clone().filter(|_| self.status == RunStatus::Completed),
            error: self.error.clone(),
            pause: Pause {
                paused: control.paused && !self.status.is_terminal(),
                reason: control.pause_reason,
                paused_at: paused_at(&control.paused_at),
                resumed_at: paused_at(&control.resumed_at),
            },
            pausing,
            rows: Vec::new(),
            metrics: Metrics::default(),
            snapshot,
            workflow: None,
        })
    }

    fn control(&self, vars: &Object<'_>) -> Control {
        let runtime = vars.get("_runtime").and_then(Object::of);
        let control = runtime.and_then(|runtime| runtime.get("control"));
        control
            .and_then(|control| serde_json::from_str(control.get()).ok())
            .unwrap_or_default()
    }

    fn waits(&self, pausing: bool) -> Result<Vec<OpenWait>, String> {
        match (&self.waiting, self.status) {
            (None, RunStatus::Waiting) => Err("it waits, but not for anything".into()),
            (Some(wait), RunStatus::Waiting) if !pausing => {
                let until = match wait.until.as_deref() {
                    Some(text) => Some(time(text, "waiting.until")?),
                    None if wait.reason == WaitReason::Until => return Err("it waits for a time that is not said".into()),
                    None => None,
                };
                Ok(vec![OpenWait {
                    effect_id: EFFECT,
                    wait: wait.clone(),
                    until,
                }])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn snapshot(&self, vars: &Object<'_>, flow_id: &str, wait: Option<&OpenWait>) -> Result<Vec<u8>, String> {
        let node = self.current_node.as_deref().ok_or("it stands at no node")?;
        let flows = vars.only(|name| !is_host_key(name));
        let own_key = format!("_temp.effects.{node}");
        let pending = wait.map(|open| PendingEffect {
            id: EFFECT,
            node,
            next: open.wait.resume_to_node.as_deref(),
            waits: open.wait.reason != WaitReason::Until,
            absorbs: false,
            keeps: match open.wait.result_key.as_deref() {
                Some(key) if key.starts_with("_temp.") && key != own_key => key,
                _ => "effect",
            },
        });
        let snapshot = Snapshot {
            format: 1,
            flow: flow_id,
            cursor: node,
            vars: &flows,
            beside: Empty {},
            ordinals: Empty {},
            next_effect: u64::from(pending.is_some()) * EFFECT,
            pending,
        };
        serde_json::to_vec(&snapshot).map_err(|e| e.to_string())
    }
}

/// The wait that the reference shows for a run that was paused while it ran.
fn is_pause(wait: &WaitState, run_id: &str) -> bool {
    wait.wait_key.as_deref().and_then(|key| key.strip_prefix("pause:")) == Some(run_id)
}

fn host_vars(vars: &Object<'_>) -> Result<Json, String> {
    let mut kept: BTreeMap<&str, Json> = BTreeMap::new();
    for (name, value) in vars.0.iter().filter(|(name, _)| is_host_key(name)) {
        let value = match (name.as_ref(), Object::of(value)) {
            ("_runtime", Some(runtime)) => json(&runtime.only(|part| !ENGINES.contains(&part)))?,
            _ => (*value).to_owned(),
        };
        kept.insert(name.as_ref(), value);
    }
    json(&kept)
}
