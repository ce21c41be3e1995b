//! `.flow` bundles: a ZIP file, or a folder of the same layout, with `manifest.json`, the flows' documents and assets.
//!
//! Owns the container, the manifest's rules, the grammar of bundle references and versions, and packing. Trusts nothing that a
//! file says of itself: sizes are bounded while reading, paths never leave the bundle. It parses no flow (packing excepted,
//! which follows references) and knows no registry: which bundles are installed is the host's business.

mod archive;
mod error;
mod folder;
mod ids;
mod manifest;
mod pack;
#[cfg(test)]
mod tests;
mod versions;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use archive::Archive;
use folder::Folder;

pub use error::{BundleError, ManifestError, PackError};
pub use ids::{Reference, ReferenceError, UnsafeId, agent_id, check_install_ids, file_name, listener_id, workflow_id};
pub use manifest::{Entrypoint, EntrypointError, FORMAT_VERSION, Manifest};
pub use pack::{PackOptions, Packed, pack, pack_dir, pack_members};
pub use versions::{Version, is_draft, latest, sort_versions};

/// Where the manifest lies.
pub const MANIFEST: &str = "manifest.json";

/// How much a bundle may hold, unpacked, and how large its flows may be. A file that claims less than it holds is refused as corrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Members, folders not counted. Default 4 096.
    pub entries: usize,
    /// Bytes of one member. Default 64 MiB.
    pub member_bytes: u64,
    /// Bytes of all members together, and of all flows read. Default 256 MiB.
    pub total_bytes: u64,
    /// Bytes of the document of a flow that is compiled. Default 8 MiB.
    pub document_bytes: usize,
    /// Nodes of a flow that is compiled. Default 10 000.
    pub nodes: usize,
    /// Bytes of what a flow is compiled to: making native code of it takes time and memory in proportion. Default 2 MiB.
    pub compiled_bytes: usize,
    /// Bytes of a flow that is a component, without and with WASI. Defaults 4 MiB and 64 MiB.
    pub component_bytes: usize,
    pub wasi_component_bytes: usize,
    /// Bytes of one function of a component, without and with WASI: the time and memory that native code takes grow with the square of it.
    /// Defaults 64 KiB and 1 MiB.
    pub function_bytes: usize,
    pub wasi_function_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4096,
            member_bytes: 64 << 20,
            total_bytes: 256 << 20,
            document_bytes: 8 << 20,
            nodes: 10_000,
            compiled_bytes: 2 << 20,
            component_bytes: 4 << 20,
            wasi_component_bytes: 64 << 20,
            function_bytes: 64 << 10,
            wasi_function_bytes: 1 << 20,
        }
    }
}

/// An opened bundle. Its flows are in memory; other members are read when asked for.
#[derive(Debug)]
pub struct Bundle {
    pub manifest: Manifest,
    /// SHA-256, lower-case hex: of the file's bytes; for a folder, of its members' paths and contents in path order.
    pub digest: String,
    /// Flow id -> its document, verbatim, in the manifest's order.
    pub flows: IndexMap<String, Vec<u8>>,
    /// Flow id -> the component that is the flow, in the manifest's order. Its document, if there is one, is only looked at.
    pub components: IndexMap<String, Vec<u8>>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Zip(Archive),
    Folder(Folder),
}

impl Source {
    /// Paths of all members, sorted, without folders.
    fn paths(&self) -> Vec<&str> {
        match self {
            Self::Zip(archive) => archive.paths(),
            Self::Folder(folder) => folder.paths(),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        match self {
            Self::Zip(archive) => archive.read(path),
            Self::Folder(folder) => folder.read(path),
        }
    }
}

impl Bundle {
    /// Opens the bytes of a `.flow` file.
    pub fn from_zip(file: impl Into<Arc<[u8]>>, limits: &Limits) -> Result<Self, BundleError> {
        let file = file.into();
        let digest = sha256([&*file]);
        Self::open(Source::Zip(Archive::open(file, limits)?), limits, |_| Ok(digest))
    }

    /// Opens a folder with a bundle's layout.
    pub fn from_dir(dir: &Path, limits: &Limits) -> Result<Self, BundleError> {
        Self::open(Source::Folder(Folder::open(dir, limits)?), limits, |source| {
            let mut parts: Vec<Vec<u8>> = Vec::new();
            for path in source.paths() {
                let content = source.read(path)?;
                parts.extend([path.as_bytes().to_vec(), vec![0], sha256([&*content]).into_bytes()]);
            }
            Ok(sha256(parts.iter().map(Vec::as_slice)))
        })
    }

    fn open(
        source: Source,
        limits: &Limits,
        digest: impl FnOnce(&Source) -> Result<String, BundleError>,
    ) -> Result<Self, BundleError> {
        let manifest = source.read(MANIFEST).map_err(|error| match error {
            BundleError::MemberMissing(_) => BundleError::ManifestMissing,
            error => error,
        })?;
        let manifest = Manifest::parse(&manifest)?;
        let mut total = 0u64;
        let mut read = |path: &str| {
            let bytes = source.read(path)?;
            total += bytes.len() as u64;
            match total > limits.total_bytes {
                true => Err(BundleError::TooLarge {
                    limit: limits.total_bytes,
                }),
                false => Ok(bytes),
            }
        };
        let mut flows = IndexMap::new();
        for (id, path) in &manifest.flows {
            flows.insert(id.trim().to_owned(), read(path)?);
        }
        let mut components = IndexMap::new();
        for (id, path) in manifest.components() {
            components.insert(id.to_owned(), read(path)?);
        }
        Ok(Self {
            digest: digest(&source)?,
            manifest,
            flows,
            components,
            source,
        })
    }

    /// Paths of all members, sorted; the manifest is one of them.
    pub fn paths(&self) -> Vec<&str> {
        self.source.paths()
    }

    /// The bytes of one member.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        self.source.read(path)
    }
}

fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
