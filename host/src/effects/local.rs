//! The effects that the host does itself (language sections 5.10 and 8.7). Texts of failures are the reference's.

use flow_rt::py;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::payload::Fields;
use super::{Child, Decision, Emission, Owner, Request};
use crate::clock::Micros;
use crate::journal::EventScope;
use crate::record::{Json, WaitReason, WaitState};

/// The kind of effect that starts a child.
const CHILD: &str = "start_subworkflow";

/// Whether an effect of this kind may start a child run.
pub fn may_start_child(kind: &str) -> bool {
    kind == CHILD
}

/// What is to be done for a request.
pub fn decide(owner: Owner<'_>, request: &Request) -> Decision {
    let fields = Fields::of(&request.payload);
    let decided = match request.kind.as_str() {
        "answer_user" => answer_user(&fields),
        "ask_user" => ask_user(owner, request, &fields),
        "wait_until" => wait_until(owner, request, &fields),
        "wait_event" => wait_event(owner, request, &fields),
        CHILD => start_subworkflow(request, &fields),
        "emit_event" => emit_event(owner, &fields),
        _ => Ok(Decision::Call),
    };
    decided.unwrap_or_else(Decision::Failed)
}

fn answer_user(fields: &Fields<'_>) -> Result<Decision, String> {
    let message = fields.value("message").or_else(|| {
        ["text", "content"]
            .into_iter()
            .find_map(|k| fields.value(k).filter(py::truthy))
    });
    let message = message.ok_or("answer_user requires payload.message")?;
    let message = py::str(&message).map_err(|e| e.to_string())?;
    let level = match fields.text("level").unwrap_or_default().trim().to_lowercase().as_str() {
        "warn" | "warning" => "warning",
        "error" => "error",
        _ => "message",
    };
    #[derive(Serialize)]
    struct Answer<'a> {
        message: &'a str,
        level: &'a str,
    }
    Ok(Decision::Completed(json(&Answer {
        message: &message,
        level,
    })))
}

/// A wait with everything optional empty; `resume_to_node` is the payload's, else the node that follows.
fn wait(reason: WaitReason, request: &Request, fields: &Fields<'_>) -> WaitState {
    WaitState {
        reason,
        wait_key: None,
        until: None,
        resume_to_node: fields.name("resume_to_node").or_else(|| request.next_node.clone()),
        result_key: request.result_key.clone(),
        prompt: None,
        choices: None,
        allow_free_text: true,
        details: None,
    }
}

fn ask_user(owner: Owner<'_>, request: &Request, fields: &Fields<'_>) -> Result<Decision, String> {
    let prompt = fields
        .value("prompt")
        .filter(py::truthy)
        .ok_or("ask_user requires payload.prompt")?;
    let prompt = py::str(&prompt).map_err(|e| e.to_string())?;
    let key = fields
        .name("wait_key")
        .unwrap_or_else(|| format!("user:{}:{}", owner.run_id, request.node));
    let wait = WaitState {
        wait_key: Some(key),
        prompt: Some(json(&&*prompt)),
        choices: fields
            .list("choices")
            .map(|_| fields.raw("choices").map(ToOwned::to_owned))
            .unwrap_or_default(),
        allow_free_text: fields.value("allow_free_text").is_none_or(|v| py::truthy(&v)),
        ..wait(WaitReason::User, request, fields)
    };
    Ok(Decision::Wait {
        wait: Box::new(wait),
        until: None,
    })
}

fn wait_until(owner: Owner<'_>, request: &Request, fields: &Fields<'_>) -> Result<Decision, String> {
    let text = fields
        .name("until")
        .ok_or("wait_until requires payload.until (ISO timestamp)")?;
    let until = Micros::parse(&text).ok_or_else(|| format!("wait_until payload.until is not a valid ISO timestamp: '{text}'"))?;
    if owner.now >= until {
        #[derive(Serialize)]
        struct Ready {
            until: String,
            ready: bool,
        }
        return Ok(Decision::Completed(json(&Ready {
            until: until.iso(),
            ready: true,
        })));
    }
    let wait = WaitState {
        until: Some(until.iso()),
        ..wait(WaitReason::Until, request, fields)
    };
    Ok(Decision::Wait {
        wait: Box::new(wait),
        until: Some(until),
    })
}

