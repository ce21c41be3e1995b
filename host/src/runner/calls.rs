//! External effects: called after their `started` row is durable, again after a crash, never twice at a time.

use super::Context;
use crate::effects::{Call, Handlers};
use crate::journal::{LiveRun, OpenCall, Outcome};
use crate::record::Json;

/// Makes one call; the error is the handler's text.
pub(super) async fn call(context: &Context, run: &LiveRun, open: &OpenCall) -> Result<Json, String> {
    let call = Call {
        tenant: run.row.at.tenant,
        run_id: run.row.run_id.clone(),
        node: open.node.clone(),
        kind: open.kind.clone(),
        payload: open.payload.clone(),
        idempotency_key: open.idempotency_key.clone(),
        attempt: open.attempt,
    };
    let result = context.handlers.call(call).await?;
    if result.get().len() > context.settings.max_payload_bytes {
        let (len, limit) = (result.get().len(), context.settings.max_payload_bytes);
        return Err(format!("payload limit: the result has {len} bytes, more than {limit}"));
    }
    Ok(result)
}

/// Whether a call that was in flight when the host died is made again.
pub(super) fn may_repeat(handlers: &Handlers, open: &OpenCall) -> bool {
    handlers.may_repeat(&open.kind)
}

/// The outcome that the flow is told.
pub(super) fn outcome(result: &Result<Json, String>) -> Outcome {
    match result {
        Ok(json) => Outcome::Completed(json.clone()),
        Err(error) => Outcome::Failed(error.clone()),
    }
}
