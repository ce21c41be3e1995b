//! `GET /bundles/{bundle_id}/flows/{flow_id}` and its `input_schema`: the drawing of a flow and what it wants as input.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::bundles::BundleRef;
use super::error::json;
use super::openapi::{BadRequest, NotFound, Refused};
use super::pins::{PinSchema, Pins};
use super::validate::Query;
use super::{AppState, Error, PathOf, Principal};
use crate::record::Json;

/// The five fields that name a flow.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowName)]
struct Named {
    bundle_id: String,
    bundle_version: String,
    bundle_ref: String,
    flow_id: String,
    workflow_id: String,
}

#[derive(Serialize, ToSchema)]
struct FlowBody<'a> {
    #[serde(flatten)]
    named: Named,
    #[schema(value_type = Object)]
    flow: &'a RawValue,
}

#[derive(Serialize, ToSchema)]
struct SchemaBody {
    #[serde(flatten)]
    named: Named,
    version: u32,
    inputs: Vec<PinSchema>,
    #[schema(value_type = Object)]
    defaults: IndexMap<String, Json>,
    #[schema(value_type = Object)]
    input_data_schema: IndexMap<&'static str, Json>,
}

#[utoipa::path(
    get,
    path = "/api/gateway/bundles/{bundle_id}/flows/{flow_id}",
    tag = "bundles",
    params(
        ("bundle_id" = String, Path, description = "`bundle` or `bundle@version`"),
        ("flow_id" = String, Path),
        ("bundle_version" = Option<String>, Query, description = "Left out: the latest"),
    ),
    responses((status = 200, body = FlowBody<'static>), BadRequest, NotFound, Refused)
)]
pub async fn flow(
    principal: Principal,
    State(app): State<AppState>,
    PathOf((bundle_id, flow_id)): PathOf<(String, String)>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let (named, flow) = find(&principal, &app, &bundle_id, &flow_id, &uri)?;
    Ok(json(StatusCode::OK, &FlowBody { named, flow: &flow }))
}

#[utoipa::path(
    get,
    path = "/api/gateway/bundles/{bundle_id}/flows/{flow_id}/input_schema",
    tag = "bundles",
    params(
        ("bundle_id" = String, Path, description = "`bundle` or `bundle@version`"),
        ("flow_id" = String, Path),
        ("bundle_version" = Option<String>, Query, description = "Left out: the latest"),
    ),
    responses((status = 200, body = SchemaBody), BadRequest, NotFound, Refused)
)]
pub async fn input_schema(
    principal: Principal,
    State(app): State<AppState>,
    PathOf((bundle_id, flow_id)): PathOf<(String, String)>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    let (named, flow) = find(&principal, &app, &bundle_id, &flow_id, &uri)?;
    let pins = Pins::of(&flow);
    let defaults = pins
        .inputs
        .iter()
        .filter_map(|pin| Some((pin.id.clone(), pin.default.clone()?)));
    let body = SchemaBody {
        named,
        version: 1,
        defaults: defaults.collect(),
        input_data_schema: pins.schema(),
        inputs: pins.inputs.into_iter().map(PinSchema::of).collect(),
    };
    Ok(json(StatusCode::OK, &body))
}

/// The flow that the path names.
fn find(
    principal: &Principal,
    app: &AppState,
    bundle_id: &str,
    flow_id: &str,
    uri: &Uri,
) -> Result<(Named, Arc<RawValue>), Error> {
    let query = Query::of(uri);
    let (wanted, flow_id) = flow_ref(bundle_id, flow_id, query.word("bundle_version"))?;
    of_bundle(principal, app, &wanted, flow_id)
}

/// A bundle and a flow, however they are named: either may say the version, and `flow_id` may be `bundle[@version]:flow` if that agrees
/// with the rest.
pub fn flow_ref<'a>(
    bundle_id: &'a str,
    flow_id: &'a str,
    bundle_version: Option<&'a str>,
) -> Result<(BundleRef<'a>, &'a str), Error> {
    let mut wanted = BundleRef::parse(bundle_id, bundle_version, "bundle_id version does not match bundle_version")?;
    let mut flow_id = flow_id.trim();
    if flow_id.is_empty() {
        return Err(Error::bad_request("flow_id is required"));
    }
    if let Some((prefix, inner)) = flow_id.split_once(':') {
        let prefix = BundleRef::split(prefix);
        if prefix.bundle_id != wanted.bundle_id {
            return Err(Error::bad_request("flow_id bundle prefix does not match bundle_id"));
        }
        match (prefix.version, wanted.version) {
            (Some(inside), Some(outside)) if inside != outside => {
                let of = if bundle_version.is_some() {
                    "bundle_version"
                } else {
                    "bundle_id"
                };
                return Err(Error::bad_request(format!("flow_id version does not match {of}")));
            }
            (Some(inside), None) => wanted.version = Some(inside),
            _ => {}
        }
        flow_id = inner.trim();
        if flow_id.is_empty() {
            return Err(Error::bad_request("Invalid flow_id"));
        }
    }
    Ok((wanted, flow_id))
}

fn of_bundle(
    principal: &Principal,
    app: &AppState,
    wanted: &BundleRef<'_>,
    flow_id: &str,
) -> Result<(Named, Arc<RawValue>), Error> {
    let bundle = wanted.find(app, principal.tenant)?;
    let reference = bundle.reference();
    let Some(flow) = app
        .workflows
        .flow(principal.tenant, &bundle.bundle_id, &bundle.bundle_version, flow_id)
    else {
        return Err(Error::not_found(format!(
            "Flow '{flow_id}' not found in bundle '{reference}'"
        )));
    };
    let named = Named {
        bundle_id: bundle.bundle_id.clone(),
        bundle_version: bundle.bundle_version.clone(),
        workflow_id: format!("{reference}:{flow_id}"),
        bundle_ref: reference,
        flow_id: flow_id.to_owned(),
    };
    Ok((named, flow))
}

/// The answer about a flow by its workflow id, `bundle[@version]:flow`; `None` when that is no id of a bundle's flow.
pub fn by_workflow_id(principal: &Principal, app: &AppState, workflow_id: &str) -> Option<Response> {
    let (prefix, flow_id) = workflow_id.split_once(':')?;
    let (wanted, flow_id) = flow_ref(prefix, flow_id, None).ok()?;
    let (named, flow) = of_bundle(principal, app, &wanted, flow_id).ok()?;
    Some(json(StatusCode::OK, &FlowBody { named, flow: &flow }))
}
