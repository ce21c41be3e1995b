//! Splits what a client sends as `input_data` into the flow's start input and the variables that belong to the host.
//!
//! The host's are `_runtime`, `_limits`, `_meta`, `_run_lifecycle` and `workspace_*`. A client may set them only within what is
//! said here; the flow reads them and never writes them.

use serde_json::value::RawValue;

use super::validate::{null, text};
use crate::record::{Json, Object};
use crate::workspace::{self, Workspace};

/// `_limits` of a run that names none, by key. What a client names is kept, the rest is added: advisory figures that clients show.
const LIMITS: [(&str, &str); 9] = [
    ("max_iterations", "20"),
    ("current_iteration", "0"),
    ("max_tokens", "32768"),
    ("max_output_tokens", "null"),
    ("max_input_tokens", "null"),
    ("estimated_tokens_used", "0"),
    ("max_history_messages", "-1"),
    ("warn_iterations_pct", "80"),
    ("warn_tokens_pct", "80"),
];

/// Longest text kept of a lifecycle field, in characters.
const LIFECYCLE_TEXT: usize = 240;

/// A JSON object being written.
#[derive(Debug)]
pub struct ObjectText(String);

impl ObjectText {
    pub fn new() -> Self {
        ObjectText("{".into())
    }
    /// `value` is JSON text.
    pub fn put(&mut self, key: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(text(key).get());
        self.0.push(':');
        self.0.push_str(value);
    }
    pub fn is_empty(&self) -> bool {
        self.0.len() == 1
    }
    pub fn finish(mut self) -> Json {
        self.0.push('}');
        RawValue::from_string(self.0).unwrap_or_else(|_| null())
    }
}

/// What the body of a start says beside `input_data`.
#[derive(Debug, Default)]
pub struct Said<'a> {
    /// Boolean or text.
    pub thinking: Option<&'a RawValue>,
    pub run_lifecycle: Option<&'a RawValue>,
    /// How the run refers to the artifact that its flow's document is.
    pub workflow_snapshot: Option<&'a RawValue>,
}

/// The parts of a start.
#[derive(Debug)]
pub struct Split {
    /// The flow's input: everything that is not the host's, as it came.
    pub input: Json,
    pub host_vars: Json,
    /// Those that listeners of the run get: `_runtime`, `_limits` and `workspace_*`.
    pub listener_vars: Json,
    /// `run_lifecycle.purpose`.
    pub purpose: Option<String>,
}

/// `workspace` decides what counts of the client's words about files; a run that names no folder gets one of its own.
pub fn split(input_data: &RawValue, said: &Said<'_>, workspace: &Workspace) -> Split {
    let object = Object::of(input_data).unwrap_or(Object(indexmap::IndexMap::new()));
    let mut input = ObjectText::new();
    let mut files = workspace::Said::default();
    let (mut runtime, mut limits, mut meta, mut lifecycle) = (None, None, None, said.run_lifecycle);
    for (key, value) in &object.0 {
        match key.as_ref() {
            "_runtime" => runtime = Some(*value),
            "_limits" => limits = Some(*value),
            "_meta" => meta = Some(*value),
            "_run_lifecycle" => lifecycle = lifecycle.or(Some(value)),
            name if files.take(name, value) => {}
            name => input.put(name, value.get()),
        }
    }
    let own = runtime_vars(runtime, said.thinking, said.workflow_snapshot);
    let runtime = runtime_vars(runtime, said.thinking, None);
    let limits = limit_vars(limits);
    let (lifecycle, purpose) = lifecycle.and_then(lifecycle_vars).unzip();

    let mut listener = ObjectText::new();
    listener.put("_runtime", runtime.get());
    listener.put("_limits", limits.get());
    let mut host = ObjectText::new();
    host.put("_runtime", own.get());
    host.put("_limits", limits.get());
    if let Some(meta) = meta.filter(|meta| meta.get().starts_with('{')) {
        host.put("_meta", meta.get());
    }
    if let Some(lifecycle) = lifecycle {
        host.put("_run_lifecycle", lifecycle.get());
    }
    // Listeners work in the same folder.
    for (name, value) in workspace.clamp(&files).vars() {
        host.put(name, value.get());
        listener.put(name, value.get());
    }
    Split {
        input: input.finish(),
        host_vars: host.finish(),
        listener_vars: listener.finish(),
        purpose: purpose.flatten(),
    }
}

fn runtime_vars(given: Option<&RawValue>, thinking: Option<&RawValue>, snapshot: Option<&RawValue>) -> Json {
    let mut runtime = ObjectText::new();
    for (key, value) in given.and_then(Object::of).iter().flat_map(|object| &object.0) {
        // The policy of a workflow is the operator's word, the snapshot is the host's, and `thinking` is said once.
        let not_theirs = matches!(key.as_ref(), "workflow_policy" | "workflow_snapshot");
        let said = key == "thinking" && thinking.is_some();
        if !not_theirs && !said {
            runtime.put(key, value.get());
        }
    }
    if let Some(thinking) = thinking {
        runtime.put("thinking", thinking.get());
    }
    if let Some(snapshot) = snapshot {
        runtime.put("workflow_snapshot", snapshot.get());
    }
    runtime.finish()
}

/// `_limits` as a run has them that names these, or none.
pub(crate) fn limit_vars(given: Option<&RawValue>) -> Json {
    let given = given.and_then(Object::of);
    let mut limits = ObjectText::new();
    for (key, value) in given.iter().flat_map(|object| &object.0) {
        limits.put(key, value.get());
    }
    for (key, value) in LIMITS {
        if given.as_ref().is_none_or(|object| object.get(key).is_none()) {
            limits.put(key, value);
        }
    }
    limits.finish()
}

