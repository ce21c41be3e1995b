use super::waits::{emit, emit_to};
use super::*;

#[tokio::test]
async fn an_event_of_a_flow_reaches_exact_and_wildcard_waits_in_the_order_they_began() {
    let mut rig = rig().await;
    for (id, key) in [
        ("w2", "evt:global:global:go"),
        ("w1", "evt:global:global:*"),
        ("w3", "evt:global:global:gone"),
        ("w4", "evt:run:x:go"),
    ] {
        rig.start(id).await;
        rig.wait(id, vec![event(1, key)]).await;
    }
    let at = rig.start("e").await;
    rig.woken().await;
    let result = emit(&rig, "e", "go").await;
    assert_eq!(
        result.to_string(),
        r#"{"wait_key":"evt:global:global:go","name":"go","scope":"global","delivered":2,"delivered_to":["w2","w1"],"resumed":[{"run_id":"w2","status":"running"},{"run_id":"w1","status":"running"}]}"#
    );
    assert_eq!(rig.woken().await.len(), 2);
    let rows = rig.ledger("e").await;
    assert_eq!(
        rows.iter().map(|r| r.status).collect::<Vec<_>>(),
        [StepStatus::Started, StepStatus::Completed]
    );
    assert_eq!(rows[0].step_id, rows[1].step_id);
    assert!(rows[1].ended_at.as_ref().unwrap() > &rows[1].started_at);
    let resume = rig.ledger("w1").await.pop().unwrap();
    let payload = resume_payload(&resume);
    assert_eq!(payload["wait_key"], "evt:global:global:*");
    let envelope = &payload["payload"];
    assert_eq!(
        (&envelope["name"], &envelope["session_id"], &envelope["payload"]["n"]),
        (&"go".into(), &().into_null(), &1.into())
    );
    assert_eq!(envelope["emitter"]["run_id"], "e");
    // The driver counts the result as consumed when it ticks on.
    let live = rig.load("e").await;
    assert_eq!(
        (live.row.at, live.row.status, live.inbox.len(), live.inbox[0].effect_id),
        (at, RunStatus::Running, 1, 77)
    );
    assert_eq!(emit(&rig, "e", "go").await["delivered"], 0);
}

trait IntoNull {
    fn into_null(self) -> serde_json::Value;
}

