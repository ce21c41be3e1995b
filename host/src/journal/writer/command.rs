//! Commands of clients: stored once under their id, then applied; where this process runs flows, in the same commit.
//!
//! A command that cannot be applied stays in its table with the reason, and the ledger of its run gets a row that says so. An event command waits while runs that were started before it have
//! listeners that are not armed, so that a client that starts a run and sends it an event at once is not too early.

use super::super::rows::{Members, RefusedCommand, json, refusal_row};
use super::super::store::{CommandEnd, CommandRow, Store};
use super::super::types::{Command, CommandKind, Error, EventScope, Receipt};
use super::event::{Envelope, event_payload};
use super::unit::Unit;
use crate::ids::RunKey;

/// What applying a command came to.
enum Applied {
    Done,
    /// The text says why; nothing was changed.
    Refused(String),
    /// Not yet: listeners are still to be armed.
    Later,
}

impl<S: Store> Unit<S> {
    /// Stores a command; applies it at once if `apply`.
    pub(crate) async fn command(&mut self, command: Command, apply: bool) -> Result<Receipt, Error> {
        let mut command_id = command.command_id.trim().to_owned();
        if command_id.is_empty() {
            command_id = uuid::Uuid::new_v4().simple().to_string();
        }
        let known = self.command_seq(command.tenant, &command_id).await?;
        if let Some(seq) = known {
            return Ok(Receipt {
                accepted: false,
                duplicate: true,
                seq,
            });
        }
        self.counters.command += 1;
        let payload: Box<str> = command.payload.into();
        let row = CommandRow {
            tenant: command.tenant,
            command_id,
            seq: self.counters.command as u64,
            run_id: command.run_id.to_string(),
            kind: command.kind,
            payload: payload.into(),
            ts: command.ts.unwrap_or_else(|| self.out.now.iso()),
            client_id: command.client_id,
            horizon: RunKey(self.counters.run),
            end: None,
        };
        let seq = row.seq;
        self.remember_command(&row);
        self.out.writes.commands.push(row.clone());
        if apply {
            self.apply_command(row).await?;
        }
        Ok(Receipt {
            accepted: true,
            duplicate: false,
            seq,
        })
    }

