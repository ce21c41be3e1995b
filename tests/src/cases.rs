//! Cases through `flowgate cases`, where a host lives and dies within a process, in virtual time.

use std::process::Stdio;

use serde_json::Value;

use crate::ledger::comparable;
use crate::server::command;

/// What `flowgate cases` prints of these cases: one line of JSON each, in their order. `arguments` come before the file.
pub async fn run(cases: &[Value], arguments: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("cases.jsonl");
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n") + "\n").expect("the cases are written");
    let output = command()
        .args(["cases", "--log-level", "error"])
        .args(arguments)
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("flowgate runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let got: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(
        got.len(),
        cases.len(),
        "one line a case: the next one was {}; {}",
        cases[got.len().min(cases.len() - 1)]["name"],
        output.status
    );
    got
}

/// What `flowgate cases` prints of these cases when the host is killed.
pub async fn killed(cases: &[Value], pattern: u64, settings: &[&str]) -> Vec<Value> {
    let pattern = pattern.to_string();
    let arguments = [&["--kill-at-every-commit", &pattern], settings].concat();
    run(cases, &arguments).await
}

/// How the killed run differs from the undisturbed one. Compared as text: the order of keys counts, and 3 is not 3.0.
pub fn difference(answer: &Value) -> Option<String> {
    let (got, killed) = (&answer["got"], &answer["killed"]);
    for part in ["status", "output", "error", "waiting"] {
        let (got, killed) = (got[part].to_string(), killed[part].to_string());
        if got != killed {
            return Some(format!("{part} {killed} instead of {got}"));
        }
    }
    let rows = |outcome: &Value| comparable(outcome["ledger"].as_array().expect("rows"));
    first_difference(&rows(got), &rows(killed))
}

pub fn first_difference(expected: &[Value], got: &[Value]) -> Option<String> {
    let text = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<Vec<_>>();
    let (expected, got) = (text(expected), text(got));
    let at = (0..expected.len().max(got.len())).find(|at| expected.get(*at) != got.get(*at))?;
    Some(format!("row {}: {:?} instead of {:?}", at + 1, got.get(at), expected.get(at)))
}
