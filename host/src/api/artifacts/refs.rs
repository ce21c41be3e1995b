//! References to artifacts in what a run is started with: attachments are lifted to where flows look for them, and every reference is
//! checked before the run is made.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::host_vars::ObjectText;
use super::super::{AppState, Error};
use super::is_of;
use crate::ids::{RunId, TenantId};
use crate::record::artifact::is_artifact_id;
use crate::record::{Json, Object};

/// The input with `context.attachments` filled, if that is absent or empty, from what is attached elsewhere: `context.media`, the
/// `attachments` and `media` of each of `context.messages`, `attachments` and `media`.
pub fn lift(input: Json) -> Json {
    let text = input.get();
    if !may_say(text, "attachments") && !may_say(text, "media") {
        return input;
    }
    lifted(&input).unwrap_or(input)
}

/// Whether JSON text may have a key of this name: it is there as it is, or an escape may hide it.
fn may_say(text: &str, name: &str) -> bool {
    text.contains(name) || text.contains("\\u")
}

fn lifted(input: &RawValue) -> Option<Json> {
    let root = Object::of(input)?;
    let context = match root.get("context").filter(|value| value.get() != "null") {
        // Something else than an object is the flow's own.
        Some(value) => Object::of(value)?,
        None => Object(indexmap::IndexMap::new()),
    };
    let list = |object: &Object<'_>, name: &str| -> Vec<Json> {
        let items: Vec<&RawValue> = object
            .get(name)
            .and_then(|list| serde_json::from_str(list.get()).ok())
            .unwrap_or_default();
        items.into_iter().map(ToOwned::to_owned).collect()
    };
    if !list(&context, "attachments").is_empty() {
        return None;
    }
    let mut found = list(&context, "media");
    for message in list(&context, "messages") {
        if let Some(message) = Object::of(&message) {
            found.extend(list(&message, "attachments"));
            found.extend(list(&message, "media"));
        }
    }
    found.extend(list(&root, "attachments"));
    found.extend(list(&root, "media"));

    let mut seen = std::collections::HashSet::new();
    let attached = found
        .iter()
        .filter(|item| name_of(item).is_some_and(|name| seen.insert(name)));
    let attached: Vec<&str> = attached.map(|item| item.get()).collect();
    if attached.is_empty() {
        return None;
    }
    let attached = format!("[{}]", attached.join(","));
    let context = with(&context, "attachments", &attached);
    Some(with(&root, "context", context.get()))
}

