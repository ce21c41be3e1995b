//! Child runs: which workflow a name means, and what of the parent a child gets.

use std::sync::Arc;

use futures::future::BoxFuture;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

use crate::effects::Child;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{RunRow, StartRun};
use crate::record::{Json, WaitReason, WaitState};
use crate::workspace;

/// Knows the workflows of a tenant.
pub trait Catalog: Send + Sync + 'static {
    /// The workflow of this id; none when it is not installed or does not compile.
    fn workflow<'a>(&'a self, tenant: TenantId, workflow_id: &'a str) -> BoxFuture<'a, Option<Arc<Found>>>;
}

/// A workflow that can be started.
#[derive(Debug, Clone)]
pub struct Found {
    pub workflow_id: String,
    pub component: Digest,
    /// The flow's own entry within the component.
    pub entry: String,
}

/// Whether a variable belongs to the host: it is kept beside the flow's state and reaches the flow read-only.
pub fn is_host_key(key: &str) -> bool {
    matches!(key, "_runtime" | "_limits" | "_meta" | "_run_lifecycle") || key.starts_with("workspace_")
}

/// The start of a child of `parent`. It works in its parent's workspace or in a part of it, whatever the flow says.
pub(super) fn start(parent: &RunRow, child: &Child, found: &Found) -> StartRun {
    let (mut input, mut host, mut files) = (IndexMap::<String, Box<RawValue>>::new(), IndexMap::new(), IndexMap::new());
    let given: IndexMap<String, Box<RawValue>> = serde_json::from_str(child.vars.get()).unwrap_or_default();
    for (key, value) in given {
        if key.starts_with("workspace_") {
            files.insert(key, value);
        } else if is_host_key(&key) {
            host.insert(key, value);
        } else {
            input.insert(key, value);
        }
    }
    let inherited: IndexMap<String, Box<RawValue>> = serde_json::from_str(parent.host_vars.get()).unwrap_or_default();
    host.extend(workspace::inherit(&inherited, &files));
    if let Some(limits) = inherited.get("_limits").filter(|limits| limits.get() != "null") {
        host.entry("_limits".to_owned()).or_insert_with(|| limits.clone());
    }
    StartRun {
        tenant: parent.at.tenant,
        run_id: RunId::fresh(),
        workflow_id: found.workflow_id.clone(),
        component: found.component,
        entry: found.entry.clone(),
        input: object(&input),
        host_vars: object(&host),
        session_id: child.session_id.clone().or_else(|| parent.session_id.clone()),
        actor_id: parent.actor_id.clone(),
        parent: Some(parent.run_id.clone()),
        listeners: Vec::new(),
    }
}

/// Why a child of an unknown workflow is not started.
pub(super) fn not_found(workflow_id: &str) -> String {
    format!("Workflow '{workflow_id}' not found in registry")
}

/// The wait of a parent for its child.
pub(super) fn wait(child: &Child, sub_run_id: &str) -> WaitState {
    #[derive(serde::Serialize)]
    struct Details<'a> {
        sub_run_id: &'a str,
        sub_workflow_id: &'a str,
        #[serde(rename = "async")]
        detached: bool,
        include_traces: bool,
    }
    let details = Details {
        sub_run_id,
        sub_workflow_id: &child.workflow_id,
        detached: true,
        include_traces: child.include_traces,
    };
    WaitState {
        reason: WaitReason::Subworkflow,
        wait_key: Some(format!("subworkflow:{sub_run_id}")),
        until: None,
        resume_to_node: child.next_node.clone(),
        result_key: child.result_key.clone(),
        prompt: None,
        choices: None,
        allow_free_text: true,
        details: to_raw_value(&details).ok(),
    }
}

/// The result of starting a child that is not waited for.
pub(super) fn detached(sub_run_id: &str) -> Json {
    #[derive(serde::Serialize)]
    struct Detached<'a> {
        sub_run_id: &'a str,
        #[serde(rename = "async")]
        detached: bool,
    }
    let detached = Detached {
        sub_run_id,
        detached: true,
    };
    to_raw_value(&detached).unwrap_or_else(|_| crate::journal::rows::empty_object())
}

fn object(fields: &IndexMap<String, Box<RawValue>>) -> Json {
    to_raw_value(fields).unwrap_or_else(|_| crate::journal::rows::empty_object())
}
