//! JSON text in and out: what is accepted, what is exact, and that it agrees with another implementation.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // A test fails by panicking.

use flow_rt::json::{self, Error, Tolerant};
use flow_rt::py;
use flow_rt::value::Value;

#[test]
fn text_is_read_exactly() {
    for (text, repr) in [
        ("3", "3"),
        ("3.0", "3.0"),
        ("1e3", "1000.0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"),
        ("-123456789012345678901234567890", "-123456789012345678901234567890"),
        ("0.1", "0.1"),
        ("2.2250738585072011e-308", "2.225073858507201e-308"),
        (r#" {"a" : [ ] , "b":{}} "#, "{'a': [], 'b': {}}"),
        (r#"{"a":1,"b":2,"a":3}"#, "{'a': 3, 'b': 2}"),
        (r#""\ud83d\ude00 \u00e9\n\/""#, "'😀 é\\n/'"),
        (
            r#""\ud800 \udc00\ud83dx \ud83d\u0041""#,
            "'\u{fffd} \u{fffd}\u{fffd}x \u{fffd}A'",
        ),
        ("[true,false,null]", "[True, False, None]"),
    ] {
        let value = json::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(py::repr(&value).unwrap(), repr, "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (text, message) in [
        ("", "expected a value at offset 0"),
        ("[1,]", "expected a value at offset 3"),
        ("[1 2]", "expected ',' or ']' at offset 3"),
        ("{\"a\" 1}", "expected ':' at offset 5"),
        ("{a:1}", "expected a key at offset 1"),
        ("{\"a\":1,}", "expected a key at offset 7"),
        ("1 2", "expected end of text at offset 2"),
        ("01", "expected end of text at offset 1"),
        ("-", "expected a digit at offset 1"),
        ("1.", "expected a digit at offset 2"),
        ("1e+", "expected a digit at offset 3"),
        ("1e999", "number out of range at offset 0"),
        ("NaN", "expected a value at offset 0"),
        ("-Infinity", "expected a digit at offset 1"),
        ("nul", "expected a value at offset 0"),
        ("\"a", "expected '\"' at offset 2"),
        ("\"\t\"", "expected an escape for the control character at offset 1"),
        ("\"\\x\"", "expected an escape letter at offset 2"),
        ("\"\\", "expected an escape letter at offset 2"),
        ("\"\\u12g4\"", "expected a hexadecimal digit at offset 5"),
        ("\"\\ud800\\u\"", "expected a hexadecimal digit at offset 9"),
        ("\u{feff}1", "expected a value at offset 0"),
    ] {
        assert_eq!(json::parse(text).unwrap_err().to_string(), message, "{text:?}");
    }
}

#[test]
fn nesting_has_one_limit_everywhere() {
    let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
    let deepest = json::parse(&nested(128)).unwrap();
    assert_eq!(json::to_string(&deepest).unwrap(), nested(128));
    assert_eq!(json::parse(&nested(129)).unwrap_err(), Error::Depth);
    assert_eq!(json::to_string(&Value::list(vec![deepest])).unwrap_err(), Error::Depth);
    // The inner levels alone would be few enough.
    assert!(matches!(json::loads_tolerant(&nested(160)), Err(Error::Depth)));
    assert!(matches!(
        json::loads_tolerant(&nested(160).replace('[', "(").replace(']', ",)")),
        Err(Error::Depth)
    ));
}

#[test]
fn only_finite_numbers_are_written() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = json::to_string(&Value::list(vec![Value::Float(float)])).unwrap_err();
        assert_eq!(error.to_string(), "non-finite number");
    }
}

#[test]
fn texts_of_models_are_read_tolerantly() {
    for (text, read) in [
        ("```json\n{\"a\": 1}\n```", "{'a': 1}"),
        ("```{\"a\": 1}```", "{'a': 1}"),
        ("Sure! {\"a\": [1, 2]} is it.", "{'a': [1, 2]}"),
        ("{nope} [1, {\"b\": NaN}]", "[1, {'b': nan}]"),
        ("{'a': True, 'b': (1, None)}", "{'a': True, 'b': [1, None]}"),
        ("None", "None"),
        ("-Infinity", "-inf"),
        (" \u{a0} ", "empty"),
        ("```\n```", "empty"),
        ("null", "invalid"),
        ("{bad json", "invalid"),
    ] {
        let shown = match json::loads_tolerant(text).unwrap() {
            Tolerant::Found(value) => py::repr(&value).unwrap(),
            Tolerant::Empty => "empty".to_owned(),
            Tolerant::Invalid(_) => "invalid".to_owned(),
        };
        assert_eq!(shown, read, "{text}");
    }
}

/// Every case file is JSON, and some of it is odd.
#[test]
fn text_survives_a_round_trip_as_serde_sees_it() {
    for file in ["data-nodes.jsonl", "python.jsonl"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(file);
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let ours = json::to_string(&json::parse(line).unwrap()).unwrap();
            let [theirs, back] = [line, &ours].map(serde_json::from_str::<serde_json::Value>);
            // It refuses the few integers that no float can hold.
            assert_eq!(theirs.ok(), back.ok());
        }
    }
}
