//! Hostile paths, links and races against real directories.

mod escapes;
mod folders;
mod room;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::value::to_raw_value;

use super::{Error, Found, How, Options, Said, Scope, Workspaces};
use crate::ids::TenantId;

const OTHER: TenantId = TenantId(7);

/// A workspace, a mount, a data directory with a database in the middle of the workspace, and a secret beside it all.
struct Site {
    dir: tempfile::TempDir,
    workspaces: Workspaces,
}

impl Site {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("files/notes/a.txt", "first line"),
            ("files/notes/deep/b.md", "# b"),
            ("files/build/out.txt", "built"),
            ("files/secret/key.txt", "key"),
            ("files/.abstractignore", "secret/\n"),
            ("files/data/flowgate.sqlite3", "database"),
            ("mount/m.txt", "mounted"),
            ("outside.txt", "outside"),
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut options = Options {
            dir: dir.path().join("files"),
            mounts: format!("lib={}\nbad line\nx=/does/not/exist", dir.path().join("mount").display()),
            data_dir: dir.path().join("files/data"),
            index_ttl: Duration::from_secs(30),
            index_max_files: 1000,
            ..Options::default()
        };
        change(&mut options);
        Site {
            workspaces: Workspaces::open(options).unwrap(),
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn link(&self, to: impl AsRef<Path>, at: &str) {
        std::os::unix::fs::symlink(to, self.path(at)).unwrap();
    }

    fn scope(&self) -> Scope {
        self.workspaces.of(TenantId::LOCAL).request(&Said::default()).unwrap()
    }

    fn run(&self, tenant: TenantId, vars: serde_json::Value) -> Result<Scope, Error> {
        self.workspaces.of(tenant).run(&to_raw_value(&vars).unwrap())
    }
}

fn read(scope: &Scope, path: &str) -> Result<String, String> {
    let found = scope.find(path).map_err(|e| e.to_string())?;
    let bytes = scope.read(&found).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn write(scope: &Scope, path: &str, text: &str) -> Result<String, String> {
    let how = How {
        key: "0123456789abcdef",
        make_folders: true,
        overwrite: true,
    };
    let found: Result<Found, Error> = scope.find(path);
    found
        .and_then(|found| scope.write(found, text.as_bytes(), how))
        .map_err(|e| e.to_string())
}
