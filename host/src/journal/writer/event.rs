//! Events: who waits for one, and telling them.
//!
//! An event is taken by the waits that are open at that moment, in the order they began; nobody waiting, nobody told. A commit wakes
//! at most [`AT_ONCE`] runs. The rest are *claimed*: their wait rows name the delivery, no other event can take them, and
//! the next commits wake them, whatever happens in between. A run takes one event once, with the first of its waits that match.
//! The emitter itself is never told (its own commit is under way).

use std::collections::HashSet;

use super::super::rows::json;
use super::super::store::Store;
use super::super::types::{EmitEvent, Error, EventScope, Outcome};
use super::unit::Unit;
use crate::ids::{RunRef, TenantId};
use crate::record::{Json, StepStatus};

use serde_json::value::RawValue;

/// Runs that one commit wakes for one event.
pub(crate) const AT_ONCE: usize = 256;
/// Waits that one event looks at, as in the reference.
const AT_MOST: u32 = 10_000;
/// Waits of a session that are looked at to tell an emitter that nobody heard which names are listened for …
const LOOKED_AT: u32 = 64;
/// … and names that it is told.
const NAMES: usize = 15;

impl EventScope {
    pub fn as_str(self) -> &'static str {
        match self {
            EventScope::Session => "session",
            EventScope::Workflow => "workflow",
            EventScope::Run => "run",
            EventScope::Global => "global",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Session, Self::Workflow, Self::Run, Self::Global]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
    /// The key of a wait for an event: `evt:<scope>:<scope id>:<name>`.
    pub fn wait_key(self, scope_id: &str, name: &str) -> String {
        match self {
            EventScope::Global => format!("evt:global:global:{name}"),
            _ => format!("evt:{}:{scope_id}:{name}", self.as_str()),
        }
    }
}

/// What listeners get.
#[derive(serde::Serialize)]
pub(crate) struct Envelope<'a> {
    pub event_id: Option<&'a str>,
    pub name: &'a str,
    pub scope: &'a str,
    pub session_id: Option<&'a str>,
    pub payload: &'a RawValue,
    pub emitted_at: Option<String>,
    pub emitter: &'a RawValue,
}

/// An event's payload is an object: another value becomes its `value`.
pub(crate) fn event_payload(payload: &RawValue) -> Json {
    #[derive(serde::Serialize)]
    struct Wrapped<'a> {
        value: &'a RawValue,
    }
    if payload.get().starts_with('{') {
        payload.to_owned()
    } else {
        json(&Wrapped { value: payload })
    }
}

impl<S: Store> Unit<S> {
    /// Tells everyone who waits with one of `keys`; returns their run ids.
    pub(crate) async fn publish(
        &mut self,
        tenant: TenantId,
        keys: &[String],
        without: Option<RunRef>,
        envelope: Json,
    ) -> Result<Vec<String>, Error> {
        self.flush().await?;
        let mut told: Vec<String> = Vec::new();
        let mut runs = HashSet::new();
        let mut rest: Vec<(RunRef, u64)> = Vec::new();
        let outcome = Outcome::Completed(envelope);
        for (wait, run_id) in self.store.listeners(tenant, keys, without, AT_MOST).await? {
            if !runs.insert(wait.at) {
                continue;
            }
            told.push(run_id.to_string());
            if told.len() > AT_ONCE {
                rest.push((wait.at, wait.effect_id));
                continue;
            }
            let (head, out) = self.known_head(wait.at).await?;
            head.answer(out, wait.effect_id, &outcome)?;
        }
        if let (false, Outcome::Completed(envelope)) = (rest.is_empty(), outcome) {
            self.counters.delivery += 1;
            let delivery = self.counters.delivery;
            let text: Box<str> = envelope.into();
            self.out.writes.deliveries.push((tenant, delivery, text.into()));
            self.store.claim(tenant, &rest, delivery).await?;
            // The claim was made behind the back of the heads in memory.
            for (at, effect_id) in rest {
                if let Some(wait) = self
                    .heads
                    .get(at)
                    .and_then(|head| head.waits.iter_mut().find(|w| w.effect_id == effect_id))
                {
                    wait.claimed = Some(delivery);
                }
            }
            self.deliveries_open = true;
        }
        Ok(told)
    }

