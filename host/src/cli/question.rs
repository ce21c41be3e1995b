//! What a waiting run wants to know, and whether a typed line answers it.

use serde_json::{Value, json};

use crate::journal::RunRow;
use crate::record::{WaitReason, WaitState};

/// A wait that somebody at the terminal can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The flow asks a person.
    Person {
        prompt: String,
        choices: Vec<String>,
        free_text: bool,
    },
    /// The flow waits for an event that nobody else will send.
    Event { name: String, scope: String, scope_id: String },
}

impl Question {
    /// What `run` waits for, if it is something to ask about.
    pub fn of(run: &RunRow) -> Option<Self> {
        let wait = run.waiting.as_ref()?;
        match wait.reason {
            WaitReason::User if !run.paused.paused => Some(Self::person(wait)),
            WaitReason::Event => Self::event(run, wait.wait_key.as_deref()?),
            _ => None,
        }
    }

    fn person(wait: &WaitState) -> Self {
        let parse = |json: &Option<crate::record::Json>| json.as_ref().and_then(|j| serde_json::from_str::<Value>(j.get()).ok());
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let prompt = parse(&wait.prompt).map(text).unwrap_or_default();
        let choices = match parse(&wait.choices) {
            Some(Value::Array(items)) => items.into_iter().map(choice).collect(),
            _ => Vec::new(),
        };
        Question::Person {
            prompt,
            choices,
            free_text: wait.allow_free_text,
        }
    }

    /// The parts of a wait key `evt:<scope>:<id>:<name>`; ids may hold colons, so they are matched, not split.
    fn event(run: &RunRow, key: &str) -> Option<Self> {
        let (scope, rest) = key.strip_prefix("evt:")?.split_once(':')?;
        let id = match scope {
            "session" => run.session_id.as_deref()?,
            "workflow" => &run.workflow_id,
            "run" => run.run_id.as_str(),
            _ => "global",
        };
        let name = rest.strip_prefix(id)?.strip_prefix(':')?;
        Some(Question::Event {
            name: name.to_owned(),
            scope: scope.to_owned(),
            scope_id: id.to_owned(),
        })
    }

    /// The question as it is shown.
    pub fn text(&self) -> String {
        match self {
            Question::Person {
                prompt,
                choices,
                free_text,
            } => {
                let mut text = format!("? {prompt}");
                for (i, choice) in choices.iter().enumerate() {
                    text.push_str(&format!("\n    {}) {choice}", i + 1));
                }
                if *free_text && !choices.is_empty() {
                    text.push_str("\n    or your own words");
                }
                text
            }
            Question::Event { name, scope, .. } => {
                format!("? The run waits for the event '{name}' ({scope}). Type its payload as JSON to send it.")
            }
        }
    }

    /// What a typed line means: the answer, or why it is none.
    pub fn answer(&self, line: &str) -> Result<Answer, String> {
        let line = line.trim();
        match self {
            Question::Person { choices, free_text, .. } => {
                let number = line.parse::<usize>().ok().and_then(|n| choices.get(n.checked_sub(1)?));
                let named = choices.iter().find(|choice| choice.eq_ignore_ascii_case(line));
                let chosen = choices.iter().find(|choice| *choice == line).or(number).or(named);
                match chosen {
                    Some(choice) => Ok(Answer::Response(choice.clone())),
                    None if *free_text || choices.is_empty() => Ok(Answer::Response(line.to_owned())),
                    None => Err(format!("Please answer with one of: {}", choices.join(", "))),
                }
            }
            Question::Event { name, scope, scope_id } => {
                let payload = if line.is_empty() {
                    Ok(json!({}))
                } else {
                    serde_json::from_str::<Value>(line)
                };
                let payload = payload.map_err(|e| format!("That is not JSON: {e}"))?;
                let id_key = format!("{scope}_id");
                let mut event = json!({ "name": name, "scope": scope, "payload": payload });
                if scope != "global" {
                    event[id_key] = json!(scope_id);
                }
                Ok(Answer::Event(event))
            }
        }
    }

    /// The answer given when nobody is there: the first choice, else a plain yes. Nobody sends events.
    pub fn default_answer(&self) -> Option<Answer> {
        match self {
            Question::Person { choices, .. } => {
                Some(Answer::Response(choices.first().cloned().unwrap_or_else(|| "yes".to_owned())))
            }
            Question::Event { .. } => None,
        }
    }
}

/// A choice is a text, or an object with a text for people.
fn choice(value: Value) -> String {
    let named = ["value", "label", "text", "id"]
        .iter()
        .find_map(|key| value.get(key)?.as_str());
    match (named, &value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Response(String),
    /// Payload of an `emit_event` command.
    Event(Value),
}
