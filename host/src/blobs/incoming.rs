//! A blob on its way in, in pieces: hashed and written as it comes, never whole in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{Blobs, Part, PartPath, blocking};
use crate::ids::{Digest, TenantId};
use crate::record::artifact::{id_hash, id_of};

/// Bytes that are coming in. Dropped before [`keep`](Self::keep) it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    store: Blobs,
    tenant: TenantId,
    file: tokio::fs::File,
    path: PartPath,
    hash: Sha256,
    size: u64,
}

/// A blob that is kept, as an artifact of a run would name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub digest: Digest,
    pub size: u64,
    pub artifact_id: String,
}

impl Incoming {
    pub(super) fn new(store: Blobs, tenant: TenantId, part: Part) -> Self {
        Incoming {
            store,
            tenant,
            file: tokio::fs::File::from_std(part.file),
            path: part.path,
            hash: Sha256::new(),
            size: 0,
        }
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    /// Makes the bytes durable under their name. The id of an artifact begins with the run's name, which may be known only now: for it
    /// the file is read once more.
    pub async fn keep(mut self, run_id: &str) -> io::Result<Kept> {
        self.file.flush().await?;
        let Incoming {
            store,
            tenant,
            file,
            path,
            hash,
            size,
        } = self;
        let (file, owner) = (file.into_std().await, id_hash(run_id));
        blocking(move || {
            let digest = Digest(hash.finalize().into());
            let artifact_id = id_of(hashed(file.try_clone()?, owner)?);
            if !store.refresh(tenant, digest)? {
                file.sync_all()?;
                store.place(path, tenant, digest)?;
            }
            Ok(Kept {
                digest,
                size,
                artifact_id,
            })
        })
        .await
    }
}

fn hashed(mut file: File, mut hash: Sha256) -> io::Result<Sha256> {
    file.rewind()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash),
            read => hash.update(&buffer[..read]),
        }
    }
}
