//! Good inputs to begin with: the flows of the recorded cases, of the examples, and their Python.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

/// A flow that runs, and the input that its case gives it.
#[derive(Debug, Clone)]
pub struct Flow {
    pub document: Value,
    pub input: String,
}

/// A folder of the workspace.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Every flow of the recorded cases, in the order of files and lines; of cases with the same nodes the first.
pub fn flows() -> &'static [Flow] {
    static FLOWS: LazyLock<Vec<Flow>> = LazyLock::new(|| {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder("tests/cases"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
            .collect();
        files.sort();
        let mut flows = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for line in files.iter().flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        }) {
            let case: Value = serde_json::from_str(&line).unwrap();
            let input = case.get("input").filter(|input| input.is_object()).cloned();
            let input = input.unwrap_or_else(|| Value::Object(Default::default())).to_string();
            for (_, document) in case["flows"].as_object().into_iter().flatten() {
                if seen.insert(document["nodes"].to_string()) {
                    flows.push(Flow {
                        document: document.clone(),
                        input: input.clone(),
                    });
                }
            }
        }
        flows
    });
    &FLOWS
}

/// Flows with a code node, each with the JSON pointer of its program.
pub fn programs() -> &'static [(Flow, String)] {
    static PROGRAMS: LazyLock<Vec<(Flow, String)>> = LazyLock::new(|| {
        let mut programs = Vec::new();
        for flow in flows() {
            for (at, node) in flow.document["nodes"].as_array().into_iter().flatten().enumerate() {
                for field in ["codeBody", "code"] {
                    if node["data"][field].as_str().is_some_and(|text| text.len() > 12) {
                        programs.push((flow.clone(), format!("/nodes/{at}/data/{field}")));
                    }
                }
            }
        }
        programs
    });
    &PROGRAMS
}

/// The files of a bundle among the examples, packed.
pub fn bundle(name: &str) -> Vec<u8> {
    let dir = folder("examples").join(name);
    flowgate_compiler::bundle::pack_dir(&dir, &Default::default()).unwrap().bytes
}

#[test]
fn there_are_seeds_of_every_kind() {
    assert!(flows().len() > 300, "{}", flows().len());
    assert!(programs().len() > 80, "{}", programs().len());
    assert!(bundle("approval").starts_with(b"PK"));
}
