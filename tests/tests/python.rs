//! Random Python programs: what a code node compiles to must compute what CPython does.
//!
//! `FLOWGATE_PYTHON_PROGRAMS` says how many, `FLOWGATE_SEED` from which on (20000). Without a `python3` of the version whose behaviour the code
//! nodes have there is nothing to compare with, and the test says so.

use std::path::Path;
use std::process::Stdio;

use flowgate_tests::random::Random;
use flowgate_tests::random_python;
use flowgate_tests::server::command;
use serde_json::{Value, json};
use tokio::process::Command;

/// A binary without optimization needs a third of a second for one.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 50 } else { 300 };

/// Runs each program of a file of JSON lines in a module of its own and writes what `transform` returned, one JSON line each.
const DRIVER: &str = "\
import json, sys, warnings
warnings.simplefilter('ignore')
for line in open(sys.argv[1], encoding='utf-8'):
    names = {'__name__': '__main__'}
    try:
        exec(compile(json.loads(line), 'program', 'exec'), names)
        print(json.dumps(names['transform']({})))
    except BaseException as error:
        print(json.dumps({'not a program': repr(error)}))
";

async fn python_is_there() -> bool {
    let check = "import sys; sys.exit(sys.version_info[:2] != (3, 11))";
    let status = Command::new("python3")
        .args(["-c", check])
        .stderr(Stdio::null())
        .status()
        .await;
    status.is_ok_and(|status| status.success())
}

/// A flow that runs one program and ends with what it returned.
fn case(name: &str, program: &str) -> Value {
    let exec = |id: &str| json!({"id": id, "type": "execution"});
    let any = |id: &str| json!({"id": id, "type": "any"});
    let edge = |id: &str, source: &str, from: &str, target: &str, to: &str| json!({"id": id, "source": source, "sourceHandle": from, "target": target, "targetHandle": to});
    json!({"name": name, "root": "f", "input": {}, "script": [], "flows": {"f": {"id": "f", "name": "f", "entryNode": "s", "nodes": [
        {"id": "s", "type": "on_flow_start", "data": {"inputs": [], "outputs": [exec("exec-out")]}},
        {"id": "c", "type": "code", "data": {
            "inputs": [exec("exec-in")], "outputs": [exec("exec-out"), any("output"), any("success")],
            "code": program, "functionName": "transform"}},
        {"id": "e", "type": "on_flow_end", "data": {"inputs": [exec("exec-in"), any("output"), any("success")], "outputs": []}}
    ], "edges": [
        edge("0", "s", "exec-out", "c", "exec-in"), edge("1", "c", "exec-out", "e", "exec-in"),
        edge("2", "c", "output", "e", "output"), edge("3", "c", "success", "e", "success")
    ]}}})
}

fn lines(bytes: Vec<u8>) -> Vec<Value> {
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn write_lines(file: &Path, values: impl Iterator<Item = Value>) {
    let text: String = values.map(|value| format!("{value}\n")).collect();
    std::fs::write(file, text).expect("the file is written");
}

/// What compiled programs return; of one that does not compile or does not end well, how.
async fn compiled(programs: &[(u64, String)], dir: &Path) -> Vec<Value> {
    let file = dir.join("cases.jsonl");
    write_lines(&file, programs.iter().map(|(seed, program)| case(&seed.to_string(), program)));
    let output = command()
        .arg("cases")
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("flowgate runs");
    let got = lines(output.stdout);
    assert_eq!(got.len(), programs.len(), "one line a program; {}", output.status);
    let answer = |line: Value| match &line["got"]["output"] {
        Value::Object(output) if output.get("success") == Some(&Value::Bool(true)) => {
            output.get("output").cloned().unwrap_or_default()
        }
        _ => line["got"].clone(),
    };
    got.into_iter().map(answer).collect()
}

async fn interpreted(programs: &[(u64, String)], dir: &Path) -> Vec<Value> {
    let file = dir.join("programs.jsonl");
    write_lines(&file, programs.iter().map(|(_, program)| Value::from(program.as_str())));
    let mut python = Command::new("python3");
    let output = python
        .args(["-c", DRIVER])
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("python3 runs");
    let got = lines(output.stdout);
    assert_eq!(got.len(), programs.len(), "one line a program; {}", output.status);
    got
}

/// The first part of two answers that is not the same; nothing if it is a known difference.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    // What was raised is shown whole: class and text.
    let raised = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| items.len() == 2 && items.iter().all(Value::is_string))
    };
    if let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs)
        && !raised(&Value::from(ours.clone()))
        && ours.len() == theirs.len()
        && let Some((at, (ours, theirs))) = ours.iter().zip(theirs).enumerate().find(|(_, (ours, theirs))| ours != theirs)
    {
        return Some(format!("[{at}]{}", difference(ours, theirs)?));
    }
    // CPython looks a method up before it evaluates the arguments of its call, here that is after: if both raise, the other one shows.
    if raised(ours) && raised(theirs) && theirs[0] == "AttributeError" && ours[0] != theirs[0] {
        return None;
    }
    Some(format!("\n    compiled: {ours}\n    python3:  {theirs}"))
}

#[tokio::test]
async fn a_random_program_computes_what_cpython_does() {
    if !python_is_there().await {
        eprintln!("there is no python3 of version 3.11: nothing to compare with");
        return;
    }
    let count: u64 = match std::env::var("FLOWGATE_PYTHON_PROGRAMS") {
        Ok(text) => text.parse().expect("FLOWGATE_PYTHON_PROGRAMS is a number"),
        Err(_) => PROGRAMS,
    };
    let seed = match std::env::var("FLOWGATE_SEED") {
        Ok(text) => text.parse().expect("FLOWGATE_SEED is a number"),
        // Always the same, so that a change is judged by what it changes; other seeds look for what is not known yet.
        Err(_) => 20_000,
    };
    let dir = tempfile::tempdir().expect("a directory");
    let programs: Vec<(u64, String)> = (seed..seed + count)
        .map(|seed| (seed, random_python::program(&mut Random::of(seed))))
        .collect();
    let theirs = interpreted(&programs, dir.path()).await;
    let ours = compiled(&programs, dir.path()).await;
    let mut differ = Vec::new();
    let kept = std::env::temp_dir().join("flowgate-python");
    for ((seed, program), (ours, theirs)) in programs.iter().zip(ours.iter().zip(&theirs)) {
        assert!(
            theirs.is_array(),
            "FLOWGATE_SEED={seed} is not a program: {theirs}\n{program}"
        );
        if ours != theirs
            && let Some(difference) = difference(ours, theirs)
        {
            std::fs::create_dir_all(&kept).expect("a directory");
            let file = kept.join(format!("{seed}.py"));
            std::fs::write(&file, program).expect("the program is written");
            // The seed is how to have this one again, alone.
            differ.push(format!(
                "FLOWGATE_SEED={seed} FLOWGATE_PYTHON_PROGRAMS=1 ({}): {}",
                file.display(),
                difference
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {count} programs differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}
