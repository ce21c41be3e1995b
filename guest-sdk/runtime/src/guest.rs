//! The flow world's exports, for a component: hands the host's records to the engine and back.
#![allow(unsafe_code)] // The generated bindings lower and lift values through linear memory.

use crate::engine::{self, Effect, Ending, Event, Outcome, Progress, abi, with};
use crate::json;
use crate::value::Value;

wit_bindgen::generate!({ path: "../../wit", world: "flow" });

use exports::flowgate::flow::workflow as wire;

struct Flow;

export!(Flow);

impl wire::Guest for Flow {
    fn describe() -> wire::Description {
        with(|run| {
            let description = run.program.description();
            let get = |key: &str| description.as_dict().and_then(|d| d.get(key)).unwrap_or_default();
            let text = |key: &str| get(key).as_str().unwrap_or_default().to_owned();
            let entries = match get("entries") {
                Value::List(entries) => entries.borrow().iter().filter_map(entry).collect(),
                _ => Vec::new(),
            };
            wire::Description {
                flow_id: text("id"),
                runtime: text("runtime"),
                entries,
                start_pins: json::to_string(&get("start_pins")).unwrap_or_default(),
                node_index: json::to_string(&get("node_index")).unwrap_or_default(),
            }
        })
    }

    fn tick(around: wire::Around, event: wire::Event, max_steps: u32) -> wire::Ticked {
        let around = engine::Around {
            now_us: around.now_us,
            seed: around.seed,
            run_id: around.run_id,
            workflow_id: around.workflow_id,
            session_id: around.session_id,
            host_vars: around.host_vars,
            host: around.host,
        };
        let event = match event {
            wire::Event::Start(start) => Event::Start {
                entry: start.entry,
                input: start.input,
            },
            wire::Event::Resolved(all) => Event::Resolved(all.into_iter().map(|r| (r.id, outcome(r.outcome))).collect()),
            wire::Event::Continue => Event::Continue,
        };
        let progress = match engine::tick(around, event, max_steps, abi::call) {
            Progress::Blocked { effect, steps } => wire::Progress::Blocked(wire::Blocked {
                effects: effect.map(wired).into_iter().collect(),
                abandoned: Vec::new(),
                steps,
            }),
            Progress::Yielded { node, steps } => wire::Progress::Yielded(wire::Yielded {
                node: node.to_string(),
                steps,
            }),
            Progress::Completed { node, output, by, steps } => {
                let by = match by {
                    Ending::Plan => wire::Ending::Plan,
                    Ending::Effect => wire::Ending::Effect,
                    Ending::Resume => wire::Ending::Resume,
                };
                wire::Progress::Completed(wire::Completed {
                    node: node.to_string(),
                    output,
                    by,
                    steps,
                })
            }
            Progress::Failed {
                node,
                code,
                message,
                steps,
            } => wire::Progress::Failed(wire::Failed {
                node: node.to_string(),
                code: code.to_owned(),
                message,
                steps,
            }),
        };
        let log = crate::python::state::take_log().into_iter();
        wire::Ticked {
            progress,
            log: log
                .map(|(node, text)| wire::Line {
                    node: node.to_string(),
                    text,
                })
                .collect(),
        }
    }

    fn snapshot() -> Option<Vec<u8>> {
        with(|run| run.snapshot()).map(String::into_bytes)
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8(snapshot).map_err(|_| "the snapshot is not UTF-8".to_owned())?;
        with(|run| run.restore(&text))
    }
}

fn entry(value: &Value) -> Option<wire::Entry> {
    let entry = value.as_dict()?;
    let kind = match entry.get("kind")?.as_str()? {
        "listener" => wire::EntryKind::Listener,
        _ => wire::EntryKind::Main,
    };
    Some(wire::Entry {
        node: entry.get("node")?.as_str()?.to_owned(),
        kind,
    })
}

fn outcome(outcome: wire::Outcome) -> Outcome {
    match outcome {
        wire::Outcome::Completed(json) => Outcome::Completed(json),
        wire::Outcome::Elapsed => Outcome::Elapsed,
        wire::Outcome::Failed(message) => Outcome::Failed(message),
    }
}

fn wired(effect: Effect) -> wire::Effect {
    wire::Effect {
        id: effect.id,
        node: effect.node.to_string(),
        kind: effect.kind.as_ref().to_owned(),
        payload: effect.payload,
        ordinal: effect.ordinal,
        result_key: Some(effect.result_key),
        next_node: effect.next_node.map(|n| n.to_string()),
    }
}
