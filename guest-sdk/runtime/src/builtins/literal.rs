//! The literal nodes.

use super::{Cx, Result, record};

/// `literal_*`, `json_schema`: the configured `literalValue` as it was stored, as `value`; null when
/// there is none. Each read is a copy, so that no reader changes the flow for the next.
pub fn literal(cx: &mut Cx<'_>) -> Result {
    let value = cx.cfg("literalValue").unwrap_or_default();
    Ok(record([("value", value.deep_copy())]))
}
