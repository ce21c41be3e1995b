//! The registry as the API sees it.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::value::RawValue;

use super::registry::{Registry, Source};
use super::resolve;
use crate::api::workflows::{
    Bundle, CompileError, DeprecateError, Deprecation, InstallError, Missing, ResolveError, ResolvedFlow, Target, Uploaded,
    Workflows,
};
use crate::ids::{Digest, TenantId};
use crate::journal;
use crate::record::Json;

impl Workflows for Registry {
    fn bundles(&self, tenant: TenantId) -> Vec<Arc<Bundle>> {
        let shelf = self.shelf(tenant);
        shelf.all().map(|installed| shelf.described(installed)).collect()
    }

    fn bundle(&self, tenant: TenantId, bundle_id: &str, version: Option<&str>) -> Result<Arc<Bundle>, Missing> {
        let shelf = self.shelf(tenant);
        shelf.version(bundle_id, version).map(|installed| shelf.described(installed))
    }

    fn flow(&self, tenant: TenantId, bundle_id: &str, version: &str, flow_id: &str) -> Option<Arc<RawValue>> {
        let shelf = self.shelf(tenant);
        shelf.version(bundle_id, Some(version)).ok()?.flows.get(flow_id)?.json.clone()
    }

    fn resolve(&self, tenant: TenantId, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError> {
        match self.options.source {
            Source::Bundles => resolve::resolve(&self.shelf(tenant), target),
            Source::VisualFlow => resolve::resolve_flow(&self.shelf(tenant), target),
        }
    }

    fn serves_bundles(&self) -> bool {
        self.options.source == Source::Bundles
    }

    fn flow_file(&self, tenant: TenantId, flow_id: &str) -> Option<Arc<RawValue>> {
        self.shelf(tenant).flow_file(flow_id)?.flow.json.clone()
    }

    fn refresh(&self, tenant: TenantId) -> BoxFuture<'_, ()> {
        Box::pin(self.look_at_flows(tenant))
    }

    fn compile(&self, tenant: TenantId, document: Json) -> BoxFuture<'_, Result<(Digest, String), CompileError>> {
        Box::pin(self.compile_document(tenant, document))
    }

    fn deprecate<'a>(
        &'a self,
        tenant: TenantId,
        bundle_id: &'a str,
        flow_id: Option<&'a str>,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Deprecation, DeprecateError>> {
        Box::pin(self.deprecate_flow(tenant, (bundle_id, flow_id), reason))
    }

    fn undeprecate<'a>(
        &'a self,
        tenant: TenantId,
        bundle_id: &'a str,
        flow_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, journal::Error>> {
        Box::pin(self.undeprecate_flow(tenant, bundle_id, flow_id))
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
