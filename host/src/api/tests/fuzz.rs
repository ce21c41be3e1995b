//! Requests that no client sends: whatever comes, the answer is the client's fault or a success, in the contract's shape, and no handler
//! panics.

use axum::body::Body;
use axum::http::{Method, Uri};
use serde_json::{Value, json};

use super::*;
use crate::bundles::{self, Registry};
use crate::fuzz::{Dice, Shown, check, mutate, seeds};

/// A gateway over real bundles, with a run that waits for an answer (`$waiting`), one that has ended (`$ended`) and a file (`$artifact`).
struct Site {
    runtime: tokio::runtime::Runtime,
    gateway: Gateway,
    names: Vec<(&'static str, String)>,
    /// Commands so far; each has an id of its own, or it would not count.
    commands: usize,
    _dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (gateway, names) = runtime.block_on(site(dir.path()));
        Site {
            runtime,
            gateway,
            names,
            commands: 0,
            _dir: dir,
        }
    }

    /// A path or a body of a seed with the names of what is there.
    fn fill(&mut self, text: &str) -> String {
        self.commands += 1;
        let text = text.replace("$new", &format!("c{}", self.commands));
        self.names.iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    fn send(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(self.gateway.send(request))
    }
}

async fn site(dir: &std::path::Path) -> (Gateway, Vec<(&'static str, String)>) {
    std::fs::create_dir_all(dir.join("files")).unwrap();
    std::fs::write(dir.join("files/a.txt"), "first line\nsecond\n").unwrap();
    let workspaces = workspace::Options {
        dir: dir.join("files"),
        data_dir: dir.join("data"),
        index_ttl: std::time::Duration::from_secs(30),
        index_max_files: 100,
        ..workspace::Options::default()
    };
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let registry = Registry::open(journal.clone(), bundles::Options::default()).await.unwrap();
    for name in ["approval", "reminder"] {
        let file = seeds::bundle(name).into();
        super::super::Workflows::upload(&registry, TenantId::LOCAL, file, false)
            .await
            .unwrap();
    }
    let settings = Settings {
        tokens: vec![TOKEN.into()],
        ..Settings::default()
    };
    let security = Security::new(settings, &Clock::system());
    let workspaces = workspace::Workspaces::open(workspaces).unwrap();
    let state = AppState::new(journal.clone(), Arc::new(registry), security, workspaces);
    let gateway = Gateway {
        router: super::super::router(state),
        journal,
        bundles: Arc::default(),
    };
    let start = r#"{"bundle_id": "approval", "flow_id": "approve", "session_id": "s", "input_data": {"title": "x"}}"#;
    let waiting = gateway.start(start).await;
    gateway.ask(&waiting).await;
    let ended = gateway.start(start).await;
    gateway
        .advance(&ended, &["one", "two", "three"], Position::Running { node: "n".into() })
        .await;
    gateway.complete(&ended).await;
    let kept = gateway
        .send(form(
            "/api/gateway/attachments/upload",
            &[("session_id", b"s"), ("file", b"text")],
        ))
        .await;
    let artifact = kept.json()["artifact"]["$artifact"].as_str().unwrap().to_owned();
    (
        gateway,
        vec![("$waiting", waiting), ("$ended", ended), ("$artifact", artifact)],
    )
}

const BOUNDARY: &str = "the-boundary";

/// A form; its field `file` is a file.
fn form_text(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let filename = if *name == "file" { "; filename=\"x.flow\"" } else { "" };
        body.extend(format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{filename}\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn form(path: &str, fields: &[(&str, &[u8])]) -> Request<Body> {
    form_of(path, form_text(fields))
}

fn form_of(path: &str, body: Vec<u8>) -> Request<Body> {
    request(Method::POST, path)
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from(body))
        .unwrap()
}

/// What must hold of any answer. Says whether the request was taken.
fn fair(answer: &Answer) -> bool {
    assert!(answer.status.as_u16() < 500, "{} {}", answer.status, answer.text);
    if answer.status.is_client_error() {
        // Not as a value: a finding shows what was sent, numbers that no value holds among it.
        #[derive(serde::Deserialize)]
        struct Told {
            detail: Box<serde_json::value::RawValue>,
        }
        let told: Told = serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("no detail: {}", answer.text));
        assert!(
            !["\"\"", "[]", "null"].contains(&told.detail.get()),
            "{} {}",
            answer.status,
            answer.text
        );
    }
    answer.status.is_success()
}

/// Every route that takes a JSON body, with a body that it takes.
fn bodies() -> Vec<(&'static str, Value)> {
    let command = |kind: &str, payload: Value| {
        let body = json!({"command_id": "$new", "run_id": "$waiting", "type": kind, "payload": payload, "ts": "2026-01-01T00:00:00Z", "client_id": "c"});
        ("/commands", body)
    };
    let place = json!({"session_id": "s", "path": "a.txt", "filename": "b.txt", "content_type": "text/plain", "workspace_root": ".",
        "workspace_access_mode": "workspace_only", "workspace_allowed_paths": "", "workspace_ignored_paths": "x"});
    let mut import = place.clone();
    import["source"] = json!({"kind": "workspace", "path": "a.txt"});
    import["tags"] = json!({"a": "b"});
    let schedule = json!({"bundle_id": "approval", "flow_id": "approve", "input_data": {"title": "x"}, "start_at": "2030-01-01T00:00:00Z",
        "interval": "1d", "repeat_count": 3, "repeat_until": "2031-01-01T00:00:00Z", "share_context": true, "session_id": "s"});
    vec![
        (
            "/runs/start",
            json!({"bundle_id": "approval", "bundle_version": "1.0.0", "flow_id": "approve", "session_id": "s", "registry_scope": "x",
                "input_data": {"title": "x", "_limits": {"max_iterations": 5}, "workspace_root": "."}, "thinking": {"a": 1},
                "run_lifecycle": {"retention": "session"}}),
        ),
        ("/runs/schedule", schedule),
        (
            "/runs/ledger/batch",
            json!({"runs": [{"run_id": "$ended", "after": 1}, {"run_id": "$waiting"}], "limit": 5}),
        ),
        ("/bundles/reminder/deprecate", json!({"flow_id": "remind", "reason": "old"})),
        ("/bundles/reminder/undeprecate", json!({"flow_id": "remind"})),
        ("/attachments/ingest", place),
        ("/artifacts/import", import),
        (
            "/runs/session_memory_s/artifacts/$artifact/export",
            json!({"path": "out.txt", "destination": "workspace", "overwrite": true, "create_parent_dirs": true, "workspace_root": "."}),
        ),
        command("pause", json!({"reason": "r"})),
        command(
            "resume",
            json!({"payload": {"response": "yes"}, "wait_key": "user:x", "resume_to_node": "end"}),
        ),
        command(
            "emit_event",
            json!({"name": "n", "scope": "session", "payload": {"a": 1}, "session_id": "s", "max_steps": 5}),
        ),
        command("cancel", json!({"reason": "r", "run_id": "x"})),
        command("update_schedule", json!({"interval": "2h", "apply_immediately": true})),
        command("compact_memory", json!({"mode": "x"})),
    ]
}

#[test]
fn no_body_is_the_hosts_fault() {
    let mut site = Site::new();
    let seeds = bodies();
    for (path, body) in &seeds {
        let (path, body) = (site.fill(path), site.fill(&body.to_string()));
        let answer = site.send(
            request(Method::POST, &format!("/api/gateway{path}"))
                .body(Body::from(body))
                .unwrap(),
        );
        assert!(
            answer.status.as_u16() != 404 && answer.status.as_u16() != 405,
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        fair(&answer);
    }
    check!(1500, |dice: &mut Dice<'_>| {
        let (path, body) = dice.pick(&seeds);
        let path = site.fill(path);
        let body = site.fill(&mutate::json(dice, body.clone()));
        let _shown = Shown("POST", &format!("{path} {body}"));
        let sent = request(Method::POST, &format!("/api/gateway{path}"));
        let body = match dice.once_in(8) {
            true => mutate::bytes(dice, body.into_bytes()),
            false => body.into_bytes(),
        };
        fair(&site.send(sent.body(Body::from(body)).unwrap()))
    });
}

#[test]
fn no_upload_is_the_hosts_fault() {
    let site = Site::new();
    let bundle = seeds::bundle("approval");
    check!(150, |dice: &mut Dice<'_>| {
        let (path, fields): (_, &[(&str, &[u8])]) = match dice.below(3) {
            0 => (
                "/api/gateway/attachments/upload",
                &[("session_id", b"s"), ("filename", b"../x"), ("file", b"text")],
            ),
            1 => (
                "/api/gateway/bundles/upload",
                &[("overwrite", b"true"), ("reload", b"no"), ("file", &bundle)],
            ),
            _ => {
                let changed = mutate::bytes(dice, bundle.clone());
                let _shown = Shown("the bundle", &format!("{changed:?}"));
                let form = form("/api/gateway/bundles/upload", &[("overwrite", b"true"), ("file", &changed)]);
                return fair(&site.send(form));
            }
        };
        let body = mutate::bytes(dice, form_text(fields));
        let _shown = Shown("the form", &String::from_utf8_lossy(&body).into_owned());
        fair(&site.send(form_of(path, body)))
    });
}

/// Every route that takes a query, with the names that it knows.
const QUERIES: &[(&str, &[&str])] = &[
    ("/runs", &["limit", "status", "workflow_id", "session_id", "root_only"]),
    ("/runs/$ended", &["include", "limit"]),
    ("/runs/$ended/ledger", &["after", "limit"]),
    ("/runs/$ended/ledger/stream", &["after", "heartbeat_s"]),
    (
        "/runs/$ended/history_bundle",
        &[
            "include_subruns",
            "include_session",
            "session_turn_limit",
            "ledger_mode",
            "ledger_max_items",
        ],
    ),
    ("/runs/$ended/input_data", &["x"]),
    ("/runs/$ended/artifacts", &["limit", "offset", "order", "after", "before"]),
    (
        "/sessions/s/artifacts",
        &["limit", "content_type", "query", "after", "before"],
    ),
    ("/runs/session_memory_s/artifacts/$artifact", &["x"]),
    (
        "/runs/session_memory_s/artifacts/$artifact/content",
        &["download", "max_bytes"],
    ),
    (
        "/artifacts/search",
        &[
            "query",
            "session_id",
            "run_id",
            "limit",
            "offset",
            "after",
            "before",
            "order",
            "content_type",
            "min_size_bytes",
        ],
    ),
    ("/artifacts/stats", &["session_id", "run_id", "after", "group_by"]),
    ("/files/list", &["path", "limit", "recursive", "workspace_root", "session_id"]),
    ("/files/read", &["path", "start_line", "end_line", "workspace_root"]),
    ("/files/search", &["query", "limit", "path"]),
    ("/files/skim", &["path", "target_percent"]),
    ("/bundles", &["include_deprecated", "all_versions"]),
    ("/bundles/approval", &["bundle_version"]),
    ("/bundles/approval/flows/approve", &["bundle_version"]),
    ("/bundles/approval/flows/approve/input_schema", &["bundle_version"]),
    ("/workflows/approval@1.0.0:approve/flow", &["x"]),
    ("/audit/tail", &["max_bytes"]),
    ("/discovery/tools", &["x"]),
    ("/discovery/providers/x/models", &["input_type"]),
    ("/discovery/models/capabilities", &["model_name"]),
];

/// Values of a query, percent-encoded where a client would.
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "+5",
    "1_0",
    "5.0",
    "1.5",
    "1e3",
    "NaN",
    "inf",
    "-inf",
    "0.0000001",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999",
    "true",
    "maybe",
    "running",
    "%00",
    "%ff",
    "%",
    "%zz",
    "%F0%9F%98%80",
    "..",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "a.txt",
    "/",
    "%2F",
    "C%3A%5C",
    "*",
    "[",
    "%25",
    "_",
    "desc",
    "2026-01-01",
    "2026-13-45T99:99:99Z",
    "-999999999-01-01T00:00:00Z",
    "'%20OR%201=1",
    "%0d%0aX:1",
    "text/*",
    "a,b,,c",
];

