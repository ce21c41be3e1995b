use super::*;
use crate::journal::fuse::{Fuse, Moment};

fn running() -> Position {
    Position::Running { node: "n".to_owned() }
}

#[tokio::test]
async fn an_advance_names_the_epoch_and_the_next_row() {
    let rig = rig().await;
    rig.start("r").await;
    let next = rig.next("r", running()).await;
    for stale in [
        Advance {
            epoch: 1,
            ..next.clone()
        },
        Advance {
            next_seq: 2,
            ..next.clone()
        },
        Advance {
            next_seq: 0,
            ..next.clone()
        },
        Advance {
            inbox_consumed: 1,
            ..next.clone()
        },
    ] {
        assert!(matches!(rig.handle.advance(stale).await, Err(Error::Stale)));
    }
    // Twice the same, in one commit: one of them.
    let (a, b) = tokio::join!(rig.handle.advance(next.clone()), rig.handle.advance(next));
    assert!(matches!((a, b), (Ok(Advanced { own_seq: 1, .. }), Err(Error::Stale))));
    assert_eq!(rig.ledger("r").await.len(), 1);
    rig.complete("r", "{}").await;
    assert!(matches!(rig.go("r", running()).await, Err(Error::Stale)));
}

#[tokio::test]
async fn what_was_computed_ahead_of_a_commit_that_failed_is_refused() {
    let mut rig = rig().await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON runs WHEN new.run_id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuse).execute(&mut *rig.database().await).await.unwrap();
    assert!(rig.handle.start(start_run("bad")).await.is_err());
    // Its driver was to begin beside the commit. There is nothing for it to drive.
    let [Wake::Ready(bad)] = rig.woken().await[..] else {
        panic!("one run was woken")
    };
    assert!(rig.handle.load(bad).await.unwrap().is_none());
    // Another run has the key now, and is not moved by what was meant for the first.
    assert_eq!(rig.start("good").await, bad);
    let next = rig.next("good", running()).await;
    let ahead = Advance {
        run_id: RunId::from("bad"),
        ..next.clone()
    };
    assert!(matches!(rig.handle.advance(ahead).await, Err(Error::UnknownRun(id)) if id == "bad"));
    rig.handle.advance(next).await.unwrap();
    assert_eq!(rig.ledger("good").await.len(), 1);
}

#[tokio::test]
async fn a_run_gets_its_driver_while_it_is_committed_and_its_child_afterwards() {
    let fuse = Fuse::new(1, Moment::Before);
    let mut rig = rig_with(Options {
        fuse: Some(fuse.clone()),
        ..Options::default()
    })
    .await;
    let handle = rig.handle.clone();
    let started = tokio::spawn(async move { handle.start(start_run("r")).await });
    fuse.blown().await;
    let [Wake::Ready(at)] = rig.woken().await[..] else {
        panic!("one run was woken")
    };
    let live = rig.handle.load(at).await.unwrap().unwrap();
    assert_eq!(live.row.run_id.as_str(), "r");
    assert!(!started.is_finished(), "nobody is told of a commit that was not made");

    let fuse = Fuse::new(2, Moment::Before);
    let mut rig = rig_with(Options {
        fuse: Some(fuse.clone()),
        ..Options::default()
    })
    .await;
    rig.start("p").await;
    assert_eq!(rig.woken().await.len(), 1);
    let child = StartRun {
        parent: Some(RunId::from("p")),
        ..start_run("c")
    };
    let next = Advance {
        children: vec![child],
        ..rig.next("p", running()).await
    };
    let handle = rig.handle.clone();
    tokio::spawn(async move { handle.advance(next).await });
    fuse.blown().await;
    assert_eq!(rig.woken().await, []);
}

#[tokio::test]
async fn a_run_is_loaded_as_its_last_snapshot_and_what_came_after() {
    let rig = rig().await;
    rig.start("r").await;
    let mut a = rig.next("r", running()).await;
    a.ticks = vec!["{\"n\":1}".to_owned(), "{\n\"n\":\"two\\n\"}".to_owned()];
    rig.handle.advance(a).await.unwrap();
    assert_eq!(rig.load("r").await.ticks, ["{\"n\":1}", "{\n\"n\":\"two\\n\"}"]);
    let mut a = rig.next("r", running()).await;
    a.snapshot = Some(vec![1, 2, 3]);
    rig.handle.advance(a).await.unwrap();
    let live = rig.load("r").await;
    assert_eq!((live.snapshot, live.ticks), (Some(vec![1, 2, 3]), Vec::<String>::new()));
    rig.go("r", running()).await.unwrap();
    let live = rig.load("r").await;
    assert_eq!(
        (live.snapshot, live.ticks.len(), live.row.last_seq),
        (Some(vec![1, 2, 3]), 1, 3)
    );
}

