//! `manifest.json`: reading it with all its aliases, its rules, and writing it.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;

use super::ManifestError;
use crate::visualflow::MAX_DEPTH;
use crate::visualflow::json::{self, Object, filled, first_scalar};

/// The only format there is.
pub const FORMAT_VERSION: &str = "1";

/// What a bundle says of itself. Serialises as `manifest.json`, every field present but a missing default entrypoint.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    bundle_format_version: &'static str,
    pub bundle_id: String,
    pub bundle_version: String,
    /// As written; may be empty.
    pub created_at: String,
    pub entrypoints: Vec<Entrypoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_entrypoint: Option<String>,
    /// Flow id -> path in the bundle.
    pub flows: IndexMap<String, String>,
    /// Flow id -> path of the component that is the flow, `*.wasm`. Old bundles have precompiled flows of another kind here, which nobody
    /// reads.
    pub artifacts: IndexMap<String, String>,
    /// Logical name -> path in the bundle.
    pub assets: IndexMap<String, String>,
    /// A JSON object.
    pub metadata: Box<RawValue>,
}

/// A flow that the bundle offers to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entrypoint {
    pub flow_id: String,
    pub name: Option<String>,
    pub description: String,
    pub interfaces: Vec<String>,
}

/// Why no entrypoint was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntrypointError {
    #[error("Entrypoint '{flow_id}' not found in bundle '{bundle}' (available: {available})")]
    Missing {
        flow_id: String,
        bundle: String,
        available: String,
    },
    #[error("Selected entrypoint '{workflow_id}' does not implement interface '{interface}'")]
    Interface { workflow_id: String, interface: String },
    #[error("Bundle '{0}' has no entrypoints")]
    None(String),
}

impl Manifest {
    /// A manifest without flows; [`Manifest::check`] says what it still lacks.
    pub fn new(bundle_id: impl Into<String>, bundle_version: impl Into<String>, created_at: impl Into<String>) -> Self {
        Self {
            bundle_format_version: FORMAT_VERSION,
            bundle_id: bundle_id.into(),
            bundle_version: bundle_version.into(),
            created_at: created_at.into(),
            entrypoints: Vec::new(),
            default_entrypoint: None,
            flows: IndexMap::new(),
            artifacts: IndexMap::new(),
            assets: IndexMap::new(),
            metadata: empty_object(),
        }
    }

    /// Reads and checks `manifest.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let not_json = |error: &dyn std::fmt::Display| ManifestError::NotJson(error.to_string());
        let text = std::str::from_utf8(bytes).map_err(|error| not_json(&error))?;
        json::check_depth(bytes, MAX_DEPTH).map_err(|_| not_json(&format!("nested deeper than {MAX_DEPTH} levels")))?;
        let root: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        if !root.get().starts_with('{') {
            return Err(ManifestError::NotAnObject);
        }
        let root: Object<'_> = serde_json::from_str(root.get()).map_err(|error| not_json(&error))?;

