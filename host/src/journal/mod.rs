//! The journal: the only code that writes to the database, and the source of every answer a client gets.
//!
//! One writer task ([`Service`]) owns the write connection and commits everything that is waiting together (group commit);
//! callers hold a [`Handle`] and are answered after the commit. Subscribers and the runner hear of a row only after it is
//! committed. The journal knows runs, rows, waits and commands; it never runs a flow and never parses a flow's JSON
//! beyond the fields of a command.

mod artifacts;
mod backup;
mod chain;
mod fresh;
mod fuse;
mod handle;
mod lock;
mod metrics;
mod nudge;
mod offline;
mod offload;
mod options;
mod quota;
mod reader;
mod recorded;
mod retention;
pub mod rows;
mod scope;
mod sessions;
mod store;
mod subscribe;
mod tail;
#[cfg(test)]
mod tests;
pub mod types;
mod vital;
mod wakes;
mod workflows;
mod writer;

pub use artifacts::{ArtifactFilter, ArtifactPage, ArtifactPart, ArtifactStats, Facet};
pub use backup::backup;
pub use chain::{Broken, Chain};
pub use fuse::{Fuse, Moment};
pub use handle::{Component, FinishedCall, Handle, ImportedRun, PutArtifact, Started};
pub use lock::RunnerLock;
pub use offline::Offline;
pub(crate) use offload::shrink;
pub use options::{Options, Role, Synchronous};
pub use quota::Stored;
pub use reader::{CommandState, PAGE_BYTES};
pub use recorded::Recorded;
pub use retention::{Keeper, Policy, Retention};
pub use sessions::{SessionRoot, TreeSum};
pub use subscribe::{Page, Subscription, Tail};
pub use types::*;
pub use vital::{Runs, Unwell};
pub use wakes::{Wake, Wakes};
pub use writer::{Running, Service, open};