/// The known fields of a lifecycle and its purpose; `None` when nothing is left.
fn lifecycle_vars(given: &RawValue) -> Option<(Json, Option<String>)> {
    let object = Object::of(given)?;
    let word = |object: &Object<'_>, name: &str| {
        let text: String = serde_json::from_str(object.get(name)?.get()).ok()?;
        let text: String = text.trim().chars().take(LIFECYCLE_TEXT).collect();
        (!text.is_empty()).then_some(text)
    };
    let mut lifecycle = ObjectText::new();
    let names = [
        "source",
        "purpose",
        "visibility",
        "run_mode",
        "editor_session_id",
        "flow_id",
        "bundle_id",
        "bundle_version",
    ];
    for name in names {
        if let Some(value) = word(&object, name) {
            lifecycle.put(name, text(&value).get());
        }
    }
    if let Some(retention) = object.get("retention").and_then(Object::of) {
        let mut kept = ObjectText::new();
        for name in ["mode", "expires_at"] {
            if let Some(value) = word(&retention, name) {
                kept.put(name, text(&value).get());
            }
        }
        if let Some(ttl) = retention.get("ttl_s").filter(|ttl| ttl.get().parse::<f64>().is_ok()) {
            kept.put("ttl_s", ttl.get());
        }
        if !kept.is_empty() {
            lifecycle.put("retention", kept.finish().get());
        }
    }
    (!lifecycle.is_empty()).then(|| (lifecycle.finish(), word(&object, "purpose")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        RawValue::from_string(text.into()).unwrap()
    }

    fn workspace() -> Workspace {
        let options = workspace::Options {
            data_dir: "/nowhere/data".into(),
            dir: "/nowhere/files".into(),
            ..workspace::Options::default()
        };
        workspace::Workspaces::open(options).unwrap().of(crate::ids::TenantId::LOCAL)
    }

    #[test]
    fn the_host_s_variables_are_taken_out_and_the_rest_stays_as_it_came() {
        let input = json(
            r#"{"z": 3.0, "_limits": {"max_tokens": 7}, "n": 123456789012345678901234567890, "workspace_root": "/nowhere/files/docs",
                "workspace_of_mine": 1,
                "_runtime": {"a": 1, "workflow_policy": {}, "workflow_snapshot": "mine"}, "workspaceIgnoredPaths": ["a ", "b"],
                "workspace_access_mode": "all_except_ignored", "workspace_allowed_paths": ["/etc", "more", "/nowhere/files/x"]}"#,
        );
        let split = split(
            &input,
            &Said {
                thinking: Some(&json("true")),
                ..Said::default()
            },
            &workspace(),
        );
        assert_eq!(split.input.get(), r#"{"z":3.0,"n":123456789012345678901234567890}"#);
        let limits = concat!(
            r#"{"max_tokens":7,"max_iterations":20,"current_iteration":0,"max_output_tokens":null,"max_input_tokens":null,"#,
            r#""estimated_tokens_used":0,"max_history_messages":-1,"warn_iterations_pct":80,"warn_tokens_pct":80}"#
        );
        let files = concat!(
            r#""workspace_root":"docs","workspace_access_mode":"workspace_only","workspace_allowed_paths":["docs/more","x"],"#,
            r#""workspace_ignored_paths":"a\nb""#
        );
        let vars = format!(r#"{{"_runtime":{{"a":1,"thinking":true}},"_limits":{limits},{files}}}"#);
        assert_eq!(split.host_vars.get(), vars);
        assert_eq!(split.listener_vars.get(), vars);
        assert_eq!(split.purpose, None);
    }

    #[test]
    fn a_run_whose_folder_nobody_may_name_gets_one_of_its_own() {
        for root in [r#""/etc""#, r#""../x""#, "5", "null", r#""""#] {
            let split = split(
                &json(&format!(r#"{{"workspace_root": {root}}}"#)),
                &Said::default(),
                &workspace(),
            );
            let vars: serde_json::Value = serde_json::from_str(split.host_vars.get()).unwrap();
            let named = vars["workspace_root"].as_str().unwrap();
            assert!(named.starts_with("workspaces/") && named.len() == 43, "{root}: {named}");
        }
    }

    #[test]
    fn the_snapshot_is_named_to_the_run_and_not_to_its_listeners() {
        let snapshot = json(r#"{"artifact_id":"x"}"#);
        let said = Said {
            workflow_snapshot: Some(&snapshot),
            ..Said::default()
        };
        let split = split(&json("{}"), &said, &workspace());
        let own = r#"{"_runtime":{"workflow_snapshot":{"artifact_id":"x"}},"#;
        assert!(split.host_vars.get().starts_with(own), "{}", split.host_vars);
        assert!(
            split.listener_vars.get().starts_with(r#"{"_runtime":{},"#),
            "{}",
            split.listener_vars
        );
    }

    #[test]
    fn a_lifecycle_keeps_its_known_fields() {
        let said = json(r#"{"purpose":" draft_test ","x":1,"source":5,"retention":{"mode":"ephemeral","ttl_s":60,"y":2}}"#);
        let split = split(
            &json("{}"),
            &Said {
                run_lifecycle: Some(&said),
                ..Said::default()
            },
            &workspace(),
        );
        let kept = r#""_run_lifecycle":{"purpose":"draft_test","retention":{"mode":"ephemeral","ttl_s":60}}"#;
        assert!(split.host_vars.get().contains(kept), "{}", split.host_vars);
        assert_eq!(split.purpose.as_deref(), Some("draft_test"));
    }
}
