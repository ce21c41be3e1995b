//! The flow world (`wit/flow.wit`) as plain Rust: what a tick is told and what comes of it. One executor is used by the component and by
//! the native test harness; only these types pass between it and either of them.

/// What a flow says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub flow_id: String,
    /// The node at which a run begins.
    pub entry: String,
    /// `[{"id", "type", "label", "description"?, "default"?, "schema"?}]`.
    pub start_pins: String,
    /// `{node id: {"type", "label"}}`: the nodes that are known before a run.
    pub node_index: String,
}

/// Everything that a flow may know of the world during one tick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Microseconds since the Unix epoch, UTC.
    pub now_us: i64,
    pub seed: u64,
    pub run_id: String,
    pub workflow_id: String,
    pub session_id: Option<String>,
    pub parent_run_id: Option<String>,
    /// A JSON object.
    pub host_vars: String,
}

/// Why a flow is ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Start { entry: String, input: String },
    Resolved(Vec<(u64, Outcome)>),
    Continue,
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its result as JSON, `null` when it has none.
    Completed(String),
    /// A timed wait is over.
    Elapsed,
    Failed(String),
}

/// Something that a flow wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub id: u64,
    pub node: String,
    pub kind: String,
    /// A JSON object.
    pub payload: String,
    /// How often this node has asked before.
    pub ordinal: u64,
    pub result_key: Option<String>,
    pub next_node: Option<String>,
}

/// What a tick did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    pub progress: Progress,
    /// `(node, text)` of each line that the flow logged.
    pub log: Vec<(String, String)>,
}

/// How a tick ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Blocked {
        effects: Vec<Asked>,
        abandoned: Vec<u64>,
        steps: u32,
    },
    Completed {
        node: String,
        output: String,
        steps: u32,
    },
    Failed(Failed),
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub node: String,
    /// `effect_failed`, `flow_error`, `panic`, `bad_input`, `bad_event`, `bad_value` or `stuck`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at '{}': {}", self.code, self.node, self.message)
    }
}

/// One live run.
pub trait Instance {
    fn tick(&mut self, around: Around, event: Event) -> Progress;

    /// The whole state as JSON. None: the run is to be replayed.
    fn snapshot(&self) -> Option<String> {
        None
    }

    /// Takes a state over.
    ///
    /// # Errors
    /// What does not fit.
    fn restore(&mut self, _snapshot: &str) -> Result<(), String> {
        Err("this flow keeps no snapshots: it is replayed from its start".to_owned())
    }
}

/// A flow. [`macro@crate::flow`] implements it for a type of the function's name.
pub trait Flow: 'static {
    fn describe() -> Description;
    fn instance() -> Box<dyn Instance>;
}
