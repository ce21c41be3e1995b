//! What the API needs of the installed bundles. The registry of bundles implements it; nothing here knows where bundles
//! come from, how they are compiled or where components are kept.
//!
//! Every method takes the tenant first. Reads answer from memory and never block; `upload`, `reload` and `remove` may take
//! seconds (they unpack, compile and commit) and are futures.

use std::sync::Arc;

use bytes::Bytes;
use flowgate_compiler::diagnostic::Diagnostic;
use futures::future::BoxFuture;
use serde_json::value::RawValue;

use crate::ids::{Digest, TenantId};
use crate::journal::{self, DynamicWorkflow};
use crate::record::Json;

/// What everything about bundles answers where workflows do not come in bundles.
pub const NO_BUNDLES: &str = "Bundle workflow source is not enabled on this gateway";

pub trait Workflows: Send + Sync + 'static {
    /// Every installed version, sorted by bundle id and then from the oldest version to the latest by the latest-version rule.
    fn bundles(&self, tenant: TenantId) -> Vec<Arc<Bundle>>;

    /// One version, or the latest when `version` is `None` (published ones win over drafts).
    fn bundle(&self, tenant: TenantId, bundle_id: &str, version: Option<&str>) -> Result<Arc<Bundle>, Missing>;

    /// The VisualFlow document of a flow as it stands in the bundle; its subflow references are not rewritten.
    fn flow(&self, tenant: TenantId, bundle_id: &str, version: &str, flow_id: &str) -> Option<Arc<RawValue>>;

    /// What a start request means, by the rules of [`Target`].
    fn resolve(&self, tenant: TenantId, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError>;

    /// Whether workflows come in bundles; else they are flows without bundles, started by their own id.
    fn serves_bundles(&self) -> bool;

    /// The document of a flow that belongs to no bundle.
    fn flow_file(&self, tenant: TenantId, flow_id: &str) -> Option<Arc<RawValue>>;

    /// Takes in what has changed in a directory of flows; for requests that start something. Cheap where there is none.
    fn refresh(&self, tenant: TenantId) -> BoxFuture<'_, ()>;

    /// Compiles a document of the host's own and has the journal keep its component; gives that and the entry within it.
    fn compile(&self, tenant: TenantId, document: Json) -> BoxFuture<'_, Result<(Digest, String), CompileError>>;

    /// Says that a flow, or every flow of a bundle that is not named itself, is not to be started any more. Durable when it is answered.
    fn deprecate<'a>(
        &'a self,
        tenant: TenantId,
        bundle_id: &'a str,
        flow_id: Option<&'a str>,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Deprecation, DeprecateError>>;

    /// Takes that back. False: it was never said.
    fn undeprecate<'a>(
        &'a self,
        tenant: TenantId,
        bundle_id: &'a str,
        flow_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, journal::Error>>;

    /// Checks, compiles and installs a `.flow` file. A flow that does not compile does not stop the installation.
    fn upload(&self, tenant: TenantId, file: Bytes, overwrite: bool) -> BoxFuture<'_, Result<Uploaded, InstallError>>;

    /// Reads the sources of bundles again; answers the installed bundle ids, sorted. The error is a text for people.
    fn reload(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<String>, String>>;

    /// Removes one version, or all of them when `version` is `None`; answers how many went. Components that runs are pinned
    /// to stay. The error is a text for people.
    fn remove<'a>(&'a self, tenant: TenantId, bundle_id: &'a str, version: Option<&'a str>)
    -> BoxFuture<'a, Result<u64, String>>;
}

/// An installed version of a bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub bundle_id: String,
    pub bundle_version: String,
    /// As the manifest says it; may be empty.
    pub created_at: String,
    /// A version that starts with `draft.`.
    pub is_draft: bool,
    pub default_entrypoint: Option<String>,
    /// In the manifest's order.
    pub entrypoints: Vec<Entrypoint>,
    /// Ids of all flows, sorted.
    pub flows: Vec<String>,
    /// JSON object.
    pub metadata: Arc<RawValue>,
    /// Flows that are components, in the manifest's order.
    pub components: Vec<Component>,
    /// Findings of the compiler over all flows; errors stop only the start of their flow.
    pub diagnostics: Vec<Diagnostic>,
}

/// A flow that was not compiled here.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Component {
    pub flow_id: String,
    pub state: ComponentState,
}

/// How far a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// It is being compiled. Its runs can be started, and begin when it is.
    Installing,
    Ready,
    /// It cannot be run; the bundle's diagnostics say why.
    Failed,
}

