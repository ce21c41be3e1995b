//! What was said about settings: by flags, by the environment, by a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Error;
use super::table::{Flag, all, by_key};

/// Name of the settings file that is read from the data directory when no other is named.
pub const FILE_NAME: &str = "flowgate.toml";

/// Everything from which settings are resolved.
#[derive(Debug, Default)]
pub struct Sources {
    /// Setting key -> text, as given on the command line.
    pub flags: BTreeMap<&'static str, String>,
    pub environment: Environment,
    /// The settings file named by `--config`, which must exist.
    pub config: Option<PathBuf>,
}

/// The process environment, as far as it concerns settings.
#[derive(Debug, Default, Clone)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. A blank variable counts as unset.
    pub fn of_process() -> Self {
        let all = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())));
        Self::from_pairs(all)
    }
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(k, v)| (k.into(), v.into()));
        Environment(pairs.filter(|(_, v): &(String, String)| !v.trim().is_empty()).collect())
    }
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
    /// Whether the standard variables of OpenTelemetry ask for traces; the exporter reads the rest of them itself.
    pub fn wants_traces(&self) -> bool {
        let disabled = self
            .get("OTEL_SDK_DISABLED")
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
        let none = self.get("OTEL_TRACES_EXPORTER").is_some_and(|v| v.trim() == "none");
        let endpoint = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        endpoint.iter().any(|name| self.get(name).is_some()) && !disabled && !none
    }
    /// Names that start like ours and are none of ours: most likely misspelt.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let ours = |name: &str| name == "FLOWGATE_CONFIG" || all().any(|s| s.env == name);
        self.0
            .keys()
            .map(String::as_str)
            .filter(move |name| name.starts_with("FLOWGATE_") && !ours(name))
    }
}

/// A settings file, read and flattened to `section.name` -> text.
#[derive(Debug, Default)]
pub struct FileSource {
    pub name: String,
    pub values: BTreeMap<String, String>,
    /// What `[tenants.NAME.SECTION]` says, by tenant.
    pub tenants: BTreeMap<String, BTreeMap<String, String>>,
}

impl FileSource {
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|e| Error::File {
            file: file.clone(),
            reason: e.to_string(),
        })?;
        Self::parse(file, &text)
    }

    pub fn parse(name: String, text: &str) -> Result<Self, Error> {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(e) => {
                return Err(Error::File {
                    file: name,
                    reason: one_line(&e),
                });
            }
        };
        let mut source = FileSource {
            name,
            ..FileSource::default()
        };
        let mut values = BTreeMap::new();
        for (key, value) in &table {
            match value {
                toml::Value::Table(tenants) if key == "tenants" => source.put_tenants(tenants)?,
                value => source.put(&mut values, key, value)?,
            }
        }
        source.values = values;
        Ok(source)
    }

    fn put_tenants(&mut self, tenants: &toml::Table) -> Result<(), Error> {
        for (name, sections) in tenants {
            let toml::Value::Table(sections) = sections else {
                return Err(Error::BadType {
                    key: format!("tenants.{name}"),
                    file: self.name.clone(),
                    allowed: "sections such as [tenants.NAME.limits]",
                    found: sections.type_str(),
                });
            };
            let mut values = BTreeMap::new();
            for (key, value) in sections {
                self.put(&mut values, key, value)?;
            }
            self.tenants.insert(name.clone(), values);
        }
        Ok(())
    }

    /// A setting, or a section of them.
    fn put(&self, values: &mut BTreeMap<String, String>, key: &str, value: &toml::Value) -> Result<(), Error> {
        match value {
            toml::Value::Table(section) => section
                .iter()
                .try_for_each(|(inner, value)| self.put_one(values, format!("{key}.{inner}"), value)),
            value => self.put_one(values, key.to_owned(), value),
        }
    }

    fn put_one(&self, values: &mut BTreeMap<String, String>, key: String, value: &toml::Value) -> Result<(), Error> {
        if by_key(&key).is_none() {
            return Err(Error::UnknownKey {
                key,
                file: self.name.clone(),
            });
        }
        let text = match value {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(n) => Some(n.to_string()),
            toml::Value::Float(n) => Some(n.to_string()),
            toml::Value::Boolean(b) => Some(b.to_string()),
            toml::Value::Array(items) => items
                .iter()
                .map(toml::Value::as_str)
                .collect::<Option<Vec<_>>>()
                .map(|v| v.join(if key == "workspace.mounts" { "\n" } else { "," })),
            _ => None,
        };
        let Some(text) = text else {
            let allowed = "a string, a number, true or false, or a list of strings";
            return Err(Error::BadType {
                key,
                file: self.name.clone(),
                allowed,
                found: value.type_str(),
            });
        };
        values.insert(key, text);
        Ok(())
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Flags, by setting key: what the command line hands over.
pub fn flag_key(flag: &str) -> Option<&'static str> {
    all()
        .find(|s| s.flag != Flag::None && s.flag.name() == Some(flag))
        .map(|s| s.key)
}
