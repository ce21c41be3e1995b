//! The rules of the journal, each case on a database in memory and, where the file matters, on a file.

mod advances;
mod artifacts;
mod chaos;
mod commands;
mod corrupt;
mod events;
mod files;
mod retention;
mod schedules;
mod speed;
mod starts;
mod storage;
mod subscriptions;
pub(super) mod tenancy;
mod trees;
mod vital;
mod waits;

use super::scope::Reads;
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

/// A journal in virtual time and what a test does to it.
pub(super) struct Rig {
    pub handle: Handle,
    pub clock: Clock,
    pub wakes: Wakes,
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
    let wakes = handle.wakes().unwrap();
    Rig {
        handle,
        clock,
        wakes,
        service: tokio::spawn(service.run()),
    }
}

impl Rig {
    /// Keeps a component and gives its digest.
    pub async fn component(&self, bytes: &[u8]) -> Digest {
        let component = Component {
            digest: Digest::of(bytes),
            bytes: bytes.into(),
            runtime: None,
        };
        self.handle.put_component(LOCAL, component).await.unwrap();
        Digest::of(bytes)
    }

    pub async fn start(&self, id: &str) -> RunRef {
        self.handle.start(start_run(id)).await.unwrap().run
    }

    pub async fn row(&self, id: &str) -> RunRow {
        self.handle.run(LOCAL, &RunId::from(id)).await.unwrap().unwrap()
    }

    pub async fn status(&self, id: &str) -> RunStatus {
        self.row(id).await.status
    }

    pub async fn load(&self, id: &str) -> LiveRun {
        let at = self.row(id).await.at;
        self.handle.load(at).await.unwrap().unwrap()
    }

    pub async fn ledger(&self, id: &str) -> Vec<StepRecord> {
        let page = self.handle.ledger(LOCAL, &RunId::from(id), 0, 10_000).await.unwrap();
        page.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// What a driver does: load, consume the inbox, one row, one tick, move.
    pub async fn go(&self, id: &str, to: Position) -> Result<Advanced, Error> {
        self.handle.advance(self.next(id, to).await).await
    }

    /// The advance that [`go`](Self::go) would commit.
    pub async fn next(&self, id: &str, to: Position) -> Advance {
        let live = self.load(id).await;
        let at = self.clock.now().max(live.row.last_time.plus(1));
        Advance {
            run: live.row.at,
            run_id: live.row.run_id.clone(),
            epoch: live.row.epoch,
            next_seq: live.row.own_seq + 1,
            rows: vec![step(id, "say", at)],
            ticks: vec![format!("{{\"tick\":{}}}", live.row.last_seq)],
            inbox_consumed: live.inbox_consumed + live.inbox.len() as u64,
            last_time: at.plus(1),
            snapshot: None,
            children: Vec::new(),
            opened: Vec::new(),
            abandoned: Vec::new(),
            calls: Vec::new(),
            emits: Vec::new(),
            to,
        }
    }

    pub async fn wait(&self, id: &str, waits: Vec<OpenWait>) {
        self.handle.advance(self.waits(id, waits).await).await.unwrap();
    }

    /// The advance at which a run opens waits and has nothing else to do.
    pub async fn waits(&self, id: &str, opened: Vec<OpenWait>) -> Advance {
        let to = Position::Waiting { node: "wait".to_owned() };
        Advance {
            opened,
            ..self.next(id, to).await
        }
    }

    pub async fn complete(&self, id: &str, output: &str) {
        self.go(
            id,
            Position::Completed {
                node: "end".to_owned(),
                output: raw(output),
            },
        )
        .await
        .unwrap();
    }

    /// Gives a command and says what became of it.
    pub async fn command(&self, kind: CommandKind, run: &str, payload: &str) -> CommandState {
        let id = uuid::Uuid::new_v4().to_string();
        let receipt = self.handle.command(command(&id, kind, run, payload)).await.unwrap();
        assert!(receipt.accepted);
        self.handle.command_state(LOCAL, &id).await.unwrap().unwrap()
    }

    /// The database of a journal in memory. No commit is made while it is held.
    pub async fn database(&self) -> tokio::sync::MutexGuard<'_, sqlx::SqliteConnection> {
        let Reads::Shared(conn) = self.handle.reads() else {
            panic!("a journal in memory")
        };
        conn.lock().await
    }

    /// The wakes so far.
    pub async fn woken(&mut self) -> Vec<Wake> {
        let mut all = Vec::new();
        while let Ok(Some(wake)) = tokio::time::timeout(std::time::Duration::from_millis(5), self.wakes.next()).await {
            all.push(wake);
        }
        all
    }
}

pub(super) fn command(id: &str, kind: CommandKind, run: &str, payload: &str) -> Command {
    Command {
        tenant: LOCAL,
        command_id: id.to_owned(),
        run_id: RunId::from(run),
        kind,
        payload: raw(payload),
        ts: None,
        client_id: Some("cli".to_owned()),
    }
}

pub(super) fn wait_on(effect_id: u64, reason: WaitReason, key: Option<&str>, until: Option<Micros>) -> OpenWait {
    OpenWait {
        effect_id,
        wait: WaitState {
            reason,
            wait_key: key.map(str::to_owned),
            until: until.map(Micros::iso),
            resume_to_node: Some("next".to_owned()),
            result_key: Some("_temp.effects.wait".to_owned()),
            prompt: None,
            choices: None,
            allow_free_text: true,
            details: None,
        },
        until,
    }
}

pub(super) fn user(effect_id: u64, run: &str) -> OpenWait {
    wait_on(effect_id, WaitReason::User, Some(&format!("user:{run}:wait")), None)
}

pub(super) fn event(effect_id: u64, key: &str) -> OpenWait {
    wait_on(effect_id, WaitReason::Event, Some(key), None)
}

pub(super) fn child_wait(effect_id: u64, child: &str) -> OpenWait {
    wait_on(
        effect_id,
        WaitReason::Subworkflow,
        Some(&format!("subworkflow:{child}")),
        None,
    )
}

pub(super) fn text(json: Option<&Json>) -> &str {
    json.map_or("", |j| j.get())
}

/// The payload of a `resume` row's effect.
pub(super) fn resume_payload(row: &StepRecord) -> serde_json::Value {
    let effect = row.effect.as_ref().unwrap();
    assert_eq!(effect.kind, "resume");
    serde_json::from_str(effect.payload.get()).unwrap()
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
