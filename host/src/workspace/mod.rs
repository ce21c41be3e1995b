//! Files that clients and flows may touch: the operator's workspace with its mounts, and a private folder for each run.
//!
//! [`Workspaces`] belongs to the host. A [`Workspace`] is made for a tenant and is the only way to a file: what the shared token's tenant has
//! been given, no other tenant reaches. From it comes a [`Scope`], the folders of one request or one run, and from a scope a file.
//!
//! Nothing here trusts a path: [`path`] reads its text, [`tree`] goes along it name by name in folders that are open, so that no link, no
//! `..` and no race leads out. The data directory and the cache of native code are closed to every path, also where they lie inside a
//! workspace. Names that go out are relative to a workspace; no path of this machine leaves this module.

mod error;
pub mod family;
mod lines;
mod list;
mod path;
mod room;
mod rules;
mod scope;
mod search;
mod skim;
mod spot;
#[cfg(test)]
mod tests;
mod tree;
mod words;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use error::Error;
pub use lines::{read_lines, universal};
pub use list::{Entry, Listing, Want};
pub use room::Storage;
pub use scope::{Found, Scope};
pub use search::Hit;
pub use skim::{Skim, skim};
pub use words::{Kept, Mode, Said, inherit};
pub use write::How;

use crate::ids::TenantId;
use room::Room;
use spot::Spot;
use tree::{Closed, Root};

/// How the operator has set workspaces up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The shared token's workspace. Empty: `workspace` in the data directory, made when it is first used.
    pub dir: PathBuf,
    /// Further folders, `name=/absolute/path`, one a line.
    pub mounts: String,
    /// Clients may name any folder of this machine.
    pub client_scope: bool,
    pub limits: Limits,
    /// How long an index of files is used for searches.
    pub index_ttl: Duration,
    /// Files that an index may have.
    pub index_max_files: usize,
    pub data_dir: PathBuf,
    /// Folders beside the data directory that no path enters.
    pub closed: Vec<PathBuf>,
    pub storage: Storage,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest file that is read, in bytes.
    pub read_bytes: u64,
    /// Largest file that is written, in bytes.
    pub write_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            read_bytes: 16 << 20,
            write_bytes: 16 << 20,
        }
    }
}

/// What the folder of a tenant's private workspaces is called, before its number.
const TENANT: &str = "tenant-";

/// The workspaces of all tenants. A clone is the same.
#[derive(Debug, Clone)]
pub struct Workspaces(Arc<Host>);

#[derive(Debug)]
struct Host {
    shared: Shared,
    mounts: Vec<(String, PathBuf)>,
    data_dir: PathBuf,
    closed: Arc<[Closed]>,
    client_scope: bool,
    limits: Limits,
    index: search::Cache,
    room: Room,
}

/// The operator's own workspace.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// It is the one in the data directory, which is made when it is missing.
    own: bool,
}

impl Workspaces {
    /// Reads the operator's settings. Nothing is made on disk.
    ///
    /// # Errors
    /// The workspace lies where no path may lead.
    pub fn open(options: Options) -> Result<Self, String> {
        let data_dir = tree::real(&options.data_dir);
        let closed: Arc<[Closed]> = std::iter::once(&options.data_dir)
            .chain(&options.closed)
            .map(|path| Closed::new(path))
            .collect();
        let own = options.dir.as_os_str().is_empty();
        let path = if own {
            data_dir.join("workspace")
        } else {
            tree::real(&options.dir)
        };
        if !own && is_closed(&path, &closed) {
            return Err(format!(
                "workspace.dir {} lies in the data directory or in the cache of native code, which no flow and no client may reach",
                options.dir.display()
            ));
        }
        if !own && !path.is_dir() {
            tracing::warn!(path = %path.display(), "workspace.dir is not there: requests for its files will fail");
        }
        Ok(Workspaces(Arc::new(Host {
            mounts: mounts(&options.mounts, &closed),
            shared: Shared { path, own },
            data_dir,
            closed,
            client_scope: options.client_scope,
            limits: options.limits,
            index: search::Cache::new(options.index_ttl, options.index_max_files),
            room: Room::new(options.storage),
        })))
    }

