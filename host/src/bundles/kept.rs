//! What a bundle came to when it was compiled, as text that the journal keeps: thousands of bundles are on the shelf again at once when the
//! host starts.
//!
//! It is kept of bundles whose flows are all drawn and all compile without a finding. Others are compiled at every start, which says again
//! what is wrong with them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::UNIX_EPOCH;

use flowgate_compiler::bundle::{Limits, is_draft};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::install::resolved;
use super::shelf::{Flow, Installed, Source};
use crate::api::workflows::{Bundle, Entrypoint};
use crate::ids::Digest;

/// `J`: a document, `&RawValue` or `Box<RawValue>`.
#[derive(Serialize, Deserialize)]
struct Kept<J> {
    bundle_id: String,
    bundle_version: String,
    created_at: String,
    default_entrypoint: Option<String>,
    entrypoints: Vec<KeptEntrypoint>,
    metadata: J,
    flows: BTreeMap<String, KeptFlow<J>>,
}

#[derive(Serialize, Deserialize)]
struct KeptEntrypoint {
    flow_id: String,
    name: String,
    description: String,
    interfaces: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptFlow<J> {
    /// As hex.
    component: String,
    entry: String,
    /// The nodes at which its listeners begin.
    listeners: Vec<String>,
    document: J,
}

/// The text of a bundle; none of one that is to be compiled at every start.
pub fn text(installed: &Installed) -> Option<String> {
    let bundle = &installed.bundle;
    if !bundle.diagnostics.is_empty() || !bundle.components.is_empty() {
        return None;
    }
    let flow = |(id, flow): (&String, &'_ Flow)| {
        let compiled = flow.compiled.as_ref().ok()?;
        let kept = (compiled.component.hex(), compiled.entry.clone());
        let listeners = compiled.listeners.iter().map(|listener| listener.entry.clone());
        Some((id.clone(), kept, listeners.collect()))
    };
    let mut flows = BTreeMap::new();
    for known in &installed.flows {
        let (id, (component, entry), listeners) = flow(known)?;
        let document = known.1.json.as_deref()?;
        flows.insert(
            id,
            KeptFlow {
                component,
                entry,
                listeners,
                document,
            },
        );
    }
    let entrypoints = bundle.entrypoints.iter().map(|entrypoint| KeptEntrypoint {
        flow_id: entrypoint.flow_id.clone(),
        name: entrypoint.name.clone(),
        description: entrypoint.description.clone(),
        interfaces: entrypoint.interfaces.clone(),
    });
    let kept = Kept {
        bundle_id: bundle.bundle_id.clone(),
        bundle_version: bundle.bundle_version.clone(),
        created_at: bundle.created_at.clone(),
        default_entrypoint: bundle.default_entrypoint.clone(),
        entrypoints: entrypoints.collect(),
        metadata: &*bundle.metadata,
        flows,
    };
    serde_json::to_string(&kept).ok()
}

/// The bundle of a text; none when it is not one.
pub fn read(text: &str, source: Source, digest: Digest) -> Option<Installed> {
    let kept: Kept<Box<RawValue>> = serde_json::from_str(text).ok()?;
    let mut flows = BTreeMap::new();
    for (flow_id, flow) in kept.flows {
        let component = Digest::parse(&flow.component)?;
        let names = (kept.bundle_id.as_str(), kept.bundle_version.as_str());
        let compiled = Ok(Arc::new(resolved(names, &flow_id, component, &flow.entry, &flow.listeners)));
        let json = Some(Arc::from(flow.document));
        flows.insert(
            flow_id,
            Flow {
                json,
                drawn: true,
                compiled,
            },
        );
    }
    let entrypoints = kept.entrypoints.into_iter().map(|entrypoint| Entrypoint {
        flow_id: entrypoint.flow_id,
        name: entrypoint.name,
        description: entrypoint.description,
        interfaces: entrypoint.interfaces,
        deprecated: None,
    });
    let bundle = Bundle {
        is_draft: is_draft(&kept.bundle_version),
        bundle_id: kept.bundle_id,
        bundle_version: kept.bundle_version,
        created_at: kept.created_at,
        default_entrypoint: kept.default_entrypoint,
        entrypoints: entrypoints.collect(),
        flows: flows.keys().cloned().collect(),
        metadata: Arc::from(kept.metadata),
        components: Vec::new(),
        diagnostics: Vec::new(),
    };
    Some(Installed {
        bundle: Arc::new(bundle),
        source,
        digest,
        flows,
    })
}

/// What compiles here: this program with these limits. Another version, or another build of the same one, is another text.
pub fn build(limits: &Limits) -> String {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let file = std::env::current_exe().and_then(std::fs::metadata).ok();
        let changed = file
            .as_ref()
            .and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        let length = file.map(|file| file.len());
        format!("{} {length:?} {changed:?}", env!("CARGO_PKG_VERSION"))
    });
    Digest::of(format!("{} {limits:?}", *PROGRAM).as_bytes()).hex()
}
