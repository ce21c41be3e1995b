//! A data directory that the reference wrote, from its files and from a database with the same content.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::{Report, RunDocument, Source, migrate};
use crate::bundles::{self, Registry};
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, CommandState, Handle};
use crate::record::RunStatus;

const T: TenantId = TenantId::LOCAL;
const DONE: &str = "584dc52e-3892-4b1a-b46b-e323d1e722e0";
const WAITS: &str = "944ce7a9-5ec1-40e7-9e91-9fe4b60c289a";

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn reference() -> PathBuf {
    project("tests/reference")
}

const ATTACHMENT: &str = "8363344679b41d7c2212437af953890c";
/// Waits a day that is far away, then runs `approval:notify` once more.
const COUNTED: &str = "2d159a83-7af0-47be-ac44-68f7f9123293";

async fn journal() -> Handle {
    let (journal, service) = journal::open(journal::Options {
        role: journal::Role::Api,
        ..journal::Options::default()
    })
    .await
    .unwrap();
    tokio::spawn(service.run());
    journal
}

/// The examples are installed where `flows` says so.
async fn registry(journal: &Handle, flows: bool) -> Registry {
    let options = bundles::Options {
        flows_dir: flows.then(|| project("examples")),
        ..bundles::Options::default()
    };
    Registry::open(journal.clone(), options).await.unwrap()
}

/// The same runs and commands as the reference keeps them in SQLite; all else lies beside them as ever.
async fn database(dir: &Path) {
    for part in ["artifacts", "dynamic_flows"] {
        copy(&reference().join(part), &dir.join(part));
    }
    let path = dir.join("gateway.sqlite3");
    let mut conn = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let schema = "CREATE TABLE runs (run_id TEXT PRIMARY KEY, created_at TEXT, run_json TEXT NOT NULL);
        CREATE TABLE ledger (run_id TEXT NOT NULL, seq INTEGER NOT NULL, record_json TEXT NOT NULL, PRIMARY KEY (run_id, seq));
        CREATE TABLE commands (seq INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            type TEXT NOT NULL, payload_json TEXT NOT NULL, ts TEXT NOT NULL, client_id TEXT);
        CREATE TABLE command_cursors (consumer_id TEXT PRIMARY KEY, cursor INTEGER NOT NULL, updated_at TEXT NOT NULL);
        INSERT INTO command_cursors VALUES ('gateway_runner', 0, '');
        INSERT INTO commands VALUES (1, 'c1', 'r', 'resume', '{\"payload\":{}}', '2026-11-22T18:31:53+00:00', NULL);";
    sqlx::raw_sql(schema).execute(&mut conn).await.unwrap();
    let mut files = Source::open(&reference()).await.unwrap();
    for run_id in files.run_ids().await.unwrap() {
        let stored = files.run(&run_id).await.unwrap();
        let document = RunDocument::parse(&stored.run).unwrap();
        let insert = sqlx::query("INSERT INTO runs VALUES (?, ?, ?)").bind(&run_id);
        let insert = insert.bind(document.created_at).bind(stored.run);
        insert.execute(&mut conn).await.unwrap();
        for (at, row) in stored.rows.iter().enumerate() {
            let insert = sqlx::query("INSERT INTO ledger VALUES (?, ?, ?)").bind(&run_id);
            let insert = insert.bind(i64::try_from(at).unwrap() + 1).bind(row.to_string());
            insert.execute(&mut conn).await.unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

async fn bring(from: &Path, journal: &Handle, flows: bool, dry_run: bool) -> Report {
    let registry = registry(journal, flows).await;
    let mut source = Source::open(from).await.unwrap();
    migrate(&mut source, journal, &registry, T, dry_run).await.unwrap()
}

#[tokio::test]
async fn files_are_taken_in_once() {
    let journal = journal().await;
    let planned = bring(&reference(), &journal, true, true).await;
    assert!(
        journal.run(T, &RunId::from(DONE)).await.unwrap().is_none(),
        "a dry run writes nothing"
    );
    let report = bring(&reference(), &journal, true, false).await;
    assert_eq!(planned, report);
    assert_eq!((report.ended, report.going_on), (5, 6));
    assert_eq!((report.artifacts, report.deprecations), (3, 1));
    assert_eq!((report.commands, report.pending_commands), (1, 0));
    assert_eq!((report.known, report.left_out.as_slice()), (0, &[][..]));

    let done = journal.run(T, &RunId::from(DONE)).await.unwrap().unwrap();
    assert_eq!((done.status, done.session_id.as_deref()), (RunStatus::Completed, Some("s1")));
    assert!(done.created_at.iso().starts_with("2026-11-22T18:31:5"));
    assert!(done.output.unwrap().get().contains("To Robin"));
    let page = journal.ledger(T, &RunId::from(DONE), 0, 100).await.unwrap();
    assert_eq!(page.rows.len(), 10);
    assert!(matches!(
        journal.command_state(T, "c1").await.unwrap(),
        Some(CommandState::Applied)
    ));

    let again = bring(&reference(), &journal, true, false).await;
    let all = report.ended + report.going_on + report.artifacts + report.deprecations + report.commands;
    let nothing_new = Report {
        known: all,
        ..Report::default()
    };
    assert_eq!(again, nothing_new);
    assert_eq!(bring(&reference(), &journal, true, true).await, nothing_new);
}

#[tokio::test]
async fn artifacts_and_deprecations_are_what_they_were() {
    let journal = journal().await;
    bring(&reference(), &journal, true, false).await;
    let owner = RunId::from("session_memory_s1");
    let kept = journal.artifact(T, &owner, ATTACHMENT).await.unwrap().unwrap();
    assert_eq!((kept.filename(), kept.size), (Some("hostname"), 3));
    assert_eq!(kept.created_at.iso(), "2026-11-22T18:31:53.606258+00:00");
    let bytes = journal.blobs().read(T, kept.blob, 100).await.unwrap();
    assert_eq!((bytes.len(), Digest::of(&bytes)), (3, kept.blob));

    let rows = journal.deprecations(T).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&*rows[0].bundle_id, rows[0].flow_id.as_deref(), rows[0].reason.as_deref()),
        ("approval", None, Some("old"))
    );
    assert_eq!(rows[0].at.iso(), "2026-11-22T18:31:53.671639+00:00");
}

#[tokio::test]
async fn a_schedule_comes_with_its_workflow() {
    let journal = journal().await;
    bring(&reference(), &journal, true, false).await;
    let run = journal.run(T, &RunId::from(COUNTED)).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.current_node.as_deref()),
        (RunStatus::Waiting, Some("wait_interval"))
    );
    let made = journal.dynamic_workflow(T, &run.workflow_id).await.unwrap().unwrap();
    assert_eq!(made.component, run.component);
    assert!(made.document.get().contains("_meta.schedule.interval"));
}

