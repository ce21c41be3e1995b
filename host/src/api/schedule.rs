//! `POST /runs/schedule`: runs a flow later, or again and again. Makes the schedule's workflow and its run in one commit.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::body::{JsonBody, storable};
use super::bundle_flows::flow_ref;
use super::error::json;
use super::host_vars::{self, ObjectText, Said};
use super::openapi::{BadRequest, Conflict, Full, Invalid, NotFound, Refused, Unread, bodies};
use super::start::ACTOR;
use super::validate::{null, text};
use super::workflows::{CompileError, Missing, NO_BUNDLES, ResolveError, ResolvedFlow, Target};
use super::{AppState, Error, Principal};
use crate::clock::Micros;
use crate::ids::RunId;
use crate::journal::{DynamicWorkflow, StartRun};
use crate::record::{Json, Object};
use crate::schedules::wrapper::{self, Wrapped};
use crate::schedules::{self, Asked, Plan, Refusal};

#[derive(Serialize)]
struct Scheduled<'a> {
    run_id: &'a RunId,
}

#[utoipa::path(
    post,
    path = "/api/gateway/runs/schedule",
    tag = "runs",
    request_body(content = bodies::ScheduleBody),
    responses((status = 200, body = bodies::Started), BadRequest, NotFound, Conflict, Unread, Invalid, Full, Refused)
)]
pub async fn schedule(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let bundle_id = fields.required_text("bundle_id");
    let flow_id = fields.required_text("flow_id");
    let bundle_version = fields.word("bundle_version");
    let registry_scope = fields.word("registry_scope");
    let input_data = fields.dict("input_data");
    let asked = Asked {
        start_at: fields.word("start_at"),
        interval: fields.word("interval"),
        repeat_count: fields.optional_int("repeat_count"),
        repeat_until: fields.word("repeat_until"),
    };
    let share_context = fields.flag("share_context", true);
    let session_id = fields.word("session_id");
    fields.finish()?;

    if bundle_id.trim().is_empty() || flow_id.trim().is_empty() {
        return Err(Error::bad_request("bundle_id and flow_id are required"));
    }
    if let Some(scope) = registry_scope.filter(|scope| scope != "private") {
        return Err(Error::bad_request(format!("Unsupported registry_scope: {scope}")));
    }
    let target = target(&principal, &app, &bundle_id, &flow_id, bundle_version.as_deref())?;
    let now = app.journal.clock().now();
    let plan = Plan::of(asked, now)?;
    let input_data = match input_data {
        Some(value) => storable(value, "input_data").map_err(|text| failed(&text))?,
        None => ObjectText::new().finish(),
    };

    let workflow_id = format!("{}{}", schedules::PREFIX, uuid::Uuid::new_v4());
    let wrapped = Wrapped {
        workflow_id: &workflow_id,
        target: &target.workflow_id,
        share_context,
    };
    let document = wrapper::document(wrapped, &plan);
    let split = host_vars::split(&input_data, &Said::default(), &app.workspace(&principal));
    if target.is_draft && split.purpose.as_deref() != Some("draft_test") {
        return Err(Error::bad_request(
            "draft bundle versions require run_lifecycle.purpose='draft_test'",
        ));
    }
    app.admit(&principal).await?;
    let compiled = app.workflows.compile(principal.tenant, document.clone()).await;
    let (component, entry) = compiled.map_err(|error| match error {
        CompileError::Journal(error) => Error::from(error),
        CompileError::Document(text) => {
            let detail = format!("Failed to register schedule wrapper workflow: {text}");
            Error::Status(StatusCode::INTERNAL_SERVER_ERROR, detail)
        }
    })?;
    let session_prefix = (!share_context).then_some(workflow_id.as_str());
    let run_id = RunId::fresh();
    let run = StartRun {
        tenant: principal.tenant,
        run_id: run_id.clone(),
        workflow_id: workflow_id.clone(),
        component,
        entry: entry.clone(),
        input: wrapper_input(&split, session_prefix),
        host_vars: with_meta(&split.host_vars, &about(&target, &plan, session_prefix, now)),
        session_id: Some(session_id.unwrap_or_else(|| run_id.to_string())),
        actor_id: Some(ACTOR.into()),
        parent: None,
        listeners: Vec::new(),
    };
    let workflow = DynamicWorkflow {
        tenant: principal.tenant,
        workflow_id,
        document,
        component,
        entry,
    };
    app.journal.start_dynamic(workflow, run).await?;
    Ok(json(StatusCode::OK, &Scheduled { run_id: &run_id }))
}