#[test]
fn no_query_and_no_cursor_is_the_hosts_fault() {
    let mut site = Site::new();
    check!(2000, |dice: &mut Dice<'_>| {
        let (path, names) = dice.pick(QUERIES);
        let mut path = site.fill(path);
        if dice.once_in(4) {
            let parts: Vec<&str> = path.split('/').collect();
            let part = *dice.pick(&parts);
            path = path.replacen(part, dice.pick::<&str>(VALUES), 1);
        }
        let mut query = String::new();
        for _ in 0..dice.below(4) {
            let name = *dice.pick(names);
            query.push_str(&format!("&{name}={}", dice.pick(VALUES)));
        }
        let Ok(uri) = format!("/api/gateway{path}?{query}").parse::<Uri>() else {
            return false;
        };
        let mut sent = request(Method::GET, "/").uri(uri.clone());
        let last = *dice.pick(VALUES);
        if dice.once_in(2) {
            sent = sent.header("last-event-id", last);
        }
        let _shown = Shown("GET", &format!("{uri} Last-Event-ID: {last}"));
        let answer = site.send(sent.body(Body::empty()).unwrap());
        let taken = fair(&answer);
        if taken && uri.path().ends_with("/ledger/stream") {
            stream(&answer.text);
        }
        taken
    });
}

/// A stream of a run that has ended has the rows after some cursor, without a gap, and its end.
fn stream(text: &str) {
    let ids: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
    assert!(ids.last().is_none_or(|last| *last == 5), "{ids:?}");
    assert!(text.contains("event: done\n"), "{text}");
}
