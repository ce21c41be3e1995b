//! Shapes that handlers read or write as text: described here, taken apart and put together there.
#![expect(dead_code, reason = "shapes for the description only")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::record::{RunStatus, StepStatus};

/// A whole number from `LEAST` of any size: what is beyond the end counts as the end.
pub struct AtLeast<const LEAST: usize>;

impl<const LEAST: usize> PartialSchema for AtLeast<LEAST> {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        number.minimum(Some(LEAST)).into()
    }
}

impl<const LEAST: usize> ToSchema for AtLeast<LEAST> {}

/// Which artifacts are meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArtifactFilters {
    /// `all`, `session` (with `session_id`) or `run` (with `run_id`)
    scope: Option<String>,
    session_id: Option<String>,
    run_id: Option<String>,
    modality: Option<String>,
    /// Semantic kinds, separated by commas
    artifact_kind: Option<String>,
    semantic_kind: Option<String>,
    render_kind: Option<String>,
    workflow_id: Option<String>,
    node_id: Option<String>,
    /// A type, or `image/*`
    content_type: Option<String>,
    /// Found in the id, the type, the run's name or a tag
    query: Option<String>,
    /// A JSON object, or `k=v,k=v`
    tags: Option<String>,
    /// ISO time, inclusive
    created_after: Option<String>,
    /// ISO time, inclusive
    created_before: Option<String>,
}

/// Which part of a list of artifacts is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArtifactPart {
    /// 500, also for 0 and -1
    #[param(minimum = -1, maximum = 10000)]
    limit: Option<i64>,
    #[param(minimum = 0)]
    offset: Option<i64>,
}

/// One event of a stream. A `step` has the JSON text of `{"cursor", "record"}` as its data and the cursor as its id; `done` has
/// `{"run_id", "cursor", "status"}` and no id, `expired` has `{"run_id", "cursor", "horizon"}`.
#[derive(ToSchema)]
pub struct StreamEvent {
    event: Option<String>,
    id: Option<String>,
    data: Option<String>,
}

/// A run to be started.
#[derive(ToSchema)]
pub struct StartBody {
    /// May carry its version: `bundle@1.0.0`.
    bundle_id: Option<String>,
    bundle_version: Option<String>,
    /// Left out: the bundle's default entrypoint. May carry its bundle: `bundle:flow`.
    flow_id: Option<String>,
    /// The values of the flow's start pins.
    #[schema(value_type = Object, required = false)]
    input_data: Option<Value>,
    /// Left out: the run is its own session.
    session_id: Option<String>,
    /// Only `private` is known.
    registry_scope: Option<String>,
    /// Boolean or text.
    thinking: Option<Value>,
    /// Where the run comes from and what it is for.
    #[schema(value_type = Option<Object>)]
    run_lifecycle: Option<Value>,
}

#[derive(ToSchema)]
pub struct Started {
    run_id: String,
}

/// A flow to be run later, or again and again.
#[derive(ToSchema)]
pub struct ScheduleBody {
    /// May carry its version: `bundle@1.0.0`.
    bundle_id: String,
    bundle_version: Option<String>,
    flow_id: String,
    /// The values of the flow's start pins, the same for every execution.
    #[schema(value_type = Object)]
    input_data: Option<Value>,
    /// An ISO timestamp or a delay such as `5m`. Left out or `now`: at once.
    start_at: Option<String>,
    /// Between the end of one execution and the next: `20ms`, `30s`, `5m`, `1h`, `1d`.
    interval: Option<String>,
    /// Executions, from 1 to 10000. With an interval and without a count or an end: until it is cancelled.
    repeat_count: Option<i64>,
    /// ISO timestamp of the last possible execution.
    repeat_until: Option<String>,
    /// Whether executions belong to the session of the schedule; `true` when left out.
    share_context: Option<bool>,
    /// Left out: the schedule is its own session.
    session_id: Option<String>,
    /// Only `private` is known.
    registry_scope: Option<String>,
}

/// Which flow is not to be started any more.
#[derive(ToSchema)]
pub struct DeprecateBody {
    /// Left out or `*`: every flow of the bundle.
    flow_id: Option<String>,
    /// Told to whoever tries to start it.
    reason: Option<String>,
}

#[derive(ToSchema)]
pub struct UndeprecateBody {
    /// As it was deprecated.
    flow_id: Option<String>,
}

