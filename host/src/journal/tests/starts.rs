use super::*;

#[tokio::test]
async fn a_run_is_its_own_session_and_starts_at_its_entry() {
    let mut rig = rig().await;
    let at = rig.start("r1").await;
    let row = rig.row("r1").await;
    assert_eq!((row.at, row.status, row.last_seq, row.epoch), (at, RunStatus::Running, 0, 0));
    assert_eq!(
        (row.session_id.as_deref(), row.current_node.as_deref()),
        (Some("r1"), Some("begin"))
    );
    assert_eq!(
        (row.actor_id.as_deref(), row.created_at, row.updated_at),
        (Some("gateway"), T0, T0)
    );
    assert_eq!(row.component, Digest::of(b"component"));
    assert_eq!(
        rig.handle.input(LOCAL, &RunId::from("r1")).await.unwrap().unwrap().get(),
        r#"{"x":1}"#
    );
    assert_eq!(rig.woken().await, [Wake::Ready(at)]);
    assert_eq!(rig.handle.runnable().await.unwrap(), [at]);
    assert!(rig.handle.run(TenantId(2), &RunId::from("r1")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_name_is_used_once_and_a_refused_start_leaves_nothing() {
    let rig = rig().await;
    rig.start("r1").await;
    let twice = rig.handle.start(start_run("r1")).await;
    assert!(matches!(twice, Err(Error::DuplicateRun(id)) if id == "r1"));
    let mut family = start_run("r2");
    family.listeners = vec![start_run("l1"), start_run("l1")];
    assert!(matches!(rig.handle.start(family).await, Err(Error::DuplicateRun(id)) if id == "l1"));
    let mut orphan = start_run("r3");
    orphan.parent = Some(RunId::from("nobody"));
    assert!(matches!(rig.handle.start(orphan).await, Err(Error::UnknownRun(id)) if id == "nobody"));
    // In one commit.
    let (a, b) = tokio::join!(rig.handle.start(start_run("r4")), rig.handle.start(start_run("r4")));
    assert!(a.is_ok() && matches!(b, Err(Error::DuplicateRun(_))));
    let runs = rig
        .handle
        .runs(
            LOCAL,
            RunFilter {
                limit: 10,
                ..RunFilter::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn a_run_goes_when_the_last_of_its_listeners_is_armed() {
    let mut rig = rig().await;
    let mut run = start_run("root");
    run.listeners = vec![start_run("l1"), start_run("l2")];
    let started = rig.handle.start(run).await.unwrap();
    assert_eq!(
        rig.woken().await,
        [Wake::Ready(started.listeners[0]), Wake::Ready(started.listeners[1])]
    );
    assert_eq!(rig.handle.runnable().await.unwrap(), started.listeners);
    rig.wait("l1", vec![event(1, "evt:session:root:go")]).await;
    assert_eq!(rig.woken().await, []);
    // One that fails is one less to wait for.
    rig.go(
        "l2",
        Position::Failed {
            node: "x".to_owned(),
            error: "broken".to_owned(),
        },
    )
    .await
    .unwrap();
    assert_eq!(rig.woken().await, [Wake::Ready(started.run)]);
    assert_eq!(rig.handle.runnable().await.unwrap(), [started.run]);
    let children = rig.handle.children(LOCAL, &RunId::from("root")).await.unwrap();
    assert_eq!(children.iter().map(|c| c.run_id.as_str()).collect::<Vec<_>>(), ["l1", "l2"]);
    assert_eq!(children[0].parent_run_id, Some(RunId::from("root")));
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let rig = rig().await;
    for (id, workflow, session) in [
        ("a", "w1", None),
        ("b", "__internal", None),
        ("c", "w1", Some("s")),
        ("s", "w2", None),
    ] {
        rig.clock.advance_to(rig.clock.now().plus(1000));
        let run = StartRun {
            workflow_id: workflow.to_owned(),
            session_id: session.map(str::to_owned),
            ..start_run(id)
        };
        rig.handle.start(run).await.unwrap();
    }
    rig.clock.advance_to(rig.clock.now().plus(1000));
    rig.complete("a", "{}").await;
    let list = async |filter: RunFilter| -> String {
        let runs = rig.handle.runs(LOCAL, RunFilter { limit: 10, ..filter }).await.unwrap();
        runs.iter()
            .map(|r| r.run_id.as_str().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(list(RunFilter::default()).await, "a s c b");
    assert_eq!(
        list(RunFilter {
            hide_internal: true,
            ..Default::default()
        })
        .await,
        "a s c"
    );
    assert_eq!(
        list(RunFilter {
            status: Some(RunStatus::Completed),
            ..Default::default()
        })
        .await,
        "a"
    );
    assert_eq!(
        list(RunFilter {
            workflow_id: Some("w1".to_owned()),
            ..Default::default()
        })
        .await,
        "a c"
    );
    assert_eq!(
        list(RunFilter {
            session_id: Some("s".to_owned()),
            ..Default::default()
        })
        .await,
        "s c"
    );
}
