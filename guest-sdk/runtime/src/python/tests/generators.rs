//! Generators: suspended frames, sent values, and how they end.

use super::{call, end, function, method, shown, slot};
use crate::python::error::value_error;
use crate::python::generator;
use crate::python::iter;
use crate::python::object::Obj;
use crate::python::{builtins, names::Builtin, object::Args, stack};

/// ```python
/// def f(n):
///     while n:
///         got = yield n
///         n = n - 1 if got is None else got
///     return 'end'
/// ```
fn countdown(frame: u32, state: u32) -> i32 {
    let n = stack::after(frame, 1);
    if state == 1 | generator::RAISE {
        return 1;
    }
    if state == 1 {
        let next = match slot(frame, 0) {
            Obj::None => match slot(frame, 1) {
                Obj::Int(n) => Obj::Int(n - 1),
                other => other,
            },
            sent => sent,
        };
        stack::put(n, next);
    }
    match slot(frame, 1) {
        Obj::Int(0) => end(frame, Ok(Obj::str("end"))),
        Obj::Int(n) if n < 0 => end(frame, Err(value_error("below zero"))),
        value => {
            stack::put(frame, value);
            2 + 1
        }
    }
}

fn started(from: i64) -> Obj {
    let f = function(
        r#"{"positional": ["n"], "generator": true, "slots": 4}"#,
        countdown,
        Vec::new(),
    );
    call(&f, &[Obj::Int(from)]).unwrap()
}

fn next(generator: &Obj) -> String {
    shown(builtins::call(
        Builtin::Next,
        &Args::positional(std::slice::from_ref(generator)),
    ))
}

#[test]
fn a_generator_gives_its_items_and_then_stops() {
    let generator = started(3);
    assert_eq!(shown(iter::collect(&generator).map(Obj::list)), "[3, 2, 1]");
    assert_eq!(shown(iter::collect(&generator).map(Obj::list)), "[]");
    let generator = started(1);
    assert_eq!(next(&generator), "1");
    assert_eq!(next(&generator), "StopIteration: end");
    assert_eq!(next(&generator), "StopIteration");
}

#[test]
fn what_is_sent_is_the_value_of_yield() {
    let generator = started(3);
    assert_eq!(
        shown(method(&generator, "send", &[Obj::Int(9)])),
        "TypeError: can't send non-None value to a just-started generator"
    );
    assert_eq!(shown(method(&generator, "send", &[Obj::None])), "3");
    assert_eq!(shown(method(&generator, "send", &[Obj::Int(7)])), "7");
    assert_eq!(next(&generator), "6");
    assert_eq!(shown(method(&generator, "send", &[Obj::Int(0)])), "StopIteration: end");
}

#[test]
fn an_exception_ends_a_generator() {
    let generator = started(2);
    assert_eq!(next(&generator), "2");
    assert_eq!(shown(method(&generator, "send", &[Obj::Int(-1)])), "ValueError: below zero");
    assert_eq!(next(&generator), "StopIteration");
    let generator = started(2);
    assert_eq!(next(&generator), "2");
    assert_eq!(shown(method(&generator, "close", &[])), "None");
    assert_eq!(next(&generator), "StopIteration");
    let generator = started(2);
    let error = Obj::Builtin(Builtin::KeyError);
    assert_eq!(shown(method(&generator, "throw", &[error])), "KeyError");
    assert_eq!(next(&generator), "StopIteration");
}

#[test]
fn a_stop_inside_is_no_end() {
    let f = function(
        r#"{"generator": true}"#,
        |frame, _| {
            let stop = builtins::call(
                Builtin::Next,
                &Args::positional(&[iter::iter(&Obj::list(Vec::new())).unwrap()]),
            );
            end(frame, stop)
        },
        Vec::new(),
    );
    let generator = call(&f, &[]).unwrap();
    assert_eq!(next(&generator), "RuntimeError: generator raised StopIteration");
}

#[test]
fn a_generator_cannot_advance_itself() {
    let f = function(
        r#"{"positional": ["own"], "generator": true}"#,
        |frame, _| {
            let own = match slot(frame, 1) {
                Obj::List(list) => list.0.borrow()[0].clone(),
                other => other,
            };
            end(frame, iter::next(&own).map(|_| Obj::None))
        },
        Vec::new(),
    );
    let own = Obj::list(Vec::new());
    let generator = call(&f, std::slice::from_ref(&own)).unwrap();
    if let Obj::List(list) = &own {
        list.0.borrow_mut().push(generator.clone());
    }
    assert_eq!(next(&generator), "ValueError: generator already executing");
}
