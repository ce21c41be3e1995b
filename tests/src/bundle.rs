//! `.flow` bundles made in code.

use std::io::{Cursor, Write};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::Flow;

/// A manifest and its flows. [`Bundle::zip`] gives the file.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub manifest: Value,
    /// Name in the archive, bytes; without the manifest.
    pub members: Vec<(String, Vec<u8>)>,
    pub compression: zip::CompressionMethod,
}

impl Bundle {
    /// A bundle whose entrypoint is the first flow added.
    pub fn new(id: &str, version: &str) -> Self {
        let manifest = json!({
            "bundle_format_version": "1", "bundle_id": id, "bundle_version": version, "created_at": "2026-01-08T00:00:00+00:00",
            "entrypoints": [], "flows": {}, "artifacts": {}, "assets": {}, "metadata": {},
        });
        Bundle {
            manifest,
            members: Vec::new(),
            compression: zip::CompressionMethod::Deflated,
        }
    }

    pub fn flow(self, flow: Flow) -> Self {
        let document = flow.json();
        let id = document["id"].as_str().expect("a flow has an id").to_owned();
        self.document(&id, document.to_string().into_bytes())
    }

    /// A flow as bytes, whatever they are.
    pub fn document(mut self, id: &str, bytes: Vec<u8>) -> Self {
        let path = format!("flows/{id}.json");
        if self.manifest.get("default_entrypoint").is_none() {
            self.manifest["entrypoints"] = json!([{"flow_id": id, "name": id, "description": "", "interfaces": []}]);
            self.manifest["default_entrypoint"] = json!(id);
        }
        self.manifest["flows"][id] = json!(path);
        self.members.push((path, bytes));
        self
    }

    /// A flow that is a component, whatever its bytes are.
    pub fn component(mut self, id: &str, bytes: Vec<u8>) -> Self {
        let path = format!("components/{id}.wasm");
        if self.manifest.get("default_entrypoint").is_none() {
            self.manifest["entrypoints"] = json!([{"flow_id": id, "name": id, "description": "", "interfaces": []}]);
            self.manifest["default_entrypoint"] = json!(id);
        }
        self.manifest["artifacts"][id] = json!(path);
        self.members.push((path, bytes));
        self
    }

    /// Sets a key of the manifest, also to what it must not be.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.manifest[key] = value;
        self
    }

    pub fn id(&self) -> &str {
        self.manifest["bundle_id"].as_str().unwrap_or_default()
    }

    pub fn zip(&self) -> Vec<u8> {
        let mut members = vec![(
            "manifest.json".to_owned(),
            serde_json::to_vec_pretty(&self.manifest).expect("JSON prints"),
        )];
        members.extend(self.members.iter().cloned());
        archive(&members, self.compression)
    }
}

/// A bundle directory as a `.flow` file.
pub fn pack(dir: &Path) -> Vec<u8> {
    let mut members = Vec::new();
    collect(dir, dir, &mut members);
    archive(&members, zip::CompressionMethod::Deflated)
}

fn collect(base: &Path, dir: &Path, members: &mut Vec<(String, Vec<u8>)>) {
    let entries = std::fs::read_dir(dir).expect("the bundle directory can be read");
    for entry in entries {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(base, &path, members);
        } else {
            let name = path
                .strip_prefix(base)
                .expect("inside the bundle")
                .to_string_lossy()
                .replace('\\', "/");
            members.push((name, std::fs::read(&path).expect("a member can be read")));
        }
    }
}

/// A zip of these members, names taken as they are.
pub fn archive(members: &[(String, Vec<u8>)], compression: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in members {
        zip.start_file(name.as_str(), options).expect("a member starts");
        zip.write_all(bytes).expect("a member is written");
    }
    zip.finish().expect("the archive ends").into_inner()
}
