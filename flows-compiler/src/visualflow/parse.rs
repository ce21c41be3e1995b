//! Bytes to [`Document`].

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::json::{self, Object};
use super::{Document, EXEC_OUT, Edge, EntryRoute, MAX_DEPTH, MAX_NAME, Node, ParseError, Pin};
use crate::catalogue::EXECUTION;
use crate::diagnostic::Diagnostic;

/// How many dropped nodes and edges are told.
const MAX_WARNINGS: usize = 100;

/// Keys of `data` that are parsed; everything else is configuration.
const PARSED: [&str; 5] = ["inputs", "outputs", "pinDefaults", "entryRoutes", "inputRouteOverrides"];

pub(super) fn document(bytes: &[u8], max_bytes: usize) -> Result<Document, ParseError> {
    if bytes.len() > max_bytes {
        return Err(ParseError::TooLarge {
            size: bytes.len(),
            limit: max_bytes,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ParseError::NotText { at: error.valid_up_to() })?;
    json::check_depth(bytes, MAX_DEPTH).map_err(|_| ParseError::TooDeep { limit: MAX_DEPTH })?;
    let not_json = |error: serde_json::Error| ParseError::NotJson(error.to_string());
    let root: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    if !root.get().starts_with('{') {
        return Err(ParseError::NotAnObject);
    }
    let root: Object<'_> = serde_json::from_str(root.get()).map_err(not_json)?;

    let id = json::first_scalar(&root, &["id", "flow_id", "workflow_id"]).trim().to_owned();
    if id.is_empty() {
        return Err(ParseError::MissingId);
    }
    if id.len() > MAX_NAME {
        return Err(ParseError::IdTooLong { limit: MAX_NAME });
    }
    let mut warnings = Vec::new();
    let nodes = nodes(&root, &id, &mut warnings);
    let edges = edges(&root, &id, &mut warnings);
    Ok(Document {
        name: json::scalar(root.get("name")),
        description: json::scalar(root.get("description")),
        interfaces: json::filled_strings(root.get("interfaces")),
        entry: json::filled(root.get("entryNode")),
        id,
        nodes,
        edges,
        warnings: warnings.into_iter().take(MAX_WARNINGS).collect(),
    })
}

fn items<'a>(object: &Object<'a>, key: &str) -> Vec<&'a RawValue> {
    object.get(key).and_then(|value| json::array(value)).unwrap_or_default()
}

fn nodes(root: &Object<'_>, flow: &str, warnings: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut out = Vec::new();
    for (at, item) in items(root, "nodes").into_iter().enumerate() {
        let parsed = json::object(item).map(|object| (json::scalar(object.get("id")).trim().to_owned(), object));
        match parsed {
            Some((id, object)) if !id.is_empty() => out.push(node(id, &object)),
            Some(_) => warnings.push(Diagnostic::warning(flow, format!("nodes[{at}] has no id and is ignored"))),
            None => warnings.push(Diagnostic::warning(
                flow,
                format!("nodes[{at}] is not an object and is ignored"),
            )),
        }
    }
    out
}

fn node(id: String, object: &Object<'_>) -> Node {
    let data = object.get("data").and_then(|value| json::object(value)).unwrap_or_default();
    let inputs = PinList::read(&data, "inputs");
    let outputs = PinList::read(&data, "outputs");
    let legacy = |key: &str, declared: &PinList| declared.absent && PinList::read(object, key).execution;
    Node {
        ty: node_type(object.get("type").copied()),
        declares_pins: inputs.declared || outputs.declared,
        declares_execution: inputs.execution || outputs.execution,
        legacy_execution: legacy("inputs", &inputs) || legacy("outputs", &outputs),
        inputs: inputs.pins,
        outputs: outputs.pins,
        defaults: defaults(&data),
        entry_routes: entry_routes(&data),
        route_overrides: route_overrides(&data),
        config: data
            .into_iter()
            .filter(|(key, _)| !PARSED.contains(&key.as_str()))
            .map(|(key, value)| (key, value.to_owned()))
            .collect(),
        id,
    }
}

fn node_type(value: Option<&RawValue>) -> String {
    let Some(value) = value else { return String::new() };
    if let Some(text) = json::string(value) {
        let text = text.trim();
        return match text.strip_prefix("NodeType.").map(str::trim) {
            Some(member) if !member.is_empty() => member.to_lowercase(),
            _ => text.to_owned(),
        };
    }
    match json::object(value) {
        Some(object) => match object.get("value").and_then(|value| json::string(value)) {
            Some(text) => text,
            None => value.get().to_owned(),
        },
        None => json::scalar(Some(&value)),
    }
}

