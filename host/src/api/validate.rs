//! What is wrong with a request, in the shape that clients of the reference know: `{type, loc, msg, input, ctx?}`, one entry
//! a finding, in the order in which the fields are declared. Also the reading of query parameters.
//!
//! Conversions are as lax as the reference's: `"5"`, `" 5 "` and `5.0` are integers, `on` is true.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

/// One finding of a validation.
#[derive(Debug, Serialize)]
pub struct Issue {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Loc>,
    msg: Cow<'static, str>,
    /// The value as the client sent it: a text for queries, JSON for bodies.
    input: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Ctx>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    Name(Cow<'static, str>),
    At(usize),
}

impl From<&'static str> for Loc {
    fn from(name: &'static str) -> Self {
        Loc::Name(name.into())
    }
}

impl From<usize> for Loc {
    fn from(at: usize) -> Self {
        Loc::At(at)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Ctx {
    Ge(Number),
    Le(Number),
    Gt(Number),
    Error(&'static str),
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Number {
    Int(i64),
    Float(f64),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Int(n) => n.fmt(f),
            Number::Float(n) => n.fmt(f),
        }
    }
}

/// JSON `null`.
pub fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// A text as JSON.
pub fn text(value: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| null())
}

impl Issue {
    fn new(kind: &'static str, loc: Vec<Loc>, msg: impl Into<Cow<'static, str>>, input: Box<RawValue>) -> Self {
        Issue {
            kind,
            loc,
            msg: msg.into(),
            input,
            ctx: None,
        }
    }
    pub fn missing(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("missing", loc, "Field required", input)
    }
    /// A body that is no object.
    pub fn not_a_model(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        Issue::new("model_attributes_type", loc, msg, input)
    }
    /// The body is no JSON; `at` counts characters.
    pub fn json_invalid(at: usize, error: &'static str) -> Self {
        let empty = RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| null());
        let mut issue = Issue::new("json_invalid", vec!["body".into(), at.into()], "JSON decode error", empty);
        issue.ctx = Some(Ctx::Error(error));
        issue
    }
    pub fn not_a_string(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("string_type", loc, "Input should be a valid string", input)
    }
    /// Half of a surrogate pair: JSON can say it, text cannot hold it.
    pub fn not_unicode(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid string, unable to parse raw data as a unicode string";
        Issue::new("string_unicode", loc, msg, input)
    }
    pub fn not_a_dict(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("dict_type", loc, "Input should be a valid dictionary", input)
    }
    pub fn not_a_list(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("list_type", loc, "Input should be a valid list", input)
    }
    pub fn not_a_bool(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("bool_type", loc, "Input should be a valid boolean", input)
    }
    pub fn not_an_int(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new("int_type", loc, "Input should be a valid integer", input)
    }
    pub fn fractional(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid integer, got a number with a fractional part";
        Issue::new("int_from_float", loc, msg, input)
    }
    pub fn int_parsing(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        Issue::new("int_parsing", loc, msg, input)
    }
    fn float_parsing(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid number, unable to parse string as a number";
        Issue::new("float_parsing", loc, msg, input)
    }
    pub fn bool_parsing(loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue::new(
            "bool_parsing",
            loc,
            "Input should be a valid boolean, unable to interpret input",
            input,
        )
    }
    fn bound(kind: &'static str, words: &str, bound: Number, ctx: Ctx, loc: Vec<Loc>, input: Box<RawValue>) -> Self {
        Issue {
            ctx: Some(ctx),
            ..Issue::new(kind, loc, format!("Input should be {words} {bound}"), input)
        }
    }
    /// Whether `value` lies within `least..=most`.
    pub fn check_range(value: i64, least: i64, most: i64, loc: Vec<Loc>, input: Box<RawValue>) -> Result<i64, Self> {
        if value < least {
            let n = Number::Int(least);
            Err(Issue::bound(
                "greater_than_equal",
                "greater than or equal to",
                n,
                Ctx::Ge(n),
                loc,
                input,
            ))
        } else if value > most {
            let n = Number::Int(most);
            Err(Issue::bound(
                "less_than_equal",
                "less than or equal to",
                n,
                Ctx::Le(n),
                loc,
                input,
            ))
        } else {
            Ok(value)
        }
    }
}

/// The query of a request, decoded once. A repeated name counts with its last value; unknown names are ignored.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    issues: Vec<Issue>,
}

impl Query {
    pub fn of(uri: &axum::http::Uri) -> Self {
        let pairs = match uri.query() {
            Some(_) => axum::extract::Query::try_from_uri(uri)
                .map(|query| query.0)
                .unwrap_or_default(),
            None => Vec::new(),
        };
        Query {
            pairs,
            issues: Vec::new(),
        }
    }

    /// The value, untrimmed.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value trimmed; blank is absent.
    pub fn word(&self, name: &'static str) -> Option<&str> {
        self.text(name).map(str::trim).filter(|value| !value.is_empty())
    }

