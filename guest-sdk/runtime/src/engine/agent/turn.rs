//! An agent's turn in the conversation of the run that asked it: the task, what its tools showed, and the answer.

use super::super::{Node, Run, child};
use super::{map, record, shown, stripped};
use crate::json::{Style, write_styled};
use crate::py;
use crate::value::{Dict, List, Map, Value};

/// `json.dumps(value, indent=2)`.
const INDENTED: Style = Style {
    indent: Some(2),
    ..Style::PYTHON
};

/// Names the messages of one turn, so that none is added twice.
struct Turn {
    messages: List,
    node: Value,
    /// The child's id; the run's own where there is none.
    run: String,
    sub_run: Option<Value>,
}

impl Run {
    #[allow(clippy::too_many_arguments)] // A turn has that many parts, and they are used nowhere else together.
    pub(super) fn keep_agent_turn(
        &self,
        node: Node,
        task: &str,
        answer: &str,
        sub_run: Option<&Value>,
        calls: &[Value],
        results: &[Value],
        bucket: &Dict,
    ) {
        let context = child(&self.vars, "context");
        let messages = match context.get("messages") {
            Some(Value::List(messages)) => messages,
            _ => {
                let made = List::default();
                context.set("messages", Value::List(made.clone()));
                made
            }
        };
        let sub_run = sub_run.filter(|id| py::truthy(id)).cloned();
        let turn = Turn {
            messages,
            node: Value::Str(self.program.id(node)),
            run: sub_run.as_ref().map_or_else(|| self.ids.run.to_string(), shown),
            sub_run: sub_run.clone(),
        };
        turn.say("user", task, "task", map([("kind", Value::str("agent_turn"))]));
        let limit = |key: &str| {
            let limit = Some(self.limit(key)).filter(|v| !matches!(v, Value::Bool(_)));
            let limit = limit.and_then(|v| py::to_index(&v).ok()).unwrap_or(0);
            usize::try_from(limit).ok().filter(|n| *n > 0)
        };
        let most = limit("max_tool_observations").unwrap_or(usize::MAX);
        let longest = limit("agent_observation_max_chars").unwrap_or(usize::MAX);
        for (at, result) in results.iter().take(most).enumerate() {
            if let Some(result) = result.as_dict() {
                turn.observe(at, result, calls, longest);
            }
        }
        if results.len() > most {
            let omitted = results.len() - most;
            let text = format!(
                "[tools]: #TRUNCATION: {omitted} additional tool result(s) omitted by _limits.max_tool_observations={most}; see \
                 sub_run_id={}",
                turn.run
            );
            turn.say(
                "assistant",
                &text,
                "tool:omitted",
                map([("kind", Value::str("tool_observation_summary"))]),
            );
        }
        turn.say("assistant", answer, "answer", map([("kind", Value::str("agent_turn"))]));
        bucket.set("context_appended_sub_run_id", sub_run.unwrap_or_default());
    }
}

impl Turn {
    fn say(&self, role: &str, text: &str, part: &str, mut metadata: Map) {
        let text = stripped(text);
        let id = format!("agent:{}:{}:{part}", self.run, self.node.as_str().unwrap_or_default());
        let is_it = |message: &Value| {
            let metadata = message.as_dict().and_then(|m| m.get("metadata"));
            let known = metadata.and_then(|m| m.as_dict()?.get("message_id"));
            known.is_some_and(|known| known.as_str() == Some(&id))
        };
        if text.is_empty() || self.messages.borrow().iter().any(is_it) {
            return;
        }
        metadata.insert("node_id".into(), self.node.clone());
        metadata.insert("message_id".into(), Value::str(id.as_str()));
        if let Some(sub_run) = &self.sub_run {
            metadata.insert("sub_run_id".into(), sub_run.clone());
        }
        let message = record([
            ("role", Value::str(role)),
            ("content", Value::str(text)),
            ("metadata", Value::dict(metadata)),
        ]);
        self.messages.borrow_mut().push(message);
    }

    /// What one tool showed, with the arguments it was called with.
    fn observe(&self, at: usize, result: &Dict, calls: &[Value], longest: usize) {
        let word = |key: &str| {
            let value = result.get(key).filter(py::truthy);
            value.map(|v| stripped(&shown(&v))).unwrap_or_default()
        };
        let name = Some(word("name"))
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| "tool".to_owned());
        let call_id = word("call_id");
        let success = result.get("success").is_some_and(|s| py::truthy(&s));
        let output = stripped(&rendered(&result.get("output").unwrap_or_default()));
        let error = result.get("error").filter(py::truthy).filter(|_| !success);
        let mut details = error.map_or(output, |e| stripped(&shown(&e)));
        if let Some(arguments) = arguments(&call_id, calls) {
            details = stripped(&format!("args={arguments}\n{details}"));
        }
        let details = cut(&details, longest, &self.run);
        let text = if success {
            format!("[{name}]: {details}")
        } else {
            format!("[{name}]: Error: {details}")
        };
        let part = match call_id.is_empty() {
            true => format!("tool:{at}"),
            false => format!("tool:{call_id}"),
        };
        let mut about = map([
            ("kind", Value::str("tool_observation")),
            ("tool_name", Value::str(name)),
            ("success", Value::Bool(success)),
        ]);
        if !call_id.is_empty() {
            about.insert("call_id".into(), Value::str(call_id));
        }
        self.say("assistant", &text, &part, about);
    }
}

/// The arguments of a call, as JSON.
fn arguments(call_id: &str, calls: &[Value]) -> Option<String> {
    if call_id.is_empty() {
        return None;
    }
    let is_it = |call: &&Dict| {
        let id = call.get("call_id").filter(py::truthy);
        id.is_some_and(|id| stripped(&shown(&id)) == call_id)
    };
    let call = calls.iter().rev().filter_map(Value::as_dict).find(is_it)?;
    let arguments = super::super::pins::filled(&call.get("arguments")?)?;
    let mut out = String::new();
    let style = Style {
        sort_keys: true,
        ..Style::PYTHON
    };
    write_styled(&mut out, &arguments, &style).ok()?;
    Some(out)
}

/// A tool's output as a model is shown it.
fn rendered(output: &Value) -> String {
    match output {
        Value::Dict(_) | Value::List(_) => {
            let mut out = String::new();
            match write_styled(&mut out, output, &INDENTED) {
                Ok(()) => out,
                Err(_) => shown(output),
            }
        }
        other if py::truthy(other) => shown(other),
        _ => String::new(),
    }
}

/// At most so many characters of a text, and then a word on what is missing.
fn cut(text: &str, longest: usize, run: &str) -> String {
    let len = text.chars().count();
    if len <= longest {
        return text.to_owned();
    }
    let note = format!(
        "\n#TRUNCATION: tool observation cut at {longest} of {} chars by _limits.agent_observation_max_chars; full result in \
         sub_run_id={run}",
        grouped(len)
    );
    let keep = longest.saturating_sub(note.chars().count());
    let keep = if keep < 200 { longest } else { keep };
    let head: String = text.chars().take(keep).collect();
    format!("{}{note}", head.trim_end())
}

/// A number with commas between its thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
