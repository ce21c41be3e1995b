//! Making a `.flow` file from flows.
//!
//! Follows subflow references from the root through a lookup that the caller gives; the file's bytes depend on nothing but
//! what goes in (fixed times, sorted members), so packing twice gives the same digest.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{Cursor, Write};
use std::path::Path;

use indexmap::IndexMap;
use serde_json::value::RawValue;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Bundle, Entrypoint, Limits, MANIFEST, Manifest, PackError};
use crate::visualflow::{Document, Node, json::filled};

/// What packing cannot find out itself.
#[derive(Debug, Default)]
pub struct PackOptions {
    /// Default: the root flow's id.
    pub bundle_id: Option<String>,
    /// Default: `0.0.0`.
    pub bundle_version: Option<String>,
    /// ISO text, written into the manifest as it is.
    pub created_at: String,
    /// Flow ids. Default: the root flow.
    pub entrypoints: Vec<String>,
    /// One of the entrypoints. Default: the root flow if it is one, else the first.
    pub default_entrypoint: Option<String>,
    /// A JSON object. Default: `{}`.
    pub metadata: Option<Box<RawValue>>,
    /// Most bytes of one flow document. Default: as for reading bundles.
    pub max_flow_bytes: Option<usize>,
}

/// A finished `.flow` file.
#[derive(Debug)]
pub struct Packed {
    pub manifest: Manifest,
    pub bytes: Vec<u8>,
}

/// Packs a flow and every flow it refers to. `lookup` answers a flow's document by id.
pub fn pack(root: Vec<u8>, lookup: impl Fn(&str) -> Option<Vec<u8>>, options: &PackOptions) -> Result<Packed, PackError> {
    let max_bytes = options.max_flow_bytes.unwrap_or(Limits::default().member_bytes as usize);
    let document = Document::parse(&root, max_bytes).map_err(PackError::Root)?;
    let root_id = document.id.clone();
    let listed = trimmed(&options.entrypoints);
    if listed.is_empty() && !options.entrypoints.is_empty() {
        return Err(PackError::NoEntrypoints);
    }

    let mut collector = Collector {
        lookup,
        max_bytes,
        flows: IndexMap::new(),
        queued: HashSet::new(),
        missing: BTreeSet::new(),
    };
    collector.collect(document, root)?;
    // Every entrypoint must be in the file, also one that the root does not refer to.
    for id in &listed {
        collector.collect_by_id(id)?;
    }
    if !collector.missing.is_empty() {
        return Err(PackError::Missing(collector.missing.into_iter().collect()));
    }
    let manifest = manifest(&root_id, listed, &collector.flows, options)?;
    let members = collector
        .flows
        .into_iter()
        .map(|(id, flow)| (flow_path(&id), flow.bytes))
        .collect();
    Ok(Packed {
        bytes: pack_members(&manifest.to_json()?, members)?,
        manifest,
    })
}

/// Packs a folder that already has a bundle's layout, with every member it holds.
pub fn pack_dir(dir: &Path, limits: &Limits) -> Result<Packed, PackError> {
    let bundle = Bundle::from_dir(dir, limits)?;
    let mut members = Vec::new();
    for path in bundle.paths().into_iter().filter(|path| *path != MANIFEST) {
        members.push((path.to_owned(), bundle.read(path)?));
    }
    Ok(Packed {
        bytes: pack_members(&bundle.manifest.to_json()?, members)?,
        manifest: bundle.manifest,
    })
}

