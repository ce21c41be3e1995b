//! The registry as the API sees it.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::value::RawValue;

use super::registry::Registry;
use super::resolve;
use crate::api::workflows::{Bundle, InstallError, Missing, ResolveError, ResolvedFlow, Target, Uploaded, Workflows};
use crate::ids::TenantId;

impl Workflows for Registry {
    fn bundles(&self, tenant: TenantId) -> Vec<Arc<Bundle>> {
        self.shelf(tenant).all().map(|installed| installed.bundle.clone()).collect()
    }

    fn bundle(&self, tenant: TenantId, bundle_id: &str, version: Option<&str>) -> Result<Arc<Bundle>, Missing> {
        self.shelf(tenant)
            .version(bundle_id, version)
            .map(|installed| installed.bundle.clone())
    }

    fn flow(&self, tenant: TenantId, bundle_id: &str, version: &str, flow_id: &str) -> Option<Arc<RawValue>> {
        let shelf = self.shelf(tenant);
        shelf.version(bundle_id, Some(version)).ok()?.flows.get(flow_id)?.json.clone()
    }

    fn resolve(&self, tenant: TenantId, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError> {
        resolve::resolve(&self.shelf(tenant), target)
    }

    fn upload(&self, tenant: TenantId, file: Bytes, overwrite: bool) -> BoxFuture<'_, Result<Uploaded, InstallError>> {
        Box::pin(self.install(tenant, file, overwrite))
    }

    fn reload(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            self.load(tenant).await.map_err(|e| e.to_string())?;
            self.journal().touch_bundles(tenant).await.map_err(|e| e.to_string())?;
            Ok(self.shelf(tenant).ids().cloned().collect())
        })
    }

    fn remove<'a>(
        &'a self,
        tenant: TenantId,
        bundle_id: &'a str,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64, String>> {
        Box::pin(self.uninstall(tenant, bundle_id, version))
    }
}
