//! What a tenant's files may take together with what it keeps elsewhere.

use std::collections::HashMap;
use std::fs;

use serde_json::json;

use super::{OTHER, Site, read, write};
use crate::ids::TenantId;
use crate::journal::Stored;
use crate::workspace::{Options, Storage, Workspaces};

/// 100 bytes for all but the shared token, which has 300.
fn limited(options: &mut Options) {
    options.storage = Storage {
        kept: Stored::default(),
        limit: 100,
        own: HashMap::from([(TenantId::LOCAL, 300)]),
    };
}

fn root(n: u8) -> serde_json::Value {
    json!({ "workspace_root": format!("workspaces/{}", format!("{n:02x}").repeat(16)) })
}

fn full(kept: u64, limit: u64) -> Result<String, String> {
    Err(format!(
        "storage limit: {kept} bytes are kept, at most {limit} may be (limits.max_storage_bytes)"
    ))
}

#[test]
fn files_of_all_runs_of_a_tenant_count_and_smaller_ones_give_back() {
    let site = Site::with(limited);
    let (one, two) = (site.run(OTHER, root(1)).unwrap(), site.run(OTHER, root(2)).unwrap());
    assert_eq!(write(&one, "a/b.txt", &"x".repeat(60)), Ok("a/b.txt".into()));
    assert_eq!(write(&two, "c.txt", &"x".repeat(41)), full(60, 100));
    assert!(read(&two, "c.txt").is_err(), "nothing of it is there");
    assert_eq!(write(&two, "c.txt", &"x".repeat(40)), Ok("c.txt".into()));
    assert_eq!(write(&one, "d.txt", "x"), full(100, 100));
    assert_eq!(write(&one, "d.txt", ""), Ok("d.txt".into()), "what is empty needs no room");
    assert_eq!(
        write(&one, "a/b.txt", &"y".repeat(60)),
        Ok("a/b.txt".into()),
        "as large as before"
    );
    assert_eq!(write(&one, "a/b.txt", &"x".repeat(10)), Ok("a/b.txt".into()));
    assert_eq!(write(&two, "e.txt", &"x".repeat(50)), Ok("e.txt".into()));
    // Another tenant has room of its own; the operator's folders are not counted.
    let mine = site.run(TenantId::LOCAL, root(1)).unwrap();
    assert_eq!(write(&mine, "f.txt", &"x".repeat(300)), Ok("f.txt".into()));
    assert_eq!(write(&mine, "g.txt", "x"), full(300, 300));
    assert_eq!(
        write(&site.scope(), "notes/g.txt", &"x".repeat(400)),
        Ok("notes/g.txt".into())
    );
}

#[test]
fn a_write_that_fails_takes_no_room() {
    let site = Site::with(limited);
    let scope = site.run(OTHER, root(1)).unwrap();
    assert_eq!(write(&scope, "a/b.txt", "x"), Ok("a/b.txt".into()));
    for _ in 0..3 {
        assert_eq!(write(&scope, "a", &"x".repeat(90)), Err("Path is not a file".into()));
    }
    assert_eq!(write(&scope, "d.txt", &"x".repeat(99)), Ok("d.txt".into()));
}

#[test]
fn what_lies_there_at_the_start_is_measured_by_tenant() {
    let site = Site::with(|_| {});
    let scope = site.run(OTHER, root(1)).unwrap();
    assert_eq!(write(&scope, "a/b.txt", &"x".repeat(70)), Ok("a/b.txt".into()));
    let mine = site.run(TenantId::LOCAL, root(2)).unwrap();
    assert_eq!(write(&mine, "c.txt", &"x".repeat(50)), Ok("c.txt".into()));
    let again = |measures: bool| {
        let mut options = Options {
            dir: site.path("files"),
            data_dir: site.path("files/data"),
            ..Options::default()
        };
        limited(&mut options);
        let workspaces = Workspaces::open(options).unwrap();
        if measures {
            workspaces.measure();
        }
        Site {
            dir: tempfile::tempdir().unwrap(),
            workspaces,
        }
    };
    for measures in [true, false] {
        let site = again(measures);
        let scope = site.run(OTHER, root(3)).unwrap();
        assert_eq!(write(&scope, "b.txt", &"x".repeat(31)), full(70, 100));
        let mine = site.run(TenantId::LOCAL, root(3)).unwrap();
        assert_eq!(write(&mine, "b.txt", &"x".repeat(251)), full(50, 300));
    }
    // What was deleted behind the host's back counts no more.
    let folder = site.path("files/data/workspaces/tenant-7").join("01".repeat(16));
    fs::remove_file(folder.join("a/b.txt")).unwrap();
    let scope = again(true).run(OTHER, root(3)).unwrap();
    assert_eq!(write(&scope, "b.txt", &"x".repeat(100)), Ok("b.txt".into()));
}