impl Bundle {
    /// `bundle_id@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.bundle_id, self.bundle_version)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Entrypoint {
    pub flow_id: String,
    pub name: String,
    pub description: String,
    pub interfaces: Vec<String>,
    /// Set when the entrypoint (or its whole bundle) is deprecated.
    pub deprecated: Option<Deprecation>,
}

#[derive(Debug, Clone)]
pub struct Deprecation {
    /// ISO text.
    pub at: String,
    pub reason: Option<String>,
}

/// Why a document of the host's own has no component.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It does not compile: a text for people.
    #[error("{0}")]
    Document(String),
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

/// Why nothing was deprecated.
#[derive(Debug, thiserror::Error)]
pub enum DeprecateError {
    /// 404: `Bundle 'x' not found`, `Entrypoint 'b:f' not found`.
    #[error("{0}")]
    NotFound(String),
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

/// The file that was installed.
#[derive(Debug, Clone)]
pub struct Uploaded {
    pub bundle: Arc<Bundle>,
    /// Of the file's bytes.
    pub sha256: Digest,
}

/// Nothing installed by that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error("Bundle '{0}' not found")]
    Bundle(String),
    /// `bundle_id`, `version`.
    #[error("Bundle '{0}@{1}' not found")]
    Version(String, String),
}

/// What a client asked to start, trimmed, blank values already `None`.
///
/// 1. Nothing given: [`ResolveError::Nothing`].
/// 2. No flow: the bundle given (`bundle_id` may carry `@version`), else the only one installed; its only entrypoint, else
///    its default entrypoint.
/// 3. A flow with `:` whose prefix (before `@`) is an installed bundle: that bundle; it must agree with `bundle_id` and
///    `bundle_version`. With another prefix it is a workflow id of its own, which excludes a bundle id.
/// 4. A plain flow: needs `bundle_id` or a single installed bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    pub bundle_id: Option<&'a str>,
    pub bundle_version: Option<&'a str>,
    pub flow_id: Option<&'a str>,
}

/// A flow that can be started. One that belongs to no bundle has its id as `workflow_id` and `flow_id`, and an empty bundle id.
#[derive(Debug, Clone)]
pub struct ResolvedFlow {
    /// `bundle_id@version:flow_id`.
    pub workflow_id: String,
    pub bundle_id: String,
    pub bundle_version: String,
    pub flow_id: String,
    /// Its bundle version is a draft: a start must say that it is a draft test.
    pub is_draft: bool,
    pub component: Digest,
    /// The flow's own entry within the component.
    pub entry: String,
    /// One for each `on_event` node, in document order; same component.
    pub listeners: Vec<Listener>,
}

impl From<DynamicWorkflow> for ResolvedFlow {
    fn from(made: DynamicWorkflow) -> Self {
        ResolvedFlow {
            bundle_id: String::new(),
            bundle_version: String::new(),
            flow_id: made.workflow_id.clone(),
            workflow_id: made.workflow_id,
            is_draft: false,
            component: made.component,
            entry: made.entry,
            listeners: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Listener {
    /// `visual_event_listener_<flow>_<node>`.
    pub workflow_id: String,
    pub entry: String,
}

/// Why a start request names no flow that can be started. The texts are the wire's; the API adds the status and, where the
/// contract has it, the prefix `Failed to start run: `.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// 400, no prefix.
    #[error("flow_id is required (or provide bundle_id to start a bundle entrypoint)")]
    Nothing,
    /// 404, no prefix: `Bundle 'x' not found`, `Workflow 'b@v:f' not found`.
    #[error("{0}")]
    NotFound(String),
    /// 409, no prefix: `Workflow 'b:f' is deprecated[: reason]`.
    #[error("{0}")]
    Deprecated(String),
    /// 400, no prefix: a bundle is named where there are none.
    #[error("{NO_BUNDLES}")]
    NoBundles,
    /// 400 with the prefix: several bundles or entrypoints, parts that contradict each other.
    #[error("{0}")]
    Ambiguous(String),
    /// 400 with the prefix and the compiler's errors.
    #[error("workflow '{workflow_id}' does not compile")]
    NotCompiled {
        workflow_id: String,
        diagnostics: Vec<Diagnostic>,
    },
}

/// Why a file was not installed; the text goes to the client as it is, with 400. Of `Failed` the client learns that it can try again (503).
#[derive(Debug, Clone, thiserror::Error)]
pub enum InstallError {
    /// The file, its manifest or its ids are not acceptable.
    #[error("Failed installing bundle: {0}")]
    Invalid(String),
    /// `<bundle_id>@<version>.flow` without `overwrite`.
    #[error("Bundle already installed: {0}")]
    Exists(String),
    /// The journal did not take it.
    #[error("Failed installing bundle: {0}")]
    Failed(String),
}
