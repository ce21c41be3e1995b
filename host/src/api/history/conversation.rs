//! What of a run's input was said by a person, and what of its output answers that. Documents of any shape are read; what is not as
//! expected is passed over.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::journal::rows::Members;
use crate::record::{Json, Object};

/// Where an output's answer is, in this order …
const OF_OUTPUT: [&str; 5] = ["response", "answer", "message", "text", "content"];
/// … and that of a row's result.
const OF_ROW: [&str; 5] = ["answer", "response", "message", "text", "content"];

#[derive(Debug, Default)]
pub struct Prompt {
    pub text: Option<String>,
    /// What the client's runtime said beside it.
    pub metadata: Option<Json>,
}

#[derive(Debug, Default)]
pub struct Answer {
    pub text: Option<String>,
    pub meta: Option<Json>,
}

/// A string with something in it, trimmed.
fn string(value: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(value?.get()).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A string, a number or a truth value as text.
fn textish(value: Option<&RawValue>) -> Option<String> {
    match value?.get() {
        "true" => Some("True".to_owned()),
        "false" => Some("False".to_owned()),
        "null" => None,
        json if json.starts_with(['{', '[']) => None,
        json if json.starts_with('"') => string(value),
        number => Some(number.to_owned()),
    }
}

fn object(value: Option<&RawValue>) -> Option<&RawValue> {
    value.filter(|value| value.get().starts_with('{'))
}

fn list(value: Option<&RawValue>) -> Vec<&RawValue> {
    value
        .and_then(|list| serde_json::from_str(list.get()).ok())
        .unwrap_or_default()
}

/// The variables that a person filled in: the input, or what it wraps as `input_data`.
fn given(input: &RawValue) -> Option<Object<'_>> {
    let whole = Object::of(input)?;
    match object(whole.get("input_data")) {
        Some(inner) => Object::of(inner),
        None => Some(whole),
    }
}

fn context<'a>(given: &Object<'a>) -> Option<Object<'a>> {
    Object::of(object(given.get("context"))?)
}

/// `prompt`, `message`, `task`, `context.task` or `context.message`, else the last message of a user in `context.messages`.
pub fn prompt(input: &RawValue) -> Prompt {
    let Some(given) = given(input) else {
        return Prompt::default();
    };
    let context = context(&given);
    let of_context = |name: &str| context.as_ref().and_then(|context| context.get(name));
    let named = ["prompt", "message", "task"].map(|name| given.get(name));
    let said = named.into_iter().chain(["task", "message"].map(of_context)).find_map(string);
    if let Some(said) = said {
        let (text, metadata) = split_envelope(&said);
        return Prompt { text, metadata };
    }
    for message in list(of_context("messages")).into_iter().rev() {
        let Some(message) = Object::of(message) else { continue };
        if string(message.get("role")).as_deref() != Some("user") {
            continue;
        }
        if let Some(said) = string(message.get("content")) {
            let (text, around) = split_envelope(&said);
            let beside = message
                .get("metadata")
                .and_then(|metadata| Object::of(metadata)?.get("runtime_metadata"));
            let own = object(message.get("runtime_metadata")).or(object(beside));
            return Prompt {
                text,
                metadata: merged(around, own),
            };
        }
    }
    Prompt::default()
}

/// The objects in `context.attachments`.
pub fn attachments(input: &RawValue) -> Vec<&RawValue> {
    let attachments = given(input).and_then(|given| context(&given)?.get("attachments"));
    let objects = list(attachments).into_iter();
    objects.filter(|attachment| attachment.get().starts_with('{')).collect()
}

/// A text may begin with `<runtime_metadata>{…}</runtime_metadata>`, which nobody typed.
fn split_envelope(text: &str) -> (Option<String>, Option<Json>) {
    const OPEN: &str = "<runtime_metadata>";
    const CLOSE: &str = "</runtime_metadata>";
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let text = text.trim();
    // Of the same length, whatever the text is.
    let lower = text.to_ascii_lowercase();
    match lower.find(CLOSE).filter(|_| lower.starts_with(OPEN)) {
        None => (some(text), None),
        Some(end) => {
            let metadata = RawValue::from_string(text[OPEN.len()..end].trim().to_owned()).ok();
            let rest = some(text[end + CLOSE.len()..].trim());
            (rest, metadata.filter(|metadata| metadata.get().starts_with('{')))
        }
    }
}

/// The members of both objects, the second's winning where they say something.
fn merged(around: Option<Json>, own: Option<&RawValue>) -> Option<Json> {
    let Some(own) = own.and_then(Members::of) else { return around };
    let mut all = around.as_deref().and_then(Members::of).unwrap_or_default();
    for (name, value) in own.0 {
        if !matches!(value.get(), "null" | "\"\"") {
            all.set(&name, value);
        }
    }
    (!all.0.is_empty())
        .then(|| serde_json::value::to_raw_value(&all).ok())
        .flatten()
}

/// The answer in a run's output, or in what it nests as `result` or `output`.
pub fn answer_of_output(output: &RawValue) -> Option<Answer> {
    let outer = Object::of(output)?;
    let nested = object(outer.get("result"))
        .or(object(outer.get("output")))
        .and_then(Object::of);
    let of = |object: &Object<'_>| OF_OUTPUT.iter().find_map(|name| string(object.get(name)));
    let text = of(&outer).or_else(|| of(nested.as_ref()?))?;
    let meta = object(outer.get("meta")).or_else(|| object(nested.as_ref()?.get("meta")));
    Some(Answer {
        text: Some(text),
        meta: meta.map(ToOwned::to_owned),
    })
}