/// Writes a `.flow` file: the manifest first, then the members by path.
pub fn pack_members(manifest: &str, mut members: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, PackError> {
    members.sort();
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let failed = |error: &dyn std::fmt::Display| PackError::Zip(error.to_string());
    let manifest = (MANIFEST.to_owned(), manifest.as_bytes().to_vec());
    for (path, bytes) in std::iter::once(&manifest).chain(&members) {
        zip.start_file(path.as_str(), options).map_err(|error| failed(&error))?;
        zip.write_all(bytes).map_err(|error| failed(&error))?;
    }
    Ok(zip.finish().map_err(|error| failed(&error))?.into_inner())
}

fn manifest(
    root: &str,
    listed: Vec<String>,
    flows: &IndexMap<String, Flow>,
    options: &PackOptions,
) -> Result<Manifest, PackError> {
    let text = |option: &Option<String>| {
        option
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let entrypoints = if listed.is_empty() { vec![root.to_owned()] } else { listed };
    let default = match text(&options.default_entrypoint) {
        Some(default) if !entrypoints.contains(&default) => return Err(PackError::DefaultEntrypoint { default, entrypoints }),
        Some(default) => Some(default),
        None if entrypoints.iter().any(|id| id == root) => Some(root.to_owned()),
        None => entrypoints.first().cloned(),
    };
    let version = text(&options.bundle_version).unwrap_or_else(|| "0.0.0".to_owned());
    let mut out = Manifest::new(
        text(&options.bundle_id).unwrap_or_else(|| root.to_owned()),
        version,
        options.created_at.clone(),
    );
    out.entrypoints = entrypoints.into_iter().map(|id| entrypoint(id, flows)).collect();
    out.default_entrypoint = default;
    out.flows = flows.keys().map(|id| (id.clone(), flow_path(id))).collect();
    out.flows.sort_keys();
    if let Some(metadata) = &options.metadata {
        out.metadata = metadata.clone();
    }
    Ok(out)
}

fn entrypoint(flow_id: String, flows: &IndexMap<String, Flow>) -> Entrypoint {
    let document = flows.get(&flow_id).map(|flow| &flow.document);
    let name = document.map(|document| document.name.clone()).filter(|name| !name.is_empty());
    Entrypoint {
        name: Some(name.unwrap_or_else(|| flow_id.clone())),
        description: document.map(|document| document.description.clone()).unwrap_or_default(),
        interfaces: document.map(|document| document.interfaces.clone()).unwrap_or_default(),
        flow_id,
    }
}

fn flow_path(id: &str) -> String {
    format!("flows/{id}.json")
}

fn trimmed(ids: &[String]) -> Vec<String> {
    ids.iter()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect()
}

struct Flow {
    document: Document,
    bytes: Vec<u8>,
}

struct Collector<L> {
    lookup: L,
    max_bytes: usize,
    /// In the order of discovery.
    flows: IndexMap<String, Flow>,
    /// Ids that have been asked for.
    queued: HashSet<String>,
    missing: BTreeSet<String>,
}

impl<L: Fn(&str) -> Option<Vec<u8>>> Collector<L> {
    fn collect_by_id(&mut self, id: &str) -> Result<(), PackError> {
        match self.load(id)? {
            Some((document, bytes)) => self.collect(document, bytes),
            None => Ok(()),
        }
    }

    fn collect(&mut self, document: Document, bytes: Vec<u8>) -> Result<(), PackError> {
        self.queued.insert(document.id.clone());
        let mut open = vec![(document, bytes)];
        while let Some((document, bytes)) = open.pop() {
            let wanted = subflows(&document);
            self.flows.insert(document.id.clone(), Flow { document, bytes });
            for wanted in wanted {
                match wanted {
                    Ok(id) => open.extend(self.load(&id)?),
                    Err(pseudo) => drop(self.missing.insert(pseudo)),
                }
            }
        }
        Ok(())
    }

    /// The document of a flow that has not been asked for before. A flow of another bundle (`bundle@version:flow`) need not be there.
    fn load(&mut self, id: &str) -> Result<Option<(Document, Vec<u8>)>, PackError> {
        if !self.queued.insert(id.to_owned()) {
            return Ok(None);
        }
        let Some(bytes) = (self.lookup)(id) else {
            if !id.contains(':') {
                self.missing.insert(id.to_owned());
            }
            return Ok(None);
        };
        let document = Document::parse(&bytes, self.max_bytes).map_err(|error| PackError::Flow {
            id: id.to_owned(),
            error,
        })?;
        match document.id == id {
            true => Ok(Some((document, bytes))),
            false => Err(PackError::OtherId {
                asked: id.to_owned(),
                found: document.id,
            }),
        }
    }
}

/// The flows that a document's reachable subflow nodes name; for a node that names none a text that says which.
fn subflows(document: &Document) -> Vec<Result<String, String>> {
    let reachable = reachable(document);
    let nodes = document.nodes.iter().filter(|node| is_type(node, "subflow"));
    let nodes = nodes.filter(|node| reachable.as_ref().is_none_or(|ids| ids.contains(node.id.as_str())));
    let missing = |node: &Node| format!("<missing-subflow-id:{}:{}>", document.id, node.id);
    nodes.map(|node| node.subflow().ok_or_else(|| missing(node))).collect()
}

/// Ids of the execution nodes that the entry or an `on_event` node leads to; `None` when the flow has no execution pins.
fn reachable(document: &Document) -> Option<HashSet<&str>> {
    let exec = document
        .nodes
        .iter()
        .filter(|node| node.declares_execution || node.legacy_execution);
    let order: Vec<&Node> = exec.collect();
    let exec: HashSet<&str> = order.iter().map(|node| node.id.as_str()).collect();
    let mut next: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut entered = HashSet::new();
    for edge in document.edges.iter().filter(|edge| edge.is_exec()) {
        entered.insert(edge.target.as_str());
        if exec.contains(edge.target.as_str()) {
            next.entry(&edge.source).or_default().push(&edge.target);
        }
    }

    let entry = document.entry.as_deref().filter(|id| exec.contains(id));
    let listeners = order
        .iter()
        .filter(|node| is_type(node, "on_event"))
        .map(|node| node.id.as_str());
    let mut open: Vec<&str> = entry.into_iter().chain(listeners).collect();
    if open.is_empty() {
        let free = order.iter().find(|node| !entered.contains(node.id.as_str()));
        open.push(&free.or(order.first())?.id);
    }
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(next.get(id).into_iter().flatten());
        }
    }
    Some(seen)
}

/// Old documents say a node's type in its data only.
fn is_type(node: &Node, ty: &str) -> bool {
    match node.ty.as_str() {
        "" => filled(node.config.get("nodeType").map(|value| &**value).as_ref()).is_some_and(|found| found == ty),
        found => found == ty,
    }
}
