//! `GET /bundles` and `GET /bundles/{bundle_id}`: what is installed and what can be started.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use flowgate_compiler::diagnostic::Diagnostic;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::json;
use super::openapi::{BadRequest, Invalid, NotFound, Refused};
use super::pins::{NodeSummary, Pin, Pins};
use super::validate::Query;
use super::workflows::{Bundle, Component, Entrypoint, Missing};
use super::{AppState, Error, PathOf, Principal};
use crate::ids::TenantId;

#[derive(Serialize, ToSchema)]
#[schema(as = BundleList)]
struct List<'a> {
    items: Vec<Item<'a>>,
    default_bundle_id: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleItem)]
struct Item<'a> {
    bundle_id: &'a str,
    bundle_version: &'a str,
    bundle_ref: String,
    registry_scope: &'static str,
    version_channel: &'static str,
    is_draft: bool,
    is_published: bool,
    latest_published_version: Option<&'a str>,
    latest_any_version: Option<&'a str>,
    created_at: &'a str,
    #[schema(value_type = Object)]
    metadata: &'a RawValue,
    default_entrypoint: Option<&'a str>,
    entrypoints: Vec<ItemEntrypoint<'a>>,
    actions: Actions,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleItemEntrypoint)]
struct ItemEntrypoint<'a> {
    flow_id: &'a str,
    name: &'a str,
    description: &'a str,
    interfaces: &'a [String],
    workflow_id: String,
    deprecated: bool,
    deprecated_at: Option<&'a str>,
    deprecated_reason: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleActions)]
struct Actions {
    can_run: bool,
    can_upload: bool,
    can_remove: bool,
    can_deprecate: bool,
    catalog_promote_endpoint: &'static str,
}

fn workflow_id(bundle: &Bundle, flow_id: &str) -> String {
    format!("{}@{}:{flow_id}", bundle.bundle_id, bundle.bundle_version)
}

#[utoipa::path(
    get,
    path = "/api/gateway/bundles",
    tag = "bundles",
    params(
        ("all_versions" = Option<bool>, Query, description = "Every version, not only the latest"),
        ("include_deprecated" = Option<bool>, Query, description = "Deprecated entrypoints too"),
        ("include_drafts" = Option<bool>, Query, description = "Draft versions too"),
    ),
    responses((status = 200, body = List<'static>), BadRequest, Invalid, Refused)
)]
pub async fn list(principal: Principal, State(app): State<AppState>, OriginalUri(uri): OriginalUri) -> Result<Response, Error> {
    let mut query = Query::of(&uri);
    let all_versions = query.flag("all_versions", false);
    let include_deprecated = query.flag("include_deprecated", false);
    let include_drafts = query.flag("include_drafts", false);
    query.finish()?;

    let bundles = app.workflows.bundles(principal.tenant);
    let mut by_id: IndexMap<&str, Vec<&Bundle>> = IndexMap::new();
    for bundle in &bundles {
        by_id.entry(&bundle.bundle_id).or_default().push(bundle);
    }
    let mut items = Vec::new();
    for versions in by_id.values() {
        let published = versions.iter().rev().find(|bundle| !bundle.is_draft);
        let latest_any = latest_any(versions);
        let mut visible = versions.iter().filter(|bundle| include_drafts || !bundle.is_draft);
        let shown: Vec<_> = if all_versions {
            visible.collect()
        } else {
            published.or(visible.next_back()).into_iter().collect()
        };
        for bundle in shown {
            let entrypoints = bundle
                .entrypoints
                .iter()
                .filter(|entrypoint| include_deprecated || entrypoint.deprecated.is_none());
            let entrypoints: Vec<_> = entrypoints.map(|entrypoint| item_entrypoint(bundle, entrypoint)).collect();
            if !entrypoints.is_empty() {
                let latest = (
                    published.map(|b| b.bundle_version.as_str()),
                    latest_any.map(|b| b.bundle_version.as_str()),
                );
                items.push(item(bundle, entrypoints, latest));
            }
        }
    }
    let sole = by_id.keys().next().filter(|_| by_id.len() == 1).copied();
    let default_bundle_id = sole.filter(|id| items.iter().any(|item| item.bundle_id == *id));
    Ok(json(
        StatusCode::OK,
        &List {
            items,
            default_bundle_id,
        },
    ))
}

/// The latest version, drafts counted as any other: they have no numbers, so with one of them it is the one that was made last.
fn latest_any<'a>(versions: &[&'a Bundle]) -> Option<&'a Bundle> {
    if versions.iter().any(|bundle| bundle.is_draft) {
        let last = versions
            .iter()
            .max_by_key(|bundle| (&bundle.created_at, &bundle.bundle_version));
        return last.copied();
    }
    versions.last().copied()
}

fn item<'a>(bundle: &'a Bundle, entrypoints: Vec<ItemEntrypoint<'a>>, latest: (Option<&'a str>, Option<&'a str>)) -> Item<'a> {
    Item {
        bundle_id: &bundle.bundle_id,
        bundle_version: &bundle.bundle_version,
        bundle_ref: bundle.reference(),
        registry_scope: "private",
        version_channel: if bundle.is_draft { "draft" } else { "published" },
        is_draft: bundle.is_draft,
        is_published: !bundle.is_draft,
        latest_published_version: latest.0,
        latest_any_version: latest.1,
        created_at: &bundle.created_at,
        metadata: &bundle.metadata,
        default_entrypoint: bundle.default_entrypoint.as_deref(),
        entrypoints,
        actions: Actions {
            can_run: true,
            can_upload: true,
            can_remove: true,
            can_deprecate: true,
            catalog_promote_endpoint: "/api/gateway/admin/workflow-catalog/promote",
        },
    }
}

