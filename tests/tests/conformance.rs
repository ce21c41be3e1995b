//! Recorded behaviour of the reference, run through compiled components: `flowgate cases` must give what was recorded.
//!
//! The cases in `tests/cases` are the project's own; `FLOWGATE_CASES` names a folder with more (`flows.jsonl`, `data-nodes.jsonl`,
//! `code.jsonl`), `FLOWGATE_CORPUS` one with whole flows that must compile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flowgate_tests::server::command;
use flowgate_tests::{cases, example, root};
use serde_json::{Value, json};

/// Recorded cases that this project answers otherwise: classes work here, which the reference's sandbox refuses.
const DECIDED_OTHERWISE: [&str; 1] = ["python/program59/"];

fn kinds(flow: &Value) -> impl Iterator<Item = &str> {
    flow["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| node["type"].as_str())
}

fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cases = text.lines().filter(|line| !line.trim().is_empty());
    cases
        .map(|line| with_flows(serde_json::from_str(line).expect("a case is JSON")))
        .collect()
}

/// A case may name a bundle of `examples/` in place of its flows.
fn with_flows(mut case: Value) -> Value {
    let Some(bundle) = case["bundle"].as_str().map(example) else {
        return case;
    };
    let json = |path: PathBuf| serde_json::from_slice::<Value>(&std::fs::read(path).expect("an example is there")).expect("JSON");
    let manifest = json(bundle.join("manifest.json"));
    let flows = manifest["flows"].as_object().expect("flows").iter();
    let flows = flows.map(|(id, path)| (id.clone(), json(bundle.join(path.as_str().expect("a path")))));
    case["flows"] = flows.collect();
    case
}

/// Runs the cases and answers one line for each that differs.
async fn differences(cases: &[Value]) -> Vec<String> {
    let got = cases::run(cases, &[]).await;
    let differs = |(case, got): (&Value, &Value)| {
        assert_eq!(case["name"], got["name"]);
        let what = difference(&case["expect"], &got["got"])?;
        Some(format!("{}: {what}", case["name"]))
    };
    cases.iter().zip(&got).filter_map(differs).collect()
}

/// How an outcome differs from the recorded one. 3 is not 3.0; the order of keys and the words of an error do not count.
fn difference(expected: &Value, got: &Value) -> Option<String> {
    if expected["compile_error"].is_null() != got["compile_error"].is_null() {
        return Some(format!(
            "compiling: {} instead of {}",
            got["compile_error"], expected["compile_error"]
        ));
    }
    if expected["status"] != got["status"] {
        return Some(format!(
            "status {} instead of {} ({})",
            got["status"], expected["status"], got["error"]
        ));
    }
    // Of a program that fails only that it does.
    if expected["output"] == json!({"success": false}) {
        let fails = got["output"]["success"] == false;
        return (!fails).then(|| format!("output {} instead of a failure", got["output"]));
    }
    let output = |outcome: &Value| without_words(&outcome["output"]);
    if output(expected) != output(got) {
        return Some(format!("output {} instead of {}", got["output"], expected["output"]));
    }
    if expected["error"].is_null() != got["error"].is_null() {
        return Some(format!("error {} instead of {}", got["error"], expected["error"]));
    }
    if expected["ledger"].is_null() {
        return None;
    }
    let rows = |outcome: &Value| {
        outcome["ledger"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .iter()
            .map(row)
            .collect::<Vec<_>>()
    };
    let (expected, got) = (rows(expected), rows(got));
    let at = (0..expected.len().max(got.len())).find(|at| expected.get(*at) != got.get(*at))?;
    Some(format!("row {}: {:?} instead of {:?}", at + 1, got.get(at), expected.get(at)))
}

/// What counts of a row.
fn row(row: &Value) -> [Value; 6] {
    [
        &row["run"],
        &row["node"],
        &row["status"],
        &row["effect"]["type"],
        &row["effect"]["payload"],
        &row["result"],
    ]
    .map(without_words)
}

/// A value with the texts of errors replaced: they may be the reference's own wording.
fn without_words(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_words).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| match value {
                Value::String(_) if key == "error" => (key.clone(), "…".into()),
                _ => (key.clone(), without_words(value)),
            };
            fields.iter().map(field).collect()
        }
        other => other.clone(),
    }
}

async fn check(files: &[PathBuf]) {
    let mut failed = Vec::new();
    for file in files {
        let mut cases = read(file);
        cases.retain(|case| {
            !DECIDED_OTHERWISE
                .iter()
                .any(|prefix| case["name"].as_str().is_some_and(|name| name.starts_with(prefix)))
        });
        let differences = differences(&cases).await;
        let passed = cases.len() - differences.len();
        eprintln!(
            "{}: {passed} of {} cases pass",
            file.file_name().unwrap_or_default().display(),
            cases.len()
        );
        failed.extend(differences);
    }
    assert!(
        failed.is_empty(),
        "{} cases differ:\n{}",
        failed.len(),
        failed[..failed.len().min(40)].join("\n")
    );
}

#[tokio::test]
async fn recorded_cases_come_out_as_recorded() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("tests/cases"))
        .expect("tests/cases is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    if let Some(folder) = std::env::var_os("FLOWGATE_CASES").map(PathBuf::from) {
        files.extend(["flows.jsonl", "data-nodes.jsonl", "code.jsonl"].map(|name| folder.join(name)));
    }
    check(&files).await;
}

#[tokio::test]
async fn flows_of_the_corpus_compile_and_run() {
    let Some(corpus) = std::env::var_os("FLOWGATE_CORPUS").map(PathBuf::from) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let (mut compiled, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for entry in std::fs::read_dir(corpus.join("flows")).expect("the corpus has flows") {
        let path = entry.expect("an entry").path();
        let Ok(flow) = serde_json::from_slice::<Value>(&std::fs::read(&path).expect("a flow can be read")) else {
            continue;
        };
        if kinds(&flow).next().is_none() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let out = dir.path().join("flow.wasm");
        let output = command()
            .arg("compile")
            .arg(&path)
            .arg("-o")
            .arg(&out)
            .output()
            .await
            .expect("flowgate runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        compiled.insert(name.clone());
        // One that calls others cannot run alone.
        if kinds(&flow).any(|kind| kind == "subflow") {
            continue;
        }
        let id = flow["id"].as_str().expect("a flow has an id");
        let case = dir.path().join("case.jsonl");
        let line = json!({"name": name, "flows": {id: flow}, "root": id, "input": {}, "script": []}).to_string();
        std::fs::write(&case, line).expect("the case is written");
        let output = command().arg("cases").arg(&case).output().await.expect("flowgate runs");
        let got: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
        // What asks a person, a model, a tool or an agent gets no answer here, and stops there.
        let unanswered = got["got"]["error"]
            .as_str()
            .is_some_and(|error| error.contains("unscripted effect") || error.contains("not found in registry"));
        // One that cannot do without its parameters says so.
        let refuses = got["got"]["status"] == "error";
        if unanswered || refuses || got["got"]["status"] == "waiting" {
            continue;
        }
        assert_eq!(got["got"]["status"], "completed", "{name}: {got}");
        ended.insert(name);
    }
    eprintln!("of the corpus compile {compiled:?}, of which these run to their end: {ended:?}");
}
