//! `POST /commands`: what a client wants done with a run. Taken once for each `command_id`; what becomes of it is seen in the run.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::value::RawValue;

use super::body::{JsonBody, storable};
use super::error::json;
use super::openapi::{BadRequest, Invalid, Refused, Unread, bodies};
use super::{AppState, Error, Principal};
use crate::ids::RunId;
use crate::journal::{Command, CommandKind};

#[utoipa::path(
    post,
    path = "/api/gateway/commands",
    tag = "commands",
    request_body(content = bodies::CommandBody),
    responses((status = 200, body = bodies::Receipt), BadRequest, Unread, Invalid, Refused)
)]
pub async fn submit(principal: Principal, State(app): State<AppState>, body: JsonBody) -> Result<Response, Error> {
    let mut fields = body.fields()?;
    let command_id = fields.required_text("command_id");
    let run_id = fields.required_text("run_id");
    let kind = fields.required_text("type");
    let payload = fields.dict("payload");
    let ts = fields.word("ts");
    let client_id = fields.text("client_id");
    fields.finish()?;

    let kind = parse_kind(kind.trim())
        .ok_or_else(|| Error::bad_request("type must be one of pause|resume|cancel|emit_event|update_schedule|compact_memory"))?;
    let run_id = run_id.trim();
    if run_id.is_empty() {
        return Err(failed("CommandRecord.run_id must be non-empty"));
    }
    let payload = match payload {
        Some(payload) => storable(payload, "payload").map_err(|text| failed(&text))?,
        None => RawValue::from_string("{}".into()).map_err(|error| failed(&error.to_string()))?,
    };
    let command = Command {
        tenant: principal.tenant,
        command_id: command_id.trim().to_owned(),
        run_id: RunId::from(run_id),
        kind,
        payload,
        ts,
        client_id,
    };
    Ok(json(StatusCode::OK, &app.journal.command(command).await?))
}

fn failed(text: &str) -> Error {
    Error::bad_request(format!("Failed to append command: {text}"))
}

/// The wire's names, in this spelling only.
fn parse_kind(name: &str) -> Option<CommandKind> {
    Some(match name {
        "pause" => CommandKind::Pause,
        "resume" => CommandKind::Resume,
        "cancel" => CommandKind::Cancel,
        "emit_event" => CommandKind::EmitEvent,
        "update_schedule" => CommandKind::UpdateSchedule,
        "compact_memory" => CommandKind::CompactMemory,
        _ => return None,
    })
}
