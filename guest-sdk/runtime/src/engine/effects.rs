//! Effect nodes: the payload that each asks the host with (language sections 5.9, 5.10, 5.13).
//!
//! An error here is not the node's own: it leaves the tick and fails the run, as in the reference.

use super::messages::{attachments, distinct, is_system, messages};
use super::program::flag;
use super::{Keeps, Node, Plan, Request, Run, code};
use crate::py;
use crate::value::{Dict, Map, Value};

impl Run {
    /// Ends a node with an effect request. The payload of most nodes repeats the effect's type and the node that follows.
    pub(super) fn request(&mut self, node: Node, kind: &str, mut payload: Map, beside: Map) -> i32 {
        let next = self.program.next(node);
        payload.insert(
            "resume_to_node".into(),
            next.map(|n| Value::Str(self.program.id(n))).unwrap_or_default(),
        );
        let mut typed = Map::from_iter([("type".into(), Value::str(kind))]);
        typed.extend(payload);
        self.request_plain(node, kind, typed, beside)
    }

    /// As [`Run::request`], for the nodes whose payload is theirs alone.
    pub(super) fn request_plain(&mut self, node: Node, kind: &str, payload: Map, beside: Map) -> i32 {
        let next = self.program.next(node);
        self.ask(node, kind, payload, next, beside, Keeps::Effect)
    }

    /// Ends a node with an effect whose result is only a step: the node runs again when it is there, at `path`.
    pub(super) fn request_step(&mut self, node: Node, kind: &str, payload: Map, path: String) -> i32 {
        self.ask(node, kind, payload, Some(node), Map::default(), Keeps::Step(path.into()))
    }

    pub(super) fn ask(&mut self, node: Node, kind: &str, mut payload: Map, next: Option<Node>, beside: Map, keeps: Keeps) -> i32 {
        if self.program.has(node, flag::ABSORBS) {
            payload.entry("_absorb_failure".into()).or_insert(Value::Bool(true));
        }
        let payload = Dict::new(payload);
        if let Err(message) = self.check_finite(&Value::Dict(payload.clone())) {
            return self.fail(message);
        }
        self.plan = Plan::Effect(Request {
            kind: kind.into(),
            payload,
            next,
            beside,
            keeps,
        });
        code::EFFECT
    }

    pub(super) fn effect_config(&self, cfg: u32, key: &str) -> Option<Value> {
        self.config(cfg, "effectConfig")?.as_dict()?.get(key)
    }

    pub(super) fn ask_user(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let (prompt, choices) = match self.slot(frame) {
            Value::Dict(d) => (
                d.get("prompt").unwrap_or(Value::str("Please respond:")),
                d.get("choices").unwrap_or_else(|| Value::list(Vec::new())),
            ),
            other => match py::str(&other) {
                Ok(text) => (Value::str(text), Value::list(Vec::new())),
                Err(e) => return self.fail(e.to_string()),
            },
        };
        let allow = self.effect_config(cfg, "allowFreeText").unwrap_or(Value::Bool(true));
        let payload = Map::from_iter([
            ("prompt".into(), prompt),
            ("choices".into(), choices),
            ("allow_free_text".into(), allow),
        ]);
        let mut beside = payload.clone();
        // Read where the answer has no `response`.
        let shown = match py::str(payload.get("prompt").unwrap_or(&Value::Null)) {
            Ok(text) => format!("[User prompt: {text}]"),
            Err(e) => return self.fail(e.to_string()),
        };
        beside.insert("response".into(), Value::str(shown));
        self.request(node, "ask_user", payload, beside)
    }

    pub(super) fn answer_user(&mut self, node: Node, frame: u32) -> i32 {
        let (message, level) = match self.slot(frame) {
            Value::Dict(d) => (d.get("message").unwrap_or(Value::str("")), d.get("level")),
            other => (other, None),
        };
        let message = match message {
            Value::Null => Value::str(""),
            message => match py::str(&message) {
                Ok(text) => Value::str(text),
                Err(e) => return self.fail(e.to_string()),
            },
        };
        let level = level
            .as_ref()
            .and_then(Value::as_str)
            .map(|l| py::chars::strip(l).to_lowercase());
        let level = match level.as_deref() {
            Some("warn" | "warning") => "warning",
            Some("error") => "error",
            _ => "message",
        };
        let payload = Map::from_iter([("message".into(), message), ("level".into(), Value::str(level))]);
        let beside = payload.clone();
        self.request(node, "answer_user", payload, beside)
    }

