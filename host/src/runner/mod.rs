//! Drives runs: woken by the journal, never polling.
//!
//! One task listens for wakes and gives each run that wants it a [`driver`]. A driver owns one live run: it restores the
//! instance, ticks it, decides its effects, and commits what it computed in batches that are all or nothing. It ends when the
//! run waits, ends, or is taken from it (pause, cancel). The runner keeps nothing that the journal does not have: killed at any
//! moment, it goes on from the last commit.

mod asked;
mod audit;
mod batch;
mod blocked;
mod calls;
mod children;
mod commit;
mod driver;
mod ending;
#[cfg(test)]
mod fuzz;
mod history;
mod moving;
mod programs;
mod replay;
#[cfg(test)]
mod tests;
mod throttle;
mod tick;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use audit::{Auditor, Difference, Report, Verdict};
pub use children::{Catalog, Found, is_host_key};
pub use moving::{Move, Obstacle, Trial};

use self::driver::Signals;
use self::throttle::Throttle;
use crate::effects::Handlers;
use crate::ids::{RunRef, TenantId};
use crate::journal::{self, Wake};
use crate::sandbox::{self, Sandbox};
use crate::telemetry::metrics::{Counted, metrics};

/// Pause before a run that has moved without its driver is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Pause before a run whose journal failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Budgets of a run, and how far it may go between commits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Node transitions of one tick.
    pub tick_max_steps: u32,
    /// Fuel from leaving one wait to the next wait or the end.
    pub activation_fuel: u64,
    /// Node transitions from leaving one wait to the next wait or the end.
    pub activation_max_steps: u64,
    /// Ledger rows from leaving one wait to the next wait or the end.
    pub activation_max_rows: u64,
    /// Runs driven at a time.
    pub max_live: usize,
    /// Of these, runs of one tenant.
    pub max_tenant_live: usize,
    /// Bytes of one payload, result or output.
    pub max_payload_bytes: usize,
    /// Bytes of history from which a run is recomputed whose flow gives no snapshot.
    pub max_replay_bytes: usize,
    /// Effects that are asked for and not answered.
    pub max_effects: usize,
    /// Children started from leaving one wait to the next wait or the end.
    pub max_children: u64,
    /// Generations below a run that has no parent.
    pub max_depth: u32,
    /// Bytes that a flow's code prints in one tick.
    pub max_log_bytes: usize,
    /// Runs of a tenant that have not ended.
    pub max_runs: u64,
    /// Bytes that a tenant keeps; 0: as many as the disk takes.
    pub max_storage_bytes: u64,
    /// Activations of one run, ten seconds' worth at once; 0: as many as there are.
    pub wakes_per_second: u32,
    /// Tenants for which something else is set.
    pub tenants: HashMap<TenantId, Own>,
    /// Every tick gets this seed, so that cases come out alike. None, the default: seeds that cannot be guessed.
    pub seed: Option<u64>,
}

/// What is set for one tenant.
#[derive(Debug, Clone)]
pub struct Own {
    pub settings: Arc<Settings>,
    pub sandbox: Arc<sandbox::Settings>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            tick_max_steps: 1000,
            activation_fuel: 4_000_000_000,
            activation_max_steps: 10_000_000,
            activation_max_rows: 100_000,
            max_live: 1000,
            max_tenant_live: 500,
            max_payload_bytes: 16 << 20,
            max_replay_bytes: 64 << 20,
            max_effects: 1000,
            max_children: 1000,
            max_depth: 64,
            max_log_bytes: 64 << 10,
            max_runs: 1_000_000,
            max_storage_bytes: 0,
            wakes_per_second: 0,
            tenants: HashMap::new(),
            seed: None,
        }
    }
}

/// What a driver works with.
#[derive(Clone)]
struct Context {
    journal: journal::Handle,
    sandbox: Sandbox,
    /// Workflows that a run may start as children.
    catalog: Arc<dyn Catalog>,
    handlers: Handlers,
    settings: Arc<Settings>,
}

impl Context {
    /// As the runs of a tenant have it.
    fn of(&self, tenant: TenantId) -> Context {
        let own = self.settings.tenants.get(&tenant);
        Context {
            sandbox: self.sandbox.of(tenant, own.map(|own| &own.sandbox)),
            settings: own.map_or_else(|| Arc::clone(&self.settings), |own| Arc::clone(&own.settings)),
            ..self.clone()
        }
    }
}

/// The runner's task. Dropping it stops nothing; [`Runner::stop`] lets running ticks reach a commit.
pub struct Runner {
    task: JoinHandle<()>,
    /// Cancelled to stop: no further runs are taken, drivers end at their next commit.
    stopping: CancellationToken,
}

impl Runner {
    /// Takes the journal's wakes and starts driving, beginning with the runs that were running when the host stopped.
    ///
    /// # Errors
    /// The journal cannot be read, or another runner has taken its wakes.
    pub async fn start(
        settings: Settings,
        journal: journal::Handle,
        sandbox: Sandbox,
        catalog: Arc<dyn Catalog>,
        handlers: Handlers,
    ) -> Result<Runner, journal::Error> {
        let wakes = journal.wakes().ok_or(journal::Error::Closed)?;
        let left_running = journal.runnable().await?;
        let stopping = CancellationToken::new();
        let live = Arc::new(Live {
            permits: Semaphore::new(settings.max_live.clamp(1, Semaphore::MAX_PERMITS)),
            shares: Mutex::default(),
            runs: Mutex::default(),
            throttle: Throttle::default(),
            stopping: stopping.clone(),
            context: Context {
                journal,
                sandbox,
                catalog,
                handlers,
                settings: Arc::new(settings),
            },
        });
        for run in left_running {
            live.wake(run);
        }
        let task = tokio::spawn(listen(live, wakes));
        Ok(Runner { task, stopping })
    }

