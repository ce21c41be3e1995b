//! The ledger's rows in the shape that clients know (StepRecord), and the wait shown in a run.
//!
//! JSON inside a record is carried as text and never parsed here.

pub mod artifact;
mod object;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use object::Object;

/// JSON text as it came from a flow or a client.
pub type Json = Box<RawValue>;

/// One row of a run's ledger. Field names, order and meaning are the reference's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepRecord {
    pub run_id: String,
    pub step_id: String,
    pub node_id: String,
    pub status: StepStatus,
    pub effect: Option<EffectRecord>,
    pub result: Option<Json>,
    pub error: Option<String>,
    pub started_at: String,
    pub ended_at: Option<String>,
    pub actor_id: Option<String>,
    pub session_id: Option<String>,
    pub attempt: u32,
    pub idempotency_key: Option<String>,
    pub prev_hash: Option<String>,
    pub record_hash: Option<String>,
    pub signature: Option<String>,
}

/// The effect type of a row that no flow asked for: a client's command that could not be applied. Its status is `failed`, `error` says
/// why, `node_id` is where the run stood, `idempotency_key` is `command:<command_id>`, and the effect is
/// `{"type": "command", "payload": {"command_id", "type", "client_id"}, "result_key": null}`, the payload's `type` being the command's.
/// It changes nothing else of the run; a run that has ended may get one after its last row. The reference only logs such commands.
/// A run that was moved to another version of its workflow has such a row, too: `completed`, its payload's `type` is `upgrade`.
pub const COMMAND: &str = "command";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    Started,
    Completed,
    Waiting,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EffectRecord {
    #[serde(rename = "type")]
    pub kind: String,
    pub payload: Json,
    pub result_key: Option<String>,
}

/// Why a run waits, as the wire shows it (nine fields, in this order).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaitState {
    pub reason: WaitReason,
    pub wait_key: Option<String>,
    pub until: Option<String>,
    pub resume_to_node: Option<String>,
    pub result_key: Option<String>,
    pub prompt: Option<Json>,
    pub choices: Option<Json>,
    pub allow_free_text: bool,
    pub details: Option<Json>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitReason {
    Event,
    Until,
    User,
    Job,
    Subworkflow,
}

impl WaitReason {
    pub fn as_str(self) -> &'static str {
        match self {
            WaitReason::Event => "event",
            WaitReason::Until => "until",
            WaitReason::User => "user",
            WaitReason::Job => "job",
            WaitReason::Subworkflow => "subworkflow",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Waiting,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    pub const ALL: [Self; 5] = [Self::Running, Self::Waiting, Self::Completed, Self::Failed, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Waiting => "waiting",
            RunStatus::Completed => "completed",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
