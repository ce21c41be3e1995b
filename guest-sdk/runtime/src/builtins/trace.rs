//! An agent's trace as a Markdown report. Nothing is shortened.

use super::{Cx, Result};
use crate::json::{Style, write_styled};
use crate::py;
use crate::py::chars::strip;
use crate::py::float_format::fixed;
use crate::value::{Dict, Map, Value};

/// The steps in `scratchpad.node_traces` in the order of time: what was asked of the model, which
/// tools it called and what they answered. A single node's trace may stand for the scratchpad.
pub fn agent_trace_report(cx: &mut Cx<'_>) -> Result {
    let Some(pad) = cx.arg("scratchpad").and_then(Value::as_dict) else {
        return Ok(Value::str("# Agent Trace Report\n\n_No scratchpad provided._\n"));
    };
    let traces = match pad.get("node_traces") {
        Some(Value::Dict(traces)) => traces,
        _ => match (pad.get("steps"), pad.get("node_id")) {
            (Some(_), Some(id)) => Dict::new(Map::from_iter([(py::str(&id)?, Value::Dict(pad.clone()))])),
            _ => return Ok(Value::str("# Agent Trace Report\n\n_No node_traces found in scratchpad._\n")),
        },
    };
    let mut report = Report::default();
    report.line("# Agent Trace Report");
    for key in ["sub_run_id", "workflow_id"] {
        if let Some(id) = text(pad, key) {
            report.line(&format!("- **{key}**: `{id}`"));
        }
    }
    report.line("");
    let steps = steps(&traces);
    if steps.is_empty() {
        report.line("_No trace steps found._");
        report.line("");
        return Ok(Value::str(report.0));
    }
    report.line("## Timeline");
    report.line("");
    for (i, step) in steps.iter().enumerate() {
        report.step(i + 1, step)?;
    }
    let mut report = report.0;
    report.truncate(report.trim_end_matches(py::chars::is_space).len());
    report.push('\n');
    Ok(Value::str(report))
}

/// A member that is a non-empty text.
fn text(dict: &Dict, key: &str) -> Option<std::rc::Rc<str>> {
    dict.get(key)?.as_str_rc().filter(|text| !text.is_empty())
}

/// A member that is an object.
fn object(dict: &Dict, key: &str) -> Option<Dict> {
    dict.get(key)?.as_dict().cloned()
}

struct Step {
    at: std::rc::Rc<str>,
    node: std::rc::Rc<str>,
    entry: Dict,
}

/// All steps of all nodes by their time stamps, which sort as text.
fn steps(traces: &Dict) -> Vec<Step> {
    let mut steps = Vec::new();
    for (node, trace) in traces.borrow().iter() {
        let Some(Value::List(entries)) = trace.as_dict().and_then(|trace| trace.get("steps")) else {
            continue;
        };
        for entry in entries.borrow().iter().filter_map(Value::as_dict) {
            if !entry.borrow().is_empty() {
                let at = text(entry, "ts").unwrap_or_default();
                steps.push(Step {
                    at,
                    node: node.clone(),
                    entry: entry.clone(),
                });
            }
        }
    }
    steps.sort_by(|a, b| a.at.cmp(&b.at));
    steps
}

