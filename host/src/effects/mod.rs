//! What becomes of an effect request: computed at once, a wait, a child run, an event, or a call of the outside world.
//!
//! [`decide`] looks only at the request and the names of the run; it does no I/O and writes nothing. Calls of the outside go
//! through [`Handlers`]; [`with_files`] adds those of file nodes.

mod files;
mod handlers;
mod idempotency;
mod local;
mod payload;
mod read_artifact;

pub use files::with_files;
pub use handlers::{Call, Handler, Handlers};
pub use idempotency::key;
pub use local::{decide, may_start_child};
pub use read_artifact::ReadArtifact;

use crate::clock::Micros;
use crate::journal::EventScope;
use crate::record::{Json, WaitState};

/// The run an effect belongs to, as far as effects may know it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub run_id: &'a str,
    pub workflow_id: &'a str,
    pub session_id: Option<&'a str>,
    pub now: Micros,
}

/// An effect request with its payload checked to be JSON.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: u64,
    pub node: String,
    pub kind: String,
    pub payload: Json,
    pub ordinal: u64,
    pub result_key: Option<String>,
    pub next_node: Option<String>,
}

/// What is to be done for a request.
#[derive(Debug)]
pub enum Decision {
    /// Done: its result.
    Completed(Json),
    /// Cannot be done: the reference's text.
    Failed(String),
    /// The run waits; `until` is the due time of a timed wait.
    Wait { wait: Box<WaitState>, until: Option<Micros> },
    /// A child run is started and waited for.
    Child(Box<Child>),
    /// An event is emitted by the journal, inside the commit.
    Emit(Box<Emission>),
    /// The outside world is asked.
    Call,
}

/// A child run as a flow asks for it.
#[derive(Debug)]
pub struct Child {
    pub workflow_id: String,
    /// JSON object: the child's variables as the flow gave them.
    pub vars: Json,
    pub session_id: Option<String>,
    /// False: the parent goes on at once with the child's id.
    pub wait: bool,
    pub include_traces: bool,
    /// As the wait shows them.
    pub next_node: Option<String>,
    pub result_key: Option<String>,
}

#[derive(Debug)]
pub struct Emission {
    pub name: String,
    pub scope: EventScope,
    pub scope_id: String,
    pub event_id: Option<String>,
    pub payload: Json,
}