        let format = first_scalar(&root, &["bundle_format_version", "bundleFormatVersion"]);
        if format.trim() != FORMAT_VERSION {
            return Err(ManifestError::FormatVersion(format.trim().to_owned()));
        }
        let version = first_scalar(&root, &["bundle_version", "bundleVersion"]);
        let version = Some(version.trim()).filter(|version| !version.is_empty()).unwrap_or("0.0.0");
        let mut out = Self::new(
            first_scalar(&root, &["bundle_id", "bundleId"]).trim(),
            version,
            first_scalar(&root, &["created_at", "createdAt"]),
        );
        out.entrypoints = entrypoints(&root);
        out.default_entrypoint = default_entrypoint(&root);
        // What is wrong with ids and entrypoints is said before what is wrong with paths.
        out.check()?;
        out.flows = mapping(&root, "flows")?;
        out.artifacts = mapping(&root, "artifacts")?;
        out.assets = mapping(&root, "assets")?;
        if let Some(metadata) = root.get("metadata").filter(|value| value.get().starts_with('{')) {
            out.metadata = (*metadata).to_owned();
        }
        Ok(out)
    }

    /// Every rule of a manifest that its fields can break.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.bundle_id.trim().is_empty() {
            return Err(ManifestError::BundleId);
        }
        if self.bundle_version.trim().is_empty() {
            return Err(ManifestError::BundleVersion);
        }
        if self.entrypoints.is_empty() {
            return Err(ManifestError::NoEntrypoints);
        }
        let mut seen = std::collections::HashSet::new();
        for entrypoint in &self.entrypoints {
            let id = entrypoint.flow_id.trim();
            if id.is_empty() {
                return Err(ManifestError::EntrypointFlowId);
            }
            if !seen.insert(id) {
                return Err(ManifestError::DuplicateEntrypoint(id.to_owned()));
            }
        }
        if let Some(default) = self.default_entrypoint.as_deref().map(str::trim)
            && !default.is_empty()
            && !seen.contains(default)
        {
            return Err(ManifestError::DefaultEntrypoint(default.to_owned()));
        }
        for (name, mapping) in [
            ("flows", &self.flows),
            ("artifacts", &self.artifacts),
            ("assets", &self.assets),
        ] {
            for (key, path) in mapping {
                check_path(name, key, path)?;
            }
        }
        if !self.metadata.get().starts_with('{') {
            return Err(ManifestError::Metadata);
        }
        Ok(())
    }

    /// `manifest.json`, indented by two.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        self.check()?;
        serde_json::to_string_pretty(self).map_err(|error| ManifestError::NotJson(error.to_string()))
    }

    /// Flow id and path of each component among the artifacts.
    pub fn components(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.artifacts.iter().map(|(id, path)| (id.trim(), path.as_str()));
        pairs.filter(|(_, path)| path.trim_end().ends_with(".wasm"))
    }

    /// `bundle_id@bundle_version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.bundle_id, self.bundle_version)
    }

    /// The entrypoint of this flow; without one the default entrypoint, else the first. It must offer `interface` if one is
    /// given.
    pub fn entrypoint(&self, flow_id: Option<&str>, interface: Option<&str>) -> Result<&Entrypoint, EntrypointError> {
        let find = |id: &str| self.entrypoints.iter().find(|entrypoint| entrypoint.flow_id == id);
        let chosen = match flow_id {
            Some(id) => find(id).ok_or_else(|| {
                let mut available: Vec<_> = self
                    .entrypoints
                    .iter()
                    .map(|entrypoint| entrypoint.flow_id.as_str())
                    .collect();
                available.sort_unstable();
                EntrypointError::Missing {
                    flow_id: id.to_owned(),
                    bundle: self.reference(),
                    available: available.join(", "),
                }
            })?,
            None => self
                .default_entrypoint
                .as_deref()
                .and_then(find)
                .or(self.entrypoints.first())
                .ok_or_else(|| EntrypointError::None(self.reference()))?,
        };
        match interface.filter(|interface| !chosen.interfaces.iter().any(|offered| offered == interface)) {
            Some(interface) => Err(EntrypointError::Interface {
                workflow_id: super::workflow_id(&self.bundle_id, &self.bundle_version, &chosen.flow_id),
                interface: interface.to_owned(),
            }),
            None => Ok(chosen),
        }
    }
}

fn entrypoints(root: &Object<'_>) -> Vec<Entrypoint> {
    let items = root
        .get("entrypoints")
        .and_then(|value| json::array(value))
        .unwrap_or_default();
    let objects = items.into_iter().filter_map(json::object);
    objects
        .map(|item| Entrypoint {
            flow_id: first_scalar(&item, &["flow_id", "flowId"]).trim().to_owned(),
            name: filled(item.get("name")),
            description: json::scalar(item.get("description")),
            interfaces: json::filled_strings(item.get("interfaces")),
        })
        .collect()
}

/// The first alias that is set to anything decides, and counts only if it is a text.
fn default_entrypoint(root: &Object<'_>) -> Option<String> {
    let aliases = [
        "default_entrypoint",
        "defaultEntrypoint",
        "default_entrypoint_flow_id",
        "defaultEntrypointFlowId",
    ];
    let first = aliases
        .iter()
        .filter_map(|alias| root.get(*alias))
        .find(|value| json::is_truthy(value));
    filled(first)
}

fn mapping(root: &Object<'_>, name: &'static str) -> Result<IndexMap<String, String>, ManifestError> {
    let object = root.get(name).and_then(|value| json::object(value)).unwrap_or_default();
    object
        .into_iter()
        .map(|(key, value)| {
            let Some(path) = json::string(value) else {
                return Err(ManifestError::UnsafePath {
                    mapping: name,
                    key,
                    path: value.get().to_owned(),
                });
            };
            check_path(name, &key, &path)?;
            Ok((key, path))
        })
        .collect()
}

fn check_path(mapping: &'static str, key: &str, path: &str) -> Result<(), ManifestError> {
    if key.trim().is_empty() {
        return Err(ManifestError::EmptyKey(mapping));
    }
    if !is_safe_path(path) {
        return Err(ManifestError::UnsafePath {
            mapping,
            key: key.to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// A relative path that stays where it starts: no root, no drive, no `.` or `..`.
pub(super) fn is_safe_path(path: &str) -> bool {
    let path = path.trim();
    let drive = path.split('/').next().is_some_and(|first| first.contains(':'));
    let dots = path.split(['/', '\\']).any(|part| part == "." || part == "..");
    !path.is_empty() && !path.starts_with(['/', '\\']) && !path.contains('\0') && !drive && !dots
}

fn empty_object() -> Box<RawValue> {
    // The text is an object, so it is JSON.
    RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
