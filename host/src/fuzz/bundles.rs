//! Bundles: any file, and any folder, is refused with what is wrong with it, or gives its flows and members.

use flowgate_compiler::bundle::{Bundle, BundleError, Limits, MANIFEST, Manifest, pack_members};
use serde_json::{Value, json};

use super::{Dice, Shown, check, mutate, seeds};

fn manifest() -> Value {
    json!({
        "bundle_format_version": "1", "bundle_id": "b", "bundle_version": "1.2.0", "created_at": "2026-01-08T00:00:00+00:00",
        "entrypoints": [{"flow_id": "f", "name": "F", "description": "d", "interfaces": ["i"]}, {"flow_id": "g"}],
        "default_entrypoint": "f", "flows": {"f": "flows/f.json", "g": "flows/g.json"}, "artifacts": {"g": "g.wasm"},
        "assets": {"a": "assets/a"}, "metadata": {"n": {"m": [1]}},
    })
}

fn members() -> Vec<(String, Vec<u8>)> {
    [
        ("flows/f.json", &b"{}"[..]),
        ("flows/g.json", b"{ }"),
        ("g.wasm", b"\0asm"),
        ("assets/a", &[7; 500]),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
    .into()
}

/// A file with this text as its manifest, whatever it says.
fn file(manifest: &str) -> Vec<u8> {
    pack_members(manifest, members()).unwrap()
}

/// What must hold of whatever is read as a bundle.
fn bundle(read: Result<Bundle, BundleError>) -> bool {
    match read {
        Err(error) => {
            assert!(!error.to_string().trim().is_empty());
            false
        }
        Ok(bundle) => {
            for path in bundle.paths() {
                if let Err(error) = bundle.read(path) {
                    assert!(!error.to_string().trim().is_empty());
                }
            }
            bundle.manifest.check().unwrap();
            for id in bundle.flows.keys() {
                assert!(bundle.manifest.flows.contains_key(id), "{id}");
            }
            true
        }
    }
}

#[test]
fn a_manifest_is_refused_or_says_the_same_when_it_is_written_again() {
    let limits = Limits::default();
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in members() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    check!(400, |dice: &mut Dice<'_>| {
        let text = mutate::json(dice, manifest());
        let _shown = Shown("the manifest", &text);
        let read = Manifest::parse(text.as_bytes());
        if let Ok(read) = &read {
            let written = read.to_json().unwrap();
            assert_eq!(Manifest::parse(written.as_bytes()).unwrap().to_json().unwrap(), written);
        }
        let zip = Bundle::from_zip(file(&text), &limits);
        assert!(read.is_ok() || zip.is_err());
        bundle(zip);
        std::fs::write(dir.path().join(MANIFEST), &text).unwrap();
        let folder = Bundle::from_dir(dir.path(), &limits);
        assert!(read.is_ok() || folder.is_err());
        bundle(folder)
    });
}

#[test]
fn a_damaged_file_is_refused_or_read() {
    let seeds = [
        file(&manifest().to_string()),
        seeds::bundle("approval"),
        seeds::bundle("reminder"),
    ];
    // A bomb must meet the limits, not the memory.
    let limits = Limits {
        entries: 64,
        member_bytes: 1 << 20,
        total_bytes: 2 << 20,
        ..Limits::default()
    };
    check!(1000, |dice: &mut Dice<'_>| {
        let seed = dice.pick(&seeds).clone();
        bundle(Bundle::from_zip(mutate::bytes(dice, seed), &limits))
    });
}
