//! What the outside of a case does. One JSON object an entry:
//!
//! * `{"effect": kind, "result": …}` or `{"effect": kind, "error": text}` – the next answer of the handler of this kind;
//! * `{"resume": {...}}` – the answer of a person, given to the first run, in the order of their start, that waits for a user, an event or
//!   a job;
//! * `{"event": {"name", "scope", "session_id", "payload", …}}` – an event that a client emits, as the payload of the gateway's
//!   `emit_event` command.
//!
//! Answers of effects are one queue a kind. `resume` and `event` are taken in the script's order, when nothing moves any more; timers that
//! are waited for fire when none of them is left that could be taken.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde::Deserialize;

use crate::effects::{Call, Handler, Handlers};
use crate::record::Json;

/// Kinds of effects that a script may answer; the others are the host's own.
const KINDS: [&str; 19] = [
    "llm_call",
    "tool_calls",
    "model_residency",
    "memory_note",
    "memory_query",
    "memory_tag",
    "memory_compact",
    "memory_rehydrate",
    "memory_kg_assert",
    "memory_kg_query",
    "memory_kg_resolve",
    "read_file",
    "write_file",
    "read_pdf",
    "write_pdf",
    "list_folder_files",
    "import_workspace_file",
    "export_artifact",
    "read_artifact",
];

/// One line of a script.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    resume: Option<Json>,
    event: Option<Json>,
    effect: Option<String>,
    result: Option<Json>,
    error: Option<String>,
}

/// Shared by whoever plays the outside and the handlers. It outlives the host, as the outside does.
#[derive(Clone)]
pub struct Script {
    state: Arc<Mutex<State>>,
    /// Kinds of calls that may not be made again.
    once: Arc<[String]>,
}

struct State {
    entries: VecDeque<Entry>,
    /// Answers given, by idempotency key: the same call is answered the same, however often it is made.
    answered: HashMap<String, Result<Json, String>>,
    /// A call was made again since this was last asked.
    repeated: bool,
}

impl Script {
    pub fn new(entries: Vec<Entry>, once: &[String]) -> Self {
        let state = State {
            entries: entries.into(),
            answered: HashMap::new(),
            repeated: false,
        };
        Script {
            state: Arc::new(Mutex::new(state)),
            once: once.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next answer of a person, if that is what comes next.
    pub fn resume(&self) -> Option<Json> {
        self.lock().next(|e| e.resume.is_some())?.resume
    }

    /// The next event of a client, if that is what comes next.
    pub fn event(&self) -> Option<Json> {
        self.lock().next(|e| e.event.is_some())?.event
    }

    /// Whether a client has events left to emit.
    pub fn has_events(&self) -> bool {
        self.lock().entries.iter().any(|e| e.event.is_some())
    }

    /// Whether a call was made again since this was last asked.
    pub fn take_repeated(&self) -> bool {
        std::mem::take(&mut self.lock().repeated)
    }

    /// Handlers that answer from this script.
    pub fn handlers(&self) -> Handlers {
        KINDS.into_iter().fold(Handlers::default(), |handlers, kind| {
            let may_repeat = !self.once.iter().any(|k| k == kind);
            let script = self.clone();
            handlers.with(kind, Arc::new(Answers { script, may_repeat }))
        })
    }
}

impl State {
    /// The first entry that is not a handler's, if it is a wanted one.
    fn next(&mut self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let at = self.entries.iter().position(|e| e.effect.is_none())?;
        self.entries.get(at).filter(|e| wanted(e))?;
        self.entries.remove(at)
    }

    fn answer(&mut self, call: &Call) -> Result<Json, String> {
        let of_kind = |e: &Entry| e.effect.as_deref() == Some(call.kind.as_str());
        let at = self.entries.iter().position(of_kind);
        match at.and_then(|at| self.entries.remove(at)) {
            Some(Entry { error: Some(error), .. }) => Err(error),
            Some(entry) => Ok(entry.result.unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned())),
            None => Err(format!("unscripted effect: {}", call.kind)),
        }
    }
}

/// The handler of one kind.
struct Answers {
    script: Script,
    may_repeat: bool,
}

impl Handler for Answers {
    fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let mut state = self.script.lock();
        state.repeated |= call.attempt > 1;
        let known = state.answered.get(&call.idempotency_key).cloned();
        let answer = known.unwrap_or_else(|| {
            let answer = state.answer(&call);
            state.answered.insert(call.idempotency_key, answer.clone());
            answer
        });
        Box::pin(std::future::ready(answer))
    }
}