    /// Applies what is stored and was not applied: commands of another process, and events that had to wait.
    pub(crate) async fn apply_stored(&mut self) -> Result<(), Error> {
        const PAGE: u32 = 200;
        self.flush().await?;
        let mut after = 0;
        loop {
            let page = self.store.pending_commands(after, PAGE).await?;
            let full = page.len() == PAGE as usize;
            for command in page {
                after = command.seq;
                self.apply_command(command).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn apply_command(&mut self, command: CommandRow) -> Result<(), Error> {
        let failure = match self.try_command(&command).await? {
            Applied::Later => return Ok(()),
            Applied::Done => None,
            Applied::Refused(reason) => {
                tracing::warn!(tenant = command.tenant.0, command_id = command.command_id, run_id = command.run_id, kind = command.kind.as_str(), %reason, "command refused");
                self.note_refusal(&command, &reason).await?;
                Some(reason)
            }
        };
        let end = CommandEnd {
            failure,
            at: self.out.now,
        };
        match self.out.writes.commands.iter_mut().find(|c| c.seq == command.seq) {
            Some(unwritten) => unwritten.end = Some(end),
            None => self.out.writes.command_ends.push((command.tenant, command.command_id, end)),
        }
        Ok(())
    }

    /// Says in the ledger of the command's run why it came to nothing. A run that does not exist has none, and nothing else of the run
    /// changes: neither where it stands nor when it last moved.
    async fn note_refusal(&mut self, command: &CommandRow, reason: &str) -> Result<(), Error> {
        let Some(at) = self.key_of(command.tenant, &command.run_id).await? else {
            return Ok(());
        };
        let (head, out) = self.known_head(at).await?;
        let now = head.tick(out.now);
        let refused = RefusedCommand {
            command_id: &command.command_id,
            kind: command.kind.as_str(),
            client_id: command.client_id.as_deref(),
            reason,
        };
        let row = refusal_row(head.owner(), head.state.node.as_deref(), refused, now);
        head.append_note(out, &row)
    }

    async fn try_command(&mut self, command: &CommandRow) -> Result<Applied, Error> {
        let Ok(payload) = serde_json::from_str::<Members>(&command.payload) else {
            return Ok(Applied::Refused("payload must be an object".to_owned()));
        };
        if command.kind == CommandKind::EmitEvent {
            return self.emit_command(command, &payload).await;
        }
        let Some(at) = self.key_of(command.tenant, &command.run_id).await? else {
            return Ok(Applied::Refused(format!("Unknown run_id: {}", command.run_id)));
        };
        let reason = payload.text("reason");
        match command.kind {
            CommandKind::Pause => {
                for run in self.family(at).await? {
                    self.pause(run, reason.as_deref()).await?;
                }
            }
            CommandKind::Cancel => {
                for run in self.family(at).await? {
                    self.cancel(run, reason.as_deref().unwrap_or("Cancelled")).await?;
                }
            }
            CommandKind::Resume => match payload.get("payload") {
                Some(answer) if answer.get().starts_with('{') => {
                    let key = payload.text("wait_key").or_else(|| payload.text("waitKey"));
                    if let Err(reason) = self.answer(at, key.as_deref(), answer.to_owned()).await? {
                        return Ok(Applied::Refused(reason));
                    }
                }
                Some(_) => return Ok(Applied::Refused("resume payload must be an object".to_owned())),
                None => {
                    for run in self.family(at).await? {
                        self.unpause(run).await?;
                    }
                    self.hasten_schedule(at).await?;
                }
            },
            CommandKind::UpdateSchedule => {
                if let Err(reason) = self.update_schedule(at, &payload).await? {
                    return Ok(Applied::Refused(reason));
                }
            }
            CommandKind::CompactMemory => {
                let text = "compact_memory needs a model to summarise with, and this host has none";
                return Ok(Applied::Refused(text.to_owned()));
            }
            // Applied above: an event needs no run.
            CommandKind::EmitEvent => {}
        }
        Ok(Applied::Done)
    }

    async fn emit_command(&mut self, command: &CommandRow, payload: &Members) -> Result<Applied, Error> {
        let refuse = |text: &str| Ok(Applied::Refused(text.to_owned()));
        let Some(name) = payload.text("name") else {
            return refuse("event name is required");
        };
        let scope = payload.text("scope").unwrap_or_else(|| "session".to_owned()).to_lowercase();
        let Some(scope) = EventScope::parse(&scope) else {
            return refuse("unknown event scope");
        };
        let session = payload
            .text("session_id")
            .or_else(|| payload.text("sessionId"))
            .unwrap_or_else(|| command.run_id.clone());
        let scope_id = match scope {
            EventScope::Session => Some(session.clone()),
            EventScope::Workflow => payload.text("workflow_id"),
            EventScope::Run => payload.text("run_id"),
            EventScope::Global => Some("global".to_owned()),
        };
        let Some(scope_id) = scope_id else {
            return refuse("missing scope id");
        };
        self.flush().await?;
        let of_session = (scope == EventScope::Session).then_some(scope_id.as_str());
        if self.store.unarmed(command.tenant, of_session, command.horizon).await? {
            return Ok(Applied::Later);
        }
        #[derive(serde::Serialize)]
        struct Emitter<'a> {
            source: &'a str,
            client_id: Option<&'a str>,
        }
        let empty = super::super::rows::empty_object();
        let envelope = json(&Envelope {
            event_id: payload.text("event_id").as_deref(),
            name: &name,
            scope: scope.as_str(),
            session_id: Some(&session),
            payload: &event_payload(payload.get("payload").filter(|p| p.get() != "null").unwrap_or(&empty)),
            emitted_at: payload.text("emitted_at"),
            emitter: &json(&Emitter {
                source: "external",
                client_id: command.client_id.as_deref(),
            }),
        });
        self.publish(command.tenant, &[scope.wait_key(&scope_id, &name)], None, envelope)
            .await?;
        Ok(Applied::Done)
    }
}
