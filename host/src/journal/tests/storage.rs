//! What a tenant keeps, counted as it is written and removed.

use super::*;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

/// As the migration counts what is there when it is applied.
async fn scanned(conn: &mut SqliteConnection) -> i64 {
    let migration = include_str!("../../../migrations/0010_storage.sql");
    let from = migration.find("SELECT tenant, sum(bytes)").unwrap();
    let query = &migration[from..];
    let query = &query[..query.find(';').unwrap()];
    let query = format!(
        "SELECT sum(bytes) FROM ({})",
        query.replacen("sum(bytes)", "sum(bytes) AS bytes", 1)
    );
    let sum: Option<i64> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(conn).await.unwrap();
    sum.unwrap_or(0)
}

async fn counted(conn: &mut SqliteConnection) -> i64 {
    let sum = sqlx::query_scalar("SELECT bytes FROM storage WHERE tenant = 1");
    sum.fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn what_is_kept_is_counted_when_it_is_written_and_when_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        path: Some(dir.path().join("j.sqlite3")),
        max_inline_bytes: 400,
        ..Options::default()
    };
    let rig = rig_with(options.clone()).await;
    let mut conn = store::connect::connect_options(&options, false).connect().await.unwrap();
    assert_eq!(rig.handle.stored_bytes(LOCAL).await.unwrap(), 0);

    rig.start("r1").await;
    rig.start("r2").await;
    for state in [&b"a state"[..], b"another, longer state", b"short"] {
        let mut advance = rig.waits("r1", vec![wait_on(1, WaitReason::User, None, None)]).await;
        advance.snapshot = Some(state.to_vec());
        advance.rows[0].result = Some(raw(&format!(r#"{{"text":"{}"}}"#, "long ".repeat(100))));
        rig.handle.advance(advance).await.unwrap();
        assert_eq!(counted(&mut conn).await, scanned(&mut conn).await);
        rig.command(CommandKind::Resume, "r1", r#"{"payload":{"response":"yes, ünïcode"}}"#)
            .await;
    }
    rig.complete("r2", r#"{"n":"ä"}"#).await;
    let bundle = BundleRow {
        tenant: LOCAL,
        bundle_id: "b".to_owned(),
        bundle_version: "1.0.0".to_owned(),
        digest: Digest::of(b"bundle"),
        bytes: (*b"bundle").into(),
        installed_at: T0,
    };
    rig.handle.install_bundle(bundle.clone(), false).await.unwrap();
    rig.handle.install_bundle(bundle, true).await.unwrap();
    let all = counted(&mut conn).await;
    assert_eq!(all, scanned(&mut conn).await);
    assert!(all > 500, "a large value is an artifact, which counts: {all}");

    rig.clock.advance_to(T0.plus(2_000_000));
    assert_eq!(rig.handle.stored_bytes(LOCAL).await.unwrap(), all.unsigned_abs());
    rig.handle.close().await.unwrap();
    for table in [
        "artifacts",
        "blobs",
        "snapshots",
        "history",
        "ledger",
        "commands",
        "run_state",
        "runs",
    ] {
        let delete = format!("DELETE FROM {table}");
        sqlx::query(AssertSqlSafe(delete)).execute(&mut conn).await.unwrap();
        assert_eq!(counted(&mut conn).await, scanned(&mut conn).await, "{table}");
    }
    assert_eq!(counted(&mut conn).await, 0);
}

#[tokio::test]
async fn files_count_with_everything_else() {
    let rig = rig().await;
    rig.start("r").await;
    let rows = rig.handle.stored_bytes(LOCAL).await.unwrap();
    let stored = rig.handle.stored().clone();
    stored.files_are(LOCAL, 50);
    assert_eq!(rig.handle.stored_bytes(LOCAL).await.unwrap(), rows + 50);
    let limit = rows + 60;
    assert_eq!(stored.replace_file(LOCAL, (0, 11), limit), Err(rows + 50));
    assert_eq!(stored.replace_file(LOCAL, (30, 40), limit), Ok(()));
    assert_eq!(stored.replace_file(LOCAL, (0, 11), 0), Ok(()), "no limit");
    assert_eq!(rig.handle.stored_bytes(LOCAL).await.unwrap(), rows + 71);
    assert_eq!(stored.replace_file(LOCAL, (40, 40), limit), Ok(()), "it grows no larger");
    rig.clock.advance_to(T0.plus(2_000_000));
    assert_eq!(rig.handle.stored_bytes(LOCAL).await.unwrap(), rows + 71, "looked up again");
}
