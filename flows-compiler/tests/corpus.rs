//! Real and recorded flows go through the front of the compiler. Both sets lie outside the project: `FLOWGATE_CORPUS` names a
//! folder with `flows/*.json` and `bundles/*.flow`, `FLOWGATE_CASES` one with `*.jsonl`; without them nothing is checked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flowgate_compiler::bundle::{Bundle, Limits};
use flowgate_compiler::graph::build;
use flowgate_compiler::visualflow::{Document, input_schema, node_index};
use serde_json::value::RawValue;

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {variable} is not set");
    }
    folder
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no .{extension} files in {}", folder.display());
    files
}

/// Why a flow may be refused: what this version does not compile, and what the reference refuses too.
const REASONS: [&str; 2] = ["not compiled by this version", "loop body: the run would never end"];

/// How many flows build, and why the others do not.
#[derive(Default)]
struct Tally {
    built: usize,
    refused: usize,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    fn flow(&mut self, name: &str, json: &[u8]) {
        let document = Document::parse(json, 16 << 20).unwrap_or_else(|error| panic!("{name}: {error}"));
        input_schema(&document);
        assert_eq!(node_index(&document).len(), document.nodes.len(), "{name}");
        match build(&document) {
            Ok(_) => self.built += 1,
            Err(errors) => {
                self.refused += 1;
                for error in &errors {
                    let reason = REASONS.iter().find(|reason| error.message.contains(**reason));
                    let reason = reason.unwrap_or_else(|| panic!("{name}: {error}"));
                    let reason = if error.message.ends_with(reason) {
                        &error.message
                    } else {
                        *reason
                    };
                    *self.reasons.entry(reason.to_owned()).or_default() += 1;
                }
                println!(
                    "  {name}: {}",
                    errors.iter().map(|error| format!("{error}")).collect::<Vec<_>>().join("; ")
                );
            }
        }
    }

    fn show(&self, what: &str) {
        println!("{what}: {} flows build, {} are refused", self.built, self.refused);
        for (reason, count) in &self.reasons {
            println!("  {count:5} {reason}");
        }
    }
}

#[test]
fn real_flows_build_or_use_what_is_not_compiled_yet() {
    let Some(corpus) = folder("FLOWGATE_CORPUS") else { return };
    let mut tally = Tally::default();
    for path in files(&corpus.join("flows"), "json") {
        tally.flow(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
    tally.show("flows");
    let mut tally = Tally::default();
    for path in files(&corpus.join("bundles"), "flow") {
        let bundle = Bundle::from_zip(std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
        for (id, json) in &bundle.flows {
            tally.flow(&format!("{} {id}", path.display()), json);
        }
    }
    tally.show("bundles");
}

#[derive(serde::Deserialize)]
struct Case<'a> {
    name: String,
    #[serde(borrow)]
    flows: BTreeMap<String, &'a RawValue>,
}

#[test]
fn recorded_flows_build_or_use_what_is_not_compiled_yet() {
    let Some(cases) = folder("FLOWGATE_CASES") else { return };
    for path in files(&cases, "jsonl") {
        let mut tally = Tally::default();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let case: Case<'_> = serde_json::from_str(line).unwrap();
            for (id, flow) in &case.flows {
                tally.flow(&format!("{} {id}", case.name), flow.get().as_bytes());
            }
        }
        tally.show(&path.display().to_string());
    }
}