fn item_entrypoint<'a>(bundle: &Bundle, entrypoint: &'a Entrypoint) -> ItemEntrypoint<'a> {
    let deprecated = entrypoint.deprecated.as_ref();
    ItemEntrypoint {
        flow_id: &entrypoint.flow_id,
        name: &entrypoint.name,
        description: &entrypoint.description,
        interfaces: &entrypoint.interfaces,
        workflow_id: workflow_id(bundle, &entrypoint.flow_id),
        deprecated: deprecated.is_some(),
        deprecated_at: deprecated.map(|it| it.at.as_str()),
        deprecated_reason: deprecated.and_then(|it| it.reason.as_deref()),
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleDetail)]
struct Detail<'a> {
    bundle_id: &'a str,
    bundle_version: &'a str,
    bundle_ref: String,
    created_at: &'a str,
    default_entrypoint: Option<&'a str>,
    entrypoints: Vec<DetailEntrypoint<'a>>,
    flows: &'a [String],
    #[schema(value_type = Object)]
    metadata: &'a RawValue,
    /// Flows that are components, `{flow_id, state}`: `installing`, `ready` or `failed`; not in the reference.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>)]
    components: &'a [Component],
    /// What the compiler found; not in the reference, so only when there is something.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>)]
    diagnostics: &'a [Diagnostic],
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleDetailEntrypoint)]
struct DetailEntrypoint<'a> {
    flow_id: &'a str,
    workflow_id: String,
    name: &'a str,
    description: &'a str,
    interfaces: &'a [String],
    inputs: Vec<Pin>,
    #[schema(value_type = BTreeMap<String, NodeSummary>)]
    node_index: IndexMap<String, NodeSummary>,
    deprecated: bool,
    deprecated_at: Option<&'a str>,
    deprecated_reason: Option<&'a str>,
}

#[utoipa::path(
    get,
    path = "/api/gateway/bundles/{bundle_id}",
    tag = "bundles",
    params(
        ("bundle_id" = String, Path, description = "`bundle` or `bundle@version`"),
        ("bundle_version" = Option<String>, Query, description = "Left out: the latest"),
    ),
    responses((status = 200, body = Detail<'static>), BadRequest, NotFound, Refused)
)]
pub async fn get(
    principal: Principal,
    State(app): State<AppState>,
    PathOf(bundle_id): PathOf<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    detail(&principal, &app, &bundle_id, &uri)
}

/// A bundle may be named as a verb is.
pub async fn get_upload(
    principal: Principal,
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    detail(&principal, &app, "upload", &uri)
}

pub async fn get_reload(
    principal: Principal,
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Error> {
    detail(&principal, &app, "reload", &uri)
}

fn detail(principal: &Principal, app: &AppState, bundle_id: &str, uri: &Uri) -> Result<Response, Error> {
    let query = Query::of(uri);
    let conflict = "bundle_version conflicts with bundle_id (bundle_id already includes '@version')";
    let wanted = BundleRef::parse(bundle_id, query.word("bundle_version"), conflict)?;
    let bundle = wanted.find(app, principal.tenant)?;
    let entrypoints = bundle.entrypoints.iter().map(|entrypoint| {
        let pins = match app.workflows.flow(
            principal.tenant,
            &bundle.bundle_id,
            &bundle.bundle_version,
            &entrypoint.flow_id,
        ) {
            Some(flow) => Pins::of(&flow),
            None => Pins::default(),
        };
        let listed = item_entrypoint(&bundle, entrypoint);
        DetailEntrypoint {
            flow_id: listed.flow_id,
            workflow_id: listed.workflow_id,
            name: listed.name,
            description: listed.description,
            interfaces: listed.interfaces,
            inputs: pins.inputs,
            node_index: pins.nodes,
            deprecated: listed.deprecated,
            deprecated_at: listed.deprecated_at,
            deprecated_reason: listed.deprecated_reason,
        }
    });
    let detail = Detail {
        bundle_id: &bundle.bundle_id,
        bundle_version: &bundle.bundle_version,
        bundle_ref: bundle.reference(),
        created_at: &bundle.created_at,
        default_entrypoint: bundle.default_entrypoint.as_deref(),
        entrypoints: entrypoints.collect(),
        flows: &bundle.flows,
        metadata: &bundle.metadata,
        components: &bundle.components,
        diagnostics: &bundle.diagnostics,
    };
    Ok(json(StatusCode::OK, &detail))
}

/// `bundle_id` or `bundle_id@version`, split at the first `@`, both sides trimmed; an empty version is none.
pub struct BundleRef<'a> {
    pub bundle_id: &'a str,
    pub version: Option<&'a str>,
}

impl<'a> BundleRef<'a> {
    pub fn split(text: &'a str) -> Self {
        let (bundle_id, version) = text.split_once('@').unwrap_or((text, ""));
        BundleRef {
            bundle_id: bundle_id.trim(),
            version: Some(version.trim()).filter(|version| !version.is_empty()),
        }
    }

    /// With a version said apart; `conflict` is the text when the two differ.
    pub fn parse(text: &'a str, version: Option<&'a str>, conflict: &'static str) -> Result<Self, Error> {
        let mut parsed = BundleRef::split(text);
        if parsed.bundle_id.is_empty() {
            return Err(Error::bad_request("bundle_id is required"));
        }
        match (parsed.version, version) {
            (Some(inside), Some(apart)) if inside != apart => return Err(Error::bad_request(conflict)),
            (None, apart) => parsed.version = apart,
            _ => {}
        }
        Ok(parsed)
    }

    pub fn find(&self, app: &AppState, tenant: TenantId) -> Result<Arc<Bundle>, Error> {
        app.workflows
            .bundle(tenant, self.bundle_id, self.version)
            .map_err(Error::from)
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Error::not_found(missing.to_string())
    }
}
