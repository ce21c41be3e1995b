//! Bytes in files named by their content: `<root>/<tenant>/blobs/<2 hex>/<sha256>.bin`.
//!
//! Knows nothing of what the bytes are for; rows of the journal say that. What [`Blobs::put`] and [`Incoming::keep`] have returned
//! is on the disk: the file, its name and its directory are flushed. A blob is written under another name first and renamed, so
//! that one that has its name is whole. Bytes that are there already are not written again.

mod incoming;
mod sweep;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

pub use incoming::{Incoming, Kept};
pub use sweep::Swept;

use crate::ids::{Digest, TenantId};

/// A store of blobs; clone it freely.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// Gone when the last of its stores is: what it holds belongs to a journal in memory.
    temporary: bool,
}

impl Drop for Root {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a temporary directory could not be removed");
        }
    }
}

impl Blobs {
    /// The store under `root`, which is made when something is kept.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let path = root.into();
        Blobs(Arc::new(Root { path, temporary: false }))
    }

    /// A store in the system's directory for temporary files, for this process only.
    pub fn temporary() -> Self {
        let path = std::env::temp_dir().join(format!("flowgate-{}", uuid::Uuid::new_v4().simple()));
        Blobs(Arc::new(Root { path, temporary: true }))
    }

    /// Where a tenant's files are. The number is the tenant's key: it needs no escaping.
    fn tenant(&self, tenant: TenantId) -> PathBuf {
        self.0.path.join(tenant.0.to_string())
    }

    /// Where a blob is, or would be.
    pub fn path(&self, tenant: TenantId, digest: Digest) -> PathBuf {
        let name = digest.hex();
        let shard = self.tenant(tenant).join("blobs").join(&name[..2]);
        shard.join(format!("{name}.bin"))
    }

    /// Keeps some bytes.
    pub async fn put(&self, tenant: TenantId, bytes: Bytes) -> io::Result<Digest> {
        let store = self.clone();
        blocking(move || {
            let digest = Digest::of(&bytes);
            if !store.refresh(tenant, digest)? {
                let mut part = Part::new(&store, tenant)?;
                part.file.write_all(&bytes)?;
                part.file.sync_all()?;
                store.place(part.path, tenant, digest)?;
            }
            Ok(digest)
        })
        .await
    }

    /// Takes bytes as they come.
    pub async fn begin(&self, tenant: TenantId) -> io::Result<Incoming> {
        let store = self.clone();
        let part = blocking(move || Part::new(&store, tenant)).await?;
        Ok(Incoming::new(self.clone(), tenant, part))
    }

    /// The blob, to be read. Its absence is [`io::ErrorKind::NotFound`].
    pub async fn open(&self, tenant: TenantId, digest: Digest) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(self.path(tenant, digest)).await
    }

    /// The first `most` bytes of a blob, or all of it.
    pub async fn read(&self, tenant: TenantId, digest: Digest, most: u64) -> io::Result<Vec<u8>> {
        let file = self.open(tenant, digest).await?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// Whether the blob is there; if so it counts as new, so that no [sweep](Self::sweep) that is under way takes it.
    fn refresh(&self, tenant: TenantId, digest: Digest) -> io::Result<bool> {
        let path = self.path(tenant, digest);
        let file = match OpenOptions::new().append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        file.set_modified(SystemTime::now())?;
        // The sweep moves a file away before it looks at its age: one that still has its name has been seen as new.
        if !path.try_exists()? {
            return Ok(false);
        }
        // Whoever wrote it may not have come to this yet.
        sync_dir(parent(&path))?;
        Ok(true)
    }

    /// Gives a whole file its name.
    fn place(&self, mut part: PartPath, tenant: TenantId, digest: Digest) -> io::Result<()> {
        let path = self.path(tenant, digest);
        let shard = parent(&path);
        match fs::create_dir(shard) {
            Ok(()) => sync_dir(parent(shard))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        fs::rename(&part.0, &path)?;
        part.0.clear();
        sync_dir(shard)
    }
}

/// A file that has not got its name yet, in the same file system as the blobs.
struct Part {
    file: File,
    path: PartPath,
}

/// Removes its file, unless that has been renamed.
#[derive(Debug)]
struct PartPath(PathBuf);

impl Drop for PartPath {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty()
            && let Err(error) = fs::remove_file(&self.0)
        {
            tracing::warn!(path = %self.0.display(), %error, "an unfinished upload could not be removed; it is swept later");
        }
    }
}

impl Part {
    fn new(store: &Blobs, tenant: TenantId) -> io::Result<Self> {
        let (tenant_dir, root) = (store.tenant(tenant), &store.0.path);
        let parts = tenant_dir.join("parts");
        if !parts.try_exists()? {
            fs::create_dir_all(&parts)?;
            fs::create_dir_all(tenant_dir.join("blobs"))?;
            sync_dir(&tenant_dir)?;
            sync_dir(root)?;
            sync_dir(parent(root))?;
        }
        let path = parts.join(format!("{}.part", uuid::Uuid::new_v4().simple()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let path = PartPath(path);
        Ok(Part { file, path })
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a directory durable.
fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// Runs file work where it does not hold up others.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
