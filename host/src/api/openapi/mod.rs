//! The description of this API for machines and people: `/openapi.json`, shown by Swagger UI at `/docs`.
//!
//! Each handler carries its own part (`#[utoipa::path]`) beside the code that it describes; [`Api`] lists them. A test holds the
//! list against the routes. Both pages are outside the guard, as in the reference, and name nothing of this host but its version.

mod answers;
pub mod bodies;
#[cfg(test)]
pub mod described;
#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;

use axum::Router;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

pub use answers::{BadRequest, Conflict, Expired, Full, Invalid, NotFound, Refused, TooLarge, Unread};

use super::{
    artifacts, audit, bundle_admin, bundle_flows, bundles, commands, deprecations, discovery, files, history, identity,
    input_data, ledger, runs, schedule, start, stream, workflow_flow,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flowgate",
        description = "Durable runs of sandboxed workflows. Every path but `/api/health` asks for `Authorization: Bearer <token>`."
    ),
    security(("token" = [])),
    modifiers(&Token),
    components(schemas(crate::record::RunStatus, answers::Detail, answers::Finding, answers::Findings, answers::Horizon)),
    tags(
        (name = "identity", description = "Is anybody there, and who am I"),
        (name = "bundles", description = "Installed bundles and their flows"),
        (name = "runs", description = "Starting and reading runs"),
        (name = "ledger", description = "The steps of runs: pages, batches, streams"),
        (name = "artifacts", description = "What runs and sessions keep, and bringing it in"),
        (name = "discovery", description = "What this host can do"),
        (name = "commands", description = "What is to be done with a run"),
        (name = "files", description = "The workspace's files; for administrators"),
    ),
    paths(
        identity::health,
        identity::ping,
        identity::me,
        bundles::list,
        bundles::get,
        bundle_admin::upload,
        bundle_admin::reload,
        bundle_admin::remove,
        bundle_flows::flow,
        bundle_flows::input_schema,
        deprecations::deprecate,
        deprecations::undeprecate,
        workflow_flow::get,
        start::start,
        schedule::schedule,
        runs::list,
        runs::get,
        input_data::get,
        history::get,
        ledger::page,
        ledger::batch,
        stream::follow,
        commands::submit,
        discovery::tools,
        discovery::providers,
        discovery::models,
        discovery::model_capabilities,
        discovery::capabilities,
        discovery::semantics,
        files::policy,
        files::list,
        files::search,
        files::read,
        files::skim,
        audit::tail,
        artifacts::workspace::ingest,
        artifacts::workspace::import,
        artifacts::workspace::export,
        artifacts::upload::upload,
        artifacts::search::search,
        artifacts::search::stats,
        artifacts::list::of_session,
        artifacts::list::of_run,
        artifacts::get,
        artifacts::content::get,
    )
)]
pub struct Api;

/// The bearer token, as every guarded path asks for it.
struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// `/openapi.json` and `/docs`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    SwaggerUi::new("/docs").url("/openapi.json", Api::openapi()).into()
}
