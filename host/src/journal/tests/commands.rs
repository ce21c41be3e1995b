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

/// The rows of a run that say why a command came to nothing: node and error.
async fn notes(rig: &Rig, run: &str) -> Vec<(String, String)> {
    let rows = rig.ledger(run).await.into_iter();
    rows.filter(|row| {
        row.effect
            .as_ref()
            .is_some_and(|effect| effect.kind == crate::record::COMMAND)
    })
    .map(|row| (row.node_id, row.error.unwrap()))
    .collect()
}

#[tokio::test]
async fn a_command_that_fails_says_so_in_the_ledger_of_its_run() {
    let rig = rig().await;
    rig.start("r").await;
    rig.wait("r", vec![user(1, "r")]).await;
    let before = rig.row("r").await;
    let wrong = r#"{"wait_key":"user:r:other","payload":{"response":"x"}}"#;
    rig.handle
        .command(command("c7", CommandKind::Resume, "r", wrong))
        .await
        .unwrap();
    let row = rig.ledger("r").await.pop().unwrap();
    assert_eq!(
        (row.status, row.node_id.as_str(), row.attempt),
        (StepStatus::Failed, "wait", 1)
    );
    let effect = row.effect.unwrap();
    assert_eq!((effect.kind.as_str(), effect.result_key), ("command", None));
    assert_eq!(
        effect.payload.get(),
        r#"{"command_id":"c7","type":"resume","client_id":"cli"}"#
    );
    assert!(row.result.is_none());
    assert_eq!(
        row.error.as_deref(),
        Some("wait_key mismatch: expected 'user:r:wait', got 'user:r:other'")
    );
    assert_eq!(
        (
            row.idempotency_key.as_deref(),
            row.actor_id.as_deref(),
            row.session_id.as_deref()
        ),
        (Some("command:c7"), Some("gateway"), Some("r"))
    );
    assert_eq!(
        (row.started_at.as_str(), row.ended_at.as_deref()),
        (row.started_at.as_str(), Some(&*row.started_at))
    );
    // Nothing else of the run has changed.
    let after = rig.row("r").await;
    assert_eq!(
        (after.status, after.epoch, after.updated_at, after.own_seq, after.metrics),
        (before.status, before.epoch, before.updated_at, before.own_seq, before.metrics)
    );
    assert_eq!((after.last_seq, after.waiting.is_some()), (before.last_seq + 1, true));
    // A command that is repeated is not taken, and says nothing.
    rig.handle
        .command(command("c7", CommandKind::Resume, "r", wrong))
        .await
        .unwrap();
    assert_eq!(rig.row("r").await.last_seq, after.last_seq);
    // The wait is open as before.
    assert_eq!(
        rig.command(CommandKind::Resume, "r", r#"{"payload":{"ok":1}}"#).await,
        CommandState::Applied
    );
    assert_eq!(rig.load("r").await.inbox.len(), 1);
}

#[tokio::test]
async fn a_driver_at_work_does_not_notice_commands_that_fail() {
    let rig = rig().await;
    rig.start("r").await;
    let next = rig.next("r", Position::Running { node: "n".to_owned() }).await;
    for (kind, payload) in [
        (CommandKind::Resume, r#"{"payload":{}}"#),
        (CommandKind::EmitEvent, r#"{"scope":"session"}"#),
        (CommandKind::EmitEvent, r#"{"name":"x","scope":"galaxy"}"#),
        (CommandKind::EmitEvent, r#"{"name":"x","scope":"workflow"}"#),
        (CommandKind::CompactMemory, "{}"),
    ] {
        assert!(
            matches!(rig.command(kind, "r", payload).await, CommandState::Failed(_)),
            "{payload}"
        );
    }
    let advanced = rig.handle.advance(next).await.unwrap();
    assert_eq!((advanced.own_seq, rig.row("r").await.last_seq), (1, 6));
    let texts: Vec<String> = notes(&rig, "r").await.into_iter().map(|(_, error)| error).collect();
    assert_eq!(
        texts[..4],
        [
            "Run is not waiting",
            "event name is required",
            "unknown event scope",
            "missing scope id"
        ]
    );
    // Two drivers still cannot both move it.
    let (a, b) = (
        rig.next("r", Position::Running { node: "n".to_owned() }).await,
        rig.next("r", Position::Running { node: "n".to_owned() }).await,
    );
    rig.command(CommandKind::Resume, "r", r#"{"payload":{}}"#).await;
    assert!(rig.handle.advance(a).await.is_ok());
    assert!(matches!(rig.handle.advance(b).await, Err(Error::Stale)));
}

#[tokio::test]
async fn a_run_that_is_paused_or_has_ended_tells_of_failed_commands_too() {
    let rig = rig().await;
    let at = rig.start("r").await;
    rig.wait("r", vec![event(1, "evt:global:global:go")]).await;
    rig.command(CommandKind::Pause, "r", "{}").await;
    rig.command(CommandKind::Resume, "r", r#"{"payload":{}}"#).await;
    rig.command(CommandKind::Resume, "r", r#"{"payload":7}"#).await;
    rig.command(CommandKind::Resume, "r", "{}").await;
    rig.command(CommandKind::Cancel, "r", "{}").await;
    let ended = rig.row("r").await;
    // What does nothing because there is nothing to do has not failed.
    for kind in [CommandKind::Pause, CommandKind::Resume, CommandKind::Cancel] {
        assert_eq!(rig.command(kind, "r", "{}").await, CommandState::Applied);
    }
    assert_eq!(rig.row("r").await.last_seq, ended.last_seq);
    rig.command(CommandKind::Resume, "r", r#"{"payload":{}}"#).await;
    let after = rig.row("r").await;
    assert_eq!(
        (after.status, after.updated_at, after.last_seq),
        (RunStatus::Cancelled, ended.updated_at, ended.last_seq + 1)
    );
    let told = [
        ("wait", "Run is paused"),
        ("wait", "resume payload must be an object"),
        ("wait", "Run is not waiting"),
    ];
    assert_eq!(
        notes(&rig, "r").await,
        told.map(|(node, error)| (node.to_owned(), error.to_owned()))
    );
    // The last row that is the run's own is its end.
    let last = rig.handle.last_own_row(at).await.unwrap().unwrap();
    assert!(last.contains("system:terminal_status:cancelled"), "{last}");
}

#[tokio::test]
async fn rows_of_a_driver_are_later_than_what_was_noted_while_it_worked() {
    let rig = rig().await;
    rig.start("r").await;
    let computed = rig.next("r", Position::Running { node: "say".to_owned() }).await;
    rig.clock.advance_to(T0.plus(5_000));
    rig.command(CommandKind::Resume, "r", r#"{"payload":{}}"#).await;
    rig.handle.advance(computed).await.unwrap();
    rig.complete("r", "{}").await;
    let rows = rig.ledger("r").await;
    let times: Vec<Micros> = rows
        .iter()
        .map(|row| Micros::parse(row.ended_at.as_ref().unwrap_or(&row.started_at)).unwrap())
        .collect();
    assert_eq!((rows.len(), notes(&rig, "r").await.len()), (3, 1));
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
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
    assert!(news.peek(0).is_none());
    assert_eq!(api.tail(&news, 0).await.unwrap().rows.len(), 1);
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

#[tokio::test]
async fn answers_of_one_commit_find_their_runs_together() {
    // Heads are read from the database, not remembered.
    let rig = rig_with(Options {
        cached_runs: 1,
        ..Options::default()
    })
    .await;
    let runs: Vec<String> = (0..20).map(|n| format!("r{n}")).collect();
    for id in &runs {
        rig.start(id).await;
        rig.wait(id, vec![user(1, id), event(2, "evt:global:global:x")]).await;
    }
    let payload = r#"{"payload":{"response":"yes"},"wait_key":"user:RUN:wait"}"#;
    let answers = runs.iter().map(|id| {
        let payload = payload.replace("RUN", id);
        let command = command(&format!("answer-{id}"), CommandKind::Resume, id, &payload);
        rig.handle.command(command)
    });
    for answer in futures::future::join_all(answers).await {
        assert!(answer.unwrap().accepted);
    }
    for id in &runs {
        let live = rig.load(id).await;
        assert_eq!(
            (live.row.status, live.inbox.len(), live.waits),
            (RunStatus::Running, 1, vec![2]),
            "{id}"
        );
        assert_eq!(
            rig.ledger(id).await.last().unwrap().effect.as_ref().unwrap().kind,
            "resume",
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_damaged_run_does_not_keep_others_from_their_answers() {
    let rig = rig_with(Options {
        cached_runs: 1,
        ..Options::default()
    })
    .await;
    for id in ["a", "b", "c"] {
        rig.start(id).await;
        rig.wait(id, vec![user(1, id)]).await;
    }
    let damage = "UPDATE run_state SET status = 'odd' WHERE run = (SELECT run FROM runs WHERE run_id = 'b')";
    sqlx::query(damage).execute(&mut *rig.database().await).await.unwrap();
    let answer = |id: &str| {
        rig.handle
            .command(command(id, CommandKind::Resume, id, r#"{"payload":{"response":"yes"}}"#))
    };
    let answers = tokio::join!(answer("a"), answer("b"), answer("c"));
    assert!(answers.1.is_err());
    // Those that were in the same commit ask again, as for any commit that failed.
    for (id, first) in [("a", answers.0), ("c", answers.2)] {
        if first.is_err() {
            assert!(answer(id).await.unwrap().accepted);
        }
        assert_eq!(rig.status(id).await, RunStatus::Running);
    }
}
