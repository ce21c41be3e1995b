//! `GET /workflows/{workflow_id}/flow`: the drawing of any workflow by its id: one that the host has made, a bundle's, or a flow without
//! a bundle.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::json;
use super::openapi::{NotFound, Refused};
use super::run_summary::Vars;
use super::{AppState, Error, PathOf, Principal, bundle_flows};
use crate::journal::RunFilter;
use crate::schedules::wrapper;

/// A flow that belongs to no bundle; a bundle's is answered as `/bundles/{bundle_id}/flows/{flow_id}` answers it.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowFlow)]
struct Body<'a> {
    workflow_id: &'a str,
    /// The VisualFlow document.
    #[schema(value_type = Object)]
    flow: &'a RawValue,
    /// `dynamic`: made by the host. `visualflow`: a file of the flows directory. Absent: a bundle's.
    #[schema(required = false)]
    source: &'static str,
}

#[utoipa::path(
    get,
    path = "/api/gateway/workflows/{workflow_id}/flow",
    tag = "bundles",
    params(("workflow_id" = String, Path, description = "`bundle@version:flow`, `bundle:flow`, `scheduled:<uuid>`")),
    responses((status = 200, body = Body<'static>), NotFound, Refused)
)]
pub async fn get(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(workflow_id): PathOf<String>,
) -> Result<Response, Error> {
    let workflow_id = workflow_id.trim();
    let answer = |flow: &RawValue, source| {
        json(
            StatusCode::OK,
            &Body {
                workflow_id,
                flow,
                source,
            },
        )
    };
    if let Some(made) = app.journal.dynamic_workflow(principal.tenant, workflow_id).await? {
        // A schedule's interval is a variable of its run; the drawing shows what it is now.
        let filter = RunFilter {
            workflow_id: Some(workflow_id.to_owned()),
            root_only: true,
            limit: 1,
            ..RunFilter::default()
        };
        let runs = app.journal.runs(principal.tenant, filter).await?;
        let interval = runs.first().and_then(|run| Vars::of(run).interval());
        return Ok(match interval {
            Some(interval) => answer(&wrapper::with_interval(&made.document, &interval), "dynamic"),
            None => answer(&made.document, "dynamic"),
        });
    }
    if app.workflows.serves_bundles() {
        if let Some(answer) = bundle_flows::by_workflow_id(&principal, &app, workflow_id) {
            return Ok(answer);
        }
    } else {
        app.workflows.refresh(principal.tenant).await;
        if let Some(flow) = app.workflows.flow_file(principal.tenant, workflow_id) {
            return Ok(answer(&flow, "visualflow"));
        }
    }
    Err(Error::not_found(format!("Workflow '{workflow_id}' not found")))
}
