//! Reads JSON bodies. A body is split into its fields once; the values stay the text that the client sent, so that integers of
//! any size, `3` and `3.0`, and the order of keys survive. Fields are then taken one by one, and everything that is wrong with
//! them is reported together.

use std::borrow::Cow;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::Error;
use super::python_json;
use super::validate::{Issue, Loc, null, parse_bool, parse_int, text};
use crate::record::{Json, Object};
use crate::security::{Stalled, TooLarge};

/// Deepest nesting of a JSON value that clients may send; the flow's own limit.
pub const MAX_DEPTH: usize = 128;

/// The bytes of a JSON body, known to be JSON.
#[derive(Debug)]
pub struct JsonBody(Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let is_json = says_json(request.headers());
        let bytes = read(request.into_body()).await?;
        if bytes.is_empty() {
            return Err(Issue::missing(vec!["body".into()], null()).into());
        }
        let Ok(body) = std::str::from_utf8(&bytes) else {
            return Err(Error::bad_request("There was an error parsing the body"));
        };
        if !is_json {
            return Err(Issue::not_a_model(vec!["body".into()], text(body)).into());
        }
        Ok(JsonBody(bytes))
    }
}

/// Whether the body is JSON by its `content-type`; nothing said counts as JSON.
fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.is_empty()
        || essence
            .strip_prefix("application/")
            .is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

/// The whole body. Its size has been capped on the way here.
pub async fn read(body: axum::body::Body) -> Result<Bytes, Error> {
    axum::body::to_bytes(body, usize::MAX).await.map_err(|error| broken(&error))
}

/// A body that could not be read to its end: it is over its cap, or the client went away.
pub fn broken(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(too_large) = error.downcast_ref::<TooLarge>() {
            return Error::TooLarge(*too_large);
        }
        if let Some(stalled) = error.downcast_ref::<Stalled>() {
            return Error::Stalled(*stalled);
        }
        cause = error.source();
    }
    Error::bad_request("There was an error parsing the body")
}

impl JsonBody {
    /// The fields of the object that the body is.
    pub fn fields(&self) -> Result<Fields<'_>, Error> {
        let whole: &RawValue = match serde_json::from_slice(&self.0) {
            Ok(whole) => whole,
            Err(_) => {
                let body = String::from_utf8_lossy(&self.0);
                let (at, error) = python_json::first_error(&body).unwrap_or((0, "Expecting value"));
                return Err(Issue::json_invalid(at, error).into());
            }
        };
        Fields::of(whole, vec!["body".into()]).map_err(Error::from)
    }
}

/// Takes fields out of an object and collects what is wrong with them.
pub struct Fields<'a> {
    whole: &'a RawValue,
    object: Object<'a>,
    loc: Vec<Loc>,
    pub issues: Vec<Issue>,
}

impl<'a> Fields<'a> {
    /// `whole` is found at `loc`.
    pub fn of(whole: &'a RawValue, loc: Vec<Loc>) -> Result<Self, Issue> {
        if whole.get() == "null" && loc.len() == 1 {
            return Err(Issue::missing(loc, null()));
        }
        match Object::of(whole) {
            Some(object) => Ok(Fields {
                whole,
                object,
                loc,
                issues: Vec::new(),
            }),
            None => Err(Issue::not_a_model(loc, whole.to_owned())),
        }
    }

    fn loc(&self, name: &'static str) -> Vec<Loc> {
        let mut loc = self.loc.clone();
        loc.push(name.into());
        loc
    }

    /// A field that must be a text. Empty when it is not: the findings then stop the request.
    pub fn required_text(&mut self, name: &'static str) -> String {
        match self.object.get(name) {
            Some(value) => self.text_of(name, value),
            None => {
                self.issues.push(Issue::missing(self.loc(name), self.whole.to_owned()));
                String::new()
            }
        }
    }

    /// A text, or `None` for an absent or null field.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.object.get(name).filter(|value| value.get() != "null")?;
        Some(self.text_of(name, value))
    }

    /// A text trimmed, or `None` for an absent, null or blank field.
    pub fn word(&mut self, name: &'static str) -> Option<String> {
        self.text(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn text_of(&mut self, name: &'static str, value: &RawValue) -> String {
        let issue = match serde_json::from_str::<String>(value.get()) {
            Ok(text) => return text,
            Err(_) if value.get().starts_with('"') => Issue::not_unicode(self.loc(name), value.to_owned()),
            Err(_) => Issue::not_a_string(self.loc(name), value.to_owned()),
        };
        self.issues.push(issue);
        String::new()
    }

    /// The text of a JSON object; `None` for an absent field. Null is not an object.
    pub fn dict(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let value = self.object.get(name)?;
        if value.get().starts_with('{') {
            return Some(value);
        }
        self.issues.push(Issue::not_a_dict(self.loc(name), value.to_owned()));
        None
    }

    /// As [`Fields::dict`]; null is absent.
    pub fn optional_dict(&mut self, name: &'static str) -> Option<&'a RawValue> {
        if self.object.get(name).is_some_and(|value| value.get() == "null") {
            return None;
        }
        self.dict(name)
    }

    /// The items of a list; empty when absent.
    pub fn list(&mut self, name: &'static str) -> Vec<&'a RawValue> {
        let Some(value) = self.object.get(name) else {
            return Vec::new();
        };
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            self.issues.push(Issue::not_a_list(self.loc(name), value.to_owned()));
            Vec::new()
        })
    }

    pub fn int(&mut self, name: &'static str, default: i64, least: i64, most: i64) -> i64 {
        let Some(value) = self.object.get(name) else { return default };
        let loc = self.loc(name);
        let checked = int_of(value, loc.clone()).and_then(|n| Issue::check_range(n, least, most, loc, value.to_owned()));
        checked.unwrap_or_else(|issue| {
            self.issues.push(issue);
            default
        })
    }

    /// Any integer; `None` for an absent or null field.
    pub fn optional_int(&mut self, name: &'static str) -> Option<i64> {
        let value = self.object.get(name).filter(|value| value.get() != "null")?;
        int_of(value, self.loc(name)).map_err(|issue| self.issues.push(issue)).ok()
    }

    /// A boolean as the reference reads it: also `1` and `"yes"`.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.object.get(name) else { return default };
        let word: Option<String> = serde_json::from_str(value.get()).ok();
        let found = match value.get() {
            "null" => None,
            json => parse_bool(word.as_deref().unwrap_or(json)),
        };
        found.unwrap_or_else(|| {
            self.issues.push(Issue::not_a_bool(self.loc(name), value.to_owned()));
            default
        })
    }

    /// A boolean or a text as it came; `None` for an absent or null field.
    pub fn bool_or_text(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let value = self.object.get(name).filter(|value| value.get() != "null")?;
        if matches!(value.get(), "true" | "false") || value.get().starts_with('"') {
            return Some(value);
        }
        for (kind, what) in [
            ("bool", Issue::not_a_bool as fn(_, _) -> _),
            ("str", Issue::not_a_string as fn(_, _) -> _),
        ] {
            let mut loc = self.loc(name);
            loc.push(kind.into());
            self.issues.push(what(loc, value.to_owned()));
        }
        None
    }

    /// To be called when every field has been read: all findings at once.
    pub fn finish(self) -> Result<(), Error> {
        if self.issues.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.issues))
        }
    }
}

