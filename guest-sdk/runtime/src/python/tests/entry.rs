//! One call of a code node: the module's body, then its function; what it returns, and what went wrong.

use super::{end, function, method, slot};
use crate::builtins::World;
use crate::json;
use crate::python::abi::native;
use crate::python::entry::{Outcome, Unit};
use crate::python::error::value_error;
use crate::python::function::Code;
use crate::python::object::Obj;
use crate::python::{abi, arith, stack, state};
use crate::value::Value;

const BODY: u32 = 900;

/// Calls a unit whose body is the stand-in.
fn call(body: native::Compiled, input: &Value) -> Outcome {
    let mut code = Code::read(&json::parse(r#"{"name": "<module>", "slots": 4}"#).unwrap());
    code.table = native::add(body);
    state::put_constant(BODY, state::Constant::Code(code));
    let unit = json::parse(r#"{"body": 900, "globals": ["other", "transform"], "entry": "transform"}"#).unwrap();
    let world = World {
        now_us: 7,
        ..World::default()
    };
    Unit::read(&unit).unwrap().call("node".into(), input, world, 0)
}

/// A body that defines `transform`.
fn define(frame: u32, value: Obj) -> i32 {
    let at = stack::after(frame, 1);
    stack::put(at, value);
    abi::py_global_set(1, at)
}

fn transform(compiled: native::Compiled) -> Obj {
    function(r#"{"positional": ["_input"], "slots": 4}"#, compiled, Vec::new())
}

#[test]
fn what_goes_wrong_is_told_as_the_reference_tells_it() {
    let cases: &[(native::Compiled, &str)] = &[
        (|frame, _| end(frame, Err(value_error("bad"))), "Execution error: bad"),
        (|_, _| 0, "Function 'transform' not defined in code"),
        (
            |frame, _| define(frame, Obj::None),
            "Function 'transform' not defined in code",
        ),
        (
            |frame, _| define(frame, Obj::Int(1)),
            "'transform' is not a callable function",
        ),
        (
            |frame, _| define(frame, transform(|frame, _| end(frame, Err(value_error("boom"))))),
            "Runtime error: boom",
        ),
        (
            |frame, _| define(frame, transform(|frame, _| end(frame, state::global(0)))),
            "Runtime error: name 'other' is not defined",
        ),
        (
            |frame, _| define(frame, transform(|frame, _| end(frame, Ok(Obj::list(vec![Obj::Ellipsis]))))),
            "transform returned a value that cannot be sent as JSON: ellipsis at output[0]. \
             Return data: str, int, float, bool, None, lists and dicts of those.",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(call(*body, &Value::Null).result.unwrap_err(), *expected);
    }
}

#[test]
fn a_call_gives_its_result_and_leaves_what_it_printed_and_the_world() {
    let outcome = call(
        |frame, _| {
            define(
                frame,
                transform(|frame, _| {
                    state::log("seen".to_owned());
                    let now = Obj::Int(state::now_us());
                    end(frame, Ok(Obj::tuple(vec![slot(frame, 1), now, Obj::Float(f64::NAN)])))
                }),
            )
        },
        &Value::Int(5),
    );
    let items = outcome.result.unwrap();
    let items = items.as_list().unwrap().borrow();
    assert!(matches!(items[..], [Value::Int(5), Value::Int(7), Value::Float(_)]));
    assert!(outcome.non_finite);
    assert_eq!(outcome.world.now_us, 7);
    assert_eq!(state::take_log(), [("node".into(), "seen".to_owned())]);
}

#[test]
fn what_a_failed_call_changed_in_its_input_stays_changed() {
    let input = json::parse(r#"{"list": [1]}"#).unwrap();
    let outcome = call(
        |frame, _| {
            define(
                frame,
                transform(|frame, _| {
                    let list = method(&slot(frame, 1), "get", &[Obj::str("list")]).unwrap();
                    method(&list, "append", &[Obj::Int(2)]).unwrap();
                    end(
                        frame,
                        arith::binary(arith::BinaryOp::TrueDiv, false, &Obj::Int(1), &Obj::Int(0)),
                    )
                }),
            )
        },
        &input,
    );
    assert_eq!(outcome.result.unwrap_err(), "Runtime error: division by zero");
    assert_eq!(json::to_string(&input).unwrap(), r#"{"list":[1,2]}"#);
}

#[test]
fn globals_are_fresh_in_each_call() {
    let body: native::Compiled = |frame, _| {
        let seen = Obj::Bool(state::global(0).is_ok());
        stack::put(stack::after(frame, 1), seen);
        abi::py_global_set(0, stack::after(frame, 1));
        define(frame, transform(|frame, _| end(frame, state::global(0))))
    };
    for _ in 0..2 {
        assert!(matches!(call(body, &Value::Null).result, Ok(Value::Bool(false))));
    }
}
