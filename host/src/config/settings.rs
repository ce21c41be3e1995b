//! The settings as the program uses them. What each means, its default and its unit stand in [`super::table`].

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::bundles::Source;
use crate::ids::TenantId;
use crate::journal::{Retention, Stored, Synchronous};
use crate::{api, runner, sandbox, security, workspace};

/// Everything that can be set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    /// Both or neither is set.
    pub tls: Tls,
    pub data_dir: PathBuf,
    /// Empty: chosen by what the command keeps.
    pub code_cache: PathBuf,
    pub flows_dir: PathBuf,
    pub workflow_source: Source,
    /// Every token a client may send. Kept apart from `security`, whose debug output would show them.
    pub tokens: Vec<Token>,
    /// Whether writes are recorded. None: when security is on.
    pub audit_log: Option<bool>,
    /// Without tokens and audit log: see [`Settings::security_layer`].
    pub security: security::Settings,
    pub journal: Journal,
    pub runner: Runner,
    /// Of tenants for which something else is set than for all: what is in force for them.
    pub tenants: HashMap<TenantId, Runner>,
    pub retention: Retention,
    pub bundles: Bundles,
    pub workspace: Workspace,
    pub log: Log,
}

impl Settings {
    /// Whether only this machine can reach the server.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
    pub fn database(&self) -> &Path {
        &self.journal.path
    }
    /// What the security layer is built from.
    pub fn security_layer(&self) -> security::Settings {
        let audited = self.audit_log.unwrap_or(self.security.enabled);
        security::Settings {
            tokens: self.tokens.iter().map(|t| t.reveal().to_owned()).collect(),
            audit_log: audited.then(|| self.data_dir.join("audit_log.jsonl")),
            ..self.security.clone()
        }
    }
    /// What an instance may use. `keeps`: the command keeps its runs, and so the native code of its flows too; one that keeps nothing
    /// has only the runtime's, among the user's cached files.
    pub fn sandbox(&self, keeps: bool) -> sandbox::Settings {
        let own = || keeps.then(|| self.data_dir.join("code-cache"));
        let named = (!self.code_cache.as_os_str().is_empty()).then(|| self.code_cache.clone());
        sandbox::Settings {
            tick_fuel: self.runner.tick_fuel,
            tick_timeout: self.runner.tick_timeout,
            max_memory_bytes: bytes(self.runner.max_memory_bytes),
            max_state_bytes: bytes(self.runner.max_state_bytes),
            max_table_elements: self.runner.max_table_elements,
            max_tables: self.runner.max_tables,
            max_instances: self.runner.max_instances,
            compile_timeout: self.bundles.compile_timeout,
            max_live: u32::try_from(self.runner.max_live).unwrap_or(u32::MAX),
            max_wasi_memory_bytes: bytes(self.runner.max_wasi_memory_bytes),
            max_wasi_live: self.runner.max_wasi_live,
            cache: named.or_else(own).or_else(user_cache),
            cache_flows: keeps,
            ..sandbox::Settings::default()
        }
    }
    /// What a run may use. `keeps` as for [`Settings::sandbox`].
    pub fn budgets(&self, keeps: bool) -> runner::Settings {
        let own = |runner: &Runner| runner::Own {
            settings: Arc::new(runner.budgets()),
            sandbox: Arc::new(self.of(runner).sandbox(keeps)),
        };
        runner::Settings {
            tenants: self.tenants.iter().map(|(tenant, runner)| (*tenant, own(runner))).collect(),
            ..self.runner.budgets()
        }
    }
    /// What clients may start.
    pub fn admission(&self) -> api::Admission {
        let own = self.tenants.iter().map(|(tenant, runner)| (*tenant, runner.starts()));
        api::Admission::new(self.runner.starts(), own.collect())
    }
    /// These settings for one tenant.
    fn of(&self, runner: &Runner) -> Settings {
        Settings {
            runner: runner.clone(),
            tenants: HashMap::new(),
            ..self.clone()
        }
    }
    /// Which files may be reached; `keeps` as for [`Settings::sandbox`].
    pub fn workspaces(&self, keeps: bool, kept: Stored) -> workspace::Options {
        let own = &self.workspace;
        workspace::Options {
            dir: own.dir.clone(),
            mounts: own.mounts.clone(),
            client_scope: own.client_scope,
            limits: workspace::Limits {
                read_bytes: own.max_read_bytes,
                write_bytes: own.max_write_bytes,
            },
            index_ttl: own.index_ttl,
            index_max_files: own.index_max_files,
            data_dir: self.data_dir.clone(),
            closed: self.sandbox(keeps).cache.into_iter().collect(),
            storage: workspace::Storage {
                kept,
                limit: self.runner.max_storage_bytes,
                own: self
                    .tenants
                    .iter()
                    .map(|(tenant, runner)| (*tenant, runner.max_storage_bytes))
                    .collect(),
            },
        }
    }
}

