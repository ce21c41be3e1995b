//! The variables that an agent's child run starts with.

use super::super::Run;
use super::super::messages::{distinct, is_system, messages};
use super::super::pins::{put, text};
use super::settings::{Settings, TEMPERATURE};
use super::{map, record};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Limits of a child whose parent has none of that name.
const LIMITS: [(&str, Value); 9] = [
    ("max_iterations", Value::Int(20)),
    ("current_iteration", Value::Int(0)),
    ("max_tokens", Value::Int(32768)),
    ("max_output_tokens", Value::Null),
    ("max_input_tokens", Value::Null),
    ("max_history_messages", Value::Int(-1)),
    ("estimated_tokens_used", Value::Int(0)),
    ("warn_iterations_pct", Value::Int(80)),
    ("warn_tokens_pct", Value::Int(80)),
];

impl Run {
    pub(super) fn agent_child_vars(&mut self, settings: &Settings, extra: &[Dict]) -> Value {
        let limits = self.agent_limits(settings);
        let iterations = limits.get("max_iterations").filter(|n| py::truthy(n));
        let iterations = iterations.and_then(|n| py::to_int(n).ok()).unwrap_or(Value::Int(20));
        record([
            ("context", Value::dict(self.agent_context(settings, extra))),
            (
                "scratchpad",
                record([("iteration", Value::Int(0)), ("max_iterations", iterations)]),
            ),
            ("_runtime", Value::dict(self.agent_runtime(settings))),
            ("_temp", Value::dict(Map::default())),
            ("_limits", Value::dict(limits)),
        ])
    }

    fn agent_limits(&self, settings: &Settings) -> Map {
        let of = |vars: &Dict| vars.get("_limits").and_then(|l| l.as_dict().map(|l| l.borrow().clone()));
        let mut limits = of(&self.vars).or_else(|| of(&self.host_vars)).unwrap_or_default();
        for (key, value) in LIMITS {
            limits.entry(key.into()).or_insert(value);
        }
        put(&mut limits, "max_iterations", settings.max_iterations.clone());
        put(&mut limits, "max_input_tokens", settings.max_input_tokens.clone());
        put(&mut limits, "max_output_tokens", settings.max_output_tokens.clone());
        limits
    }

    /// The child's conversation: the parent's if it is to be used, the pin's in place of it, and what was recalled.
    fn agent_context(&mut self, settings: &Settings, extra: &[Dict]) -> Map {
        let mut context = map([
            ("task", Value::str(settings.task.as_str())),
            ("messages", Value::list(Vec::new())),
        ]);
        let mut conversation = Vec::new();
        if settings.include_context {
            conversation = self.active_messages();
            put(&mut context, "attachments", self.active_attachments());
        }
        let own = messages(Some(&settings.context));
        if !own.is_empty() {
            conversation = own;
        }
        if !extra.is_empty() {
            let (first, rest): (Vec<_>, Vec<_>) = conversation.into_iter().partition(is_system);
            let (first_extra, rest_extra): (Vec<_>, Vec<_>) = extra.iter().cloned().partition(is_system);
            conversation = distinct(first.into_iter().chain(first_extra).chain(rest).chain(rest_extra));
        }
        let conversation = conversation.into_iter().map(Value::Dict).collect();
        put(&mut context, "messages", Value::list(conversation));
        context.extend(settings.context_extra());
        context
    }

    fn agent_runtime(&self, settings: &Settings) -> Map {
        let mut tools = settings.tools.clone();
        let mut runtime = map([
            ("inbox", Value::list(Vec::new())),
            ("provider", Value::str(settings.provider.as_str())),
            ("model", Value::str(settings.model.as_str())),
        ]);
        let host = |key: &str| self.runtime_setting(key);
        put(&mut runtime, "audio_policy", host("audio_policy").and_then(|v| text(&v)));
        let language = host("stt_language")
            .filter(|v| !v.is_null())
            .or_else(|| host("audio_language"));
        put(&mut runtime, "stt_language", language.and_then(|v| text(&v)));
        if let Some(skills) = host("skills_block").filter(|s| text(s).is_some()) {
            // The block names skills that only this tool can read. Without a list of its own the child has every tool.
            if !tools.is_empty() && !tools.iter().any(|t| t.as_str() == Some("read_skill")) {
                tools.push(Value::str("read_skill"));
            }
            put(&mut runtime, "skills_block", skills);
        }
        put(&mut runtime, "allowed_tools", Value::list(tools));
        let cache = host("prompt_cache").filter(|c| matches!(c, Value::Bool(_) | Value::Dict(_)));
        put(&mut runtime, "prompt_cache", cache);
        if (settings.temperature - TEMPERATURE).abs() > 1e-9 {
            put(&mut runtime, "temperature", Value::Float(settings.temperature));
        }
        put(&mut runtime, "seed", settings.seed.clone());
        let thinking = settings.thinking.clone().or_else(|| match host("thinking")? {
            flag @ Value::Bool(_) => Some(flag),
            other => text(&other),
        });
        put(&mut runtime, "thinking", thinking);
        let speculation = settings.speculation.clone().or_else(|| host("speculation"));
        put(&mut runtime, "speculation", speculation.filter(|s| !s.is_null()));
        if let Some(listed) = settings.switch("use_session_attachments") {
            let control = record([("include_session_attachments_index", Value::Bool(listed))]);
            put(&mut runtime, "control", control);
        }
        let system = Some(Value::str(settings.system.as_str()));
        put(&mut runtime, "system_prompt_extra", system.filter(|s| text(s).is_some()));
        put(&mut runtime, "prompt_cache_binding", settings.prompt_cache_binding.clone());
        runtime
    }
}
