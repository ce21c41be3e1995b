//! `GET /runs/{run_id}/input_data`: what a run was started with, for forms that start it again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::bundles::BundleRef;
use super::error::json;
use super::openapi::{NotFound, Refused};
use super::pins::Pins;
use super::run_summary::Vars;
use super::validate::null;
use super::{AppState, Error, PathOf, Principal, runs};
use crate::ids::TenantId;
use crate::record::Object;

#[derive(Serialize, ToSchema)]
struct InputData<'a> {
    run_id: &'a str,
    workflow_id: &'a str,
    bundle_id: Option<&'a str>,
    bundle_version: Option<&'a str>,
    flow_id: Option<&'a str>,
    pin_ids: Vec<String>,
    #[schema(value_type = Object)]
    input_data: IndexMap<&'a str, &'a RawValue>,
    #[schema(value_type = Object)]
    workspace: IndexMap<&'static str, &'a RawValue>,
}

const WORKSPACE: [&str; 4] = [
    "workspace_root",
    "workspace_access_mode",
    "workspace_allowed_paths",
    "workspace_ignored_paths",
];

#[utoipa::path(
    get,
    path = "/api/gateway/runs/{run_id}/input_data",
    tag = "runs",
    params(
        ("run_id" = String, Path),
    ),
    responses((status = 200, body = InputData<'static>), NotFound, Refused)
)]
pub async fn get(principal: Principal, State(app): State<AppState>, PathOf(run_id): PathOf<String>) -> Result<Response, Error> {
    let run = runs::find(&principal, &app, &run_id).await?;
    let stored = app.journal.input(principal.tenant, &run.run_id).await?.unwrap_or_else(null);
    let input = Object::of(&stored).unwrap_or(Object(IndexMap::new()));

    // A schedule shows what it runs, and what with.
    let vars = Vars::of(&run);
    let target = vars
        .about_schedule()
        .and_then(|about| text_of(about.get("target_workflow_id")?));
    let input = match target.as_ref().and_then(|_| Object::of(input.get("vars")?)) {
        Some(inner) => inner,
        None => input,
    };
    let named = runs::bundle_flow(target.as_deref().unwrap_or(&run.workflow_id));
    let pin_ids = named
        .as_ref()
        .map(|(bundle, flow_id)| start_pins(&app, principal.tenant, bundle, flow_id))
        .unwrap_or_default();
    let shown = input.0.iter().filter(|(key, _)| {
        if pin_ids.is_empty() {
            !key.starts_with('_')
        } else {
            pin_ids.iter().any(|pin| pin == key.as_ref())
        }
    });
    let body = InputData {
        run_id: run.run_id.as_str(),
        workflow_id: &run.workflow_id,
        bundle_id: named.as_ref().map(|(bundle, _)| bundle.bundle_id),
        bundle_version: named.as_ref().and_then(|(bundle, _)| bundle.version),
        flow_id: named.as_ref().map(|(_, flow_id)| *flow_id),
        input_data: shown.map(|(key, value)| (key.as_ref(), *value)).collect(),
        workspace: WORKSPACE.iter().filter_map(|name| Some((*name, vars.get(name)?))).collect(),
        pin_ids,
    };
    Ok(json(StatusCode::OK, &body))
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// None for a flow that is not installed any more.
fn start_pins(app: &AppState, tenant: TenantId, bundle: &BundleRef<'_>, flow_id: &str) -> Vec<String> {
    let flow = app
        .workflows
        .flow(tenant, bundle.bundle_id, bundle.version.unwrap_or_default(), flow_id);
    flow.map(|flow| Pins::of(&flow).inputs.into_iter().map(|pin| pin.id).collect())
        .unwrap_or_default()
}
