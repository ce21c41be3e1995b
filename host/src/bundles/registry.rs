//! The registry: shelves in memory, changed one at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowgate_compiler::Link;
use flowgate_compiler::bundle::{Limits, file_name};
use futures::future::{try_join, try_join_all};
use tokio::sync::Mutex;

use super::compile::compile;
use super::deprecations::Deprecations;
use super::files;
use super::flow_files::Seen;
use super::guest::Guest;
use super::install::{Prepared, prepare};
use super::installing::Queue;
use super::kept;
use super::package::Package;
use super::scan;
use super::shelf::{self, Installed, Shelf, Workflow};
use crate::api::workflows::{CompileError, InstallError, Uploaded};
use crate::ids::{Digest, TenantId};
use crate::journal::{self, BundleRow, Compiled, Component, InstalledBundle};
use crate::record::Json;
use crate::sandbox::Sandbox;
use crate::schedules;

/// How a registry is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub source: Source,
    /// What is the operator's: bundles (a directory or one bundle) or flows, by the source. They belong to [`TenantId::LOCAL`].
    pub flows_dir: Option<PathBuf>,
    pub limits: Limits,
    /// Another process installs bundles into the same journal: look there again when a workflow is unknown.
    pub follow: bool,
    /// Where components are asked what they are. None: another process does that.
    pub sandbox: Option<Sandbox>,
}

/// Where workflows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// Bundles: uploaded ones and those of the flows directory.
    #[default]
    Bundles,
    /// VisualFlow documents that lie in the flows directory, without bundles.
    VisualFlow,
}

/// How often a request may make the registry look for changed files in a directory of flows.
pub(super) const FLOWS_EVERY: Duration = Duration::from_millis(250);

/// What was last read.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// When the sources were last read.
    pub read_at: Option<Instant>,
    /// The files of a directory of flows as they were then.
    pub seen: Option<Vec<Seen>>,
    /// The journal's number of changes as each tenant's bundles were read.
    changes: HashMap<TenantId, u64>,
}

/// Bundles that are read and compiled at a time, and whose texts are read at a time.
const AT_ONCE: usize = 64;

/// How often a following registry asks whether another process has changed what is installed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is installed. Shared by the API, which installs and resolves, and by the runner, which looks workflows up.
#[derive(Debug)]
pub struct Registry {
    journal: journal::Handle,
    pub(super) options: Options,
    /// Replaced as a whole by a change; locked only to read or to swap the pointer.
    shelves: RwLock<HashMap<TenantId, Arc<Shelf>>>,
    /// Held through a change, so that two of them do not undo each other.
    pub(super) changing: Mutex<Change>,
    /// Components that are to be compiled.
    pub(super) queue: Queue,
}

impl Registry {
    /// Reads and compiles everything that is installed, by whatever tenant.
    pub async fn open(journal: journal::Handle, options: Options) -> Result<Self, journal::Error> {
        let registry = Registry {
            journal,
            options,
            shelves: RwLock::default(),
            changing: Mutex::default(),
            queue: Queue::default(),
        };
        registry.load(TenantId::LOCAL).await?;
        registry.catch_up().await?;
        Ok(registry)
    }

    /// Where uploads and components are kept.
    pub fn journal(&self) -> &journal::Handle {
        &self.journal
    }

