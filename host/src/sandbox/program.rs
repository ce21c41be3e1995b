//! Components as native code, kept on disk between starts.

use std::io::Write;
use std::path::{Path, PathBuf};

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Module};

use super::limits::Data;
use super::{Error, Settings, wasi};
use crate::ids::Digest;

/// A component ready to be instantiated.
pub struct Program {
    pub digest: Digest,
    /// Whether it imports WASI; then it belongs to the engine for those.
    pub(super) wasi: bool,
    pub(super) exports: super::world::FlowPre<Data>,
}

/// Native code on disk, under a name made of the code's origin and everything that its making depends on.
pub(super) struct NativeCache {
    folder: Option<PathBuf>,
    /// Whether flows are kept, not only their runtime.
    flows: bool,
    /// The engine's own fingerprint: wasmtime's version, the target and every setting that changes code.
    engine: u64,
}

impl NativeCache {
    pub fn new(engine: &Engine, settings: &Settings) -> Self {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        NativeCache {
            folder: settings.cache.clone().filter(|folder| is_private(folder)),
            flows: settings.cache_flows,
            engine: hasher.finish(),
        }
    }

    /// Compiles a core module, or takes it from the cache.
    pub fn module(&self, engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
        let invalid = |e: wasmtime::Error| Error::Invalid(format!("{e:#}"));
        let Some(path) = self.path(&Digest::of(bytes).hex(), "module") else {
            return Module::new(engine, bytes).map_err(invalid);
        };
        if path.is_file()
            && let Some(module) = deserialize_module(engine, &path)
        {
            return Ok(module);
        }
        let module = Module::new(engine, bytes).map_err(invalid)?;
        self.keep(&path, module.serialize());
        Ok(module)
    }

    fn component(&self, engine: &Engine, digest: Digest, bytes: &[u8]) -> Result<Component, Error> {
        let invalid = |e: wasmtime::Error| {
            let text = format!("{e:#}");
            match exceeded(&text) {
                Some(setting) => Error::World(format!("{text} ({setting})")),
                None => Error::Invalid(text),
            }
        };
        // A shared component names its runtime in its own bytes, so its digest stands for both.
        let Some(path) = self.path(&digest.hex(), "component").filter(|_| self.flows) else {
            return Component::new(engine, bytes).map_err(invalid);
        };
        if path.is_file()
            && let Some(component) = deserialize_component(engine, &path)
        {
            return Ok(component);
        }
        let component = Component::new(engine, bytes).map_err(invalid)?;
        self.keep(&path, component.serialize());
        Ok(component)
    }

    fn path(&self, name: &str, kind: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{name}-{:016x}.{kind}", self.engine)))
    }

    /// Writes beside and renames, so that a killed host leaves no half file. The cache is only a cache: a failure is logged.
    fn keep(&self, path: &Path, code: wasmtime::Result<Vec<u8>>) {
        let written = code
            .map_err(|e| e.to_string())
            .and_then(|code| write_new(path, &code).map_err(|e| e.to_string()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "native code is not kept");
        }
    }
}

/// Whether nobody else may put code there. A folder that is not there yet is made so.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let others = std::fs::metadata(folder).is_ok_and(|meta| meta.mode() & 0o022 != 0);
    if others {
        tracing::warn!(folder = %folder.display(), "native code is not kept in a folder that others may write to");
    }
    !others
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

/// The setting of the limit that wasmtime names in its own words when a component does not fit into the pool.
fn exceeded(text: &str) -> Option<&'static str> {
    if !text.contains("exceeds the configured maximum") {
        return None;
    }
    let settings = [
        ("core module instances", "limits.max_instances"),
        ("tables", "limits.max_tables"),
    ];
    settings
        .into_iter()
        .find(|(words, _)| text.contains(words))
        .map(|(_, setting)| setting)
}

fn write_new(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        }
    }
    let part = path.with_extension(format!("part-{}-{:?}", std::process::id(), std::thread::current().id()));
    let mut file = std::fs::File::create(&part)?;
    file.write_all(code)?;
    drop(file);
    std::fs::rename(&part, path)
}

#[allow(unsafe_code)]
fn deserialize_module(engine: &Engine, path: &Path) -> Option<Module> {
    // SAFETY: the folder is the host's own (mode 0700, beside its database); only `keep` above writes there, by rename, and
    // wasmtime refuses files of another version or configuration. Tenants have no way to name a file in it.
    unsafe { Module::deserialize_file(engine, path) }
        .map_err(|e| note(path, &e))
        .ok()
}

#[allow(unsafe_code)]
fn deserialize_component(engine: &Engine, path: &Path) -> Option<Component> {
    // SAFETY: as for `deserialize_module`.
    unsafe { Component::deserialize_file(engine, path) }
        .map_err(|e| note(path, &e))
        .ok()
}

fn note(path: &Path, error: &wasmtime::Error) {
    tracing::warn!(path = %path.display(), %error, "native code from the cache is not usable; compiling anew");
}

/// What a component is linked with; see [`super::Imports`].
pub(super) enum Links {
    Nothing,
    /// The core module `flow-rt` that it was made for.
    Runtime(Module),
    Wasi,
}

/// Compiles a component or takes its native code from the cache, links it and finds its exports.
pub(super) fn load(engine: &Engine, cache: &NativeCache, links: &Links, digest: Digest, bytes: &[u8]) -> Result<Program, Error> {
    let mut linker = Linker::new(engine);
    let component = cache.component(engine, digest, bytes)?;
    let linked = match links {
        Links::Nothing => Ok(()),
        Links::Runtime(runtime) => linker.root().module(flowgate_compiler::RUNTIME_IMPORT, runtime),
        Links::Wasi => wasi::link(&mut linker, &component),
    };
    linked.map_err(|e| Error::Engine(format!("{e:#}")))?;
    let world = |e: wasmtime::Error| Error::World(format!("{e:#}"));
    let pre = linker.instantiate_pre(&component).map_err(world)?;
    let exports = super::world::FlowPre::new(pre).map_err(world)?;
    let wasi = matches!(links, Links::Wasi);
    Ok(Program { digest, wasi, exports })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn native_code_is_kept_where_nobody_else_may_write() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let cache = |name: &str, mode: Option<u32>| {
            let folder = dir.path().join(name);
            if let Some(mode) = mode {
                std::fs::create_dir(&folder).unwrap();
                std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            let settings = Settings {
                cache: Some(folder.clone()),
                ..Settings::default()
            };
            NativeCache::new(&engine, &settings)
                .module(&engine, b"\0asm\x01\0\0\0")
                .unwrap();
            let kept = std::fs::read_dir(&folder).map_or(0, Iterator::count);
            let mode = std::fs::metadata(&folder).map_or(0, |meta| meta.permissions().mode() & 0o777);
            (kept, mode)
        };
        assert_eq!(cache("new", None), (1, 0o700));
        assert_eq!(cache("own", Some(0o755)), (1, 0o755));
        assert_eq!(cache("group", Some(0o770)), (0, 0o770));
        assert_eq!(cache("all", Some(0o777)), (0, 0o777));
    }

    #[test]
    fn a_limit_of_the_pool_is_named_by_its_setting() {
        let text = "The component transitively contains 9 core module instances, which exceeds the configured maximum of 8 in the pooling allocator";
        assert_eq!(exceeded(text), Some("limits.max_instances"));
        assert_eq!(
            exceeded(&text.replace("core module instances", "tables")),
            Some("limits.max_tables")
        );
        assert_eq!(exceeded("unknown binary version"), None);
    }
}
