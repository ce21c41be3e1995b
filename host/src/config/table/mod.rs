//! The list of settings: names, defaults, units and meaning, in the order in which the reference page shows them.

mod limits;
mod retention;
mod runner;
mod security;
mod server;
mod workspace;

use super::settings::Settings;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its key in a TOML file (`section.name`) and its name in errors.
    pub key: &'static str,
    pub flag: Flag,
    /// Its `FLOWGATE_*` name.
    pub env: &'static str,
    /// Names of the same setting in the reference gateway; the first that is set counts.
    pub aliases: &'static [&'static str],
    /// Text as it would be written; empty when unset.
    pub default: &'static str,
    /// Unit or the words allowed.
    pub unit: &'static str,
    pub doc: &'static str,
    /// Its value is never shown.
    pub secret: bool,
    /// Puts the value into the settings; an error completes "must be …".
    pub apply: fn(&mut Settings, &str) -> Result<(), String>,
}

/// How a setting is given on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `--name VALUE`, shown by `-h`.
    Main(&'static str),
    /// `--name VALUE`, shown by `--help` only.
    More(&'static str),
    /// `--name`: switches a setting off that is on by default.
    Off(&'static str),
    /// Not on the command line, where other users of the machine could read it.
    None,
}

impl Flag {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Flag::Main(name) | Flag::More(name) | Flag::Off(name) => Some(name),
            Flag::None => None,
        }
    }
}

/// All settings, section by section.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let sections = [
        server::SETTINGS,
        security::SETTINGS,
        runner::SETTINGS,
        limits::SETTINGS,
        retention::SETTINGS,
        workspace::SETTINGS,
    ];
    sections.into_iter().flatten()
}

/// The setting with this TOML key.
pub fn by_key(key: &str) -> Option<&'static Setting> {
    all().find(|s| s.key == key)
}

/// Settings that are the whole process's, though others of their section are not.
const OF_THE_PROCESS: &[&str] = &[
    "retention.interval",
    "runner.enabled",
    "runner.max_live",
    "runner.max_inline_bytes",
    "runner.max_wasi_live",
    "limits.max_tables",
    "limits.max_instances",
];

impl Setting {
    /// Whether it can be set for one tenant, under `[tenants.NAME.SECTION]`.
    pub fn is_per_tenant(&self) -> bool {
        let sections = ["limits.", "retention.", "runner."];
        sections.iter().any(|section| self.key.starts_with(section)) && !OF_THE_PROCESS.contains(&self.key)
    }
}
