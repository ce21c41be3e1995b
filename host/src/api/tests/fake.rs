//! Bundles that are made up: `demo` in two versions and a draft, `listen` with a listener, `broken` that does not compile.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flowgate_compiler::diagnostic::Diagnostic;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::value::RawValue;

use crate::api::workflows::*;
use crate::ids::{Digest, TenantId};
use crate::record::Json;

pub const FLOW: &str = r##"{"id":"approve","nodes":[{"id":"start","type":"on_flow_start","data":{"label":"Begin","headerColor":"#fff","pinDefaults":{"title":"Report"},"outputs":[{"id":"exec-out","label":"","type":"execution"},{"id":"title","label":"title","type":"any"},{"id":"size","label":"Size","type":"int"}]}},{"id":"ask","type":"ask_user","data":{"label":"ask_user"}}]}"##;

pub struct Bundles {
    installed: Mutex<Vec<Arc<Bundle>>>,
    pub uploads: Mutex<Vec<(Bytes, bool)>>,
}

impl Default for Bundles {
    fn default() -> Self {
        let all = [
            ("demo", "1.0.0"),
            ("demo", "1.1.0"),
            ("demo", "draft.1"),
            ("listen", "1.0.0"),
            ("broken", "1.0.0"),
        ];
        let installed = all.map(|(id, version)| Arc::new(bundle(id, version)));
        Bundles {
            installed: Mutex::new(installed.into()),
            uploads: Mutex::default(),
        }
    }
}

fn bundle(id: &str, version: &str) -> Bundle {
    Bundle {
        bundle_id: id.into(),
        bundle_version: version.into(),
        created_at: "2026-01-08T00:00:00+00:00".into(),
        is_draft: version.starts_with("draft."),
        default_entrypoint: Some("approve".into()),
        entrypoints: vec![Entrypoint {
            flow_id: "approve".into(),
            name: "main".into(),
            description: "d".into(),
            ..Entrypoint::default()
        }],
        flows: vec!["approve".into()],
        metadata: Arc::from(RawValue::from_string("{}".into()).unwrap()),
        components: match id {
            "listen" => vec![Component {
                flow_id: "approve".into(),
                state: ComponentState::Installing,
            }],
            _ => Vec::new(),
        },
        diagnostics: match id {
            "broken" => findings(),
            "listen" => vec![
                Diagnostic::warning("approve", "nobody reads this").at("n2"),
                Diagnostic::warning("other", "of another flow"),
            ],
            _ => Vec::new(),
        },
    }
}

fn findings() -> Vec<Diagnostic> {
    vec![Diagnostic::error("approve", "unknown node type 'magic'").at("n1").pin("p")]
}

impl Bundles {
    /// Leaves only the named bundle installed.
    pub fn only(&self, bundle_id: &str) {
        self.installed.lock().unwrap().retain(|bundle| bundle.bundle_id == bundle_id);
    }
}

impl Workflows for Bundles {
    fn bundles(&self, _: TenantId) -> Vec<Arc<Bundle>> {
        let mut all = self.installed.lock().unwrap().clone();
        all.sort_by(|a, b| a.bundle_id.cmp(&b.bundle_id));
        all
    }

    fn bundle(&self, tenant: TenantId, bundle_id: &str, version: Option<&str>) -> Result<Arc<Bundle>, Missing> {
        let all: Vec<_> = self
            .bundles(tenant)
            .into_iter()
            .filter(|bundle| bundle.bundle_id == bundle_id)
            .collect();
        match version {
            _ if all.is_empty() => Err(Missing::Bundle(bundle_id.into())),
            Some(version) => {
                let found = all.into_iter().find(|bundle| bundle.bundle_version == version);
                found.ok_or_else(|| Missing::Version(bundle_id.into(), version.into()))
            }
            None => Ok(all.into_iter().rfind(|bundle| !bundle.is_draft).unwrap()),
        }
    }

    fn flow(&self, _: TenantId, _: &str, _: &str, flow_id: &str) -> Option<Arc<RawValue>> {
        (flow_id == "approve").then(|| Arc::from(RawValue::from_string(FLOW.into()).unwrap()))
    }

