//! One flow: from its document to a component. CPU work only.

use std::sync::{Arc, OnceLock};

use flowgate_compiler::bundle::Limits;
use flowgate_compiler::diagnostic::Diagnostic;
use flowgate_compiler::visualflow::Document;
use flowgate_compiler::{Link, graph};

/// A compiled flow.
#[derive(Debug)]
pub struct Made {
    /// The component.
    pub bytes: Vec<u8>,
    /// The runtime that it imports; none when it stands alone.
    pub runtime: Option<Arc<[u8]>>,
    /// The node at which the flow begins.
    pub entry: String,
    /// The nodes at which its listeners begin.
    pub listeners: Vec<String>,
    pub warnings: Vec<Diagnostic>,
}

/// Whether a flow is small enough. The error names the setting.
fn within(what: &str, has: usize, limit: usize, setting: &str, flow_id: &str) -> Result<(), Vec<Diagnostic>> {
    match has <= limit {
        true => Ok(()),
        false => Err(vec![Diagnostic::error(
            flow_id,
            format!("size limit: the {what} {has}, more than {limit} (bundles.{setting}): split the flow into subflows"),
        )]),
    }
}

/// Compiles a document within the limits of a flow, which are looked at before the work that they bound. `own` gives the workflow id of a flow of the same bundle. Errors come with the warnings found on the way.
pub fn compile(
    flow_id: &str,
    bytes: &[u8],
    limits: &Limits,
    own: &dyn Fn(&str) -> Option<String>,
    link: Link,
) -> Result<Made, Vec<Diagnostic>> {
    let most = limits.document_bytes;
    within("bytes of its document are", bytes.len(), most, "max_document_bytes", flow_id)?;
    let document = Document::parse(bytes, most);
    let mut document = document.map_err(|e| vec![Diagnostic::error(flow_id, e.to_string())])?;
    within(
        "number of its nodes is",
        document.nodes.len(),
        limits.nodes,
        "max_nodes",
        flow_id,
    )?;
    // The manifest names the flow; what the document calls itself may differ.
    document.id = flow_id.to_owned();
    let mut warnings = std::mem::take(&mut document.warnings);
    for warning in &mut warnings {
        warning.flow = flow_id.to_owned();
    }
    let built = graph::build(&document).and_then(|mut graph| {
        graph::qualify_subflows(&mut graph, own);
        let component = flowgate_compiler::compile(&graph, link)?;
        // The runtime in the standalone form is none of the flow's code.
        let own = match link {
            Link::Shared => 0,
            Link::Standalone => flowgate_compiler::runtime().map_or(0, |runtime| runtime.core.len()),
        };
        let size = component.bytes.len().saturating_sub(own);
        within(
            "bytes of its code are",
            size,
            limits.compiled_bytes,
            "max_compiled_bytes",
            flow_id,
        )?;
        Ok((graph, component))
    });
    let (graph, component) = match built {
        Ok(built) => built,
        Err(mut errors) => {
            errors.splice(0..0, warnings);
            return Err(errors);
        }
    };
    warnings.extend(graph.warnings.iter().cloned());
    let node = |ix: &graph::NodeIx| graph.node(*ix).id.clone();
    Ok(Made {
        bytes: component.bytes,
        runtime: if link == Link::Shared { runtime() } else { None },
        entry: node(&graph.entry),
        listeners: graph.listeners.iter().map(node).collect(),
        warnings,
    })
}

/// The core module that shared components import, once for all of them.
fn runtime() -> Option<Arc<[u8]>> {
    static CORE: OnceLock<Option<Arc<[u8]>>> = OnceLock::new();
    let core = || {
        flowgate_compiler::runtime()
            .ok()
            .map(|runtime| Arc::from(runtime.core.as_slice()))
    };
    CORE.get_or_init(core).clone()
}
