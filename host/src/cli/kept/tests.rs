//! What somebody did to a data directory behind the server's back is found.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::super::gateway::Gateway;
use super::super::run::start;
use crate::api::workflows::{Target, Workflows as _};
use crate::config::{Environment, Settings, Sources, resolve};
use crate::ids::{RunRef, TenantId};
use crate::journal::{Chain, Offline};
use crate::record::{Json, RunStatus};
use crate::runner::{Auditor, Report, Verdict};
use crate::sandbox::Sandbox;

fn settings(dir: &Path) -> Settings {
    let cache = std::env::current_exe().unwrap().with_file_name("flowgate-code-cache");
    let flags = [
        ("data_dir", dir.join("data").display().to_string()),
        (
            "flows_dir",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/approval").to_owned(),
        ),
        ("code_cache", cache.display().to_string()),
        ("journal.hash_chain", "true".to_owned()),
    ];
    let sources = Sources {
        flags: flags.into_iter().collect(),
        environment: Environment::default(),
        config: None,
    };
    resolve(&sources).unwrap().settings
}

/// A data directory in which a run says something and then asks. Gives the run.
async fn made(settings: &Settings) -> RunRef {
    let gateway = Gateway::open(settings).await.unwrap();
    let target = Target {
        bundle_id: Some("approval"),
        bundle_version: None,
        flow_id: None,
    };
    let flow = gateway.registry.resolve(TenantId::LOCAL, target).unwrap();
    let input: Json = serde_json::from_str(r#"{"title":"Road map"}"#).unwrap();
    let run = start(&gateway, TenantId::LOCAL, &flow, input).await.unwrap();
    let at = loop {
        let row = gateway.journal.run(TenantId::LOCAL, &run).await.unwrap().unwrap();
        if row.status == RunStatus::Waiting {
            break row.at;
        }
        assert_eq!(row.status, RunStatus::Running, "{:?}", row.error);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    gateway.close().await.unwrap();
    at
}

struct Kept {
    settings: Settings,
    sandbox: Sandbox,
    at: RunRef,
}

impl Kept {
    /// Does something to the database, looks what a replay and the chain make of it, and undoes it.
    async fn tampered(&self, sql: &str) -> (Report, Chain) {
        let path = self.settings.database();
        let copy = path.with_extension("copy");
        std::fs::copy(path, &copy).unwrap();
        let mut conn = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
        assert!(sql == "SELECT 1" || done.rows_affected() > 0, "{sql} does nothing");
        sqlx::Connection::close(conn).await.unwrap();
        let offline = Offline::open(&copy).await.unwrap();
        let auditor = Auditor::new(offline.handle.clone(), self.sandbox.clone(), 256 << 10);
        let report = auditor.replay(self.at).await.unwrap().unwrap();
        (report, offline.handle.verify(self.at).await.unwrap())
    }

    /// As [`tampered`](Self::tampered), for what a replay finds: what differs, where, and both sides.
    async fn found(&self, sql: &str) -> (&'static str, Option<u64>, String, String) {
        let (report, _) = self.tampered(sql).await;
        assert_eq!(report.verdict, Verdict::Different, "{sql}");
        let found = report.difference.unwrap();
        let text = |side: Option<Json>| side.map_or(String::new(), |side| side.get().to_owned());
        (found.what, found.seq, text(found.recorded), text(found.replayed))
    }
}

#[tokio::test]
async fn a_ledger_and_a_history_that_were_tampered_with_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let at = made(&settings).await;
    let sandbox = Sandbox::new(settings.sandbox(true)).unwrap();
    let kept = Kept { settings, sandbox, at };

    let (report, chain) = kept.tampered("SELECT 1").await;
    assert!(report.verdict == Verdict::Identical && report.ticks > 0, "{report:?}");
    assert_eq!(
        chain,
        Chain::Whole {
            first: 1,
            last: report.rows
        }
    );

    // A row that says something else than the flow did.
    let (what, seq, recorded, replayed) = kept
        .found("UPDATE ledger SET record = replace(record, 'Road map', 'Rogue map') WHERE seq = 1")
        .await;
    assert_eq!((what, seq), ("row", Some(1)));
    assert!(
        recorded.contains("Rogue map") && replayed.contains("Road map"),
        "{recorded} {replayed}"
    );
    let (_, chain) = kept
        .tampered("UPDATE ledger SET record = replace(record, 'Road map', 'Rogue map') WHERE seq = 1")
        .await;
    assert!(
        matches!(&chain, Chain::Broken(b) if (b.seq, b.code) == (1, "record_hash_mismatch")),
        "{chain:?}"
    );
    // Rows that are gone, and one too many.
    let (what, ..) = kept.found("DELETE FROM ledger WHERE seq = 2").await;
    assert_eq!(what, "row");
    let (what, _, recorded, _) = kept
        .found("INSERT INTO ledger SELECT tenant, run, 99, replace(record, 'waiting', 'completed') FROM ledger ORDER BY seq DESC LIMIT 1")
        .await;
    assert!(what == "row" && recorded.contains("completed"), "{recorded}");
    // A history that says something else: a request, a time, a whole commit.
    let (what, seq, recorded, replayed) = kept
        .found("UPDATE history SET ticks = replace(ticks, '\"effects\":[\"', '\"effects\":[\"00') WHERE pos = 1")
        .await;
    assert_eq!((what, seq), ("request", Some(1)));
    assert!(
        recorded.contains("Road map") && replayed.contains("Road map") && replayed.contains("digest"),
        "{replayed}"
    );
    let (what, _, recorded, _) = kept.found("UPDATE history SET ticks = 'nothing' WHERE pos = 1").await;
    assert_eq!((what, recorded.as_str()), ("history", "\"nothing\""));
    let (what, ..) = kept.found("DELETE FROM history WHERE pos = 1").await;
    assert_eq!(what, "history");
    // Another input than the one it began with, and a component that is not kept.
    let (what, _, recorded, replayed) = kept.found("UPDATE runs SET input = '{\"title\":\"Other\"}'").await;
    assert!(
        what == "request" && recorded.contains("Road map") && replayed.contains("Other"),
        "{replayed}"
    );
    let (what, ..) = kept.found("UPDATE runs SET component = zeroblob(32)").await;
    assert_eq!(what, "component");
}
