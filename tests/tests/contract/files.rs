//! Files of the workspace: policy, list, search, read, skim, and the ways out that are none.

use serde_json::{Value, json};

use crate::checks::Checks;
use crate::target;

const FILES: &str = "/api/gateway/files";

#[tokio::test]
async fn files_are_listed_found_and_read() {
    let Some(server) = target::own(target::with_files()).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("files"));
    let policy = gateway.get("/api/gateway/workspace/policy").await;
    let wanted = json!({"ok": true, "policy": {
        "target": "server", "mounts": [], "max_attachment_bytes": 26_214_400, "client_workspace_scope_overrides": false,
        "allowed_access_modes": ["workspace_only", "workspace_or_allowed"]
    }});
    checks.answers("policy", &policy, 200, wanted);

    let list = async |query: &str| gateway.get(&format!("{FILES}/list{query}")).await;
    let folder = |path: &str, name: &str| json!({"path": path, "name": name, "kind": "folder", "family": "folder"});
    let wanted = json!({"folder_path": "", "items": [folder("notes", "notes")], "truncated": false});
    checks.answers("list of the root", &list("").await, 200, wanted);
    let notes = checks.ok("list of a folder", &list("?path=notes").await);
    let kinds: Value = notes["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| json!([item["path"], item["kind"]]))
        .collect();
    checks.equal(
        "list of a folder: items",
        kinds,
        json!([["notes/deep", "folder"], ["notes/a.txt", "file"]]),
    );
    let file = notes["items"][1].clone();
    checks.fields(
        "list of a folder: a file",
        &file,
        json!({"name": "a.txt", "family": "text", "size_bytes": 11}),
    );
    let deep = checks.ok("list of everything", &list("?recursive=true&include_directories=false").await);
    let mut paths: Vec<&str> = deep["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["path"].as_str())
        .collect();
    paths.sort_unstable();
    checks.equal(
        "list of everything: items",
        json!(paths),
        json!(["notes/a.txt", "notes/deep/b.md"]),
    );
    let cut = checks.ok("list cut short", &list("?recursive=true&limit=1").await);
    let shape = json!([cut["items"].as_array().map_or(0, Vec::len), cut["truncated"]]);
    checks.equal("list cut short: says so", shape, json!([1, true]));
    checks.refused(
        "list of what is not there",
        &list("?path=none").await,
        404,
        "Folder not found",
    );
    checks.refused(
        "list of a file",
        &list("?path=notes/a.txt").await,
        400,
        "Path is not a folder",
    );
    checks.equal("list limit", list("?limit=0").await.status, 422);

    let search = async |query: &str| gateway.get(&format!("{FILES}/search{query}")).await;
    let found = |items: Value| json!({"items": items});
    let a = json!({"path": "notes/a.txt", "size_bytes": 11});
    checks.answers("search", &search("?query=a.t").await, 200, found(json!([a])));
    checks.answers("search for nothing", &search("?query=%20").await, 200, found(json!([])));
    checks.answers("search in vain", &search("?query=zzzz").await, 200, found(json!([])));
    let missing = json!([{"type": "missing", "loc": ["query", "query"], "msg": "Field required", "input": null}]);
    checks.invalid("search without a query", &search("").await, missing);

    let read = async |query: &str| gateway.get(&format!("{FILES}/read{query}")).await;
    let shown = checks.ok("read", &read("?path=notes/a.txt").await);
    checks.equal("read: path", shown["path"].clone(), "notes/a.txt");
    let content = shown["content"].as_str().unwrap_or_default();
    let is_rendered = content.starts_with("File: ") && content.ends_with("(1 lines)\n\n1: first line");
    checks.holds("read: content", is_rendered, || content.to_owned());
    let missing = checks.ok("read of what is not there", &read("?path=none.txt").await);
    let says = missing["content"]
        .as_str()
        .is_some_and(|text| text.starts_with("Error: File '") && text.ends_with("does not exist"));
    checks.holds("read of what is not there: says so", says, || missing.to_string());
    checks.equal("read from line 0", read("?path=notes/a.txt&start_line=0").await.status, 422);
    let skim = checks.ok("skim", &gateway.get(&format!("{FILES}/skim?path=notes/a.txt")).await);
    let content = skim["content"].as_str().unwrap_or_default();
    checks.holds(
        "skim: content",
        content.contains("skim 1 lines (target 8.0%)") && content.ends_with("1: first line"),
        || content.to_owned(),
    );

    for (what, path, status, detail) in [
        ("out by dots", "../../etc/passwd", 403, "path escapes workspace root"),
        (
            "out by backslashes",
            "..%5C..%5Cetc%5Cpasswd",
            403,
            "path escapes workspace root",
        ),
        (
            "out by an absolute path",
            "/etc/passwd",
            403,
            "path is outside workspace roots",
        ),
        ("no path", "%20", 400, "path is required"),
    ] {
        for endpoint in ["read", "skim"] {
            let reply = gateway.get(&format!("{FILES}/{endpoint}?path={path}")).await;
            checks.refused(&format!("{endpoint} {what}"), &reply, status, detail);
        }
    }
    std::os::unix::fs::symlink("/etc", server.workspace().join("notes/etc")).expect("a link");
    let out = gateway.get(&format!("{FILES}/read?path=notes/etc/passwd")).await;
    checks.refused("read out by a link", &out, 403, "path escapes workspace root");
    std::fs::write(server.workspace().join(".abstractignore"), "*.md\n").expect("an ignore file");
    let ignored = gateway.get(&format!("{FILES}/read?path=notes/deep/b.md")).await;
    let hidden = !ignored.text().contains("# B");
    checks.holds("read of what is ignored", hidden, || {
        format!("{} {}", ignored.status, ignored.text())
    });
}

#[tokio::test]
async fn a_mount_is_a_folder_with_a_name() {
    let mounted = tempfile::tempdir().expect("a directory");
    std::fs::write(mounted.path().join("m.txt"), "mounted\n").expect("a file");
    let mounts = format!("shared={}\nbad name=/tmp\nmissing=/no/such/dir", mounted.path().display());
    let Some(server) = target::own(target::with_files().env("ABSTRACTGATEWAY_WORKSPACE_MOUNTS", mounts)).await else {
        return;
    };
    let (gateway, checks) = (server.gateway(), Checks::of("mounts"));
    let policy = checks.ok("policy", &gateway.get("/api/gateway/workspace/policy").await);
    checks.equal(
        "policy names it, and not where it is",
        policy["policy"]["mounts"].clone(),
        json!([{"name": "shared"}]),
    );
    let shown = checks.ok("read", &gateway.get(&format!("{FILES}/read?path=shared/m.txt")).await);
    checks.equal("read: path", shown["path"].clone(), "shared/m.txt");
    let says = shown["content"].as_str().is_some_and(|text| text.contains("mounted"));
    checks.holds("read: content", says, || shown.to_string());
    let found = checks.ok("search", &gateway.get(&format!("{FILES}/search?query=m.txt")).await);
    checks.fields(
        "search: item",
        &found["items"][0],
        json!({"path": "shared/m.txt", "mount": "shared"}),
    );
}
