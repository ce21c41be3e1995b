//! A journal on a file with full durability, and what is asked of it in benchmarks: runs, rows and names that are the same each time.
#![allow(dead_code, clippy::unwrap_used)] // Each benchmark uses some of it; one that cannot go on ends.

use std::path::Path;

use flowgate::clock::{Clock, Micros};
use flowgate::ids::{Digest, LedgerSeq, RunId, RunRef, TenantId};
use flowgate::journal::{self, Advance, Command, CommandKind, Handle, OpenWait, Options, Position, StartRun};
use flowgate::record::{EffectRecord, Json, StepRecord, StepStatus, WaitReason, WaitState};
use serde_json::value::RawValue;

pub const TENANT: TenantId = TenantId::LOCAL;

/// 2026-01-01.
const BEGIN: Micros = Micros(1_767_225_600_000_000);

/// A journal in a file of `dir`, served by a task of the current runtime. Its time stands still but for what rows say.
pub async fn open(dir: &Path) -> Handle {
    let options = Options {
        path: Some(dir.join("journal.sqlite3")),
        clock: Clock::virtual_at(BEGIN),
        ..Options::default()
    };
    let (handle, service) = journal::open(options).await.unwrap();
    tokio::spawn(service.run());
    handle
}

/// Hears the wakes that nobody else wants.
pub fn ignore_wakes(handle: &Handle) {
    let mut wakes = handle.wakes().unwrap();
    tokio::spawn(async move { while wakes.next().await.is_some() {} });
}

pub fn raw(text: &str) -> Json {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// Names as they are made for runs: their order is the order of their numbers.
pub fn run_id(number: u64) -> String {
    format!("019b7700-{:04x}-7000-8000-{number:012x}", number & 0xffff)
}

/// Names as they are made for steps: in no order.
fn step_id(number: u64) -> String {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-0000-4000-8000-{:012x}", mixed >> 32, number)
}

pub fn start_of(id: &str, component: Digest) -> StartRun {
    StartRun {
        tenant: TENANT,
        run_id: RunId::from(id),
        workflow_id: "demo@1.0.0:main".to_owned(),
        component,
        entry: "start".to_owned(),
        input: raw(r#"{"name":"Kim","n":3}"#),
        host_vars: raw(r#"{"_limits":{"max_tokens":32768}}"#),
        session_id: None,
        actor_id: Some("gateway".to_owned()),
        parent: None,
        listeners: Vec::new(),
    }
}

/// Starts a run that nobody drives.
pub async fn start(handle: &Handle, number: u64) -> RunRef {
    let started = handle.start(start_of(&run_id(number), Digest::of(b"component"))).await;
    started.unwrap().run
}

fn step(id: &str, number: u64, at: Micros) -> StepRecord {
    StepRecord {
        run_id: id.to_owned(),
        step_id: step_id(number),
        node_id: "say".to_owned(),
        status: StepStatus::Completed,
        effect: Some(EffectRecord {
            kind: "answer_user".to_owned(),
            payload: raw(r#"{"message":"Hello World, this is a message","level":"message"}"#),
            result_key: Some("_temp.effects.say".to_owned()),
        }),
        result: Some(raw(r#"{"message":"Hello World, this is a message","level":"message"}"#)),
        error: None,
        started_at: at.iso(),
        ended_at: Some(at.plus(1).iso()),
        actor_id: Some("gateway".to_owned()),
        session_id: Some(id.to_owned()),
        attempt: 1,
        idempotency_key: Some("758a32578ef5ba8d9f485a238bbdf2ff".to_owned()),
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}

/// What a driver commits of run `number`: rows after `after`, one tick, and where the run stands then.
pub fn advance(run: RunRef, number: u64, (after, rows): (LedgerSeq, u64), to: Position) -> Advance {
    let id = run_id(number);
    let at = |row: u64| BEGIN.plus(i64::try_from(10 * (after + row + 1)).unwrap_or(i64::MAX));
    let rows: Vec<StepRecord> = (0..rows)
        .map(|row| step(&id, (number << 20) + after + row, at(row)))
        .collect();
    Advance {
        run,
        run_id: RunId::from(id.as_str()),
        epoch: 0,
        next_seq: after + 1,
        last_time: at(rows.len() as u64),
        rows,
        ticks: vec![r#"{"time":"2026-01-01T00:00:00.000000+00:00","seed":7,"event":"start","effects":["a","b"]}"#.to_owned()],
        inbox_consumed: 0,
        snapshot: None,
        children: Vec::new(),
        opened: Vec::new(),
        abandoned: Vec::new(),
        calls: Vec::new(),
        emits: Vec::new(),
        to,
    }
}

pub fn running() -> Position {
    Position::Running { node: "say".to_owned() }
}

pub fn completed() -> Position {
    Position::Completed {
        node: "end".to_owned(),
        output: raw(r#"{"success":true}"#),
    }
}

/// The advance with which run `number` comes to a question.
pub fn asks(run: RunRef, number: u64) -> Advance {
    let wait = WaitState {
        reason: WaitReason::User,
        wait_key: Some(format!("user:{}:ask", run_id(number))),
        until: None,
        resume_to_node: Some("end".to_owned()),
        result_key: Some("_temp.effects.ask".to_owned()),
        prompt: Some(raw(r#""Well?""#)),
        choices: None,
        allow_free_text: true,
        details: None,
    };
    let node = "ask".to_owned();
    Advance {
        snapshot: Some(br#"{"version":1,"vars":{},"node":"ask","stack":[],"effect":{"id":1}}"#.to_vec()),
        opened: vec![OpenWait {
            effect_id: 1,
            wait,
            until: None,
        }],
        ..advance(run, number, (0, 1), Position::Waiting { node })
    }
}

/// A person's answer to the question of a run.
pub fn answer(run_id: &str, number: u64) -> Command {
    Command {
        tenant: TENANT,
        command_id: format!("answer-{number:012x}"),
        run_id: RunId::from(run_id),
        kind: CommandKind::Resume,
        payload: raw(r#"{"payload":{"response":"yes"}}"#),
        ts: None,
        client_id: Some("bench".to_owned()),
    }
}
