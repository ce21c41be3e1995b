//! What a flow's attribute says of it.

use crate::request::quoted;
use crate::world::Description;

/// A flow's names.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    pub id: &'static str,
    /// The node at which runs begin.
    pub start: &'static str,
    /// The node at which they end.
    pub end: &'static str,
}

impl Info {
    /// The description of a flow with these pins.
    pub fn describe(&self, start_pins: String) -> Description {
        let node = |id: &str, ty: &str, label: &str| format!("{}:{{\"type\":\"{ty}\",\"label\":\"{label}\"}}", quoted(id));
        Description {
            flow_id: self.id.to_owned(),
            entry: self.start.to_owned(),
            start_pins,
            node_index: format!(
                "{{{},{}}}",
                node(self.start, "on_flow_start", "Start"),
                node(self.end, "on_flow_end", "End")
            ),
        }
    }
}
