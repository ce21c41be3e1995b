//! What a replay found.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::{LedgerSeq, RunId};
use crate::record::Json;

/// The outcome of one run's replay.
#[derive(Debug, Serialize)]
pub struct Report {
    pub run_id: RunId,
    pub workflow_id: String,
    pub component: String,
    pub verdict: Verdict,
    /// Ticks that were repeated.
    pub ticks: u64,
    /// Rows of the ledger that were made again.
    pub rows: u64,
    /// The first of those rows: 1, unless what came before is not kept.
    pub from_seq: LedgerSeq,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Identical,
    Different,
    /// There is nothing to repeat: the run was taken in from elsewhere and has not moved since, or what made the rows that are left has expired.
    Unrecorded,
}

/// The first difference between what is kept of a run and what comes of it now.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// `request`, `row`, `outcome`, `history`, `component`, `tick` or `status`.
    pub what: &'static str,
    /// A sentence for people.
    pub text: String,
    /// Where in history: the commit, and the tick within it (from 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tick: Option<(u64, usize)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<LedgerSeq>,
    /// Both sides in full.
    pub recorded: Option<Json>,
    pub replayed: Option<Json>,
}

/// The place, the sentence, and both sides, on a line each.
impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((pos, tick)) = self.tick {
            write!(f, "history row {pos}, tick {tick}: ")?;
        }
        if let Some(seq) = self.seq {
            write!(f, "ledger row {seq}: ")?;
        }
        write!(f, "{}", self.text)?;
        for (side, value) in [("recorded", &self.recorded), ("replayed", &self.replayed)] {
            write!(f, "\n  {side}: {}", value.as_ref().map_or("nothing", |value| value.get()))?;
        }
        Ok(())
    }
}

impl Difference {
    pub(super) fn new(what: &'static str, text: impl Into<String>) -> Box<Self> {
        Box::new(Difference {
            what,
            text: text.into(),
            tick: None,
            seq: None,
            recorded: None,
            replayed: None,
        })
    }
    pub(super) fn recorded(mut self: Box<Self>, value: &(impl Serialize + ?Sized)) -> Box<Self> {
        self.recorded = Some(json(value));
        self
    }
    pub(super) fn replayed(mut self: Box<Self>, value: &(impl Serialize + ?Sized)) -> Box<Self> {
        self.replayed = Some(json(value));
        self
    }
    pub(super) fn row(mut self: Box<Self>, seq: LedgerSeq) -> Box<Self> {
        self.seq = Some(seq);
        self
    }
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Json {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
