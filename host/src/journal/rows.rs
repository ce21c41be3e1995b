//! The ledger rows that belong to no node, in the exact shapes that clients know. Drivers and the writer make them here.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::types::{Pin, Way};
use crate::clock::Micros;
use crate::record::{EffectRecord, Json, RunStatus, StepRecord, StepStatus, WaitState};

/// The run that a row belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub run_id: &'a str,
    pub actor_id: Option<&'a str>,
    pub session_id: Option<&'a str>,
}

/// `{}` as JSON.
pub fn empty_object() -> Json {
    json(&serde_json::Map::new())
}

/// JSON text of something that cannot fail to be JSON; should it all the same, `null`.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Json {
    to_raw_value(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a value of the journal's own could not be written as JSON");
        RawValue::NULL.to_owned()
    })
}

/// A completed row of `node` with everything else empty.
fn completed(
    owner: Owner<'_>,
    node: &str,
    effect: Option<EffectRecord>,
    result: Json,
    started: Micros,
    ended: Micros,
) -> StepRecord {
    StepRecord {
        run_id: owner.run_id.to_owned(),
        step_id: uuid::Uuid::new_v4().to_string(),
        node_id: node.to_owned(),
        status: StepStatus::Completed,
        effect,
        result: Some(result),
        error: None,
        started_at: started.iso(),
        ended_at: Some(ended.iso()),
        actor_id: owner.actor_id.map(str::to_owned),
        session_id: owner.session_id.map(str::to_owned),
        attempt: 1,
        idempotency_key: None,
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// The marker of a run's end: `emit_event` named `abstract.status`. `node` is the run's current node, `runtime` if it has none.
pub fn status_row(owner: Owner<'_>, node: Option<&str>, status: RunStatus, started: Micros, ended: Micros) -> StepRecord {
    #[derive(Serialize)]
    struct Payload<'a> {
        name: &'a str,
        scope: &'a str,
        payload: Text<'a>,
    }
    #[derive(Serialize)]
    struct Emitted<'a> {
        emitted: bool,
        name: &'a str,
        payload: Text<'a>,
    }
    let (name, text) = ("abstract.status", status.as_str());
    let effect = EffectRecord {
        kind: "emit_event".to_owned(),
        payload: json(&Payload {
            name,
            scope: "session",
            payload: Text { text },
        }),
        result_key: None,
    };
    let result = json(&Emitted {
        emitted: true,
        name,
        payload: Text { text },
    });
    let node = node.filter(|n| !n.is_empty()).unwrap_or("runtime");
    let mut row = completed(owner, node, Some(effect), result, started, ended);
    row.idempotency_key = Some(format!("system:terminal_status:{text}"));
    row
}

/// An answered wait. `payload` is what the flow gets.
pub fn resume_row(
    owner: Owner<'_>,
    node: Option<&str>,
    wait: &WaitState,
    payload: &RawValue,
    started: Micros,
    ended: Micros,
) -> StepRecord {
    #[derive(Serialize)]
    struct Payload<'a> {
        wait_reason: &'a str,
        wait_key: Option<&'a str>,
        resume_to_node: Option<&'a str>,
        result_key: Option<&'a str>,
        payload: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Resumed {
        resumed: bool,
    }
    let effect = EffectRecord {
        kind: "resume".to_owned(),
        payload: json(&Payload {
            wait_reason: wait.reason.as_str(),
            wait_key: wait.wait_key.as_deref(),
            resume_to_node: wait.resume_to_node.as_deref(),
            result_key: wait.result_key.as_deref(),
            payload,
        }),
        result_key: None,
    };
    let node = node.filter(|n| !n.is_empty()).unwrap_or("unknown");
    completed(owner, node, Some(effect), json(&Resumed { resumed: true }), started, ended)
}

/// A command that came to nothing, as its run's ledger tells it.
#[derive(Debug, Clone, Copy)]
pub struct RefusedCommand<'a> {
    pub command_id: &'a str,
    /// The type on the wire.
    pub kind: &'a str,
    pub client_id: Option<&'a str>,
    pub reason: &'a str,
}

