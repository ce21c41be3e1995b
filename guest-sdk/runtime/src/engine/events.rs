//! Active event nodes: `on_event`, `on_schedule`, `emit_event` (language section 6.5).

use super::{Node, Run, child};
use crate::py;
use crate::value::{Dict, Map, Value};

impl Run {
    /// A text of a node's input, else of its configuration, else `fallback`.
    fn event_text(&self, input: &Dict, pins: &[&str], config: &[Option<Value>], fallback: &str) -> Result<String, String> {
        let picked = pins.iter().find_map(|pin| input.get(pin).filter(py::truthy));
        let picked = picked.or_else(|| {
            config
                .iter()
                .flatten()
                .find(|v| v.as_str().is_some_and(|s| !s.trim().is_empty()))
                .cloned()
        });
        match picked {
            Some(value) => py::str(&value)
                .map(|text| py::chars::strip(&text).to_owned())
                .map_err(|e| e.to_string()),
            None => Ok(fallback.to_owned()),
        }
    }

    fn event_setting(&self, cfg: u32, key: &str) -> Option<Value> {
        ["eventConfig", "effectConfig"]
            .into_iter()
            .find_map(|config| self.config(cfg, config)?.as_dict()?.get(key))
    }

    fn scope(&self, input: &Dict, cfg: u32) -> Result<&'static str, String> {
        let raw = match input.get("scope") {
            Some(value) if py::truthy(&value) => py::str(&value).map_err(|e| e.to_string())?.trim().to_lowercase(),
            Some(_) => "session".to_owned(),
            None => self
                .event_setting(cfg, "scope")
                .and_then(|s| s.as_str().map(|s| s.trim().to_lowercase()))
                .unwrap_or_default(),
        };
        Ok(match raw.as_str() {
            "workflow" => "workflow",
            "run" => "run",
            "global" => "global",
            _ => "session",
        })
    }

    fn event_input(&self, frame: u32) -> Dict {
        match self.slot(frame) {
            Value::Dict(d) => d,
            _ => Dict::default(),
        }
    }

    /// Waits for an event, runs its branch, and waits again.
    pub(super) fn on_event(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let input = self.event_input(frame);
        let config = [self.event_setting(cfg, "name"), self.event_setting(cfg, "event_name")];
        let name = match self.event_text(&input, &["name", "event_name"], &config, "*") {
            Ok(name) if name.is_empty() => "*".to_owned(),
            Ok(name) => name,
            Err(message) => return self.fail(message),
        };
        let scope = match self.scope(&input, cfg) {
            Ok(scope) => scope,
            Err(message) => return self.fail(message),
        };
        self.push_block(node);
        let resume = self.program.id(self.program.next(node).unwrap_or(node));
        let payload = Map::from_iter([
            ("scope".into(), Value::str(scope)),
            ("name".into(), Value::str(name)),
            ("resume_to_node".into(), Value::Str(resume)),
        ]);
        self.request_plain(node, "wait_event", payload, Map::default())
    }

    pub(super) fn on_schedule(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let input = self.event_input(frame);
        let schedule = match self.event_text(&input, &["schedule"], &[self.event_setting(cfg, "schedule")], "15s") {
            Ok(schedule) => schedule,
            Err(message) => return self.fail(message),
        };
        let configured = !matches!(self.event_setting(cfg, "recurrent"), Some(Value::Bool(false)));
        let recurrent = match input.get("recurrent") {
            Some(value) if !value.is_null() => py::truthy(&value),
            _ => configured,
        };
        let (until, interval) = match interval_seconds(&schedule) {
            Some(seconds) => (self.until(seconds), true),
            None => match crate::time::parse_iso(&schedule) {
                Some(at) => (Ok(Value::str(crate::time::iso_utc(at))), false),
                None => {
                    let hint = "expected interval like '30s', '5m', '1h' or an ISO timestamp";
                    return self.fail(format!("ValueError: Invalid schedule '{schedule}': {hint}"));
                }
            },
        };
        let until = match until {
            Ok(until) => until,
            Err(message) => return self.fail(message),
        };
        if recurrent && interval {
            self.push_block(node);
        }
        self.request_plain(node, "wait_until", Map::from_iter([("until".into(), until)]), Map::default())
    }

    pub(super) fn emit_event(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let input = self.event_input(frame);
        let config = [self.event_setting(cfg, "name"), self.event_setting(cfg, "event_name")];
        let name = match self.event_text(&input, &["name", "event_name"], &config, "") {
            Ok(name) if name.is_empty() => {
                return self.fail(format!(
                    "ValueError: emit_event node '{}' missing event name",
                    self.program.id(node)
                ));
            }
            Ok(name) => name,
            Err(message) => return self.fail(message),
        };
        let scope = match self.scope(&input, cfg) {
            Ok(scope) => scope,
            Err(message) => return self.fail(message),
        };
        let payload = match input.get("payload") {
            Some(Value::Dict(d)) => Value::Dict(d.shallow_copy()),
            None | Some(Value::Null) => Value::dict(Map::default()),
            Some(other) => Value::dict(Map::from_iter([("value".into(), other)])),
        };
        let session = input.get("session_id").filter(|v| !v.is_null());
        let session = session
            .or_else(|| self.event_setting(cfg, "sessionId"))
            .or_else(|| self.event_setting(cfg, "session_id"));
        let session = session
            .and_then(|s| s.as_str().map(|s| py::chars::strip(s).to_owned()))
            .filter(|s| !s.is_empty());

        let id = self.program.id(node);
        let sequences = child(&self.temp(), "event_seq");
        let sequence = match sequences.get(&id) {
            Some(Value::Int(n)) => n + 1,
            _ => 1,
        };
        sequences.set(id.clone(), Value::Int(sequence));
        let mut request = Map::from_iter([
            ("scope".into(), Value::str(scope)),
            ("name".into(), Value::str(name)),
            ("payload".into(), payload),
            ("event_id".into(), Value::str(format!("{}:{id}:{sequence}", self.ids.run))),
            ("max_steps".into(), Value::Int(0)),
        ]);
        if let Some(session) = session {
            request.insert("session_id".into(), Value::str(session));
        }
        self.request_plain(node, "emit_event", request, Map::default())
    }
}

/// `number(ms|s|m|h|d)`, in seconds.
fn interval_seconds(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number = number.trim_end();
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.') && !number.starts_with('.') && !number.ends_with('.');
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    number.parse::<f64>().ok().filter(|_| plain).map(|n| n * factor)
}
