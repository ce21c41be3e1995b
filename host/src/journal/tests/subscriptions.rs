use super::*;
use crate::journal::subscribe::{Pace, Published, Topics};
use std::sync::Arc;
use std::time::Duration;

/// How many rows after `after` memory gives; None: it would read the database.
fn remembered(news: &Subscription, after: u64) -> Option<usize> {
    news.peek(after).map(|tail| tail.rows.len())
}

async fn step_on(rig: &Rig, run: &str) {
    rig.go(run, Position::Running { node: "n".to_owned() }).await.unwrap();
}

#[tokio::test]
async fn a_subscriber_gets_committed_rows_without_a_read() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let mut news = rig.handle.subscribe(at);
    assert!(tokio::time::timeout(Duration::from_millis(10), news.changed()).await.is_err());
    // A run that was just made is known to have no rows yet.
    let tail = news.peek(0).unwrap();
    assert_eq!((tail.rows.len(), tail.status), (0, RunStatus::Running));
    step_on(&rig, "r").await;
    step_on(&rig, "r").await;
    assert!(news.changed().await);
    assert_eq!(
        [0, 1, 2, 9].map(|after| remembered(&news, after)),
        [Some(2), Some(1), Some(0), Some(0)]
    );
    // A second one comes later and sees what memory holds.
    let second = rig.handle.subscribe(at);
    assert_eq!(remembered(&second, 1), Some(1));
    assert!(tokio::time::timeout(Duration::from_millis(10), news.changed()).await.is_err());
    rig.complete("r", "{}").await;
    assert!(news.changed().await);
    let tail = rig.handle.tail(&news, 2).await.unwrap();
    assert_eq!((tail.rows.len(), tail.status), (1, RunStatus::Completed));
}

#[tokio::test]
async fn a_row_is_one_text_however_many_listen() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let listeners: Vec<Subscription> = (0..1000).map(|_| rig.handle.subscribe(at)).collect();
    step_on(&rig, "r").await;
    let mut texts = Vec::new();
    for news in &listeners {
        texts.extend(rig.handle.tail(news, 0).await.unwrap().rows.to_vec());
    }
    assert_eq!(texts.len(), 1000);
    assert!(texts.iter().all(|text| Arc::ptr_eq(text, &texts[0])));
}

/// Topics of one run that a crowd listens to, and a publication of its row `seq`.
fn crowd(pace: Pace) -> (Arc<Topics>, Vec<Subscription>, impl Fn(u64, RunStatus)) {
    let mut topics = Topics::default();
    topics.pace = pace;
    let topics = Arc::new(topics);
    let run = RunRef {
        tenant: LOCAL,
        run: crate::ids::RunKey(1),
    };
    topics.warm(std::iter::once(run));
    let crowd = (0..1000).map(|_| topics.subscribe(run)).collect();
    let told = Arc::clone(&topics);
    let publish = move |seq, status| {
        told.publish(vec![Published {
            run,
            first_seq: seq,
            rows: vec![format!("{{\"row\":{seq}}}").into()],
            status,
        }]);
    };
    (topics, crowd, publish)
}

#[tokio::test]
async fn a_crowd_is_told_together_and_of_the_end_at_once() {
    let hour = Duration::from_secs(3600);
    let (_topics, mut crowd, publish) = crowd(Pace {
        each: hour,
        longest: hour,
        shortest: Duration::ZERO,
    });
    let seen = |crowd: &[Subscription]| crowd.iter().map(|news| remembered(news, 0)).collect::<Vec<_>>();
    publish(1, RunStatus::Running);
    for news in &mut crowd {
        assert!(news.changed().await);
    }
    for seq in 2..5 {
        publish(seq, RunStatus::Running);
    }
    // Left alone with the first row for an hour, and those who have seen more are not shown less.
    assert_eq!(seen(&crowd), [Some(1); 1000]);
    assert_eq!(remembered(&crowd[0], 3), Some(0));
    publish(5, RunStatus::Completed);
    for news in &mut crowd {
        assert!(news.changed().await);
    }
    assert_eq!(seen(&crowd), [Some(5); 1000]);
}

#[tokio::test]
async fn a_crowd_is_told_of_everything_in_the_end() {
    let pause = Duration::from_millis(1);
    let (_topics, mut crowd, publish) = crowd(Pace {
        each: pause,
        longest: pause,
        shortest: Duration::ZERO,
    });
    let mut seen = 0;
    for seq in 1..100 {
        publish(seq, RunStatus::Running);
        tokio::task::yield_now().await;
    }
    while seen < 99 {
        for news in &mut crowd {
            assert!(news.changed().await);
        }
        seen = remembered(&crowd[0], 0).unwrap();
        assert!(crowd.iter().all(|news| remembered(news, 0) == Some(seen)));
    }
}

