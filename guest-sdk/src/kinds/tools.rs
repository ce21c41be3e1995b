//! Tools of the host.

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Kind, parse};
use crate::kinds::users::plain;
use crate::{Json, null};

/// One call of a tool.
#[derive(Debug, Clone, Serialize)]
pub struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: Json,
    pub(crate) call_id: String,
    pub(crate) runtime_call_id: String,
}

/// What one call of a tool gave. A call that failed is a result, not a failure of the effect.
#[derive(Debug, Clone, Deserialize)]
pub struct ToolResult {
    #[serde(default)]
    pub call_id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub success: bool,
    #[serde(default = "null")]
    pub output: Json,
    #[serde(default = "null")]
    pub error: Json,
}

/// `tool_calls`: answers one result a call, in the order of the calls.
pub struct ToolCalls;

/// `tool_calls` with one call: answers its output, or fails as the tool did.
pub struct CallTool;

impl<K: Kind> Effect<K> {
    fn allow(self, names: Vec<String>) -> Self {
        self.set("allowed_tools", &names)
    }
}

impl Effect<ToolCalls> {
    /// The only tools that may be called; no name allows none. Without this the host decides.
    pub fn allowed<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.allow(sorted(names))
    }
}

impl Effect<CallTool> {
    /// As [`Effect::<ToolCalls>::allowed`].
    pub fn allowed<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.allow(sorted(names))
    }
}

fn sorted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    let names: std::collections::BTreeSet<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    names.into_iter().collect()
}

fn results(result: Option<&str>) -> Result<Vec<ToolResult>, String> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(default)]
        mode: Option<String>,
        #[serde(default)]
        results: Vec<ToolResult>,
    }
    let made: Made = parse(result.unwrap_or("null"))?;
    match made.mode.as_deref() {
        None | Some("executed") => Ok(made.results),
        Some(mode) => Err(format!("Tool execution not completed (mode={mode})")),
    }
}

impl Kind for ToolCalls {
    type Answer = Vec<ToolResult>;

    fn read(&self, result: Option<&str>) -> Result<Vec<ToolResult>, String> {
        results(result)
    }
}

impl Kind for CallTool {
    type Answer = Json;

    fn read(&self, result: Option<&str>) -> Result<Json, String> {
        let first = results(result)?.into_iter().next().ok_or("Missing tool result")?;
        match first.success {
            true => Ok(first.output),
            false => Err(match first.error.get() {
                "null" => format!("tool '{}' failed", first.name),
                error => plain(error),
            }),
        }
    }
}
