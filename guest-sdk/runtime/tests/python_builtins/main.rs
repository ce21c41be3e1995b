//! Builtin functions and methods answer as CPython 3.11 does: `cases.txt` has expressions and CPython's answers.
//!
//! `cases.py` writes the answers anew: `python3 cases.py < cases.txt`. Further cases are read from the file that `PYTHON_CASES` names.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

#[path = "../python_eval/mod.rs"]
mod eval;

#[test]
fn builtins_and_methods_answer_as_cpython() {
    let more = std::env::var("PYTHON_CASES").map(|path| std::fs::read_to_string(path).unwrap());
    let cases = include_str!("cases.txt").to_owned() + &more.unwrap_or_default();
    eval::check(&cases, 500);
}
