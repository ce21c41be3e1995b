//! Real and recorded flows go through the compiler. Both sets lie outside the project: `FLOWGATE_CORPUS` names a folder with
//! `flows/*.json` and `bundles/*.flow`, `FLOWGATE_CASES` one with `*.jsonl`; without them nothing is checked.
//!
//! What the real flows need to run is the table `tests/corpus.md`, written anew with `FLOWGATE_UPDATE_DOCS=1`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use flowgate_compiler::Link;
use flowgate_compiler::bundle::{Bundle, Limits};
use flowgate_compiler::catalogue::{self, Category, Lower};
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

/// Why a recorded flow's wires may be refused: the reference refuses them too.
const REASONS: [&str; 1] = ["loop body: the run would never end"];
/// Programs may be refused as well; the reference does so when the node runs.
const PYTHON: &str = "refused Python";

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
                    if error.code.is_some() {
                        *self.reasons.entry(PYTHON.to_owned()).or_default() += 1;
                        continue;
                    }
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

/// A row of the table: what a flow asks of its host, and which flows it runs. `has` says whether a flow is at hand.
fn row(name: &str, json: &[u8], has: impl Fn(&str) -> bool) -> String {
    let document = Document::parse(json, 16 << 20).unwrap_or_else(|error| panic!("{name}: {error}"));
    let graph = build(&document).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    flowgate_compiler::compile(&graph, Link::Shared).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let mut effects = BTreeMap::<&str, usize>::new();
    let (mut python, mut agents) = (0, 0);
    for ty in document.nodes.iter().filter_map(|node| catalogue::lookup(&node.ty)) {
        python += usize::from(ty.category == Category::Code);
        agents += usize::from(ty.lower == Lower::Agent);
        if !matches!(ty.lower, Lower::Agent | Lower::Subflow) {
            ty.effects()
                .iter()
                .for_each(|effect| *effects.entry(effect).or_default() += 1);
        }
    }
    let effects = effects.iter().map(|(effect, count)| format!("{effect} {count}"));
    let subflows: BTreeSet<String> = document.nodes.iter().filter_map(|node| node.subflow()).collect();
    let subflows = subflows.into_iter().map(|id| {
        let missing = if has(&id) { "" } else { " (missing)" };
        format!("{id}{missing}")
    });
    let count = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    format!(
        "| {name} | {} | {} | {} | {} | {} |\n",
        document.nodes.len(),
        effects.collect::<Vec<_>>().join(", "),
        count(agents),
        subflows.collect::<Vec<_>>().join(", "),
        count(python)
    )
}

const INTRO: &str = "\
# Real flows

Flows that people drew with the reference's editor, and what each needs to run beside this host. They are not part of the project; all of
them compile without a diagnostic. `FLOWGATE_CORPUS=DIR cargo test -p flowgate-compiler --test corpus` checks that and this table, and
`FLOWGATE_UPDATE_DOCS=1` writes it anew.

* *effects*: what the nodes ask for, with the number of nodes that do. `answer_user`, `ask_user`, `wait_event`, `wait_until` and
  `emit_event` are the host's own; the others need a handler.
* *agents*: nodes that run an agent's workflow, which has to be installed under its name.
* *flows*: the flows that it runs; *missing* means that the set does not have it.
* *Python*: code nodes.
";

#[test]
fn real_flows_compile_and_the_table_says_what_they_need() {
    let Some(corpus) = folder("FLOWGATE_CORPUS") else { return };
    let head = "| flow | nodes | effects | agents | flows | Python |\n| --- | --: | --- | --: | --- | --: |\n";
    let mut page = format!("{INTRO}\n## Flows\n\n{head}");
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let flows = files(&corpus.join("flows"), "json");
    let ids: BTreeSet<String> = flows.iter().map(|path| stem(path)).collect();
    for path in &flows {
        page.push_str(&row(&stem(path), &std::fs::read(path).unwrap(), |id| ids.contains(id)));
    }
    for path in files(&corpus.join("bundles"), "flow") {
        page.push_str(&format!("\n## Bundle {}\n\n{head}", stem(&path)));
        let bundle = Bundle::from_zip(std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
        for (id, json) in &bundle.flows {
            page.push_str(&row(id, json, |other| bundle.flows.contains_key(other)));
        }
    }
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus.md");
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::write(&table, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&table).unwrap_or_default();
    assert!(
        kept == page,
        "tests/corpus.md is out of date: write it with FLOWGATE_UPDATE_DOCS=1"
    );
}

#[derive(serde::Deserialize)]
struct Case<'a> {
    name: String,
    #[serde(borrow)]
    flows: BTreeMap<String, &'a RawValue>,
}

#[test]
fn recorded_flows_build_or_are_refused_for_what_the_reference_refuses() {
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