/// An integer as the reference reads it: also `2.0`, `"2"` and `true`.
fn int_of(value: &RawValue, loc: Vec<Loc>) -> Result<i64, Issue> {
    let input = || value.to_owned();
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json)
            .ok()
            .and_then(|text| parse_int(&text))
            .ok_or_else(|| Issue::int_parsing(loc, input())),
        Some(b't' | b'f') => Ok(i64::from(parse_bool(json).unwrap_or_default())),
        Some(b'-' | b'0'..=b'9') => match parse_int(json) {
            Some(number) => Ok(number),
            None => match json.parse::<f64>() {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a whole number; beyond 64 bits it saturates, and no bound is near"
                )]
                Ok(number) if number.fract() == 0.0 => Ok(number as i64),
                _ => Err(Issue::fractional(loc, input())),
            },
        },
        _ => Err(Issue::not_an_int(loc, input())),
    }
}

/// A value to be stored: on one line, no deeper than [`MAX_DEPTH`], and all of its texts Unicode. `name` is the field it came in.
pub fn storable(value: &RawValue, name: &str) -> Result<Json, String> {
    let json = value.get();
    let depth = depth(json.as_bytes());
    if depth > MAX_DEPTH {
        return Err(format!(
            "JSON nesting too deep: {name} is nested {depth} levels deep, the limit is {MAX_DEPTH}"
        ));
    }
    if let Some(escape) = lone_surrogate(json) {
        return Err(format!("{name} holds half of a surrogate pair ({escape}), which is no text"));
    }
    Ok(match one_line(json) {
        Cow::Borrowed(_) => value.to_owned(),
        Cow::Owned(text) => RawValue::from_string(text).unwrap_or_else(|_| value.to_owned()),
    })
}

/// JSON text without line breaks, which can only stand between its tokens: a ledger row is one line of a stream.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.bytes().any(|b| b == b'\n' || b == b'\r') {
        Cow::Owned(json.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(json)
    }
}

/// The first `\uXXXX` of valid JSON text that is half of a surrogate pair without the other half.
fn lone_surrogate(json: &str) -> Option<&str> {
    let bytes = json.as_bytes();
    let unit = |at: usize| {
        let digits = json.get(at + 2..at + 6).filter(|_| bytes[at..].starts_with(b"\\u"))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut at = 0;
    while let Some(found) = json.get(at..)?.find('\\') {
        at += found;
        match unit(at) {
            Some(0xd800..=0xdbff) if unit(at + 6).is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) => at += 12,
            Some(0xd800..=0xdfff) => return json.get(at..at + 6),
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    None
}

/// Nesting depth of valid JSON text: 0 for a scalar, 1 for `[]`.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                at += 1;
                while json.get(at).is_some_and(|b| *b != b'"') {
                    at += if json[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_texts() {
        for (json, wanted) in [("1", 0), ("{}", 1), (r#"{"a":[{"b":"[[\"[["}]}"#, 3), (r#"["\\",[1]]"#, 2)] {
            assert_eq!(depth(json.as_bytes()), wanted, "{json}");
        }
    }

    #[test]
    fn values_are_stored_as_they_came_but_on_one_line() {
        let raw: &RawValue = serde_json::from_str("{\"a\": 3.0,\n \"b\": 123456789012345678901234567890}").unwrap();
        assert_eq!(
            storable(raw, "x").unwrap().get(),
            "{\"a\": 3.0,  \"b\": 123456789012345678901234567890}"
        );
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(
            storable(serde_json::from_str(&deep).unwrap(), "x")
                .unwrap_err()
                .contains("129 levels")
        );
    }

    #[test]
    fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
        let object: Object<'_> = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        let pairs: Vec<_> = object.0.iter().map(|(k, v)| (k.as_ref(), v.get())).collect();
        assert_eq!(pairs, [("a", "3"), ("b", "2")]);
    }
}