    /// Measures the files of all tenants that have some, so that they count before anything is written. Blocks its thread.
    pub fn measure(&self) {
        let all = self.0.data_dir.join(spot::PRIVATE);
        let names = std::fs::read_dir(all).into_iter().flatten().flatten();
        let of = |name: std::ffi::OsString| name.to_str()?.strip_prefix(TENANT)?.parse().ok().map(TenantId);
        let tenants = names.filter_map(|entry| of(entry.file_name()));
        for tenant in std::iter::once(TenantId::LOCAL).chain(tenants) {
            let own = self.of(tenant);
            self.0.room.measure(tenant, &|| own.counted(), None);
        }
    }

    /// What this tenant may reach.
    pub fn of(&self, tenant: TenantId) -> Workspace {
        Workspace {
            tenant,
            host: Arc::clone(&self.0),
        }
    }
}

fn is_closed(path: &Path, closed: &[Closed]) -> bool {
    closed.iter().any(|closed| path.starts_with(&closed.path))
}

/// The mounts that are usable; the others are skipped with a warning.
fn mounts(text: &str, closed: &[Closed]) -> Vec<(String, PathBuf)> {
    let mut mounts: Vec<(String, PathBuf)> = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mount = mount(line, closed).and_then(|(name, path)| match mounts.iter().any(|(other, _)| *other == name) {
            true => Err("its name is taken"),
            false => Ok((name, path)),
        });
        match mount {
            Ok(mount) => mounts.push(mount),
            Err(why) => tracing::warn!(line, "a line of workspace.mounts is skipped: {why}"),
        }
    }
    mounts.sort();
    mounts
}

fn mount(line: &str, closed: &[Closed]) -> Result<(String, PathBuf), &'static str> {
    let (name, path) = line.split_once('=').ok_or("it is not name=/absolute/path")?;
    let (name, path) = (name.trim(), Path::new(path.trim()));
    let fits = (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !fits {
        return Err("a name has 1 to 32 letters, digits, _ or -");
    }
    if !path.is_absolute() {
        return Err("the path is not absolute");
    }
    let path = tree::real(path);
    if !path.is_dir() {
        return Err("the path is no directory that is there");
    }
    if is_closed(&path, closed) {
        return Err("the path lies in the data directory or in the cache of native code");
    }
    Ok((name.to_owned(), path))
}

/// What one tenant may reach.
#[derive(Debug, Clone)]
pub struct Workspace {
    tenant: TenantId,
    host: Arc<Host>,
}

impl Workspace {
    /// Names of the mounts.
    pub fn mounts(&self) -> impl Iterator<Item = &str> {
        self.host
            .mounts
            .iter()
            .filter(|_| self.has_shared())
            .map(|(name, _)| name.as_str())
    }

    /// Whether a client's words about folders count.
    pub fn follows_clients(&self) -> bool {
        self.host.client_scope && self.has_shared()
    }

    pub fn limits(&self) -> Limits {
        self.host.limits
    }

    /// The operator's folders are the shared token's.
    fn has_shared(&self) -> bool {
        self.tenant == TenantId::LOCAL
    }

    /// The folders of a client's request.
    pub fn request(&self, said: &Said) -> Result<Scope, Error> {
        let top = Spot::Shared {
            mount: None,
            below: Vec::new(),
        };
        if !self.follows_clients() || said.is_empty() {
            let first = self.open(&top)?;
            return Ok(self.scope(first, self.operator_mounts(), Mode::WorkspaceOnly));
        }
        let root = match &said.root {
            Some(text) => self.spot(text, &top).ok_or(Error::Outside)?,
            None => top,
        };
        self.said(&root, said)
    }

