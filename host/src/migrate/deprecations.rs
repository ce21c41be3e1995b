//! Workflows that are not to be started any more: `workflow_deprecations.json`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::files::unreadable;
use super::{Error, Migration};
use crate::clock::Micros;
use crate::journal::DeprecationRow;

#[derive(Deserialize)]
struct Document {
    /// By bundle and flow; `*` is all flows of the bundle.
    #[serde(default)]
    bundles: BTreeMap<String, BTreeMap<String, Said>>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    deprecated_at: String,
    #[serde(default)]
    reason: Option<String>,
}

impl Migration<'_> {
    /// What is deprecated here already stays as it is.
    pub(super) async fn take_deprecations(&mut self, dir: &Path) -> Result<(), Error> {
        let path = dir.join("workflow_deprecations.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(&path, error)),
        };
        let document: Document = serde_json::from_slice(&text).map_err(|e| unreadable(&path, e))?;
        let here = self.journal.deprecations(self.tenant).await?;
        for (bundle_id, flows) in document.bundles {
            for (flow, said) in flows {
                let flow_id = (flow != "*").then_some(flow);
                if here.iter().any(|row| row.bundle_id == bundle_id && row.flow_id == flow_id) {
                    self.report.known += 1;
                    continue;
                }
                self.report.deprecations += 1;
                if !self.dry_run {
                    let row = DeprecationRow {
                        bundle_id: bundle_id.clone(),
                        flow_id,
                        reason: said.reason,
                        at: Micros::parse(&said.deprecated_at).unwrap_or_else(|| self.journal.clock().now()),
                    };
                    self.journal.deprecate(self.tenant, row).await?;
                }
            }
        }
        Ok(())
    }
}