#[tokio::test]
async fn one_read_serves_all_who_have_missed_a_commit() {
    let rig = rig().await;
    let at = rig.start("r").await;
    step_on(&rig, "r").await;
    let listeners: Vec<Subscription> = (0..100).map(|_| rig.handle.subscribe(at)).collect();
    // As if another process had made the commit.
    rig.handle.forget_tails(at);
    assert_eq!(remembered(&listeners[0], 0), None);
    let tails = futures::future::join_all(listeners.iter().map(|news| rig.handle.tail(news, 0))).await;
    let rows: Vec<_> = tails.into_iter().flat_map(|tail| tail.unwrap().rows.to_vec()).collect();
    assert_eq!(rows.len(), 100);
    assert!(
        rows.iter().all(|row| Arc::ptr_eq(row, &rows[0])),
        "each has read the database"
    );
    // What is committed next follows what was read.
    step_on(&rig, "r").await;
    assert_eq!(remembered(&listeners[7], 0), Some(2));
}

#[tokio::test]
async fn a_slow_subscriber_holds_little_and_goes_to_the_ledger() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let news = rig.handle.subscribe(at);
    for _ in 0..600 {
        step_on(&rig, "r").await;
    }
    assert_eq!((remembered(&news, 10), remembered(&news, 590)), (None, Some(10)));
    let mut seen = Vec::new();
    loop {
        let tail = rig.handle.tail(&news, seen.len() as u64).await.unwrap();
        if tail.rows.is_empty() {
            break;
        }
        assert!(tail.rows.iter().map(|row| row.len()).sum::<usize>() <= 64 * 1024);
        seen.extend(tail.rows.to_vec());
    }
    let ledger = rig.handle.ledger(LOCAL, &RunId::from("r"), 0, 1000).await.unwrap();
    assert_eq!(seen, ledger.rows);
}

#[tokio::test]
async fn large_rows_are_given_one_at_a_time() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let news = rig.handle.subscribe(at);
    for _ in 0..5 {
        let mut next = rig.next("r", Position::Running { node: "n".to_owned() }).await;
        next.rows[0].result = Some(raw(&format!("\"{}\"", "x".repeat(100_000))));
        rig.handle.advance(next).await.unwrap();
    }
    // The first from the database, the last from memory.
    assert_eq!((remembered(&news, 0), remembered(&news, 3)), (None, Some(1)));
    for after in 0..5 {
        assert_eq!(rig.handle.tail(&news, after).await.unwrap().rows.len(), 1);
    }
}

#[tokio::test]
async fn subscribers_hear_of_pause_cancel_and_the_end_of_the_journal() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let mut news = rig.handle.subscribe(at);
    rig.command(CommandKind::Pause, "r", "{}").await;
    assert!(news.changed().await);
    assert_eq!(news.peek(0).unwrap().status, RunStatus::Waiting);
    rig.command(CommandKind::Cancel, "r", "{}").await;
    assert!(news.changed().await);
    assert_eq!(remembered(&news, 0), Some(1));
    rig.handle.close().await.unwrap();
    assert!(!news.changed().await);
}

#[tokio::test]
async fn a_page_is_written_once_for_all_who_are_at_the_same_row() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let listeners: Vec<Subscription> = (0..10).map(|_| rig.handle.subscribe(at)).collect();
    let written = std::cell::Cell::new(0);
    let told = async |news: &Subscription, after| {
        let tail = rig.handle.tail(news, after).await.unwrap();
        let text = tail.rows.told(|rows| {
            written.set(written.get() + 1);
            rows.concat().into()
        });
        (text, tail.rows.len() as u64)
    };
    let mut cursor = 0;
    for step in 1..=10 {
        step_on(&rig, "r").await;
        if step == 5 {
            // As if another process had made the commit: all of them need the database.
            rig.handle.forget_tails(at);
        }
        let (first, rows) = told(&listeners[0], cursor).await;
        for news in &listeners[1..] {
            assert_eq!(told(news, cursor).await, (first.clone(), rows));
        }
        cursor += rows;
        assert_eq!((cursor, written.get()), (step, step));
    }
    // One that is behind is not held up by the small pages of those who were not.
    assert_eq!(told(&listeners[0], 7).await.1, 3);
    assert_eq!(told(&listeners[1], 7).await.1, 3);
    let ledger = rig.handle.ledger(LOCAL, &RunId::from("r"), 7, 10).await.unwrap();
    assert_eq!(told(&listeners[2], 7).await.0, ledger.rows.concat());
    assert_eq!(written.get(), 11);
}
