//! What clients and flows say about workspaces, and what of it counts.

use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

use super::spot::Spot;
use super::tree::Root;
use super::{Workspace, path};
use crate::ids::Digest;
use crate::record::Json;

/// What absolute paths may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    WorkspaceOnly,
    /// Also the allowed paths.
    WorkspaceOrAllowed,
    /// Everything that is not ignored; only where clients may choose.
    AllExceptIgnored,
}

impl Mode {
    /// A word that is none of them means the narrowest.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "workspace_or_allowed" => Mode::WorkspaceOrAllowed,
            "all_except_ignored" => Mode::AllExceptIgnored,
            _ => Mode::WorkspaceOnly,
        }
    }
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::WorkspaceOnly => "workspace_only",
            Mode::WorkspaceOrAllowed => "workspace_or_allowed",
            Mode::AllExceptIgnored => "all_except_ignored",
        }
    }
}

/// A list of paths that is written again as it came: as a list, or as lines of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paths {
    Lines(Vec<String>),
    List(Vec<String>),
}

impl Paths {
    fn of(value: &RawValue) -> Option<Self> {
        if let Ok(text) = serde_json::from_str::<String>(value.get()) {
            return Some(Paths::Lines(path::lines(&text)));
        }
        let list: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        let texts = list.iter().filter_map(|item| serde_json::from_str::<String>(item.get()).ok());
        let texts = texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Some(Paths::List(texts.collect()))
    }
    pub fn items(&self) -> &[String] {
        match self {
            Paths::Lines(items) | Paths::List(items) => items,
        }
    }
    fn with(&self, items: Vec<String>) -> Self {
        match self {
            Paths::Lines(_) => Paths::Lines(items),
            Paths::List(_) => Paths::List(items),
        }
    }
    fn json(&self) -> Json {
        match self {
            Paths::Lines(items) => text(&items.join("\n")),
            Paths::List(items) => to_raw_value(items).unwrap_or_else(|_| text("")),
        }
    }
}

/// What was said about a workspace, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub root: Option<String>,
    pub mode: Option<Mode>,
    pub allowed: Option<Paths>,
    pub ignored: Vec<String>,
}

impl Said {
    /// Takes one variable; false when it is none of a workspace. A name in camel case counts where the other was not given.
    pub fn take(&mut self, name: &str, value: &RawValue) -> bool {
        match name {
            "workspace_root" => self.root = word(value).or(self.root.take()),
            "workspaceRoot" => self.root = self.root.take().or(word(value)),
            "workspace_access_mode" => self.mode = mode(value).or(self.mode),
            "workspaceAccessMode" => self.mode = self.mode.or(mode(value)),
            "workspace_allowed_paths" => self.allowed = Paths::of(value).or(self.allowed.take()),
            "workspaceAllowedPaths" => self.allowed = self.allowed.take().or(Paths::of(value)),
            "workspace_ignored_paths" => self.ignored = ignored(value).unwrap_or(std::mem::take(&mut self.ignored)),
            "workspaceIgnoredPaths" if self.ignored.is_empty() => self.ignored = ignored(value).unwrap_or_default(),
            "workspaceIgnoredPaths" => {}
            name => return name.starts_with("workspace_"),
        }
        true
    }

    /// From query parameters or fields of a body.
    pub fn of_texts(root: Option<String>, mode: Option<String>, allowed: Option<String>, ignored: Option<String>) -> Self {
        Said {
            root: root.filter(|text| !text.trim().is_empty()),
            mode: mode.filter(|text| !text.trim().is_empty()).map(|text| Mode::parse(&text)),
            allowed: allowed
                .filter(|text| !text.trim().is_empty())
                .map(|text| Paths::Lines(path::lines(&text))),
            ignored: ignored.map(|text| path::lines(&text)).unwrap_or_default(),
        }
    }

    /// From the variables of a run.
    pub fn of_vars(vars: &RawValue) -> Self {
        let mut said = Said::default();
        let vars: IndexMap<String, &RawValue> = serde_json::from_str(vars.get()).unwrap_or_default();
        for (name, value) in vars {
            said.take(&name, value);
        }
        said
    }

    pub fn is_empty(&self) -> bool {
        *self == Said::default()
    }
}

fn word(value: &RawValue) -> Option<String> {
    let word: String = serde_json::from_str(value.get()).ok()?;
    (!word.trim().is_empty()).then_some(word)
}

fn mode(value: &RawValue) -> Option<Mode> {
    (value.get() != "null").then(|| Mode::parse(&word(value).unwrap_or_default()))
}

