//! Names of bundles: the ids a file may be installed under, and the references by which people ask for one.

use super::Manifest;

/// An id that a file cannot be installed under, with a spelling that it can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeId {
    #[error("Bundle id '{id}' contains unsafe characters. Publish with a safe bundle_id (suggested: '{suggested}').")]
    Bundle { id: String, suggested: String },
    #[error(
        "Bundle version '{version}' contains unsafe characters. Publish with a safe bundle_version (suggested: '{suggested}')."
    )]
    Version { version: String, suggested: String },
}

/// Refuses ids that are not clean: letters, digits, `_` and single dashes inside, and dots in the version.
pub fn check_install_ids(manifest: &Manifest) -> Result<(), UnsafeId> {
    let (id, version) = (&manifest.bundle_id, &manifest.bundle_version);
    let suggested = clean(id, "_");
    if suggested != *id {
        return Err(UnsafeId::Bundle {
            id: id.clone(),
            suggested,
        });
    }
    let suggested = clean(version, "_.");
    if suggested != *version {
        return Err(UnsafeId::Version {
            version: version.clone(),
            suggested,
        });
    }
    Ok(())
}

/// Every run of dashes and of characters that are not allowed becomes one dash; none at the ends.
fn clean(id: &str, allowed: &str) -> String {
    let dashed: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || allowed.contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let parts: Vec<_> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// The name of an installed bundle's file.
pub fn file_name(bundle_id: &str, bundle_version: &str) -> String {
    format!("{bundle_id}@{bundle_version}.flow")
}

/// A flow's id among those of all bundles.
pub fn workflow_id(bundle_id: &str, bundle_version: &str, flow_id: &str) -> String {
    format!("{bundle_id}@{bundle_version}:{flow_id}")
}

/// The id of the workflow that listens for an `on_event` node's event.
pub fn listener_id(flow_id: &str, node_id: &str) -> String {
    format!("visual_event_listener_{}_{}", component(flow_id), component(node_id))
}

/// The id of the workflow that an `agent` node's child runs.
pub fn agent_id(workflow_id: &str, node_id: &str) -> String {
    format!("visual_react_agent_{}_{}", component(workflow_id), component(node_id))
}

/// Every run of characters that are not allowed in an id becomes one `_`.
fn component(text: &str) -> String {
    let mut out = String::new();
    let mut in_run = false;
    for c in text.trim().chars() {
        let allowed = c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if allowed || !in_run {
            out.push(if allowed { c } else { '_' });
        }
        in_run = !allowed;
    }
    if out.is_empty() { "unknown".to_owned() } else { out }
}

/// `bundle_id [ "@" version ] [ ":" flow_id ]`; a trailing `.flow` is no part of the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub bundle_id: String,
    /// None: the latest.
    pub version: Option<String>,
    pub flow_id: Option<String>,
}

/// The text names no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bundle_ref must be 'bundle_id' or 'bundle_id@version'")]
pub struct ReferenceError;

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        let split = if is_drive(text) { None } else { text.split_once(':') };
        let split = split.map(|(left, right)| (left.trim(), right.trim()));
        let (bundle, flow) = match split.filter(|(left, right)| !left.is_empty() && !right.is_empty()) {
            Some((left, right)) => (left, Some(right.to_owned())),
            None => (text, None),
        };
        let bundle = strip_extension(bundle);
        let (id, version) = match bundle.split_once('@') {
            Some((id, version)) => (id.trim(), Some(version.trim()).filter(|version| !version.is_empty())),
            None => (bundle, None),
        };
        match id.is_empty() {
            true => Err(ReferenceError),
            false => Ok(Self {
                bundle_id: id.to_owned(),
                version: version.map(str::to_owned),
                flow_id: flow,
            }),
        }
    }
}

/// `C:\…`
fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

fn strip_extension(text: &str) -> &str {
    let stem = text.len().checked_sub(".flow".len()).and_then(|at| text.split_at_checked(at));
    match stem {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(".flow") && !text.contains(['/', '\\']) => stem,
        _ => text,
    }
}
