//! Finding out what a bundle's components are: from the journal, at once for small ones, else behind the caller's back, one at a time.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use flowgate_compiler::diagnostic::Diagnostic;

use super::guest::{Description, Guest};
use super::install::{Prepared, resolved};
use super::registry::Registry;
use super::shelf::Installed;
use crate::api::workflows::{Bundle, Component as Shown, ComponentState};
use crate::ids::{Digest, TenantId};
use crate::journal::{self, Component};
use crate::sandbox::Imports;

/// Components that wait to be compiled.
#[derive(Debug)]
pub(super) struct Queue {
    send: tokio::sync::mpsc::UnboundedSender<(TenantId, Guest)>,
    /// Held by whoever compiles.
    jobs: tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<(TenantId, Guest)>>,
    /// What has been sent and is not done: the sources may be read again meanwhile.
    queued: std::sync::Mutex<HashSet<(TenantId, Digest)>>,
}

impl Default for Queue {
    fn default() -> Self {
        let (send, jobs) = tokio::sync::mpsc::unbounded_channel();
        Queue {
            send,
            jobs: jobs.into(),
            queued: std::sync::Mutex::default(),
        }
    }
}

impl Queue {
    fn queued(&self) -> std::sync::MutexGuard<'_, HashSet<(TenantId, Digest)>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, tenant: TenantId, guest: Guest) {
        if self.queued().insert((tenant, guest.digest)) {
            // The receiver lives as long as the registry.
            let _open = self.send.send((tenant, guest));
        }
    }
}

/// What is known of a component.
enum Known {
    Ready(Description),
    Installing,
    Failed(Diagnostic),
}

impl Registry {
    /// Learns what the components of a bundle are. Those that take long stay `installing`; what is wrong is added to `refused`.
    pub(super) async fn settle(&self, tenant: TenantId, prepared: &mut Prepared) -> Result<(), journal::Error> {
        let bundle = Arc::make_mut(&mut prepared.installed.bundle);
        for wrong in &prepared.refused {
            set_state(bundle, &wrong.flow, ComponentState::Failed);
        }
        for guest in std::mem::take(&mut prepared.guests) {
            let runtime = match self.runtime_of(tenant, &guest).await? {
                Ok(runtime) => runtime,
                Err(error) => {
                    fail(prepared, &guest, guest.refusal(&error));
                    continue;
                }
            };
            let known = self.known(tenant, &guest, runtime.clone()).await?;
            match known {
                Known::Failed(wrong) => {
                    fail(prepared, &guest, wrong);
                    continue;
                }
                Known::Ready(description) => {
                    show(&mut prepared.installed, &guest, Some(&description));
                    prepared.descriptions.push((guest.digest, description));
                }
                Known::Installing => {
                    show(&mut prepared.installed, &guest, None);
                    prepared.waiting.push(guest.clone());
                }
            }
            prepared.components.push(Component {
                digest: guest.digest,
                bytes: guest.bytes,
                runtime,
            });
        }
        Ok(())
    }

    /// The runtime that a component imports, to be kept beside it. The inner error: this host does not have it.
    async fn runtime_of(&self, tenant: TenantId, guest: &Guest) -> Result<Result<Option<Arc<[u8]>>, String>, journal::Error> {
        let Imports::Runtime(wanted) = &guest.imports else {
            return Ok(Ok(None));
        };
        let own = flowgate_compiler::runtime().ok().filter(|own| own.digest == *wanted);
        if let Some(own) = own {
            return Ok(Ok(Some(own.core.as_slice().into())));
        }
        let kept = match Digest::parse(wanted) {
            Some(digest) => self.journal().blob(tenant, digest).await?,
            None => None,
        };
        Ok(match kept {
            Some(core) => Ok(Some(core)),
            None => Err(format!(
                "it imports the runtime {wanted}, which this host does not have: compile the flow again, or in the standalone form"
            )),
        })
    }

    async fn known(&self, tenant: TenantId, guest: &Guest, runtime: Option<Arc<[u8]>>) -> Result<Known, journal::Error> {
        let kept = self.journal().description(tenant, guest.digest).await?;
        let kept = kept.and_then(|kept| serde_json::from_str::<Description>(kept.get()).ok());
        let description = match (kept, self.options.sandbox.as_ref().filter(|_| guest.is_small())) {
            (Some(description), _) => Ok(description),
            (None, Some(sandbox)) => guest.describe(sandbox, runtime).await,
            (None, None) => return Ok(Known::Installing),
        };
        Ok(match description.and_then(|description| guest.is(description)) {
            Ok(description) => Known::Ready(description),
            Err(error) => Known::Failed(guest.refusal(&error)),
        })
    }

