//! Where the built runtime lies and which sources it was made from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Custom section of `flow-rt.wasm` with the digest of its sources.
pub const SECTION: &str = "flow-rt-sources";

/// Everything that the built file depends on.
const SOURCES: [&str; 4] = [
    "guest-sdk/runtime/src",
    "guest-sdk/runtime/Cargo.toml",
    "guest-sdk/build-runtime/src",
    "wit",
];

pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The committed file.
pub fn output(root: &Path) -> PathBuf {
    root.join("flows-compiler/assets/flow-rt.wasm")
}

/// SHA-256 over the names and contents of the sources, in the order of their names, as hex.
pub fn source_digest(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), source, &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for (name, path) in &files {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(&bytes);
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn collect(path: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            collect(
                &entry.path(),
                &format!("{name}/{}", entry.file_name().to_string_lossy()),
                files,
            )?;
        }
    } else {
        files.push((name.to_owned(), path.to_owned()));
    }
    Ok(())
}

/// The digest that a built file carries.
pub fn committed_digest(component: &[u8]) -> Result<String> {
    let mut depth = 0;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload? {
            wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::CustomSection(section) if section.name() == SECTION && depth == 0 => {
                return Ok(String::from_utf8_lossy(section.data()).into_owned());
            }
            _ => {}
        }
    }
    bail!("the file has no section '{SECTION}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_runtime_was_made_from_these_sources() {
        let root = workspace_root();
        let file = std::fs::read(output(&root)).unwrap_or_default();
        assert_eq!(
            committed_digest(&file).unwrap_or_default(),
            source_digest(&root).unwrap_or_default(),
            "rebuild with `cargo run -p build-runtime`"
        );
    }
}
