//! The runtime under functions that stand in for compiled ones.

mod binding;
mod classes;
mod entry;
mod exceptions;
mod generators;
mod iteration;
mod operators;

use std::rc::Rc;

use super::abi::{self, native};
use super::call;
use super::error::{Py, Raised};
use super::exception;
use super::function::{Code, Function};
use super::object::{Args, Name, Obj, Text};
use super::{stack, state, text};
use crate::json;

/// A function of the program, from the compiler's description and the code.
fn function(description: &str, compiled: native::Compiled, attached: Vec<Obj>) -> Obj {
    let mut code = Code::read(&json::parse(description).unwrap());
    if code.qualname.text.is_empty() {
        code.name = Rc::new(Text::new("f"));
        code.qualname = code.name.clone();
    }
    code.table = native::add(compiled);
    Obj::Function(Function::new(Box::leak(Box::new(code)), attached))
}

/// The object in slot `at` of a frame.
fn slot(frame: u32, at: u32) -> Obj {
    let address = stack::after(frame, at);
    let value = stack::take(address);
    stack::put(address, value.clone());
    value
}

/// Ends a stand-in: its result or its exception.
fn end(frame: u32, result: Py) -> i32 {
    match result {
        Ok(value) => {
            stack::put(frame, value);
            0
        }
        Err(raised) => {
            state::set_pending(raised);
            1
        }
    }
}

fn names(names: &[&str]) -> Vec<Rc<Text>> {
    names.iter().map(|name| Rc::new(Text::new(*name))).collect()
}

fn call(callee: &Obj, args: &[Obj]) -> Py {
    call::call(callee, &Args::positional(args))
}

fn method(object: &Obj, name: &str, args: &[Obj]) -> Py {
    call::call_method(object, &Name::new(name), &Args::positional(args))
}

/// A result as a test shows it: its `repr`, or the exception.
fn shown(result: Py) -> String {
    match result.and_then(|value| text::repr(&value)) {
        Ok(text) => text,
        Err(Raised(raised)) => exception::describe(&raised),
    }
}

/// What an export's status says.
fn status(code: i32) -> Py<()> {
    match code {
        0 => Ok(()),
        _ => Err(state::take_pending()),
    }
}

/// Slots for exports to work on.
struct Slots(stack::Frame);

impl Slots {
    fn of(values: &[Obj]) -> Slots {
        let mut frame = stack::Frame::push(values.len()).unwrap();
        for (at, value) in values.iter().enumerate() {
            frame.set(at, value.clone());
        }
        Slots(frame)
    }
    fn at(&self, at: u32) -> u32 {
        stack::after(self.0.address(), at)
    }
    fn get(&mut self, at: usize) -> Obj {
        let value = self.0.take(at);
        self.0.set(at, value.clone());
        value
    }
}

#[test]
fn exports_answer_zero_for_done_and_leave_an_exception_otherwise() {
    let mut slots = Slots::of(&[Obj::None, Obj::Int(1), Obj::str("x"), Obj::None]);
    assert_eq!(abi::py_binary(0, slots.at(0), slots.at(1), slots.at(1)), 0);
    assert_eq!(shown(Ok(slots.get(0))), "2");
    assert_eq!(abi::py_binary(0, slots.at(0), slots.at(1), slots.at(2)), 1);
    let raised = state::take_pending();
    assert_eq!(
        exception::describe(&raised.0),
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'"
    );
    assert_eq!(abi::py_compare_test(2, slots.at(1), slots.at(2)), 2);
    assert_eq!(abi::py_truth(slots.at(3)), 0);
    assert_eq!(abi::py_compare_test(0, slots.at(1), slots.at(2)), 0);
}

