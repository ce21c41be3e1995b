use super::*;

/// `p` waits for its child `c`.
async fn family(rig: &Rig) {
    rig.start("p").await;
    let mut a = rig.waits("p", vec![child_wait(5, "c")]).await;
    a.children = vec![StartRun {
        session_id: Some("p".to_owned()),
        ..start_run("c")
    }];
    let done = rig.handle.advance(a).await.unwrap();
    assert_eq!(done.children, [rig.row("c").await.at]);
}

#[tokio::test]
async fn the_end_of_a_child_answers_its_parent_in_the_same_commit() {
    let mut rig = rig().await;
    family(&rig).await;
    let (p, c) = (rig.row("p").await, rig.row("c").await);
    assert_eq!(
        (c.parent_run_id, c.session_id.as_deref()),
        (Some(RunId::from("p")), Some("p"))
    );
    rig.woken().await;
    rig.complete("c", r#"{"answer":1.0}"#).await;
    assert_eq!(rig.woken().await, [Wake::Ready(p.at)]);
    let row = rig.ledger("p").await.pop().unwrap();
    assert_eq!(resume_payload(&row)["wait_key"], "subworkflow:c");
    let live = rig.load("p").await;
    let Outcome::Completed(payload) = &live.inbox[0].outcome else {
        panic!()
    };
    assert_eq!(payload.get(), r#"{"sub_run_id":"c","output":{"answer":1.0}}"#);
    assert_eq!(
        (live.row.status, live.row.epoch, live.inbox[0].effect_id),
        (RunStatus::Running, 0, 5)
    );
}

#[tokio::test]
async fn what_a_parent_is_told_by_the_way_its_child_ended() {
    for (to, told) in [
        (
            Position::Completed {
                node: "e".to_owned(),
                output: raw("[1]"),
            },
            r#"{"result":[1]}"#,
        ),
        (
            Position::Completed {
                node: "e".to_owned(),
                output: raw("null"),
            },
            r#"{"result":null}"#,
        ),
        (
            Position::Failed {
                node: "e".to_owned(),
                error: "bad".to_owned(),
            },
            r#"{"success":false,"error":"bad"}"#,
        ),
    ] {
        let rig = rig().await;
        family(&rig).await;
        rig.go("c", to).await.unwrap();
        let Outcome::Completed(payload) = &rig.load("p").await.inbox[0].outcome else {
            panic!()
        };
        assert_eq!(payload.get(), format!(r#"{{"sub_run_id":"c","output":{told}}}"#));
    }
    let rig = rig().await;
    family(&rig).await;
    rig.command(CommandKind::Cancel, "c", r#"{"reason":"enough"}"#).await;
    let Outcome::Completed(payload) = &rig.load("p").await.inbox[0].outcome else {
        panic!()
    };
    assert_eq!(
        payload.get(),
        r#"{"sub_run_id":"c","output":{"success":false,"error":"enough","cancelled":true}}"#
    );
}

#[tokio::test]
async fn a_wait_for_a_run_that_has_ended_is_answered_at_once() {
    let mut rig = rig().await;
    rig.start("c").await;
    rig.complete("c", r#"{"a":1}"#).await;
    let p = rig.start("p").await;
    rig.woken().await;
    rig.wait("p", vec![child_wait(5, "c")]).await;
    assert_eq!(rig.woken().await, [Wake::Ready(p)]);
    assert_eq!((rig.status("p").await, rig.ledger("p").await.len()), (RunStatus::Running, 2));
    // And one that is nobody's child is heard of when it ends.
    rig.start("d").await;
    rig.wait("p", vec![child_wait(6, "d")]).await;
    rig.complete("d", "{}").await;
    assert_eq!(rig.load("p").await.inbox[0].effect_id, 6);
}

#[tokio::test]
async fn a_paused_parent_hears_of_its_child_when_it_is_resumed() {
    let rig = rig().await;
    family(&rig).await;
    rig.command(CommandKind::Pause, "p", r#"{"reason":"look"}"#).await;
    rig.command(CommandKind::Resume, "c", "{}").await;
    rig.complete("c", "{}").await;
    let p = rig.row("p").await;
    assert_eq!(
        (p.status, p.paused.paused, p.waiting.unwrap().reason),
        (RunStatus::Waiting, true, WaitReason::Subworkflow)
    );
    assert_eq!(
        rig.command(CommandKind::Resume, "p", r#"{"payload":{}}"#).await,
        CommandState::Failed("Run is paused".to_owned())
    );
    rig.command(CommandKind::Resume, "p", "{}").await;
    let live = rig.load("p").await;
    assert_eq!(
        (live.row.status, live.inbox.len(), live.row.paused.paused),
        (RunStatus::Running, 1, false)
    );
}

#[tokio::test]
async fn a_running_run_that_is_paused_shows_the_pause_and_goes_on_from_its_last_commit() {
    let mut rig = rig().await;
    let at = rig.start("r").await;
    let ahead = rig.next("r", Position::Running { node: "n".to_owned() }).await;
    rig.woken().await;
    rig.clock.advance_to(T0.plus(1000));
    rig.command(CommandKind::Pause, "r", r#"{"reason":"  look "}"#).await;
    assert_eq!(rig.woken().await, [Wake::Stopped(at)]);
    let row = rig.row("r").await;
    assert_eq!(
        serde_json::to_string(&row.waiting).unwrap(),
        r#"{"reason":"user","wait_key":"pause:r","until":null,"resume_to_node":"begin","result_key":null,"prompt":"Paused","choices":null,"allow_free_text":false,"details":{"kind":"pause"}}"#
    );
    assert_eq!(
        (row.status, row.paused.paused, row.paused.reason.as_deref()),
        (RunStatus::Waiting, true, Some("look"))
    );
    assert_eq!(row.paused.paused_at, Some(T0.plus(1000)));
    assert!(matches!(rig.handle.advance(ahead).await, Err(Error::Stale)));
    assert_eq!(
        rig.command(CommandKind::Resume, "r", r#"{"payload":{}}"#).await,
        CommandState::Failed("Run is paused".to_owned())
    );
    // Paused twice is paused once.
    rig.clock.advance_to(T0.plus(2000));
    rig.command(CommandKind::Pause, "r", "{}").await;
    assert_eq!(rig.row("r").await.paused.reason.as_deref(), Some("look"));
    rig.command(CommandKind::Resume, "r", "{}").await;
    assert_eq!(rig.woken().await, [Wake::Ready(at)]);
    let row = rig.row("r").await;
    assert_eq!(
        (row.status, row.paused.paused, row.waiting.is_none(), row.own_seq),
        (RunStatus::Running, false, true, 0)
    );
    assert_eq!(
        (row.paused.paused_at, row.paused.resumed_at),
        (Some(T0.plus(1000)), Some(T0.plus(2000)))
    );
    assert!(row.paused.reason.is_none());
}

#[tokio::test]
async fn a_run_that_asks_a_person_is_not_paused_others_of_its_tree_are() {
    let rig = rig().await;
    family(&rig).await;
    rig.wait("c", vec![user(1, "c")]).await;
    rig.command(CommandKind::Pause, "p", "{}").await;
    let (p, c) = (rig.row("p").await, rig.row("c").await);
    assert_eq!((p.paused.paused, c.paused.paused), (true, false));
    assert_eq!(p.waiting.unwrap().reason, WaitReason::Subworkflow);
}

#[tokio::test]
async fn cancel_ends_the_whole_tree_and_what_has_ended_stays() {
    let mut rig = rig().await;
    family(&rig).await;
    rig.start("other").await;
    rig.wait("c", vec![user(1, "c")]).await;
    rig.woken().await;
    rig.command(CommandKind::Cancel, "p", r#"{"reason":"enough"}"#).await;
    for id in ["p", "c"] {
        let row = rig.row(id).await;
        assert_eq!(
            (row.status, row.error.as_deref(), row.waiting.is_none(), row.paused.paused),
            (RunStatus::Cancelled, Some("enough"), true, false)
        );
        let last = rig.ledger(id).await.pop().unwrap();
        assert_eq!(last.idempotency_key.as_deref(), Some("system:terminal_status:cancelled"));
        assert_eq!(
            text(last.result.as_ref()),
            r#"{"emitted":true,"name":"abstract.status","payload":{"text":"cancelled"}}"#
        );
        assert_eq!(
            last.effect.unwrap().payload.get(),
            r#"{"name":"abstract.status","scope":"session","payload":{"text":"cancelled"}}"#
        );
    }
    // The parent was gone first: no resume row, no wake.
    assert_eq!(rig.ledger("p").await.len(), 2);
    assert!(rig.woken().await.iter().all(|w| matches!(w, Wake::Stopped(_))));
    assert_eq!(rig.status("other").await, RunStatus::Running);
    let before = rig.row("p").await.last_seq;
    rig.command(CommandKind::Cancel, "p", "{}").await;
    rig.command(CommandKind::Pause, "p", "{}").await;
    assert_eq!(
        (rig.row("p").await.last_seq, rig.row("p").await.error.as_deref()),
        (before, Some("enough"))
    );
    // A run that is cancelled before anything happened.
    rig.command(CommandKind::Cancel, "other", "{}").await;
    assert_eq!(rig.row("other").await.error.as_deref(), Some("Cancelled"));
    assert_eq!(rig.ledger("other").await[0].node_id, "begin");
}

#[tokio::test]
async fn a_paused_run_can_be_cancelled() {
    let rig = rig().await;
    rig.start("r").await;
    rig.command(CommandKind::Pause, "r", "{}").await;
    rig.command(CommandKind::Cancel, "r", "{}").await;
    let row = rig.row("r").await;
    assert_eq!((row.status, row.paused.paused, row.epoch), (RunStatus::Cancelled, false, 2));
}

#[tokio::test]
async fn resuming_a_recurrent_schedule_makes_its_time_now() {
    let rig = rig().await;
    let schedule = r#"{"_meta":{"schedule":{"kind":"scheduled_run","interval":"1h"}}}"#;
    rig.handle
        .start(StartRun {
            host_vars: raw(schedule),
            ..start_run("s")
        })
        .await
        .unwrap();
    rig.wait("s", vec![wait_on(1, WaitReason::Until, None, Some(T0.plus(3_600_000_000)))])
        .await;
    rig.command(CommandKind::Pause, "s", "{}").await;
    rig.command(CommandKind::Resume, "s", "{}").await;
    assert_eq!(rig.handle.next_due(), Some(T0));
    assert_eq!(rig.handle.fire_due(T0).await.unwrap(), 1);
}