    /// The folders of a run, by its variables. The run's own folder is made when it is not there.
    pub fn run(&self, host_vars: &serde_json::value::RawValue) -> Result<Scope, Error> {
        let said = Said::of_vars(host_vars);
        let top = Spot::Shared {
            mount: None,
            below: Vec::new(),
        };
        let text = said
            .root
            .as_deref()
            .ok_or_else(|| Error::NoWorkspace("the run has no workspace".to_owned()))?;
        let root = self.spot(text, &top).ok_or(Error::Outside)?;
        self.said(&root, &said)
    }

    /// A scope whose first root is `root`.
    fn said(&self, root: &Spot, said: &Said) -> Result<Scope, Error> {
        let first = self.open(root)?;
        let mode = said.mode.unwrap_or(Mode::WorkspaceOnly);
        let mut mounts: Vec<Root> = Vec::new();
        for text in said.allowed.iter().flat_map(words::Paths::items) {
            if mode != Mode::WorkspaceOrAllowed {
                break;
            }
            let Some(spot) = self.spot(text, root) else { continue };
            let Ok(mut opened) = self.open(&spot) else { continue };
            if opened.path.starts_with(&first.path) || mounts.iter().any(|other| other.path == opened.path) {
                continue;
            }
            opened.mount = Some(words::mount_name(&spot, &mounts));
            mounts.push(opened);
        }
        let mut scope = self.scope(first, mounts, mode);
        scope.blocked = said.ignored.iter().filter_map(|text| blocked(&scope, text)).collect();
        Ok(scope)
    }

    fn scope(&self, first: Root, mounts: Vec<Root>, mode: Mode) -> Scope {
        Scope {
            first,
            mounts,
            blocked: Vec::new(),
            anywhere: mode == Mode::AllExceptIgnored && self.follows_clients(),
            closed: self.host.closed.clone(),
            limits: self.host.limits,
            workspace: self.clone(),
        }
    }

    fn operator_mounts(&self) -> Vec<Root> {
        let open = |(name, path): &(String, PathBuf)| Root::open(path, Some(name.clone()), self.host.closed.clone()).ok();
        self.host.mounts.iter().filter_map(open).collect()
    }

    /// The private folders of this tenant.
    fn private(&self) -> PathBuf {
        let all = self.host.data_dir.join(spot::PRIVATE);
        match self.tenant {
            TenantId::LOCAL => all,
            TenantId(other) => all.join(format!("{TENANT}{other}")),
        }
    }

    /// The folders whose files count as the tenant's.
    fn counted(&self) -> Vec<PathBuf> {
        let private = self.private();
        if self.tenant != TenantId::LOCAL {
            return vec![private];
        }
        // The folders of the other tenants lie beside its own.
        let names = std::fs::read_dir(private).into_iter().flatten().flatten();
        let own = names.filter(|entry| entry.file_name().to_str().is_some_and(spot::is_private_name));
        let shared = self.host.shared.own.then(|| self.host.shared.path.clone());
        own.map(|entry| entry.path()).chain(shared).collect()
    }

    /// Whether a file counts as the tenant's.
    fn counts(&self, path: &Path) -> bool {
        path.starts_with(self.private())
            || (self.has_shared() && self.host.shared.own && path.starts_with(&self.host.shared.path))
    }