    /// Sends what is to be compiled to whoever does that; a process without a sandbox leaves it to another one.
    pub(super) fn compile_later(&self, tenant: TenantId, guests: Vec<Guest>) {
        if self.options.sandbox.is_some() {
            guests.into_iter().for_each(|guest| self.queue.add(tenant, guest));
        }
    }

    /// Compiles what waits for it, one component at a time, for as long as it is polled.
    pub async fn compile_queued(self: Arc<Self>) {
        let Some(sandbox) = self.options.sandbox.clone() else {
            return std::future::pending().await;
        };
        let mut jobs = self.queue.jobs.lock().await;
        while let Some((tenant, guest)) = jobs.recv().await {
            let began = std::time::Instant::now();
            let runtime = self.runtime_of(tenant, &guest).await;
            let described = match runtime.map_err(|e| e.to_string()).and_then(|runtime| runtime) {
                Ok(runtime) => guest.describe(&sandbox, runtime).await,
                Err(error) => Err(error),
            };
            match &described {
                Ok(_) => {
                    tracing::info!(flow = guest.flow_id, component = guest.digest.hex(), took = ?began.elapsed(), "component installed")
                }
                Err(error) => tracing::warn!(
                    flow = guest.flow_id,
                    component = guest.digest.hex(),
                    error,
                    "component cannot be run"
                ),
            }
            self.installed(tenant, &guest, described).await;
            self.queue.queued().remove(&(tenant, guest.digest));
        }
    }

    /// A component is done: the journal keeps what it says of itself, and the bundles that have it show it.
    async fn installed(&self, tenant: TenantId, guest: &Guest, described: Result<Description, String>) {
        let _change = self.changing.lock().await;
        if let Ok(description) = &described
            && let Err(error) = self.describe(tenant, guest.digest, description).await
        {
            tracing::error!(%error, flow = guest.flow_id, "what a component says of itself cannot be kept; it is asked again at the next start");
        }
        let described = described.and_then(|description| guest.is(description));
        let shelf = self.shelf(tenant);
        let bundles = shelf.all().map(|installed| {
            let flow = installed
                .flows
                .get(&guest.flow_id)
                .and_then(|flow| flow.compiled.as_ref().ok());
            if !installed.is_installing() || flow.is_none_or(|flow| flow.component != guest.digest) {
                return installed.clone();
            }
            let mut installed = Installed::clone(installed);
            match &described {
                Ok(description) => show(&mut installed, guest, Some(description)),
                Err(error) => show_failed(&mut installed, guest, guest.refusal(error)),
            }
            Arc::new(installed)
        });
        self.put(tenant, bundles.collect::<Vec<_>>());
    }

    /// Has the journal keep a description, and other processes look again.
    pub(super) async fn describe(
        &self,
        tenant: TenantId,
        digest: Digest,
        description: &Description,
    ) -> Result<(), journal::Error> {
        let text = serde_json::to_string(description).map_err(|e| journal::Error::Corrupt(e.to_string()))?;
        self.journal().describe_component(tenant, digest, text).await
    }
}

fn fail(prepared: &mut Prepared, guest: &Guest, wrong: Diagnostic) {
    show_failed(&mut prepared.installed, guest, wrong.clone());
    prepared.refused.push(wrong);
}

fn show_failed(installed: &mut Installed, guest: &Guest, wrong: Diagnostic) {
    let bundle = Arc::make_mut(&mut installed.bundle);
    set_state(bundle, &guest.flow_id, ComponentState::Failed);
    bundle.diagnostics.push(wrong.clone());
    if let Some(flow) = installed.flows.get_mut(&guest.flow_id) {
        flow.compiled = Err(vec![wrong]);
    }
}

/// Shows a flow as it describes itself. Of one that is being compiled the entry is not known yet: its runs learn it when they begin.
fn show(installed: &mut Installed, guest: &Guest, description: Option<&Description>) {
    let found = match description {
        Some(_) => ComponentState::Ready,
        None => ComponentState::Installing,
    };
    let bundle = Arc::make_mut(&mut installed.bundle);
    set_state(bundle, &guest.flow_id, found);
    let names = (bundle.bundle_id.as_str(), bundle.bundle_version.as_str());
    let (entry, listeners): (&str, &[String]) = description.map_or(("", &[][..]), |d| (&d.entry, &d.listeners));
    let Some(flow) = installed.flows.get_mut(&guest.flow_id) else {
        return;
    };
    flow.compiled = Ok(Arc::new(resolved(names, &guest.flow_id, guest.digest, entry, listeners)));
    if let Some(description) = description.filter(|_| !flow.drawn) {
        flow.json = Some(description.document());
    }
}

fn set_state(bundle: &mut Bundle, flow_id: &str, state: ComponentState) {
    match bundle.components.iter_mut().find(|c| c.flow_id == flow_id) {
        Some(known) => known.state = state,
        None => bundle.components.push(Shown {
            flow_id: flow_id.to_owned(),
            state,
        }),
    }
}
