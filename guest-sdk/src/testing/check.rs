//! Whether a recorded run comes out the same again, however often it is interrupted.

use std::fmt;

use super::run::{Run, asked};
use crate::panic;
use crate::world::{Instance, Progress};

/// The first difference between a recorded run and its repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Which tick, from 0.
    pub tick: usize,
    /// Where the run was interrupted, if it was.
    pub crashed_before: Option<usize>,
    /// What the flow asked for, or how it ended, when it was recorded.
    pub recorded: String,
    /// What it does now.
    pub now: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.crashed_before {
            Some(at) => write!(f, "interrupted before tick {at}, ")?,
            None => write!(f, "replayed, ")?,
        }
        write!(
            f,
            "the flow differs at tick {}\n  recorded: {}\n  now:      {}",
            self.tick, self.recorded, self.now
        )
    }
}

impl std::error::Error for Divergence {}

impl Run {
    /// Starts the flow anew and tells it the same.
    ///
    /// # Errors
    /// It does something else.
    pub fn replay(&self) -> Result<(), Divergence> {
        self.repeat(&mut *(self.instance)(), 0, self.ticks.len(), None)
    }

    /// Lets the host die before every tick: a new instance is brought back as the host would, by the flow's snapshot if it gives one, else by
    /// replay, and goes on to the end.
    ///
    /// # Errors
    /// It does something else after one of the interruptions.
    pub fn crash_everywhere(&self) -> Result<(), Divergence> {
        for at in 1..self.ticks.len() {
            let mut first = (self.instance)();
            self.repeat(&mut *first, 0, at, Some(at))?;
            let snapshot = first.snapshot();
            drop(first);
            let mut second = (self.instance)();
            match snapshot {
                Some(snapshot) => {
                    second.restore(&snapshot).map_err(|now| Divergence {
                        tick: at,
                        crashed_before: Some(at),
                        recorded: "a snapshot".to_owned(),
                        now,
                    })?;
                    self.repeat(&mut *second, at, self.ticks.len(), Some(at))?;
                }
                None => self.repeat(&mut *second, 0, self.ticks.len(), Some(at))?,
            }
        }
        Ok(())
    }

    /// Both; gives the run itself.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(self) -> Result<Self, Divergence> {
        self.replay()?;
        self.crash_everywhere()?;
        Ok(self)
    }

    fn repeat(
        &self,
        instance: &mut dyn Instance,
        from: usize,
        to: usize,
        crashed_before: Option<usize>,
    ) -> Result<(), Divergence> {
        for (at, tick) in self.ticks.iter().enumerate().take(to).skip(from) {
            let now = panic::tick(instance, tick.around.clone(), tick.event.clone()).progress;
            if now != tick.progress {
                return Err(Divergence {
                    tick: at,
                    crashed_before,
                    recorded: shown(&tick.progress),
                    now: shown(&now),
                });
            }
        }
        Ok(())
    }
}

fn shown(progress: &Progress) -> String {
    match progress {
        Progress::Blocked { abandoned, .. } => {
            let requests = asked(progress)
                .iter()
                .map(|asked| format!("{} {} {}", asked.node, asked.kind, asked.payload));
            let mut all: Vec<String> = requests.collect();
            if !abandoned.is_empty() {
                all.push(format!("abandons {abandoned:?}"));
            }
            if all.is_empty() {
                "asks for nothing".to_owned()
            } else {
                all.join("; ")
            }
        }
        Progress::Completed { output, .. } => format!("completed with {output}"),
        Progress::Failed(failed) => format!("failed: {failed}"),
    }
}