/// The pins listed under one key.
struct PinList {
    pins: Vec<Pin>,
    /// The key holds no list.
    absent: bool,
    /// The list has items, whatever they are.
    declared: bool,
    execution: bool,
}

impl PinList {
    fn read(data: &Object<'_>, key: &str) -> Self {
        let list = data.get(key).and_then(|value| json::array(value));
        let absent = list.is_none();
        let items = list.unwrap_or_default();
        let mut out = Self {
            pins: Vec::new(),
            absent,
            declared: !items.is_empty(),
            execution: false,
        };
        for pin in items.into_iter().filter_map(json::object) {
            let text = |key: &str| pin.get(key).and_then(|value| json::string(value));
            let ty = text("type").unwrap_or_default();
            out.execution |= ty == EXECUTION;
            let id = text("id").unwrap_or_default();
            if !id.is_empty() {
                let schema = pin.get("schema").filter(|value| value.get().starts_with('{'));
                out.pins.push(Pin {
                    id,
                    ty,
                    label: text("label"),
                    schema: schema.map(|value| (*value).to_owned()),
                });
            }
        }
        out
    }
}

fn defaults(data: &Object<'_>) -> IndexMap<String, Box<RawValue>> {
    let object = data
        .get("pinDefaults")
        .and_then(|value| json::object(value))
        .unwrap_or_default();
    object
        .into_iter()
        .filter(|(pin, _)| !pin.is_empty())
        .map(|(pin, value)| (pin, value.to_owned()))
        .collect()
}

fn entry_routes(data: &Object<'_>) -> Vec<EntryRoute> {
    let routes = items(data, "entryRoutes").into_iter().filter_map(json::object);
    routes
        .filter_map(|route| {
            let source = json::filled(route.get("sourceNodeId")).or_else(|| json::filled(route.get("source")))?;
            let handle = json::filled(route.get("sourceHandle")).unwrap_or_else(|| EXEC_OUT.to_owned());
            let key = json::filled(route.get("key")).unwrap_or_else(|| format!("{source}::{handle}"));
            Some(EntryRoute { key, source, handle })
        })
        .collect()
}

fn route_overrides(data: &Object<'_>) -> IndexMap<String, IndexMap<String, (String, String)>> {
    let pins = data
        .get("inputRouteOverrides")
        .and_then(|value| json::object(value))
        .unwrap_or_default();
    let mut out = IndexMap::new();
    for (pin, per_route) in pins {
        let mut routes = IndexMap::new();
        for (key, reference) in json::object(per_route).unwrap_or_default() {
            let key = key.trim();
            let Some(reference) = json::object(reference).filter(|_| !key.is_empty()) else {
                continue;
            };
            let source = json::filled(reference.get("sourceNodeId")).or_else(|| json::filled(reference.get("source")));
            let handle = json::filled(reference.get("sourceHandle")).or_else(|| json::filled(reference.get("handle")));
            if let (Some(source), Some(handle)) = (source, handle) {
                routes.insert(key.to_owned(), (source, handle));
            }
        }
        if !pin.is_empty() && !routes.is_empty() {
            out.insert(pin, routes);
        }
    }
    out
}

fn edges(root: &Object<'_>, flow: &str, warnings: &mut Vec<Diagnostic>) -> Vec<Edge> {
    let mut out = Vec::new();
    for (at, item) in items(root, "edges").into_iter().enumerate() {
        match json::object(item).and_then(|object| edge(&object)) {
            Some(edge) => out.push(edge),
            None => warnings.push(Diagnostic::warning(
                flow,
                format!("edges[{at}] lacks a source, target or handle and is ignored"),
            )),
        }
    }
    out
}

fn edge(object: &Object<'_>) -> Option<Edge> {
    let end = |key: &str| Some(json::scalar(object.get(key)).trim().to_owned()).filter(|id| !id.is_empty());
    let data = object.get("data").and_then(|value| json::object(value)).unwrap_or_default();
    Some(Edge {
        source: end("source")?,
        target: end("target")?,
        source_handle: json::filled(object.get("sourceHandle"))?,
        target_handle: json::filled(object.get("targetHandle"))?,
        limited: data.get("loopLimit").is_some_and(|value| value.get().starts_with('{')),
    })
}
