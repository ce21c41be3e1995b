//! Installed bundles: what can be started, and which component that means.
//!
//! [`Registry`] owns the answer in memory: one immutable [`Shelf`](shelf::Shelf) a tenant, replaced as a whole by a change, so
//! readers never wait and never see half an upload. Bundles come from the journal (uploads) and from the flows directory
//! ([`scan`]); every flow is compiled when its bundle is installed ([`install`]) and its component is given to the journal,
//! where runs find what they are pinned to. The registry never drives a run and never writes anything but through the journal
//! (and, when a bundle file of the flows directory is removed by a client, that file).
//!
//! A flow that does not compile keeps its diagnostics; only its start is refused. A flow may also be a component of the bundle
//! ([`guest`]): it is checked when the bundle is read; a large one is compiled behind the upload's answer ([`installing`]).

mod catalog;
mod compile;
mod deprecations;
mod files;
mod flow_files;
mod guest;
mod install;
mod installing;
mod kept;
mod pack_guest;
mod package;
mod registry;
mod resolve;
mod scan;
mod shelf;
#[cfg(test)]
mod tests;
mod versions;
mod workflows;

pub use files::{Compiled, compile_path, pack, pack_dir, pack_flow};
pub use pack_guest::{PackedGuest, pack_guest};
pub use registry::{Options, Registry, Source};
pub use shelf::Workflow;
pub use versions::Origin;

/// The workflow id of the listener that starts at `node` of a flow.
pub fn listener_id(workflow_id: &str, node: &str) -> String {
    format!("visual_event_listener_{}_{}", sanitised(workflow_id), sanitised(node))
}

/// Runs of characters outside `[A-Za-z0-9_-]` become one `_`; nothing becomes `unknown`.
fn sanitised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let clean = c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if clean {
            out.push(c);
        } else if !gap {
            out.push('_');
        }
        gap = !clean;
    }
    if out.is_empty() { "unknown".to_owned() } else { out }
}

/// `bundle_id[@version]`, both trimmed; a blank version is none.
fn split_ref(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((id, version)) => (id.trim(), Some(version.trim()).filter(|v| !v.is_empty())),
        None => (text.trim(), None),
    }
}
