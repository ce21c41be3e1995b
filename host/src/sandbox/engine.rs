//! The engine's settings, and the pulse that bounds a tick's wall-clock time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::Error;

/// How often the epoch moves while a tick runs. A tick may take so much longer than its time limit.
const PULSE: Duration = Duration::from_millis(100);

/// What an instance may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Fuel of one tick; about one unit an instruction.
    pub tick_fuel: u64,
    /// Time of one tick, without what it waits for its turns.
    pub tick_timeout: Duration,
    /// Linear memory of an instance in bytes, and of what one call of it returns.
    pub max_memory_bytes: usize,
    /// Elements of a table, tables and core instances of an instance without WASI.
    pub max_table_elements: usize,
    pub max_tables: u32,
    pub max_instances: u32,
    /// How long anybody waits for native code.
    pub compile_timeout: Duration,
    /// A run's state in bytes.
    pub max_state_bytes: usize,
    /// Live instances; the size of the pool.
    pub max_live: u32,
    /// Linear memory of an instance with WASI in bytes.
    pub max_wasi_memory_bytes: usize,
    /// Live instances with WASI, which are not in the pool; more wait their turn.
    pub max_wasi_live: usize,
    /// Programs kept ready in memory.
    pub programs: u64,
    /// Where native code is kept between starts of the host. None: nowhere. Only this host may write there: native code is
    /// run as it is found.
    pub cache: Option<PathBuf>,
    /// Whether flows are kept there too, not only the runtime that all of them share.
    pub cache_flows: bool,
    /// Native code for any x86-64 processor instead of this machine's, and instances that are made on demand instead of taken from a pool: what is
    /// executed is then the same on every machine. Costs time; for counting instructions, not for serving.
    pub reproducible: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            tick_fuel: 1_000_000_000,
            tick_timeout: Duration::from_secs(10),
            max_memory_bytes: 64 << 20,
            max_table_elements: 100_000,
            max_tables: 2,
            max_instances: 8,
            compile_timeout: Duration::from_secs(300),
            max_state_bytes: 16 << 20,
            max_live: 1000,
            max_wasi_memory_bytes: 256 << 20,
            max_wasi_live: 16,
            programs: 4096,
            cache: None,
            cache_flows: true,
            reproducible: false,
        }
    }
}

/// An engine with a pool, or without one where the address space does not allow it.
pub(super) fn pooling(settings: &Settings) -> Result<Engine, Error> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(settings.max_live)
        .total_core_instances(settings.max_live.saturating_mul(settings.max_instances))
        .total_memories(settings.max_live)
        .total_tables(settings.max_live.saturating_mul(settings.max_tables))
        .total_stacks(settings.max_live)
        .max_memories_per_component(1)
        .max_tables_per_component(settings.max_tables)
        .max_core_instances_per_component(settings.max_instances)
        .table_elements(settings.max_table_elements)
        .max_memory_size(settings.max_memory_bytes)
        // A slot's next instance gets the pages of the last one, wiped; the kernel tells which were touched, where it can.
        .pagemap_scan(wasmtime::Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(64);
    // With all that 32 bits can address reserved for each memory, guest code needs no bounds checks. Where the address space is limited,
    // it gets them.
    for reservation in [4 << 30, settings.max_memory_bytes as u64] {
        let mut config = base();
        // A flow is compiled on one thread, so that the others go on driving runs.
        config.parallel_compilation(false);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool.clone()));
        config.memory_reservation(reservation);
        config.memory_reservation_for_growth(0);
        match Engine::new(&config) {
            Ok(engine) => return Ok(engine),
            Err(error) => tracing::warn!(%error, max_live = settings.max_live, reservation, "no pool of instances of this size"),
        }
    }
    on_demand()
}

/// An engine that allocates each instance when it is made: where there is no pool, and for guests that would not fit in a slot of it.
pub(super) fn on_demand() -> Result<Engine, Error> {
    Engine::new(&base()).map_err(|e| Error::Engine(format!("{e:#}")))
}

/// An engine for [`Settings::reproducible`].
pub(super) fn reproducible() -> Result<Engine, Error> {
    let mut config = base();
    // A target that is named gets nothing of what this processor has beyond it.
    config
        .target("x86_64-unknown-linux-gnu")
        .and_then(|config| Engine::new(config))
        .map_err(|e| Error::Engine(format!("{e:#}")))
}

/// An engine and its pulse.
pub(super) struct Room {
    pub engine: Engine,
    /// Makes the epoch move while ticks are running, so that a tick's wall-clock time is bounded and an idle host does nothing.
    pub pulse: Pulse,
}

impl Room {
    pub fn new(engine: Engine) -> Self {
        let pulse = Pulse::new(engine.clone());
        Room { engine, pulse }
    }
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        // A flow must compute the same on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // As wasmtime has them: an access past the end of a memory, or before its begin, meets pages that nobody may touch.
        .memory_guard_size(32 << 20)
        .guard_before_linear_memory(true)
        // A thousand nested calls of a code node's functions (Python's own limit) fit; the runtime counts them.
        .max_wasm_stack(2 << 20)
        .async_stack_size(3 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8))
        .memory_init_cow(true);
    config
}

/// Periods without a tick after which the pulse stops. Until then a tick need not wake it.
const IDLE: u32 = 10;

/// Moves the engine's epoch while somebody is ticking, and stops soon after the last one.
pub(super) struct Pulse {
    state: Arc<PulseState>,
}

struct PulseState {
    /// Ticks in flight.
    running: AtomicUsize,
    /// The thread sleeps until it is woken; a tick that begins then wakes it.
    stopped: AtomicBool,
    /// True once the host is gone; the thread ends.
    closed: Mutex<bool>,
    /// Told when a first tick begins or the host goes.
    wake: Condvar,
}

/// Counts a tick in flight for as long as it lives.
pub(super) struct Ticking(Arc<PulseState>);

impl Pulse {
    pub fn new(engine: Engine) -> Self {
        let state = Arc::new(PulseState {
            running: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            closed: Mutex::new(false),
            wake: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        let spawned = std::thread::Builder::new()
            .name("flowgate-epoch".into())
            .spawn(move || shared.run(&engine));
        if let Err(error) = spawned {
            tracing::error!(%error, "the epoch thread does not start: a tick's time is bounded by its fuel only");
        }
        Pulse { state }
    }

    pub fn ticking(&self) -> Ticking {
        // Either the thread sees this count before it sleeps, or this sees that it sleeps: both sides are sequentially consistent.
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.stopped.load(Ordering::SeqCst) {
            // The lock orders this wake after the thread's last look at the count.
            drop(lock(&self.state.closed));
            self.state.wake.notify_one();
        }
        Ticking(Arc::clone(&self.state))
    }
}

impl PulseState {
    fn run(&self, engine: &Engine) {
        let mut closed = lock(&self.closed);
        let mut idle = 0;
        while !*closed {
            if self.running.load(Ordering::SeqCst) > 0 {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > IDLE {
                self.stopped.store(true, Ordering::SeqCst);
                if self.running.load(Ordering::SeqCst) == 0 {
                    closed = self.wake.wait(closed).unwrap_or_else(std::sync::PoisonError::into_inner);
                }
                self.stopped.store(false, Ordering::SeqCst);
                idle = 0;
            } else {
                closed = self
                    .wake
                    .wait_timeout(closed, PULSE)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
                engine.increment_epoch();
            }
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        *lock(&self.state.closed) = true;
        self.state.wake.notify_one();
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock(mutex: &Mutex<bool>) -> std::sync::MutexGuard<'_, bool> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
