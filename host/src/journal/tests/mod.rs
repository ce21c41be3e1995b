//! The rules of the journal, each case on a database in memory and, where the file matters, on a file.

mod speed;

use super::*;
use crate::clock::{Clock, Micros};
use crate::ids::{Digest, RunId, RunRef, TenantId};
use crate::record::{EffectRecord, Json, RunStatus, StepRecord, StepStatus, WaitReason, WaitState};
use serde_json::value::RawValue;

pub(super) const LOCAL: TenantId = TenantId::LOCAL;

pub(super) fn raw(text: &str) -> Json {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// 2026-01-01, so that texts are readable.
pub(super) const T0: Micros = Micros(1_767_225_600_000_000);

pub(super) struct Rig {
    pub handle: Handle,
    pub clock: Clock,
    pub service: tokio::task::JoinHandle<Result<(), Error>>,
}

pub(super) async fn rig() -> Rig {
    rig_with(Options::default()).await
}

pub(super) async fn rig_with(options: Options) -> Rig {
    let clock = Clock::virtual_at(T0);
    let (handle, service) = open(Options {
        clock: clock.clone(),
        ..options
    })
    .await
    .unwrap();
    Rig {
        handle,
        clock,
        service: tokio::spawn(service.run()),
    }
}

pub(super) fn start_run(id: &str) -> StartRun {
    StartRun {
        tenant: LOCAL,
        run_id: RunId::from(id),
        workflow_id: "demo@1.0.0:main".to_owned(),
        component: Digest::of(b"component"),
        entry: "begin".to_owned(),
        input: raw(r#"{"x":1}"#),
        host_vars: raw("{}"),
        session_id: None,
        actor_id: Some("gateway".to_owned()),
        parent: None,
        listeners: Vec::new(),
    }
}

pub(super) fn step(run_id: &str, node: &str, at: Micros) -> StepRecord {
    StepRecord {
        run_id: run_id.to_owned(),
        step_id: uuid::Uuid::new_v4().to_string(),
        node_id: node.to_owned(),
        status: StepStatus::Completed,
        effect: Some(EffectRecord {
            kind: "answer_user".to_owned(),
            payload: raw(
                r#"{"type":"answer_user","message":"Hello World, this is a message","level":"message","resume_to_node":"next"}"#,
            ),
            result_key: Some("_temp.effects.say".to_owned()),
        }),
        result: Some(raw(r#"{"message":"Hello World, this is a message","level":"message"}"#)),
        error: None,
        started_at: at.iso(),
        ended_at: Some(at.plus(1).iso()),
        actor_id: Some("gateway".to_owned()),
        session_id: Some(run_id.to_owned()),
        attempt: 1,
        idempotency_key: Some("758a32578ef5ba8d9f485a238bbdf2ff".to_owned()),
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}
