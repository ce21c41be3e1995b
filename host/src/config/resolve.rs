//! Decides each setting: flag, then `FLOWGATE_*`, then the reference's name for it, then the file, then the default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::Error;
use super::settings::Settings;
use super::sources::{Environment, FILE_NAME, FileSource, Sources};
use super::table::{Setting, all, by_key};
use crate::ids::TenantId;

/// Where a setting's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Env(&'static str),
    File(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "the flag --{name}"),
            Origin::Env(name) => write!(f, "the environment variable {name}"),
            Origin::File(name) => write!(f, "the file {name}"),
            Origin::Default => f.write_str("its default"),
        }
    }
}

/// The tenant of the shared token.
const LOCAL: &str = "local";

/// Settings, and how they came about.
#[derive(Debug)]
pub struct Resolved {
    pub settings: Settings,
    /// Setting key -> the text that was used and where it came from.
    pub chosen: BTreeMap<&'static str, (String, Origin)>,
    /// Sentences for the operator: what was said and has no effect here.
    pub notices: Vec<String>,
}

/// Names of the reference gateway that mean nothing here, and why. They are accepted so that its environment can be kept.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("ABSTRACTGATEWAY_POLL_S", "the runner is woken and does not poll"),
    ("ABSTRACTGATEWAY_COMMAND_BATCH_LIMIT", "commands are applied as they arrive"),
    ("ABSTRACTGATEWAY_RUN_SCAN_LIMIT", "the runner does not scan runs"),
    ("ABSTRACTGATEWAY_TICK_WORKERS", "see runner.max_live"),
    (
        "ABSTRACTGATEWAY_DB_PATH",
        "its database is another format; Flowgate's own is set by journal.path",
    ),
];

/// Resolves every setting of the table.
pub fn resolve(sources: &Sources) -> Result<Resolved, Error> {
    let file = settings_file(sources)?;
    let mut settings = Settings::default();
    let mut chosen = BTreeMap::new();
    for setting in all() {
        let (text, origin) = choose(setting, sources, file.as_ref());
        if !(origin == Origin::Default && text.is_empty()) {
            apply(setting, &mut settings, &text, &origin)?;
        }
        chosen.insert(setting.key, (text, origin));
    }
    if let Some(file) = &file {
        tenants(&mut settings, file)?;
    }
    database_path(&mut settings)?;
    check_reference_only(&sources.environment)?;
    let notices = notices(&sources.environment);
    Ok(Resolved {
        settings,
        chosen,
        notices,
    })
}

/// What the file sets for single tenants, over what is set for all.
fn tenants(settings: &mut Settings, file: &FileSource) -> Result<(), Error> {
    for (name, values) in &file.tenants {
        let refused = |text: String| Err(Error::Refused(format!("[tenants.{name}] in {}: {text}", file.name)));
        if name != LOCAL {
            return refused(format!("there is no such tenant; this version has one, '{LOCAL}'"));
        }
        let mut own = settings.clone();
        for (key, text) in values {
            let Some(setting) = by_key(key).filter(|setting| setting.is_per_tenant()) else {
                return refused(format!("'{key}' cannot be set for one tenant"));
            };
            apply(setting, &mut own, text, &Origin::File(file.name.clone()))?;
        }
        let (all, mine) = (&settings.runner, &own.runner);
        for (key, most, all) in [
            ("runner.max_memory_bytes", mine.max_memory_bytes, all.max_memory_bytes),
            (
                "limits.max_table_elements",
                mine.max_table_elements as u64,
                all.max_table_elements as u64,
            ),
        ] {
            if most > all {
                return refused(format!("{key} is {most}, more than the {all} that are set for all tenants"));
            }
        }
        settings.tenants.insert(TenantId::LOCAL, own.runner);
        settings.retention.tenants.insert(TenantId::LOCAL, own.retention.all);
    }
    Ok(())
}

fn choose(setting: &'static Setting, sources: &Sources, file: Option<&FileSource>) -> (String, Origin) {
    if let Some((text, name)) = sources.flags.get(setting.key).zip(setting.flag.name()) {
        return (text.clone(), Origin::Flag(name));
    }
    for name in std::iter::once(&setting.env).chain(setting.aliases) {
        if let Some(text) = sources.environment.get(name) {
            return (text.to_owned(), Origin::Env(name));
        }
    }
    if let Some((file, text)) = file.and_then(|f| Some((f, f.values.get(setting.key)?))) {
        return (text.clone(), Origin::File(file.name.clone()));
    }
    (setting.default.to_owned(), Origin::Default)
}

fn apply(setting: &Setting, settings: &mut Settings, text: &str, origin: &Origin) -> Result<(), Error> {
    (setting.apply)(settings, text).map_err(|allowed| {
        let value = if setting.secret {
            "(not shown)".to_owned()
        } else {
            text.to_owned()
        };
        Error::BadValue {
            key: setting.key,
            origin: origin.clone(),
            value,
            allowed,
        }
    })
}

/// The file named by `--config` or `FLOWGATE_CONFIG`; else the one in the data directory, if there is one.
fn settings_file(sources: &Sources) -> Result<Option<FileSource>, Error> {
    let named = sources
        .config
        .clone()
        .or_else(|| sources.environment.get("FLOWGATE_CONFIG").map(Into::into));
    if let Some(path) = named {
        return FileSource::read(&path).map(Some);
    }
    let Some(setting) = by_key("data_dir") else { return Ok(None) };
    let mut settings = Settings::default();
    let (text, origin) = choose(setting, sources, None);
    apply(setting, &mut settings, &text, &origin)?;
    let path = settings.data_dir.join(FILE_NAME);
    if !path.is_file() {
        return Ok(None);
    }
    let file = FileSource::read(&path)?;
    if file.values.contains_key("data_dir") {
        let text = format!(
            "{} lies in the data directory and cannot set data_dir: name it with --config",
            file.name
        );
        return Err(Error::Refused(text));
    }
    Ok(Some(file))
}

/// The database lies inside the data directory, so that one directory is the whole server.
fn database_path(settings: &mut Settings) -> Result<(), Error> {
    if settings.journal.path.as_os_str().is_empty() {
        settings.journal.path = settings.data_dir.join("flowgate.sqlite3");
        return Ok(());
    }
    let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
    let (path, dir) = (absolute(&settings.journal.path), absolute(&settings.data_dir));
    let climbs = path.components().any(|c| c == std::path::Component::ParentDir);
    if climbs || !path.starts_with(&dir) {
        let text = format!(
            "journal.path {} must lie inside the data directory {}",
            path.display(),
            dir.display()
        );
        return Err(Error::Refused(text));
    }
    Ok(())
}

fn check_reference_only(environment: &Environment) -> Result<(), Error> {
    let Some(backend) = environment.get("ABSTRACTGATEWAY_STORE_BACKEND") else {
        return Ok(());
    };
    if backend.trim().eq_ignore_ascii_case("sqlite") {
        return Ok(());
    }
    let text = format!(
        "ABSTRACTGATEWAY_STORE_BACKEND is '{backend}', but Flowgate keeps everything in SQLite only: set it to sqlite or unset it. \
         `flowgate migrate` brings the runs of such a data directory in."
    );
    Err(Error::Refused(text))
}

fn notices(environment: &Environment) -> Vec<String> {
    let idle = WITHOUT_EFFECT.iter().filter(|(name, _)| environment.get(name).is_some());
    let idle = idle.map(|(name, why)| format!("{name} has no effect: {why}"));
    let unknown = environment
        .unknown()
        .map(|name| format!("{name} is not a setting of Flowgate and has no effect"));
    idle.chain(unknown).collect()
}
