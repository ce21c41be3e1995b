//! The memory nodes: notes, conversation spans and the knowledge graph.

use super::effects::boolish;
use super::pins::{Pins, filled, float, objects, put, text, texts, whole};
use super::{Node, Run};
use crate::py;
use crate::value::{Map, Value};

impl Run {
    pub(super) fn memory_note(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let note = match main_text(&pins, "content") {
            Ok(note) => note,
            Err(e) => return self.fail(e.to_string()),
        };
        let object = |pin: &str| Some(pins.get(pin)).filter(|v| matches!(v, Value::Dict(_)));
        let keys = ["keep_in_context", "keepInContext"];
        let keep = pins.given(&keys).unwrap_or_else(|| pins.config_first(&keys));
        let mut payload = Map::from_iter([("note".into(), note)]);
        put(
            &mut payload,
            "tags",
            object("tags").unwrap_or_else(|| Value::dict(Map::default())),
        );
        put(&mut payload, "sources", object("sources"));
        put(&mut payload, "location", text(&pins.get("location")));
        put(&mut payload, "scope", text(&pins.get("scope")));
        put(&mut payload, "keep_in_context", boolish(&keep).then_some(Value::Bool(true)));
        self.request(node, "memory_note", payload, record([("note_id", Value::Null)]))
    }

    pub(super) fn memory_query(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let query = match main_text(&pins, "query") {
            Ok(query) => query,
            Err(e) => return self.fail(e.to_string()),
        };
        let limit = py::to_int(&pins.get("limit")).unwrap_or(Value::Int(10));
        let list = |pin: &str| Some(pins.get(pin)).filter(|v| matches!(v, Value::List(_))).map(|v| texts(&v));
        let filled = |pin: &str| Some(pins.get(pin)).filter(|v| !v.is_null());
        let mut payload = Map::from_iter([
            ("query".into(), query),
            ("limit_spans".into(), limit),
            ("return".into(), Value::str("both")),
        ]);
        put(&mut payload, "recall_level", text(&pins.get("recall_level")));
        put(&mut payload, "tags", filled("tags").filter(|v| matches!(v, Value::Dict(_))));
        put(&mut payload, "tags_mode", text(&pins.get("tags_mode")));
        put(&mut payload, "usernames", list("usernames"));
        put(&mut payload, "locations", list("locations"));
        put(&mut payload, "since", filled("since"));
        put(&mut payload, "until", filled("until"));
        put(&mut payload, "scope", text(&pins.get("scope")));
        self.request(
            node,
            "memory_query",
            payload,
            record([("results", none()), ("rendered", Value::str(""))]),
        )
    }

    pub(super) fn memory_tag(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let tags = Some(pins.get("tags")).filter(|v| matches!(v, Value::Dict(_)));
        let mut payload = Map::from_iter([("span_id".into(), pins.first(&["span_id", "spanId"]))]);
        put(&mut payload, "tags", tags.unwrap_or_else(|| Value::dict(Map::default())));
        put(
            &mut payload,
            "merge",
            pins.given(&["merge"]).map(|v| Value::Bool(boolish(&v))),
        );
        put(&mut payload, "scope", text(&pins.get("scope")));
        let beside = record([("rendered", Value::str("")), ("success", Value::Bool(false))]);
        self.request(node, "memory_tag", payload, beside)
    }

    pub(super) fn memory_compact(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let mut payload = Map::default();
        put(
            &mut payload,
            "preserve_recent",
            Some(pins.get("preserve_recent")).filter(|v| !v.is_null()),
        );
        put(&mut payload, "compression_mode", text(&pins.get("compression_mode")));
        put(&mut payload, "focus", text(&pins.get("focus")));
        self.request(node, "memory_compact", payload, record([("span_id", Value::Null)]))
    }

    pub(super) fn memory_rehydrate(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let spans = match pins.first(&["span_ids", "span_id"]) {
            Value::Null => Vec::new(),
            Value::List(list) => list.borrow().clone(),
            one => vec![one],
        };
        let placement = text(&pins.get("placement"));
        let placement = match placement.as_ref().and_then(Value::as_str) {
            Some("after_system") => "after_system",
            Some("end") => "end",
            _ => "after_summary",
        };
        let mut payload = Map::from_iter([
            ("span_ids".into(), Value::list(spans)),
            ("placement".into(), Value::str(placement)),
        ]);
        put(
            &mut payload,
            "max_messages",
            Some(pins.get("max_messages")).filter(|v| !v.is_null()),
        );
        put(&mut payload, "recall_level", text(&pins.get("recall_level")));
        self.request(
            node,
            "memory_rehydrate",
            payload,
            record([("inserted", Value::Int(0)), ("skipped", Value::Int(0))]),
        )
    }

    pub(super) fn memory_kg_assert(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let assertions = objects(&pins.first(&["assertions", "triples", "items"]));
        let mut payload = Map::from_iter([("assertions".into(), Value::list(assertions))]);
        for pin in ["scope", "owner_id", "span_id"] {
            put(&mut payload, pin, text(&pins.get(pin)));
        }
        put(&mut payload, "attributes_defaults", filled(&pins.get("attributes_defaults")));
        put(
            &mut payload,
            "allow_custom_predicates",
            flag(pins.get("allow_custom_predicates")),
        );
        self.request(
            node,
            "memory_kg_assert",
            payload,
            record([("assertion_ids", none()), ("count", Value::Int(0))]),
        )
    }

    pub(super) fn memory_kg_query(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let mut payload = Map::default();
        for pin in [
            "subject",
            "predicate",
            "object",
            "recall_level",
            "scope",
            "owner_id",
            "since",
            "until",
            "active_at",
            "query_text",
            "order",
            "model",
        ] {
            put(&mut payload, pin, text(&pins.get(pin)));
        }
        put(
            &mut payload,
            "max_input_tokens",
            whole(&pins.first(&["max_input_tokens", "max_in_tokens"])),
        );
        put(&mut payload, "min_score", float(&pins.get("min_score")));
        let limit = Some(pins.get("limit")).filter(|v| !matches!(v, Value::Bool(_)));
        put(&mut payload, "limit", limit.and_then(|v| py::to_int(&v).ok()));
        self.request(
            node,
            "memory_kg_query",
            payload,
            record([("items", none()), ("count", Value::Int(0))]),
        )
    }

    pub(super) fn memory_kg_resolve(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let mut payload = Map::default();
        for pin in ["label", "expected_type", "recall_level", "scope", "owner_id"] {
            put(&mut payload, pin, text(&pins.get(pin)));
        }
        put(
            &mut payload,
            "include_semantic",
            flag(pins.first(&["include_semantic", "includeSemantic"])),
        );
        put(&mut payload, "min_score", float(&pins.first(&["min_score", "minScore"])));
        put(
            &mut payload,
            "max_candidates",
            whole(&pins.first(&["max_candidates", "maxCandidates", "limit"])),
        );
        self.request(
            node,
            "memory_kg_resolve",
            payload,
            record([("candidates", none()), ("count", Value::Int(0))]),
        )
    }
}

/// A node's main pin as it is, or what the node was given instead of an object as text.
fn main_text(pins: &Pins, pin: &str) -> py::Result<Value> {
    if pins.is_object() {
        return Ok(pins.given(&[pin]).unwrap_or(Value::str("")));
    }
    py::str(&pins.whole).map(Value::Str)
}

fn flag(value: Value) -> Option<Value> {
    Some(value).filter(|v| matches!(v, Value::Bool(_)))
}

fn none() -> Value {
    Value::list(Vec::new())
}

fn record<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}