#[tokio::test]
async fn the_end_of_a_run_is_in_its_row() {
    let rig = rig().await;
    rig.start("a").await;
    rig.start("b").await;
    rig.complete("a", r#"{"big":123456789012345678901234567890,"f":3.0}"#).await;
    rig.go(
        "b",
        Position::Failed {
            node: "n7".to_owned(),
            error: "it broke".to_owned(),
        },
    )
    .await
    .unwrap();
    let (a, b) = (rig.row("a").await, rig.row("b").await);
    assert_eq!(text(a.output.as_ref()), r#"{"big":123456789012345678901234567890,"f":3.0}"#);
    assert_eq!(
        (a.status, a.current_node.as_deref(), a.error),
        (RunStatus::Completed, Some("end"), None)
    );
    assert_eq!(
        (b.status, b.current_node.as_deref(), b.error.as_deref()),
        (RunStatus::Failed, Some("n7"), Some("it broke"))
    );
    assert_eq!(rig.handle.ledger_len(LOCAL, &RunId::from("a")).await.unwrap(), Some(1));
    assert_eq!(rig.handle.ledger_len(LOCAL, &RunId::from("zz")).await.unwrap(), None);
    assert!(rig.handle.runnable().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_ledger_is_read_by_cursor() {
    let rig = rig().await;
    rig.start("r").await;
    for _ in 0..5 {
        rig.go("r", running()).await.unwrap();
    }
    let r = RunId::from("r");
    let page = rig.handle.ledger(LOCAL, &r, 2, 2).await.unwrap();
    assert_eq!((page.rows.len(), page.next_after), (2, 4));
    let page = rig.handle.ledger(LOCAL, &r, 4, 200).await.unwrap();
    assert_eq!((page.rows.len(), page.next_after), (1, 5));
    let page = rig.handle.ledger(LOCAL, &r, u64::MAX, 200).await.unwrap();
    assert_eq!((page.rows.len(), page.next_after), (0, u64::MAX));
    // Two rows fit into as many bytes as three rows less one; a row that does not fit comes alone.
    let all = rig.handle.ledger(LOCAL, &r, 0, 200).await.unwrap().rows;
    let bytes = all[..3].iter().map(|row| row.len()).sum::<usize>() - 1;
    let page = rig.handle.ledger_within(LOCAL, &r, (0, 200), bytes).await.unwrap();
    assert_eq!((&page.rows[..], page.next_after), (&all[..2], 2));
    let page = rig.handle.ledger_within(LOCAL, &r, (2, 200), 1).await.unwrap();
    assert_eq!((&page.rows[..], page.next_after), (&all[2..3], 3));
    assert!(
        rig.handle
            .ledger(LOCAL, &RunId::from("zz"), 0, 200)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

fn call(step_id: &str) -> OpenCall {
    OpenCall {
        effect_id: 9,
        step_id: step_id.to_owned(),
        node: "llm".to_owned(),
        kind: "llm_call".to_owned(),
        payload: raw("{}"),
        result_key: None,
        started_at: T0.iso(),
        attempt: 1,
        idempotency_key: "k".to_owned(),
    }
}

fn finished(run: RunRef, step_id: &str) -> FinishedCall {
    let row = StepRecord {
        step_id: step_id.to_owned(),
        ..step("r", "llm", T0)
    };
    FinishedCall {
        run,
        effect_id: 9,
        row,
        outcome: Outcome::Completed(raw(r#"{"text":"hi"}"#)),
    }
}

#[tokio::test]
async fn a_call_in_flight_outlives_a_pause_and_its_result_is_used_after_it() {
    let mut rig = rig().await;
    let at = rig.start("r").await;
    let mut next = rig.next("r", running()).await;
    next.calls = vec![call("s1")];
    rig.handle.advance(next).await.unwrap();
    rig.command(CommandKind::Pause, "r", "{}").await;
    assert_eq!(rig.load("r").await.calls.len(), 1);
    assert!(!rig.handle.finish_call(finished(at, "another")).await.unwrap());
    assert!(rig.handle.finish_call(finished(at, "s1")).await.unwrap());
    assert!(!rig.handle.finish_call(finished(at, "s1")).await.unwrap());
    assert_eq!(rig.status("r").await, RunStatus::Waiting);
    rig.woken().await;
    rig.command(CommandKind::Resume, "r", "{}").await;
    assert_eq!(rig.woken().await, [Wake::Ready(at)]);
    let live = rig.load("r").await;
    assert_eq!((live.calls.len(), live.inbox.len(), live.inbox[0].effect_id), (0, 1, 9));
    assert_eq!(rig.ledger("r").await.last().unwrap().step_id, "s1");
}

#[tokio::test]
async fn a_result_that_comes_after_cancel_is_kept_and_moves_nothing() {
    let rig = rig().await;
    let at = rig.start("r").await;
    let mut next = rig.next("r", running()).await;
    next.calls = vec![call("s1")];
    rig.handle.advance(next).await.unwrap();
    rig.command(CommandKind::Cancel, "r", "{}").await;
    assert!(rig.handle.finish_call(finished(at, "s1")).await.unwrap());
    let rows = rig.ledger("r").await;
    assert_eq!(rows.last().unwrap().step_id, "s1");
    assert_eq!(
        (rig.status("r").await, rig.load("r").await.inbox.len()),
        (RunStatus::Cancelled, 0)
    );
}
