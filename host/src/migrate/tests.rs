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

/// The same runs and commands as the reference keeps them in SQLite.
async fn database(dir: &Path) {
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
    assert_eq!((report.ended, report.commands, report.pending_commands), (3, 1, 0));
    assert!(report.going_on >= 2);

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
    assert_eq!((again.ended, again.going_on, again.commands), (0, 0, 0));
    assert_eq!(again.known, report.ended + report.going_on + 1);
}

#[tokio::test]
async fn a_database_says_the_same_as_the_files() {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path()).await;
    let (from_files, from_database) = (journal().await, journal().await);
    let files = bring(&reference(), &from_files, true, false).await;
    let rows = bring(dir.path(), &from_database, true, false).await;
    assert_eq!(
        (files.ended, files.going_on, files.ledger_rows),
        (rows.ended, rows.going_on, rows.ledger_rows)
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
    assert_eq!((report.ended, report.going_on), (3, 0));
    let named = report.left_out.iter().any(|text| {
        text == &format!("run {WAITS}: it has not ended, and its workflow 'approval@1.0.0:approve' is not installed here")
    });
    assert!(named, "{:?}", report.left_out);
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
