//! Findings of the knowledge graph as short statements with their origin.

use crate::py;
use crate::value::{Dict, Map, Value};

use super::super::pins::text;

/// The packets of an answer and where they come from: packed by the store, or made here of its items.
pub(super) fn of(found: &Dict) -> (Vec<Dict>, &'static str) {
    let objects = |key: &str| {
        let list = found
            .get(key)
            .and_then(|list| list.as_list().map(|list| list.borrow().clone()));
        let list = list.unwrap_or_default();
        list.iter()
            .filter_map(|item| item.as_dict().map(Dict::shallow_copy))
            .collect::<Vec<_>>()
    };
    let packets = objects("packets");
    if !packets.is_empty() {
        return (packets, "kg_result.packets");
    }
    match objects("items") {
        items if items.is_empty() => (items, "none"),
        items => (packed(&items), "packetize_assertions(items)"),
    }
}

/// What a packet says.
pub(super) fn statement(packet: &Dict) -> Option<String> {
    let word = |key: &str| packet.get(key).and_then(|v| text(&v)).and_then(|v| v.as_str_rc());
    if let Some(statement) = word("statement") {
        return Some(statement.as_ref().to_owned());
    }
    Some(format!("{} —{}→ {}", word("subject")?, word("predicate")?, word("object")?))
}

/// A packet as an entry of the current context. How well it was found is not part of it, so that it stays one entry.
pub(super) fn line(packet: &Dict, statement: &str, marker: &str) -> String {
    let origin = [("span_id", "span"), ("writer_workflow_id", "wf")];
    let origin = origin.into_iter().filter_map(|(key, name)| {
        let value = packet.get(key).and_then(|v| text(&v))?;
        Some(format!("{name}:{}", value.as_str()?))
    });
    let origin: Vec<String> = origin.collect();
    let origin = match origin.is_empty() {
        true => String::new(),
        false => format!(" ({})", origin.join("; ")),
    };
    format!("{marker} {statement}{origin}")
}

/// One packet for each assertion that says something new.
fn packed(items: &[Dict]) -> Vec<Dict> {
    let mut seen = std::collections::HashSet::new();
    let mut packets = Vec::new();
    for item in items {
        let [subject, predicate, object] = ["subject", "predicate", "object"].map(|key| clean(item, key));
        if subject.is_empty() || predicate.is_empty() || object.is_empty() {
            continue;
        }
        let observed = clean(item, "observed_at");
        let [s, p, o] = [&subject, &predicate, &object].map(|part| part.to_lowercase());
        if !seen.insert((s, p, o, observed.clone())) {
            continue;
        }
        let member = |key: &str| item.get(key).and_then(|v| v.as_dict().cloned()).unwrap_or_default();
        let origin = member("provenance");
        let mut packet = super::map([
            ("version", Value::Int(0)),
            ("statement", Value::str(format!("{subject} —{predicate}→ {object}"))),
            ("subject", Value::str(subject)),
            ("predicate", Value::str(predicate)),
            ("object", Value::str(object)),
        ]);
        for (key, value) in [
            ("observed_at", observed),
            ("scope", clean(item, "scope")),
            ("owner_id", clean(item, "owner_id")),
            ("span_id", clean(&origin, "span_id")),
            ("writer_run_id", clean(&origin, "writer_run_id")),
            ("writer_workflow_id", clean(&origin, "writer_workflow_id")),
        ] {
            if !value.is_empty() {
                packet.insert(key.into(), Value::str(value));
            }
        }
        let score = member("attributes").get("_retrieval").and_then(|r| r.as_dict()?.get("score"));
        if let Some(score) = score.and_then(|s| number(&s)) {
            packet.insert("retrieval_score".into(), Value::Float(score));
        }
        packets.push(Dict::new(packet as Map));
    }
    packets
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => py::to_float(value).ok(),
        _ => None,
    }
}

/// A value's text with single spaces.
fn clean(of: &Dict, key: &str) -> String {
    let value = of.get(key).filter(|v| !v.is_null());
    let shown = value.and_then(|v| py::str(&v).ok()).unwrap_or_default();
    super::memory::single_spaced(&shown)
}
