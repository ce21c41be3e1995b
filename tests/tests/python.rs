//! Random Python programs: what a code node compiles to must compute what CPython does.
//!
//! `FLOWGATE_PYTHON_PROGRAMS` says how many, `FLOWGATE_SEED` from which on (20000); of programs of single calls there are as many, with 50
//! calls each. Without a `python3` of the version whose behaviour the code nodes have there is nothing to compare with, and the tests say so.

use std::path::Path;
use std::process::Stdio;

use flowgate_tests::random::Random;
use flowgate_tests::{cases, random_python};
use serde_json::{Value, json};
use tokio::process::Command;

/// How many programs of functions, and of calls. A binary without optimization needs a third of a second for one of functions.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 120 } else { 400 };
const CALLS: u64 = if cfg!(debug_assertions) { 150 } else { 600 };

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
async fn compiled(programs: &[(u64, String)]) -> Vec<Value> {
    let cases: Vec<Value> = programs
        .iter()
        .map(|(seed, program)| case(&seed.to_string(), program))
        .collect();
    let got = cases::run(&cases, &[]).await;
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
    // A set of texts and numbers is in another order each time, so which two cannot be compared first differs.
    if raised(ours) && raised(theirs) && ours[0] == theirs[0] {
        let words = |value: &Value| {
            let mut words: Vec<String> = value[1].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        let compared = |value: &Value| {
            value[1]
                .as_str()
                .is_some_and(|text| text.contains("not supported between instances of"))
        };
        if compared(ours) && words(ours) == words(theirs) {
            return None;
        }
    }
    Some(format!("\n    compiled: {ours}\n    python3:  {theirs}"))
}

/// From which seed on, and how many; nothing if there is no CPython to compare with.
async fn seeds(count: u64) -> Option<std::ops::Range<u64>> {
    if !python_is_there().await {
        eprintln!("there is no python3 of version 3.11: nothing to compare with");
        return None;
    }
    let given = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let count = given("FLOWGATE_PYTHON_PROGRAMS").unwrap_or(count);
    // Always the same, so that a change is judged by what it changes; other seeds look for what is not known yet.
    let first = given("FLOWGATE_SEED").unwrap_or(20_000);
    Some(first..first + count)
}

/// Without the addresses of objects, which differ from run to run.
fn settled(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let mut parts = text.split(" at 0x");
            let mut settled = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                settled += " at ";
                settled += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
            }
            settled.into()
        }
        Value::Array(items) => items.iter().map(settled).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_random_call_gives_what_cpython_gives() {
    let Some(seeds) = seeds(CALLS).await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let made: Vec<_> = seeds
        .map(|seed| (seed, random_python::calls::program(&mut Random::of(seed))))
        .collect();
    let programs: Vec<(u64, String)> = made.iter().map(|(seed, (program, _))| (*seed, program.clone())).collect();
    let theirs = interpreted(&programs, dir.path()).await;
    let ours = compiled(&programs).await;
    let mut differ = Vec::new();
    for ((seed, (program, calls)), (ours, theirs)) in made.iter().zip(ours.iter().zip(&theirs)) {
        let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs) else {
            panic!("FLOWGATE_SEED={seed}: {ours} {theirs}\n{program}");
        };
        assert_eq!((ours.len(), theirs.len()), (calls.len(), calls.len()));
        for (call, (ours, theirs)) in calls.iter().zip(ours.iter().zip(theirs)) {
            let (ours, theirs) = (settled(ours), settled(theirs));
            if ours != theirs {
                differ.push(format!(
                    "FLOWGATE_SEED={seed}: {call}\n    compiled: {ours}\n    python3:  {theirs}"
                ));
            }
        }
    }
    let all = made.len() * random_python::calls::CALLS;
    assert!(
        differ.is_empty(),
        "{} of {all} calls differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[tokio::test]
async fn a_random_program_computes_what_cpython_does() {
    let Some(seeds) = seeds(PROGRAMS).await else { return };
    let count = seeds.end - seeds.start;
    let dir = tempfile::tempdir().expect("a directory");
    let programs: Vec<(u64, String)> = seeds
        .map(|seed| (seed, random_python::program(&mut Random::of(seed))))
        .collect();
    let theirs = interpreted(&programs, dir.path()).await;
    let ours = compiled(&programs).await;
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