    /// Room for a file at `path`: its bytes before and now. None: it does not count.
    fn room(&self, path: &Path, file: (u64, u64)) -> Result<Option<room::Taken<'_>>, Error> {
        if !self.counts(path) {
            return Ok(None);
        }
        self.host.room.take(self.tenant, &|| self.counted(), file).map(Some)
    }

    /// Which folder `text` names, relative ones below `base`; none when this tenant may not have it. No file system is asked.
    fn spot(&self, text: &str, base: &Spot) -> Option<Spot> {
        let private =
            |names: Vec<String>| Spot::private(&std::iter::once(spot::PRIVATE.to_owned()).chain(names).collect::<Vec<_>>());
        let spot = match path::parse(text).ok()? {
            path::Written::Absolute(path) => match spot::below(&path, &self.private()).and_then(private) {
                Some(spot) => spot,
                None => self
                    .shared(&path)
                    .or_else(|| self.follows_clients().then_some(Spot::Host(path)))?,
            },
            path::Written::Relative(names) => {
                // Runs of earlier versions have the data directory as it was given to the server.
                let given = path::lexical(&std::path::absolute(names.join("/")).ok()?);
                if let Some(spot) = spot::below(&given, &self.private()).and_then(private) {
                    return Some(spot);
                }
                if path::climbs_out(&names) {
                    return None;
                }
                let names = path::names(&path::lexical(Path::new(&names.join("/"))))?;
                let is_top = matches!(base, Spot::Shared { mount: None, below } if below.is_empty());
                let mount = names
                    .first()
                    .filter(|first| is_top && self.mounts().any(|mount| mount == *first));
                match (Spot::private(&names), mount) {
                    (Some(spot), _) => spot,
                    (None, Some(mount)) => Spot::Shared {
                        mount: Some(mount.clone()),
                        below: names[1..].to_vec(),
                    },
                    (None, None) => base.join(&names),
                }
            }
        };
        (self.has_shared() || matches!(spot, Spot::Private { .. })).then_some(spot)
    }

    /// An absolute path in the operator's folders; the innermost of them counts.
    fn shared(&self, path: &Path) -> Option<Spot> {
        let mounts = self.host.mounts.iter().map(|(name, root)| (Some(name), root));
        let roots = std::iter::once((None, &self.host.shared.path)).chain(mounts);
        let inside = roots.filter(|(_, root)| path.starts_with(root));
        let (mount, root) = inside.max_by_key(|(_, root)| root.as_os_str().len())?;
        Some(Spot::Shared {
            mount: mount.cloned(),
            below: spot::below(path, root)?,
        })
    }

    fn open(&self, spot: &Spot) -> Result<Root, Error> {
        let closed = self.host.closed.clone();
        match spot {
            Spot::Private { name, below } => {
                let path = self.private().join(name);
                make_private(&path).map_err(Error::from)?;
                Root::open(&path, None, closed)?.enter(below)
            }
            Spot::Shared { .. } if !self.has_shared() => Err(Error::Outside),
            Spot::Shared { mount: None, below } => {
                let shared = &self.host.shared;
                if shared.own {
                    make_private(&shared.path).map_err(Error::from)?;
                }
                let root = Root::open(&shared.path, None, closed);
                root.map_err(|_| Error::NoWorkspace("the workspace directory cannot be opened".to_owned()))?
                    .enter(below)
            }
            Spot::Shared {
                mount: Some(mount),
                below,
            } => {
                let found = self.host.mounts.iter().find(|(name, _)| name == mount);
                let (_, path) = found.ok_or_else(|| Error::NoWorkspace(format!("there is no mount '{mount}'")))?;
                Root::open(path, None, closed)?.enter(below)
            }
            Spot::Host(path) if self.follows_clients() => {
                let top = Root::open(Path::new("/"), None, closed)?;
                top.enter(&spot::below(path, Path::new("/")).ok_or(Error::InvalidAbsolute)?)
            }
            Spot::Host(_) => Err(Error::Outside),
        }
    }
}

/// A blocked path as an absolute one; a blank or unreadable one blocks nothing.
fn blocked(scope: &Scope, text: &str) -> Option<PathBuf> {
    Some(match path::parse(text).ok()? {
        path::Written::Absolute(path) => path,
        path::Written::Relative(names) => {
            let mount = scope.mounts.iter().find(|root| root.mount.as_ref() == names.first());
            let (root, names) = mount.map_or((&scope.first, &names[..]), |root| (root, &names[1..]));
            path::lexical(&root.path.join(names.join("/")))
        }
    })
}

/// Makes a folder below the data directory that only this user can read, on disk when this returns.
fn make_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    for folder in path.ancestors().skip(1).take(3) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