    /// Names of events that runs of a session wait for.
    async fn listened_for(&mut self, tenant: TenantId, session: &str) -> Result<Vec<String>, Error> {
        let prefix = EventScope::Session.wait_key(session, "");
        let mut names: Vec<String> = Vec::new();
        for name in self.store.event_names(tenant, &prefix, LOOKED_AT).await? {
            if names.len() < NAMES && !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Goes on with deliveries that one commit could not finish. Sets `deliveries_open` if there is more to do.
    pub(crate) async fn continue_deliveries(&mut self) -> Result<(), Error> {
        self.flush().await?;
        let claimed = self.store.claimed(AT_ONCE as u32).await?;
        self.deliveries_open = claimed.len() == AT_ONCE;
        for wait in claimed {
            if let Some(delivery) = wait.claimed {
                self.arrive(wait.at, wait.effect_id, delivery).await?;
            }
        }
        self.flush().await?;
        if !self.deliveries_open {
            self.store.drop_deliveries().await?;
        }
        Ok(())
    }

    /// A claimed wait gets its event, if it is still open.
    pub(crate) async fn arrive(&mut self, at: RunRef, effect_id: u64, delivery: i64) -> Result<(), Error> {
        let (head, _) = self.known_head(at).await?;
        if head.wait_of(effect_id).is_none_or(|w| w.claimed != Some(delivery)) {
            return Ok(());
        }
        let Some(envelope) = self.store.envelope(at.tenant, delivery).await? else {
            return Ok(());
        };
        let envelope = super::super::store::query::raw(envelope.as_ref().to_owned())?;
        let (head, out) = self.known_head(at).await?;
        head.answer(out, effect_id, &Outcome::Completed(envelope))?;
        Ok(())
    }

    /// A flow's `emit_event`: its `started` row, the listeners' `resume` rows in their own ledgers, its `completed` row, and the result
    /// in its inbox. Listeners that wait for the name `*` in the same scope are told too.
    pub(crate) async fn emit(&mut self, at: RunRef, emit: EmitEvent) -> Result<(), Error> {
        let EmitEvent {
            effect_id,
            step,
            name,
            scope,
            scope_id,
            event_id,
            payload,
            emitter,
            ..
        } = emit;
        let (head, out) = self.known_head(at).await?;
        head.append_row(out, &step)?;
        let refusal = if name.trim().is_empty() {
            Some("event name is required")
        } else if scope_id.is_empty() && scope != EventScope::Global {
            Some("missing scope id")
        } else {
            None
        };
        let result = match refusal {
            Some(text) => Err(text.to_owned()),
            None => {
                let emitted_at = head.tick(out.now).iso();
                let envelope = json(&Envelope {
                    event_id: event_id.as_deref(),
                    name: &name,
                    scope: scope.as_str(),
                    session_id: (scope == EventScope::Session).then_some(&scope_id),
                    payload: &event_payload(&payload),
                    emitted_at: Some(emitted_at),
                    emitter: &emitter,
                });
                let keys = [scope.wait_key(&scope_id, &name), scope.wait_key(&scope_id, "*")];
                let told = self.publish(at.tenant, &keys, Some(at), envelope).await?;
                let available = match (told.is_empty(), scope) {
                    (true, EventScope::Session) => self.listened_for(at.tenant, &scope_id).await?,
                    _ => Vec::new(),
                };
                Ok(emit_result(&keys[0], &name, scope, &told, &available))
            }
        };
        let (head, out) = self.known_head(at).await?;
        let mut row = step;
        row.ended_at = Some(head.tick(out.now).iso());
        let outcome = match result {
            Ok(value) => {
                row.status = StepStatus::Completed;
                row.result = Some(value.clone());
                Outcome::Completed(value)
            }
            Err(text) => {
                row.status = StepStatus::Failed;
                row.error = Some(text.clone());
                Outcome::Failed(text)
            }
        };
        head.append_row(out, &row)?;
        head.state.updated = head.state.last_time;
        head.deliver(out, effect_id, &outcome)
    }
}

fn emit_result(wait_key: &str, name: &str, scope: EventScope, told: &[String], available: &[String]) -> Json {
    #[derive(serde::Serialize)]
    struct Resumed<'a> {
        run_id: &'a str,
        status: &'a str,
    }
    #[derive(serde::Serialize)]
    struct Result<'a> {
        wait_key: &'a str,
        name: &'a str,
        scope: &'a str,
        delivered: usize,
        delivered_to: &'a [String],
        resumed: Vec<Resumed<'a>>,
        #[serde(rename = "available_listeners_in_session", skip_serializing_if = "<[_]>::is_empty")]
        available: &'a [String],
    }
    json(&Result {
        wait_key,
        name,
        scope: scope.as_str(),
        delivered: told.len(),
        delivered_to: told,
        resumed: told
            .iter()
            .map(|run_id| Resumed {
                run_id,
                status: "running",
            })
            .collect(),
        available,
    })
}
