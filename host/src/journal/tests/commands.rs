use super::*;

#[tokio::test]
async fn a_command_happens_once() {
    let rig = rig().await;
    rig.start("r").await;
    let first = rig
        .handle
        .command(command("c1", CommandKind::Pause, "r", "{}"))
        .await
        .unwrap();
    assert_eq!(
        first,
        Receipt {
            accepted: true,
            duplicate: false,
            seq: 1
        }
    );
    let other = rig
        .handle
        .command(command("c2", CommandKind::Resume, "r", "{}"))
        .await
        .unwrap();
    assert_eq!(other.seq, 2);
    let again = rig
        .handle
        .command(command("c1", CommandKind::Cancel, "r", "{}"))
        .await
        .unwrap();
    assert_eq!(
        again,
        Receipt {
            accepted: false,
            duplicate: true,
            seq: 1
        }
    );
    assert_eq!(rig.status("r").await, RunStatus::Running);
    // In one commit.
    let (a, b) = tokio::join!(
        rig.handle.command(command("c3", CommandKind::Pause, "r", "{}")),
        rig.handle.command(command("c3", CommandKind::Pause, "r", "{}"))
    );
    assert_eq!(
        (a.unwrap().accepted, b.unwrap()),
        (
            true,
            Receipt {
                accepted: false,
                duplicate: true,
                seq: 3
            }
        )
    );
    // A blank id is a fresh one, and ids of tenants do not meet.
    assert_eq!(
        rig.handle
            .command(command(" ", CommandKind::Pause, "r", "{}"))
            .await
            .unwrap()
            .seq,
        4
    );
    assert!(rig.handle.command_state(LOCAL, "c9").await.unwrap().is_none());
}

#[tokio::test]
async fn a_command_that_fails_is_kept_with_its_reason() {
    let rig = rig().await;
    for kind in [CommandKind::Pause, CommandKind::Cancel, CommandKind::Resume] {
        assert_eq!(
            rig.command(kind, "zz", "{}").await,
            CommandState::Failed("Unknown run_id: zz".to_owned())
        );
    }
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    panic!("it did not happen");
}

#[tokio::test]
async fn two_processes_wake_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = Some(dir.path().join("j.sqlite3"));
    let mut runner = rig_with(Options {
        path: path.clone(),
        nudge: true,
        ..Options::default()
    })
    .await;
    let api = Options {
        path,
        nudge: true,
        role: Role::Api,
        clock: runner.clock.clone(),
        ..Options::default()
    };
    let (api, service) = open(api).await.unwrap();
    let service = tokio::spawn(service.run());

    let started = std::time::Instant::now();
    let run = api.start(start_run("r")).await.unwrap().run;
    let wake = tokio::time::timeout(std::time::Duration::from_secs(2), runner.wakes.next()).await;
    assert_eq!(wake.unwrap(), Some(Wake::Ready(run)));
    assert!(started.elapsed().as_secs() < 2, "told, not found by looking");

    let mut news = api.subscribe(run);
    runner.wait("r", vec![user(1, "r")]).await;
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(2), news.changed())
            .await
            .unwrap()
    );
    assert!(news.rows_after(0).is_none());
    assert_eq!(
        api.run(LOCAL, &RunId::from("r")).await.unwrap().unwrap().status,
        RunStatus::Waiting
    );

    api.command(command("c", CommandKind::Resume, "r", r#"{"payload":{"ok":true}}"#))
        .await
        .unwrap();
    let state = until(async || {
        api.command_state(LOCAL, "c")
            .await
            .unwrap()
            .filter(|s| *s != CommandState::Pending)
    })
    .await;
    assert_eq!(state, CommandState::Applied);
    assert_eq!(runner.load("r").await.inbox.len(), 1);
    // Numbers of both processes do not meet.
    let (a, b) = tokio::join!(api.start(start_run("a")), runner.handle.start(start_run("b")));
    assert_ne!(a.unwrap().run, b.unwrap().run);
    runner.complete("r", "{}").await;
    assert!(matches!(api.start(start_run("b")).await, Err(Error::DuplicateRun(_))));
    api.close().await.unwrap();
    runner.handle.close().await.unwrap();
    service.await.unwrap().unwrap();
}
