//! Flows that come as components: what a component must be, and what it says of itself.

use std::sync::Arc;

use flowgate_compiler::bundle::Limits;
use flowgate_compiler::diagnostic::Diagnostic;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::ids::Digest;
use crate::record::Json;
use crate::sandbox::{self, Imports, Sandbox, world};

/// Bytes of JSON that a component may say of itself.
const MAX_DESCRIPTION: usize = 1 << 20;

/// A component of a bundle that may be run, as far as can be told without compiling it.
#[derive(Debug, Clone)]
pub struct Guest {
    pub flow_id: String,
    /// Within the bundle.
    pub path: String,
    pub digest: Digest,
    pub bytes: Arc<[u8]>,
    pub imports: Imports,
}

/// What a component says of itself. Kept by the journal, so that it is asked once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Description {
    pub flow_id: String,
    /// The node at which the flow begins.
    pub entry: String,
    /// The nodes at which its listeners begin.
    pub listeners: Vec<String>,
    /// `[{"id", "type", "label", "default"?}]`
    start_pins: Json,
    /// `{node id: {"type", "label"}}`
    node_index: Json,
}

impl Guest {
    /// Checks a component. The error is for the person who made the bundle.
    pub fn check(flow_id: &str, path: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Box<Diagnostic>> {
        match sandbox::check(bytes, &limits.into()) {
            Ok(imports) => Ok(Guest {
                flow_id: flow_id.to_owned(),
                path: path.to_owned(),
                digest: Digest::of(bytes),
                bytes: bytes.into(),
                imports,
            }),
            Err(error) => Err(Box::new(refusal(flow_id, path, &error.to_string()))),
        }
    }

    /// What is wrong with it, by its place in the bundle.
    pub fn refusal(&self, error: &str) -> Diagnostic {
        refusal(&self.flow_id, &self.path, error)
    }

    /// Whether it is compiled in no time: then that is done while its bundle is installed.
    pub fn is_small(&self) -> bool {
        self.imports != Imports::Wasi && sandbox::is_quick(&self.bytes)
    }

    /// Makes native code of it, off the async threads, and asks it what it is, under the limits of a tick. `runtime`: the core module that
    /// it imports, when that is an earlier one.
    ///
    /// # Errors
    /// It cannot be compiled, or does not say what it must.
    pub async fn describe(&self, sandbox: &Sandbox, runtime: Option<Arc<[u8]>>) -> Result<Description, String> {
        let program = sandbox.prepare(self.digest, self.bytes.clone(), runtime).await;
        let program = program.map_err(|e| e.to_string())?;
        let mut instance = sandbox.instantiate(&program).await.map_err(|e| e.to_string())?;
        let said = instance.describe().await.map_err(|e| format!("describe: {e}"))?;
        Description::of(said)
    }

    /// Checks that the flow is the one that the bundle takes it for.
    pub fn is(&self, description: Description) -> Result<Description, String> {
        let (is, wanted) = (&description.flow_id, &self.flow_id);
        match is == wanted {
            true => Ok(description),
            false => Err(format!(
                "it is the flow '{is}', but the manifest's artifacts call it '{wanted}'"
            )),
        }
    }
}

fn refusal(flow_id: &str, path: &str, error: &str) -> Diagnostic {
    Diagnostic::error(flow_id, format!("component '{path}': {error}"))
}

impl Description {
    fn of(said: world::Description) -> Result<Self, String> {
        let len = said.start_pins.len() + said.node_index.len();
        if len > MAX_DESCRIPTION {
            return Err(format!("describe: {len} bytes, more than {MAX_DESCRIPTION}"));
        }
        let mut mains = said.entries.iter().filter(|e| e.kind == world::EntryKind::Main);
        let (Some(main), None) = (mains.next(), mains.next()) else {
            return Err("describe: a flow has one entry of the kind `main`".to_owned());
        };
        let listeners = said.entries.iter().filter(|e| e.kind == world::EntryKind::Listener);
        Ok(Description {
            entry: main.node.clone(),
            listeners: listeners.map(|e| e.node.clone()).collect(),
            start_pins: part("start-pins", said.start_pins, '[')?,
            node_index: part("node-index", said.node_index, '{')?,
            flow_id: said.flow_id,
        })
    }

    /// A VisualFlow document that draws what is known of the flow: its start with the pins, and its other nodes without edges.
    pub fn document(&self) -> Arc<RawValue> {
        #[derive(Serialize)]
        struct Node<'a> {
            id: &'a str,
            #[serde(rename = "type")]
            kind: &'a str,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Data<'a> {
            node_type: &'a str,
            label: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            outputs: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            pin_defaults: Option<IndexMap<String, Box<RawValue>>>,
        }
        #[derive(Deserialize)]
        struct Summary {
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default)]
            label: String,
        }
        #[derive(Deserialize)]
        struct Pin {
            id: String,
            #[serde(default, deserialize_with = "given")]
            default: Option<Box<RawValue>>,
        }
        /// `null` is a default too.
        fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
            Deserialize::deserialize(from).map(Some)
        }
        let index: IndexMap<String, Summary> = serde_json::from_str(self.node_index.get()).unwrap_or_default();
        let pins: Vec<Pin> = serde_json::from_str(self.start_pins.get()).unwrap_or_default();
        let defaults = pins.into_iter().filter_map(|pin| Some((pin.id, pin.default?)));
        let label = index.get(&self.entry).map_or("", |summary| &summary.label);
        let start = Node {
            id: &self.entry,
            kind: "on_flow_start",
            data: Data {
                node_type: "on_flow_start",
                label: if label.is_empty() { &self.flow_id } else { label },
                outputs: Some(&self.start_pins),
                pin_defaults: Some(defaults.collect()),
            },
        };
        let others = index.iter().filter(|(id, _)| **id != self.entry).map(|(id, summary)| Node {
            id,
            kind: &summary.kind,
            data: Data {
                node_type: &summary.kind,
                label: &summary.label,
                outputs: None,
                pin_defaults: None,
            },
        });
        drawn(
            &self.flow_id,
            &std::iter::once(start).chain(others).collect::<Vec<_>>(),
            Some(&self.entry),
        )
    }
}

/// The document of a flow of which nothing is known yet.
pub fn blank(flow_id: &str) -> Arc<RawValue> {
    drawn::<()>(flow_id, &[], None)
}

fn drawn<N: Serialize>(flow_id: &str, nodes: &[N], entry: Option<&str>) -> Arc<RawValue> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a, N> {
        id: &'a str,
        name: &'a str,
        nodes: &'a [N],
        edges: [(); 0],
        #[serde(skip_serializing_if = "Option::is_none")]
        entry_node: Option<&'a str>,
    }
    let document = Document {
        id: flow_id,
        name: flow_id,
        nodes,
        edges: [],
        entry_node: entry,
    };
    to_raw_value(&document).unwrap_or_else(|_| RawValue::NULL.to_owned()).into()
}

/// A part of a description: JSON that begins with `first`.
fn part(name: &str, text: String, first: char) -> Result<Json, String> {
    let json = RawValue::from_string(text).map_err(|e| format!("describe: {name} is not JSON: {e}"))?;
    match json.get().starts_with(first) {
        true => Ok(json),
        false => Err(format!("describe: {name} must begin with '{first}'")),
    }
}
