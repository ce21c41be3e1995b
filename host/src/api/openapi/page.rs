//! The reference page of the API, written from the description; `docs/api.md` is held against it.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::OpenApi as _;

use super::Api;

const INTRO: &str = "\
# The HTTP API

The interface is that of AbstractGateway, so that its clients work unchanged; where the two differ is in
[differences.md](differences.md). The same description is served by every gateway as `/openapi.json`, and at `/docs` as a page to try it on.

* Everything under `/api/gateway` asks for `Authorization: Bearer <token>`; [security.md](security.md) has the order of the checks.
* Bodies and answers are JSON in UTF-8. Errors are `{\"detail\": …}`: a text, or for 422 a list of findings `{type, loc, msg, input, ctx?}`.
* Fields that are not known are ignored. Booleans in queries and forms are `true`, `1`, `yes`, `on` and their opposites.
* Times are ISO 8601 in UTC with microseconds and `+00:00`. Every answer under `/api/gateway` has an `x-request-id`.
* Integers of any size, `3` and `3.0`, and the order of keys survive: JSON of clients and flows is stored and given back as text.

A run is begun with `POST /api/gateway/runs/start`, followed with `GET …/runs/{run_id}/ledger/stream`, and told what to do with
`POST /api/gateway/commands`. The ledger is the truth, the stream a convenience: a client that was cut off goes on with `after` or
`Last-Event-ID` and misses nothing.

This page is written from the code; a test holds the two together.
";

/// The page.
pub fn markdown() -> String {
    let api = serde_json::to_value(Api::openapi()).unwrap_or_default();
    let mut page = String::from(INTRO);
    for tag in list(&api["tags"]) {
        let _ = write!(page, "\n## {}\n\n{}.\n", title(text(&tag["name"])), text(&tag["description"]));
        for (path, verbs) in members(&api["paths"]) {
            for (verb, operation) in members(verbs) {
                if list(&operation["tags"]).contains(&tag["name"]) {
                    entry(&mut page, &api, (verb, path), operation);
                }
            }
        }
    }
    page
}

fn entry(page: &mut String, api: &Value, (verb, path): (&str, &str), operation: &Value) {
    let _ = write!(page, "\n### `{} {path}`\n", verb.to_uppercase());
    let said = [&operation["summary"], &operation["description"]].map(|said| text(said).trim());
    for paragraph in said.iter().filter(|said| !said.is_empty()) {
        let _ = write!(page, "\n{paragraph}\n");
    }
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        page.push_str("\n| parameter | in | type | |\n| --- | --- | --- | --- |\n");
        for parameter in parameters {
            let name = text(&parameter["name"]);
            let kind = kind(api, &parameter["schema"]);
            let (place, about) = (text(&parameter["in"]), one_line(&parameter["description"]));
            let _ = writeln!(page, "| `{name}` | {place} | {kind} | {about} |");
        }
    }
    for (media, body) in members(&operation["requestBody"]["content"]) {
        let _ = write!(page, "\nBody ({media}):\n\n");
        fields(page, api, &body["schema"]);
    }
    for (status, answer) in members(&operation["responses"]) {
        if !status.starts_with('2') {
            continue;
        }
        for (media, body) in members(&answer["content"]) {
            let _ = write!(page, "\n{status} ({media}):\n\n");
            fields(page, api, &body["schema"]);
        }
    }
    let errors: Vec<&str> = members(&operation["responses"])
        .map(|(status, _)| status)
        .filter(|status| !status.starts_with('2'))
        .collect();
    if !errors.is_empty() {
        let _ = write!(page, "\nErrors: {}.\n", errors.join(", "));
    }
}

/// The fields of an object, those of the objects in it included.
fn fields(page: &mut String, api: &Value, schema: &Value) {
    let mut rows = Vec::new();
    collect(api, schema, ("", 0), &mut rows);
    if rows.is_empty() {
        let _ = writeln!(page, "{}", kind(api, schema));
        return;
    }
    page.push_str("| field | type | |\n| --- | --- | --- |\n");
    for row in rows {
        let _ = writeln!(page, "{row}");
    }
}

/// Objects within objects are shown down to this depth.
const DEPTH: u32 = 3;

fn collect(api: &Value, schema: &Value, (prefix, depth): (&str, u32), rows: &mut Vec<String>) {
    let schema = resolved(api, schema);
    for part in list(&schema["allOf"]) {
        collect(api, part, (prefix, depth), rows);
    }
    let required = list(&schema["required"]);
    for (name, field) in members(&schema["properties"]) {
        let must = required.iter().any(|it| text(it) == name);
        let mark = if must { "" } else { ", optional" };
        let about = one_line(&field["description"]);
        rows.push(format!("| `{prefix}{name}` | {}{mark} | {about} |", kind(api, field)));
        if depth + 1 < DEPTH
            && let Some((inner, list)) = object_in(field)
        {
            let prefix = format!("{prefix}{name}{}.", if list { "[]" } else { "" });
            collect(api, inner, (&prefix, depth + 1), rows);
        }
    }
}

/// The described object that a field is, may be or is a list of (then true).
fn object_in(field: &Value) -> Option<(&Value, bool)> {
    if field["$ref"].is_string() {
        return Some((field, false));
    }
    if field["items"]["$ref"].is_string() {
        return Some((&field["items"], true));
    }
    let choices = [&field["oneOf"], &field["anyOf"]].into_iter().flat_map(list);
    choices
        .into_iter()
        .find(|choice| choice["$ref"].is_string())
        .map(|choice| (choice, false))
}

fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        Some(pointer) => api.pointer(pointer).unwrap_or(&Value::Null),
        None => schema,
    }
}

fn kind(api: &Value, schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let values = list(&resolved(api, schema)["enum"]);
        if !values.is_empty() {
            return values
                .iter()
                .map(|value| format!("`{}`", text(value)))
                .collect::<Vec<_>>()
                .join(" \\| ");
        }
        return if name.is_empty() { "any" } else { "object" }.to_owned();
    }
    for choice in ["oneOf", "anyOf"] {
        let parts = list(&schema[choice]);
        if !parts.is_empty() {
            return parts.iter().map(|part| kind(api, part)).collect::<Vec<_>>().join(" \\| ");
        }
    }
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("list of {}", kind(api, &schema["items"])),
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" \\| "),
        _ => "any".to_owned(),
    }
}

fn one_line(value: &Value) -> String {
    text(value)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn title(tag: &str) -> String {
    let mut letters = tag.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
