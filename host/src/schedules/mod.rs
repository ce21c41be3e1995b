//! Schedules: a workflow that is run later, or again and again.
//!
//! A schedule is a run of a small workflow that waits and starts its target as a child run: its *wrapper*. This module says what may be
//! asked for ([`Plan`]) and draws the wrapper ([`document`](wrapper::document)); it does no I/O. The wrapper is compiled like any flow,
//! so a schedule is as durable as every other run, and while it waits it is one row with a due time.

mod interval;
mod plan;
pub mod wrapper;

pub use interval::Interval;
pub use plan::{Asked, Plan, Refusal, Rhythm, Start};

/// What the workflow id of a schedule starts with; a UUID follows.
pub const PREFIX: &str = "scheduled:";

/// What every wrapper is called within its component, so that wrappers of the same shape have one component.
pub const FLOW_ID: &str = "scheduled";

/// A custom section at the end of each wrapper's component, so that no flow of a bundle has the same bytes and what was made for schedules
/// can go with them.
pub const MARK: &[u8] = b"\x00\x11\x10flowgate-wrapper";

/// The node of a wrapper that waits between two executions. Clients look for it by this name.
pub const WAIT_INTERVAL: &str = "wait_interval";

/// Where the interval of a schedule stands among the host's variables of its run: the wrapper reads it each time before it waits.
pub const INTERVAL_VARIABLE: &str = "_meta.schedule.interval";

/// The most executions that can be counted.
pub const MAX_EXECUTIONS: i64 = 10_000;