/// Where the user's programs cache what they can make again.
fn user_cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    base.or_else(|| folder("LOCALAPPDATA")).map(|base| base.join("flowgate"))
}

/// Whether `host` (an address or a name) is this machine only. A name other than `localhost` is taken to be public.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim().trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => v6.to_ipv4_mapped().map_or(v6.is_loopback(), |v4| v4.is_loopback()),
        Ok(v4) => v4.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// A bearer token. Its text never appears in logs, errors or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Token(text.into())
    }
    /// The token itself: for comparing and for showing to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

/// The files that the server serves TLS with; empty: it does not.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Tls {
    pub fn is_on(&self) -> bool {
        !self.cert.as_os_str().is_empty() && !self.key.as_os_str().is_empty()
    }
    /// One without the other.
    pub fn is_half(&self) -> bool {
        self.cert.as_os_str().is_empty() != self.key.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, Default)]
pub struct Journal {
    pub synchronous: Synchronous,
    pub path: PathBuf,
    pub hash_chain: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Runner {
    pub enabled: bool,
    pub metrics_address: Option<SocketAddr>,
    pub tick_fuel: u64,
    pub tick_max_steps: u32,
    pub tick_timeout: Duration,
    pub activation_fuel: u64,
    pub activation_max_steps: u64,
    pub activation_max_rows: u64,
    pub max_payload_bytes: u64,
    pub max_replay_bytes: u64,
    pub max_inline_bytes: usize,
    pub max_memory_bytes: u64,
    pub max_live: usize,
    pub max_wasi_memory_bytes: u64,
    pub max_wasi_live: usize,
    pub max_tenant_live: usize,
    pub max_effects: usize,
    pub max_children: u64,
    pub max_depth: u32,
    pub max_table_elements: usize,
    pub max_tables: u32,
    pub max_instances: u32,
    pub max_state_bytes: u64,
    pub max_log_bytes: u64,
    pub max_runs: u64,
    pub max_storage_bytes: u64,
    pub wakes_per_second: u32,
    pub starts_per_second: u32,
}

impl Runner {
    /// What a tenant's clients may start, as the API takes it.
    fn starts(&self) -> api::Starts {
        api::Starts {
            max_runs: self.max_runs,
            per_second: self.starts_per_second,
            max_storage_bytes: self.max_storage_bytes,
        }
    }
    fn budgets(&self) -> runner::Settings {
        runner::Settings {
            max_effects: self.max_effects,
            max_children: self.max_children,
            max_depth: self.max_depth,
            max_log_bytes: bytes(self.max_log_bytes),
            max_runs: self.max_runs,
            max_storage_bytes: self.max_storage_bytes,
            wakes_per_second: self.wakes_per_second,
            tick_max_steps: self.tick_max_steps,
            activation_fuel: self.activation_fuel,
            activation_max_steps: self.activation_max_steps,
            activation_max_rows: self.activation_max_rows,
            max_live: self.max_live,
            max_tenant_live: self.max_tenant_live,
            max_payload_bytes: bytes(self.max_payload_bytes),
            max_replay_bytes: bytes(self.max_replay_bytes),
            ..runner::Settings::default()
        }
    }
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Which files are reached. See [`workspace::Options`].
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    pub dir: PathBuf,
    pub mounts: String,
    pub client_scope: bool,
    pub max_read_bytes: u64,
    pub max_write_bytes: u64,
    pub index_ttl: Duration,
    pub index_max_files: usize,
}

/// What a bundle may be. See the compiler's reader for what each protects from.
#[derive(Debug, Clone, Default)]
pub struct Bundles {
    pub max_members: usize,
    pub max_member_bytes: u64,
    pub max_total_bytes: u64,
    pub max_document_bytes: u64,
    pub max_nodes: usize,
    pub max_compiled_bytes: u64,
    pub max_component_bytes: u64,
    pub max_wasi_component_bytes: u64,
    pub max_function_bytes: u64,
    pub max_wasi_function_bytes: u64,
    pub compile_timeout: Duration,
}

impl Bundles {
    /// As the reader of bundles takes them.
    pub fn limits(&self) -> flowgate_compiler::bundle::Limits {
        flowgate_compiler::bundle::Limits {
            entries: self.max_members,
            member_bytes: self.max_member_bytes,
            total_bytes: self.max_total_bytes,
            document_bytes: bytes(self.max_document_bytes),
            nodes: self.max_nodes,
            compiled_bytes: bytes(self.max_compiled_bytes),
            component_bytes: bytes(self.max_component_bytes),
            wasi_component_bytes: bytes(self.max_wasi_component_bytes),
            function_bytes: bytes(self.max_function_bytes),
            wasi_function_bytes: bytes(self.max_wasi_function_bytes),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Log {
    pub format: LogFormat,
    /// A filter as `tracing` understands it: `info`, `flowgate=debug,sqlx=warn`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Text,
    Json,
}
