use super::*;
use crate::schedules::WAIT_INTERVAL;

const ABOUT: &str = r#"{"kind":"scheduled_run","target_flow_id":"root","interval":"1h","repeat_count":null,"updated_at":null}"#;

/// A schedule's run that waits at `node` until an hour from now.
async fn waiting_at(node: &str, about: &str) -> Rig {
    let rig = rig().await;
    let workflow = DynamicWorkflow {
        tenant: LOCAL,
        workflow_id: "scheduled:1".to_owned(),
        document: raw(r#"{"id":"scheduled:1"}"#),
        component: rig.component(b"component").await,
        entry: "begin".to_owned(),
    };
    let run = StartRun {
        workflow_id: "scheduled:1".to_owned(),
        host_vars: raw(&format!(r#"{{"_limits":{{"max_tokens":7}},"_meta":{{"schedule":{about}}}}}"#)),
        ..start_run("s")
    };
    rig.handle.start_dynamic(workflow, run).await.unwrap();
    let until = Some(T0.plus(3_600_000_000));
    let to = Position::Waiting { node: node.to_owned() };
    let mut next = rig.next("s", to).await;
    next.opened = vec![wait_on(1, WaitReason::Until, None, until)];
    rig.handle.advance(next).await.unwrap();
    rig
}

fn schedule_of(run: &RunRow) -> serde_json::Value {
    let vars: serde_json::Value = serde_json::from_str(run.host_vars.get()).unwrap();
    assert_eq!(vars["_limits"]["max_tokens"], 7, "the rest stays");
    vars["_meta"]["schedule"].clone()
}

fn until(run: &RunRow) -> Option<String> {
    run.waiting.as_ref()?.until.clone()
}

fn refused(text: &str) -> CommandState {
    CommandState::Failed(text.to_owned())
}

#[tokio::test]
async fn a_dynamic_workflow_is_there_with_its_run() {
    let rig = waiting_at(WAIT_INTERVAL, ABOUT).await;
    let found = rig.handle.dynamic_workflow(LOCAL, "scheduled:1").await.unwrap().unwrap();
    assert_eq!(
        (found.entry.as_str(), found.document.get()),
        ("begin", r#"{"id":"scheduled:1"}"#)
    );
    assert!(rig.handle.dynamic_workflow(LOCAL, "scheduled:2").await.unwrap().is_none());
    assert!(
        rig.handle
            .dynamic_workflow(TenantId(2), "scheduled:1")
            .await
            .unwrap()
            .is_none()
    );
    // A run that cannot be made leaves no workflow behind.
    let workflow = DynamicWorkflow {
        workflow_id: "scheduled:3".to_owned(),
        ..found
    };
    let twin = rig.handle.start_dynamic(workflow, start_run("s")).await;
    assert!(matches!(twin, Err(Error::DuplicateRun(_))), "{twin:?}");
    assert!(rig.handle.dynamic_workflow(LOCAL, "scheduled:3").await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_interval_moves_the_wait_and_is_told_from_then_on() {
    let rig = waiting_at(WAIT_INTERVAL, ABOUT).await;
    rig.clock.advance_to(T0.plus(5_000_000));
    let done = rig.command(CommandKind::UpdateSchedule, "s", r#"{"interval":" 2s "}"#).await;
    assert_eq!(done, CommandState::Applied);
    let run = rig.row("s").await;
    assert_eq!(until(&run), Some(T0.plus(7_000_000).iso()));
    assert_eq!(rig.handle.next_due(), Some(T0.plus(7_000_000)));
    let about = schedule_of(&run);
    assert_eq!((&about["interval"], &about["target_flow_id"]), (&"2s".into(), &"root".into()));
    assert!(about["updated_at"].is_string());
    let changed = run.host_patch.as_ref().unwrap();
    assert!(changed.started.get().contains(r#""interval":"1h""#));

    // The next word replaces the last; later waits only, if the client says so.
    let later = r#"{"schedule":"3s","apply_immediately":false}"#;
    assert_eq!(
        rig.command(CommandKind::UpdateSchedule, "s", later).await,
        CommandState::Applied
    );
    let run = rig.row("s").await;
    assert_eq!(
        (until(&run), &schedule_of(&run)["interval"]),
        (Some(T0.plus(7_000_000).iso()), &"3s".into())
    );
    assert_eq!(rig.handle.fire_due(T0.plus(6_999_999)).await.unwrap(), 0);
    assert_eq!(rig.handle.fire_due(T0.plus(7_000_000)).await.unwrap(), 1);
}

#[tokio::test]
async fn the_wait_for_the_start_stays() {
    let rig = waiting_at("wait_start", ABOUT).await;
    let before = until(&rig.row("s").await);
    assert_eq!(
        rig.command(CommandKind::UpdateSchedule, "s", r#"{"interval":"2s"}"#).await,
        CommandState::Applied
    );
    let run = rig.row("s").await;
    assert_eq!((until(&run), &schedule_of(&run)["interval"]), (before, &"2s".into()));
}

#[tokio::test]
async fn a_driver_that_was_told_the_old_interval_is_refused() {
    let mut rig = waiting_at(WAIT_INTERVAL, ABOUT).await;
    rig.handle.fire_due(T0.plus(3_600_000_000)).await.unwrap();
    let late = rig.next("s", Position::Running { node: "n".to_owned() }).await;
    rig.woken().await;
    assert_eq!(
        rig.command(CommandKind::UpdateSchedule, "s", r#"{"interval":"2s"}"#).await,
        CommandState::Applied
    );
    assert!(matches!(rig.handle.advance(late).await, Err(Error::Stale)));
    let at = rig.row("s").await.at;
    assert_eq!(rig.woken().await, [Wake::Stopped(at), Wake::Ready(at)]);
    let live = rig.load("s").await;
    assert_eq!(schedule_of(&live.row)["interval"], "2s");
}

#[tokio::test]
async fn an_update_that_cannot_be_says_why() {
    let rig = waiting_at(WAIT_INTERVAL, ABOUT).await;
    rig.start("plain").await;
    let once = r#"{"kind":"scheduled_run","interval":null}"#;
    let counted = waiting_at(WAIT_INTERVAL, r#"{"kind":"scheduled_run","interval":"1h","repeat_count":3}"#).await;
    let single = waiting_at("wait_start", once).await;
    let update = CommandKind::UpdateSchedule;
    for (rig, run, payload, text) in [
        (&rig, "s", "{}", "update_schedule requires payload.interval"),
        (&rig, "plain", r#"{"interval":"1s"}"#, "the run belongs to no schedule"),
        (&rig, "none", r#"{"interval":"1s"}"#, "Unknown run_id: none"),
        (
            &rig,
            "s",
            r#"{"interval":"0s"}"#,
            "Invalid interval: a schedule without an end needs one above 0",
        ),
        (
            &single,
            "s",
            r#"{"interval":"1s"}"#,
            "the schedule is not recurrent: it has no interval",
        ),
    ] {
        assert_eq!(rig.command(update, run, payload).await, refused(text));
    }
    let bad = rig.command(update, "s", r#"{"interval":"soon"}"#).await;
    assert!(
        matches!(&bad, CommandState::Failed(text) if text.starts_with("Invalid interval: 'soon'")),
        "{bad:?}"
    );
    assert_eq!(
        counted.command(update, "s", r#"{"interval":"0s"}"#).await,
        CommandState::Applied
    );
    rig.command(CommandKind::Cancel, "s", "{}").await;
    assert_eq!(
        rig.command(update, "s", r#"{"interval":"1s"}"#).await,
        refused("the schedule has ended")
    );
    let compact = rig.command(CommandKind::CompactMemory, "plain", "{}").await;
    assert_eq!(
        compact,
        refused("compact_memory needs a model to summarise with, and this host has none")
    );
}

#[tokio::test]
async fn a_resume_fires_a_recurrent_schedule_at_once_and_no_other() {
    let rig = waiting_at(WAIT_INTERVAL, ABOUT).await;
    // Any run of the tree is the schedule's.
    let child = StartRun {
        parent: Some(RunId::from("s")),
        ..start_run("child")
    };
    rig.handle.start(child).await.unwrap();
    rig.command(CommandKind::Resume, "child", "{}").await;
    assert_eq!(rig.handle.next_due(), Some(T0));
    let single = waiting_at("wait_start", r#"{"kind":"scheduled_run","interval":null}"#).await;
    single.command(CommandKind::Resume, "s", "{}").await;
    assert_eq!(single.handle.next_due(), Some(T0.plus(3_600_000_000)));
}

#[tokio::test]
async fn deprecations_are_kept_until_they_are_taken_back() {
    let rig = rig().await;
    let row = |flow_id: Option<&str>, reason: &str| DeprecationRow {
        bundle_id: "b".to_owned(),
        flow_id: flow_id.map(str::to_owned),
        reason: Some(reason.to_owned()),
        at: T0,
    };
    for (flow_id, reason) in [(None, "all"), (Some("f"), "one"), (Some("f"), "again")] {
        rig.handle.deprecate(LOCAL, row(flow_id, reason)).await.unwrap();
    }
    let said = || async {
        let rows = rig.handle.deprecations(LOCAL).await.unwrap();
        let mut said: Vec<_> = rows.into_iter().map(|r| (r.flow_id, r.reason.unwrap())).collect();
        said.sort();
        said
    };
    assert_eq!(
        said().await,
        [(None, "all".to_owned()), (Some("f".to_owned()), "again".to_owned())]
    );
    assert!(rig.handle.deprecations(TenantId(2)).await.unwrap().is_empty());
    assert!(rig.handle.undeprecate(LOCAL, "b", None).await.unwrap());
    assert!(!rig.handle.undeprecate(LOCAL, "b", None).await.unwrap());
    assert_eq!(said().await, [(Some("f".to_owned()), "again".to_owned())]);
}
