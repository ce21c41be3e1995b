//! Which flows of bundles are not to be started any more. What runs goes on, children that it starts included.

use std::collections::HashMap;
use std::sync::Arc;

use super::Registry;
use super::shelf::Shelf;
use crate::api::workflows::{Bundle, DeprecateError, Deprecation};
use crate::ids::TenantId;
use crate::journal::{self, DeprecationRow};

/// The deprecations of a tenant: bundle id -> flow id -> what was said. No flow id: all flows that are not named themselves.
#[derive(Debug, Default, Clone)]
pub struct Deprecations(HashMap<String, HashMap<Option<String>, Deprecation>>);

impl Deprecations {
    pub fn of(rows: impl IntoIterator<Item = DeprecationRow>) -> Self {
        let mut all = Deprecations::default();
        rows.into_iter().for_each(|row| all.add(row));
        all
    }

    fn add(&mut self, row: DeprecationRow) {
        let said = said(&row);
        self.0.entry(row.bundle_id).or_default().insert(row.flow_id, said);
    }

    fn remove(&mut self, bundle_id: &str, flow_id: Option<&str>) {
        if let Some(flows) = self.0.get_mut(bundle_id) {
            flows.remove(&flow_id.map(str::to_owned));
        }
    }

    /// What was said of a flow, else of its whole bundle.
    pub fn find(&self, bundle_id: &str, flow_id: &str) -> Option<&Deprecation> {
        let flows = self.0.get(bundle_id)?;
        flows.get(&Some(flow_id.to_owned())).or_else(|| flows.get(&None))
    }

    /// The bundle with its deprecated entrypoints marked.
    pub fn marked(&self, bundle: &Arc<Bundle>) -> Arc<Bundle> {
        if self.0.get(&bundle.bundle_id).is_none_or(HashMap::is_empty) {
            return bundle.clone();
        }
        let mut bundle = Bundle::clone(bundle);
        for entrypoint in &mut bundle.entrypoints {
            entrypoint.deprecated = self.find(&bundle.bundle_id, &entrypoint.flow_id).cloned();
        }
        Arc::new(bundle)
    }
}

/// As clients are told it: this one time of the contract ends with `Z`.
fn said(row: &DeprecationRow) -> Deprecation {
    Deprecation {
        at: row.at.iso().replace("+00:00", "Z"),
        reason: row.reason.clone(),
    }
}

impl Registry {
    /// Deprecates a flow of a bundle, or all of them.
    pub(super) async fn deprecate_flow(
        &self,
        tenant: TenantId,
        (bundle_id, flow_id): (&str, Option<&str>),
        reason: Option<&str>,
    ) -> Result<Deprecation, DeprecateError> {
        let _change = self.changing.lock().await;
        let shelf = self.shelf(tenant);
        let latest = shelf
            .version(bundle_id, None)
            .map_err(|missing| DeprecateError::NotFound(missing.to_string()))?;
        if let Some(flow_id) = flow_id
            && !latest
                .bundle
                .entrypoints
                .iter()
                .any(|entrypoint| entrypoint.flow_id == flow_id)
        {
            return Err(DeprecateError::NotFound(format!(
                "Entrypoint '{bundle_id}:{flow_id}' not found"
            )));
        }
        let row = DeprecationRow {
            bundle_id: bundle_id.to_owned(),
            flow_id: flow_id.map(str::to_owned),
            reason: reason.map(str::to_owned),
            at: self.journal().clock().now(),
        };
        let said = said(&row);
        self.journal().deprecate(tenant, row.clone()).await?;
        self.redraw(tenant, &shelf, |all| all.add(row));
        Ok(said)
    }

    /// Takes a deprecation back. False: there was none.
    pub(super) async fn undeprecate_flow(
        &self,
        tenant: TenantId,
        bundle_id: &str,
        flow_id: Option<&str>,
    ) -> Result<bool, journal::Error> {
        let _change = self.changing.lock().await;
        let removed = self.journal().undeprecate(tenant, bundle_id, flow_id).await?;
        self.redraw(tenant, &self.shelf(tenant), |all| all.remove(bundle_id, flow_id));
        Ok(removed)
    }

    fn redraw(&self, tenant: TenantId, shelf: &Shelf, change: impl FnOnce(&mut Deprecations)) {
        let mut all = shelf.deprecations().clone();
        change(&mut all);
        self.put_shelf(tenant, shelf.with_deprecations(all));
    }
}