    pub fn int(&mut self, name: &'static str, default: i64, least: i64, most: i64) -> i64 {
        let Some(value) = self.text(name) else { return default };
        let loc = || vec!["query".into(), name.into()];
        let checked = match parse_int(value) {
            Some(number) => Issue::check_range(number, least, most, loc(), text(value)),
            None => Err(Issue::int_parsing(loc(), text(value))),
        };
        self.keep(checked, default)
    }

    /// A number above `above` and at most `most`.
    pub fn float(&mut self, name: &'static str, default: f64, above: f64, most: f64) -> f64 {
        let Some(value) = self.text(name) else { return default };
        let loc = vec!["query".into(), name.into()];
        let input = text(value);
        let checked = match value.trim().parse::<f64>() {
            Err(_) => Err(Issue::float_parsing(loc, input)),
            Ok(number) if number <= above || number.is_nan() => {
                let n = Number::Float(above);
                Err(Issue::bound("greater_than", "greater than", n, Ctx::Gt(n), loc, input))
            }
            Ok(number) if number > most => {
                let n = Number::Float(most);
                Err(Issue::bound(
                    "less_than_equal",
                    "less than or equal to",
                    n,
                    Ctx::Le(n),
                    loc,
                    input,
                ))
            }
            Ok(number) => Ok(number),
        };
        self.keep(checked, default)
    }

    /// A number of at least `least` and at most `most`.
    pub fn float_from(&mut self, name: &'static str, default: f64, least: f64, most: f64) -> f64 {
        let below = self
            .text(name)
            .filter(|value| value.trim().parse::<f64>().is_ok_and(|number| number < least));
        if let Some(value) = below {
            let (n, loc) = (Number::Float(least), vec!["query".into(), name.into()]);
            let issue = Issue::bound(
                "greater_than_equal",
                "greater than or equal to",
                n,
                Ctx::Ge(n),
                loc,
                text(value),
            );
            return self.keep(Err(issue), default);
        }
        self.float(name, default, f64::NEG_INFINITY, most)
    }

    /// A text that must be there, untrimmed. Empty when it is not: the findings then stop the request.
    pub fn required(&mut self, name: &'static str) -> String {
        match self.text(name) {
            Some(value) => value.to_owned(),
            None => {
                let issue = Issue::missing(vec!["query".into(), name.into()], null());
                self.keep(Err(issue), String::new())
            }
        }
    }

    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.text(name) else { return default };
        let checked = parse_bool(value).ok_or_else(|| Issue::bool_parsing(vec!["query".into(), name.into()], text(value)));
        self.keep(checked, default)
    }

    fn keep<T>(&mut self, checked: Result<T, Issue>, default: T) -> T {
        checked.unwrap_or_else(|issue| {
            self.issues.push(issue);
            default
        })
    }

    /// To be called when every parameter has been read: all findings at once.
    pub fn finish(self) -> Result<(), super::Error> {
        if self.issues.is_empty() {
            Ok(())
        } else {
            Err(super::Error::Invalid(self.issues))
        }
    }
}

/// `5`, ` +5 `, `5.0`, `1_000`. Numbers beyond 64 bits saturate: no bound here is anywhere near.
pub fn parse_int(value: &str) -> Option<i64> {
    let value = value.trim();
    let value = match value.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => value,
    };
    let (negative, digits) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let well_formed = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    if digits.is_empty() || !well_formed || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let size = digits
        .bytes()
        .filter(|b| *b != b'_')
        .fold(0i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Some(if negative { -size } else { size })
}

pub fn parse_bool(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_laxly_as_the_reference_reads_them() {
        for (given, wanted) in [("5", Some(5)), (" +5 ", Some(5)), ("-3.0", Some(-3)), ("1_000", Some(1000))] {
            assert_eq!(parse_int(given), wanted, "{given}");
        }
        for given in ["", "x", "1.5", "1.", "_1", "1__0", "0x10", "1e3"] {
            assert_eq!(parse_int(given), None, "{given}");
        }
    }

    #[test]
    fn every_finding_of_a_query_is_reported_in_order() {
        let uri = "/x?limit=0&after=a&deep=maybe&wait=0.1&limit=0".parse().unwrap();
        let mut query = Query::of(&uri);
        query.int("limit", 50, 1, 500);
        query.int("after", 0, 0, i64::MAX);
        query.flag("deep", false);
        query.float("wait", 5.0, 0.1, 60.0);
        let Err(super::super::Error::Invalid(issues)) = query.finish() else {
            panic!("accepted")
        };
        assert_eq!(
            serde_json::to_string(&issues).unwrap(),
            concat!(
                r#"[{"type":"greater_than_equal","loc":["query","limit"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},"#,
                r#"{"type":"int_parsing","loc":["query","after"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"a"},"#,
                r#"{"type":"bool_parsing","loc":["query","deep"],"msg":"Input should be a valid boolean, unable to interpret input","input":"maybe"},"#,
                r#"{"type":"greater_than","loc":["query","wait"],"msg":"Input should be greater than 0.1","input":"0.1","ctx":{"gt":0.1}}]"#
            )
        );
    }
}
