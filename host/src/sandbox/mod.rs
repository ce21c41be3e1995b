//! Runs components in wasmtime sandboxes. Owns the engine, the native code and the limits of an instance; never touches the
//! database, never executes an effect. Components come in as bytes, instances go out ready to be ticked.

mod engine;
mod imports;
mod instance;
mod limits;
mod program;
mod turns;
mod wasi;

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

pub use engine::Settings;
pub use imports::{Imports, MaxBytes, check, is_quick};
pub use instance::Instance;
pub use limits::Stop;
pub use program::Program;

use self::engine::Room;
use self::program::{Links, NativeCache};
use self::turns::{Pace, Turns};
use crate::ids::{Digest, TenantId};
use crate::telemetry::metrics::metrics;

/// The flow world's types, as the host sees them.
pub mod world {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "flow",
        exports: { default: async },
    });
    pub use exports::flowgate::flow::workflow::*;
}

/// Makes programs and keeps those in use, for one tenant. Cheap to clone: all clones share the engine and the programs.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>, Share);

/// Whose runs a sandbox is for, and what each of them may use.
#[derive(Clone)]
struct Share {
    tenant: TenantId,
    settings: Arc<Settings>,
}

struct Shared {
    settings: Settings,
    /// For flows and guests without WASI: instances come from a pool.
    pool: Room,
    /// For guests with WASI: instances of any size, made on demand. Set up when the first is loaded.
    wasi: OnceLock<Result<Room, Error>>,
    /// Bounds the live instances with WASI.
    wasi_live: Arc<Semaphore>,
    /// Who computes, of the runs that compute for long.
    turns: Arc<Turns>,
    /// The runtime's core module, compiled once, which every shared component links to.
    runtime: wasmtime::Module,
    /// The digest of that runtime, which this host's compiler links to.
    runtime_digest: String,
    /// Programs by component digest. Bounded: an evicted program lives on in the instances that use it.
    programs: moka::sync::Cache<Digest, Arc<Program>>,
    /// Held while a component that is not [quick](is_quick) is compiled: one at a time, or they would keep all processors from the runs.
    compiling: Arc<Semaphore>,
    /// Bounds how many of the others are compiled at a time.
    compilers: Arc<Semaphore>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// What a program with WASI counts for among those kept in memory: its code is that much larger than a flow's.
const WASI_WEIGHT: u32 = 128;

/// Why a component cannot be run.
#[derive(Debug, thiserror::Error, Clone)]
pub enum Error {
    #[error("the component is not valid WebAssembly: {0}")]
    Invalid(String),
    #[error("the component was compiled for runtime {wanted}, this host has {have}: compile the flow again")]
    OtherRuntime { wanted: String, have: String },
    #[error("the component does not fit the flow world: {0}")]
    World(String),
    #[error("the component imports '{0}'; a flow may import nothing or WASI 0.2")]
    Import(String),
    #[error("size limit: the component has {bytes} bytes; at most {limit} bytes are allowed for its kind ({setting})")]
    TooLarge {
        bytes: usize,
        limit: usize,
        setting: &'static str,
    },
    #[error("size limit: a function of the component has {bytes} bytes; at most {limit} are allowed ({setting})")]
    LargeFunction {
        bytes: usize,
        limit: usize,
        setting: &'static str,
    },
    #[error("compile limit: making native code took longer than {0:?} (bundles.compile_timeout)")]
    Slow(std::time::Duration),
    #[error("the sandbox could not be set up: {0}")]
    Engine(String),
}

impl Sandbox {
    /// Compiles the runtime (or takes its native code from the cache) and sets up the engine.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let pool = Room::new(match settings.reproducible {
            true => engine::reproducible()?,
            false => engine::pooling(&settings)?,
        });
        let runtime = flowgate_compiler::runtime().map_err(|e| Error::Engine(e.clone()))?;
        let module = NativeCache::new(&pool.engine, &settings).module(&pool.engine, &runtime.core)?;
        metrics().pool_limit.set(f64::from(settings.max_live));
        let weight = |_: &Digest, program: &Arc<Program>| if program.wasi { WASI_WEIGHT } else { 1 };
        let share = Share {
            tenant: TenantId::LOCAL,
            settings: Arc::new(settings.clone()),
        };
        let shared = Arc::new(Shared {
            turns: Turns::new(threads().saturating_sub(1)),
            pool,
            wasi: OnceLock::new(),
            wasi_live: Arc::new(Semaphore::new(settings.max_wasi_live.clamp(1, Semaphore::MAX_PERMITS))),
            runtime: module,
            runtime_digest: runtime.digest.clone(),
            programs: moka::sync::Cache::builder()
                .max_capacity(settings.programs)
                .weigher(weight)
                .build(),
            compiling: Arc::new(Semaphore::new(1)),
            compilers: Arc::new(Semaphore::new((threads() / 2).max(1))),
            settings,
        });
        Ok(Sandbox(shared, share))
    }

    /// The same sandbox for the runs of a tenant. `settings`: what one of its instances may use, where it is less than what others may.
    pub fn of(&self, tenant: TenantId, settings: Option<&Arc<Settings>>) -> Self {
        let settings = Arc::clone(settings.unwrap_or(&self.1.settings));
        Sandbox(Arc::clone(&self.0), Share { tenant, settings })
    }

    /// The program of a component that has been loaded before and is still kept.
    pub fn loaded(&self, digest: &Digest) -> Option<Arc<Program>> {
        self.0.programs.get(digest)
    }

    /// Validates and compiles a component, or takes its native code from the cache. CPU work of milliseconds (a graph) to
    /// seconds (a large guest): call it where blocking is allowed. Concurrent calls for one component compile it once.
    ///
    /// `runtime` is the core module that the component was linked with, for one that an earlier compiler made.
    pub fn load(&self, digest: Digest, bytes: &[u8], runtime: Option<&[u8]>) -> Result<Arc<Program>, Error> {
        let shared = &self.0;
        let load = || {
            let surface = flowgate_compiler::surface(bytes).map_err(Error::Invalid)?;
            let imports = imports::of(&surface)?;
            let engine = &shared.room(imports == Imports::Wasi)?.engine;
            let cache = NativeCache::new(engine, &shared.settings);
            let links = match imports {
                Imports::Nothing => Links::Nothing,
                Imports::Wasi => Links::Wasi,
                Imports::Runtime(wanted) if wanted == shared.runtime_digest => Links::Runtime(shared.runtime.clone()),
                Imports::Runtime(wanted) => match runtime {
                    Some(runtime) if Digest::of(runtime).hex() == wanted => Links::Runtime(cache.module(engine, runtime)?),
                    _ => {
                        let have = shared.runtime_digest.clone();
                        return Err(Error::OtherRuntime { wanted, have });
                    }
                },
            };
            program::load(engine, &cache, &links, digest, bytes).map(Arc::new)
        };
        shared.programs.try_get_with(digest, load).map_err(|e| Error::clone(&e))
    }

    /// [`load`](Self::load) off the async threads: on half as many threads as drive runs, those that are not [quick](is_quick) one at a time.
    pub async fn prepare(&self, digest: Digest, bytes: Arc<[u8]>, runtime: Option<Arc<[u8]>>) -> Result<Arc<Program>, Error> {
        if let Some(program) = self.loaded(&digest) {
            return Ok(program);
        }
        let turns = match is_quick(&bytes) {
            true => &self.0.compilers,
            false => &self.0.compiling,
        };
        let stopped = |error: String| Error::Engine(format!("compiling was stopped: {error}"));
        let turn = Arc::clone(turns).acquire_owned().await.map_err(|e| stopped(e.to_string()))?;
        // Somebody else may have compiled it meanwhile.
        if let Some(program) = self.loaded(&digest) {
            return Ok(program);
        }
        let sandbox = self.clone();
        let load = tokio::task::spawn_blocking(move || {
            // Held to the end also if nobody waits for it any more: no more are compiled at a time than may be.
            let _turn = turn;
            sandbox.load(digest, &bytes, runtime.as_deref())
        });
        let limit = self.0.settings.compile_timeout;
        match tokio::time::timeout(limit, load).await {
            Ok(loaded) => loaded.map_err(|e| stopped(e.to_string()))?,
            Err(_) => Err(Error::Slow(limit)),
        }
    }

    /// A fresh instance of a program, before its first `start` or `restore`. One with WASI waits until there are few enough.
    pub async fn instantiate(&self, program: &Program) -> Result<Instance, Stop> {
        let room = self.0.room(program.wasi).map_err(|e| Stop::Trap(e.to_string()))?;
        let permit = match program.wasi {
            true => Some(Arc::clone(&self.0.wasi_live).acquire_owned().await),
            false => None,
        };
        let permit = permit.transpose().map_err(|e| Stop::NoRoom(e.to_string()))?;
        let Share { tenant, settings } = &self.1;
        let pace = Pace::new(&self.0.turns, *tenant);
        instance::instantiate(room, settings, program, permit, pace).await
    }

    /// The digest of the runtime that this host has built in.
    pub fn runtime_digest(&self) -> &str {
        &self.0.runtime_digest
    }

    /// Whether instances come from a pool of prepared memory (else each is made on demand).
    pub fn is_pooling(&self) -> bool {
        self.0.pool.engine.get_pooling_config().is_some()
    }
}

impl Shared {
    fn room(&self, wasi: bool) -> Result<&Room, Error> {
        if !wasi {
            return Ok(&self.pool);
        }
        let made = self.wasi.get_or_init(|| engine::on_demand().map(Room::new));
        made.as_ref().map_err(Error::clone)
    }
}

/// The threads that drive runs.
fn threads() -> usize {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.metrics().num_workers(),
        Err(_) => 1,
    }
}
