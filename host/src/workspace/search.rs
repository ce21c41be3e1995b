//! Finding files by a part of their path, for clients that complete `@file` while one types.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::list::Want;
use super::scope::Scope;
use super::{Error, Said, Workspace};

/// A file that was found.
#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FoundFile)]
pub struct Hit {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// Indexes by tenant and scope, each built once however many ask at a time.
#[derive(Debug)]
pub struct Cache {
    indexes: moka::sync::Cache<String, Arc<Vec<Indexed>>>,
    max_files: usize,
}

#[derive(Debug)]
pub struct Indexed {
    path: String,
    /// In lower case.
    folded: String,
    mount: Option<String>,
}

/// Indexes that are kept at a time.
const MAX_INDEXES: u64 = 16;

impl Cache {
    pub fn new(ttl: Duration, max_files: usize) -> Self {
        Cache {
            indexes: moka::sync::Cache::builder()
                .max_capacity(MAX_INDEXES)
                .time_to_live(ttl)
                .build(),
            max_files,
        }
    }
}

impl Workspace {
    /// Files whose path contains `query`: those whose name begins with it, then those whose name has it, then the rest; shorter paths
    /// first. The index they come from may be as old as the setting allows.
    pub fn search(&self, said: &Said, query: &str, limit: usize) -> Result<Vec<Hit>, Error> {
        let query = query.trim().to_lowercase();
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let scope = self.request(said)?;
        let roots = std::iter::once(&scope.first).chain(&scope.mounts);
        let roots: Vec<_> = roots.map(|root| (&root.mount, &root.path)).collect();
        let key = format!("{:?} {roots:?} {:?}", self.tenant, scope.blocked);
        let max_files = self.host.index.max_files;
        let index = self.host.index.indexes.get_with(key, || Arc::new(index(&scope, max_files)));

        let mut ranked: Vec<(u8, usize, &Indexed)> = index
            .iter()
            .filter_map(|file| {
                let name = file.folded.rsplit('/').next().unwrap_or_default();
                let rank = match name.find(&query) {
                    Some(0) => 0,
                    Some(_) => 1,
                    None if file.folded.contains(&query) => 2,
                    None => return None,
                };
                Some((rank, file.path.chars().count(), file))
            })
            .collect();
        ranked.sort_by(|a, b| (a.0, a.1, &a.2.path).cmp(&(b.0, b.1, &b.2.path)));
        let hit = |(_, _, file): (u8, usize, &Indexed)| {
            // It may be gone since it was indexed.
            let now = scope.find(&file.path).and_then(|found| found.place.open());
            Hit {
                path: file.path.clone(),
                mount: file.mount.clone(),
                size_bytes: now.ok().map(|(_, bytes)| bytes),
            }
        };
        Ok(ranked.into_iter().take(limit).map(hit).collect())
    }
}

fn index(scope: &Scope, max_files: usize) -> Vec<Indexed> {
    let want = Want {
        recursive: true,
        ..Want::default()
    };
    let mut files = Vec::new();
    for root in std::iter::once(&scope.first).chain(&scope.mounts) {
        let Ok(top) = root.walk(&[]) else { continue };
        let full = scope.visit(root, top, &want, &mut |seen| {
            if seen.is_dir {
                return ControlFlow::Continue(());
            }
            if files.len() >= max_files {
                return ControlFlow::Break(());
            }
            let path = root.name(&seen.trail);
            files.push(Indexed {
                folded: path.to_lowercase(),
                mount: root.mount.clone(),
                path,
            });
            ControlFlow::Continue(())
        });
        if full.is_break() {
            break;
        }
    }
    files
}