#[tokio::test]
async fn artifacts_that_cannot_be_taken_in_are_named() {
    let dir = tempfile::tempdir().unwrap();
    copy(&reference(), dir.path());
    let artifacts = dir.path().join("artifacts");
    let blob = |name: &str| artifacts.join("blobs").join(format!("{name}.bin"));
    let attachment = "427f93cafd9cc19be6eec03e590c9c6cdf9f688a5eaf21fa8d72351e2b15fd05";
    std::fs::write(blob(attachment), "abc").unwrap();
    std::fs::remove_file(blob("8a80e4fe64829ec343fe039461088e63a9fb68ac9feeffd6fb0cffc86d41d2f8")).unwrap();
    std::fs::write(artifacts.join("refs/odd.meta"), "{}").unwrap();
    let strange = |id: &str, run: &str, blob: &str| {
        let text = format!(
            r#"{{"artifact_id":"{id}","blob_id":{blob},"content_type":"text/plain","size_bytes":3,"created_at":"2026-01-01T00:00:00+00:00","run_id":{run}}}"#
        );
        std::fs::write(artifacts.join(format!("{id}.meta")), text).unwrap();
    };
    strange("nobodys", "null", "null");
    strange("gone", "\"r-gone\"", "null");
    strange("outside", &format!("\"{DONE}\""), "\"../../../etc/passwd\"");
    strange("legacy", &format!("\"{DONE}\""), "null");
    std::fs::write(artifacts.join("legacy.bin"), "old").unwrap();

    let journal = journal().await;
    let report = bring(dir.path(), &journal, true, false).await;
    assert_eq!(report.artifacts, 1, "{:?}", report.left_out);
    let legacy = journal.artifact(T, &RunId::from(DONE), "legacy").await.unwrap().unwrap();
    assert_eq!(journal.blobs().read(T, legacy.blob, 10).await.unwrap(), b"old");
    for text in [
        &format!("artifact {ATTACHMENT}: ") as &str,
        "artifact 1226775cac8a04b1582b373c427ccf7e: its bytes are not there",
        "artifact odd: its description cannot be read",
        "artifact nobodys: it belongs to no run",
        "artifact gone: it belongs to the run r-gone, which is not there",
        "artifact outside: '../../../etc/passwd' is no SHA-256",
    ] {
        assert!(
            report.left_out.iter().any(|left| left.starts_with(text)),
            "{text} in {:?}",
            report.left_out
        );
    }
}

