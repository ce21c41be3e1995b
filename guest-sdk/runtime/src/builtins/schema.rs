//! The JSON Schema node.

use std::rc::Rc;

use super::{Cx, Result, record};
use crate::py::chars::strip;
use crate::py::{self, iterate};
use crate::value::{Map, Value};

/// The schema on the pin `schema` with the properties of the configured `literalValue` added, as
/// `schema`. What the base has is never changed; only added properties may become required; missing
/// `$defs` and `definitions` are added. An empty base gives the addition, and the other way round.
pub fn edit_json_schema(cx: &mut Cx<'_>) -> Result {
    let base = object(cx.arg("schema"));
    let added = object(cx.cfg("literalValue").as_ref());
    let schema = if base.is_empty() {
        added
    } else if added.is_empty() {
        base
    } else {
        extend(&base, &added)?
    };
    Ok(record([("schema", Value::dict(schema))]))
}

/// A shallow copy of an object; empty for all else.
fn object(value: Option<&Value>) -> Map {
    value
        .and_then(Value::as_dict)
        .map_or_else(Map::default, |dict| dict.borrow().clone())
}

fn extend(base: &Map, added: &Map) -> Result<Map> {
    let mut properties = object(base.get("properties"));
    let mut names = Vec::new();
    for (name, spec) in object(added.get("properties")) {
        if !name.is_empty() && !properties.contains_key(&name) {
            properties.insert(name.clone(), spec);
            names.push(name);
        }
    }
    let mut required = Vec::new();
    push_required(&mut required, base, |_| true)?;
    push_required(&mut required, added, |name| names.iter().any(|added| **added == *name))?;

    let mut merged = base.clone();
    let stated = |schema: &Map| schema.get("type").filter(|stated| py::truthy(stated)).cloned();
    let kind = stated(base).or_else(|| stated(added)).unwrap_or_else(|| Value::str("object"));
    merged.insert("type".into(), kind);
    merged.insert("properties".into(), Value::dict(properties));
    for key in ["$defs", "definitions"] {
        let additions = object(added.get(key));
        if additions.is_empty() {
            continue;
        }
        let mut definitions = object(base.get(key));
        for (name, spec) in additions {
            definitions.entry(name).or_insert(spec);
        }
        merged.insert(key.into(), Value::dict(definitions));
    }
    if required.is_empty() {
        merged.shift_remove("required");
    } else {
        let required = required.into_iter().map(Value::Str).collect();
        merged.insert("required".into(), Value::list(required));
    }
    Ok(merged)
}

/// Appends the non-blank names of a schema's `required` that are wanted and not there yet.
fn push_required(out: &mut Vec<Rc<str>>, schema: &Map, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let Some(names) = schema.get("required").filter(|names| py::truthy(names)) else {
        return Ok(());
    };
    for name in iterate(names)? {
        if let Value::Str(name) = name
            && !strip(&name).is_empty()
            && wanted(&name)
            && !out.contains(&name)
        {
            out.push(name);
        }
    }
    Ok(())
}
