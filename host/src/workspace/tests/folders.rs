//! Names, rules, writes, listings and searches.

use std::fs;

use serde_json::json;

use super::{Site, read, write};
use crate::ids::TenantId;
use crate::workspace::{How, Said, Want};

#[test]
fn files_are_named_relative_to_the_workspace_however_they_are_asked_for() {
    let site = Site::new();
    let scope = site.scope();
    let absolute = site.path("files/notes/a.txt");
    for path in [
        "notes/a.txt",
        "@notes/a.txt",
        " ./notes//deep/../a.txt ",
        r"notes\a.txt",
        "files/notes/a.txt",
        absolute.to_str().unwrap(),
    ] {
        let found = scope.find(path).unwrap();
        assert_eq!(found.name, "notes/a.txt", "{path}");
        assert_eq!(scope.read(&found).unwrap(), b"first line");
    }
    for path in ["lib/m.txt", site.path("mount/m.txt").to_str().unwrap()] {
        let found = scope.find(path).unwrap();
        assert_eq!((found.name.as_str(), found.mount.as_deref()), ("lib/m.txt", Some("lib")));
    }
    assert!(scope.find("notes/none.txt").unwrap().is_missing());
    assert_eq!(read(&scope, "notes/a.txt/b"), Err("File not found".into()));
}

#[test]
fn ignore_rules_hide_and_the_operators_also_withhold() {
    let site = Site::new();
    fs::write(site.path("files/notes/.abstractignore"), "*.md\n!keep.md\n").unwrap();
    fs::write(site.path("files/notes/deep/keep.md"), "k").unwrap();
    let scope = site.scope();
    for (path, ignored, withheld) in [
        ("notes/a.txt", false, false),
        ("build/out.txt", true, false),
        ("secret/key.txt", true, true),
        ("notes/deep/b.md", true, true),
        ("notes/deep/keep.md", false, false),
        ("notes/deep/new.md", true, true),
    ] {
        let found = scope.find(path).unwrap();
        assert_eq!((found.is_ignored(), found.is_withheld()), (ignored, withheld), "{path}");
    }
    assert!(
        write(&scope, "notes/.abstractignore", "").is_err(),
        "the rules are the operator's"
    );
    // A run that works in a part of the workspace is bound by the rules above it.
    fs::write(site.path("files/.abstractignore"), "*.key\nsecret/\n").unwrap();
    let run = site.run(TenantId::LOCAL, json!({"workspace_root": "notes"})).unwrap();
    assert!(run.find("deep/x.key").unwrap().is_withheld());
    assert!(site.run(TenantId::LOCAL, json!({"workspace_root": "secret"})).is_err());
}

#[test]
fn a_write_is_whole_and_leaves_nothing_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::with(|options| options.limits.write_bytes = 10);
    let scope = site.scope();
    fs::set_permissions(site.path("files/notes/a.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    // A write that was cut off left this behind; made again, it takes its place.
    let left = site.path("files/notes/.flowgate-0123456789abcdef.tmp");
    fs::write(&left, "half").unwrap();
    assert_eq!(write(&scope, "notes/a.txt", "whole"), Ok("notes/a.txt".into()));
    let meta = fs::metadata(site.path("files/notes/a.txt")).unwrap();
    assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (5, 0o640));
    assert!(!left.exists());
    assert_eq!(
        write(&scope, "notes/a.txt", "more than 10 bytes"),
        Err("the file is too large (18 bytes > 10 bytes)".into())
    );
    assert!(
        write(&scope, "notes/.flowgate-0123456789abcdef.tmp", "x").is_err(),
        "no flow may name one"
    );
    let careful = How {
        key: "ff",
        make_folders: false,
        overwrite: false,
    };
    let refused = |path: &str| scope.write(scope.find(path).unwrap(), b"x", careful).unwrap_err().to_string();
    assert_eq!(
        refused("notes/a.txt"),
        "Destination already exists; set overwrite=true to replace it"
    );
    assert_eq!(refused("new/x.txt"), "Destination parent directory does not exist");
    assert_eq!(
        scope.write(scope.find("notes/n.txt").unwrap(), b"x", careful).unwrap(),
        "notes/n.txt"
    );
    assert_eq!(fs::read_dir(site.path("files/notes")).unwrap().count(), 3);
}

#[test]
fn listings_are_ordered_filtered_and_say_when_there_is_more() {
    let site = Site::new();
    site.link("notes", "files/alias");
    let scope = site.scope();
    let names = |folder: &str, want: Want| {
        let listing = scope.list(folder, &want).unwrap();
        let names: Vec<String> = listing.items.into_iter().map(|entry| entry.path).collect();
        (names.join(" "), listing.truncated)
    };
    let want = || Want {
        folders: true,
        limit: 100,
        ..Want::default()
    };
    let all = Want {
        recursive: true,
        ..want()
    };
    assert_eq!(names("", want()), ("alias notes .abstractignore lib".into(), false));
    let deep = "alias notes .abstractignore notes/deep notes/a.txt notes/deep/b.md lib lib/m.txt";
    assert_eq!(names("", all.clone()), (deep.into(), false));
    let shallow = Want {
        max_depth: 1,
        ..all.clone()
    };
    assert_eq!(
        names("notes", shallow),
        ("notes/deep notes/a.txt notes/deep/b.md".into(), false)
    );
    let code = Want {
        folders: false,
        family: "code".into(),
        ..all.clone()
    };
    assert_eq!(names("notes", code), ("notes/deep/b.md".into(), false));
    let exact = Want { limit: 3, ..all.clone() };
    assert!(!names("notes", exact).1);
    let few = Want { limit: 2, ..all.clone() };
    assert_eq!(names("notes", few), ("notes/deep notes/a.txt".into(), true));
    let by_name = Want {
        query: "m.t".into(),
        ..all
    };
    assert_eq!(names("", by_name), ("lib/m.txt".into(), false));
    assert_eq!(names("lib", want()), ("lib/m.txt".into(), false));
    for (folder, error) in [
        ("none", "File not found"),
        ("notes/a.txt", "Path is not a folder"),
        ("build", "Path is ignored by .abstractignore policy"),
        ("..", "path escapes workspace root"),
    ] {
        assert_eq!(scope.list(folder, &want()).unwrap_err().to_string(), error, "{folder}");
    }
}

#[test]
fn search_ranks_names_before_paths_and_uses_its_index_for_a_while() {
    let site = Site::new();
    for name in ["zz-note.txt", "note.md", "annotate.txt"] {
        fs::write(site.path("files").join(name), "x").unwrap();
    }
    let local = site.workspaces.of(TenantId::LOCAL);
    let search = |query: &str| {
        let hits = local.search(&Said::default(), query, 10).unwrap();
        hits.into_iter().map(|hit| hit.path).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(search("NOTE"), "note.md zz-note.txt notes/a.txt notes/deep/b.md");
    assert_eq!(search("not"), "note.md zz-note.txt annotate.txt notes/a.txt notes/deep/b.md");
    assert_eq!(
        (search(" ").as_str(), search("sqlite").as_str(), search("key").as_str()),
        ("", "", "")
    );
    fs::write(site.path("files/notable.txt"), "x").unwrap();
    assert_eq!(search("notable"), "", "the index is not that old");
    fs::remove_file(site.path("files/note.md")).unwrap();
    let gone = &local.search(&Said::default(), "note.md", 10).unwrap()[0];
    assert_eq!(gone.size_bytes, None);
    let mounted = &local.search(&Said::default(), "m.txt", 10).unwrap()[0];
    assert_eq!((mounted.mount.as_deref(), mounted.size_bytes), (Some("lib"), Some(7)));
}