    pub(super) fn wait_until(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let duration = match self.slot(frame) {
            Value::Dict(d) => d.get("duration").unwrap_or(Value::Int(0)),
            _ => Value::Int(0),
        };
        let unit = self.effect_config(cfg, "durationType");
        let seconds = match unit.as_ref().and_then(Value::as_str) {
            Some("timestamp") => {
                let text = if py::truthy(&duration) {
                    py::str(&duration)
                } else {
                    Ok("".into())
                };
                return match text {
                    Ok(text) => self.request(
                        node,
                        "wait_until",
                        Map::from_iter([("until".into(), Value::str(text))]),
                        Map::default(),
                    ),
                    Err(e) => self.fail(e.to_string()),
                };
            }
            Some("minutes") => 60.0,
            Some("hours") => 3600.0,
            _ => 1.0,
        };
        let amount = py::to_float(&duration).unwrap_or(0.0);
        match self.until(amount * seconds) {
            Ok(until) => self.request(node, "wait_until", Map::from_iter([("until".into(), until)]), Map::default()),
            Err(message) => self.fail(message),
        }
    }

    /// The time `seconds` from now as ISO text.
    pub(super) fn until(&self, seconds: f64) -> Result<Value, String> {
        let micros = (seconds * 1e6).round();
        // The reference's calendar ends with the year 9999.
        let limit = 253_402_300_799_999_999_i64;
        if !micros.is_finite() || micros.abs() > limit as f64 {
            return Err("date value out of range".to_owned());
        }
        let at = self.world.now_us.saturating_add(micros as i64);
        if !(-62_135_596_800_000_000..=limit).contains(&at) {
            return Err("date value out of range".to_owned());
        }
        Ok(Value::str(crate::time::iso_utc(at)))
    }

    pub(super) fn wait_event(&mut self, node: Node, frame: u32) -> i32 {
        let input = self.slot(frame);
        let mut payload = Map::default();
        let key = match &input {
            Value::Dict(d) => d.get("event_key").unwrap_or(Value::str("default")),
            other => match py::str(other) {
                Ok(text) => Value::str(text),
                Err(e) => return self.fail(e.to_string()),
            },
        };
        payload.insert("wait_key".into(), key.clone());
        let mut allow = Value::Bool(true);
        let mut deadline = Map::default();
        if let Value::Dict(d) = &input {
            if let Some(prompt @ Value::Str(_)) = d.get("prompt")
                && prompt.as_str().is_some_and(|p| !py::chars::strip(p).is_empty())
            {
                payload.insert("prompt".into(), prompt);
            }
            if let Some(Value::List(choices)) = d.get("choices") {
                let kept = choices
                    .borrow()
                    .iter()
                    .filter(|c| c.as_str().is_some_and(|c| !py::chars::strip(c).is_empty()))
                    .cloned()
                    .collect();
                payload.insert("choices".into(), Value::list(kept));
            }
            let given = d
                .get("allow_free_text")
                .filter(|v| !v.is_null())
                .or_else(|| d.get("allowFreeText"));
            if let Some(given) = given.filter(|v| !v.is_null()) {
                allow = Value::Bool(py::truthy(&given));
            }
            match self.event_deadline(d) {
                Ok(Some(until)) => drop(deadline.insert("until".into(), until)),
                Ok(None) => {}
                Err(message) => return self.fail(message),
            }
            if let Some(details @ Value::Dict(_)) = d.get("details").filter(py::truthy) {
                deadline.insert("details".into(), details);
            }
        }
        payload.insert("allow_free_text".into(), allow);
        payload.extend(deadline);
        let beside = Map::from_iter([("event_key".into(), key)]);
        self.request(node, "wait_event", payload, beside)
    }

