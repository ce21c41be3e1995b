//! The answers of a case, one queue a kind.

use std::collections::VecDeque;
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

/// One line of a script: `{"resume": {...}}` or `{"effect": kind, "result": …}` or `{"effect": kind, "error": text}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    resume: Option<Json>,
    effect: Option<String>,
    result: Option<Json>,
    error: Option<String>,
}

#[derive(Clone)]
pub struct Script(Arc<Mutex<VecDeque<Entry>>>);

impl Script {
    pub fn new(entries: Vec<Entry>) -> Self {
        Script(Arc::new(Mutex::new(entries.into())))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let mut entries = self.lock();
        let at = entries.iter().position(wanted)?;
        entries.remove(at)
    }

    /// The next answer of a person.
    pub fn resume(&self) -> Option<Json> {
        self.take(|e| e.resume.is_some())?.resume
    }

    /// Handlers that answer from this script.
    pub fn handlers(&self) -> Handlers {
        KINDS.into_iter().fold(Handlers::default(), |handlers, kind| {
            handlers.with(kind, Arc::new(self.clone()))
        })
    }
}

impl Handler for Script {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let entry = self.take(|e| e.effect.as_deref() == Some(call.kind.as_str()));
        let answer = match entry {
            Some(Entry { error: Some(error), .. }) => Err(error),
            Some(entry) => Ok(entry.result.unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned())),
            None => Err(format!("unscripted effect: {}", call.kind)),
        };
        Box::pin(async move { answer })
    }
}
