use super::*;

const MINUTE: i64 = 60_000_000;

#[tokio::test]
async fn an_answer_is_a_resume_row_an_outcome_and_a_wake() {
    let mut rig = rig().await;
    let at = rig.start("r").await;
    rig.wait("r", vec![user(4, "r")]).await;
    let row = rig.row("r").await;
    assert_eq!(
        (row.status, row.waiting.unwrap().wait_key.as_deref()),
        (RunStatus::Waiting, Some("user:r:wait"))
    );
    rig.woken().await;

    let done = rig
        .command(
            CommandKind::Resume,
            "r",
            r#"{"wait_key":"user:r:wait","payload":{"response":"hi","n":1.0}}"#,
        )
        .await;
    assert_eq!(done, CommandState::Applied);
    assert_eq!(rig.woken().await, [Wake::Ready(at)]);
    let row = rig.row("r").await;
    assert_eq!(
        (row.status, row.waiting.is_none(), row.last_seq, row.epoch),
        (RunStatus::Running, true, 2, 0)
    );
    let ledger = rig.ledger("r").await;
    let resume = &ledger[1];
    assert_eq!(
        (resume.node_id.as_str(), resume.status, text(resume.result.as_ref())),
        ("wait", StepStatus::Completed, r#"{"resumed":true}"#)
    );
    assert_eq!(
        serde_json::to_string(resume.effect.as_ref().unwrap()).unwrap(),
        r#"{"type":"resume","payload":{"wait_reason":"user","wait_key":"user:r:wait","resume_to_node":"next","result_key":"_temp.effects.wait","payload":{"response":"hi","n":1.0}},"result_key":null}"#
    );
    assert!(resume.started_at > ledger[0].started_at && resume.idempotency_key.is_none());
    let live = rig.load("r").await;
    assert_eq!(live.inbox.len(), 1);
    assert!(
        matches!(&live.inbox[0], Delivery { effect_id: 4, outcome: Outcome::Completed(p) } if p.get() == r#"{"response":"hi","n":1.0}"#)
    );
    rig.complete("r", "{}").await;
    assert!(rig.load("r").await.inbox.is_empty());
}

#[tokio::test]
async fn a_refused_answer_says_why_and_changes_nothing() {
    let rig = rig().await;
    rig.start("r").await;
    let refused = |reason: &str| CommandState::Failed(reason.to_owned());
    let answer = async |payload: &str| rig.command(CommandKind::Resume, "r", payload).await;
    assert_eq!(answer(r#"{"payload":{}}"#).await, refused("Run is not waiting"));
    rig.wait("r", vec![user(4, "r")]).await;
    let before = rig.row("r").await.own_seq;
    assert_eq!(answer(r#"{"payload":[]}"#).await, refused("resume payload must be an object"));
    assert_eq!(
        answer(r#"{"payload":null}"#).await,
        refused("resume payload must be an object")
    );
    let mismatch = "wait_key mismatch: expected 'user:r:wait', got 'x'";
    assert_eq!(answer(r#"{"payload":{},"waitKey":"x"}"#).await, refused(mismatch));
    assert_eq!(
        rig.command(CommandKind::Resume, "zz", r#"{"payload":{}}"#).await,
        refused("Unknown run_id: zz")
    );
    assert_eq!(
        (rig.status("r").await, rig.row("r").await.own_seq),
        (RunStatus::Waiting, before)
    );
    assert_eq!(answer(r#"{"payload":{}}"#).await, CommandState::Applied);
    assert_eq!(answer(r#"{"payload":{}}"#).await, refused("Run is not waiting"));
}

#[tokio::test]
async fn a_timer_tells_the_flow_and_leaves_no_row() {
    let mut rig = rig().await;
    let at = rig.start("r").await;
    let due = T0.plus(MINUTE);
    rig.wait("r", vec![wait_on(4, WaitReason::Until, None, Some(due))]).await;
    rig.woken().await;
    assert_eq!(rig.handle.next_due(), Some(due));
    assert_eq!(rig.handle.fire_due(due.plus(-1)).await.unwrap(), 0);
    assert_eq!(rig.handle.fire_due(due).await.unwrap(), 1);
    assert_eq!((rig.handle.next_due(), rig.woken().await), (None, vec![Wake::Ready(at)]));
    let live = rig.load("r").await;
    assert_eq!((live.row.status, live.row.last_seq), (RunStatus::Running, 1));
    assert!(live.row.updated_at >= due);
    assert!(matches!(
        live.inbox[..],
        [Delivery {
            effect_id: 4,
            outcome: Outcome::Elapsed
        }]
    ));
}

#[tokio::test]
async fn a_paused_timer_rests_and_fires_at_resume_when_it_is_over() {
    let rig = rig().await;
    rig.start("r").await;
    let due = T0.plus(MINUTE);
    rig.wait("r", vec![wait_on(4, WaitReason::Until, None, Some(due))]).await;
    rig.command(CommandKind::Pause, "r", "{}").await;
    assert_eq!(rig.handle.fire_due(due.plus(MINUTE)).await.unwrap(), 0);
    assert_eq!(rig.handle.next_due(), None);
    rig.command(CommandKind::Resume, "r", "{}").await;
    assert_eq!(rig.handle.next_due(), Some(due));
    assert_eq!(rig.handle.fire_due(due.plus(MINUTE)).await.unwrap(), 1);
    assert_eq!(rig.status("r").await, RunStatus::Running);
}

#[tokio::test]
async fn a_wait_for_time_can_be_answered() {
    let rig = rig().await;
    rig.start("r").await;
    rig.wait("r", vec![wait_on(4, WaitReason::Until, None, Some(T0.plus(MINUTE)))])
        .await;
    assert_eq!(
        rig.command(CommandKind::Resume, "r", r#"{"payload":{},"wait_key":"any"}"#)
            .await,
        CommandState::Applied
    );
    assert_eq!(rig.handle.fire_due(T0.plus(MINUTE)).await.unwrap(), 0);
    assert_eq!(rig.load("r").await.inbox.len(), 1);
}

#[tokio::test]
async fn several_waits_show_the_first_and_each_is_answered_once() {
    let rig = rig().await;
    rig.start("r").await;
    rig.wait(
        "r",
        vec![
            event(1, "evt:global:global:a"),
            user(2, "r"),
            wait_on(3, WaitReason::Until, None, Some(T0.plus(MINUTE))),
        ],
    )
    .await;
    let shown = rig.row("r").await.waiting.unwrap();
    assert_eq!(shown.wait_key.as_deref(), Some("evt:global:global:a"));
    let details: serde_json::Value = serde_json::from_str(shown.details.unwrap().get()).unwrap();
    assert_eq!(details["also"][0]["wait_key"], "user:r:wait");
    assert_eq!(details["also"][1]["reason"], "until");

    assert_eq!(
        rig.command(CommandKind::Resume, "r", r#"{"payload":{},"wait_key":"user:r:wait"}"#)
            .await,
        CommandState::Applied
    );
    // The run runs, but what it still waits for may come.
    assert_eq!(rig.handle.fire_due(T0.plus(MINUTE)).await.unwrap(), 1);
    let late = rig.waits("r", Vec::new()).await;
    assert_eq!(late.inbox_consumed, 2);
    // A driver that was told of the first outcome only.
    rig.handle
        .advance(Advance {
            inbox_consumed: 1,
            ..late
        })
        .await
        .unwrap();
    let live = rig.load("r").await;
    assert_eq!(
        (live.row.status, live.inbox.len(), live.inbox[0].effect_id),
        (RunStatus::Running, 1, 3)
    );
}

#[tokio::test]
async fn a_wait_that_is_open_again_keeps_its_place() {
    let rig = rig().await;
    for id in ["a", "b"] {
        rig.start(id).await;
        rig.wait(id, vec![event(1, "evt:global:global:x"), user(2, id)]).await;
    }
    rig.command(CommandKind::Resume, "a", r#"{"payload":{},"wait_key":"user:a:wait"}"#)
        .await;
    rig.wait("a", vec![user(3, "a")]).await;
    rig.start("e").await;
    let result = emit(&rig, "e", "x").await;
    assert_eq!(result["delivered_to"], serde_json::json!(["a", "b"]));
}

#[tokio::test]
async fn an_answer_that_comes_while_a_driver_works_disturbs_nobody_and_is_told_next() {
    let mut rig = rig().await;
    let at = rig.start("r").await;
    let mut open = rig.next("r", Position::Running { node: "n".to_owned() }).await;
    open.opened = vec![user(1, "r"), event(2, "evt:global:global:a")];
    rig.handle.advance(open).await.unwrap();
    let row = rig.row("r").await;
    assert_eq!(
        (row.status, row.waiting.unwrap().wait_key.as_deref()),
        (RunStatus::Running, Some("user:r:wait")),
        "what can be answered is shown"
    );
    // Computed before the answer came.
    let late = rig.waits("r", vec![user(3, "r")]).await;
    rig.woken().await;
    assert_eq!(
        rig.command(CommandKind::Resume, "r", r#"{"payload":{"n":1}}"#).await,
        CommandState::Applied
    );
    assert_eq!(rig.woken().await, [Wake::Ready(at)]);
    let done = rig.handle.advance(late).await.unwrap();
    assert!(matches!(done.inbox[..], [Delivery { effect_id: 1, .. }]));
    let live = rig.load("r").await;
    assert_eq!(
        (live.row.status, live.inbox.len()),
        (RunStatus::Running, 1),
        "it has something to be told"
    );
    assert_eq!(live.waits, [2, 3]);
    let kinds: Vec<String> = rig
        .ledger("r")
        .await
        .into_iter()
        .map(|row| row.effect.unwrap().kind)
        .collect();
    assert_eq!(kinds, ["answer_user", "resume", "answer_user"]);
    rig.wait("r", Vec::new()).await;
    let row = rig.row("r").await;
    let shown = row.waiting.unwrap();
    assert_eq!(
        (row.status, shown.wait_key.as_deref()),
        (RunStatus::Waiting, Some("evt:global:global:a"))
    );
    let details: serde_json::Value = serde_json::from_str(shown.details.unwrap().get()).unwrap();
    assert_eq!(details["also"][0]["wait_key"], "user:r:wait");
}

#[tokio::test]
async fn an_abandoned_wait_is_closed_with_its_timer() {
    let rig = rig().await;
    rig.start("r").await;
    let due = T0.plus(MINUTE);
    let timed = wait_on(2, WaitReason::Until, None, Some(due));
    rig.wait("r", vec![event(1, "evt:global:global:a"), timed, user(3, "r")])
        .await;
    rig.command(CommandKind::Resume, "r", r#"{"payload":{},"wait_key":"user:r:wait"}"#)
        .await;
    let mut next = rig.waits("r", vec![user(4, "r")]).await;
    next.abandoned = vec![1, 2];
    rig.handle.advance(next).await.unwrap();
    assert_eq!(rig.load("r").await.waits, [4]);
    assert_eq!(rig.handle.fire_due(due).await.unwrap(), 0);
    rig.start("e").await;
    assert_eq!(emit(&rig, "e", "a").await["delivered"], 0);
    assert_eq!(rig.status("r").await, RunStatus::Waiting);
}

#[tokio::test]
async fn the_rows_of_events_stand_where_they_were_asked_for() {
    let rig = rig().await;
    rig.start("r").await;
    let mut next = rig.next("r", Position::Running { node: "n".to_owned() }).await;
    let at = next.last_time;
    next.rows = vec![step("r", "first", at), step("r", "last", at.plus(10))];
    next.last_time = at.plus(20);
    let global = (EventScope::Global, "global");
    next.emits = [(7, 1), (8, 1)]
        .map(|(id, after_rows)| EmitEvent {
            after_rows,
            ..emission(id, ("r", at.plus(5)), global, "x")
        })
        .into();
    let done = rig.handle.advance(next).await.unwrap();
    let told: Vec<u64> = done.inbox.iter().map(|delivery| delivery.effect_id).collect();
    assert_eq!((told, done.own_seq), (vec![7, 8], 6));
    let nodes: Vec<String> = rig.ledger("r").await.into_iter().map(|row| row.node_id).collect();
    assert_eq!(nodes, ["first", "emit", "emit", "emit", "emit", "last"]);
}

pub(super) async fn emit(rig: &Rig, run: &str, name: &str) -> serde_json::Value {
    emit_to(rig, run, EventScope::Global, "global", name).await
}

fn emission(effect_id: u64, (run, at): (&str, Micros), (scope, scope_id): (EventScope, &str), name: &str) -> EmitEvent {
    EmitEvent {
        effect_id,
        after_rows: 0,
        step: StepRecord {
            status: StepStatus::Started,
            result: None,
            ended_at: None,
            ..step(run, "emit", at)
        },
        name: name.to_owned(),
        scope,
        scope_id: scope_id.to_owned(),
        event_id: None,
        payload: raw(r#"{"n":1}"#),
        emitter: raw(&format!(r#"{{"run_id":"{run}","workflow_id":"w","node_id":"emit"}}"#)),
    }
}

pub(super) async fn emit_to(rig: &Rig, run: &str, scope: EventScope, scope_id: &str, name: &str) -> serde_json::Value {
    let at = rig.clock.now().max(rig.row(run).await.last_time.plus(5));
    let mut advance = rig.next(run, Position::Running { node: "emit".to_owned() }).await;
    advance.rows.clear();
    advance.emits = vec![emission(77, (run, at), (scope, scope_id), name)];
    advance.last_time = at;
    let done = rig.handle.advance(advance).await.unwrap();
    let told = done.inbox.into_iter().find(|delivery| delivery.effect_id == 77);
    match told.map(|delivery| delivery.outcome) {
        Some(Outcome::Completed(result)) => serde_json::from_str(result.get()).unwrap(),
        other => panic!("{other:?}"),
    }
}
