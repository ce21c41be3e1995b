//! One flow: from its document to a component. CPU work only.

use std::sync::{Arc, OnceLock};

use flowgate_compiler::diagnostic::Diagnostic;
use flowgate_compiler::visualflow::Document;
use flowgate_compiler::{Link, graph};

/// Bytes of a compiled flow, about 12 000 nodes: to make native code of it takes some seconds and a quarter of a gigabyte.
const MAX_COMPONENT: usize = 2 << 20;

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

/// Compiles a document. `own` gives the workflow id of a flow of the same bundle. Errors come with the warnings found on the way.
pub fn compile(
    flow_id: &str,
    bytes: &[u8],
    max_bytes: usize,
    own: &dyn Fn(&str) -> Option<String>,
    link: Link,
) -> Result<Made, Vec<Diagnostic>> {
    let document = Document::parse(bytes, max_bytes);
    let mut document = document.map_err(|e| vec![Diagnostic::error(flow_id, e.to_string())])?;
    // The manifest names the flow; what the document calls itself may differ.
    document.id = flow_id.to_owned();
    let mut warnings = std::mem::take(&mut document.warnings);
    for warning in &mut warnings {
        warning.flow = flow_id.to_owned();
    }
    let built = graph::build(&document).and_then(|mut graph| {
        graph::qualify_subflows(&mut graph, own);
        let component = flowgate_compiler::compile(&graph, link)?;
        let size = component.bytes.len();
        if size > MAX_COMPONENT {
            let text =
                format!("size limit: the compiled flow has {size} bytes, more than {MAX_COMPONENT}: split it into subflows");
            return Err(vec![Diagnostic::error(flow_id, text)]);
        }
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
