//! The built files that are committed, and which sources each was made from: the runtime, and the guests among the examples.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// A committed component and the sources that it depends on. It carries their digest in a custom section.
#[derive(Debug)]
pub struct Built {
    /// Within the workspace.
    pub file: PathBuf,
    pub section: &'static str,
    /// Files and folders within the workspace.
    sources: Vec<String>,
}

/// `flow-rt.wasm`.
pub fn runtime() -> Built {
    let sources = [
        "guest-sdk/runtime/src",
        "guest-sdk/runtime/Cargo.toml",
        "guest-sdk/build-runtime/src",
        "wit",
    ];
    Built {
        file: PathBuf::from("flows-compiler/assets/flow-rt.wasm"),
        section: "flow-rt-sources",
        sources: sources.map(str::to_owned).into(),
    }
}

/// The guests in `examples/guests`, each by its folder.
pub fn guests(root: &Path) -> Result<Vec<(PathBuf, Built)>> {
    let folder = root.join("examples/guests");
    let mut guests = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !folder.join(&name).join("Cargo.toml").is_file() {
            continue;
        }
        let own = |path: &str| format!("examples/guests/{name}/{path}");
        let shared = [
            "guest-sdk/src",
            "guest-sdk/Cargo.toml",
            "guest-sdk/macros/src",
            "guest-sdk/macros/Cargo.toml",
            "guest-sdk/toolchain/src",
            "wit",
        ];
        let built = Built {
            file: PathBuf::from(own(&format!("{name}.wasm"))),
            section: "flowgate-guest-sources",
            sources: [own("src"), own("Cargo.toml")]
                .into_iter()
                .chain(shared.map(str::to_owned))
                .collect(),
        };
        guests.push((folder.join(&name), built));
    }
    guests.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(guests)
}

pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Built {
    /// SHA-256 over the names and contents of the sources, in the order of their names, as hex.
    pub fn source_digest(&self, root: &Path) -> Result<String> {
        let mut files = Vec::new();
        for source in &self.sources {
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

    /// The digest that the committed file carries.
    pub fn committed_digest(&self, root: &Path) -> Result<String> {
        let file = root.join(&self.file);
        let component = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let mut depth = 0;
        for payload in wasmparser::Parser::new(0).parse_all(&component) {
            match payload? {
                wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => depth += 1,
                wasmparser::Payload::End(_) => depth -= 1,
                wasmparser::Payload::CustomSection(section) if section.name() == self.section && depth == 0 => {
                    return Ok(String::from_utf8_lossy(section.data()).into_owned());
                }
                _ => {}
            }
        }
        bail!("{} has no section '{}'", file.display(), self.section)
    }

    /// Writes the file, with the digest of the sources as they are.
    pub fn write(&self, root: &Path, mut component: Vec<u8>) -> Result<usize> {
        let digest = self.source_digest(root)?;
        let section = wasm_encoder::CustomSection {
            name: self.section.into(),
            data: digest.as_bytes().into(),
        };
        wasm_encoder::ComponentSection::append_to_component(&section, &mut component);
        let file = root.join(&self.file);
        std::fs::write(&file, &component).with_context(|| file.display().to_string())?;
        Ok(component.len())
    }
}

fn collect(path: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            // Tests are in no component.
            if matches!(entry.file_name().to_str(), Some("tests.rs" | "testing")) && name == "guest-sdk/src" {
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(built: &Built, rebuild: &str) {
        let root = workspace_root();
        assert_eq!(
            built.committed_digest(&root).unwrap_or_default(),
            built.source_digest(&root).unwrap_or_default(),
            "rebuild {} with `{rebuild}`",
            built.file.display()
        );
    }

    #[test]
    fn the_committed_runtime_was_made_from_these_sources() {
        check(&runtime(), "cargo run -p build-runtime");
    }

    #[test]
    fn the_committed_guests_were_made_from_these_sources_and_are_small() {
        let root = workspace_root();
        let guests = guests(&root).unwrap_or_default();
        assert!(guests.len() >= 3);
        for (_, built) in guests {
            check(&built, "cargo run -p build-runtime -- --guests");
            let bytes = std::fs::metadata(root.join(&built.file)).map_or(u64::MAX, |file| file.len());
            // A simple flow stays below 100 KB; maps, floats and sets of futures of an author's own come on top of that.
            let most = if built.file.ends_with("approve.wasm") {
                100_000
            } else {
                150_000
            };
            assert!(bytes < most, "{} has {bytes} bytes", built.file.display());
        }
    }
}
