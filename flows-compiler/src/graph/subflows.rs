//! References from one flow to another.

use serde_json::value::to_raw_value;

use super::Graph;
use crate::catalogue::Lower;
use crate::visualflow::{SUBFLOW_KEYS, json, subflow_id};

/// Rewrites the flow ids that subflow nodes name: `own` answers the qualified id (`bundle@version:flow`) of a flow of the same
/// bundle, and `None` for any other text, which stays as it is and so may name a flow of another bundle. The flow's own id is
/// qualified with them.
pub fn qualify_subflows(graph: &mut Graph, own: &dyn Fn(&str) -> Option<String>) {
    if let Some(id) = own(&graph.id) {
        graph.workflow_id = id;
    }
    for node in graph.nodes.iter_mut().filter(|node| node.ty.lower == Lower::Subflow) {
        for key in SUBFLOW_KEYS {
            let Some(value) = node.config.get_mut(key) else { continue };
            let qualified = json::string(value).and_then(|id| own(id.trim()));
            // A text always has a JSON form.
            if let Some(text) = qualified.and_then(|id| to_raw_value(&id).ok()) {
                *value = text;
            }
        }
    }
}

impl Graph {
    /// The flow ids that this flow's subflow nodes name, in node order, repeated ones once.
    pub fn subflows(&self) -> Vec<String> {
        let subflows = self.nodes.iter().filter(|node| node.ty.lower == Lower::Subflow);
        let ids: indexmap::IndexSet<String> = subflows.filter_map(|node| subflow_id(&node.config)).collect();
        ids.into_iter().collect()
    }
}
