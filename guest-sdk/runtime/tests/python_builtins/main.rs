//! Builtin functions and methods answer as CPython 3.11 does: `cases.txt` has expressions and CPython's answers.
//!
//! `cases.py` writes the answers anew: `python3 cases.py < cases.txt`. Further cases are read from the file that `PYTHON_CASES` names.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

mod eval;

use flow_rt::python::{exception, text};

#[test]
fn builtins_and_methods_answer_as_cpython() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let more = std::env::var("PYTHON_CASES").map(|path| std::fs::read_to_string(path).unwrap());
    let cases = include_str!("cases.txt").to_owned() + &more.unwrap_or_default();
    for line in cases.lines() {
        let Some((program, expected)) = line.split_once(" => ") else {
            continue;
        };
        count += 1;
        let run = || match eval::run(program).and_then(|value| text::repr(&value)) {
            Ok(text) => text,
            Err(raised) => exception::describe(&raised.0),
        };
        let answer = std::panic::catch_unwind(run).unwrap_or_else(|_| String::from("a panic"));
        if answer != expected {
            wrong.push(format!("{program}\n    cpython: {expected}\n    here:    {answer}"));
        }
    }
    assert!(count > 500, "the cases were not read");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
