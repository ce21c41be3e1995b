//! Conversations as a model is shown them: which messages of the run, the system text among them, and what fits a token budget.

use super::Run;
use crate::json::{Style, write_styled};
use crate::py;
use crate::value::{Dict, Map, Value};

/// A part of a message that is no text counts as this many tokens.
const MEDIA_TOKENS: u64 = 512;
const MEDIA: [&str; 6] = ["image_url", "image", "input_image", "input_audio", "audio", "file"];

impl Run {
    /// The run's conversation, system messages first, the rest limited by `_limits.max_history_messages`.
    pub(super) fn active_messages(&mut self) -> Vec<Dict> {
        let context = super::child(&self.vars, "context");
        super::child(&self.vars, "scratchpad");
        let (mut shown, rest): (Vec<_>, Vec<_>) = messages(Some(&context)).into_iter().partition(is_system);
        let limit = py::to_index(&self.limit("max_history_messages")).unwrap_or(-1);
        let skip = usize::try_from(limit).map_or(0, |limit| rest.len().saturating_sub(limit));
        shown.extend(rest.into_iter().skip(skip));
        shown
    }

    /// A key of `_limits`, which is the host's unless the flow has its own.
    pub(super) fn limit(&self, key: &str) -> Value {
        let limits = self
            .vars
            .get("_limits")
            .filter(|l| matches!(l, Value::Dict(_)))
            .or_else(|| self.host_vars.get("_limits"));
        limits.and_then(|limits| limits.as_dict()?.get(key)).unwrap_or_default()
    }

    /// The attachments of the run's conversation; none when there are none.
    pub(super) fn active_attachments(&self) -> Option<Value> {
        let context = self.vars.get("context")?;
        let cleaned = attachments(&context.as_dict()?.get("attachments")?)?;
        (!cleaned.is_empty()).then(|| Value::list(cleaned))
    }
}

/// Messages without those whose `metadata.message_id` came before.
pub(super) fn distinct(messages: impl IntoIterator<Item = Dict>) -> Vec<Dict> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for message in messages {
        let id = message
            .get("metadata")
            .and_then(|m| super::pins::text(&m.as_dict()?.get("message_id")?))
            .and_then(|id| id.as_str_rc());
        if let Some(id) = id {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
        }
        kept.push(message);
    }
    kept
}

/// Copies of the messages of a conversation.
pub(super) fn messages(context: Option<&Dict>) -> Vec<Dict> {
    match context.and_then(|c| c.get("messages")) {
        Some(Value::List(list)) => list
            .borrow()
            .iter()
            .filter_map(|m| m.as_dict().map(Dict::shallow_copy))
            .collect(),
        _ => Vec::new(),
    }
}

/// A list of attachments without what is neither an object nor text; none when it is no list.
pub(super) fn attachments(value: &Value) -> Option<Vec<Value>> {
    let list = value.as_list()?.borrow();
    let kept = list.iter().filter_map(|a| match a {
        Value::Dict(d) => Some(Value::Dict(d.shallow_copy())),
        other => super::pins::text(other),
    });
    Some(kept.collect())
}

pub(super) fn is_system(message: &Dict) -> bool {
    message.get("role").is_some_and(|role| role.as_str() == Some("system"))
}

pub(super) fn message(role: &str, content: Value) -> Dict {
    Dict::new(Map::from_iter([
        ("role".into(), Value::str(role)),
        ("content".into(), content),
    ]))
}

/// Puts a system text behind the system messages at the start.
pub(super) fn insert_system(messages: &mut Vec<Dict>, text: &str) {
    let text = py::chars::strip(text);
    if !text.is_empty() {
        let at = messages.iter().take_while(|m| is_system(m)).count();
        messages.insert(at, message("system", Value::str(text)));
    }
}

/// Drops the oldest messages until the rest is estimated to fit `budget` tokens. System messages and the last message stay,
/// a tool's result goes with the call before it, and a notice stands where something is missing.
pub(super) fn trim(messages: Vec<Dict>, budget: &Value) -> Vec<Dict> {
    let limit = match budget {
        Value::Int(limit) if *limit > 0 => *limit as u64,
        _ => return messages,
    };
    let (mut kept, rest): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_system);
    let costs: Vec<u64> = rest.iter().map(estimate).collect();
    let is_tool = |m: &Dict| m.get("role").is_some_and(|role| role.as_str() == Some("tool"));
    // Where a group of messages that belong together begins, from the last group to the first.
    let starts = (0..rest.len()).rev().filter(|i| *i == 0 || !is_tool(&rest[*i]));
    let mut total: u64 = kept.iter().map(estimate).sum();
    let (mut from, mut end) = (rest.len(), rest.len());
    for start in starts {
        let cost: u64 = costs[start..end].iter().sum();
        if end < rest.len() && total + cost > limit {
            break;
        }
        total += cost;
        (from, end) = (start, start);
    }
    if from > 0 {
        let tokens: u64 = costs[..from].iter().sum();
        let text = format!(
            "#TRUNCATION: {from} earlier message(s) (~{tokens} estimated tokens) were dropped from this request to fit \
             max_input_tokens={limit}. The conversation is incomplete: do not assume that the missing turns never happened."
        );
        let notice = message("system", Value::str(text));
        let metadata = Map::from_iter([
            ("kind".into(), Value::str("input_budget_trim")),
            ("dropped_messages".into(), Value::Int(from as i64)),
            ("max_input_tokens".into(), budget.clone()),
        ]);
        notice.set("metadata", Value::dict(metadata));
        kept.push(notice);
    }
    kept.extend(rest.into_iter().skip(from));
    kept
}

/// About how many tokens a message has: four characters each.
fn estimate(message: &Dict) -> u64 {
    let role = message
        .get("role")
        .filter(py::truthy)
        .and_then(|role| py::str(&role).ok())
        .unwrap_or_default();
    let role = py::chars::strip(&role);
    let mut media = 0;
    let content = match message.get("content") {
        None | Some(Value::Null) => String::new(),
        Some(Value::List(parts)) => {
            let texts: Vec<String> = parts.borrow().iter().filter_map(|part| part_text(part, &mut media)).collect();
            texts.join("\n")
        }
        Some(other) => py::str(&other).map(|text| text.as_ref().to_owned()).unwrap_or_default(),
    };
    let chars = content.chars().count() + if role.is_empty() { 0 } else { role.chars().count() + 2 };
    let tokens = if chars == 0 { 0 } else { (chars as u64 / 4).max(1) };
    tokens + media * MEDIA_TOKENS
}

/// The text of one part of a message's content; media parts are counted instead.
fn part_text(part: &Value, media: &mut u64) -> Option<String> {
    match part {
        Value::Str(text) => Some(text.as_ref().to_owned()),
        Value::Dict(object) => {
            let kind = object
                .get("type")
                .filter(py::truthy)
                .and_then(|kind| py::str(&kind).ok())
                .unwrap_or_default();
            match object.get("text") {
                Some(Value::Str(text)) if kind.is_empty() || kind.contains("text") => Some(text.as_ref().to_owned()),
                _ if MEDIA.contains(&&*kind) => {
                    *media += 1;
                    None
                }
                _ if &*kind == "text" => None,
                _ => Some(json_text(part)),
            }
        }
        other => Some(json_text(other)),
    }
}

fn json_text(value: &Value) -> String {
    let mut out = String::new();
    // What cannot be written counts as far as it was written.
    let _ = write_styled(&mut out, value, &Style::PYTHON);
    out
}
