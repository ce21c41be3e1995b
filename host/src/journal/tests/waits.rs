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
    let late = rig
        .next(
            "r",
            Position::Waiting {
                node: "w".to_owned(),
                waits: vec![event(1, "evt:global:global:a")],
            },
        )
        .await;
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
    rig.wait("a", vec![event(1, "evt:global:global:x"), user(3, "a")]).await;
    rig.start("e").await;
    let result = emit(&rig, "e", "x").await;
    assert_eq!(result["delivered_to"], serde_json::json!(["a", "b"]));
}

pub(super) async fn emit(rig: &Rig, run: &str, name: &str) -> serde_json::Value {
    emit_to(rig, run, EventScope::Global, "global", name).await
}

pub(super) async fn emit_to(rig: &Rig, run: &str, scope: EventScope, scope_id: &str, name: &str) -> serde_json::Value {
    let at = rig.clock.now().max(rig.row(run).await.last_time.plus(5));
    let emit = EmitEvent {
        effect_id: 77,
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
    };
    let mut advance = rig
        .next(
            run,
            Position::Emitting {
                node: "emit".to_owned(),
                emit: Box::new(emit),
            },
        )
        .await;
    advance.rows.clear();
    advance.last_time = at;
    let done = rig.handle.advance(advance).await.unwrap();
    serde_json::from_str(done.emitted.unwrap().unwrap().get()).unwrap()
}
