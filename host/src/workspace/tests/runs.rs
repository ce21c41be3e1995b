//! Whose files a run, a tenant and a client reach.

use std::fs;

use serde_json::json;
use serde_json::value::to_raw_value;

use super::{OTHER, Site, read, write};
use crate::ids::TenantId;
use crate::workspace::Said;

#[test]
fn a_run_has_its_own_folder_and_no_other() {
    let site = Site::new();
    let named = |n: u8| format!("workspaces/{}", format!("{n:02x}").repeat(16));
    let vars = |root: &str| json!({ "workspace_root": root });
    let mine = site.run(TenantId::LOCAL, vars(&named(1))).unwrap();
    assert_eq!(write(&mine, "out/x.txt", "mine"), Ok("out/x.txt".into()));
    let folder = site.path("files/data").join(named(1));
    assert_eq!(fs::read_to_string(folder.join("out/x.txt")).unwrap(), "mine");
    use std::os::unix::fs::PermissionsExt;
    for dir in [&folder, folder.parent().unwrap()] {
        assert_eq!(fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // The same name means another folder to another tenant, and it cannot name this one.
    let theirs = site.run(OTHER, vars(&named(1))).unwrap();
    assert_eq!(read(&theirs, "out/x.txt"), Err("File not found".into()));
    for root in [
        folder.to_str().unwrap(),
        "../workspaces/01010101010101010101010101010101",
        ".",
        "notes",
        "lib",
        "/",
        "workspaces",
        "workspaces/../workspaces",
        "workspaces/tenant-1",
    ] {
        assert!(site.run(OTHER, vars(root)).is_err(), "{root}");
    }
    for path in [
        "../../01010101010101010101010101010101/out/x.txt",
        "../../../flowgate.sqlite3",
        folder.join("out/x.txt").to_str().unwrap(),
        site.path("files/data/flowgate.sqlite3").to_str().unwrap(),
        "/proc/self/environ",
    ] {
        assert!(read(&theirs, path).is_err() && write(&theirs, path, "x").is_err(), "{path}");
    }
    assert!(
        site.workspaces.of(OTHER).request(&Said::default()).is_err(),
        "the operator's files are the shared token's"
    );
    assert_eq!(
        site.run(OTHER, json!({})).unwrap_err().to_string(),
        "the run has no workspace"
    );
}

#[test]
fn a_run_may_reach_what_it_was_allowed_and_not_what_is_blocked() {
    let site = Site::new();
    let scope = site
        .run(
            TenantId::LOCAL,
            json!({"workspace_root": "notes", "workspace_access_mode": "workspace_or_allowed", "workspace_allowed_paths": "lib\nbuild",
                "workspace_ignored_paths": ["deep", "lib/m.txt"]}),
        )
        .unwrap();
    assert_eq!(read(&scope, "a.txt"), Ok("first line".into()));
    assert_eq!(
        read(&scope, "build/out.txt"),
        Err("File not found".into()),
        "allowed paths are of the run's root"
    );
    assert_eq!(
        read(&scope, "deep/b.md"),
        Err("path is blocked by workspace_ignored_paths".into())
    );
    let narrow = site
        .run(
            TenantId::LOCAL,
            json!({"workspace_root": "notes", "workspace_allowed_paths": ["lib"]}),
        )
        .unwrap();
    assert_eq!(
        read(&narrow, site.path("mount/m.txt").to_str().unwrap()),
        Err("path is outside workspace roots".into())
    );
    // A mode that is not the client's to choose opens nothing.
    let wide = json!({"workspace_root": "notes", "workspace_access_mode": "all_except_ignored"});
    let wide = site.run(TenantId::LOCAL, wide).unwrap();
    assert_eq!(read(&wide, "/etc/hostname"), Err("path is outside workspace roots".into()));
}

#[test]
fn clients_choose_folders_only_where_the_operator_lets_them() {
    let said = |root: &str, mode: &str| Said::of_texts(Some(root.into()), Some(mode.into()), None, Some("a.txt".into()));
    let site = Site::new();
    let closed = site
        .workspaces
        .of(TenantId::LOCAL)
        .request(&said("/", "all_except_ignored"))
        .unwrap();
    assert_eq!(
        read(&closed, "notes/a.txt"),
        Ok("first line".into()),
        "what the client says is ignored"
    );

    let site = Site::with(|options| options.client_scope = true);
    let local = site.workspaces.of(TenantId::LOCAL);
    let scope = local.request(&said("notes", "all_except_ignored")).unwrap();
    assert_eq!(
        read(&scope, "a.txt"),
        Err("path is blocked by workspace_ignored_paths".into())
    );
    assert_eq!(read(&scope, site.path("outside.txt").to_str().unwrap()), Ok("outside".into()));
    let found = scope.find(site.path("files/data/flowgate.sqlite3").to_str().unwrap());
    assert_eq!(found.unwrap_err().to_string(), "path is outside workspace roots");
    let mount = site.path("mount");
    let scope = local.request(&said(mount.to_str().unwrap(), "workspace_only")).unwrap();
    assert_eq!(read(&scope, "m.txt"), Ok("mounted".into()));
    assert!(site.workspaces.of(OTHER).request(&said("/", "")).is_err());
}

#[test]
fn a_flow_can_narrow_the_workspace_of_a_run_it_starts_and_never_widen_it() {
    let vars = |value: serde_json::Value| serde_json::from_value::<indexmap::IndexMap<String, serde_json::Value>>(value).unwrap();
    let raw = |value: serde_json::Value| vars(value).into_iter().map(|(k, v)| (k, to_raw_value(&v).unwrap())).collect();
    let parent = json!({"workspace_root": "docs", "workspace_ignored_paths": "x", "_limits": {}});
    for (own, wanted) in [
        (json!({}), json!({"workspace_root": "docs", "workspace_ignored_paths": "x"})),
        (
            json!({"workspace_root": "docs/part", "workspace_ignored_paths": ["y"], "workspace_access_mode": "workspace_only"}),
            json!({"workspace_root": "docs/part", "workspace_ignored_paths": "x\ny", "workspace_access_mode": "workspace_only"}),
        ),
        (
            json!({"workspace_root": "docs/../..", "workspace_access_mode": "all_except_ignored", "workspace_allowed_paths": ["/"],
                "workspace_new": 1}),
            json!({"workspace_root": "docs", "workspace_ignored_paths": "x"}),
        ),
        (
            json!({"workspace_root": "docsy"}),
            json!({"workspace_root": "docs", "workspace_ignored_paths": "x"}),
        ),
        (
            json!({"workspace_root": "docs/a\\..\\.."}),
            json!({"workspace_root": "docs", "workspace_ignored_paths": "x"}),
        ),
    ] {
        let got = crate::workspace::inherit(&raw(parent.clone()), &raw(own.clone()));
        assert_eq!(serde_json::to_value(&got).unwrap(), wanted, "{own}");
    }
    let none = crate::workspace::inherit(&raw(json!({})), &raw(json!({"workspace_root": "/"})));
    assert!(none.is_empty());
}
