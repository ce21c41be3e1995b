//! Lenient reading of JSON whose values stay text.
//!
//! Owns the rules that the reference gets from its language: what counts as absent, which keys win, how a scalar becomes an
//! id. It never turns a number into a float, so `1e16` and an integer of any size leave the compiler as they came in.

use indexmap::IndexMap;
use serde_json::value::RawValue;

/// An object one level deep: keys in document order, a repeated key keeps its first place and its last value.
pub(crate) type Object<'a> = IndexMap<String, &'a RawValue>;

/// The document is nested deeper than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// Refuses text whose arrays and objects nest deeper than `limit`. Needs no stack, so it comes before every parser.
pub(crate) fn check_depth(text: &[u8], limit: usize) -> Result<(), TooDeep> {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for &byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return Err(TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The value's members, if it is an object.
pub(crate) fn object(value: &RawValue) -> Option<Object<'_>> {
    value
        .get()
        .starts_with('{')
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

/// The value's items, if it is an array.
pub(crate) fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    value
        .get()
        .starts_with('[')
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

/// The value's text, if it is a string.
pub(crate) fn string(value: &RawValue) -> Option<String> {
    value
        .get()
        .starts_with('"')
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

/// The value's text, trimmed, if it is a string that is not blank.
pub(crate) fn filled(value: Option<&&RawValue>) -> Option<String> {
    let text = string(value?)?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// A scalar as text: strings as they are, numbers as written, `True`; empty for what counts as absent (null, false, zero,
/// `""`) and for arrays and objects, which make no id.
pub(crate) fn scalar(value: Option<&&RawValue>) -> String {
    let Some(value) = value else { return String::new() };
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => string(value).unwrap_or_default(),
        Some(b't') => "True".to_owned(),
        Some(b'-' | b'0'..=b'9') if !is_zero(text) => text.to_owned(),
        _ => String::new(),
    }
}

/// The first of these keys whose scalar is not empty.
pub(crate) fn first_scalar(object: &Object<'_>, keys: &[&str]) -> String {
    keys.iter()
        .map(|key| scalar(object.get(*key)))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// The strings of a list that are not blank, trimmed.
pub(crate) fn filled_strings(value: Option<&&RawValue>) -> Vec<String> {
    let items = value.and_then(|value| array(value)).unwrap_or_default();
    items.into_iter().filter_map(|item| filled(Some(&item))).collect()
}

/// What counts as set: anything but null, false, zero, `""`, `[]` and `{}`.
pub(crate) fn is_truthy(value: &RawValue) -> bool {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n' | b'f') => false,
        Some(b'"') => text != "\"\"",
        Some(b'[' | b'{') => !text[1..text.len() - 1].trim().is_empty(),
        Some(b't') => true,
        _ => !is_zero(text),
    }
}

fn is_zero(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    mantissa.bytes().all(|byte| matches!(byte, b'-' | b'.' | b'0'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        assert!(check_depth(br#"{"a":[[]]}"#, 3).is_ok());
        assert_eq!(check_depth(br#"{"a":[[]]}"#, 2), Err(TooDeep));
        assert!(check_depth(br#"["[[[[[", "\"[[[["]"#, 1).is_ok());
        assert!(check_depth(b"]]]][", 1).is_ok());
    }

    #[test]
    fn scalars_become_ids_as_in_the_reference() {
        let cases = [
            (r#""a b ""#, "a b "),
            ("7", "7"),
            ("-12345678901234567890123", "-12345678901234567890123"),
            ("0", ""),
            ("-0.00e7", ""),
            ("true", "True"),
            ("false", ""),
            ("null", ""),
            ("{}", ""),
            ("[1]", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(scalar(Some(&&*raw(text))), expected, "{text}");
        }
        assert_eq!(scalar(None), "");
    }

    #[test]
    fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
        let value = raw(r#"{"a":1,"b":2,"a":3}"#);
        let object = object(&value).unwrap();
        let pairs: Vec<_> = object.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
        assert_eq!(pairs, [("a", "3"), ("b", "2")]);
    }
}