    fn event_deadline(&self, input: &Dict) -> Result<Option<Value>, String> {
        if let Some(Value::Str(until)) = input.get("until") {
            let until = py::chars::strip(&until);
            if !until.is_empty() {
                return Ok(Some(Value::str(until)));
            }
        }
        let seconds = match input.get("timeout_s") {
            None | Some(Value::Null | Value::Bool(_)) => 0.0,
            Some(value) => py::to_float(&value).unwrap_or(0.0),
        };
        if seconds > 0.0 {
            self.until(seconds).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn subflow(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins: Vec<_> = self
            .config_list(cfg, "pins")
            .into_iter()
            .filter(|p| !matches!(&**p, "inherit_context" | "inheritContext"))
            .collect();
        let input = self.slot(frame);
        let mut vars = Map::default();
        match &input {
            Value::Dict(d) => {
                let given = |key: &str| d.get(key).and_then(|v| v.as_dict().map(|o| o.borrow().clone()));
                vars = given("vars").or_else(|| given("input")).unwrap_or_default();
                if !pins.is_empty() {
                    for pin in &pins {
                        let nested = matches!(&**pin, "vars" | "input") && given(pin).is_some();
                        if let Some(value) = d.get(pin).filter(|_| !nested) {
                            vars.insert(pin.clone(), value);
                        }
                    }
                } else if vars.is_empty() {
                    vars = d.borrow().clone();
                }
            }
            other if pins.len() == 1 => drop(vars.insert(pins[0].clone(), other.clone())),
            other => drop(vars.insert("input".into(), other.clone())),
        }
        for control in [
            "inherit_context",
            "inheritContext",
            "child_session_id",
            "childSessionId",
            "session_id",
            "sessionId",
        ] {
            vars.shift_remove(control);
        }
        let asked = input
            .as_dict()
            .and_then(|d| d.get("inherit_context").or_else(|| d.get("inheritContext")));
        let inherit = match asked {
            Some(value) => boolish(&value),
            None => {
                let config = |key: &str| self.effect_config(cfg, key).filter(|v| !v.is_null());
                config("inherit_context")
                    .or_else(|| config("inheritContext"))
                    .is_some_and(|v| py::truthy(&v))
            }
        };
        if inherit {
            self.inherit_context(&mut vars);
        }
        let workflow = self.config(cfg, "workflow").unwrap_or_default();
        let mut payload = Map::from_iter([
            ("workflow_id".into(), workflow),
            ("vars".into(), Value::dict(vars)),
            ("async".into(), Value::Bool(true)),
            ("wait".into(), Value::Bool(true)),
        ]);
        let session = input.as_dict().and_then(|d| {
            ["child_session_id", "childSessionId", "session_id", "sessionId"]
                .into_iter()
                .find_map(|key| d.get(key))
        });
        if let Some(Value::Str(session)) = session
            && !py::chars::strip(&session).is_empty()
        {
            payload.insert("session_id".into(), Value::str(py::chars::strip(&session)));
        }
        let beside = Map::from_iter([("output".into(), Value::Null)]);
        self.request(node, "start_subworkflow", payload, beside)
    }

    /// Puts the parent's conversation before the child's own: child system messages, parent system messages, parent history,
    /// the rest; a message id only once.
    fn inherit_context(&self, vars: &mut Map) {
        let own = self.vars.get("context").and_then(|c| c.as_dict().cloned());
        let inherited = messages(own.as_ref());
        if inherited.is_empty() {
            return;
        }
        let context = match vars.get("context") {
            Some(Value::Dict(context)) => context.shallow_copy(),
            _ => Dict::default(),
        };
        let (first, rest): (Vec<_>, Vec<_>) = messages(Some(&context)).into_iter().partition(is_system);
        let (first_own, rest_own): (Vec<_>, Vec<_>) = inherited.into_iter().partition(is_system);
        let merged = distinct(first.into_iter().chain(first_own).chain(rest_own).chain(rest));
        let merged = merged.into_iter().map(Value::Dict).collect();
        context.set("messages", Value::list(merged));
        if context.get("attachments").is_none()
            && let Some(kept) = own
                .as_ref()
                .and_then(|c| attachments(&c.get("attachments")?))
                .filter(|kept| !kept.is_empty())
        {
            context.set("attachments", Value::list(kept));
        }
        vars.insert("context".into(), Value::Dict(context));
    }
}

/// The tolerant reading of a boolean (`"no"`, `"off"` and unknown texts are false).
pub(super) fn boolish(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Big(_) => true,
        Value::Float(f) => *f != 0.0,
        Value::Str(text) => matches!(py::chars::strip(text).to_lowercase().as_str(), "true" | "1" | "yes" | "on"),
        _ => false,
    }
}
