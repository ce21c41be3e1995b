//! Stable names for what changes from run to run, as the recorded cases have them.

use std::sync::LazyLock;

use flow_rt::value::{Map, Value};
use regex::Regex;

use super::report::Rows;
use crate::ids::RunId;
use crate::record::WaitState;

/// A pattern and what stands for it.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", "<time>"),
        (r"(?s)<runtime_metadata>.*?</runtime_metadata>\s*", ""),
        (r"msg_[0-9a-f]{32}", "<msg>"),
        (r"rtcall_[0-9a-f]{32}", "rtcall"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    ];
    patterns
        .into_iter()
        .filter_map(|(pattern, name)| Some((Regex::new(pattern).ok()?, name)))
        .collect()
});

/// `run0`, `run1` … by order of start.
pub struct Names(Vec<(String, String)>);

impl Names {
    pub fn new<'a>(runs: impl Iterator<Item = &'a str>) -> Self {
        Names(runs.enumerate().map(|(i, id)| (id.to_owned(), format!("run{i}"))).collect())
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in &self.0 {
            if text.contains(id.as_str()) {
                text = text.replace(id.as_str(), name);
            }
        }
        for (pattern, name) in PATTERNS.iter() {
            if pattern.is_match(&text) {
                text = pattern.replace_all(&text, *name).into_owned();
            }
        }
        text
    }

    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::Str(text) => Value::str(self.text(text)),
            Value::List(items) => Value::list(items.borrow().iter().map(|v| self.value(v)).collect()),
            Value::Dict(fields) => Value::dict(
                fields
                    .borrow()
                    .iter()
                    .filter(|(key, _)| !matches!(&***key, "trace_metadata" | "runtime_call_id"))
                    .map(|(key, value)| {
                        let metrics = &**key == "execution" && value.as_dict().is_some_and(|d| d.get("permissions").is_some());
                        let value = if metrics { Value::str("<metrics>") } else { self.value(value) };
                        (self.text(key).into(), value)
                    })
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// A ledger row as cases list it. Keys and steps are shown as they are: they differ from run to run, but not within one.
    pub fn row(&self, run: &RunId, row: &Value, show: Rows) -> Value {
        let get = |key: &str| row.as_dict().and_then(|d| d.get(key)).unwrap_or_default();
        let effect = match get("effect") {
            Value::Dict(effect) => Value::dict(Map::from_iter([
                ("type".into(), effect.get("type").unwrap_or_default()),
                ("payload".into(), effect.get("payload").unwrap_or_default()),
            ])),
            _ => Value::Null,
        };
        let mut shown = Map::from_iter([
            ("run".into(), self.value(&Value::str(run.as_str()))),
            ("node".into(), self.value(&get("node_id"))),
            ("status".into(), get("status")),
            ("effect".into(), self.value(&effect)),
            ("result".into(), self.value(&get("result"))),
            ("error".into(), self.value(&get("error"))),
        ]);
        if show == Rows::Full {
            shown.insert("key".into(), get("idempotency_key"));
            shown.insert("step".into(), get("step_id"));
            shown.insert("attempt".into(), get("attempt"));
        }
        Value::dict(shown)
    }
}

/// Whether a row says that an exception left a tick.
pub fn is_exception(row: &Value) -> bool {
    let key = row.as_dict().and_then(|d| d.get("idempotency_key"));
    key.is_some_and(|k| k.as_str().is_some_and(|k| k.starts_with("system:tick_exception:")))
}

/// A wait as cases show it.
pub fn wait(wait: &WaitState) -> Value {
    let json = |raw: &Option<crate::record::Json>| {
        raw.as_ref()
            .and_then(|r| flow_rt::json::parse(r.get()).ok())
            .unwrap_or_default()
    };
    Value::dict(Map::from_iter([
        ("reason".into(), Value::str(wait.reason.as_str())),
        (
            "wait_key".into(),
            wait.wait_key.as_deref().map(Value::str).unwrap_or_default(),
        ),
        ("prompt".into(), json(&wait.prompt)),
        ("choices".into(), json(&wait.choices)),
        ("allow_free_text".into(), Value::Bool(wait.allow_free_text)),
    ]))
}
