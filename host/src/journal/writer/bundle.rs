//! Bundles, components and other bytes kept by their content.

use std::sync::Arc;

use super::super::store::Store;
use super::super::types::{BundleRow, DeprecationRow, Error};
use super::request::Component;
use super::unit::Unit;
use crate::ids::{Digest, TenantId};

impl<S: Store> Unit<S> {
    pub(crate) async fn install_bundle(&mut self, bundle: BundleRow, replace: bool) -> Result<(), Error> {
        let BundleRow {
            tenant,
            bundle_id,
            bundle_version,
            digest,
            bytes,
            installed_at,
        } = bundle;
        let name = (bundle_id.as_str(), bundle_version.as_str());
        if !self.store.put_bundle(tenant, name, digest, installed_at, replace).await? {
            return Err(Error::DuplicateBundle(format!("{bundle_id}@{bundle_version}")));
        }
        self.store.put_blob(tenant, digest, bytes).await
    }

    pub(crate) async fn put_component(&mut self, tenant: TenantId, component: Component) -> Result<(), Error> {
        let Component { digest, bytes, runtime } = component;
        let runtime: Option<(Digest, Arc<[u8]>)> = runtime.map(|bytes| (self.digest_of_runtime(&bytes), bytes));
        self.store
            .put_component(tenant, digest, runtime.as_ref().map(|(digest, _)| *digest))
            .await?;
        self.store.put_blob(tenant, digest, bytes).await?;
        if let Some((digest, bytes)) = runtime {
            self.store.put_blob(tenant, digest, bytes).await?;
        }
        Ok(())
    }

    /// One runtime comes with nearly all components: it is large, and looked at once.
    fn digest_of_runtime(&mut self, bytes: &Arc<[u8]>) -> Digest {
        match &self.runtime {
            Some((known, digest)) if Arc::ptr_eq(known, bytes) => *digest,
            _ => {
                let digest = Digest::of(bytes);
                self.runtime = Some((Arc::clone(bytes), digest));
                digest
            }
        }
    }

    /// Other processes learn of it as of any change of what is installed.
    pub(crate) async fn describe_component(
        &mut self,
        tenant: TenantId,
        digest: Digest,
        description: String,
    ) -> Result<(), Error> {
        self.store.put_description(tenant, digest, description).await?;
        self.store.touch_bundles(tenant).await
    }

    /// Other processes learn of it as of any change of what is installed.
    pub(crate) async fn deprecate(&mut self, tenant: TenantId, row: &DeprecationRow) -> Result<(), Error> {
        self.store.put_deprecation(tenant, row).await?;
        self.store.touch_bundles(tenant).await
    }

    pub(crate) async fn undeprecate(&mut self, tenant: TenantId, bundle_id: &str, flow_id: Option<&str>) -> Result<bool, Error> {
        let removed = self.store.remove_deprecation(tenant, bundle_id, flow_id).await?;
        self.store.touch_bundles(tenant).await?;
        Ok(removed)
    }
}
