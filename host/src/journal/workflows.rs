//! Reads of workflows: those that the host has made, and those that are not to be started any more.

use super::handle::Handle;
use super::scope::tenant_sql;
use super::store::query::{self, Columns};
use super::store::schedules::ALL;
use super::types::{DeprecationRow, DynamicWorkflow, Error};
use crate::clock::Micros;
use crate::ids::TenantId;

impl Handle {
    /// A workflow that the host has made.
    pub async fn dynamic_workflow(&self, tenant: TenantId, workflow_id: &str) -> Result<Option<DynamicWorkflow>, Error> {
        let sql = tenant_sql!(
            "SELECT workflow_id, document, component, entry FROM dynamic_workflows WHERE tenant = ?1 AND workflow_id = ?2"
        );
        let row = self.reads().of(tenant).await?.query(sql).bind(workflow_id).one().await?;
        row.map(|row| {
            let mut c = Columns::of(&row);
            Ok(DynamicWorkflow {
                tenant,
                workflow_id: c.get()?,
                document: query::raw(c.get()?)?,
                component: query::digest(c.get()?)?,
                entry: c.get()?,
            })
        })
        .transpose()
    }

    /// What is not to be started any more.
    pub async fn deprecations(&self, tenant: TenantId) -> Result<Vec<DeprecationRow>, Error> {
        let sql = tenant_sql!("SELECT bundle_id, flow_id, reason, deprecated_us FROM deprecations WHERE tenant = ?1");
        let rows = self.reads().of(tenant).await?.query(sql).all().await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(DeprecationRow {
                    bundle_id: c.get()?,
                    flow_id: Some(c.get::<String>()?).filter(|id| id != ALL),
                    reason: c.get()?,
                    at: Micros(c.get()?),
                })
            })
            .collect()
    }
}
