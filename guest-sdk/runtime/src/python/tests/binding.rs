//! Arguments become parameters as CPython binds them; the expectations are CPython 3.11's.

use std::cell::Cell;

use super::{call, end, function, names, shown, slot};
use crate::json;
use crate::python::call as calls;
use crate::python::function::Code;
use crate::python::object::{Args, Obj};

/// Positional arguments, named ones, what the call gives.
type Call = (&'static [i64], &'static [(&'static str, i64)], &'static str);

#[rustfmt::skip]
const CASES: &[(&str, &[i64], &[Call])] = &[
    (r#"{"positional": ["a", "b"]}"#, &[], &[
        (&[1, 2], &[], "(1, 2)"),
        (&[], &[("b", 1), ("a", 2)], "(2, 1)"),
        (&[1], &[], "TypeError: f() missing 1 required positional argument: 'b'"),
        (&[], &[], "TypeError: f() missing 2 required positional arguments: 'a' and 'b'"),
        (&[1, 2, 3], &[], "TypeError: f() takes 2 positional arguments but 3 were given"),
        (&[1], &[("a", 2)], "TypeError: f() got multiple values for argument 'a'"),
        (&[1], &[("z", 2)], "TypeError: f() got an unexpected keyword argument 'z'"),
        (&[1], &[("b", 2), ("c", 3)], "TypeError: f() got an unexpected keyword argument 'c'"),
    ]),
    (r#"{"positional": ["a", "b"], "defaults": 1}"#, &[2], &[
        (&[1], &[], "(1, 2)"),
        (&[1, 5], &[], "(1, 5)"),
        (&[], &[("a", 1)], "(1, 2)"),
        (&[], &[], "TypeError: f() missing 1 required positional argument: 'a'"),
        (&[1, 2, 3], &[], "TypeError: f() takes from 1 to 2 positional arguments but 3 were given"),
        (&[], &[("b", 1)], "TypeError: f() missing 1 required positional argument: 'a'"),
    ]),
    (r#"{}"#, &[], &[
        (&[], &[], "()"),
        (&[1], &[], "TypeError: f() takes 0 positional arguments but 1 was given"),
        (&[1, 2], &[], "TypeError: f() takes 0 positional arguments but 2 were given"),
        (&[], &[("k", 1)], "TypeError: f() got an unexpected keyword argument 'k'"),
    ]),
    (r#"{"vararg": "args"}"#, &[], &[
        (&[], &[], "((),)"),
        (&[1, 2], &[], "((1, 2),)"),
        (&[], &[("args", 1)], "TypeError: f() got an unexpected keyword argument 'args'"),
    ]),
    (r#"{"kwarg": "kw"}"#, &[], &[
        (&[], &[], "({},)"),
        (&[], &[("b", 1), ("a", 2)], "({'b': 1, 'a': 2},)"),
        (&[1], &[], "TypeError: f() takes 0 positional arguments but 1 was given"),
    ]),
    (r#"{"positional": ["a", "b"], "positional_only": 1}"#, &[], &[
        (&[1, 2], &[], "(1, 2)"),
        (&[1], &[("b", 2)], "(1, 2)"),
        (&[], &[("a", 1), ("b", 2)], "TypeError: f() got some positional-only arguments passed as keyword arguments: 'a'"),
    ]),
    (r#"{"positional": ["a"], "keyword_only": [["k", false]]}"#, &[], &[
        (&[1], &[("k", 2)], "(1, 2)"),
        (&[1], &[], "TypeError: f() missing 1 required keyword-only argument: 'k'"),
        (&[1, 2], &[], "TypeError: f() takes 1 positional argument but 2 were given"),
        (&[1, 2], &[("k", 3)], "TypeError: f() takes 1 positional argument but 2 positional arguments (and 1 keyword-only argument) were given"),
        (&[], &[("k", 1)], "TypeError: f() missing 1 required positional argument: 'a'"),
        (&[1, 2, 3], &[("k", 3)], "TypeError: f() takes 1 positional argument but 3 positional arguments (and 1 keyword-only argument) were given"),
    ]),
    (r#"{"positional": ["a"], "keyword_only": [["k", true], ["j", false]]}"#, &[1], &[
        (&[1], &[("j", 2)], "(1, 1, 2)"),
        (&[1, 2], &[("k", 1), ("j", 2)], "TypeError: f() takes 1 positional argument but 2 positional arguments (and 2 keyword-only arguments) were given"),
        (&[1], &[], "TypeError: f() missing 1 required keyword-only argument: 'j'"),
    ]),
    (r#"{"positional": ["a", "b"], "defaults": 1, "vararg": "args", "keyword_only": [["k", true]], "kwarg": "kw"}"#, &[2, 3], &[
        (&[1], &[], "(1, 2, 3, (), {})"),
        (&[1, 2, 3, 4], &[], "(1, 2, 3, (3, 4), {})"),
        (&[1], &[("k", 4), ("z", 5)], "(1, 2, 4, (), {'z': 5})"),
        (&[1], &[("a", 2)], "TypeError: f() got multiple values for argument 'a'"),
        (&[], &[("b", 3), ("a", 1), ("x", 0)], "(1, 3, 3, (), {'x': 0})"),
        (&[], &[], "TypeError: f() missing 1 required positional argument: 'a'"),
    ]),
    (r#"{"positional": ["a", "b", "c"]}"#, &[], &[
        (&[], &[], "TypeError: f() missing 3 required positional arguments: 'a', 'b', and 'c'"),
        (&[1], &[], "TypeError: f() missing 2 required positional arguments: 'b' and 'c'"),
        (&[], &[("b", 1)], "TypeError: f() missing 2 required positional arguments: 'a' and 'c'"),
        (&[1, 2, 3, 4], &[], "TypeError: f() takes 3 positional arguments but 4 were given"),
    ]),
    (r#"{"positional": ["a", "b"], "defaults": 2}"#, &[1, 2], &[
        (&[], &[], "(1, 2)"),
        (&[1, 2, 3], &[], "TypeError: f() takes from 0 to 2 positional arguments but 3 were given"),
        (&[], &[("b", 9)], "(1, 9)"),
    ]),
    (r#"{"positional": ["a"], "positional_only": 1, "kwarg": "kw"}"#, &[], &[
        (&[1], &[("a", 2)], "(1, {'a': 2})"),
        (&[], &[("a", 2)], "TypeError: f() missing 1 required positional argument: 'a'"),
    ]),
];