fn wait_event(owner: Owner<'_>, request: &Request, fields: &Fields<'_>) -> Result<Decision, String> {
    let key = match fields.value("wait_key").filter(py::truthy) {
        Some(key) => py::str(&key).map_err(|e| e.to_string())?.to_string(),
        None => {
            let name = fields.name("name").or_else(|| fields.name("event_name"));
            let name = name.ok_or("wait_event requires payload.wait_key or payload.name")?;
            let (scope, id) = scope(owner, fields).map_err(|e| format!("wait_event invalid payload: {e}"))?;
            scope.wait_key(&id, &name)
        }
    };
    let until = match fields.name("until") {
        Some(text) => {
            Some(Micros::parse(&text).ok_or_else(|| format!("wait_event payload.until is not a valid ISO timestamp: '{text}'"))?)
        }
        None => None,
    };
    let choices = fields.list("choices").map(|choices| {
        let texts = choices.iter().filter_map(|c| serde_json::from_str::<String>(c.get()).ok());
        json(
            &texts
                .map(|t| t.trim().to_owned())
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>(),
        )
    });
    let allow = fields.value("allow_free_text").or_else(|| fields.value("allowFreeText"));
    let wait = WaitState {
        wait_key: Some(key),
        until: until.map(Micros::iso),
        prompt: fields.text("prompt").filter(|p| !p.trim().is_empty()).map(|p| json(&p)),
        choices,
        allow_free_text: allow.is_none_or(|v| py::truthy(&v)),
        details: fields
            .raw("details")
            .filter(|d| d.get().starts_with('{'))
            .map(ToOwned::to_owned),
        ..wait(WaitReason::Event, request, fields)
    };
    Ok(Decision::Wait {
        wait: Box::new(wait),
        until,
    })
}

fn start_subworkflow(request: &Request, fields: &Fields<'_>) -> Result<Decision, String> {
    let workflow_id = fields
        .name("workflow_id")
        .ok_or("start_subworkflow requires payload.workflow_id")?;
    let vars = fields.raw("vars").filter(|v| v.get().starts_with('{')).map(ToOwned::to_owned);
    Ok(Decision::Child(Box::new(Child {
        workflow_id,
        vars: vars.unwrap_or_else(crate::journal::rows::empty_object),
        session_id: fields.name("session_id"),
        wait: fields.bool("wait").unwrap_or(true) || !fields.bool("async").unwrap_or(false),
        include_traces: fields.bool("include_traces").unwrap_or(false),
        next_node: fields.name("resume_to_node").or_else(|| request.next_node.clone()),
        result_key: request.result_key.clone(),
    })))
}

fn emit_event(owner: Owner<'_>, fields: &Fields<'_>) -> Result<Decision, String> {
    let name = fields
        .name("name")
        .or_else(|| fields.name("event_name"))
        .ok_or("emit_event requires payload.name")?;
    let (scope, scope_id) = scope(owner, fields).map_err(|e| format!("emit_event invalid payload: {e}"))?;
    let payload = match fields.raw("payload") {
        None => crate::journal::rows::empty_object(),
        Some(object) if object.get().starts_with('{') => object.to_owned(),
        Some(value) => json(&std::collections::BTreeMap::from([("value", value)])),
    };
    Ok(Decision::Emit(Box::new(Emission {
        name,
        scope,
        scope_id,
        event_id: fields.name("event_id"),
        payload,
    })))
}

/// The scope of an event and the id it is scoped by.
fn scope(owner: Owner<'_>, fields: &Fields<'_>) -> Result<(EventScope, String), String> {
    let session = || {
        fields
            .name("session_id")
            .or_else(|| owner.session_id.map(str::to_owned))
            .unwrap_or_else(|| owner.run_id.to_owned())
    };
    match fields
        .name("scope")
        .unwrap_or_else(|| "session".to_owned())
        .to_lowercase()
        .as_str()
    {
        "session" => Ok((EventScope::Session, session())),
        "workflow" => Ok((EventScope::Workflow, owner.workflow_id.to_owned())),
        "run" => Ok((EventScope::Run, owner.run_id.to_owned())),
        "global" => Ok((EventScope::Global, "global".to_owned())),
        other => Err(format!("unknown event scope '{other}'")),
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Json {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