/// The flow that is to be executed.
fn target(
    principal: &Principal,
    app: &AppState,
    bundle_id: &str,
    flow_id: &str,
    bundle_version: Option<&str>,
) -> Result<Arc<ResolvedFlow>, Error> {
    if !app.workflows.serves_bundles() {
        return Err(Error::bad_request(NO_BUNDLES));
    }
    let (bundle, flow_id) = flow_ref(bundle_id, flow_id, bundle_version)?;
    let found = app.workflows.bundle(principal.tenant, bundle.bundle_id, bundle.version);
    let found = found.map_err(|missing| match missing {
        Missing::Bundle(id) => Error::not_found(format!("Bundle '{id}' has no versions loaded")),
        Missing::Version(id, version) => Error::not_found(format!("Target workflow '{id}@{version}:{flow_id}' not found")),
    })?;
    let target = Target {
        bundle_id: Some(&found.bundle_id),
        bundle_version: Some(&found.bundle_version),
        flow_id: Some(flow_id),
    };
    app.workflows.resolve(principal.tenant, target).map_err(|error| match error {
        ResolveError::NotFound(_) => Error::not_found(format!("Target workflow '{}:{flow_id}' not found", found.reference())),
        ResolveError::NotCompiled { ref diagnostics, .. } => {
            let findings: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            failed(&format!("{error}: {}", findings.join("; ")))
        }
        other => other.into(),
    })
}

/// `_meta.schedule` of the schedule's run.
fn about(target: &ResolvedFlow, plan: &Plan, session_prefix: Option<&str>, now: Micros) -> Json {
    #[derive(Serialize)]
    struct About<'a> {
        kind: &'static str,
        target_workflow_id: &'a str,
        target_bundle_id: &'a str,
        target_bundle_version: &'a str,
        target_bundle_ref: String,
        target_flow_id: &'a str,
        start_at: Option<&'a str>,
        interval: Option<&'a str>,
        repeat_count: Option<i64>,
        repeat_until: Option<&'a str>,
        share_context: bool,
        session_prefix: Option<&'a str>,
        created_at: String,
    }
    let about = About {
        kind: "scheduled_run",
        target_workflow_id: &target.workflow_id,
        target_bundle_id: &target.bundle_id,
        target_bundle_version: &target.bundle_version,
        target_bundle_ref: format!("{}@{}", target.bundle_id, target.bundle_version),
        target_flow_id: &target.flow_id,
        start_at: plan.start.text(),
        interval: plan.rhythm.interval(),
        repeat_count: plan.repeat_count,
        repeat_until: plan.repeat_until.as_deref(),
        share_context: session_prefix.is_none(),
        session_prefix,
        // To the second, as the contract has it.
        created_at: Micros(now.0 - now.0.rem_euclid(1_000_000)).iso().replace(".000000", ""),
    };
    to_raw_value(&about).unwrap_or_else(|_| null())
}

/// The wrapper's input. Its `vars` are what each execution is started with: the target's input, and what the client has said of its
/// runtime and its lifecycle. Limits and workspace are inherited.
fn wrapper_input(split: &host_vars::Split, session_prefix: Option<&str>) -> Json {
    let mut vars = ObjectText::new();
    let (input, host) = (Object::of(&split.input), Object::of(&split.host_vars));
    for (key, value) in input.iter().flat_map(|input| &input.0) {
        vars.put(key, value.get());
    }
    for name in ["_runtime", "_run_lifecycle"] {
        if let Some(value) = host
            .as_ref()
            .and_then(|host| host.get(name))
            .filter(|value| value.get() != "{}")
        {
            vars.put(name, value.get());
        }
    }
    let mut wrapper = ObjectText::new();
    wrapper.put("vars", vars.finish().get());
    if let Some(prefix) = session_prefix {
        wrapper.put("session_prefix", text(prefix).get());
    }
    let prompt = input.as_ref().and_then(|input| input.get("prompt"));
    if let Some(prompt) = prompt.filter(|prompt| prompt.get().starts_with('"')) {
        wrapper.put("prompt", prompt.get());
    }
    wrapper.finish()
}

/// The host's variables of the schedule's run; a `_meta` of the client's gives way.
fn with_meta(host_vars: &RawValue, schedule: &RawValue) -> Json {
    let mut vars = ObjectText::new();
    for (key, value) in Object::of(host_vars).iter().flat_map(|vars| &vars.0) {
        if key != "_meta" {
            vars.put(key, value.get());
        }
    }
    let mut meta = ObjectText::new();
    meta.put("schedule", schedule.get());
    vars.put("_meta", meta.finish().get());
    vars.finish()
}

fn failed(text: &str) -> Error {
    Error::bad_request(format!("Failed to start scheduled run: {text}"))
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::bad_request(refusal.0)
    }
}
