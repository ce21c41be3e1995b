//! `POST /runs/start`: finds the flow, splits the input, and makes the run with its listeners in one commit.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use super::artifacts::refs;
use super::body::{JsonBody, storable};
use super::error::json;
use super::host_vars::{self, Said};
use super::openapi::{BadRequest, Conflict, Full, Invalid, NotFound, Refused, Unread, bodies};
use super::workflows::{ResolveError, ResolvedFlow, Target};
use super::{AppState, Error, Principal};
use crate::artifacts::Snapshot;
use crate::ids::RunId;
use crate::journal::StartRun;

/// Who acts in runs that clients start.
pub const ACTOR: &str = "gateway";

#[derive(Serialize)]
struct Started<'a> {
    run_id: &'a RunId,
}

#[utoipa::path(
    post,
    path = "/api/gateway/runs/start",
    tag = "runs",
    request_body(content = bodies::StartBody),
    responses((status = 200, body = bodies::Started), BadRequest, NotFound, Conflict, Unread, Invalid, Full, Refused)
)]
pub async fn start(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let bundle_id = fields.word("bundle_id");
    let bundle_version = fields.word("bundle_version");
    let registry_scope = fields.word("registry_scope");
    let flow_id = fields.word("flow_id");
    let input_data = fields.dict("input_data");
    let session_id = fields.word("session_id");
    let thinking = fields.bool_or_text("thinking");
    let run_lifecycle = fields.optional_dict("run_lifecycle");
    fields.finish()?;

    if let Some(scope) = registry_scope.filter(|scope| scope != "private") {
        return Err(Error::bad_request(format!("Unsupported registry_scope: {scope}")));
    }
    let target = Target {
        bundle_id: bundle_id.as_deref(),
        bundle_version: bundle_version.as_deref(),
        flow_id: flow_id.as_deref(),
    };
    let flow = resolve(&principal, &app, target).await?;
    app.admit(&principal).await?;
    let input_data = match input_data {
        Some(value) => storable(value, "input_data").map_err(|text| failed(&text))?,
        None => RawValue::from_string("{}".into()).map_err(|error| failed(&error.to_string()))?,
    };
    let input_data = refs::lift(input_data);
    refs::check(&app, principal.tenant, &input_data, session_id.as_deref()).await?;
    let run_id = RunId::fresh();
    let snapshot = snapshot(&app, &principal, &flow, &run_id).await;
    let said = Said {
        thinking,
        run_lifecycle,
        workflow_snapshot: snapshot.as_ref().map(|snapshot| &*snapshot.reference),
    };
    let split = host_vars::split(&input_data, &said, &app.workspace(&principal));
    if flow.is_draft && split.purpose.as_deref() != Some("draft_test") {
        return Err(Error::bad_request(
            "draft bundle versions require run_lifecycle.purpose='draft_test'",
        ));
    }
    let run = new_run(&principal, &flow, split, (run_id.clone(), session_id));
    let artifacts = snapshot.into_iter().map(|snapshot| snapshot.artifact).collect();
    app.journal.start_with(run, artifacts).await?;
    Ok(json(StatusCode::OK, &Started { run_id: &run_id }))
}

/// The flow that is meant, also one that the host has made.
async fn resolve(principal: &Principal, app: &AppState, target: Target<'_>) -> Result<Arc<ResolvedFlow>, Error> {
    app.workflows.refresh(principal.tenant).await;
    let missing = match app.workflows.resolve(principal.tenant, target) {
        Ok(flow) => return Ok(flow),
        Err(missing @ ResolveError::NotFound(_)) => missing,
        Err(other) => return Err(other.into()),
    };
    let made = match target.flow_id.filter(|_| target.bundle_id.is_none()) {
        Some(id) => app.journal.dynamic_workflow(principal.tenant, id).await?,
        None => None,
    };
    made.map(|made| Arc::new(made.into())).ok_or_else(|| missing.into())
}

fn failed(text: &str) -> Error {
    Error::bad_request(format!("Failed to start run: {text}"))
}

/// The flow's document as an artifact of the run. A run is started without one rather than not at all.
async fn snapshot(app: &AppState, principal: &Principal, flow: &ResolvedFlow, run_id: &RunId) -> Option<Snapshot> {
    let tenant = principal.tenant;
    let document = app
        .workflows
        .flow(tenant, &flow.bundle_id, &flow.bundle_version, &flow.flow_id)?;
    let made = app.snapshots.of(tenant, (run_id, &flow.workflow_id), &document).await;
    made.inspect_err(|error| tracing::warn!(%error, workflow = flow.workflow_id, "a run gets no workflow snapshot"))
        .ok()
}

/// The run and, for each event that its flow listens to, a child run of the same session.
fn new_run(
    principal: &Principal,
    flow: &ResolvedFlow,
    split: host_vars::Split,
    (run_id, session_id): (RunId, Option<String>),
) -> StartRun {
    let session_id = session_id.unwrap_or_else(|| run_id.to_string());
    let no_input = || RawValue::NULL.to_owned();
    let listeners = flow.listeners.iter().map(|listener| StartRun {
        tenant: principal.tenant,
        run_id: RunId::fresh(),
        workflow_id: listener.workflow_id.clone(),
        component: flow.component,
        entry: listener.entry.clone(),
        input: RawValue::from_string("{}".into()).unwrap_or_else(|_| no_input()),
        host_vars: split.listener_vars.clone(),
        session_id: Some(session_id.clone()),
        actor_id: Some(ACTOR.into()),
        parent: Some(run_id.clone()),
        listeners: Vec::new(),
    });
    StartRun {
        tenant: principal.tenant,
        workflow_id: flow.workflow_id.clone(),
        component: flow.component,
        entry: flow.entry.clone(),
        listeners: listeners.collect(),
        input: split.input,
        host_vars: split.host_vars,
        session_id: Some(session_id),
        actor_id: Some(ACTOR.into()),
        parent: None,
        run_id,
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Nothing | ResolveError::NoBundles => Error::bad_request(error.to_string()),
            ResolveError::NotFound(text) => Error::not_found(text),
            ResolveError::Deprecated(text) => Error::conflict(text),
            ResolveError::Ambiguous(text) => failed(&text),
            ResolveError::NotCompiled { ref diagnostics, .. } => {
                let findings: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                failed(&format!("{error}: {}", findings.join("; ")))
            }
        }
    }
}
