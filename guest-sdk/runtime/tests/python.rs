//! Python's semantics against what CPython 3.11 answered.
//!
//! A case is a line `[function, arguments, {"ok": value} | {"error": text}]`. `FLOWGATE_PYTHON_CASES` names a file with
//! more than those kept here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // A test fails by panicking.

use std::path::Path;
use std::rc::Rc;

use flow_rt::json::{self, Style};
use flow_rt::py::{self, arith, chars, format, literal, slice};
use flow_rt::value::Value;

#[test]
fn functions_answer_as_cpython_does() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/python.jsonl");
    let more = std::env::var_os("FLOWGATE_PYTHON_CASES");
    for file in [Some(kept.as_os_str()), more.as_deref()].into_iter().flatten() {
        let cases = std::fs::read_to_string(file).unwrap();
        let differing: Vec<String> = cases.lines().filter_map(differs).collect();
        assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
        assert!(!cases.is_empty());
    }
}

fn differs(line: &str) -> Option<String> {
    let case = json::parse(line).unwrap();
    let case = case.as_list().unwrap().borrow().clone();
    let [Value::Str(function), Value::List(args), Value::Dict(expected)] = case.as_slice() else {
        panic!("not a case: {line}");
    };
    let answer = call(function, &args.borrow());
    let agree = match (&answer, expected.get("ok"), expected.get("error")) {
        (Ok(got), Some(want), _) => py::repr(got).unwrap() == py::repr(&want).unwrap(),
        // The texts of conversion errors end up in the outputs of flows.
        (Err(got), _, Some(want)) => !matches!(&**function, "int" | "float") || Some(got.as_str()) == want.as_str(),
        _ => false,
    };
    let shown = match answer {
        Ok(value) => py::repr(&value).unwrap(),
        Err(error) => format!("error {error}"),
    };
    (!agree).then(|| format!("{line}\n    got {shown}"))
}

fn call(function: &str, args: &[Value]) -> Result<Value, String> {
    let arg = |i: usize| args.get(i).cloned().unwrap_or_default();
    let (a, b) = (arg(0), arg(1));
    let text = a.as_str_rc().unwrap_or_else(|| Rc::from(""));
    let float = |value: &Value| py::to_float(value).unwrap();
    let index = |value: &Value| py::to_index(value).ok();
    let answer = match function {
        "repr" => py::repr(&a).map(Value::str),
        "str" => py::str(&a).map(Value::Str),
        "truthy" => Ok(Value::Bool(py::truthy(&a))),
        "round" => arith::round(float(&a), index(&b).unwrap()).map(Value::Float),
        "mod" => arith::float_mod(float(&a), float(&b)).map(Value::Float),
        "pow" => arith::float_pow(float(&a), float(&b)).map(Value::Float),
        "floordiv" => arith::float_floor_div(float(&a), float(&b)).map(Value::Float),
        "int" => py::to_int(&a),
        "float" => py::to_float(&a).map(Value::Float),
        "upper" => Ok(Value::str(text.to_uppercase())),
        "lower" => Ok(Value::str(text.to_lowercase())),
        "strip" => Ok(Value::str(chars::strip(&text))),
        "slice" => Ok(Value::str(slice::text(&text, index(&b), index(&arg(2))))),
        "eq" => py::eq(&a, &b).map(Value::Bool),
        "lt" => py::order(&a, &b).map(|order| Value::Bool(order.is_some_and(|order| order.is_lt()))),
        "ge" => py::order(&a, &b).map(|order| Value::Bool(order.is_some_and(|order| order.is_ge()))),
        "format" => format::format(&text, &b.as_dict().unwrap().borrow()).map(Value::str),
        "literal" => return literal::eval(&text).map_err(|error| error.to_string()),
        "dumps" => {
            let style = match index(&b) {
                Some(0) => Style::COMPACT,
                Some(1) => Style::PYTHON,
                Some(2) => Style {
                    indent: Some(2),
                    ..Style::PYTHON
                },
                Some(3) => Style {
                    sort_keys: true,
                    ..Style::PYTHON
                },
                _ => Style {
                    sort_keys: true,
                    indent: Some(3),
                    ..Style::PYTHON
                },
            };
            let mut out = String::new();
            json::write_styled(&mut out, &a, &style).map_err(|error| error.to_string())?;
            Ok(Value::str(out))
        }
        other => panic!("no function {other}"),
    };
    answer.map_err(|error| error.text)
}

#[test]
fn a_value_inside_itself_is_an_error_not_a_loop() {
    let inner = flow_rt::value::List::new(vec![Value::Int(1)]);
    inner.borrow_mut().push(Value::List(inner.clone()));
    let own = Value::List(inner.clone());
    let other = own.deep_copy();
    let deep = "value is nested deeper than 128 levels";
    assert_eq!(py::repr(&own).unwrap_err().text, deep);
    assert_eq!(py::eq(&own, &other).unwrap_err().text, deep);
    assert_eq!(py::order(&own, &other).unwrap_err().text, deep);
    assert_eq!(json::to_string(&own).unwrap_err().to_string(), deep);
    assert!(py::eq(&own, &own).unwrap());
    // Else the two lists outlive the test.
    inner.borrow_mut().clear();
    other.as_list().unwrap().borrow_mut().clear();
}

#[test]
fn a_copy_shares_what_the_original_shares_and_nothing_with_it() {
    let shared = json::parse(r#"{"n": 1}"#).unwrap();
    let pair = Value::list(vec![shared.clone(), shared.clone()]);
    let copy = pair.deep_copy();
    let items = copy.as_list().unwrap().borrow().clone();
    items[0].as_dict().unwrap().set("n", Value::Int(2));
    assert_eq!(json::to_string(&copy).unwrap(), r#"[{"n":2},{"n":2}]"#);
    assert_eq!(json::to_string(&pair).unwrap(), r#"[{"n":1},{"n":1}]"#);
}