thread_local! {
    static PARAMS: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn arguments_are_bound_and_refused_as_cpython_does() {
    for (description, defaults, calls) in CASES {
        PARAMS.set(Code::read(&json::parse(description).unwrap()).params());
        let defaults = defaults.iter().map(|n| Obj::Int(*n)).collect();
        let gather = |frame, _| {
            let params = (0..PARAMS.get()).map(|at| slot(frame, 1 + at as u32));
            end(frame, Ok(Obj::tuple(params.collect::<Vec<_>>())))
        };
        let f = function(description, gather, defaults);
        for (plain, named, expected) in *calls {
            let numbers = plain.iter().chain(named.iter().map(|(_, n)| n));
            let values: Vec<Obj> = numbers.map(|n| Obj::Int(*n)).collect();
            let names = names(&named.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            let args = Args {
                values: &values,
                names: &names,
            };
            assert_eq!(shown(calls::call(&f, &args)), *expected, "{description} {plain:?} {named:?}");
        }
    }
}

#[test]
fn recursion_ends_in_an_exception() {
    thread_local! {
        static SELF: Cell<Option<Obj>> = const { Cell::new(None) };
        static DEEPEST: Cell<u32> = const { Cell::new(0) };
    }
    let f = function(
        r#"{"positional": []}"#,
        |frame, _| {
            DEEPEST.set(DEEPEST.get() + 1);
            let this = SELF.take().unwrap();
            SELF.set(Some(this.clone()));
            end(frame, call(&this, &[]))
        },
        Vec::new(),
    );
    SELF.set(Some(f.clone()));
    assert_eq!(shown(call(&f, &[])), "RecursionError: maximum recursion depth exceeded");
    assert_eq!(DEEPEST.get(), 1000);
    // The stack is as it was.
    DEEPEST.set(0);
    assert_eq!(shown(call(&f, &[])), "RecursionError: maximum recursion depth exceeded");
    assert_eq!(DEEPEST.get(), 1000);
}

#[test]
fn frames_larger_than_the_stack_are_refused() {
    let f = function(r#"{"slots": 40000}"#, |_, _| 0, Vec::new());
    assert_eq!(shown(call(&f, &[])), "RecursionError: maximum recursion depth exceeded");
}
