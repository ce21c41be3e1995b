//! A ledger row as a line for people.

use serde_json::Value;

use crate::record::{Json, StepRecord, StepStatus};

/// Longest gist of a row, in characters.
const WIDTH: usize = 100;

/// `12:03:05.123  approve  ask        ask_user          waiting    Publish it?`; `run` names the run among several.
pub fn row(run: &str, record: &StepRecord) -> String {
    let time = record.ended_at.as_deref().unwrap_or(&record.started_at);
    let time = time.get(11..23).unwrap_or(time);
    let kind = record.effect.as_ref().map_or("end", |effect| effect.kind.as_str());
    let status = match record.status {
        StepStatus::Started => "started",
        StepStatus::Completed => "completed",
        StepStatus::Waiting => "waiting",
        StepStatus::Failed => "failed",
    };
    let line = format!(
        "{time}  {run:<10} {:<14} {kind:<18} {status:<10} {}",
        record.node_id,
        gist(record)
    );
    line.trim_end().to_owned()
}

/// What matters in a row, short.
fn gist(record: &StepRecord) -> String {
    if let Some(error) = &record.error {
        return cut(error);
    }
    let result = record.result.as_ref().map_or(Value::Null, parse);
    let Some(effect) = &record.effect else {
        return cut(&result.get("output").map_or(String::new(), Value::to_string));
    };
    if record.status == StepStatus::Started {
        return String::new();
    }
    let payload = parse(&effect.payload);
    let wait = result.get("wait");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let gist = match effect.kind.as_str() {
        "answer_user" => text(payload.get("message").or(payload.get("text"))),
        "ask_user" => text(wait.and_then(|w| w.get("prompt"))).or(text(payload.get("prompt"))),
        "wait_until" => text(wait.and_then(|w| w.get("until"))),
        "wait_event" => text(wait.and_then(|w| w.get("wait_key"))),
        "start_subworkflow" => text(payload.get("workflow_id")),
        "resume" => payload.get("payload").map(Value::to_string),
        "emit_event" => payload
            .get("payload")
            .map(|p| format!("{} {p}", payload["name"].as_str().unwrap_or_default())),
        _ => None,
    };
    cut(&gist.unwrap_or_else(|| if result.is_null() { String::new() } else { result.to_string() }))
}

fn parse(json: &Json) -> Value {
    serde_json::from_str(json.get()).unwrap_or(Value::Null)
}

/// One line of at most [`WIDTH`] characters.
fn cut(text: &str) -> String {
    let flat = text.replace(['\n', '\r', '\t'], " ");
    match flat.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &flat[..at]),
        None => flat,
    }
}
