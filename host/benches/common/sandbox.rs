//! What flows are told in benchmarks, and programs of them.
#![allow(dead_code, clippy::unwrap_used)] // Each benchmark uses some of it; one that cannot go on ends.

use std::sync::Arc;

use flowgate::ids::Digest;
use flowgate::sandbox::{Program, Sandbox, world};
use flowgate_compiler::Link;
use serde_json::Value;

use super::flows;

/// The same for every tick.
pub fn around() -> world::Around {
    world::Around {
        now_us: 1_767_225_600_000_000,
        seed: 1,
        run_id: "r".into(),
        workflow_id: "w".into(),
        session_id: None,
        parent_run_id: None,
        host_vars: r#"{"_limits":{"max_tokens":32768}}"#.into(),
        host: "{}".into(),
    }
}

/// The start of a flow with parameters of [`flows::twenty_nodes`]; others ignore them.
pub fn start() -> world::Event {
    world::Event::Start(world::Start {
        entry: "start".into(),
        input: r#"{"name":"Kim","n":3}"#.into(),
    })
}

/// The outcome of the flow's first message.
pub fn answered() -> world::Event {
    world::Event::Resolved(vec![world::Resolution {
        id: 1,
        outcome: world::Outcome::Completed(r#"{"message":"m","level":"message"}"#.into()),
    }])
}

/// A document, compiled and loaded.
pub fn load(sandbox: &Sandbox, document: &Value) -> Arc<Program> {
    let component = flows::compile(document, Link::Shared);
    sandbox.load(Digest::of(&component), &component, None).unwrap()
}

/// The state of a program after its first tick.
pub async fn snapshot(sandbox: &Sandbox, program: &Program) -> Vec<u8> {
    let mut instance = sandbox.instantiate(program).await.unwrap();
    instance.tick(&around(), &start(), 1000).await.unwrap();
    instance.snapshot().await.unwrap().unwrap()
}