/// What an attachment is known by: a text that is not blank, or the id in an object.
fn name_of(item: &RawValue) -> Option<String> {
    let word = |value: &RawValue| {
        let text: String = serde_json::from_str(value.get()).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    match Object::of(item) {
        Some(object) => ["$artifact", "artifact_id"]
            .into_iter()
            .find_map(|key| word(object.get(key)?)),
        None => word(item).map(|text| format!("text:{text}")),
    }
}

/// The object with one member set, in its place if it has it.
fn with(object: &Object<'_>, name: &str, value: &str) -> Json {
    let mut text = ObjectText::new();
    for (key, old) in &object.0 {
        text.put(key, if key == name { value } else { old.get() });
    }
    if object.get(name).is_none() {
        text.put(name, value);
    }
    text.finish()
}

/// A reference in an input.
#[derive(Debug, PartialEq)]
struct Found {
    /// Where, as a JSON path.
    path: String,
    artifact_id: String,
    run_id: Option<String>,
}

/// Whether the run may be started with the artifacts that its input refers to: each is there, belongs to the run that it is said to, and is
/// the session's, unless its run is named.
pub async fn check(app: &AppState, tenant: TenantId, input: &RawValue, session_id: Option<&str>) -> Result<(), Error> {
    if !may_say(input.get(), "artifact") {
        return Ok(());
    }
    let value: Value = serde_json::from_str(input.get()).map_err(|error| {
        Error::bad_request(format!(
            "Failed to start run: input_data cannot be searched for artifacts: {error}"
        ))
    })?;
    let mut found = Vec::new();
    search(&value, "$".into(), &mut found);
    for reference in found {
        check_one(app, tenant, &reference, session_id).await?;
    }
    Ok(())
}

fn search(value: &Value, path: Cow<'_, str>, found: &mut Vec<Found>) {
    match value {
        Value::Object(object) => {
            let word = |key: &str| {
                let text = object.get(key)?.as_str()?.trim();
                (!text.is_empty()).then(|| text.to_owned())
            };
            if let Some(artifact_id) = word("$artifact").or_else(|| word("artifact_id")) {
                found.push(Found {
                    path: path.into_owned(),
                    artifact_id,
                    run_id: word("run_id"),
                });
                return;
            }
            for (key, member) in object {
                search(member, format!("{path}.{key}").into(), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                search(item, format!("{path}[{at}]").into(), found);
            }
        }
        _ => {}
    }
}

async fn check_one(app: &AppState, tenant: TenantId, reference: &Found, session_id: Option<&str>) -> Result<(), Error> {
    let Found {
        path,
        artifact_id,
        run_id,
    } = reference;
    let mut all = Vec::new();
    if is_artifact_id(artifact_id) {
        if let Some(run_id) = run_id {
            let own = app
                .journal
                .artifact(tenant, &RunId::from(run_id.as_str()), artifact_id)
                .await?;
            if own.is_some() {
                return Ok(());
            }
        }
        all = app.journal.artifacts_called(tenant, artifact_id).await?;
    }
    if all.is_empty() {
        return Err(Error::not_found(format!("Artifact '{artifact_id}' not found")));
    }
    match (run_id, session_id) {
        (Some(_), _) => Err(Error::bad_request(format!("Artifact ref at {path} has mismatched run_id"))),
        (None, None) => Err(Error::bad_request(format!(
            "Artifact ref at {path} requires run_id or a run session_id"
        ))),
        (None, Some(session)) if all.iter().any(|artifact| is_of(artifact, session)) => Ok(()),
        (None, Some(_)) => Err(Error::not_found(format!("Artifact ref at {path} is not visible to session"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        RawValue::from_string(text.into()).unwrap()
    }

    #[test]
    fn attachments_are_lifted_once_each_and_the_rest_stays_as_it_came() {
        let cases = [
            (
                r#"{"n": 3.0, "attachments": ["a", "", 5, {"$artifact":"x"}], "media": ["a", {"artifact_id":"y"}, {"x":1}]}"#,
                r#"{"n":3.0,"attachments":["a", "", 5, {"$artifact":"x"}],"media":["a", {"artifact_id":"y"}, {"x":1}],"context":{"attachments":["a",{"$artifact":"x"},{"artifact_id":"y"}]}}"#,
            ),
            (
                r#"{"context":{"attachments":[],"t":1,"messages":[{"media":[{"$artifact":"m"}]},7],"media":["c"]},"z":1}"#,
                r#"{"context":{"attachments":["c",{"$artifact":"m"}],"t":1,"messages":[{"media":[{"$artifact":"m"}]},7],"media":["c"]},"z":1}"#,
            ),
        ];
        for (given, wanted) in cases {
            assert_eq!(lift(json(given)).get(), wanted);
        }
        for same in [
            r#"{"context": {"attachments": ["mine"]}, "media": ["other"]}"#,
            r#"{"context": "text", "media": ["other"]}"#,
            r#"{"media": "no list", "attachments": [ ]}"#,
            r#"{"a": 1}"#,
        ] {
            assert_eq!(lift(json(same)).get(), same);
        }
    }

    #[test]
    fn references_are_found_where_they_are() {
        let value = serde_json::json!({"a": [{"$artifact": "x", "run_id": "r"}, {"b": {"artifact_id": " y "}}], "$artifact": ""});
        let mut found = Vec::new();
        search(&value, "$".into(), &mut found);
        let wanted = |path: &str, id: &str, run_id: Option<&str>| Found {
            path: path.to_owned(),
            artifact_id: id.to_owned(),
            run_id: run_id.map(str::to_owned),
        };
        assert_eq!(found, [wanted("$.a[0]", "x", Some("r")), wanted("$.a[1].b", "y", None)]);
    }
}
