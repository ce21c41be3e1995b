//! The registry as the runner sees it: workflows that a run may start as children.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::Registry;
use crate::ids::TenantId;
use crate::runner::{Catalog, Found};

impl Catalog for Registry {
    fn workflow<'a>(&'a self, tenant: TenantId, workflow_id: &'a str) -> BoxFuture<'a, Option<Arc<Found>>> {
        Box::pin(async move {
            let workflow = self.find_workflow(tenant, workflow_id).await?;
            Some(Arc::new(Found {
                workflow_id: workflow.workflow_id.clone(),
                component: workflow.component,
                entry: workflow.entry.clone(),
            }))
        })
    }
}
