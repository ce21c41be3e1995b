//! The clock node.

use super::{Cx, Result, record};
use crate::time::iso_utc;
use crate::value::Value;

/// The tick's time: `iso` with microseconds, `timezone` UTC, `utc_offset_minutes` 0, and an empty
/// `locale`, as a host without one has.
pub fn system_datetime(cx: &mut Cx<'_>) -> Result {
    Ok(record([
        ("iso", Value::str(iso_utc(cx.world.now_us))),
        ("timezone", Value::str("UTC")),
        ("utc_offset_minutes", Value::Int(0)),
        ("locale", Value::str("")),
    ]))
}
