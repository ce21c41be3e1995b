//! Bundles and flows that lie in files, for the commands that make and compile them. Blocking.

use std::path::Path;

use flowgate_compiler::Link;
use flowgate_compiler::bundle::{self, Limits, PackOptions};
use flowgate_compiler::diagnostic::Diagnostic;

use super::compile::compile;
use super::package::Package;
use super::scan;
use super::shelf::Source;
use crate::clock::Clock;

/// What compiling a flow gave: its component, or only what is wrong.
#[derive(Debug)]
pub struct Compiled {
    pub component: Option<Vec<u8>>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles the flow at `path`: a flow's JSON file, or a bundle, of which `flow_id` names a flow (else its default one is meant).
/// The error says why there is no flow to compile.
pub fn compile_path(path: &Path, flow_id: Option<&str>, limits: &Limits, link: Link) -> Result<Compiled, String> {
    let made = match scan::bundle_at(path) {
        Some(source) => {
            let package = open(&source, limits)?;
            let name = package.bundle_id();
            let flow_id = flow_id.or(package.default_flow());
            let flow_id =
                flow_id.ok_or_else(|| format!("bundle '{name}' has several entrypoints: name a flow with PATH:FLOW"))?;
            if !package.flow_ids().any(|id| id == flow_id) {
                return Err(format!("flow '{flow_id}' not found in bundle '{name}'"));
            }
            package.compile(flow_id, link)
        }
        None => {
            let bytes = read(path)?;
            let stem = path
                .file_stem()
                .map_or_else(Default::default, |s| s.to_string_lossy().into_owned());
            compile(&stem, &bytes, limits, &|_| None, link)
        }
    };
    Ok(match made {
        Ok(made) => Compiled {
            component: Some(made.bytes),
            diagnostics: made.warnings,
        },
        Err(diagnostics) => Compiled {
            component: None,
            diagnostics,
        },
    })
}

/// Opens a bundle in a file or directory.
pub(super) fn open(source: &Source, limits: &Limits) -> Result<Package, String> {
    match source {
        Source::File(path) => Package::from_file(read(path)?.into(), limits).map_err(|e| format!("{}: {e}", path.display())),
        Source::Directory(path) => Package::from_dir(path, limits).map_err(|e| format!("{}: {e}", path.display())),
        Source::Journal => Err("it is not a file".to_owned()),
    }
}

/// A `.flow` file of a manifest and its members, given by path and content.
pub fn pack(manifest: &str, members: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
    let members = members.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    bundle::pack_members(manifest, members.collect()).map_err(|e| e.to_string())
}

/// A `.flow` file of a bundle directory.
pub fn pack_dir(dir: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let packed = bundle::pack_dir(dir, limits).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(packed.bytes)
}

/// A `.flow` file of a flow and the subflows that lie beside it as `<flow id>.json`.
pub fn pack_flow(root: &Path, bundle_id: Option<&str>, version: Option<&str>) -> Result<Vec<u8>, String> {
    let bytes = read(root)?;
    let dir = root.parent().unwrap_or(Path::new("."));
    let beside = |flow_id: &str| {
        // An id is a file name, not a path.
        let plain = !flow_id.contains(['/', '\\']) && flow_id != ".." && flow_id != ".";
        plain
            .then(|| std::fs::read(dir.join(format!("{flow_id}.json"))).ok())
            .flatten()
    };
    let options = PackOptions {
        bundle_id: bundle_id.map(str::to_owned),
        bundle_version: version.map(str::to_owned),
        created_at: Clock::system().now().iso(),
        ..PackOptions::default()
    };
    let packed = bundle::pack(bytes, beside, &options).map_err(|e| format!("{}: {e}", root.display()))?;
    Ok(packed.bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}