    /// Stops taking runs, waits for the drivers' next commits.
    pub async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the runner ended badly");
        }
    }
}

/// The runs that have a driver. Shared by the listener and the drivers.
struct Live {
    context: Context,
    /// Bounds the instances that live at a time.
    permits: Semaphore,
    /// Bounds those of each tenant, so that one which computes for ever leaves some to the others.
    shares: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
    /// Drivers by run. A std mutex: held for a look-up, never across an await.
    runs: Mutex<HashMap<RunRef, Driven>>,
    throttle: Throttle,
    stopping: CancellationToken,
}

/// A run that has a driver.
struct Driven {
    signals: Signals,
    /// Woken meanwhile: the run is looked at once more when its driver ends.
    again: bool,
}

async fn listen(live: Arc<Live>, mut wakes: journal::Wakes) {
    loop {
        let wake = tokio::select! {
            wake = wakes.next() => wake,
            () = live.stopping.cancelled() => None,
        };
        match wake {
            Some(Wake::Ready(run)) => live.wake(run),
            Some(Wake::Stopped(run)) => live.take(run),
            None => break,
        }
    }
    live.stopping.cancel();
    // Every driver holds a permit for as long as it lives.
    let all = live.context.settings.max_live.clamp(1, Semaphore::MAX_PERMITS) as u32;
    drop(live.permits.acquire_many(all).await);
}

impl Live {
    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunRef, Driven>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What bounds the live runs of a tenant.
    fn share(&self, tenant: TenantId, most: usize) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = shares
            .entry(tenant)
            .or_insert_with(|| Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))));
        Arc::clone(share)
    }

    /// Gives a run a driver, unless it has one.
    fn wake(self: &Arc<Self>, run: RunRef) {
        let signals = Signals::default();
        {
            let mut runs = self.runs();
            if let Some(driven) = runs.get_mut(&run) {
                driven.again = true;
                driven.signals.news.notify_one();
                return;
            }
            runs.insert(
                run,
                Driven {
                    signals: signals.clone(),
                    again: false,
                },
            );
        }
        let live = Arc::clone(self);
        tokio::spawn(async move {
            live.drive(run, signals).await;
        });
    }

    /// Tells the driver of a paused or cancelled run to drop it.
    fn take(&self, run: RunRef) {
        if let Some(driven) = self.runs().get(&run) {
            driven.signals.taken.cancel();
        }
    }

    /// Fresh signals for a driver that goes on.
    fn retake(&self, run: RunRef) -> Signals {
        let signals = Signals::default();
        self.runs().insert(
            run,
            Driven {
                signals: signals.clone(),
                again: false,
            },
        );
        signals
    }

    async fn drive(self: Arc<Self>, run: RunRef, mut signals: Signals) {
        let context = self.context.of(run.tenant);
        let (mut failed, mut moved) = (false, false);
        loop {
            if let Some(pause) = self.throttle.pause(run, context.settings.wakes_per_second) {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.stopping.cancelled() => break,
                }
            }
            {
                let share = self.share(run.tenant, context.settings.max_tenant_live);
                let permits = async { (share.acquire().await, self.permits.acquire().await) };
                let permits = tokio::select! {
                    permits = permits => permits,
                    () = self.stopping.cancelled() => break,
                };
                if permits.0.is_err() || permits.1.is_err() || self.stopping.is_cancelled() {
                    break;
                }
                let _driver = Counted::new(&metrics().drivers);
                match driver::drive(&context, run, &signals, &self.stopping).await {
                    Ok(again) => moved = again,
                    Err(journal::Error::Closed) => break,
                    Err(error) => {
                        tracing::error!(tenant = run.tenant.0, run_key = run.run.0, %error, "a run could not be driven; it is tried again");
                        failed = true;
                    }
                }
            }
            if std::mem::take(&mut moved) {
                // Most likely paused or cancelled, which the next look shows.
                tokio::select! {
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = self.stopping.cancelled() => break,
                }
                signals = self.retake(run);
                continue;
            }
            if std::mem::take(&mut failed) {
                // What failed is the journal, not the run. Without another look the run would stand still until a restart.
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => continue,
                    () = self.stopping.cancelled() => break,
                }
            }
            let mut runs = self.runs();
            match runs.get_mut(&run) {
                Some(driven) if driven.again && !self.stopping.is_cancelled() => {
                    signals = Signals::default();
                    *driven = Driven {
                        signals: signals.clone(),
                        again: false,
                    };
                }
                _ => {
                    runs.remove(&run);
                    return;
                }
            }
        }
        self.runs().remove(&run);
    }
}

/// A seed for one tick's randomness. It is recorded, so it need not be repeatable; it must not be guessed across tenants.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEYS.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}
