//! The private history: one record a tick, from which a run is recomputed.
//!
//! ```json
//! {"now": 1780525729543322, "seed": 42, "steps": 1000, "event": {"start": {}} | {"resolved": [[3, {"completed": …}]]} | "continue",
//!  "patch": {"_meta": …}, "workflow": "<workflow id>", "effects": ["<digest>"], "seq": [5, 8], "next": <event>, "kept": true,
//!  "stopped": "fuel limit: …"}
//! ```
//!
//! What `around` tells beside the time and the seed is fixed when the run starts and is stored with the run; where the host's variables
//! have changed since, `patch` says how they were (RFC 7396). Of a run that has moved to another version of its flow `workflow` is what the
//! tick was told; where it is missing, the one that the run was started with. `effects` has the digest of each request as the flow made it, `seq` the
//! ledger rows that the tick produced (first, last), counted without rows that say why a command came to nothing. `kept`: the state after the
//! tick was written, and the run went on from what was written. What is empty is left out.

use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::journal::Outcome;
use crate::record::Json;
use crate::sandbox::world;

/// One tick as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tick {
    pub now: i64,
    pub seed: u64,
    /// `max-steps` as the flow was told.
    pub steps: u32,
    pub event: Told,
    /// The patch of the host's variables that the flow was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Json>,
    /// The workflow that the flow was told it is, in a run that has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<(u64, u64)>,
    /// What the flow is told next, where that was known when the tick was committed and is not in the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Told>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// The host stopped the flow in this tick; nothing follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// An event as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// The input and the entry are stored with the run.
    Start {},
    Resolved(Vec<(u64, Outcome)>),
    Continue,
}

impl Told {
    pub fn event(&self, entry: &str, input: &str) -> world::Event {
        match self {
            Told::Start {} => world::Event::Start(world::Start {
                entry: entry.to_owned(),
                input: input.to_owned(),
            }),
            Told::Continue => world::Event::Continue,
            Told::Resolved(outcomes) => {
                let told = outcomes.iter().map(|(id, outcome)| world::Resolution {
                    id: *id,
                    outcome: told(outcome),
                });
                world::Event::Resolved(told.collect())
            }
        }
    }
}

fn told(outcome: &Outcome) -> world::Outcome {
    match outcome {
        Outcome::Completed(json) => world::Outcome::Completed(json.get().to_owned()),
        Outcome::Elapsed => world::Outcome::Elapsed,
        Outcome::Failed(text) => world::Outcome::Failed(text.clone()),
    }
}

/// The digest of a request as the flow made it.
pub(super) fn digest(effect: &world::Effect) -> String {
    let text = format!(
        "{}\0{}\0{}\0{}\0{:?}\0{:?}\0{}",
        effect.id, effect.node, effect.kind, effect.ordinal, effect.result_key, effect.next_node, effect.payload
    );
    Digest::of(text.as_bytes()).hex()[..32].to_owned()
}
