//! Importable modules answer as CPython 3.11 does: `cases.txt` has programs and CPython's answers.
//!
//! `cases.py` writes the answers anew: `python3 cases.py < cases.txt`.

mod eval;

use flow_rt::python::{exception, text};

#[test]
fn modules_answer_as_cpython() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("cases.txt").lines() {
        let Some((program, expected)) = line.split_once(" => ") else {
            continue;
        };
        count += 1;
        let answer = match eval::run(program).and_then(|value| text::repr(&value)) {
            Ok(text) => text,
            Err(raised) => exception::describe(&raised.0),
        };
        if answer != expected {
            wrong.push(format!("{program}\n    cpython: {expected}\n    here:    {answer}"));
        }
    }
    assert!(count > 300, "the cases were not read");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
