//! Programs that were not written for these tests, and the page for those who write some.

use super::*;

/// With FLOWGATE_CASES and FLOWGATE_CORPUS, every code node in the files or folders that they name.
#[test]
fn every_recorded_program_compiles_or_is_refused_with_reason() {
    let files = ["FLOWGATE_CASES", "FLOWGATE_CORPUS"].map(std::env::var);
    let mut pending: Vec<std::path::PathBuf> = files.into_iter().flatten().map(Into::into).collect();
    let (mut good, mut warned, mut bad) = (0, 0, 0);
    let mut seen = std::collections::HashSet::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for document in text.lines().chain([text.as_str()]) {
            let Ok(value) = serde_json::from_str::<serde_json::Value>(document) else {
                continue;
            };
            let mut values = vec![&value];
            while let Some(value) = values.pop() {
                values.extend(value.as_array().into_iter().flatten());
                values.extend(value.as_object().into_iter().flat_map(|map| map.values()));
                let Some(data) = value.get("data").filter(|_| value["type"] == "code") else {
                    continue;
                };
                if !seen.insert(data.to_string()) {
                    continue;
                }
                let pins = data["inputs"].as_array().into_iter().flatten();
                let node = CodeNode {
                    code: data["code"].as_str(),
                    body: data["codeBody"].as_str(),
                    function_name: data["functionName"].as_str(),
                    pins: pins
                        .filter(|pin| pin["type"] != "execution")
                        .filter_map(|pin| pin["id"].as_str())
                        .collect(),
                    ..CodeNode::default()
                };
                let found = match compile(&node) {
                    Ok(compiled) => {
                        good += 1;
                        warned += usize::from(!compiled.warnings.is_empty());
                        compiled.warnings
                    }
                    Err(problems) => {
                        bad += 1;
                        assert!(!problems.is_empty(), "refused without a reason: {data}");
                        problems
                    }
                };
                found.iter().for_each(|problem| eprintln!("{}: {problem}", path.display()));
            }
        }
    }
    eprintln!("{good} compiled, {warned} of them with warnings, {bad} refused");
}

#[test]
fn the_page_says_what_the_tables_say() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/python.md");
    let page = crate::python::markdown();
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page,
        "docs/python.md is out of date: write it with FLOWGATE_UPDATE_DOCS=1 cargo test"
    );
}
