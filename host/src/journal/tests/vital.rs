//! What operators are told of the journal.

use super::*;

/// The statuses that some run has.
async fn counts(rig: &Rig) -> Vec<(&'static str, u64)> {
    let all = rig.handle.run_counts().await.unwrap();
    assert_eq!(all.len(), RunStatus::ALL.len());
    all.into_iter().filter(|(_, runs)| *runs > 0).collect()
}

#[tokio::test]
async fn runs_are_counted_as_they_move() {
    let rig = rig().await;
    assert_eq!(counts(&rig).await, []);
    for id in ["a", "b", "c"] {
        rig.start(id).await;
    }
    assert_eq!(counts(&rig).await, [("running", 3)]);
    rig.wait("a", vec![user(1, "a")]).await;
    rig.complete("b", "{}").await;
    assert_eq!(counts(&rig).await, [("running", 1), ("waiting", 1), ("completed", 1)]);
    rig.command(CommandKind::Pause, "a", "{}").await;
    rig.command(CommandKind::Cancel, "a", "{}").await;
    assert_eq!(counts(&rig).await, [("running", 1), ("completed", 1), ("cancelled", 1)]);
}

#[tokio::test]
async fn a_journal_that_cannot_commit_is_not_well() {
    let rig = rig().await;
    assert_eq!(rig.handle.check().await, Ok(()));
    rig.handle.close().await.unwrap();
    assert_eq!(rig.handle.check().await, Err(Unwell::Closed));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_noticed_without_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        path: Some(folder.path().join("x.sqlite3")),
        ..Options::default()
    };
    let rig = rig_with(options).await;
    // What the probe writes to is taken away, so that its write fails as it does on a full disk.
    let mut other = {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("x.sqlite3"));
        options.connect().await.unwrap()
    };
    sqlx::query("ALTER TABLE probe RENAME TO away")
        .execute(&mut other)
        .await
        .unwrap();
    assert_eq!(rig.handle.check().await, Err(Unwell::Failing));
    sqlx::query("ALTER TABLE away RENAME TO probe")
        .execute(&mut other)
        .await
        .unwrap();
    while rig.handle.check().await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    rig.start("a").await;
    assert_eq!(rig.handle.check().await, Ok(()), "a commit has shown that it works");
}
