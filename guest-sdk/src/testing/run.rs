//! A recorded run.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::world::{Around, Asked, Event, Failed, Instance, Progress};

/// What a flow did under a script.
pub struct Run {
    pub(super) instance: fn() -> Box<dyn Instance>,
    pub(super) ticks: Vec<Tick>,
    pub(super) end: End,
    pub(super) log: Vec<(String, String)>,
}

pub(super) struct Tick {
    pub around: Around,
    pub event: Event,
    pub progress: Progress,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The output as JSON.
    Completed(String),
    Failed(Failed),
    /// It waits for these, and the script has no outcome for any of them.
    Waiting(Vec<Asked>),
    /// It went on for longer than a test may.
    Endless,
}

impl Run {
    pub fn end(&self) -> &End {
        &self.end
    }

    /// The output, as a type of the author's.
    ///
    /// # Errors
    /// How the run ended instead, or what is wrong with the output.
    pub fn output<T: DeserializeOwned>(&self) -> Result<T, String> {
        match &self.end {
            End::Completed(output) => serde_json::from_str(output).map_err(|error| format!("the output {output}: {error}")),
            End::Failed(failed) => Err(format!("the run failed: {failed}")),
            End::Waiting(asked) => {
                let asked: Vec<&str> = asked.iter().map(|asked| asked.node.as_str()).collect();
                Err(format!(
                    "the run waits for {}, for which the script has no outcome",
                    asked.join(", ")
                ))
            }
            End::Endless => Err("the run does not end".to_owned()),
        }
    }

    /// The output as JSON; null when there is none.
    pub fn json(&self) -> Value {
        self.output().unwrap_or_default()
    }

    /// Why the run failed.
    pub fn failure(&self) -> Option<&Failed> {
        match &self.end {
            End::Failed(failed) => Some(failed),
            _ => None,
        }
    }

    /// Everything that the flow asked for, in order.
    pub fn requests(&self) -> Vec<&Asked> {
        self.ticks.iter().flat_map(|tick| asked(&tick.progress)).collect()
    }

    /// The nodes that asked, in order.
    pub fn nodes(&self) -> Vec<&str> {
        self.requests().into_iter().map(|asked| asked.node.as_str()).collect()
    }

    /// The nodes whose outcome the flow no longer wanted, in order.
    pub fn abandoned(&self) -> Vec<&str> {
        let requests = self.requests();
        let ids = self.ticks.iter().flat_map(|tick| match &tick.progress {
            Progress::Blocked { abandoned, .. } => abandoned.as_slice(),
            _ => &[],
        });
        ids.filter_map(|id| requests.iter().find(|asked| asked.id == *id).map(|asked| asked.node.as_str()))
            .collect()
    }

    /// The lines that the flow logged.
    pub fn log(&self) -> Vec<&str> {
        self.log.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// How often the flow was told something.
    pub fn ticks(&self) -> usize {
        self.ticks.len()
    }
}

pub(super) fn asked(progress: &Progress) -> &[Asked] {
    match progress {
        Progress::Blocked { effects, .. } => effects,
        _ => &[],
    }
}

impl Asked {
    /// The payload, parsed.
    pub fn payload(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_default()
    }
}
