use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::*;
use crate::record::artifact::artifact_id;

const LOCAL: TenantId = TenantId::LOCAL;

fn store() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::at(dir.path().join("artifacts"));
    (dir, blobs)
}

/// Every file under the store.
fn all(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn age(path: &Path, by: Duration) {
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

#[tokio::test]
async fn bytes_are_kept_once_under_their_content() {
    let (dir, blobs) = store();
    let digest = blobs.put(LOCAL, Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(digest, Digest::of(b"hello"));
    assert_eq!(blobs.read(LOCAL, digest, u64::MAX).await.unwrap(), b"hello");
    assert_eq!(blobs.read(LOCAL, digest, 2).await.unwrap(), b"he");
    let mut incoming = blobs.begin(LOCAL).await.unwrap();
    incoming.write(b"hel").await.unwrap();
    incoming.write(b"lo").await.unwrap();
    let kept = incoming.keep("run-1").await.unwrap();
    let wanted = Kept {
        digest,
        size: 5,
        artifact_id: artifact_id("run-1", b"hello"),
    };
    assert_eq!(kept, wanted);
    let name = digest.hex();
    let path = dir.path().join(format!("artifacts/1/blobs/{}/{name}.bin", &name[..2]));
    assert_eq!(all(dir.path()), [path]);
}

#[tokio::test]
async fn a_tenant_does_not_see_another_s_bytes() {
    let (_dir, blobs) = store();
    let digest = blobs.put(LOCAL, Bytes::from_static(b"mine")).await.unwrap();
    let error = blobs.open(TenantId(2), digest).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let (dir, blobs) = store();
    let mut incoming = blobs.begin(LOCAL).await.unwrap();
    incoming.write(b"half").await.unwrap();
    assert_eq!(incoming.size(), 4);
    drop(incoming);
    assert_eq!(all(dir.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_sweep_takes_what_is_old_and_not_named() {
    let (dir, blobs) = store();
    let mut paths = Vec::new();
    let mut digests = Vec::new();
    for bytes in ["named", "old", "new"] {
        let digest = blobs.put(LOCAL, Bytes::from(bytes)).await.unwrap();
        paths.push(blobs.path(LOCAL, digest));
        digests.push(digest);
    }
    let part = dir.path().join("artifacts/1/parts/x.part");
    fs::write(&part, "left by a dead host").unwrap();
    let day = Duration::from_secs(86_400);
    for path in [&paths[0], &paths[1], &part] {
        age(path, 2 * day);
    }
    let swept = blobs.sweep(LOCAL, HashSet::from([digests[0]]), day).await.unwrap();
    assert_eq!(swept, Swept { removed: 2, bytes: 22 });
    let mut left = all(dir.path());
    left.sort();
    let mut wanted = vec![paths[0].clone(), paths[2].clone()];
    wanted.sort();
    assert_eq!(left, wanted);
}

#[tokio::test]
async fn bytes_kept_again_are_new_to_a_sweep() {
    let (_dir, blobs) = store();
    let digest = blobs.put(LOCAL, Bytes::from_static(b"again")).await.unwrap();
    let day = Duration::from_secs(86_400);
    age(&blobs.path(LOCAL, digest), 2 * day);
    blobs.put(LOCAL, Bytes::from_static(b"again")).await.unwrap();
    let swept = blobs.sweep(LOCAL, HashSet::new(), day).await.unwrap();
    assert_eq!(swept, Swept::default());
    assert_eq!(blobs.read(LOCAL, digest, 9).await.unwrap(), b"again");
}

#[tokio::test]
async fn a_temporary_store_goes_with_its_last_handle() {
    let blobs = Blobs::temporary();
    let digest = blobs.put(LOCAL, Bytes::from_static(b"x")).await.unwrap();
    let path = blobs.path(LOCAL, digest);
    let other = blobs.clone();
    drop(blobs);
    assert!(path.exists());
    drop(other);
    assert!(!path.exists());
}
