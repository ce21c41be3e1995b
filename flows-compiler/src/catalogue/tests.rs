//! The catalogue is complete and consistent with itself.
#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::{BTreeMap, HashSet};

#[test]
fn every_category_has_the_types_of_the_language() {
    let mut counts = BTreeMap::new();
    for ty in all() {
        *counts.entry(format!("{:?}", ty.category)).or_insert(0) += 1;
    }
    let expected = [
        ("Literal", 6),
        ("Math", 10),
        ("String", 13),
        ("Logic", 5),
        ("Data", 26),
        ("VariableRead", 4),
        ("HostDiscovery", 3),
        ("VariableWrite", 5),
        ("Code", 2),
        ("FileAndArtifact", 8),
        ("Control", 7),
        ("Event", 6),
        ("Effect", 9),
        ("Media", 12),
        ("Memory", 8),
        ("Composite", 2),
        ("Internal", 2),
    ];
    assert_eq!(counts, expected.map(|(name, n)| (name.to_owned(), n)).into());
    assert_eq!(all().len(), 128);
}

#[test]
fn names_and_pins_are_unique_and_defaults_are_json() {
    let mut names = HashSet::new();
    for ty in all() {
        assert!(names.insert(ty.name), "{} is listed twice", ty.name);
        assert!(std::ptr::eq(lookup(ty.name).unwrap(), ty));
        assert!(ty.doc.ends_with('.'), "{}: the doc is a sentence", ty.name);
        for pins in [ty.inputs, ty.outputs] {
            let mut ids = HashSet::new();
            for pin in pins {
                assert!(ids.insert(pin.id), "{}: pin {} is listed twice", ty.name, pin.id);
                if let Some(text) = pin.default {
                    serde_json::from_str::<serde::de::IgnoredAny>(text).unwrap();
                }
            }
        }
    }
    assert!(lookup("no_such_node").is_none());
}

#[test]
fn data_nodes_have_no_execution_pins() {
    for ty in all() {
        let runs = ty.inputs.iter().chain(ty.outputs).any(|pin| pin.ty == EXECUTION);
        let data = matches!(ty.lower, Lower::Literal | Lower::Builtin);
        assert_eq!(runs, !data, "{}", ty.name);
    }
}

/// Writes the page anew with `FLOWGATE_UPDATE_DOCS=1`.
#[test]
fn the_reference_page_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/nodes.md");
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/nodes.md is out of date: write it with FLOWGATE_UPDATE_DOCS=1 cargo test -p flowgate-compiler"
    );
}
