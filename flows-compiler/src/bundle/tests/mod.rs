//! Bundles: every text of the manifest's rules here, the container, names and packing in the files beside.
#![allow(clippy::unwrap_used)]

mod container;
mod names;
mod packing;
mod random;

use super::*;
use serde_json::{Value, json};

const MINIMAL: &str =
    r#"{"bundle_format_version":"1","bundle_id":"b","entrypoints":[{"flow_id":"f"}],"flows":{"f":"flows/f.json"}}"#;

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (first, rest) = members.split_first().unwrap();
    assert_eq!(first.0, MANIFEST);
    let rest = rest
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
        .collect();
    pack_members(std::str::from_utf8(first.1).unwrap(), rest).unwrap()
}

fn open(members: &[(&str, &[u8])]) -> Result<Bundle, BundleError> {
    Bundle::from_zip(zip(members), &Limits::default())
}

fn manifest(change: Value) -> Result<Manifest, ManifestError> {
    let mut base: Value = serde_json::from_str(MINIMAL).unwrap();
    let Value::Object(change) = change else { panic!() };
    for (key, value) in change {
        base[key] = value;
    }
    Manifest::parse(base.to_string().as_bytes())
}

#[test]
fn every_rule_of_the_manifest_has_its_text() {
    let entry = |id: &str| json!({"flow_id": id});
    for (change, text) in [
        (
            json!({"bundle_format_version": null}),
            "Unsupported WorkflowBundle bundle_format_version ''. Supported: 1",
        ),
        (
            json!({"bundle_format_version": 2}),
            "Unsupported WorkflowBundle bundle_format_version '2'. Supported: 1",
        ),
        (
            json!({"bundle_format_version": "1.0"}),
            "Unsupported WorkflowBundle bundle_format_version '1.0'. Supported: 1",
        ),
        (json!({"bundle_id": " "}), "bundle_id must be a non-empty string"),
        (json!({"bundle_id": null}), "bundle_id must be a non-empty string"),
        (json!({"entrypoints": []}), "manifest.entrypoints must be a non-empty list"),
        (
            json!({"entrypoints": {"flow_id": "f"}}),
            "manifest.entrypoints must be a non-empty list",
        ),
        (
            json!({"entrypoints": [1, "f"]}),
            "manifest.entrypoints must be a non-empty list",
        ),
        (json!({"entrypoints": [{}]}), "entrypoint.flow_id must be a non-empty string"),
        (
            json!({"entrypoints": [entry("f"), entry(" f ")]}),
            "Duplicate entrypoint flow_id 'f'",
        ),
        (
            json!({"default_entrypoint": "g"}),
            "default_entrypoint 'g' must match an entrypoint.flow_id",
        ),
        (
            json!({"defaultEntrypointFlowId": "g"}),
            "default_entrypoint 'g' must match an entrypoint.flow_id",
        ),
        (json!({"flows": {" ": "a"}}), "manifest.flows keys must be non-empty strings"),
        (json!({"flows": {"f": 7}}), "manifest.flows entry 'f' has unsafe path '7'"),
        (
            json!({"flows": {"f": "../x"}}),
            "manifest.flows entry 'f' has unsafe path '../x'",
        ),
        (
            json!({"artifacts": {"f": "/x"}}),
            "manifest.artifacts entry 'f' has unsafe path '/x'",
        ),
        (
            json!({"assets": {"f": "C:x"}}),
            "manifest.assets entry 'f' has unsafe path 'C:x'",
        ),
    ] {
        assert_eq!(manifest(change.clone()).unwrap_err().to_string(), text, "{change}");
    }
    for (bytes, text) in [
        (&b"[]"[..], "manifest.json must be a JSON object"),
        (
            b"{",
            "manifest.json is not valid JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            b"\xff",
            "manifest.json is not valid JSON: invalid utf-8 sequence of 1 bytes from index 0",
        ),
    ] {
        assert_eq!(Manifest::parse(bytes).unwrap_err().to_string(), text);
    }
    let mut built = Manifest::new("b", " ", "");
    assert_eq!(
        built.to_json().unwrap_err().to_string(),
        "bundle_version must be a non-empty string"
    );
    built = manifest(json!({})).unwrap();
    built.metadata = serde_json::value::RawValue::NULL.to_owned();
    assert_eq!(
        built.to_json().unwrap_err().to_string(),
        "manifest.metadata must be an object"
    );
}

#[test]
fn the_manifest_has_aliases_and_defaults() {
    let read = Manifest::parse(
        br#"{"bundleFormatVersion": 1, "bundleId": " b ", "bundleVersion": "", "createdAt": " t ", "extra": 1, "metadata": [],
            "entrypoints": ["x", {"flowId": 7, "name": " ", "description": null, "interfaces": [" i ", "", 3]}],
            "defaultEntrypoint": "7", "flows": null}"#,
    )
    .unwrap();
    assert_eq!(
        read.to_json().unwrap(),
        r#"{
  "bundle_format_version": "1",
  "bundle_id": "b",
  "bundle_version": "0.0.0",
  "created_at": " t ",
  "entrypoints": [
    {
      "flow_id": "7",
      "name": null,
      "description": "",
      "interfaces": [
        "i"
      ]
    }
  ],
  "default_entrypoint": "7",
  "flows": {},
  "artifacts": {},
  "assets": {},
  "metadata": {}
}"#
    );
    let blank = manifest(json!({"default_entrypoint": " ", "defaultEntrypoint": "f"})).unwrap();
    assert_eq!(blank.default_entrypoint, None, "the first alias that is set decides");
    assert!(!blank.to_json().unwrap().contains("default_entrypoint"));
    assert_eq!(
        manifest(json!({"defaultEntrypoint": "f"}))
            .unwrap()
            .default_entrypoint
            .as_deref(),
        Some("f")
    );
    assert_eq!(manifest(json!({"metadata": {"n": 1}})).unwrap().metadata.get(), r#"{"n":1}"#);
}

#[test]
fn paths_stay_inside_the_bundle() {
    for safe in ["a", "flows/a.json", "a//b", "a.b/..c", "x/C:y", " a "] {
        assert!(manifest::is_safe_path(safe), "{safe}");
    }
    for unsafe_path in [
        "", " ", "/a", "\\a", "C:/a", "a:b", "../a", "a/..", "a/./b", "a\\..\\b", ".", " /a", "a\0b",
    ] {
        assert!(!manifest::is_safe_path(unsafe_path), "{unsafe_path}");
    }
}

#[test]
fn an_entrypoint_is_chosen_by_id_by_default_or_as_the_first() {
    let read = manifest(json!({
        "entrypoints": [{"flow_id": "f", "interfaces": ["i"]}, {"flow_id": "e"}], "default_entrypoint": "e"
    }))
    .unwrap();
    assert_eq!(read.entrypoint(None, None).unwrap().flow_id, "e");
    assert_eq!(read.entrypoint(Some("f"), Some("i")).unwrap().flow_id, "f");
    let mut first = read.clone();
    first.default_entrypoint = None;
    assert_eq!(first.entrypoint(None, None).unwrap().flow_id, "f");
    assert_eq!(
        read.entrypoint(Some("x"), None).unwrap_err().to_string(),
        "Entrypoint 'x' not found in bundle 'b@0.0.0' (available: e, f)"
    );
    assert_eq!(
        read.entrypoint(None, Some("i")).unwrap_err().to_string(),
        "Selected entrypoint 'b@0.0.0:e' does not implement interface 'i'"
    );
}
