//! The parts put together: data directory, journal, bundles, runner. What `serve`, `runner`, `demo` and `run` have in common.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use indexmap::IndexMap;
use serde_json::value::to_raw_value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Error;
use crate::api::{self, AppState, Tls};
use crate::artifacts::Store;
use crate::bundles::{self, Registry};
use crate::clock::Clock;
use crate::config::{Resolved, Settings};
use crate::effects::{Handlers, ReadArtifact, with_files};
use crate::ids::TenantId;
use crate::journal::{self, Handle, Keeper, Role, RunnerLock, rows};
use crate::record::Json;
use crate::runner::Runner;
use crate::sandbox::Sandbox;
use crate::security::Security;
use crate::telemetry::metrics;
use crate::workspace::{Said, Workspaces};

const UPKEEP_EVERY: Duration = Duration::from_secs(10);

/// An open gateway. [`close`](Self::close) it; dropping it leaves the journal to finish by itself.
pub struct Gateway {
    pub journal: Handle,
    pub registry: Arc<Registry>,
    workspaces: Workspaces,
    /// The folder in which runs work that are started here: the operator's, or one of their own. None: they have no files.
    run_folder: Option<Said>,
    service: journal::Running,
    /// Drives the runs; none in a process that only takes requests.
    runner: Option<Runner>,
    /// Takes in the samples of metrics, and what other processes install.
    upkeep: JoinHandle<()>,
    /// Keeps other runners away from the data directory.
    lock: Option<RunnerLock>,
    /// Removes what no artifact names; where runs are driven.
    sweep: Option<JoinHandle<()>>,
    /// Removes what has expired; where runs are driven.
    keeper: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Opens the data directory of `settings`, drives runs if the settings say so, and reads the installed bundles.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let dir = &settings.data_dir;
        make_data_dir(dir)?;
        let lock = if settings.runner.enabled { lock(dir).await? } else { None };
        Self::open_with(settings, lock).await
    }

    /// Opens the data directory of `settings` without driving its runs.
    pub async fn open_idle(settings: &Settings) -> Result<Self, Error> {
        Self::open_with(settings, None).await
    }

    /// Waits until no other process drives the runs of the data directory; then as [`open`](Self::open).
    pub async fn stand_by(settings: &Settings) -> Result<Self, Error> {
        let dir = settings.data_dir.clone();
        make_data_dir(&dir)?;
        let lock = match lock(&dir).await? {
            Some(lock) => lock,
            None => {
                tracing::info!("standing by until it ends");
                let waited = tokio::task::spawn_blocking({
                    let dir = dir.clone();
                    move || RunnerLock::wait(&dir)
                });
                let lock = waited.await.map_err(std::io::Error::other).flatten();
                lock.map_err(|e| unlockable(&dir, &e))?
            }
        };
        Self::open_with(settings, Some(lock)).await
    }

    async fn open_with(settings: &Settings, lock: Option<RunnerLock>) -> Result<Self, Error> {
        let dir = &settings.data_dir;
        let role = if lock.is_some() { Role::Runner } else { Role::Api };
        let options = journal::Options {
            path: Some(settings.database().to_owned()),
            synchronous: settings.journal.synchronous,
            role,
            nudge: true,
            blobs: Some(dir.join("artifacts")),
            max_inline_bytes: settings.runner.max_inline_bytes,
            hash_chain: settings.journal.hash_chain,
            ..journal::Options::default()
        };
        let flows_dir = Some(settings.flows_dir.clone());
        let options = (
            options,
            bundles::Options {
                source: settings.workflow_source,
                flows_dir,
                limits: settings.bundles.limits(),
                follow: true,
                sandbox: None,
            },
        );
        Self::start(settings, options, lock).await
    }

    /// A gateway whose journal is in memory and gone when it is closed. No bundles are installed.
    pub async fn in_memory(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let journal = journal::Options {
            clock,
            max_inline_bytes: settings.runner.max_inline_bytes,
            ..journal::Options::default()
        };
        let bundles = bundles::Options {
            limits: settings.bundles.limits(),
            ..bundles::Options::default()
        };
        Self::start(settings, (journal, bundles), None).await
    }

    async fn start(
        settings: &Settings,
        (journal, mut bundles): (journal::Options, bundles::Options),
        lock: Option<RunnerLock>,
    ) -> Result<Self, Error> {
        let drives = journal.role == Role::Runner;
        let sandbox = drives.then(|| Sandbox::new(settings.sandbox(journal.path.is_some())));
        let sandbox = sandbox.transpose().map_err(|e| Error::failed(e.to_string()))?;
        let options = settings.workspaces(journal.path.is_some(), journal.stored.clone());
        let workspaces = Workspaces::open(options).map_err(Error::failed)?;
        let measured = workspaces.clone();
        tokio::task::spawn_blocking(move || measured.measure());
        let keeps = journal.path.is_some();
        let (journal, service) = journal::open(journal).await?;
        let service = service
            .spawn()
            .map_err(|e| Error::failed(format!("the journal gets no thread: {e}")))?;
        let follows = bundles.follow;
        bundles.sandbox.clone_from(&sandbox);
        let registry = Arc::new(Registry::open(journal.clone(), bundles).await?);
        let runner = match sandbox {
            Some(sandbox) => {
                let budgets = settings.budgets(keeps);
                let handlers = with_files(Handlers::default(), &workspaces, &Store::new(journal.clone()));
                let reader = ReadArtifact::new(&journal, budgets.max_payload_bytes);
                let handlers = handlers.with("read_artifact", Arc::new(reader));
                Some(Runner::start(budgets, journal.clone(), sandbox, registry.clone(), handlers).await?)
            }
            None => None,
        };
        let sweep = lock
            .is_some()
            .then(|| tokio::spawn(Store::new(journal.clone()).sweep_daily()));
        let keeper = lock
            .is_some()
            .then(|| tokio::spawn(Keeper::new(journal.clone(), settings.retention.clone()).run()));
        Ok(Gateway {
            journal,
            upkeep: tokio::spawn(upkeep(registry.clone(), follows)),
            registry,
            workspaces,
            run_folder: match settings.workspace.dir.as_os_str().is_empty() {
                true => keeps.then(Said::default),
                false => Some(Said::of_texts(Some(".".to_owned()), None, None, None)),
            },
            service,
            runner,
            lock,
            sweep,
            keeper,
        })
    }

    /// Whether this process drives the runs of its journal.
    pub fn drives(&self) -> bool {
        self.lock.is_some()
    }

    /// The host's variables of a run that is started here and not by a client.
    pub fn run_vars(&self, tenant: TenantId) -> Json {
        let kept = self
            .run_folder
            .as_ref()
            .map(|said| self.workspaces.of(tenant).clamp(said).vars());
        let vars: IndexMap<&str, Json> = kept.into_iter().flatten().collect();
        to_raw_value(&vars).unwrap_or_else(|_| rows::empty_object())
    }

    /// Answers HTTP on `listener` with the pages of `router` until `stop`.
    pub async fn serve(
        &self,
        settings: &Settings,
        (listener, router): (TcpListener, fn(AppState) -> Router),
        tls: Option<&Tls>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        Ok(api::serve(listener, router(self.state(settings)), tls, stop).await?)
    }

    /// Ends when the process is told to stop, or when the journal has ended by itself.
    pub fn ending(&self) -> impl Future<Output = ()> + Send + use<> {
        let journal = self.journal.clone();
        async move {
            tokio::select! {
                () = asked_to_stop() => {}
                () = journal.closed() => {}
            }
        }
    }

    fn state(&self, settings: &Settings) -> AppState {
        let security = Security::new(settings.security_layer(), self.journal.clock());
        let state = AppState::new(self.journal.clone(), self.registry.clone(), security, self.workspaces.clone());
        state.with_admission(settings.admission())
    }

    /// Commits what is queued and ends.
    pub async fn close(self) -> Result<(), Error> {
        self.upkeep.abort();
        for task in self.sweep.iter().chain(&self.keeper) {
            task.abort();
        }
        if let Some(runner) = self.runner {
            runner.stop().await;
        }
        self.journal.close().await?;
        Ok(self.service.ended().await?)
    }
}

