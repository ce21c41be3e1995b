//! Tool results as lines a person can read.

use std::rc::Rc;

use super::data::names;
use super::{Cx, Result};
use crate::json::{Style, write_styled};
use crate::py::chars::strip;
use crate::py::{self, slice};
use crate::value::{Dict, Value};

/// The longest argument and the longest observation that are shown, in code points.
const MAX_ARGUMENT: usize = 160;
const MAX_OBSERVATION: usize = 420;

const NO_OUTPUT: &str = "(no output)";

/// One line for each object of `tool_results` (or `results`): the tool and its main argument, how it
/// went, and what it said. `world.host.tools`
/// (`{name, required_args, parameters}`) tells which argument is the main one.
pub fn format_tool_results(cx: &mut Cx<'_>) -> Result {
    let given = cx.arg("tool_results").filter(|results| !results.is_null());
    let given = given.or_else(|| cx.arg("results"));
    let mut lines = Vec::new();
    for result in super::arrays::listed(given) {
        if let Value::Dict(result) = result {
            lines.push(line(&result, &cx.world.host)?);
        }
    }
    Ok(Value::str(strip(&lines.join("\n"))))
}

fn line(result: &Dict, host: &Value) -> Result<String> {
    let named = |key| result.get(key).filter(py::truthy);
    let name = match named("name").or_else(|| named("tool")) {
        Some(name) => py::str(&name)?,
        None => "".into(),
    };
    let name = Some(strip(&name)).filter(|name| !name.is_empty()).unwrap_or("tool");
    let (success, output) = (result.get("success"), result.get("output").unwrap_or_default());
    let status = match success {
        Some(Value::Bool(true)) => "SUCCESS",
        Some(Value::Bool(false)) => "FAILURE",
        _ => "DONE",
    };
    let error = match result.get("error") {
        None | Some(Value::Null) => "".into(),
        Some(error) => py::str(&error)?,
    };
    let error = strip(&error);
    let observed = if status == "FAILURE" && !error.is_empty() {
        error.to_owned()
    } else {
        observation(&output)?
    };
    let observed = if strip(&observed).is_empty() { NO_OUTPUT } else { &observed };

    let argument = main_argument(name, result, &output, host);
    let argument = argument.map_or(Ok(String::new()), |value| shown(&value, MAX_ARGUMENT))?;
    Ok(format!("- {name}({argument}) [{status}] : {observed}"))
}

fn observation(output: &Value) -> Result<String> {
    match output {
        Value::Null => Ok(NO_OUTPUT.to_owned()),
        Value::Dict(output) => match output.get("rendered") {
            Some(Value::Str(rendered)) if !strip(&rendered).is_empty() => Ok(strip(&rendered).to_owned()),
            _ => shown(&Value::Dict(output.clone()), MAX_OBSERVATION),
        },
        other => Ok(one_line(&py::str(other)?, MAX_OBSERVATION)),
    }
}

/// The first of the tool's required parameters (or its parameters, or all that is there) that the
/// arguments or else the output give a value.
fn main_argument(name: &str, result: &Dict, output: &Value, host: &Value) -> Option<Value> {
    let arguments = result.get("arguments");
    let places = [arguments.as_ref().and_then(Value::as_dict), output.as_dict()];
    let mut order = declared(name, host);
    if order.is_empty() {
        for place in places.into_iter().flatten() {
            order.extend(place.borrow().keys().map(|key| Rc::from(strip(key))));
        }
    }
    places.into_iter().flatten().find_map(|place| {
        let place = place.borrow();
        order
            .iter()
            .filter_map(|key| place.get(key))
            .find(|value| !value.is_null())
            .cloned()
    })
}

/// The required parameters (or else all) of the reference's own tools, which any host may offer without declaring them.
const KNOWN_TOOLS: &[(&str, &[&str])] = &[
    ("analyze_code", &["file_path"]),
    ("analyze_media", &["file_path"]),
    ("browser_probe", &["target"]),
    ("edit_file", &["file_path", "pattern"]),
    ("execute_command", &["command"]),
    ("fetch_url", &["url"]),
    (
        "list_files",
        &["directory_path", "pattern", "recursive", "include_hidden", "head_limit"],
    ),
    ("local_helper_start", &["command"]),
    ("local_helper_status", &["helper_id"]),
    ("local_helper_stop", &["helper_id"]),
    (
        "open_attachment",
        &[
            "artifact_id",
            "handle",
            "expected_sha256",
            "start_line",
            "end_line",
            "max_chars",
        ],
    ),
    ("read_file", &["file_path"]),
    ("search_files", &["pattern"]),
    ("skim_files", &["paths"]),
    ("skim_folders", &["paths"]),
    ("skim_url", &["url"]),
    ("skim_websearch", &["query"]),
    ("web_search", &["query"]),
    ("write_file", &["content", "file_path"]),
];

/// The parameters of a tool as the host declares them, the required ones alone if it has some; else those it is known by.
fn declared(name: &str, host: &Value) -> Vec<Rc<str>> {
    host_declared(name, host).unwrap_or_else(|| {
        let known = KNOWN_TOOLS.iter().find(|(known, _)| *known == name);
        known.map_or_else(Vec::new, |(_, parameters)| {
            parameters.iter().map(|key| Rc::from(*key)).collect()
        })
    })
}

fn host_declared(name: &str, host: &Value) -> Option<Vec<Rc<str>>> {
    let tools = host.as_dict()?.get("tools")?;
    let tools = tools.as_list()?.borrow();
    let is_it = |tool: &&Dict| tool.get("name").as_ref().and_then(Value::as_str).map(strip) == Some(name);
    let tool = tools.iter().rev().filter_map(Value::as_dict).find(is_it)?;
    let required = names(tool.get("required_args").as_ref());
    if !required.is_empty() {
        return Some(required);
    }
    let parameters = tool.get("parameters")?;
    Some(
        parameters
            .as_dict()?
            .borrow()
            .keys()
            .map(|key| Rc::from(strip(key)))
            .collect(),
    )
}

/// A value as one short line.
fn shown(value: &Value, max: usize) -> Result<String> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Bool(b) => b.to_string(),
        Value::Str(text) => one_line(text, max),
        Value::List(_) | Value::Dict(_) => {
            let mut text = String::new();
            write_styled(
                &mut text,
                value,
                &Style {
                    sort_keys: true,
                    ..Style::MINIFIED
                },
            )?;
            one_line(&text, max)
        }
        number => py::repr(number)?,
    })
}

/// The lines of a text that are not blank, as one; cut to `max` code points with an ellipsis.
fn one_line(text: &str, max: usize) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').filter(|line| !strip(line).is_empty()).collect();
    let joined = lines.join(" ");
    let joined = strip(&joined);
    if joined.chars().count() <= max {
        return joined.to_owned();
    }
    let mut cut = slice::text(joined, None, Some(max as i64 - 1)).to_owned();
    cut.push('…');
    cut
}