/// The answer in a ledger row: the message of an `answer_user`, or the output that a row's result carries.
pub fn answer_of_row(row: &str) -> Option<Answer> {
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        status: &'a RawValue,
        #[serde(borrow)]
        effect: Option<Effect<'a>>,
        #[serde(borrow)]
        result: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Effect<'a> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let row: Row<'_> = serde_json::from_str(row).ok()?;
    let result = row.result.and_then(Object::of);
    let plain = |text: Option<String>| {
        text.map(|text| Answer {
            text: Some(text),
            meta: None,
        })
    };
    if let Some(effect) = row.effect.filter(|effect| effect.kind == "answer_user")
        && row.status.get() == "\"completed\""
    {
        let said = result.as_ref().and_then(|result| textish(result.get("message")));
        let payload = Object::of(effect.payload);
        let asked = || {
            ["message", "text", "content"]
                .iter()
                .find_map(|name| textish(payload.as_ref()?.get(name)))
        };
        if let Some(answer) = plain(said.or_else(asked)) {
            return Some(answer);
        }
    }
    let output = result?.get("output")?;
    if output.get().starts_with('"') {
        return plain(string(Some(output)));
    }
    let output = Object::of(output)?;
    let text = OF_ROW.iter().find_map(|name| textish(output.get(name)))?;
    Some(Answer {
        text: Some(text),
        meta: object(output.get("meta")).map(ToOwned::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Json {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn a_prompt_is_where_clients_put_it() {
        for (input, text, metadata) in [
            (r#"{"prompt": " hi ", "task": "no"}"#, Some("hi"), None),
            (r#"{"prompt": "", "message": 7, "task": "do"}"#, Some("do"), None),
            (
                r#"{"input_data": {"message": "inner"}, "prompt": "outer"}"#,
                Some("inner"),
                None,
            ),
            (r#"{"context": {"message": "m", "task": "t"}}"#, Some("t"), None),
            (
                r#"{"context": {"messages": [{"role": "user", "content": "first"}, {"role": "user", "content": "last"},
                    {"role": "assistant", "content": "said"}, 5]}}"#,
                Some("last"),
                None,
            ),
            (
                r#"{"prompt": "<Runtime_Metadata> {\"a\": 1} </runtime_metadata>\n hi"}"#,
                Some("hi"),
                Some(r#"{"a": 1}"#),
            ),
            (r#"{"prompt": "<runtime_metadata>not JSON</runtime_metadata>"}"#, None, None),
            (
                r#"{"context": {"messages": [{"role": "user", "content": "<runtime_metadata>{\"a\":1,\"b\":2}</runtime_metadata>x",
                    "metadata": {"runtime_metadata": {"b": 3, "c": null}}}]}}"#,
                Some("x"),
                Some(r#"{"a":1,"b":3}"#),
            ),
            (r#"{"context": {"messages": "none"}}"#, None, None),
            ("7", None, None),
        ] {
            let prompt = prompt(&raw(input));
            let found = prompt.metadata.as_deref().map(RawValue::get);
            assert_eq!((prompt.text.as_deref(), found), (text, metadata), "{input}");
        }
    }

    #[test]
    fn attachments_are_objects() {
        let input = raw(r#"{"context": {"attachments": [{"$artifact": "a"}, "b", 3]}}"#);
        let found: Vec<&str> = attachments(&input).into_iter().map(RawValue::get).collect();
        assert_eq!(found, [r#"{"$artifact": "a"}"#]);
        assert!(attachments(&raw(r#"{"context": []}"#)).is_empty());
    }

    #[test]
    fn an_answer_is_in_the_output_or_in_a_row() {
        for (output, text, meta) in [
            (r#"{"answer": "a", "response": "r"}"#, Some("r"), None),
            (
                r#"{"answer": 7, "result": {"text": "t", "meta": {"m": 1}}}"#,
                Some("t"),
                Some(r#"{"m": 1}"#),
            ),
            (r#"{"message": "m", "meta": {"x": 2}}"#, Some("m"), Some(r#"{"x": 2}"#)),
            (r#"{"success": true}"#, None, None),
            ("[]", None, None),
        ] {
            let answer = answer_of_output(&raw(output)).unwrap_or_default();
            assert_eq!(
                (answer.text.as_deref(), answer.meta.as_deref().map(RawValue::get)),
                (text, meta),
                "{output}"
            );
        }
        for (row, text) in [
            (
                r#"{"status":"completed","effect":{"type":"answer_user","payload":{}},"result":{"message":"m"}}"#,
                Some("m"),
            ),
            (
                r#"{"status":"completed","effect":{"type":"answer_user","payload":{"text":3.0}},"result":null}"#,
                Some("3.0"),
            ),
            (
                r#"{"status":"started","effect":{"type":"answer_user","payload":{"text":"t"}},"result":null}"#,
                None,
            ),
            (
                r#"{"status":"completed","effect":null,"result":{"output":{"answer":true,"response":"r"}}}"#,
                Some("True"),
            ),
            (r#"{"status":"completed","effect":null,"result":{"output":" s "}}"#, Some("s")),
            (r#"{"status":"completed","effect":null,"result":{"output":{"n":1}}}"#, None),
            ("no row", None),
        ] {
            assert_eq!(answer_of_row(row).unwrap_or_default().text.as_deref(), text, "{row}");
        }
    }
}
