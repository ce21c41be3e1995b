//! Importable modules answer as CPython 3.11 does: `cases.txt` has programs and CPython's answers.
//!
//! `cases.py` writes the answers anew: `python3 cases.py < cases.txt`.

#[path = "../python_eval/mod.rs"]
mod eval;

#[test]
fn modules_answer_as_cpython() {
    eval::check(include_str!("cases.txt"), 300);
}