    /// Everything that a tenant has installed, as of now.
    pub fn shelf(&self, tenant: TenantId) -> Arc<Shelf> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        shelves.get(&tenant).cloned().unwrap_or_default()
    }

    /// A workflow by its id: `bundle@version:flow`, `bundle:flow` (the latest version), or the id of a listener. None when it is
    /// not installed or does not compile.
    pub fn workflow(&self, tenant: TenantId, workflow_id: &str) -> Option<Arc<Workflow>> {
        self.shelf(tenant).workflow(workflow_id).cloned()
    }

    /// Like [`workflow`](Self::workflow), but before it gives up it looks among the workflows that the host has made, and for what
    /// another process may have installed.
    pub async fn find_workflow(&self, tenant: TenantId, workflow_id: &str) -> Option<Arc<Workflow>> {
        self.look_at_flows(tenant).await;
        if let Some(found) = self.workflow(tenant, workflow_id) {
            return Some(found);
        }
        match self.journal.dynamic_workflow(tenant, workflow_id).await {
            Ok(Some(made)) => return Some(Arc::new(made.into())),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, workflow = workflow_id, "a workflow cannot be looked up"),
        }
        if !self.options.follow {
            return None;
        }
        if let Err(error) = self.catch_up().await {
            tracing::warn!(%error, "installed bundles cannot be read");
        }
        self.workflow(tenant, workflow_id)
    }

    /// Takes over what other processes of the journal install, reload and remove, until the journal is closed.
    pub async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.catch_up().await {
                Ok(()) => {}
                Err(journal::Error::Closed) => return,
                Err(error) => tracing::warn!(%error, "installed bundles cannot be read"),
            }
        }
    }

    /// Reads the bundles of all tenants whose bundles have changed since they were read: a look at one small table, as a rule.
    pub(super) async fn catch_up(&self) -> Result<(), journal::Error> {
        let changes = self.journal.bundle_changes().await?;
        let mut change = self.changing.lock().await;
        for (tenant, number) in changes {
            if change.changes.get(&tenant) != Some(&number) {
                self.read_sources(tenant, &mut change).await?;
            }
        }
        Ok(())
    }

    /// Reads all sources of a tenant again. What has not changed is not compiled again.
    pub async fn load(&self, tenant: TenantId) -> Result<(), journal::Error> {
        let mut change = self.changing.lock().await;
        self.read_sources(tenant, &mut change).await?;
        change.read_at = Some(Instant::now());
        Ok(())
    }

    /// Checks, compiles and stores an uploaded file.
    pub async fn install(&self, tenant: TenantId, file: Bytes, overwrite: bool) -> Result<Uploaded, InstallError> {
        let failed = |e: journal::Error| InstallError::Failed(e.to_string());
        let _change = self.changing.lock().await;
        let digest = Digest::of(&file);
        let limits = self.options.limits;
        let shelf = self.shelf(tenant);
        let bytes: Arc<[u8]> = Arc::from(&file[..]);
        let stored = bytes.clone();
        let prepared = blocking(move || {
            let package = Package::from_file(bytes, &limits).map_err(InstallError::Invalid)?;
            package.check_ids().map_err(InstallError::Invalid)?;
            let (id, version) = (package.bundle_id(), package.bundle_version());
            if !overwrite && shelf.version(id, Some(version)).is_ok() {
                return Err(InstallError::Exists(file_name(id, version)));
            }
            Ok(prepare(&package, shelf::Source::Journal))
        });
        let mut prepared = prepared.await.map_err(InstallError::Failed)??;
        self.acceptable(tenant, &mut prepared).await?;
        let waiting = std::mem::take(&mut prepared.waiting);
        let bundle = prepared.installed.bundle.clone();
        let row = BundleRow {
            tenant,
            bundle_id: bundle.bundle_id.clone(),
            bundle_version: bundle.bundle_version.clone(),
            digest,
            bytes: stored,
            installed_at: self.journal.clock().now(),
        };
        let installed = self.keep(tenant, prepared).await.map_err(failed)?;
        // In this order in one commit.
        let stored = try_join(self.journal.install_bundle(row, overwrite), self.remember(tenant, &installed));
        stored.await.map_err(|e| match e {
            journal::Error::DuplicateBundle(_) => InstallError::Exists(format!("{}.flow", bundle.reference())),
            other => failed(other),
        })?;
        self.add(tenant, installed);
        self.compile_later(tenant, waiting);
        Ok(Uploaded { bundle, sha256: digest })
    }

    /// Refuses a bundle with a component that can never be run, before anything of it is kept.
    async fn acceptable(&self, tenant: TenantId, prepared: &mut Prepared) -> Result<(), InstallError> {
        let settled = self.settle(tenant, prepared).await;
        settled.map_err(|e| InstallError::Failed(e.to_string()))?;
        match prepared.refused.first() {
            None => Ok(()),
            Some(wrong) => Err(InstallError::Invalid(format!("flow '{}': {}", wrong.flow, wrong.message))),
        }
    }

    /// Removes one version or all; answers how many went.
    pub async fn uninstall(&self, tenant: TenantId, bundle_id: &str, version: Option<&str>) -> Result<u64, String> {
        let mut change = self.changing.lock().await;
        let shelf = self.shelf(tenant);
        let meant = |i: &&Arc<Installed>| {
            i.bundle.bundle_id == bundle_id && version.is_none_or(|version| i.bundle.bundle_version == version)
        };
        let mut removed = 0;
        for installed in shelf.all().filter(meant) {
            let version = &installed.bundle.bundle_version;
            removed += match &installed.source {
                shelf::Source::Journal => {
                    let removed = self.journal.remove_bundle(tenant, bundle_id, version).await;
                    u64::from(removed.map_err(|e| e.to_string())?)
                }
                shelf::Source::File(path) => {
                    let removed = tokio::fs::remove_file(path).await;
                    removed
                        .map(|()| 1)
                        .map_err(|e| format!("{} cannot be removed: {e}", path.display()))?
                }
                shelf::Source::Directory(path) => {
                    return Err(format!("it is the directory {}: remove that and reload", path.display()));
                }
            };
        }
        self.read_sources(tenant, &mut change).await.map_err(|e| e.to_string())?;
        Ok(removed)
    }

    /// Installs the bundle at `path` for this process only: its components go to the journal, its file does not.
    pub async fn add_local(&self, tenant: TenantId, path: &Path) -> Result<Arc<Installed>, InstallError> {
        let _change = self.changing.lock().await;
        let unknown = || InstallError::Invalid(format!("{} is no .flow file and no bundle directory", path.display()));
        let source = scan::bundle_at(path).ok_or_else(unknown)?;
        let failed = |e: journal::Error| InstallError::Failed(e.to_string());
        let read = self.read_local(tenant, source, &HashMap::new()).await.map_err(failed)?;
        let mut waiting = Vec::new();
        let installed = match read.map_err(InstallError::Invalid)? {
            Read::Known(installed) => installed,
            Read::New(mut prepared) => {
                self.acceptable(tenant, &mut prepared).await?;
                waiting = std::mem::take(&mut prepared.waiting);
                let installed = self.keep(tenant, *prepared).await.map_err(failed)?;
                self.remember(tenant, &installed).await.map_err(failed)?;
                installed
            }
        };
        self.add(tenant, Arc::clone(&installed));
        self.compile_later(tenant, waiting);
        Ok(installed)
    }

    async fn read_sources(&self, tenant: TenantId, change: &mut Change) -> Result<(), journal::Error> {
        // Before the bundles: what changes in between is read again.
        let changes = self.journal.bundle_changes().await?.into_iter();
        change.changes.extend(changes.filter(|(of, _)| *of == tenant));
        if self.options.source == Source::VisualFlow {
            return self.read_flows(tenant, &mut change.seen).await;
        }
        let shelf = self.shelf(tenant);
        let known: HashMap<Digest, Arc<Installed>> = shelf
            .all()
            .filter(|i| !i.is_installing())
            .map(|i| (i.digest, i.clone()))
            .collect();
        let (mut installed, mut waiting) = (Vec::new(), Vec::new());
        for rows in self.journal.bundles(tenant).await?.chunks(AT_ONCE) {
            let known = self.known_or_kept(tenant, rows, &known).await?;
            let read = rows.iter().map(|row| self.read_row(tenant, row, &known));
            for (row, read) in rows.iter().zip(try_join_all(read).await?) {
                match read {
                    Ok((item, components)) => {
                        installed.push(item);
                        waiting.extend(components);
                    }
                    Err(error) => {
                        let bundle = format!("{}@{}", row.bundle_id, row.bundle_version);
                        tracing::warn!(bundle, error, "installed bundle cannot be read and is skipped");
                    }
                }
            }
        }
        for source in self.local_sources(tenant).await {
            let named = format!("{source:?}");
            match self.read_local(tenant, source, &known).await? {
                Ok(read) => {
                    let (item, components) = self.kept(tenant, read).await?;
                    installed.push(item);
                    waiting.extend(components);
                }
                Err(error) => tracing::warn!(source = named, error, "bundle cannot be read and is skipped"),
            }
        }
        let deprecations = Deprecations::of(self.journal.deprecations(tenant).await?);
        self.put_shelf(tenant, Shelf::new(installed, deprecations));
        self.compile_later(tenant, waiting);
        Ok(())
    }

    async fn local_sources(&self, tenant: TenantId) -> Vec<shelf::Source> {
        let Some(dir) = self.options.flows_dir.clone().filter(|_| tenant == TenantId::LOCAL) else {
            return Vec::new();
        };
        let found = blocking(move || scan::scan(&dir)).await;
        match found.and_then(|found| found.map_err(|e| e.to_string())) {
            Ok(sources) => sources,
            Err(error) => {
                tracing::warn!(error, "the flows directory cannot be read");
                Vec::new()
            }
        }
    }

    /// Of some bundles those that are on the shelf and those that were compiled by a host of this build.
    async fn known_or_kept(&self, tenant: TenantId, rows: &[InstalledBundle], known: &Known) -> Result<Known, journal::Error> {
        let mut all = Known::new();
        let mut others = Vec::new();
        for row in rows {
            match known.get(&row.digest).filter(|i| i.source == shelf::Source::Journal) {
                Some(same) => drop(all.insert(row.digest, Arc::clone(same))),
                None => others.push(row.digest),
            }
        }
        if others.is_empty() {
            return Ok(all);
        }
        let build = kept::build(&self.options.limits);
        for (digest, text) in self.journal.compiled(tenant, &build, &others).await? {
            if let Some(installed) = kept::read(&text, shelf::Source::Journal, digest) {
                all.insert(digest, Arc::new(installed));
            }
        }
        Ok(all)
    }

    /// A bundle of the journal, with its components that are to be compiled. The inner error: it cannot be read.
    async fn read_row(
        &self,
        tenant: TenantId,
        row: &InstalledBundle,
        known: &Known,
    ) -> Result<Result<(Arc<Installed>, Vec<Guest>), String>, journal::Error> {
        if let Some(same) = known.get(&row.digest) {
            return Ok(Ok((Arc::clone(same), Vec::new())));
        }
        let Some(bytes) = self.journal.blob(tenant, row.digest).await? else {
            return Ok(Err("its file is not there".to_owned()));
        };
        let limits = self.options.limits;
        let prepared = blocking(move || Ok(prepare(&Package::from_file(bytes, &limits)?, shelf::Source::Journal)));
        match prepared.await.flatten() {
            Ok(prepared) => self.kept(tenant, Read::New(Box::new(prepared))).await.map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The inner error: the bundle cannot be read.
    async fn read_local(
        &self,
        tenant: TenantId,
        source: shelf::Source,
        known: &Known,
    ) -> Result<Result<Read, String>, journal::Error> {
        let limits = self.options.limits;
        let from = source.clone();
        let package = match blocking(move || files::open(&from, &limits)).await.flatten() {
            Ok(package) => package,
            Err(error) => return Ok(Err(error)),
        };
        let digest = package.digest();
        if let Some(same) = known.get(&digest).filter(|i| i.source == source) {
            return Ok(Ok(Read::Known(same.clone())));
        }
        let kept = self.journal.compiled(tenant, &kept::build(&limits), &[digest]).await?;
        if let Some(installed) = kept.first().and_then(|(_, text)| kept::read(text, source.clone(), digest)) {
            return Ok(Ok(Read::Known(Arc::new(installed))));
        }
        let prepared = blocking(move || prepare(&package, source)).await;
        Ok(prepared.map(|prepared| Read::New(Box::new(prepared))))
    }

    /// A bundle that the journal has the components of, and those of its components that are to be compiled once it is on the shelf.
    async fn kept(&self, tenant: TenantId, read: Read) -> Result<(Arc<Installed>, Vec<Guest>), journal::Error> {
        match read {
            Read::Known(installed) => Ok((installed, Vec::new())),
            Read::New(mut prepared) => {
                self.settle(tenant, &mut prepared).await?;
                let waiting = std::mem::take(&mut prepared.waiting);
                let installed = self.keep(tenant, *prepared).await?;
                self.remember(tenant, &installed).await?;
                Ok((installed, waiting))
            }
        }
    }

    /// Has the journal keep what a bundle came to, whose components it has. A process that only takes requests compiles, too.
    async fn remember(&self, tenant: TenantId, installed: &Installed) -> Result<(), journal::Error> {
        let Some(outcome) = kept::text(installed) else {
            return Ok(());
        };
        let compiled = Compiled {
            bundle: installed.digest,
            build: kept::build(&self.options.limits),
            outcome,
        };
        self.journal.keep_compiled(tenant, compiled).await
    }

    /// Gives the components to the journal: a run can be pinned to them from now on.
    async fn keep(&self, tenant: TenantId, prepared: Prepared) -> Result<Arc<Installed>, journal::Error> {
        let components = prepared.components.into_iter();
        try_join_all(components.map(|component| self.journal.put_component(tenant, component))).await?;
        for (digest, description) in &prepared.descriptions {
            self.describe(tenant, *digest, description).await?;
        }
        let installed = Arc::new(prepared.installed);
        for diagnostic in &installed.bundle.diagnostics {
            tracing::warn!(bundle = installed.bundle.reference(), "{diagnostic}");
        }
        Ok(installed)
    }

    /// Puts one version on the shelf. Readers that hold the shelf keep it as it was.
    fn add(&self, tenant: TenantId, installed: Arc<Installed>) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(shelves.entry(tenant).or_default()).add(installed);
    }

    pub(super) fn put(&self, tenant: TenantId, installed: impl IntoIterator<Item = Arc<Installed>>) {
        let deprecations = self.shelf(tenant).deprecations().clone();
        self.put_shelf(tenant, Shelf::new(installed, deprecations));
    }

    pub(super) fn put_shelf(&self, tenant: TenantId, shelf: Shelf) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        shelves.insert(tenant, Arc::new(shelf));
    }

    /// Compiles a wrapper and keeps its component. Gives the component and the flow's entry within it.
    pub async fn compile_document(&self, tenant: TenantId, document: Json) -> Result<(Digest, String), CompileError> {
        let limits = self.options.limits;
        let made = blocking(move || {
            compile(
                schedules::FLOW_ID,
                document.get().as_bytes(),
                &limits,
                &|_| None,
                Link::Shared,
            )
        });
        let made = made.await.map_err(CompileError::Document)?.map_err(|findings| {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            CompileError::Document(findings.join("; "))
        })?;
        let bytes: Arc<[u8]> = [&made.bytes[..], schedules::MARK].concat().into();
        let digest = Digest::of(&bytes);
        let component = Component {
            digest,
            bytes,
            runtime: made.runtime,
        };
        self.journal.put_component(tenant, component).await?;
        Ok((digest, made.entry))
    }
}

/// What is on the shelf already, by content.
type Known = HashMap<Digest, Arc<Installed>>;

enum Read {
    Known(Arc<Installed>),
    New(Box<Prepared>),
}

/// Runs CPU or file work where it does not hold up others.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| format!("the work was stopped: {e}"))
}