impl IntoNull for () {
    fn into_null(self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

#[tokio::test]
async fn a_paused_wait_is_not_matched_and_a_run_takes_an_event_once() {
    let rig = rig().await;
    for id in ["a", "b"] {
        rig.start(id).await;
        rig.wait(id, vec![event(1, "evt:global:global:*"), event(2, "evt:global:global:go")])
            .await;
    }
    rig.command(CommandKind::Pause, "a", "{}").await;
    rig.start("e").await;
    assert_eq!(emit(&rig, "e", "go").await["delivered_to"], serde_json::json!(["b"]));
    assert_eq!(
        (rig.status("a").await, rig.load("b").await.inbox.len()),
        (RunStatus::Waiting, 1)
    );
    rig.command(CommandKind::Resume, "a", "{}").await;
    assert_eq!(rig.status("a").await, RunStatus::Waiting);
    assert_eq!(emit(&rig, "e", "go").await["delivered_to"], serde_json::json!(["a", "b"]));
}

#[tokio::test]
async fn an_emitter_nobody_hears_is_told_what_its_session_listens_for() {
    let rig = rig().await;
    for (id, keys) in [
        ("a", ["evt:session:e:one", "evt:session:e:two"]),
        ("b", ["evt:session:e:two", "evt:session:other:x"]),
        ("c", ["evt:session:e", "evt:session:e;:y"]),
        ("paused", ["evt:session:e:three", "evt:global:global:z"]),
    ] {
        rig.start(id).await;
        rig.wait(id, vec![event(1, keys[0]), event(2, keys[1])]).await;
    }
    rig.command(CommandKind::Pause, "paused", "{}").await;
    rig.start("e").await;
    let names = async |scope, scope_id: &str, name: &str| {
        let emitted = emit_to(&rig, "e", scope, scope_id, name).await;
        emitted.get("available_listeners_in_session").cloned().unwrap_or_default()
    };
    assert_eq!(
        names(EventScope::Session, "e", "nobody").await,
        serde_json::json!(["two", "one"])
    );
    assert_eq!(names(EventScope::Session, "nowhere", "nobody").await, serde_json::Value::Null);
    assert_eq!(names(EventScope::Run, "e", "nobody").await, serde_json::Value::Null);
    assert_eq!(
        names(EventScope::Session, "e", "one").await,
        serde_json::Value::Null,
        "somebody heard"
    );
}

#[tokio::test]
async fn an_event_of_a_client_matches_its_name_only() {
    let rig = rig().await;
    for (id, key) in [("a", "evt:session:s:go"), ("b", "evt:session:s:*"), ("c", "evt:session:c:go")] {
        rig.start(id).await;
        rig.wait(id, vec![event(1, key)]).await;
    }
    let refused = |reason: &str| CommandState::Failed(reason.to_owned());
    let emit = async |payload: &str| rig.command(CommandKind::EmitEvent, "c", payload).await;
    assert_eq!(emit(r#"{"name":" "}"#).await, refused("event name is required"));
    assert_eq!(emit(r#"{"name":"go","scope":"all"}"#).await, refused("unknown event scope"));
    assert_eq!(emit(r#"{"name":"go","scope":"run"}"#).await, refused("missing scope id"));
    assert_eq!(
        emit(r#"{"name":"go","sessionId":"s","payload":7}"#).await,
        CommandState::Applied
    );
    assert_eq!(
        (rig.status("a").await, rig.status("b").await, rig.status("c").await),
        (RunStatus::Running, RunStatus::Waiting, RunStatus::Waiting)
    );
    let Outcome::Completed(envelope) = &rig.load("a").await.inbox[0].outcome else {
        panic!()
    };
    assert_eq!(
        envelope.get(),
        r#"{"event_id":null,"name":"go","scope":"session","session_id":"s","payload":{"value":7},"emitted_at":null,"emitter":{"source":"external","client_id":"cli"}}"#
    );
    // Without a session it goes to the command's run.
    assert_eq!(emit(r#"{"name":"go"}"#).await, CommandState::Applied);
    assert_eq!(rig.status("c").await, RunStatus::Running);
    // Nobody waits: nobody is told, and that is no failure.
    assert_eq!(emit(r#"{"name":"go"}"#).await, CommandState::Applied);
}

#[tokio::test]
async fn an_event_for_many_is_delivered_over_several_commits_and_to_each_once() {
    let many = 600;
    let rig = rig_with(Options {
        cached_runs: 100,
        ..Options::default()
    })
    .await;
    for n in 0..many {
        let id = format!("r{n}");
        rig.start(&id).await;
        rig.wait(&id, vec![event(1, "evt:global:global:go"), event(2, "evt:global:global:*")])
            .await;
    }
    rig.start("e").await;
    // A pause, a cancel and a second event come while the first is on its way.
    let first = emit(&rig, "e", "go");
    let result = first.await;
    assert_eq!(result["delivered"], many);
    let paused = rig.handle.command(command("p", CommandKind::Pause, "r599", "{}"));
    let cancelled = rig.handle.command(command("c", CommandKind::Cancel, "r598", "{}"));
    let (a, b) = tokio::join!(paused, cancelled);
    a.unwrap();
    b.unwrap();
    for n in 0..many - 2 {
        let id = format!("r{n}");
        while rig.status(&id).await != RunStatus::Running {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.load(&id).await.inbox.len(), 1, "{id}");
    }
    rig.command(CommandKind::Resume, "r599", "{}").await;
    assert_eq!(
        (rig.status("r599").await, rig.load("r599").await.inbox.len()),
        (RunStatus::Running, 1)
    );
    assert_eq!(rig.status("r598").await, RunStatus::Cancelled);
}

#[tokio::test]
async fn an_event_waits_for_the_listeners_of_earlier_starts_only() {
    let rig = rig().await;
    let mut run = start_run("root");
    run.listeners = vec![StartRun {
        session_id: Some("root".to_owned()),
        ..start_run("l")
    }];
    rig.handle.start(run).await.unwrap();
    assert_eq!(
        rig.command(CommandKind::EmitEvent, "root", r#"{"name":"go"}"#).await,
        CommandState::Pending
    );
    // Another session does not wait.
    rig.start("free").await;
    assert_eq!(
        rig.command(CommandKind::EmitEvent, "free", r#"{"name":"go"}"#).await,
        CommandState::Applied
    );
    rig.wait("l", vec![event(1, "evt:session:root:go")]).await;
    assert_eq!(rig.status("l").await, RunStatus::Running);
    assert_eq!(rig.load("l").await.inbox.len(), 1);
}
