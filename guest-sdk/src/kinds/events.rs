//! Events and time: waiting for an event, for a moment, and telling others.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Kind, parse};
use crate::time::Timestamp;
use crate::{Json, null};

/// Who hears an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The run's session; without one the run itself.
    Session,
    /// All runs of this workflow.
    Workflow,
    /// This run.
    Run,
    /// Everybody of the tenant.
    Global,
}

/// `wait_event`: waits until the event comes.
pub struct WaitEvent;

/// `wait_event` with a moment at which it gives up: answers none then.
pub struct WaitEventUntil;

/// An event that was waited for.
#[derive(Debug, Clone)]
pub struct Event {
    /// Empty where the wait was answered without an event's envelope.
    pub name: String,
    pub id: String,
    /// What the event carries; where the wait was answered without an envelope, the whole answer.
    pub payload: Json,
}

impl Event {
    /// The payload as a type of the author's.
    ///
    /// # Errors
    /// It is something else.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, crate::Error> {
        serde_json::from_str(self.payload.get()).map_err(|error| crate::Error::new(format!("event '{}': {error}", self.name)))
    }
}

impl<K: Kind> Effect<K> {
    fn scope_of(self, scope: Scope) -> Self {
        self.set("scope", &scope)
    }
}

impl Effect<WaitEvent> {
    /// [`Scope::Session`] without this.
    pub fn scope(self, scope: Scope) -> Self {
        self.scope_of(scope)
    }

    /// Another session than the run's.
    pub fn session(self, id: &str) -> Self {
        self.set("session_id", id)
    }

    /// What a client shows to a person who may answer instead of the event.
    pub fn prompt(self, text: &str) -> Self {
        self.set("prompt", text)
    }

    /// What that person may choose.
    pub fn choices<S: AsRef<str>>(self, choices: impl IntoIterator<Item = S>) -> Self {
        let choices: Vec<String> = choices.into_iter().map(|c| c.as_ref().to_owned()).collect();
        self.set("choices", &choices)
    }

    pub fn free_text(self, allow: bool) -> Self {
        self.set("allow_free_text", &allow)
    }

    /// A JSON object for the client, beside the wait.
    pub fn details(self, details: &impl Serialize) -> Self {
        self.set("details", details)
    }

    /// Waits no longer than until `at`.
    pub fn until(self, at: Timestamp) -> Effect<WaitEventUntil> {
        self.set("until", &at).read_as(WaitEventUntil)
    }
}

impl Kind for WaitEvent {
    type Answer = Event;

    fn read(&self, result: Option<&str>) -> Result<Event, String> {
        #[derive(Deserialize)]
        struct Envelope {
            event_id: String,
            name: String,
            #[serde(default = "null")]
            payload: Json,
        }
        let text = result.unwrap_or("null");
        match serde_json::from_str::<Envelope>(text) {
            Ok(envelope) => Ok(Event {
                name: envelope.name,
                id: envelope.event_id,
                payload: envelope.payload,
            }),
            Err(_) => Ok(Event {
                name: String::new(),
                id: String::new(),
                payload: parse(text)?,
            }),
        }
    }
}

impl Kind for WaitEventUntil {
    type Answer = Option<Event>;

    fn read(&self, result: Option<&str>) -> Result<Option<Event>, String> {
        result.map(|result| WaitEvent.read(Some(result))).transpose()
    }
}

/// `emit_event`: tells whoever waits.
pub struct EmitEvent;

/// Who was told.
#[derive(Debug, Clone)]
pub struct Emitted {
    /// How many runs the event reached. None is no failure: events are not kept for later.
    pub delivered: u64,
}

impl Effect<EmitEvent> {
    /// [`Scope::Session`] without this.
    pub fn scope(self, scope: Scope) -> Self {
        self.scope_of(scope)
    }

    /// Another session than the run's.
    pub fn session(self, id: &str) -> Self {
        self.set("session_id", id)
    }
}

impl Kind for EmitEvent {
    type Answer = Emitted;

    fn read(&self, result: Option<&str>) -> Result<Emitted, String> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(default = "null")]
            delivered: Json,
        }
        let told: Told = parse(result.unwrap_or("{}"))?;
        Ok(Emitted {
            // Read as text: numbers of every form would cost a component more than all events do.
            delivered: told.delivered.get().parse().unwrap_or_default(),
        })
    }
}
