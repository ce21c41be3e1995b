//! What must not be reached: outside, through links, while things are swapped, what is no file.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{Site, read, write};
use crate::ids::TenantId;
use crate::workspace::{Options, Want, Workspaces};

#[test]
fn no_path_leads_out() {
    let site = Site::new();
    site.link(site.path("outside.txt"), "files/abs");
    site.link("../outside.txt", "files/rel");
    site.link("..", "files/notes/deep/up");
    site.link("up/../../../outside.txt", "files/notes/deep/chain");
    site.link("loop2", "files/loop1");
    site.link("loop1", "files/loop2");
    site.link("/", "files/slash");
    site.link("../mount", "files/sibling");
    let scope = site.scope();
    for path in [
        "../outside.txt",
        "notes/../../outside.txt",
        "none/../../outside.txt",
        "abs",
        "rel",
        "notes/deep/chain",
        "slash/etc/passwd",
        "sibling/m.txt",
        "lib/../outside.txt",
    ] {
        assert_eq!(read(&scope, path), Err("path escapes workspace root".into()), "{path}");
        assert!(write(&scope, path, "x").is_err(), "{path}");
    }
    for path in [
        "/etc/passwd",
        "//etc/passwd",
        "/",
        "~/x",
        site.path("outside.txt").to_str().unwrap(),
    ] {
        assert_eq!(read(&scope, path), Err("path is outside workspace roots".into()), "{path}");
    }
    assert_eq!(read(&scope, "loop1"), Err("invalid path".into()));
    assert_eq!(fs::read_to_string(site.path("outside.txt")).unwrap(), "outside");
}

#[test]
fn links_within_the_workspace_are_followed_and_named_by_where_they_lead() {
    let site = Site::new();
    site.link("a.txt", "files/notes/now");
    site.link(site.path("files/notes"), "files/abs");
    site.link("notes/new.txt", "files/later");
    let scope = site.scope();
    for (path, name) in [
        ("notes/now", "notes/a.txt"),
        ("abs/a.txt", "notes/a.txt"),
        ("abs/deep/..", "notes"),
    ] {
        assert_eq!(scope.find(path).unwrap().name, name, "{path}");
    }
    assert_eq!(write(&scope, "later", "made"), Ok("notes/new.txt".into()));
    assert_eq!(fs::read_to_string(site.path("files/notes/new.txt")).unwrap(), "made");
    assert!(site.path("files/later").is_symlink());
}

#[test]
fn the_data_directory_is_closed_wherever_it_lies() {
    let site = Site::new();
    site.link("data", "files/other-name");
    site.link("data/flowgate.sqlite3", "files/db");
    let scope = site.scope();
    let absolute = site.path("files/data/flowgate.sqlite3");
    for path in [
        "data/flowgate.sqlite3",
        "notes/../data/flowgate.sqlite3",
        "other-name/flowgate.sqlite3",
        "db",
        absolute.to_str().unwrap(),
    ] {
        assert_eq!(read(&scope, path), Err("path is outside workspace roots".into()), "{path}");
        assert!(write(&scope, path, "x").is_err());
    }
    assert!(write(&scope, "data/new.txt", "x").is_err());
    assert_eq!(fs::read_to_string(absolute).unwrap(), "database");
    let all = Want {
        recursive: true,
        folders: true,
        limit: 100,
        ..Want::default()
    };
    let listed = scope.list("", &all).unwrap();
    assert!(
        !listed
            .items
            .iter()
            .any(|entry| entry.path.contains("sqlite") || entry.path == "data"),
        "{listed:?}"
    );
    // Nor may it be made the workspace, by the operator or by a run.
    for dir in ["files/data", "files/data/sub"] {
        let options = Options {
            dir: site.path(dir),
            data_dir: site.path("files/data"),
            ..Options::default()
        };
        assert!(Workspaces::open(options).unwrap_err().contains("data directory"), "{dir}");
    }
    for root in ["data", site.path("files/data").to_str().unwrap(), "other-name"] {
        let refused = site.run(TenantId::LOCAL, json!({"workspace_root": root})).unwrap_err();
        assert_eq!(refused.to_string(), "path is outside workspace roots", "{root}");
    }
}

#[test]
fn a_link_that_is_swapped_while_files_are_read_and_written_never_leads_out() {
    let site = Site::new();
    let scope = site.scope();
    let (swapped, inside, outside) = (site.path("files/swap"), site.path("files/notes"), site.path("mount"));
    fs::write(inside.join("m.txt"), "inside").unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let swapper = {
        let done = done.clone();
        std::thread::spawn(move || {
            // Each step may fail: a writer makes the folder while it is gone.
            for to in [&inside, &outside].into_iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let _ = fs::remove_dir_all(&swapped);
                let _ = std::os::unix::fs::symlink(to, &swapped);
                std::thread::yield_now();
                let _ = fs::remove_file(&swapped);
                let _ = fs::create_dir(&swapped);
            }
        })
    };
    let mut seen = 0;
    for _ in 0..1500 {
        if let Ok(text) = read(&scope, "swap/m.txt") {
            assert_ne!(text, "mounted");
            seen += 1;
        }
        if let Ok(name) = write(&scope, "swap/w.txt", "w") {
            assert!(name == "notes/w.txt" || name == "swap/w.txt", "{name}");
        }
    }
    done.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(seen > 0, "the race was never won by a reader");
    assert!(!site.path("mount/w.txt").exists());
    assert_eq!(fs::read_to_string(site.path("mount/m.txt")).unwrap(), "mounted");
}

#[test]
fn only_regular_files_are_read_and_written() {
    use std::os::unix::ffi::OsStrExt;
    let site = Site::new();
    let pipe = site.path("files/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(site.path("files/socket")).unwrap();
    site.link("pipe", "files/to-pipe");
    let not_text = std::ffi::OsStr::from_bytes(b"bad\xff.txt");
    fs::write(site.path("files").join(not_text), "x").unwrap();
    site.link(not_text, "files/to-bad");
    let scope = site.scope();
    for path in ["pipe", "to-pipe", "socket", "notes", "."] {
        assert_eq!(read(&scope, path), Err("Path is not a file".into()), "{path}");
        assert_eq!(write(&scope, path, "x"), Err("Path is not a file".into()), "{path}");
    }
    assert_eq!(read(&scope, "to-bad"), Err("invalid path".into()));
    let all = Want {
        folders: true,
        limit: 100,
        ..Want::default()
    };
    let listed = scope.list("", &all).unwrap();
    let names: Vec<&str> = listed.items.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(names, ["notes", ".abstractignore", "lib"]);
}