    fn resolve(&self, tenant: TenantId, target: Target<'_>) -> Result<Arc<ResolvedFlow>, ResolveError> {
        let Some(bundle_id) = target.bundle_id else {
            return Err(match target.flow_id {
                None => ResolveError::Nothing,
                Some("old") => ResolveError::Deprecated("Workflow 'demo:old' is deprecated: old".into()),
                Some(_) => ResolveError::Ambiguous("bundle_id is required when multiple bundles are loaded".into()),
            });
        };
        let bundle = self
            .bundle(tenant, bundle_id, target.bundle_version)
            .map_err(|missing| ResolveError::NotFound(missing.to_string()))?;
        let flow_id = target.flow_id.unwrap_or("approve");
        let workflow_id = format!("{}:{flow_id}", bundle.reference());
        if flow_id != "approve" {
            return Err(ResolveError::NotFound(format!("Workflow '{workflow_id}' not found")));
        }
        if bundle_id == "broken" {
            return Err(ResolveError::NotCompiled {
                workflow_id,
                diagnostics: findings(),
            });
        }
        let listener = Listener {
            workflow_id: "visual_event_listener_listen_ev".into(),
            entry: "ev".into(),
        };
        Ok(Arc::new(ResolvedFlow {
            workflow_id,
            bundle_id: bundle.bundle_id.clone(),
            bundle_version: bundle.bundle_version.clone(),
            flow_id: flow_id.into(),
            is_draft: bundle.is_draft,
            component: Digest::of(b"component"),
            entry: "start".into(),
            listeners: if bundle_id == "listen" { vec![listener] } else { Vec::new() },
        }))
    }

    fn serves_bundles(&self) -> bool {
        true
    }

    fn flow_file(&self, _: TenantId, _: &str) -> Option<Arc<RawValue>> {
        None
    }

    fn refresh(&self, _: TenantId) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn compile(&self, _: TenantId, _: Json) -> BoxFuture<'_, Result<(Digest, String), CompileError>> {
        async { Ok((Digest::of(b"wrapper"), "start".to_owned())) }.boxed()
    }

    fn deprecate<'a>(
        &'a self,
        _: TenantId,
        bundle_id: &'a str,
        flow_id: Option<&'a str>,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Deprecation, DeprecateError>> {
        let answer = if bundle_id == "demo" && flow_id.is_none_or(|id| id == "approve") {
            Ok(Deprecation {
                at: "2026-01-08T00:00:00.000000+00:00".into(),
                reason: reason.map(str::to_owned),
            })
        } else {
            Err(DeprecateError::NotFound(format!("Bundle '{bundle_id}' not found")))
        };
        async { answer }.boxed()
    }

    fn undeprecate<'a>(
        &'a self,
        _: TenantId,
        bundle_id: &'a str,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, crate::journal::Error>> {
        async move { Ok(bundle_id == "demo") }.boxed()
    }

    fn upload(&self, _: TenantId, file: Bytes, overwrite: bool) -> BoxFuture<'_, Result<Uploaded, InstallError>> {
        self.uploads.lock().unwrap().push((file.clone(), overwrite));
        let answer = match &file[..] {
            b"again" if !overwrite => Err(InstallError::Exists("demo@1.0.0.flow".into())),
            b"no disk" => Err(InstallError::Failed("database: disk I/O error (code: 4874)".into())),
            b"no zip" => Err(InstallError::Invalid("File is not a zip file".into())),
            _ => Ok(Uploaded {
                bundle: Arc::new(bundle("demo", "1.0.0")),
                sha256: Digest::of(&file),
            }),
        };
        async { answer }.boxed()
    }

    fn reload(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let mut ids: Vec<_> = self.bundles(tenant).iter().map(|bundle| bundle.bundle_id.clone()).collect();
        ids.dedup();
        async { Ok(ids) }.boxed()
    }

    fn remove<'a>(&'a self, _: TenantId, id: &'a str, version: Option<&'a str>) -> BoxFuture<'a, Result<u64, String>> {
        let mut all = self.installed.lock().unwrap();
        let before = all.len();
        all.retain(|bundle| bundle.bundle_id != id || version.is_some_and(|version| bundle.bundle_version != version));
        let removed = (before - all.len()) as u64;
        async move { Ok(removed) }.boxed()
    }
}
