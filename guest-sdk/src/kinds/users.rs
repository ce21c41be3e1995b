//! People: saying something, asking something.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::effect::{As, Effect, Kind, Nothing};

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Message,
    Warning,
    Error,
}

/// `answer_user`: a message to the user.
impl Effect<Nothing> {
    /// Of messages to the user only.
    pub fn level(self, level: Level) -> Self {
        let level = match level {
            Level::Message => "message",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        self.edit(|request| match request.kind.as_str() {
            "answer_user" => request.set("level", level),
            _ => request.because("only a message to the user has a level".to_owned()),
        })
    }
}

/// `ask_user`: waits for an answer; answers its `response` as text.
pub struct AskUser;

impl Effect<AskUser> {
    /// What may be chosen.
    pub fn choices<S: AsRef<str>>(self, choices: impl IntoIterator<Item = S>) -> Self {
        let choices: Vec<String> = choices.into_iter().map(|c| c.as_ref().to_owned()).collect();
        self.set("choices", &choices)
    }

    /// Whether anything else may be answered; true without this. The client is told, nobody enforces it.
    pub fn free_text(self, allow: bool) -> Self {
        self.set("allow_free_text", &allow)
    }

    /// A key of the author's for the wait, instead of the host's.
    pub fn wait_key(self, key: &str) -> Self {
        self.set("wait_key", key)
    }

    /// The whole answer, as the client sent it: conventionally `{"response": …}`.
    pub fn payload<T: DeserializeOwned>(self) -> Effect<As<T>> {
        self.read_as(As::new())
    }
}

impl Kind for AskUser {
    type Answer = String;

    fn read(&self, result: Option<&str>) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow, default)]
            response: Option<&'a RawValue>,
        }
        let text = result.unwrap_or("null");
        let response = serde_json::from_str::<Answer<'_>>(text)
            .ok()
            .and_then(|answer| answer.response);
        Ok(plain(response.map_or(text, RawValue::get)))
    }
}

/// A JSON text without its quotes, anything else as JSON.
pub(crate) fn plain(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}