#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, line: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(line);
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<()> {
        let entry = &step.entry;
        let status = text(entry, "status").unwrap_or_default();
        let effect = object(entry, "effect").unwrap_or_default();
        let kind = text(&effect, "type").unwrap_or_default();
        self.line(&format!("### {number}. `{}` — `{kind}` ({status})", step.node));
        if let Some(duration) = entry.get("duration_ms")
            && !matches!(duration, Value::Str(_))
            && let Ok(duration) = py::to_float(&duration)
            && duration >= 0.0
        {
            let shown = if duration.is_finite() {
                fixed(duration, 3)?
            } else {
                "inf".to_owned()
            };
            self.line(&format!("- **duration_ms**: {shown}"));
        }
        let result = object(entry, "result");
        match &*kind {
            _ if &*status == "failed" => {
                if let Some(error) = entry.get("error").filter(|error| !error.is_null()) {
                    self.section("**Error**");
                    self.block("text", &py::str(&error)?);
                }
            }
            "llm_call" => self.llm_call(&result.unwrap_or_default()),
            "tool_calls" => return self.tool_calls(&effect, result.as_ref()),
            _ => {
                let Some(result) = result else {
                    return Ok(());
                };
                self.section("**Result (raw)**");
                self.json(&Value::Dict(result))?;
            }
        }
        self.line("");
        Ok(())
    }

    fn llm_call(&mut self, result: &Dict) {
        for key in ["model", "finish_reason"] {
            if let Some(value) = text(result, key) {
                self.line(&format!("- **{key}**: `{value}`"));
            }
        }
        match result.get("tool_calls") {
            Some(Value::List(calls)) if !calls.borrow().is_empty() => {
                self.line("- **tool_calls_requested**:");
                for call in calls.borrow().iter().filter_map(Value::as_dict) {
                    if let Some(name) = text(call, "name") {
                        let id = text(call, "call_id").map(|id| format!(" (call_id={id})"));
                        self.line(&format!("  - `{name}`{}", id.unwrap_or_default()));
                    }
                }
            }
            _ => self.line("- **tool_calls_requested**: none"),
        }
        if let Some(content) = text(result, "content").filter(|content| !strip(content).is_empty()) {
            self.section("**Assistant content**");
            self.block("markdown", &content);
        }
    }

    fn tool_calls(&mut self, effect: &Dict, result: Option<&Dict>) -> Result<()> {
        let calls = object(effect, "payload").and_then(|payload| payload.get("tool_calls"));
        if let Some(Value::Dict(calls)) = &calls
            && let Some(artifact) = calls.get("$artifact")
        {
            let artifact = py::str(&artifact)?;
            self.line(&format!(
                "- **tool_calls**: _offloaded to artifact `{artifact}` (trace entry exceeded the inline cap; \
                 the ledger STARTED record holds the full calls)_"
            ));
            self.line("");
            return Ok(());
        }
        let calls = super::arrays::listed(calls.as_ref());
        if calls.is_empty() {
            self.line("- **tool_calls**: none");
            self.line("");
            return Ok(());
        }
        self.line("");
        for call in calls.iter().filter_map(Value::as_dict) {
            let known = call.borrow();
            if !known.is_empty() && !known.contains_key("$artifact") {
                self.tool_call(call, answer(result, call).as_ref())?;
                self.line("");
            }
        }
        Ok(())
    }

    fn tool_call(&mut self, call: &Dict, answer: Option<&Dict>) -> Result<()> {
        let name = py::str(&call.get("name").unwrap_or_default())?;
        let id = call.get("call_id").filter(py::truthy).or_else(|| call.get("id"));
        let id = id.as_ref().and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.map(|id| format!(" (call_id={id})"));
        self.line(&format!("#### Tool: `{name}`{}", id.unwrap_or_default()));
        self.section("**Arguments**");
        let arguments = call.get("arguments").unwrap_or_else(|| Value::dict(Map::default()));
        self.json(&arguments)?;
        self.section("**Result**");
        let Some(answer) = answer else {
            self.line("_missing tool result in trace entry_");
            return Ok(());
        };
        if let Some(Value::Bool(success)) = answer.get("success") {
            self.line(&format!("- **success**: {success}"));
        }
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            self.line(&format!("- **error**: {}", py::str(&error)?));
        }
        match answer.get("output").unwrap_or_default() {
            Value::Str(output) => self.block("text", &output),
            output => self.json(&output)?,
        }
        Ok(())
    }

    fn section(&mut self, title: &str) {
        self.line("");
        self.line(title);
    }

    fn block(&mut self, language: &str, text: &str) {
        self.line(&format!("```{language}\n{text}\n```"));
    }

    fn json(&mut self, value: &Value) -> Result<()> {
        let mut text = String::new();
        write_styled(
            &mut text,
            value,
            &Style {
                indent: Some(2),
                ..Style::PYTHON
            },
        )?;
        self.block("json", &text);
        Ok(())
    }
}

/// The result of a call by its id, the last of several.
fn answer(result: Option<&Dict>, call: &Dict) -> Option<Dict> {
    let id = text(call, "call_id")?;
    let Some(Value::List(answers)) = result?.get("results") else {
        return None;
    };
    let answers = answers.borrow();
    let is_it = |answer: &&Dict| text(answer, "call_id").as_ref() == Some(&id);
    answers.iter().rev().filter_map(Value::as_dict).find(is_it).cloned()
}
