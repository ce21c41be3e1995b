//! What clients are shown of a flow: its start parameters, its nodes' labels and the schema of its input.
//!
//! The shapes are the gateway contract's, ready to be serialised; nothing here decides what a flow means.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::{Document, Node, Pin, json::filled};

/// A parameter of a flow: a data output of its first `on_flow_start` node.
#[derive(Debug, Clone, Serialize)]
pub struct StartPin {
    pub id: String,
    /// The pin's label, or its id when it has none.
    pub label: String,
    #[serde(rename = "type")]
    pub ty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Box<RawValue>>,
}

/// How a node is shown in a run's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeLabel {
    #[serde(rename = "type")]
    pub ty: String,
    pub label: String,
    #[serde(rename = "headerColor", skip_serializing_if = "Option::is_none")]
    pub header_color: Option<String>,
}

/// The body of `input_schema` without the five ids that name the flow.
#[derive(Debug, Clone, Serialize)]
pub struct InputSchema {
    pub version: u32,
    pub inputs: Vec<SchemaPin>,
    /// Pin -> default, of the pins that have one.
    pub defaults: IndexMap<String, Box<RawValue>>,
    /// A JSON Schema object.
    pub input_data_schema: Box<RawValue>,
}

/// A start parameter with the schema of its value.
#[derive(Debug, Clone, Serialize)]
pub struct SchemaPin {
    pub id: String,
    pub label: String,
    #[serde(rename = "type")]
    pub ty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Box<RawValue>>,
    /// True when there is no default.
    pub required: bool,
    pub schema: Box<RawValue>,
}

/// The start parameters, in pin order; none when the flow has no `on_flow_start`.
pub fn start_pins(document: &Document) -> Vec<StartPin> {
    let Some(start) = document.nodes.iter().find(|node| node.ty == "on_flow_start") else {
        return Vec::new();
    };
    start
        .outputs
        .iter()
        .filter(|pin| !pin.is_execution())
        .map(|pin| start_pin(start, pin))
        .collect()
}

fn start_pin(start: &Node, pin: &Pin) -> StartPin {
    let label = pin
        .label
        .as_deref()
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .unwrap_or(&pin.id);
    StartPin {
        id: pin.id.clone(),
        label: label.to_owned(),
        ty: if pin.ty.is_empty() {
            "unknown".to_owned()
        } else {
            pin.ty.clone()
        },
        default: start.defaults.get(&pin.id).cloned(),
        schema: pin.schema.clone(),
    }
}

/// Node id -> type, label and colour, in document order.
pub fn node_index(document: &Document) -> IndexMap<String, NodeLabel> {
    let entry = |node: &Node| {
        let header_color = filled(node.config.get("headerColor").map(|value| &**value).as_ref());
        let label = node.label().unwrap_or_else(|| node.id.clone());
        (
            node.id.clone(),
            NodeLabel {
                ty: node.ty.clone(),
                label,
                header_color,
            },
        )
    };
    document.nodes.iter().map(entry).collect()
}

/// What a start of this flow accepts.
pub fn input_schema(document: &Document) -> InputSchema {
    let mut inputs = Vec::new();
    let mut defaults = IndexMap::new();
    let mut properties = IndexMap::new();
    let mut required = Vec::new();
    for pin in start_pins(document) {
        let schema = raw(&property(&pin));
        properties.insert(pin.id.clone(), schema.clone());
        match &pin.default {
            Some(default) => drop(defaults.insert(pin.id.clone(), default.clone())),
            None => required.push(pin.id.clone()),
        }
        inputs.push(SchemaPin {
            required: pin.default.is_none(),
            id: pin.id,
            label: pin.label,
            ty: pin.ty,
            default: pin.default,
            schema,
        });
    }
    let mut schema: IndexMap<&str, Box<RawValue>> = IndexMap::new();
    schema.insert("type", raw("object"));
    schema.insert("additionalProperties", raw(&true));
    schema.insert("properties", raw(&properties));
    if !required.is_empty() {
        schema.insert("required", raw(&required));
    }
    InputSchema {
        version: 1,
        inputs,
        defaults,
        input_data_schema: raw(&schema),
    }
}

/// The schema of one parameter: from its type, then what is known of the pin, then what its author wrote.
fn property(pin: &StartPin) -> IndexMap<String, Box<RawValue>> {
    let mut out: IndexMap<String, Box<RawValue>> = type_schema(&pin.ty)
        .into_iter()
        .map(|(key, value)| (key, raw(&value)))
        .collect();
    out.insert("x-abstract-type".to_owned(), raw(&pin.ty));
    if pin.label != pin.id {
        out.insert("title".to_owned(), raw(&pin.label));
    }
    if let Some(default) = &pin.default {
        out.insert("default".to_owned(), default.clone());
    }
    if let Some(own) = &pin.schema {
        let own = super::json::object(own).unwrap_or_default();
        out.extend(own.into_iter().map(|(key, value)| (key, value.to_owned())));
    }
    out
}

/// The JSON Schema of a pin type; empty for types that take any value.
fn type_schema(ty: &str) -> Map<String, Value> {
    let ty = ty.trim().to_lowercase();
    let schema = match ty.as_str() {
        "number" | "float" | "double" => json!({"type": "number"}),
        "integer" | "int" => json!({"type": "integer"}),
        "boolean" | "bool" => json!({"type": "boolean"}),
        "array" | "list" | "tools" | "assertions" => json!({"type": "array"}),
        "object" | "dict" | "map" | "json" | "json_schema" | "memory" | "assertion" => json!({"type": "object"}),
        "string" | "text" | "str" | "path" | "file" | "workspace_file" | "workspace_folder" => json!({"type": "string"}),
        _ if ty.starts_with("provider") || ty.starts_with("model") => json!({"type": "string"}),
        _ if ty.starts_with("artifacts") => json!({"type": "array", "items": artifact(&ty["artifacts".len()..])}),
        _ if ty.starts_with("artifact") => artifact(&ty["artifact".len()..]),
        _ => json!({}),
    };
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn artifact(suffix: &str) -> Value {
    let mut out = json!({"type": "object", "properties": {"$artifact": {"type": "string"}}, "required": ["$artifact"]});
    if let Some(modality) = suffix.strip_prefix('_').filter(|modality| !modality.is_empty()) {
        out["x-abstract-artifact-modality"] = json!(modality);
    }
    out
}

/// A value of ours as JSON text. Only maps with text keys come here, and those always have one.
fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