fn ignored(value: &RawValue) -> Option<Vec<String>> {
    Paths::of(value).map(|paths| paths.items().to_vec())
}

fn text(text: &str) -> Json {
    to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// What a run keeps of what was said at its start. Folders stand in it under names that [`Workspace::run`] understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    root: String,
    mode: Option<Mode>,
    allowed: Option<Paths>,
    ignored: Vec<String>,
}

impl Kept {
    /// The variables of the run: JSON by name, in the order in which clients are shown them.
    pub fn vars(&self) -> Vec<(&'static str, Json)> {
        let mut vars = vec![("workspace_root", text(&self.root))];
        vars.extend(self.mode.map(|mode| ("workspace_access_mode", text(mode.as_str()))));
        vars.extend(self.allowed.iter().map(|paths| ("workspace_allowed_paths", paths.json())));
        if !self.ignored.is_empty() {
            vars.push(("workspace_ignored_paths", text(&self.ignored.join("\n"))));
        }
        vars
    }
}

impl Workspace {
    /// What counts of a client's words at the start of a run: folders that are the operator's or a run's own. Without one, a private folder
    /// is reserved; nothing is made on disk.
    pub fn clamp(&self, said: &Said) -> Kept {
        let top = Spot::Shared {
            mount: None,
            below: Vec::new(),
        };
        let root = said.root.as_deref().and_then(|text| self.spot(text, &top));
        let base = root.clone().unwrap_or(top);
        let allowed = said.allowed.as_ref().and_then(|paths| {
            let kept = paths.items().iter().filter_map(|item| self.spot(item, &base));
            let kept: Vec<String> = kept.map(|spot| spot.to_string()).collect();
            (!kept.is_empty()).then(|| paths.with(kept))
        });
        let mode = said.mode.map(|mode| match mode {
            Mode::AllExceptIgnored if !self.follows_clients() => Mode::WorkspaceOnly,
            mode => mode,
        });
        Kept {
            root: root.unwrap_or_else(Spot::fresh).to_string(),
            mode,
            allowed,
            ignored: said.ignored.clone(),
        }
    }
}

/// The workspace variables of a run that a flow starts: its parent's, which the flow may narrow and never widen. `own` are those that the
/// flow gave, all of them workspace variables.
pub fn inherit(parent: &IndexMap<String, Json>, own: &IndexMap<String, Json>) -> IndexMap<String, Json> {
    let inherited = parent.iter().filter(|(name, _)| name.starts_with("workspace_"));
    let mut vars: IndexMap<String, Json> = inherited.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut said = Said::default();
    for (name, value) in own {
        said.take(name, value);
    }
    let root: Option<String> = vars
        .get("workspace_root")
        .and_then(|value| serde_json::from_str(value.get()).ok());
    let Some(root) = root else { return IndexMap::new() };
    if let Some(inner) = said.root.filter(|inner| is_below(inner, &root)) {
        vars.insert("workspace_root".to_owned(), text(&inner));
    }
    if said.mode == Some(Mode::WorkspaceOnly) {
        vars.insert("workspace_access_mode".to_owned(), text(Mode::WorkspaceOnly.as_str()));
    }
    if !said.ignored.is_empty() {
        let above = vars
            .get("workspace_ignored_paths")
            .and_then(|value| ignored(value))
            .unwrap_or_default();
        let all: Vec<String> = above.into_iter().chain(said.ignored).collect();
        vars.insert("workspace_ignored_paths".to_owned(), text(&all.join("\n")));
    }
    vars
}

/// Whether a folder's name says that it lies in the folder of another name.
fn is_below(inner: &str, root: &str) -> bool {
    let below = inner.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|below| !below.contains('\\') && !below.split('/').any(|name| matches!(name, "" | "." | "..")))
}

/// The name under which an allowed folder is mounted: its own in lower case, with a digest where that is taken.
pub fn mount_name(spot: &Spot, taken: &[Root]) -> String {
    let mut name = String::new();
    for c in spot.file_name().to_lowercase().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name: String = name.trim_matches('-').chars().take(32).collect();
    let name = if name.is_empty() { "mount".to_owned() } else { name };
    if taken.iter().all(|root| root.mount.as_ref() != Some(&name)) {
        return name;
    }
    let digest = Digest::of(spot.to_string().as_bytes()).hex();
    format!("{}_{}", name.chars().take(23).collect::<String>(), &digest[..8])
}