/// Says why a command came to nothing: see [`COMMAND`](crate::record::COMMAND). `node` is the run's current node, `runtime` if it has
/// none.
pub fn refusal_row(owner: Owner<'_>, node: Option<&str>, command: RefusedCommand<'_>, at: Micros) -> StepRecord {
    #[derive(Serialize)]
    struct Payload<'a> {
        command_id: &'a str,
        #[serde(rename = "type")]
        kind: &'a str,
        client_id: Option<&'a str>,
    }
    let effect = EffectRecord {
        kind: crate::record::COMMAND.to_owned(),
        payload: json(&Payload {
            command_id: command.command_id,
            kind: command.kind,
            client_id: command.client_id,
        }),
        result_key: None,
    };
    let node = node.filter(|n| !n.is_empty()).unwrap_or("runtime");
    StepRecord {
        status: StepStatus::Failed,
        result: None,
        error: Some(command.reason.to_owned()),
        idempotency_key: Some(format!("command:{}", command.command_id)),
        ..completed(owner, node, Some(effect), RawValue::NULL.to_owned(), at, at)
    }
}

/// Says that a run goes on with another component: a row of the type [`COMMAND`](crate::record::COMMAND) that is completed, whose payload's
/// `type` is `upgrade` and which has `from`, `to` (`{"workflow_id", "component"}`) and `way`.
pub fn moved_row(owner: Owner<'_>, node: Option<&str>, (from, to): (&Pin, &Pin), way: Way, at: Micros) -> StepRecord {
    #[derive(Serialize)]
    struct Side<'a> {
        workflow_id: &'a str,
        component: String,
    }
    #[derive(Serialize)]
    struct Payload<'a> {
        command_id: Option<&'a str>,
        #[serde(rename = "type")]
        kind: &'a str,
        client_id: Option<&'a str>,
        from: Side<'a>,
        to: Side<'a>,
        way: Way,
    }
    let effect = EffectRecord {
        kind: crate::record::COMMAND.to_owned(),
        payload: json(&Payload {
            command_id: None,
            kind: "upgrade",
            client_id: None,
            from: Side {
                workflow_id: &from.workflow_id,
                component: from.component.hex(),
            },
            to: Side {
                workflow_id: &to.workflow_id,
                component: to.component.hex(),
            },
            way,
        }),
        result_key: None,
    };
    #[derive(Serialize)]
    struct Moved {
        moved: bool,
    }
    let node = node.filter(|n| !n.is_empty()).unwrap_or("runtime");
    completed(owner, node, Some(effect), json(&Moved { moved: true }), at, at)
}

/// The end of a run by its plan.
pub fn completion_row(owner: Owner<'_>, node: &str, output: &RawValue, started: Micros, ended: Micros) -> StepRecord {
    #[derive(Serialize)]
    struct Completed<'a> {
        completed: bool,
        output: &'a RawValue,
    }
    completed(
        owner,
        node,
        None,
        json(&Completed { completed: true, output }),
        started,
        ended,
    )
}

/// The end of a run whose last wait was answered and had no node to go on with.
pub fn completion_via_resume_row(
    owner: Owner<'_>,
    node: &str,
    wait: &WaitState,
    output: &RawValue,
    started: Micros,
    ended: Micros,
) -> StepRecord {
    #[derive(Serialize)]
    struct Completed<'a> {
        completed: bool,
        via: &'a str,
        wait_reason: &'a str,
        wait_key: Option<&'a str>,
        output: &'a RawValue,
    }
    let result = Completed {
        completed: true,
        via: "resume",
        wait_reason: wait.reason.as_str(),
        wait_key: wait.wait_key.as_deref(),
        output,
    };
    completed(owner, node, None, json(&result), started, ended)
}

/// A JSON object taken apart: its members in order, their values as text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Members(pub Vec<(String, Json)>);

impl Members {
    pub(crate) fn of(object: &RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }
    pub(crate) fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, value)| &**value)
    }
    /// A member that is a string with something in it, trimmed.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.get(key)?.get()).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
    pub(crate) fn set(&mut self, key: &str, value: Json) {
        match self.0.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

/// `target` with a JSON merge patch (RFC 7396) applied to it.
pub(crate) fn patched(target: &RawValue, patch: &RawValue) -> Json {
    let Some(changes) = Members::of(patch) else {
        return patch.to_owned();
    };
    let mut object = Members::of(target).unwrap_or_default();
    for (key, change) in changes.0 {
        if change.get() == "null" {
            object.0.retain(|(k, _)| *k != key);
        } else {
            let value = patched(object.get(&key).unwrap_or(RawValue::NULL), &change);
            object.set(&key, value);
        }
    }
    json(&object)
}

impl Serialize for Members {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        d.deserialize_map(Visitor)
    }
}
