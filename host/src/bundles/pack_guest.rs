//! A `.flow` file of a component and the graphs that lie beside it. Blocking.

use std::path::Path;

use flowgate_compiler::bundle::{self, Entrypoint, Limits, Manifest};
use flowgate_compiler::visualflow::Document;

use crate::clock::Clock;

/// A flow that is a component, to be packed.
#[derive(Debug)]
pub struct PackedGuest<'a> {
    pub bundle_id: &'a str,
    pub version: &'a str,
    pub flow_id: &'a str,
    pub component: Vec<u8>,
}

/// Packs a component with the VisualFlow documents (`*.json`) in `drawings`, if that folder is there. The component's flow is the one that is
/// started; a document of its id is how it is shown.
///
/// # Errors
/// A document cannot be read, is no flow, or has the id of another.
pub fn pack_guest(guest: PackedGuest<'_>, drawings: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let mut manifest = Manifest::new(guest.bundle_id, guest.version, Clock::system().now().iso());
    let mut entrypoint = Entrypoint {
        flow_id: guest.flow_id.to_owned(),
        name: Some(guest.flow_id.to_owned()),
        description: String::new(),
        interfaces: Vec::new(),
    };
    let mut members = Vec::new();
    for (path, bytes) in documents(drawings, limits)? {
        let limit = usize::try_from(limits.member_bytes).unwrap_or(usize::MAX);
        let document = Document::parse(&bytes, limit).map_err(|e| format!("{path}: {e}"))?;
        if document.id == guest.flow_id {
            entrypoint.name = Some(document.name.clone())
                .filter(|name| !name.is_empty())
                .or(entrypoint.name);
            entrypoint.description.clone_from(&document.description);
            entrypoint.interfaces.clone_from(&document.interfaces);
        }
        let at = format!("flows/{}.json", document.id);
        if let Some(other) = manifest.flows.insert(document.id.clone(), at.clone()) {
            return Err(format!("{path}: the flow '{}' is there twice ({other})", document.id));
        }
        members.push((at, bytes));
    }
    manifest.flows.sort_keys();
    let at = format!("components/{}.wasm", guest.flow_id);
    manifest.artifacts.insert(guest.flow_id.to_owned(), at.clone());
    members.push((at, guest.component));
    manifest.default_entrypoint = Some(guest.flow_id.to_owned());
    manifest.entrypoints.push(entrypoint);
    let manifest = manifest.to_json().map_err(|e| e.to_string())?;
    bundle::pack_members(&manifest, members).map_err(|e| e.to_string())
}

/// The JSON files of a folder by path, in order; none when there is no such folder.
fn documents(folder: &Path, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |path: &Path, error: &std::io::Error| format!("{}: {error}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| failed(folder, &e))? {
        let path = entry.map_err(|e| failed(folder, &e))?.path();
        if path.is_file() && path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
        if files.len() > limits.entries {
            return Err(format!("{} holds more than {} flows", folder.display(), limits.entries));
        }
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).map_err(|e| failed(path, &e))?;
        Ok((path.display().to_string(), bytes))
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_component_is_packed_with_the_graphs_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let draw = |file: &str, id: &str, name: &str| {
            let document = serde_json::json!({"id": id, "name": name, "description": "What it does", "nodes": [], "edges": []});
            std::fs::write(dir.path().join(file), document.to_string()).unwrap();
        };
        draw("a.json", "notify", "Notify");
        draw("b.json", "approve", "Approve");
        let guest = || PackedGuest {
            bundle_id: "approve",
            version: "1.2.3",
            flow_id: "approve",
            component: b"component".to_vec(),
        };
        let file = pack_guest(guest(), dir.path(), &Limits::default()).unwrap();
        let bundle = bundle::Bundle::from_zip(file, &Limits::default()).unwrap();
        let manifest = &bundle.manifest;
        assert_eq!(manifest.reference(), "approve@1.2.3");
        assert_eq!(manifest.artifacts["approve"], "components/approve.wasm");
        assert_eq!(bundle.read("components/approve.wasm").unwrap(), b"component");
        assert_eq!(manifest.flows.keys().collect::<Vec<_>>(), ["approve", "notify"]);
        let [entrypoint] = manifest.entrypoints.as_slice() else {
            unreachable!()
        };
        assert_eq!(
            (entrypoint.name.as_deref(), entrypoint.description.as_str()),
            (Some("Approve"), "What it does")
        );

        draw("c.json", "notify", "Again");
        let error = pack_guest(guest(), dir.path(), &Limits::default()).unwrap_err();
        assert!(
            error.ends_with("c.json: the flow 'notify' is there twice (flows/notify.json)"),
            "{error}"
        );
        assert!(pack_guest(guest(), &dir.path().join("none"), &Limits::default()).is_ok());
    }
}
