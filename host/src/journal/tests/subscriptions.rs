use super::*;
use std::time::Duration;

#[tokio::test]
async fn a_subscriber_gets_committed_rows_without_a_read() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let mut news = rig.handle.subscribe(at);
    assert!(tokio::time::timeout(Duration::from_millis(10), news.changed()).await.is_err());
    // A run that was just made is known to have no rows yet.
    assert_eq!(
        (news.rows_after(0).map(|rows| rows.len()), news.status()),
        (Some(0), Some(RunStatus::Running))
    );
    rig.go("r", Position::Running { node: "n".to_owned() }).await.unwrap();
    rig.go("r", Position::Running { node: "n".to_owned() }).await.unwrap();
    assert!(news.changed().await);
    assert_eq!(news.rows_after(0).unwrap().len(), 2);
    assert_eq!(news.rows_after(1).unwrap().len(), 1);
    assert_eq!(news.rows_after(2).unwrap().len(), 0);
    assert!(news.rows_after(3).is_none());
    // A second one comes later and sees what memory holds.
    let second = rig.handle.subscribe(at);
    assert_eq!(second.rows_after(1).unwrap().len(), 1);
    assert!(tokio::time::timeout(Duration::from_millis(10), news.changed()).await.is_err());
    rig.complete("r", "{}").await;
    assert!(news.changed().await);
    assert_eq!(
        (news.rows_after(2).unwrap().len(), news.status()),
        (1, Some(RunStatus::Completed))
    );
}

#[tokio::test]
async fn a_slow_subscriber_holds_little_and_goes_to_the_ledger() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let news = rig.handle.subscribe(at);
    for _ in 0..200 {
        rig.go("r", Position::Running { node: "n".to_owned() }).await.unwrap();
    }
    assert!(news.rows_after(10).is_none());
    assert_eq!(news.rows_after(190).unwrap().len(), 10);
}

#[tokio::test]
async fn subscribers_hear_of_pause_cancel_and_the_end_of_the_journal() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let mut news = rig.handle.subscribe(at);
    rig.command(CommandKind::Pause, "r", "{}").await;
    assert!(news.changed().await);
    assert_eq!(news.status(), Some(RunStatus::Waiting));
    rig.command(CommandKind::Cancel, "r", "{}").await;
    assert!(news.changed().await);
    assert_eq!(news.rows_after(0).unwrap().len(), 1);
    rig.handle.close().await.unwrap();
    assert!(!news.changed().await);
}
