//! The gateway's HTTP contract: every answer a client gets is made here, from what the journal has committed.
//!
//! A handler reads as its contract: it takes a [`Principal`] (and with it the tenant), checks its inputs, asks the journal or the
//! [`Workflows`] and shapes the answer. No handler runs a flow or touches the database. One file a resource; [`validate`] and
//! [`body`] say what is wrong with a request in the shape that clients know, [`Error`] is the one error and `{"detail": …}` its
//! answer. JSON of clients and flows passes through as text.

mod admission;
mod artifacts;
mod audit;
mod body;
mod bundle_admin;
mod bundle_flows;
mod bundles;
mod commands;
mod deprecations;
mod discovery;
mod error;
mod files;
mod history;
pub(crate) mod host_vars;
mod identity;
mod input_data;
mod ledger;
mod openapi;
mod operator;
mod pieces;
mod pins;
mod python_json;
mod routes;
mod run_summary;
mod runs;
mod schedule;
mod server;
mod start;
mod stream;
mod tls;
mod validate;
mod workflow_flow;
pub mod workflows;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::FromRequestParts;

pub use admission::{Admission, Starts};
pub use error::{Error, detail_response, json};
pub use routes::{operator_router, router};
pub use server::serve;
pub use tls::Tls;
pub use workflows::Workflows;

use crate::artifacts::{Snapshots, Store};
use crate::journal;
use crate::security::{Principal, Security};
use crate::workspace::{Workspace, Workspaces};

/// What handlers need. Cheap to clone: axum does it several times for each request.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What an [`AppState`] is made of.
#[derive(Clone)]
pub struct Parts {
    journal: journal::Handle,
    artifacts: Store,
    /// Of the flows that clients start.
    snapshots: Snapshots,
    workflows: Arc<dyn Workflows>,
    security: Security,
    workspaces: Workspaces,
    admission: Arc<Admission>,
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    pub fn new(journal: journal::Handle, workflows: Arc<dyn Workflows>, security: Security, workspaces: Workspaces) -> Self {
        AppState(Arc::new(Parts {
            artifacts: Store::new(journal.clone()),
            snapshots: Snapshots::new(journal.clone()),
            journal,
            workflows,
            security,
            workspaces,
            admission: Arc::default(),
        }))
    }

    /// With limits on what clients start.
    pub fn with_admission(self, admission: Admission) -> Self {
        AppState(Arc::new(Parts {
            admission: Arc::new(admission),
            ..Parts::clone(&self)
        }))
    }

    /// Lets a client start a run, or says which limit forbids it.
    async fn admit(&self, principal: &Principal) -> Result<(), Error> {
        self.admission.admit(&self.journal, principal.tenant).await
    }

    /// Lets a client bring in something that is kept, or says that the tenant keeps too much already.
    async fn admit_bytes(&self, principal: &Principal) -> Result<(), Error> {
        self.admission.admit_bytes(&self.journal, principal.tenant).await
    }

    /// The files that the principal's tenant may reach.
    fn workspace(&self, principal: &Principal) -> Workspace {
        self.workspaces.of(principal.tenant)
    }
}

/// Parts of the path, decoded.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
struct PathOf<T>(T);

impl From<axum::extract::rejection::PathRejection> for Error {
    fn from(rejection: axum::extract::rejection::PathRejection) -> Self {
        Error::Status(rejection.status(), rejection.body_text())
    }
}