/// Samples of histograms are kept one by one until somebody looks at them; here nobody may. Large components are compiled, and bundles
/// are followed.
async fn upkeep(registry: Arc<Registry>, follows: bool) {
    let samples = async {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            metrics::upkeep();
        }
    };
    let bundles = async {
        match follows {
            true => registry.clone().follow().await,
            false => std::future::pending().await,
        }
    };
    tokio::join!(samples, bundles, registry.clone().compile_queued());
}

/// A listening socket.
pub async fn listen(host: &str, port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((host, port)).await;
    listener.map_err(|e| Error::failed(format!("cannot listen on {host} port {port}: {e}")))
}

/// Tries for the lock, and the pause between two: a process that looks whether anybody has it has it for an instant.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The lock of the data directory, or none when another process drives its runs already.
async fn lock(dir: &Path) -> Result<Option<RunnerLock>, Error> {
    for _ in 0..LOCK_TRIES {
        match RunnerLock::acquire(dir).map_err(|e| unlockable(dir, &e))? {
            Some(lock) => return Ok(Some(lock)),
            None => tokio::time::sleep(LOCK_PAUSE).await,
        }
    }
    tracing::warn!(data_dir = %dir.display(), "another process drives the runs of this data directory; this one does not");
    Ok(None)
}

fn unlockable(dir: &Path, error: &std::io::Error) -> Error {
    Error::failed(format!(
        "{} cannot be locked: {error}",
        dir.join("gateway_runner.lock").display()
    ))
}

fn make_data_dir(dir: &Path) -> Result<(), Error> {
    make_private_dir(dir).map_err(|e| Error::failed(format!("the data directory {}: {e}", dir.display())))
}

/// Makes a directory that only its owner can read; one that is there stays as it is.
fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Says on the log what the settings made doubtful.
pub fn log_notices(resolved: &Resolved, warnings: &[String]) {
    for text in resolved.notices.iter().chain(warnings) {
        tracing::warn!("{text}");
    }
}

/// Ends when the process is told to: SIGINT or SIGTERM.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