#[test]
fn arguments_are_taken_from_their_slots() {
    let f = function(
        r#"{"positional": ["a", "b"]}"#,
        |frame, _| end(frame, Ok(Obj::tuple(vec![slot(frame, 1), slot(frame, 2)]))),
        Vec::new(),
    );
    let list = Obj::list(vec![Obj::Int(1)]);
    let mut slots = Slots::of(&[f, list.clone(), Obj::Int(2), Obj::None]);
    assert_eq!(abi::py_call(slots.at(3), slots.at(0), slots.at(1), 2, u32::MAX), 0);
    assert_eq!(shown(Ok(slots.get(3))), "([1], 2)");
    assert!(slots.get(1).is_none() && slots.get(2).is_none());
    // By name, and through a method of a builtin.
    state::put_constant(7, state::Constant::Names(names(&["b", "a"])));
    let mut slots = Slots::of(&[slots.get(0), Obj::Int(1), list, Obj::None]);
    assert_eq!(abi::py_call(slots.at(3), slots.at(0), slots.at(1), 2, 7), 0);
    assert_eq!(shown(Ok(slots.get(3))), "([1], 1)");
    assert!(slots.get(1).is_none() && slots.get(2).is_none());
}

#[test]
fn unpacking_counts_as_cpython_does() {
    let text = Obj::str("abc");
    let list = Obj::list(vec![Obj::Int(1)]);
    for (source, count, expected) in [
        (&text, 3, "['a', 'b', 'c']"),
        (&text, 2, "ValueError: too many values to unpack (expected 2)"),
        (&text, 4, "ValueError: not enough values to unpack (expected 4, got 3)"),
        (&list, 1, "[1]"),
        (&list, 2, "ValueError: not enough values to unpack (expected 2, got 1)"),
        (&list, 0, "ValueError: too many values to unpack (expected 0)"),
        (&Obj::Int(5), 2, "TypeError: cannot unpack non-iterable int object"),
    ] {
        let mut slots = Slots::of(&[source.clone(), Obj::None, Obj::None, Obj::None, Obj::None]);
        let result = status(abi::py_unpack(slots.at(1), slots.at(0), count)).map(|()| {
            let items = (1..=count as usize).map(|at| slots.get(at));
            Obj::list(items.collect())
        });
        assert_eq!(shown(result), expected);
    }
    let mut slots = Slots::of(&[text, Obj::None, Obj::None, Obj::None]);
    status(abi::py_unpack_star(slots.at(1), slots.at(0), 1, 1)).unwrap();
    let parts: Vec<_> = (1..4).map(|at| shown(Ok(slots.get(at)))).collect();
    assert_eq!(parts, ["'a'", "['b']", "'c'"]);
    let refused = status(abi::py_unpack_star(slots.at(1), slots.at(0), 2, 2)).unwrap_err();
    assert_eq!(
        exception::describe(&refused.0),
        "ValueError: not enough values to unpack (expected at least 4, got 3)"
    );
}

#[test]
fn a_counting_loop_stops_where_range_does() {
    for (args, expected) in [
        (&[3][..], "[0, 1, 2]"),
        (&[1, 4], "[1, 2, 3]"),
        (&[5, 0, -2], "[5, 3, 1]"),
        (&[4, 1], "[]"),
        (&[i64::MAX - 1, i64::MAX, 5], "[9223372036854775806]"),
        (&[1, 2, 0], "ValueError: range() arg 3 must not be zero"),
    ] {
        let mut values = vec![Obj::None; 7];
        for (at, arg) in args.iter().enumerate() {
            values[4 + at] = Obj::Int(*arg);
        }
        let mut slots = Slots::of(&values);
        let result = status(abi::py_range(slots.at(1), slots.at(4), args.len() as u32)).map(|()| {
            let mut items = Vec::new();
            let (item, counter) = (slots.at(0), slots.at(1));
            let next = || abi::py_range_next(item, counter) == 1 || abi::py_range_more(item, counter) == 1;
            while next() {
                items.push(slots.get(0));
            }
            Obj::list(items)
        });
        assert_eq!(shown(result), expected);
    }
}
