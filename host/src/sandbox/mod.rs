//! Runs components in wasmtime sandboxes. Owns the engine, the native code and the limits of an instance; never touches the
//! database, never executes an effect. Components come in as bytes, instances go out ready to be ticked.

mod engine;
mod imports;
mod instance;
mod limits;
mod program;

use std::sync::Arc;

pub use engine::Settings;
pub use imports::{Imports, MAX_BYTES, MAX_WASI_BYTES, check};
pub use instance::Instance;
pub use limits::Stop;
pub use program::Program;

use crate::ids::Digest;
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

/// A component up to this size is compiled in a fraction of a second, in bytes.
pub const SMALL: usize = 256 << 10;

/// Makes programs and keeps those in use. Cheap to clone: all clones share the engine and the programs.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    engine: wasmtime::Engine,
    settings: Settings,
    /// Makes the epoch move while ticks are running, so that a tick's wall-clock time is bounded and an idle host does nothing.
    pulse: engine::Pulse,
    /// The runtime's core module, compiled once, which every shared component links to.
    runtime: wasmtime::Module,
    /// The digest of that runtime, which this host's compiler links to.
    runtime_digest: String,
    /// Programs by component digest. Bounded: an evicted program lives on in the instances that use it.
    programs: moka::sync::Cache<Digest, Arc<Program>>,
    /// Held while a large component is compiled: one at a time, or they would keep all processors from the runs.
    compiling: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

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
    #[error("the component has {bytes} bytes; at most {limit} bytes are allowed for its kind")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the sandbox could not be set up: {0}")]
    Engine(String),
}

impl Sandbox {
    /// Compiles the runtime (or takes its native code from the cache) and sets up the engine.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let engine = engine::build(&settings)?;
        let runtime = flowgate_compiler::runtime().map_err(|e| Error::Engine(e.clone()))?;
        let cache = program::NativeCache::new(&engine, &settings);
        let module = cache.module(&engine, &runtime.core)?;
        metrics().pool_limit.set(f64::from(settings.max_live));
        Ok(Sandbox(Arc::new(Shared {
            pulse: engine::Pulse::new(engine.clone()),
            runtime: module,
            runtime_digest: runtime.digest.clone(),
            programs: moka::sync::Cache::new(settings.programs),
            compiling: tokio::sync::Mutex::new(()),
            engine,
            settings,
        })))
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
        shared
            .programs
            .try_get_with(digest, || {
                let cache = program::NativeCache::new(&shared.engine, &shared.settings);
                let surface = flowgate_compiler::surface(bytes).map_err(Error::Invalid)?;
                let module = match &imports::of(&surface)? {
                    Imports::Nothing => None,
                    Imports::Wasi => return Err(Error::World("this host gives no WASI".to_owned())),
                    Imports::Runtime(wanted) if *wanted == shared.runtime_digest => Some(shared.runtime.clone()),
                    Imports::Runtime(wanted) => match runtime {
                        Some(runtime) if Digest::of(runtime).hex() == *wanted => Some(cache.module(&shared.engine, runtime)?),
                        _ => {
                            return Err(Error::OtherRuntime {
                                wanted: wanted.clone(),
                                have: shared.runtime_digest.clone(),
                            });
                        }
                    },
                };
                program::load(&shared.engine, &cache, module.as_ref(), digest, bytes).map(Arc::new)
            })
            .map_err(|e| Error::clone(&e))
    }

    /// [`load`](Self::load) off the async threads, large components one at a time.
    pub async fn prepare(&self, digest: Digest, bytes: Arc<[u8]>, runtime: Option<Arc<[u8]>>) -> Result<Arc<Program>, Error> {
        if let Some(program) = self.loaded(&digest) {
            return Ok(program);
        }
        let _alone = match bytes.len() > SMALL {
            true => Some(self.0.compiling.lock().await),
            false => None,
        };
        let sandbox = self.clone();
        let loaded = tokio::task::spawn_blocking(move || sandbox.load(digest, &bytes, runtime.as_deref())).await;
        loaded.map_err(|e| Error::Engine(format!("compiling was stopped: {e}")))?
    }

    /// A fresh instance of a program, before its first `start` or `restore`.
    pub async fn instantiate(&self, program: &Program) -> Result<Instance, Stop> {
        instance::instantiate(&self.0.engine, &self.0.settings, &self.0.pulse, program).await
    }

    /// The digest of the runtime that this host has built in.
    pub fn runtime_digest(&self) -> &str {
        &self.0.runtime_digest
    }

    /// Whether instances come from a pool of prepared memory (else each is made on demand).
    pub fn is_pooling(&self) -> bool {
        self.0.engine.get_pooling_config().is_some()
    }
}
