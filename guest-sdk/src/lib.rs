//! Write durable workflows in async Rust.
//!
//! A flow is an async function. What it wants done it asks of its [`Ctx`], and each `.await` on that is one effect in the run's ledger.
//! The run may wait there for a year and the host may die meanwhile: it goes on behind the `.await`, with the outcome.
//!
//! ```
//! use flowgate_guest::prelude::*;
//!
//! #[flowgate_guest::flow(id = "approve", inputs(prompt: String), outputs(draft: String, answer: String))]
//! async fn approve(ctx: Ctx, input: Input) -> Result<Output, Error> {
//!     let draft = ctx.llm_call(&input.prompt).await?;
//!     let answer = ctx.ask_user("Publish?").choices(["yes", "no"]).await?;
//!     if answer == "yes" {
//!         ctx.sleep(Duration::hours(1)).await?;
//!         ctx.emit_event("published", &draft).await?;
//!     }
//!     Ok(Output { draft, answer })
//! }
//!
//! use flowgate_guest::testing::Script;
//! let run = Script::new()
//!     .on("llm_call", json!({"content": "Dear all"}))
//!     .on("ask_user", json!({"response": "yes"}))
//!     .run::<approve>(json!({"prompt": "Invite everybody"}))
//!     .check()
//!     .unwrap();
//! assert_eq!(run.json(), json!({"draft": "Dear all", "answer": "yes"}));
//! assert_eq!(run.nodes(), ["llm_call#1", "ask_user#1", "sleep#1", "emit_event#1"]);
//! ```
//!
//! # How it goes on
//!
//! The host records what the flow asked for and what came of it. To bring a run back it starts the function anew and tells it the same
//! again, outcome by outcome; the function asks for the same again, and stands where it stood. So a flow must ask for the same things
//! when it is told the same things:
//!
//! * time and randomness come from [`Ctx::now`] and [`Ctx::random`], which are recorded. `std::time` panics in a component;
//! * keep no state outside of the function: no `static`, no thread-local;
//! * do not iterate over a `HashMap` or `HashSet`. In a component its order is the same at every replay, since its keys come from
//!   addresses there, but it is another after the next build, and another in the test harness. `BTreeMap` and `BTreeSet` have an order;
//! * `futures::select!` chooses at random among what is ready. The executor gives outcomes one by one, so this matters only for futures
//!   that need none; `futures::select_biased!` and `futures::future::select` have an order.
//!
//! Where a flow breaks this, the host finds a request that differs from the recorded one, and fails the run with both shown. The
//! [test harness](testing) finds it earlier.
//!
//! # Several things at once
//!
//! Futures are ordinary: `futures::join!`, `try_join!`, `select!` and `FuturesUnordered` work. Requests are made in the order in which their
//! futures are first polled. A future that is dropped before its outcome came is reported to the host, which closes its wait.
//!
//! ```
//! use flowgate_guest::prelude::*;
//! use futures::future::{Either, select};
//!
//! #[flowgate_guest::flow(id = "remind", inputs(who: String))]
//! async fn remind(ctx: Ctx, input: Input) -> Result<String, Error> {
//!     let answer = ctx.ask_user(&format!("{}, are you there?", input.who));
//!     Ok(match select(answer, ctx.sleep(Duration::days(1))).await {
//!         Either::Left((answer, _)) => answer?,
//!         Either::Right(_) => "nobody".to_owned(),
//!     })
//! }
//!
//! use flowgate_guest::testing::Script;
//! let run = Script::new().never("ask_user").run::<remind>(json!({"who": "Ann"})).check().unwrap();
//! assert_eq!(run.json(), json!({"result": "nobody"}));
//! ```
//!
//! # Names
//!
//! An effect's node is `<call>#<n>`, the n-th of that call in the run; [`Effect::node`] names it otherwise. A flow that names its nodes as
//! a graph does, and their successors by [`Effect::next`], leaves the same ledger as the graph.
//!
//! # Input and output
//!
//! `inputs(…)` and `outputs(…)` make the types `Input` and `Output`. A type of your own does as well: the input needs
//! `serde::Deserialize` and `schemars::JsonSchema`, from which the flow's start pins are made; the output `serde::Serialize`. Making a
//! schema costs a component some 50 KB, `inputs(…)` costs nothing.
//!
//! ```
//! use flowgate_guest::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Order {
//!     /// What is wanted.
//!     article: String,
//!     #[serde(default)]
//!     count: u32,
//! }
//!
//! #[flowgate_guest::flow(id = "order")]
//! async fn order(ctx: Ctx, input: Order) -> Result<(), Error> {
//!     ctx.answer_user(&format!("{} × {}", input.count, input.article)).await
//! }
//! ```
//!
//! The function has two parameters, the context and the input:
//!
//! ```compile_fail
//! use flowgate_guest::prelude::*;
//!
//! #[flowgate_guest::flow(id = "order")]
//! async fn order(ctx: Ctx) -> Result<(), Error> {
//!     ctx.answer_user("no").await
//! }
//! ```
//!
//! # Errors
//!
//! A failed effect is an [`Error`] that `?` passes on; then the run fails as a graph's run would. A flow may as well go on. A panic
//! fails the run with its message and place.

// The attribute writes paths that begin with the crate's name.
#[cfg(test)]
extern crate self as flowgate_guest;

mod console;
mod ctx;
mod effect;
mod error;
mod executor;
#[cfg(target_arch = "wasm32")]
pub mod guest;
mod info;
mod kinds;
mod machine;
mod panic;
mod random;
mod request;
mod run;
mod schema;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod time;
pub mod world;

pub use ctx::Ctx;
pub use effect::{As, Effect, Kind, Nothing};
pub use error::{EffectError, Error};
pub use flowgate_guest_macros::flow;
pub use kinds::children::{Child, ChildRun};
pub use kinds::events::{EmitEvent, Emitted, Event, Scope, WaitEvent, WaitEventUntil};
pub use kinds::files::{Artifact, ImportFile, JsonFile, ListFolder, Listing, ReadArtifact, ReadFile, Written};
pub use kinds::models::{LlmCall, Reply, Structured};
pub use kinds::tools::{CallTool, ToolCall, ToolCalls, ToolResult};
pub use kinds::users::{AskUser, Level};
pub use machine::{Heard, Machine, Next};
pub use request::Request;
pub use time::{Duration, Timestamp};

pub use {schemars, serde, serde_json};

/// JSON that is passed on as the text it is: numbers of any size and the order of keys survive.
pub type Json = Box<serde_json::value::RawValue>;

/// What most flows name.
pub mod prelude {
    pub use crate::{Ctx, Duration, Error, Heard, Json, Level, Machine, Next, Scope, Timestamp};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::json;
}

/// For what the attribute writes; no part of the interface.
#[doc(hidden)]
pub mod private {
    pub use crate::executor::Executor;
    pub use crate::info::Info;
    pub use crate::machine::Stepper;
    pub use crate::schema::start_pins;
}

pub(crate) fn raw(value: &(impl serde::Serialize + ?Sized)) -> Result<Json, serde_json::Error> {
    serde_json::value::to_raw_value(value)
}

pub(crate) fn null() -> Json {
    serde_json::value::RawValue::NULL.to_owned()
}
