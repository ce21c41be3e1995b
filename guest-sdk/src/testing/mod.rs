//! Tests for flows, without a host: outcomes come from a [`Script`], time is virtual, and everything is recorded.
//!
//! ```
//! use flowgate_guest::prelude::*;
//! use flowgate_guest::testing::Script;
//!
//! #[flowgate_guest::flow(id = "greet", inputs(name: String), outputs(mood: String))]
//! async fn greet(ctx: Ctx, input: Input) -> Result<Output, Error> {
//!     ctx.answer_user(&format!("Hello, {}", input.name)).await?;
//!     let mood = ctx.ask_user("How are you?").await?;
//!     Ok(Output { mood })
//! }
//!
//! let run = Script::new().on("ask_user", json!({"response": "fine"})).run::<greet>(json!({"name": "Ann"}));
//! assert_eq!(run.requests()[0].payload()["message"], "Hello, Ann");
//! // Replays it, and lets the host die at every await.
//! let run = run.check().unwrap();
//! assert_eq!(run.output::<Output>().unwrap().mood, "fine");
//! ```
//!
//! Local effects are done as the host does them: a message is said, an event reaches nobody, a timed wait is over when its time has come. What
//! waits for somebody else needs an outcome in the script; where there is none, time goes on to the next timer, and without a timer the run is
//! left waiting.

mod check;
mod run;
mod script;

pub use check::Divergence;
pub use run::{End, Run};
pub use script::{Reply, Script};
