//! What a client learns of a flow from its drawing: the input pins of its start node, their JSON Schema, and an index of its
//! nodes. Reads the VisualFlow document leniently: a part that is not of the expected shape is left out, never an error.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::validate::null;
use crate::record::Json;

/// The start pins and the nodes of a flow.
#[derive(Debug, Default)]
pub struct Pins {
    /// Outputs of the first `on_flow_start` node, execution pins aside.
    pub inputs: Vec<Pin>,
    /// By node id, in document order.
    pub nodes: IndexMap<String, NodeSummary>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Pin {
    pub id: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub default: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schema: Option<Json>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NodeSummary {
    #[serde(rename = "type")]
    kind: String,
    label: String,
    #[serde(rename = "headerColor", skip_serializing_if = "Option::is_none")]
    header_color: Option<String>,
}

/// A pin as `input_schema` shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinSchema {
    id: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    default: Option<Json>,
    required: bool,
    #[schema(value_type = Object)]
    schema: IndexMap<String, Json>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    nodes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Node<'a> {
    id: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeData<'a> {
    node_type: Option<String>,
    label: Option<String>,
    header_color: Option<String>,
    #[serde(borrow)]
    outputs: Vec<&'a RawValue>,
    #[serde(borrow)]
    pin_defaults: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output<'a> {
    id: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
}

impl Pins {
    pub fn of(flow: &RawValue) -> Self {
        let Ok(document) = serde_json::from_str::<Document<'_>>(flow.get()) else {
            return Pins::default();
        };
        let mut pins = Pins::default();
        let mut started = false;
        for node in document.nodes {
            let Ok(node) = serde_json::from_str::<Node<'_>>(node.get()) else {
                continue;
            };
            let data: NodeData<'_> = node
                .data
                .and_then(|data| serde_json::from_str(data.get()).ok())
                .unwrap_or_default();
            let kind = node.kind.or(data.node_type.clone()).unwrap_or_default();
            if kind == "on_flow_start" && !started {
                started = true;
                pins.inputs = start_pins(&data);
            }
            let label = data.label.filter(|label| !label.is_empty()).unwrap_or_else(|| kind.clone());
            pins.nodes.insert(
                node.id,
                NodeSummary {
                    kind,
                    label,
                    header_color: data.header_color,
                },
            );
        }
        pins
    }

    /// JSON Schema of the start input.
    pub fn schema(&self) -> IndexMap<&'static str, Json> {
        let properties: IndexMap<&str, _> = self.inputs.iter().map(|pin| (pin.id.as_str(), pin.schema())).collect();
        let required: Vec<&str> = self
            .inputs
            .iter()
            .filter(|pin| pin.default.is_none())
            .map(|pin| pin.id.as_str())
            .collect();
        let mut schema = IndexMap::from([
            ("type", raw(&"object")),
            ("additionalProperties", raw(&true)),
            ("properties", raw(&properties)),
        ]);
        if !required.is_empty() {
            schema.insert("required", raw(&required));
        }
        schema
    }
}

fn start_pins(data: &NodeData<'_>) -> Vec<Pin> {
    let defaults: HashMap<String, Json> = data
        .pin_defaults
        .and_then(|defaults| serde_json::from_str(defaults.get()).ok())
        .unwrap_or_default();
    let outputs = data
        .outputs
        .iter()
        .filter_map(|output| serde_json::from_str::<Output<'_>>(output.get()).ok());
    outputs
        .filter(|output| output.kind.as_deref() != Some("execution") && !output.id.is_empty())
        .map(|output| Pin {
            default: defaults.get(&output.id).cloned(),
            label: output
                .label
                .filter(|label| !label.is_empty())
                .unwrap_or_else(|| output.id.clone()),
            kind: output.kind.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "any".into()),
            schema: output
                .schema
                .filter(|schema| schema.get().starts_with('{'))
                .map(ToOwned::to_owned),
            id: output.id,
        })
        .collect()
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Json {
    to_raw_value(value).unwrap_or_else(|_| null())
}

impl Pin {
    /// JSON Schema of the pin's values.
    fn schema(&self) -> IndexMap<String, Json> {
        let mut schema = json_type(&self.kind);
        schema.insert("x-abstract-type".into(), raw(&self.kind));
        if self.label != self.id {
            schema.insert("title".into(), raw(&self.label));
        }
        if let Some(default) = &self.default {
            schema.insert("default".into(), default.clone());
        }
        let own = self
            .schema
            .as_ref()
            .and_then(|own| serde_json::from_str::<IndexMapOf>(own.get()).ok());
        schema.extend(own.unwrap_or_default().0);
        schema
    }
}

impl PinSchema {
    pub fn of(pin: Pin) -> Self {
        let schema = pin.schema();
        PinSchema {
            required: pin.default.is_none(),
            schema,
            id: pin.id,
            label: pin.label,
            kind: pin.kind,
            default: pin.default,
        }
    }
}

/// A JSON object in its order.
#[derive(Default)]
struct IndexMapOf(IndexMap<String, Json>);

impl<'de> Deserialize<'de> for IndexMapOf {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = crate::record::Object::deserialize(deserializer)?;
        Ok(IndexMapOf(
            object
                .0
                .into_iter()
                .map(|(key, value)| (key.into_owned(), value.to_owned()))
                .collect(),
        ))
    }
}

/// The JSON Schema words of a pin type; none for types that hold anything.
fn json_type(kind: &str) -> IndexMap<String, Json> {
    let kind = kind.trim().to_ascii_lowercase();
    let named = |name: &str| IndexMap::from([("type".to_owned(), raw(name))]);
    let artifact = |suffix: &str| {
        let mut schema = named("object");
        schema.insert("properties".into(), raw(&IndexMap::from([("$artifact", named("string"))])));
        schema.insert("required".into(), raw(&["$artifact"]));
        let modality = suffix.trim_matches(['_', ':', '[', ']', '<', '>']);
        if !modality.is_empty() {
            schema.insert("x-abstract-artifact-modality".into(), raw(modality));
        }
        schema
    };
    match kind.as_str() {
        "string" | "str" | "text" => named("string"),
        "number" | "float" | "double" => named("number"),
        "integer" | "int" => named("integer"),
        "boolean" | "bool" => named("boolean"),
        "array" | "list" => named("array"),
        "object" | "dict" | "map" | "json" => named("object"),
        other => {
            let words = ["path", "file", "provider", "model", "string"];
            if let Some(suffix) = other.strip_prefix("artifacts") {
                let mut schema = named("array");
                schema.insert("items".into(), raw(&artifact(suffix)));
                schema
            } else if let Some(suffix) = other.strip_prefix("artifact") {
                artifact(suffix)
            } else if words.iter().any(|word| other.starts_with(word)) {
                named("string")
            } else {
                IndexMap::new()
            }
        }
    }
}