/// What a client wants done with a run.
#[derive(ToSchema)]
pub struct CommandBody {
    /// Makes the command happen once, however often it is sent. Blank: one is made.
    command_id: String,
    run_id: String,
    r#type: CommandType,
    #[schema(value_type = Object, required = false)]
    payload: Option<Value>,
    /// The client's time, kept as it is.
    ts: Option<String>,
    client_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CommandType {
    Pause,
    Resume,
    Cancel,
    EmitEvent,
    UpdateSchedule,
    CompactMemory,
}

/// Whether a command was taken, or had been before; `seq` is its place in the order of arrival.
#[derive(ToSchema)]
pub struct Receipt {
    accepted: bool,
    duplicate: bool,
    seq: u64,
}

/// A bundle file.
#[derive(ToSchema)]
pub struct UploadForm {
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Replace the same version.
    overwrite: Option<bool>,
    /// Kept for older clients: an installed bundle can be started at once.
    reload: Option<bool>,
}

/// A file for a session.
#[derive(ToSchema)]
pub struct AttachmentForm {
    session_id: String,
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Left out: the file's own.
    filename: Option<String>,
    /// Left out: the file part's, else by the name.
    content_type: Option<String>,
    /// Where the client has it. Left out: `client:<filename>`.
    source_path: Option<String>,
}

/// A file of the workspace for a session.
#[derive(ToSchema)]
pub struct IngestBody {
    session_id: String,
    /// Relative to the workspace.
    path: String,
    /// Left out: the file's own.
    filename: Option<String>,
    /// Left out: by the name.
    content_type: Option<String>,
    workspace_root: Option<String>,
    workspace_access_mode: Option<String>,
    workspace_allowed_paths: Option<String>,
    workspace_ignored_paths: Option<String>,
}

/// A file of the workspace as the input of a run.
#[derive(ToSchema)]
pub struct ImportBody {
    session_id: String,
    /// Relative to the workspace; or `source.path`.
    path: Option<String>,
    source: Option<ImportSource>,
    /// Left out: the file's own.
    filename: Option<String>,
    /// Left out: by the name.
    content_type: Option<String>,
    /// The start pin that it is for.
    pin_id: Option<String>,
    /// Left out: `run_input`.
    purpose: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    workspace_root: Option<String>,
    workspace_access_mode: Option<String>,
    workspace_allowed_paths: Option<String>,
    workspace_ignored_paths: Option<String>,
}

#[derive(ToSchema)]
pub struct ImportSource {
    /// `workspace_path`.
    kind: Option<String>,
    path: Option<String>,
}

/// Where in the workspace an artifact's bytes go.
#[derive(ToSchema)]
pub struct ExportBody {
    /// Relative to the workspace; or `destination`.
    path: Option<String>,
    destination: Option<String>,
    /// Replace a file that is there.
    overwrite: Option<bool>,
    /// Make folders that are missing.
    create_parent_dirs: Option<bool>,
    workspace_root: Option<String>,
    workspace_access_mode: Option<String>,
    workspace_allowed_paths: Option<String>,
    workspace_ignored_paths: Option<String>,
}

/// One row of a run's ledger.
#[derive(ToSchema)]
pub struct StepRecord {
    run_id: String,
    step_id: String,
    node_id: String,
    status: StepStatus,
    effect: Option<EffectRecord>,
    result: Option<Value>,
    error: Option<String>,
    started_at: String,
    ended_at: Option<String>,
    actor_id: Option<String>,
    session_id: Option<String>,
    attempt: u32,
    idempotency_key: Option<String>,
    prev_hash: Option<String>,
    record_hash: Option<String>,
    signature: Option<String>,
}

#[derive(ToSchema)]
pub struct EffectRecord {
    r#type: String,
    payload: Value,
    result_key: Option<String>,
}

/// Rows after a cursor.
#[derive(ToSchema)]
pub struct LedgerPage {
    items: Vec<StepRecord>,
    /// The next request's `after`.
    next_after: u64,
    /// In a batch, where rows that were asked for have expired: the number of the first that is still there. `items` is empty then.
    horizon: Option<u64>,
}

#[derive(ToSchema)]
pub struct BatchBody {
    runs: Option<Vec<BatchRun>>,
    /// Rows of each run at most.
    #[schema(minimum = 1, maximum = 2000, default = 200)]
    limit: Option<i64>,
}

#[derive(ToSchema)]
pub struct BatchRun {
    run_id: String,
    #[schema(inline, required = false)]
    after: AtLeast<0>,
}

/// Pages by run id; runs that do not exist are left out.
#[derive(ToSchema)]
pub struct Batch {
    runs: BTreeMap<String, LedgerPage>,
}

/// The statuses that `GET /runs` filters by.
pub type Status = RunStatus;
