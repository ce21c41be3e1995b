//! The data nodes: one function a node type, grouped as the language's specification groups them.
//!
//! A builtin is a function of its resolved inputs; it keeps nothing between calls and cannot block.

use crate::value::{Dict, Map, Value};

/// What a builtin may read.
pub struct Cx<'a> {
    /// The resolved input: pin id -> value. A pin that did not resolve is absent, which differs from null.
    pub args: &'a Map,
    /// The node's static configuration as the compiler packed it:
    /// `{"pins": [declared data input ids in order], "outputs": [declared data output ids in order], <config key>: <node data value>…}`.
    /// A null when the node has nothing to say.
    pub cfg: &'a Value,
    /// The run's variables as a flow sees them (its own, over the host's).
    pub vars: &'a Vars<'a>,
    /// Clock and randomness as the host told them for this tick.
    pub world: &'a mut World,
}

/// The variables of a run: the flow's own, and beneath them those that the host owns (`_limits`, `_runtime`, `workspace_*` …).
pub struct Vars<'a> {
    pub own: &'a Dict,
    pub host: &'a Dict,
}

impl Vars<'_> {
    /// The top-level variable `name`; the flow's own wins over the host's.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.own.get(name).or_else(|| self.host.get(name))
    }
}

/// What a flow may know of the outside in one tick.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The host's time: microseconds since the Unix epoch, UTC.
    pub now_us: i64,
    /// State of the tick's random generator, seeded by the host (splitmix64).
    pub random: u64,
    /// Facts of the host for discovery nodes: `{"providers": [..], "tools": [..]}`.
    pub host: Value,
}

/// Why a builtin could not answer: the reference's text where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

pub type Result<T = Value> = std::result::Result<T, Error>;

/// The function behind a data node: its output value (an object exposes its keys as pins).
pub type Builtin = fn(&mut Cx<'_>) -> Result;
