//! The tool allow list.

use std::rc::Rc;

use super::{Cx, Result, record};
use crate::py::chars::strip;
use crate::value::Value;

/// The names in the configured list `literalValue`, stripped, without blanks and repetitions. As
/// `tools`.
pub fn tools_allowlist(cx: &mut Cx<'_>) -> Result {
    let configured = cx.cfg("literalValue");
    let names = names(configured.as_ref());
    Ok(record([(
        "tools",
        Value::list(unique(names).into_iter().map(Value::Str).collect()),
    )]))
}

/// The non-blank texts of a list, stripped; none when it is no list.
pub(super) fn names(value: Option<&Value>) -> Vec<Rc<str>> {
    let Some(Value::List(items)) = value else {
        return Vec::new();
    };
    let items = items.borrow();
    let texts = items.iter().filter_map(Value::as_str).map(strip);
    texts.filter(|text| !text.is_empty()).map(Rc::from).collect()
}

fn unique(names: Vec<Rc<str>>) -> Vec<Rc<str>> {
    let mut kept = Vec::with_capacity(names.len());
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}