#[tokio::test]
async fn a_database_says_the_same_as_the_files() {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path()).await;
    let (from_files, from_database) = (journal().await, journal().await);
    let files = bring(&reference(), &from_files, true, false).await;
    let rows = bring(dir.path(), &from_database, true, false).await;
    assert_eq!(
        (files.ended, files.going_on, files.ledger_rows, files.artifacts),
        (rows.ended, rows.going_on, rows.ledger_rows, rows.artifacts)
    );
    // Nobody had applied this one.
    assert_eq!((rows.commands, rows.pending_commands), (0, 1));
    let waiting = from_database.run(T, &RunId::from(WAITS)).await.unwrap().unwrap();
    let same = from_files.run(T, &RunId::from(WAITS)).await.unwrap().unwrap();
    assert_eq!(waiting.waiting.unwrap().wait_key, same.waiting.unwrap().wait_key);
    assert_eq!(waiting.host_vars.get(), same.host_vars.get());
    assert!(!waiting.host_vars.get().contains("node_traces"));
}

#[tokio::test]
async fn a_run_that_goes_on_needs_its_flow() {
    let journal = journal().await;
    let report = bring(&reference(), &journal, false, false).await;
    assert_eq!((report.ended, report.going_on), (5, 0));
    let named = report.left_out.iter().any(|text| {
        text == &format!("run {WAITS}: it has not ended, and its workflow 'approval@1.0.0:approve' is not installed here")
    });
    assert!(named, "{:?}", report.left_out);
    let schedule =
        format!("run {COUNTED}: it has not ended, and the workflow 'approval@1.0.0:notify' that it runs is not installed here");
    assert!(report.left_out.contains(&schedule), "{:?}", report.left_out);
    assert!(journal.run(T, &RunId::from(WAITS)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_data_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |error: super::Error| error.to_string();
    assert!(refused(Source::open(dir.path()).await.unwrap_err()).contains("neither gateway.sqlite3 nor run_*.json"));
    assert!(refused(Source::open(&dir.path().join("none")).await.unwrap_err()).contains("none"));
    std::fs::write(dir.path().join("run_x.json"), "{\"run_id\":\"y\"}").unwrap();
    assert!(refused(Source::open(dir.path()).await.unwrap_err()).contains("it holds run 'y'"));
    std::fs::write(dir.path().join("gateway.sqlite3"), "no database").unwrap();
    let mut source = Source::open(dir.path()).await;
    if let Ok(source) = &mut source {
        assert!(source.run_ids().await.is_err());
    }
}

#[test]
fn states_that_cannot_go_on_say_why() {
    let parse = |more: &str| {
        let text = format!(
            r#"{{"run_id":"r","workflow_id":"b@1:f","vars":{{"_temp":{{}}}},"created_at":"2026-01-01T00:00:00+00:00","updated_at":"2026-01-01T00:00:00+00:00",{more}}}"#
        );
        let document = RunDocument::parse(&text)?;
        document.import(T, Digest::of(b""), "start", "f")
    };
    assert_eq!(parse(r#""status":"waiting""#).unwrap_err(), "it waits, but not for anything");
    assert_eq!(parse(r#""status":"running""#).unwrap_err(), "it stands at no node");
    assert!(
        parse(r#""status":"odd""#)
            .unwrap_err()
            .starts_with("its state cannot be read")
    );
    let running = parse(r#""status":"running","current_node":"n""#).unwrap();
    assert_eq!(
        String::from_utf8(running.snapshot.unwrap()).unwrap(),
        r#"{"format":1,"flow":"f","cursor":"n","vars":{"_temp":{}},"beside":{},"ordinals":{},"next_effect":0,"pending":null}"#
    );
    let wait = r#"{"reason":"user","wait_key":"pause:r","until":null,"resume_to_node":"n","result_key":null,"prompt":"Paused","choices":null,"allow_free_text":false,"details":{"kind":"pause"}}"#;
    let text = format!(
        r#"{{"run_id":"r","workflow_id":"b@1:f","status":"waiting","current_node":"n","waiting":{wait},"vars":{{"_runtime":{{"control":{{"paused":true,"paused_at":"2026-01-01T00:00:01+00:00","pause_reason":"lunch"}}}}}},"created_at":"2026-01-01T00:00:00+00:00","updated_at":"2026-01-01T00:00:00+00:00"}}"#
    );
    let paused = RunDocument::parse(&text)
        .unwrap()
        .import(T, Digest::of(b""), "start", "f")
        .unwrap();
    assert!(paused.pausing && paused.pause.paused && paused.waits.is_empty());
    assert_eq!(paused.pause.reason.as_deref(), Some("lunch"));
    assert_eq!(paused.host_vars.get(), r#"{"_runtime":{}}"#);
}
