//! Handlers of effects that leave the host.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::ids::{RunId, TenantId};
use crate::record::Json;

/// One call of the outside world. The same key means the same call: a handler that can, lets it happen only once.
#[derive(Debug, Clone)]
pub struct Call {
    pub tenant: TenantId,
    pub run_id: RunId,
    pub node: String,
    pub kind: String,
    pub payload: Json,
    pub idempotency_key: String,
    pub attempt: u32,
    /// JSON object: the run's variables that belong to the host.
    pub host_vars: Json,
    pub session_id: Option<String>,
}

/// Does effects of one kind.
pub trait Handler: Send + Sync + 'static {
    /// Does the effect; the error is a text for people and fails the run.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>>;

    /// Whether a call that was cut off by the host's death may be made again.
    fn may_repeat(&self) -> bool {
        true
    }
}

/// The handlers of a host by the kind of effect. A kind without one fails as the reference does.
#[derive(Clone, Default)]
pub struct Handlers(HashMap<String, Arc<dyn Handler>>);

impl Handlers {
    pub fn with(mut self, kind: &str, handler: Arc<dyn Handler>) -> Self {
        self.0.insert(kind.to_owned(), handler);
        self
    }

    pub fn may_repeat(&self, kind: &str) -> bool {
        self.0.get(kind).is_none_or(|h| h.may_repeat())
    }

    pub async fn call(&self, call: Call) -> Result<Json, String> {
        match self.0.get(&call.kind) {
            Some(handler) => handler.call(call).await,
            None => Err(missing(&call.kind)),
        }
    }
}

/// What the reference says where nothing does effects of this kind.
fn missing(kind: &str) -> String {
    match kind {
        "import_workspace_file" | "export_artifact" | "read_artifact" => format!("{kind} requires a runtime artifact store."),
        _ => format!("No effect handler registered for {kind}"),
    }
}
